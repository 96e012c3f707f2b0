"""The package's configs and tools reach its users: checkout, wheel, editable install."""

import configparser
import re
import subprocess
import sys
import zipfile
from collections import Counter
from importlib.metadata import EntryPoint, version
from pathlib import Path, PurePosixPath

import pytest
from packaging.version import parse

import hrnet_ext
from hrnet_ext.__main__ import main

ROOT = Path(__file__).parents[1]
OPENMMLAB = ('mmcv', 'mmcv-lite', 'mmengine', 'mmdet', 'mmpose', 'xtcocotools', 'chumpy')


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    """The names in a wheel of this checkout, built without touching its build/ folder."""
    folder = tmp_path_factory.mktemp('wheel')
    build = ['-m', 'pip', 'wheel', '--no-deps', '--no-build-isolation', '-q', '-w', folder]
    subprocess.run([sys.executable, *build, _copy(folder / 'source')], check=True)
    with zipfile.ZipFile(next(folder.glob('*.whl'))) as archive:
        return archive.namelist()


def _copy(target):
    """What the build reads, in a folder that it may write into."""
    parts = ['setup.cfg', 'setup.py', 'pyproject.toml', 'hrnet_ext', 'configs', 'tools']
    target.mkdir()
    subprocess.run(
        ['cp', '-RP', *[ROOT / part for part in [*parts, 'benchmarks', 'model-index.yml']], target],
        check=True,
    )
    (target / 'README.md').touch()
    return target


def test_config_path_finds_every_shipped_config_with_and_without_suffix():
    configs = sorted((ROOT / 'configs').glob('*.py'))
    assert configs
    for config in configs:
        assert hrnet_ext.config_path(config.stem) == str(config)
        assert hrnet_ext.config_path(config.name) == str(config)


def test_config_path_names_the_closest_configs():
    with pytest.raises(ValueError, match=r"'hrnet_w32_cocoo'.*close are: hrnet_w32_coco,"):
        hrnet_ext.config_path('hrnet_w32_cocoo')


def test_parts_of_configs_are_no_configs():
    with pytest.raises(ValueError, match='default_runtime'):
        hrnet_ext.config_path('default_runtime')


def test_mim_finds_each_config_name_once():
    # mim searches the whole package by file name and follows links
    listing = subprocess.run(
        ['find', '-L', ROOT / 'hrnet_ext', '-name', '*.py', '-path', '*configs*'],
        capture_output=True,
        check=True,
        text=True,
    )
    names = Counter(Path(line).name for line in listing.stdout.split())
    assert names['hrnet_w32_coco.py'] == 1
    assert [name for name, count in names.items() if count > 1] == []


def test_requirements_leave_the_openmmlab_stack_alone():
    # forks install the same modules under other names and would be overwritten
    setup = configparser.ConfigParser()
    setup.read(ROOT / 'setup.cfg')
    required = setup['options']['install_requires'].split()
    assert 'torch' in required
    assert not set(required) & set(OPENMMLAB)


@pytest.mark.parametrize('name', ['runtime', 'tests', 'export'])
def test_every_requirement_has_a_tested_pin(name):
    def names(file):
        lines = (ROOT / 'requirements' / f'{file}.txt').read_text().splitlines()
        return {line.split('<')[0].split('=')[0] for line in lines if line and line[0] not in '#-'}

    assert names(name) <= names('constraints')


@pytest.mark.slow
def test_a_wheel_has_every_config_and_tool_once_as_a_file(wheel):
    for folder in ('configs', 'tools'):
        files = [
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / folder).rglob('*')
            if path.suffix in ('.py', '.sh', '.yml')
        ]
        assert files
        for file in files:
            assert [name for name in wheel if name.endswith(file)] == [f'hrnet_ext/.mim/{file}']
    assert 'hrnet_ext/.mim/model-index.yml' in wheel
    assert 'hrnet_ext/py.typed' in wheel


def test_the_console_script_is_declared():
    setup = configparser.ConfigParser()
    setup.read(ROOT / 'setup.cfg')
    script = EntryPoint(
        *setup['options.entry_points']['console_scripts'].strip().split(' = '), 'console_scripts'
    )
    assert script.name == 'hrnet-ext'
    assert script.load() is main


@pytest.mark.slow
def test_a_wheel_has_the_console_script(wheel):
    assert [name for name in wheel if name.endswith('.dist-info/entry_points.txt')]


@pytest.mark.slow
def test_a_wheel_has_every_module_and_nothing_else(wheel):
    modules = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / 'hrnet_ext').rglob('*.py')
        if '.mim' not in path.parts
    }
    assert modules <= set(wheel)
    assert {PurePosixPath(name).parts[0].split('-')[0] for name in wheel} == {'hrnet_ext'}


@pytest.mark.slow
def test_an_editable_install_leads_mim_to_the_checkout(tmp_path):
    source = _copy(tmp_path / 'source')
    build = 'import sys; from setuptools import build_meta; build_meta.build_editable(sys.argv[1])'
    subprocess.run([sys.executable, '-c', build, tmp_path], cwd=source, check=True)
    with zipfile.ZipFile(next(tmp_path.glob('*.whl'))) as archive:
        (top_level,) = [name for name in archive.namelist() if name.endswith('top_level.txt')]
        # mim and MMEngine join its first line to the install's location: an absolute path wins
        assert archive.read(top_level).decode().split() == [str(source / 'hrnet_ext'), 'hrnet_ext']


def test_mim_warns_of_nothing_with_the_pinned_setuptools():
    constraints = (ROOT / 'requirements' / 'constraints.txt').read_text()
    pinned = re.search(r'^setuptools==(\S+)', constraints, re.M)[1]
    assert parse(pinned) < parse('80.9')  # which warns at each import of pkg_resources
    if version('setuptools') != pinned:
        pytest.skip('another setuptools is installed than the pinned one')
    command = [sys.executable, '-c', 'import mim.commands.list']
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ''
