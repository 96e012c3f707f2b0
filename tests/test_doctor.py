"""Doctor recognizes the stack's messages, survives what it examines, and says so by its status."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from hrnet_ext.doctor import __main__ as doctor
from hrnet_ext.doctor import devices, installed, probes
from hrnet_ext.doctor.cures import find_cure
from hrnet_ext.doctor.devices import GpuFacts, describe_gpus, gpu_facts
from hrnet_ext.doctor.installed import mim_problem

ROOT = Path(__file__).resolve().parents[1]

MESSAGES = [
    # message as users see it, part of the cure
    ("ModuleNotFoundError: No module named 'mmcv._ext'", 'import hrnet_ext before mmpose'),
    (
        'AssertionError: MMCV==2.2.0 is used but incompatible. Please install mmcv>=2.0.0rc4, '
        '<2.2.0.',
        'install --no-deps mmcv-lite==2.1.0',
    ),
    ('RuntimeError: operator torchvision::nms does not exist', 'torchvision==0.27.1'),
    (
        'ValueError: numpy.dtype size changed, may indicate binary incompatibility. Expected 96 '
        'from C header, got 88 from PyObject\n  File "site-packages/xtcocotools/mask.py"',
        'uninstall -y xtcocotools',
    ),
    (
        'ValueError: numpy.dtype size changed, may indicate binary incompatibility. Expected 96 '
        'from C header, got 88 from PyObject\n  File "site-packages/pycocotools/mask.py"',
        '--force-reinstall --no-deps pycocotools',
    ),
    ("ModuleNotFoundError: No module named 'pkg_resources'", 'install "setuptools<80.9"'),
    ("AttributeError: module 'pkgutil' has no attribute 'ImpImporter'", 'opendatalab openxlab'),
    ("AttributeError: module 'pkgutil' has no attribute 'find_loader'", 'HRNET_EXT_COMPAT'),
    ("AttributeError: module 'inspect' has no attribute 'getargspec'", 'uninstall -y chumpy'),
    (
        "Building wheel for chumpy ... ModuleNotFoundError: No module named 'pip'",
        'uninstall -y chumpy',
    ),
    (
        'openxlab 0.1.3 requires setuptools~=60.2.0, but you have setuptools 84.0.0',
        'uninstall -y opendatalab openxlab',
    ),
    (
        '_pickle.UnpicklingError: Weights only load failed. Unsupported global: GLOBAL '
        'mmengine.logging.history_buffer.HistoryBuffer',
        'import hrnet_ext before mmengine',
    ),
    (
        'TypeError: only 0-dimensional arrays can be converted to Python scalars',
        'import hrnet_ext before mmpose',
    ),
    ('ImportError: libGL.so.1: cannot open shared object file', 'opencv-python-headless'),
    ("ModuleNotFoundError: No module named 'mmdet'", 'install --no-deps mmdet==3.3.0'),
    ("ModuleNotFoundError: No module named 'mmdet.apis'", 'install --no-deps mmdet==3.3.0'),
    ("ModuleNotFoundError: No module named 'json_tricks'", 'install json-tricks'),
    ("ModuleNotFoundError: No module named 'xtcocotools'", 'install pycocotools'),
    ('ValueError: can not find the config file in codebase hrnet_ext', 'without -e'),
]


@pytest.mark.parametrize(('message', 'command'), MESSAGES)
def test_known_messages_have_a_cure(message, command):
    assert command in find_cure(message).command


def test_the_offending_version_is_named():
    assert 'mmcv 2.2.0' in find_cure('MMCV==2.2.0 is used but incompatible').meaning


def test_other_messages_have_none():
    assert find_cure('ZeroDivisionError: division by zero') is None


def test_explaining_a_message(capsys):
    assert doctor.main(['--explain', "No module named 'pkg_resources'"]) == 0
    assert 'setuptools<80.9' in capsys.readouterr().out
    assert doctor.main(['--explain', 'something else']) == 1


def try_out(monkeypatch, tmp_path, *trials):
    monkeypatch.setattr(probes, 'PROBES', trials)
    return probes.try_out(tmp_path)


def test_a_failed_probe_tells_its_message_and_the_next_still_run(monkeypatch, tmp_path):
    findings = try_out(
        monkeypatch, tmp_path, ('bad', 'raise ValueError("of this kind")'), ('good', 'import json')
    )
    assert [(f.name, f.message) for f in findings.failures] == [('bad', 'ValueError: of this kind')]
    assert {name for name, *_ in findings.repairs} >= {'mmcv operators', 'safe checkpoint loading'}


@pytest.mark.parametrize('end', ['os.abort()', 'os._exit(3)', 'sys.exit("enough")'])
def test_a_probe_may_kill_its_process(monkeypatch, tmp_path, end):
    findings = try_out(
        monkeypatch,
        tmp_path,
        ('good', 'import json'),
        ('deadly', f'import os, sys; {end}'),
        ('after', 'raise ValueError("was reached")'),
    )
    assert [failure.name for failure in findings.failures] == ['deadly', 'after']


def test_a_hanging_probe_is_ended(monkeypatch, tmp_path):
    monkeypatch.setattr(probes, '_TIMEOUT', 2)
    findings = try_out(monkeypatch, tmp_path, ('endless', 'while True: pass'))
    assert findings.failures[0].message == 'no answer within 2 s'


def run(monkeypatch, capsys, *trials):
    monkeypatch.setattr(probes, 'PROBES', trials)
    status = doctor.main([])
    return status, capsys.readouterr().out


def test_what_rests_on_a_broken_package_is_one_problem(monkeypatch, capsys):
    failing = 'raise AssertionError("MMCV==2.2.0 is used but incompatible. Please")'
    status, text = run(monkeypatch, capsys, ('mmdet', failing), ('mmpose', failing))
    assert status == 1
    assert 'BROKEN  mmdet, mmpose: AssertionError: MMCV==2.2.0 is used but incompatible' in text
    assert text.count('mmcv-lite==2.1.0 ') + text.count('mmcv-lite==2.1.0\n') == 1


def test_a_whole_stack_has_status_zero(monkeypatch, capsys):
    status, text = run(monkeypatch, capsys, ('numpy', 'import json'))
    assert status == 0
    assert 'nothing needed is broken' in text


def test_mim_may_be_absent_but_not_broken(monkeypatch, capsys):
    absent = 'raise ModuleNotFoundError("No module named \'mim\'")'
    broken = 'raise ModuleNotFoundError("No module named \'pkg_resources\'")'
    assert run(monkeypatch, capsys, ('mim', absent))[0] == 0
    assert run(monkeypatch, capsys, ('mim', broken))[0] == 1


def test_modules_of_the_current_folder_are_not_the_installed_ones(monkeypatch, tmp_path):
    (tmp_path / 'json.py').write_text('raise ValueError("of the current folder")')
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / 'notes'
    folder.mkdir()
    assert not try_out(monkeypatch, folder, ('json', 'import json')).failures


V100 = GpuFacts('CUDA 13.0', 'sm_75 sm_80 sm_90', (('Tesla V100', (7, 0)),), '580.65.06')
OLD = 'The NVIDIA driver on your system is too old (found version 12020). Please update your GPU'


@pytest.mark.parametrize(
    ('facts', 'said'),
    [
        (GpuFacts(), 'not used: this torch was built for CPUs; pip install torch'),
        (
            GpuFacts('CUDA 13.0', error='Found no NVIDIA driver on your system.'),
            'not used: no NVIDIA driver found; torch was built for CUDA 13.0',
        ),
        (
            GpuFacts('CUDA 13.0', driver='535.104.05', error=OLD),
            'not used: driver 535.104.05, which is for CUDA 12.2, is too old, torch was built for '
            'CUDA 13.0; update it, or install a torch for an older CUDA',
        ),
        (
            GpuFacts('CUDA 13.0', driver='580.65.06', error='No CUDA GPUs', visible=''),
            'not used: CUDA_VISIBLE_DEVICES="" hides all GPUs; unset it',
        ),
        (
            GpuFacts('CUDA 13.0', driver='580.65.06', error='No CUDA GPUs', visible='-1'),
            'not used: CUDA_VISIBLE_DEVICES="-1" hides all GPUs',
        ),
        (
            GpuFacts(
                'CUDA 13.0', driver='580.65.06', error='forward compatibility\nx', visible='0'
            ),
            'not used: forward compatibility; driver 580.65.06, torch was built for CUDA 13.0',
        ),
        (
            V100._replace(gpus=(('NVIDIA H100', (9, 0)), ('NVIDIA H100', (9, 0)))),
            'NVIDIA H100 (capability 9.0), NVIDIA H100 (capability 9.0); driver 580.65.06, torch '
            'built for CUDA 13.0',
        ),
        (V100, 'Tesla V100 (capability 7.0: torch has no kernels; install a torch for an older'),
        (V100._replace(gpus=(('T4', (7, 5)),)), 'T4 (capability 7.5); driver'),
        (V100._replace(gpus=(('RTX 3090', (8, 6)),)), 'RTX 3090 (capability 8.6); driver'),
        (V100._replace(gpus=(('B200', (10, 0)),)), 'B200 (capability 10.0: torch has no kernels'),
        (
            V100._replace(gpus=(('B200', (10, 0)),), architectures='sm_90 compute_90'),
            'B200 (capability 10.0); driver',
        ),
        (
            GpuFacts('ROCm 6.4', gpus=(('MI300', (9, 4)),)),
            'MI300 (capability 9.4); driver unknown, torch built for ROCm 6.4',
        ),
    ],
)
def test_gpus_are_described_or_missed_with_a_reason(facts, said):
    assert describe_gpus(facts).startswith(said)


def test_here_and_now_gpus_are_looked_for():
    """Whether there are some or none, on any machine."""
    facts = gpu_facts({'CUDA_VISIBLE_DEVICES': '7'})
    assert facts.visible == '7'
    assert bool(facts.gpus) == torch.cuda.is_available()
    assert bool(facts.error) != bool(facts.gpus) or not facts.built_for


@pytest.mark.parametrize(
    'text',
    [
        'NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023',
        'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  535.104.05  Release Build',
        '535.104.05\n535.104.05\n',  # nvidia-smi's
    ],
)
def test_the_drivers_version_is_read(monkeypatch, tmp_path, text):
    (tmp_path / 'version').write_text(text)
    monkeypatch.setattr(devices, '_KERNEL_MODULE', tmp_path / 'version')
    assert devices._driver_version() == '535.104.05'


def test_the_number_format_of_each_device_is_told(monkeypatch, capsys):
    monkeypatch.setenv('ONEDNN_MAX_CPU_ISA', 'AVX2')
    _, text = run(monkeypatch, capsys, ('torch', 'import torch'))
    formats = text.partition('number formats')[2]
    assert 'cpu           training fp32, inference fp32: ' in formats


def test_forks_are_recognized(monkeypatch):
    versions = {'onedl-mmcv': '2.3.6', 'onedl-mmdetection': '3.5.1', 'mmcv-lite': '2.1.0'}
    monkeypatch.setattr(installed, '_version', versions.get)
    lines = {package.name: installed.describe(package) for package in installed.packages()}
    assert lines['mmdet'] == 'onedl-mmdetection 3.5.1'
    assert lines['mmpose'] == 'absent'
    assert lines['xtcocotools'] == 'absent; hrnet_ext.compat stands in'
    (problem,) = installed.distribution_problems()
    assert problem.what == 'mmcv: mmcv-lite and onedl-mmcv'
    assert not problem.needed


def install(folder, top_level):
    """A distribution `hrnet_ext` in `folder` as an installer writes it."""
    info = folder / 'hrnet_ext-0.1.0.dist-info'
    info.mkdir(parents=True)
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: hrnet_ext\nVersion: 0.1.0\n')
    (info / 'top_level.txt').write_text(top_level)


def add_configs(package):
    (package / '.mim' / 'configs').mkdir(parents=True)
    (package / '.mim' / 'configs' / 'hrnet.py').write_text('')


@pytest.mark.parametrize('kind', ['wheel', 'editable with a path'])
def test_mim_finds_the_configs_of_an_installed_package(monkeypatch, tmp_path, kind):
    site, checkout = tmp_path / 'site', tmp_path / 'checkout' / 'hrnet_ext'
    if kind == 'wheel':
        install(site, 'hrnet_ext\n')
        add_configs(site / 'hrnet_ext')
    else:
        install(site, f'{checkout}\nhrnet_ext\n')
        add_configs(checkout)
    monkeypatch.setenv('PYTHONPATH', str(site))
    assert mim_problem(tmp_path) is None


def test_mim_does_not_find_those_of_an_ordinary_editable_install(monkeypatch, tmp_path):
    install(tmp_path / 'site', 'hrnet_ext\n')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path / 'site'))
    assert 'without -e' in mim_problem(tmp_path).cure


@pytest.mark.parametrize('command', [['tools/doctor.py'], ['-m', 'hrnet_ext.doctor']])
def test_both_ways_to_call_it(command):
    done = subprocess.run(
        [sys.executable, *command, '--explain', "No module named 'mmpose'"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert 'mmpose==1.3.2' in done.stdout


@pytest.mark.slow
def test_this_environment_is_whole():
    done = subprocess.run(
        [sys.executable, 'tools/doctor.py'], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
