"""Stand-ins are offered only for what is absent, patches run once their module is imported."""

import importlib
import inspect
import os
import subprocess
import sys
from importlib.machinery import ModuleSpec, PathFinder

import pytest

from hrnet_ext import compat
from hrnet_ext.compat.post_import import when_imported
from hrnet_ext.compat.stand_ins import StandInFinder


@pytest.fixture
def module_dir(tmp_path, monkeypatch):
    """A folder on sys.path whose modules are forgotten again."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def stand_in(module_dir):
    """A finder for `compat_example`, which lives in another folder."""
    source = module_dir / 'elsewhere' / 'stand_in.py'
    source.parent.mkdir()
    source.write_text("origin = 'stand-in'")

    def make_spec() -> ModuleSpec | None:
        return importlib.util.spec_from_file_location('compat_example', source)

    finder = StandInFinder('compat_example', make_spec)
    finder.install()
    yield finder
    finder.remove()


def run(code, **environment):
    """Output of a fresh interpreter that imports this checkout."""
    result = subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        cwd=os.path.dirname(os.path.dirname(__file__)),
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_an_absent_module_is_stood_in_for(stand_in):
    assert importlib.import_module('compat_example').origin == 'stand-in'
    assert stand_in.in_use


def test_a_present_module_wins(module_dir, stand_in):
    (module_dir / 'compat_example.py').write_text("origin = 'installed'")
    importlib.invalidate_caches()
    assert importlib.import_module('compat_example').origin == 'installed'
    assert not stand_in.in_use


def test_a_present_but_broken_module_keeps_its_error(module_dir, stand_in):
    (module_dir / 'compat_example.py').write_text("raise ValueError('numpy.dtype size changed')")
    importlib.invalidate_caches()
    with pytest.raises(ValueError, match=r'numpy\.dtype size changed'):
        importlib.import_module('compat_example')


def test_a_removed_stand_in_is_gone(stand_in):
    stand_in.remove()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module('compat_example')


def test_stand_ins_are_asked_after_every_folder_was_searched():
    compat.apply()
    folders = sys.meta_path.index(PathFinder)
    stand_ins = [n for n, f in enumerate(sys.meta_path) if isinstance(f, StandInFinder)]
    assert len(stand_ins) == 2
    assert folders < min(stand_ins)


def test_applying_twice_arms_everything_once():
    compat.apply()
    finders = list(sys.meta_path)
    compat.apply()
    assert sys.meta_path == finders


def test_importing_compat_imports_nothing_heavy():
    heavy = {'torch', 'torchvision', 'numpy', 'mmengine', 'mmcv', 'mmpose', 'pycocotools', 'cv2'}
    code = f'import sys, hrnet_ext.compat; print(sorted({heavy} & set(sys.modules)))'
    assert run(code) == '[]'


def test_the_switch_turns_everything_off():
    code = """
import sys, hrnet_ext
print({status.state for status in hrnet_ext.compat.report()})
print([finder for finder in sys.meta_path if 'hrnet_ext' in type(finder).__module__])
"""
    assert run(code, HRNET_EXT_COMPAT='0').splitlines() == ["{'off'}", '[]']


def test_reverting_leaves_no_finder_behind():
    code = """
import sys
before = list(sys.meta_path)
import hrnet_ext
hrnet_ext.compat.revert()
print(before == sys.meta_path, {status.state for status in hrnet_ext.compat.report()})
"""
    assert run(code) == "True {'off'}"


def test_mmpose_imports_and_each_repair_reports_itself():
    code = """
import hrnet_ext, mmpose.apis
states = {status.name: status.state for status in hrnet_ext.compat.report()}
assert 'pending' not in states.values(), states
assert states['safe checkpoint loading'] == 'applied', states
print(len(states))
"""
    assert int(run(code)) == len(compat.report())


def make_module(module_dir, body='def answer():\n    return 42\n', name='compat_patched'):
    (module_dir / f'{name}.py').write_text(body)
    importlib.invalidate_caches()
    return name


def patch_answer(module):
    original = module.answer
    module.answer = lambda: original() + 1

    def undo():
        module.answer = original

    return undo


def test_a_patch_waits_for_its_module(module_dir):
    handle = when_imported(make_module(module_dir), patch_answer)
    assert handle.state == 'pending'
    module = importlib.import_module('compat_patched')
    assert (handle.state, module.answer()) == ('applied', 43)
    handle.revert()
    assert (handle.state, module.answer()) == ('off', 42)


def test_a_module_that_is_already_there_is_patched_now(module_dir):
    module = importlib.import_module(make_module(module_dir))
    handle = when_imported('compat_patched', patch_answer)
    assert module.answer() == 43
    handle.revert()
    assert module.answer() == 42


def test_patches_of_one_module_stack_and_unstack(module_dir):
    first = when_imported(make_module(module_dir), patch_answer)
    second = when_imported('compat_patched', patch_answer)
    module = importlib.import_module('compat_patched')
    assert module.answer() == 44
    second.revert()
    first.revert()
    assert module.answer() == 42


def test_a_reverted_patch_waits_no_longer(module_dir):
    when_imported(make_module(module_dir), patch_answer).revert()
    assert importlib.import_module('compat_patched').answer() == 42


def test_a_module_imported_again_is_patched_again(module_dir):
    handle = when_imported(make_module(module_dir), patch_answer)
    importlib.import_module('compat_patched')
    del sys.modules['compat_patched']
    assert importlib.import_module('compat_patched').answer() == 43
    handle.revert()


def test_a_patch_may_decline(module_dir):
    handle = when_imported(make_module(module_dir), lambda module: None)
    importlib.import_module('compat_patched')
    assert handle.state == 'not needed'
    handle.revert()


def test_a_patched_module_keeps_its_source_and_its_loader(module_dir):
    handle = when_imported(make_module(module_dir), patch_answer)
    module = importlib.import_module('compat_patched')
    assert 'return 42' in inspect.getsource(module)
    assert 'exec_module' not in vars(module.__loader__)
    handle.revert()


def test_a_module_that_fails_to_import_fails_as_it_would(module_dir):
    handle = when_imported(make_module(module_dir, 'import no_such_module_anywhere'), patch_answer)
    with pytest.raises(ModuleNotFoundError, match='no_such_module_anywhere'):
        importlib.import_module('compat_patched')
    assert handle.state == 'pending'
    handle.revert()
