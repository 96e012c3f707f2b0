"""The console script: a command for each tool, instant help, one line for a mistake."""

import argparse
import runpy
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from hrnet_ext import __version__, cli
from hrnet_ext.__main__ import COMMANDS, main
from tests.test_tools_cli import HEAVY

ROOT = Path(__file__).parents[1]
MODULES = {name: name.replace('-', '_') for name in COMMANDS}
# The benchmarks need a checkout.
TOOLS_ONLY = {'benchmark'}


def test_every_tool_is_a_command():
    tools = {path.stem for path in (ROOT / 'tools').glob('*.py')}
    assert set(MODULES.values()) == tools - TOOLS_ONLY


@pytest.mark.parametrize('name', COMMANDS)
def test_a_tool_runs_its_command(name):
    tool = ROOT / 'tools' / f'{MODULES[name]}.py'
    command = import_module(f'hrnet_ext.commands.{MODULES[name]}')
    assert runpy.run_path(str(tool))['main'] is command.main


def test_help_of_all_imports_nothing_heavy():
    code = f"""
import sys
from hrnet_ext.__main__ import COMMANDS, main
main(['--help'])
for name in COMMANDS:
    try:
        main([name, '--help'])
    except SystemExit as stop:
        assert not stop.code, stop.code
loaded = [name for name in {HEAVY} if name in sys.modules]
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    for name, purpose in COMMANDS.items():
        assert [line for line in done.stdout.splitlines() if line.split('  ')[1:2] == [name]]
        assert f'  {purpose}\n' in done.stdout
        assert f'usage: hrnet-ext {name} ' in done.stdout


@pytest.mark.parametrize(
    ('name', 'hint'),
    [
        ('tran', 'did you mean train?'),
        ('convert_check', 'did you mean convert-checkpoint?'),
        ('xyz', 'hrnet-ext --help lists the commands'),
        ('--verbose', 'hrnet-ext --help lists the commands'),
    ],
)
def test_an_unknown_command_is_told_with_one_line(name, hint, capsys):
    assert main([name, 'config.py']) == 2
    said = capsys.readouterr()
    assert said.out == ''
    assert said.err == f'error: hrnet-ext has no command {name}; {hint}\n'


def test_without_a_command_all_are_listed(monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['/somewhere/bin/hrnet-ext'])
    assert main() == 0
    said = capsys.readouterr().out
    assert all(f'  {name} ' in said for name in COMMANDS)
    assert main(['--version']) == 0
    assert capsys.readouterr().out == f'hrnet-ext {__version__}\n'


@pytest.mark.parametrize('name', ['make-person-masks', 'make_person_masks'])
def test_both_spellings_of_a_command_run_it(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', [])
    monkeypatch.delenv(cli.DEBUG_VARIABLE, raising=False)
    with pytest.raises(SystemExit) as ended:
        main([name, str(tmp_path / 'none.json'), str(tmp_path / 'out')])
    assert ended.value.code.startswith('error: ')
    assert 'none.json' in ended.value.code
    with pytest.raises(SystemExit):
        main([name])
    assert capsys.readouterr().err.startswith('usage: hrnet-ext make-person-masks ')


def test_a_mistake_ends_the_module_as_it_ends_the_tool():
    command = ['-m', 'hrnet_ext', 'train', 'none.py']
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=ROOT)
    tool = [sys.executable, 'tools/train.py', 'none.py']
    wanted = subprocess.run(tool, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (1, '', wanted.stderr)
    assert wanted.stderr.startswith('error: config file not found: none.py')


@pytest.mark.parametrize(
    ('argv', 'told'),
    [(['tools/train.py', 'x'], 'train.py'), (['hrnet-ext train', 'x'], 'hrnet-ext train')],
)
def test_ctrl_c_tells_how_to_continue_as_it_was_called(argv, told, monkeypatch, capsys):
    from hrnet_ext.commands import train

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, 'argv', argv)
    monkeypatch.setattr(train, 'run', interrupted)
    with pytest.raises(SystemExit) as ended:
        train.main(['config.py'])
    assert ended.value.code == 130
    assert f'({told} --resume continues)' in capsys.readouterr().err


@pytest.mark.parametrize(
    'arguments',
    [
        ('convert-checkpoint', 'in.pth', 'out.pth'),
        ('convert-mpii', 'submission', 'a.json', 'a.mat'),
        ('convert-posetrack', 'merge', 'folder', '--images', 'root', '--out', 'file'),
    ],
    ids=lambda arguments: arguments[0],
)
def test_force_still_means_overwrite_and_warns(arguments, capsys):
    name, *rest = arguments
    parse_args = import_module(f'hrnet_ext.commands.{MODULES[name]}').parse_args
    assert not parse_args(rest).overwrite
    assert parse_args([*rest, '--overwrite']).overwrite
    assert capsys.readouterr().err == ''
    assert parse_args([*rest, '--force']).overwrite
    assert capsys.readouterr().err.startswith('warning: --force is now --overwrite; ')


@pytest.mark.parametrize('name', COMMANDS)
def test_one_thing_has_one_spelling_in_all_commands(name):
    parsers = [import_module(f'hrnet_ext.commands.{MODULES[name]}').make_parser()]
    for parser in parsers:
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                parsers.extend(action.choices.values())
            if action.help != argparse.SUPPRESS:
                assert not {'--force', '--half', '--int8', '--provider', '--runtime'} & {
                    *action.option_strings
                }
