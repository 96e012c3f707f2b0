"""The command-line tools: instant help, one clear message for a mistake, MMPose's options."""

import argparse
import json
import os
import runpy
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from hrnet_ext import cli
from hrnet_ext.commands.train import make_parser
from hrnet_ext.engine import processes, run_config

ROOT = Path(__file__).parents[1]
TOOLS = sorted(path.name for path in (ROOT / 'tools').glob('*.py'))
HEAVY = ('torch', 'numpy', 'mmengine', 'mmcv', 'mmpose', 'mmdet', 'cv2', 'scipy')


def call(*args, code=None, cwd=None, **env):
    """Run a tool, or Python code, from this checkout."""
    command = ['-c', code] if code else [str(ROOT / 'tools' / args[0])]
    return subprocess.run(
        [sys.executable, *command, *map(str, args[1:])],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, 'PYTHONPATH': str(ROOT), **env},
    )


@pytest.mark.parametrize('tool', TOOLS)
def test_help_imports_nothing_heavy(tool):
    code = f"""
import runpy, sys
sys.argv = ['{tool}', '--help']
try:
    runpy.run_path(r'{ROOT / 'tools' / tool}', run_name='__main__')
except SystemExit as stop:
    assert not stop.code, stop.code
loaded = [name for name in {HEAVY} if name in sys.modules]
assert not loaded, loaded
"""
    done = call(tool, code=code)
    assert done.returncode == 0, done.stderr
    assert 'usage:' in done.stdout


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['nowhere/none.py'], 'config file not found: nowhere/none.py'),
        (['hrnet_w32_cocoo'], 'close are: hrnet_w32_coco'),
        (['hrnet_w32_coco', '--cfg-options', 'optim_wraper.x=1'], 'did you mean `optim_wrapper`?'),
        (['hrnet_w32_coco', '--cfg-options', 'resume'], 'takes KEY=VALUE, but got `resume`'),
        (['hrnet_w32_coco', '--resume', 'no.pth'], 'checkpoint not found: no.pth'),
        (['hrnet_w32_coco', '--launcher', 'pytorch'], 'RANK is not set; start it with'),
        (['hrnet_w32_coco', '--work-dir', 'file/below'], 'cannot write to the work dir file/below'),
    ],
)
def test_a_mistake_is_told_without_building_anything(
    arguments, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('RANK', raising=False)
    (tmp_path / 'file').touch()
    args = train_arguments(*arguments)

    from hrnet_ext.engine import launch

    monkeypatch.setattr(launch.Runner, 'from_cfg', pytest.fail)
    with pytest.raises((ValueError, OSError)) as raised:
        launch.train(args)
    assert message in cli.describe(raised.value)


def train_arguments(*arguments):
    """What tools/train.py parses, without its process."""
    return make_parser().parse_args(arguments)


def test_a_mistake_ends_the_process_with_one_line(tmp_path):
    done = call('train.py', 'none.py', cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ''
    assert done.stderr.splitlines()[0].startswith('error: config file not found: none.py')
    assert 'Traceback' not in done.stderr


def test_debug_keeps_the_traceback(tmp_path):
    done = call('train.py', 'none.py', '--debug', cwd=tmp_path)
    assert done.returncode == 1
    assert 'Traceback' in done.stderr


def test_a_bug_keeps_its_traceback():
    def broken():
        raise AttributeError('ours')

    with pytest.raises(AttributeError):
        cli.run(broken)


def wrong_value():
    run_config.parse_options(['no equals sign'])


def wrong_value_of_a_library():
    """Our own words around a library's."""
    try:
        int('x')
    except ValueError:
        wrong_value()


def unknown_type():
    from mmengine.registry import MODELS

    MODELS.build({'type': 'NoSuchModel'})


def unknown_argument():
    from hrnet_ext.registry import MODELS

    MODELS.build({'type': 'hrnet_ext.HRNet', 'widht': 32})


def wrong_setting_of_an_optimizer():
    import torch

    torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=-1.0)


def broken_json():
    json.loads('{"a": ')


def from_a_loaders_process():
    from torch._utils import ExceptionWrapper

    try:
        wrong_value()
    except ValueError:
        ExceptionWrapper(where='in DataLoader worker process 0').reraise()


def from_a_pool():
    with ProcessPoolExecutor(1, mp_context=get_context('fork')) as pool:
        pool.submit(wrong_value).result()


def quoted_by_the_runner():
    from mmengine.runner import Runner

    runner = object.__new__(Runner)
    runner._hooks = [argparse.Namespace(before_run=lambda _: unknown_argument())]
    runner.call_hook('before_run')


def missing_file():
    Path('no/such/file').read_text()


@pytest.mark.parametrize(
    ('fail', 'told'),
    [
        (wrong_value, 'error: --cfg-options takes KEY=VALUE'),
        (wrong_value_of_a_library, 'error: --cfg-options takes KEY=VALUE'),
        (unknown_type, 'error: NoSuchModel is not in the mmengine::model registry'),
        (unknown_argument, "unexpected keyword argument 'widht'"),
        (wrong_setting_of_an_optimizer, 'error: Invalid learning rate: -1.0'),
        (broken_json, 'error: Expecting value'),
        (from_a_loaders_process, 'error: --cfg-options takes KEY=VALUE'),
        (from_a_pool, 'error: --cfg-options takes KEY=VALUE'),
        (quoted_by_the_runner, "unexpected keyword argument 'widht'"),
        (missing_file, 'No such file or directory'),
    ],
)
def test_what_the_user_can_cure_ends_with_one_line(fail, told, monkeypatch):
    monkeypatch.delenv(cli.DEBUG_VARIABLE, raising=False)
    with pytest.raises(SystemExit) as ended:
        cli.run(fail)
    assert told in ended.value.code


def lookup():
    processes._first_host(None)  # AttributeError


def wrong_type():
    run_config.parse_options([3])  # TypeError: argument of type 'int' is not iterable


def wrong_number():
    processes.set_launcher({}, [])  # TypeError: unhashable


def missing_key():
    processes._check_launched('pytroch')  # KeyError: 'pytroch'


def number_of_ours():
    from hrnet_ext.codecs import MSRAHeatmap

    MSRAHeatmap((64, 'x'), (16, 24), 2.0)


def number_of_pythons():
    os.environ['LOCAL_RANK'] = 'x'
    processes._check_gpus('pytorch')  # ValueError: invalid literal for int()


def wrong_call():
    run_config.find_checkpoint('a.pth', wrok_dir='')


def from_a_loaders_process_by_accident():
    from torch._utils import ExceptionWrapper

    try:
        missing_key()
    except KeyError:
        ExceptionWrapper(where='in DataLoader worker process 0').reraise()


def quoted_by_the_runner_by_accident():
    from mmengine.runner import Runner

    runner = object.__new__(Runner)
    runner._hooks = [argparse.Namespace(before_run=lambda _: wrong_type())]
    runner.call_hook('before_run')


@pytest.mark.parametrize(
    'fail',
    [
        lookup, wrong_type, wrong_number, missing_key, number_of_ours, number_of_pythons,
        wrong_call, from_a_loaders_process_by_accident, quoted_by_the_runner_by_accident,
    ],
)  # fmt: skip
def test_what_our_own_code_stumbles_over_keeps_its_traceback(fail, monkeypatch):
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.delenv(cli.DEBUG_VARIABLE, raising=False)
    with pytest.raises((AttributeError, KeyError, TypeError, ValueError)):
        cli.run(fail)


def test_ctrl_c_ends_with_one_line_and_the_shells_status(capsys):
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        cli.run(interrupted, after_interrupt='train.py --resume continues')
    assert ended.value.code == 130
    assert 'saved is whole (train.py --resume continues)' in capsys.readouterr().err


def test_errors_from_loader_workers_lose_their_traceback():
    text = 'Caught ValueError in worker 0.\nOriginal Traceback (most recent):\n  x\nValueError: bad'
    assert cli.describe(ValueError(text)) == 'bad'


def test_a_missing_key_is_told_without_quotes():
    assert cli.describe(KeyError('Foo is not in the model registry')).startswith('Foo is not')


@pytest.mark.parametrize('spelling', ['--local-rank=3', '--local_rank=3'])
def test_both_spellings_of_the_local_rank_reach_mmengine(spelling, monkeypatch):
    monkeypatch.delenv('LOCAL_RANK', raising=False)
    monkeypatch.setattr(sys, 'argv', ['train.py', 'config', spelling])
    parser = cli.config_parser('')
    cli.add_run_arguments(parser)
    cli.parse_run_arguments(parser)
    assert os.environ.pop('LOCAL_RANK') == '3'


def test_options_override_by_mmengines_rules():
    cfg = run_config.read_config(
        'hrnet_w32_coco', ['train_cfg.max_epochs=3', 'log_level=DEBUG', 'env_cfg.x=[1,2]']
    )
    assert (cfg.train_cfg.max_epochs, cfg.log_level, cfg.env_cfg.x) == (3, 'DEBUG', [1, 2])


@pytest.fixture
def config():
    """A config with nothing to build."""
    return run_config.read_config('hrnet_w32_coco', [])


def test_the_work_dir_is_named_by_argument_then_config_then_file(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    args = argparse.Namespace(work_dir=None, config='some/where/my_config.py')
    run_config.set_work_dir(config, args)
    assert config.work_dir == 'work_dirs/my_config'
    config.work_dir = 'from_config'
    run_config.set_work_dir(config, args)
    assert config.work_dir == 'from_config'
    args.work_dir = 'from_argument'
    run_config.set_work_dir(config, args)
    assert config.work_dir == 'from_argument'
    assert (tmp_path / 'from_argument').is_dir()


def test_best_and_last_name_checkpoints_of_the_work_dir(tmp_path):
    for name, age in (('best_coco_AP_epoch_10.pth', 20), ('best_coco_AP_epoch_90.pth', 0)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_95.pth'))
    find = run_config.find_checkpoint
    assert find('best', str(tmp_path)) == str(tmp_path / 'best_coco_AP_epoch_90.pth')
    assert find('last', str(tmp_path)) == str(tmp_path / 'epoch_95.pth')
    assert find('https://a/b.pth', str(tmp_path)) == 'https://a/b.pth'
    with pytest.raises(FileNotFoundError, match='no `best` checkpoint'):
        find('best', str(tmp_path / 'empty'))


def test_drawing_needs_a_hook_that_draws(config):
    args = argparse.Namespace(show=False, show_dir='vis', interval=7, wait_time=None)
    run_config.set_drawing(config, args)
    hook = config.default_hooks.visualization
    assert (hook.enable, hook.out_dir, hook.interval) == (True, 'vis', 7)
    del config.default_hooks['visualization']
    with pytest.raises(ValueError, match='PoseVisualizationHook'):
        run_config.set_drawing(config, args)


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        ({'interval': 7}, '--interval has no effect without --show-dir'),
        ({'wait_time': 1.0, 'show_dir': 'vis'}, '--wait-time has no effect without --show;'),
    ],
)
def test_drawing_options_that_would_be_ignored_are_refused(config, given, message):
    absent = {'show': False, 'show_dir': None, 'interval': None, 'wait_time': None}
    with pytest.raises(ValueError, match=message):
        run_config.set_drawing(config, argparse.Namespace(**absent | given))


@pytest.mark.parametrize(
    ('tool', 'option', 'value', 'wanted'),
    [
        ('make_bbox_file.py', '--batch-size', '0', 'a whole number from 1'),
        ('make_bbox_file.py', '--num-workers', '-1', 'a whole number from 0'),
        ('make_bbox_file.py', '--nms-thr', '1.5', 'a number from 0 to 1'),
        ('make_bbox_file.py', '--score-thr', 'nan', 'a number from 0 to 1'),
        ('draw_predictions.py', '--num-images', '0', 'a whole number from 1'),
        ('export.py', '--check-crops', '0', 'a whole number from 1'),
        ('track.py', '--batch-size', 'many', 'a whole number from 1'),
        ('test.py', '--interval', '0', 'a whole number from 1'),
        ('test.py', '--wait-time', '-1', 'a number from 0'),
    ],
)
def test_numbers_out_of_their_range_are_told_by_the_parser(
    tool, option, value, wanted, monkeypatch, capsys
):
    monkeypatch.setattr(sys, 'argv', [tool, option, value])
    with pytest.raises(SystemExit):
        runpy.run_path(str(ROOT / 'tools' / tool))['main']()
    assert capsys.readouterr().err.endswith(
        f'error: argument {option}: should be {wanted}, but is {value}\n'
    )


@pytest.mark.parametrize(
    ('node_list', 'first'),
    [
        ('gpu07', 'gpu07'),
        ('gpu07,gpu08', 'gpu07'),
        ('gpu[03-05,9],x', 'gpu03'),
        ('a,gpu[1-2]', 'a'),
        ('n[7,9]', 'n7'),
    ],
)
def test_slurm_processes_meet_on_the_first_machine(node_list, first):
    assert processes._first_host(node_list) == first


def test_slurm_variables_become_pytorchs(config, monkeypatch):
    seen = {}
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT'):
        monkeypatch.setenv(name, '')  # so that it is restored afterwards
        monkeypatch.delenv(name)
    for name, value in (('PROCID', '5'), ('NTASKS', '8'), ('LOCALID', '1'), ('NODELIST', 'n[2-3]')):
        monkeypatch.setenv(f'SLURM_{name}', value)
    monkeypatch.setattr(processes.torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(
        processes.distributed, 'init_process_group', lambda b: seen.update(os.environ, backend=b)
    )
    processes.set_launcher(config, 'slurm')
    assert seen['backend'] == 'gloo'
    assert (seen['RANK'], seen['WORLD_SIZE'], seen['LOCAL_RANK']) == ('5', '8', '1')
    assert (seen['MASTER_ADDR'], seen['MASTER_PORT']) == ('n2', '29500')
    assert config.model_wrapper_cfg['device_ids'] is None


def test_one_of_the_processes_without_a_gpu_tells(config, monkeypatch):
    monkeypatch.setattr(processes.torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(processes.torch.cuda, 'device_count', lambda: 2)

    def start(rank: int) -> None:
        for name, value in {'RANK': rank, 'WORLD_SIZE': 4, 'LOCAL_RANK': rank}.items():
            monkeypatch.setenv(name, str(value))
        processes.set_launcher(config, 'pytorch')

    start(rank=1)
    with pytest.raises(ValueError, match='more processes than GPUs: 2 on this machine'):
        start(rank=2)
    with pytest.raises(SystemExit):
        start(rank=3)


@pytest.mark.parametrize('script', ['slurm_train.sh', 'slurm_test.sh'])
def test_slurm_scripts_ask_srun_for_one_task_per_gpu(script, tmp_path):
    srun = tmp_path / 'srun'
    srun.write_text('#!/bin/sh\nfor a in "$@"; do echo "$a"; done\n')
    srun.chmod(0o755)
    arguments = ['part', 'job', 'config.py', 'fourth', '--cfg-options', 'a=b c']
    path = f'{tmp_path}:{os.environ["PATH"]}'
    done = subprocess.run(
        ['bash', ROOT / 'tools' / script, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, 'PATH': path, 'GPUS': '16', 'SRUN_ARGS': '--qos high'},
    )
    words = done.stdout.splitlines()
    assert {'--partition=part', '--job-name=job', '--ntasks=16', '--gres=gpu:8', '--qos'} <= {
        *words
    }
    tool = 'train.py' if 'train' in script else 'test.py'
    assert [word for word in words if word.endswith(tool)]
    fourth = ['--work-dir', 'fourth'] if 'train' in script else ['fourth']
    assert words[-6 - len(fourth) + 1 :] == [
        'config.py', *fourth, '--cfg-options', 'a=b c', '--launcher', 'slurm'
    ]  # fmt: skip


@pytest.mark.parametrize('script', ['dist_train.sh', 'dist_test.sh', 'slurm_train.sh'])
def test_scripts_say_how_they_are_used(script):
    done = subprocess.run(['bash', ROOT / 'tools' / script], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith('usage: ')


def test_a_number_of_processes_is_a_number():
    script = ROOT / 'tools' / 'dist_train.sh'
    done = subprocess.run(['bash', script, 'config.py', 'two'], capture_output=True, text=True)
    assert done.returncode != 0
    assert "'two' is no number of processes" in done.stderr


def test_the_metric_file_has_a_known_format():
    from hrnet_ext.engine.launch import test as run_test

    args = argparse.Namespace(out='metrics.txt', dump=None)
    with pytest.raises(ValueError, match=r'--out metrics.txt: the name should end in .json'):
        run_test(args)
