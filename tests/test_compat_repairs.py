"""The patches of code that breaks on current Python, numpy and setuptools."""

import logging
import pkgutil
import sys
import types

import mmengine.registry as mmengine
import numpy as np
import pytest
from mmpose.visualization import opencv_backend_visualizer

from hrnet_ext.compat import drawing, inferencers, packages
from hrnet_ext.compat.patching import replace_function
from hrnet_ext.compat.repairs import CodePatch

needs_numpy_2_4 = pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < '2.4.0', reason='numpy < 2.4 still converts the array'
)


def draw_a_circle(alpha):
    visualizer = opencv_backend_visualizer.OpencvBackendVisualizer(backend='opencv')
    visualizer.set_image(np.zeros((21, 21, 3), np.uint8))
    visualizer.draw_circles(
        np.array([10, 10]), radius=np.array([3]), face_colors=(0, 0, 255), alpha=alpha
    )
    return visualizer.get_image()


@pytest.mark.parametrize('alpha', [1.0, 0.5])
def test_a_circle_is_drawn_with_a_radius_in_an_array(alpha):
    image = draw_a_circle(alpha)
    assert image[10, 10].any()
    assert image[10, 13].any()
    assert not image[10, 15].any()


@needs_numpy_2_4
def test_without_the_patch_the_circle_fails_and_with_it_again_not():
    module = opencv_backend_visualizer
    original = module.OpencvBackendVisualizer.draw_circles.__wrapped__
    patched = module.OpencvBackendVisualizer.draw_circles
    module.OpencvBackendVisualizer.draw_circles = original
    with pytest.raises(TypeError, match='0-dimensional'):
        draw_a_circle(1.0)
    undo = drawing.patch_circles(module)
    assert draw_a_circle(1.0)[10, 10].any()
    undo()
    assert module.OpencvBackendVisualizer.draw_circles is original
    module.OpencvBackendVisualizer.draw_circles = patched


def test_numpy_before_2_4_needs_no_patch(monkeypatch):
    monkeypatch.setattr(np, '__version__', '2.3.5')
    assert drawing.patch_circles(opencv_backend_visualizer) is None


@pytest.fixture
def old_mmengine():
    """The look-ups of MMEngine 0.10, which need pkg_resources, and a module that imported one."""
    module = types.ModuleType('old_package_utils')
    source = '\n'.join(
        f'def {name}(package):\n    import pkg_resources\n    return pkg_resources'
        for name in ('is_installed', 'get_installed_path', 'package2module')
    )
    exec(source, module.__dict__)
    importer = types.ModuleType('old_mmengine_importer')
    importer.get_installed_path = module.get_installed_path
    sys.modules.update({module.__name__: module, importer.__name__: importer})
    yield module, importer
    del sys.modules[module.__name__], sys.modules[importer.__name__]


def test_lookups_do_without_pkg_resources(old_mmengine, monkeypatch):
    module, importer = old_mmengine
    monkeypatch.setattr(packages.importlib.util, 'find_spec', hide(packages, 'pkg_resources'))
    original = module.get_installed_path
    undo = packages.patch_package_lookups(module)
    assert module.is_installed('mmpose')
    assert not module.is_installed('no-such-package')
    assert importer.get_installed_path('mmpose').endswith('mmpose')
    assert module.package2module('mmcv-lite' if module.is_installed('mmcv-lite') else 'mmcv')
    undo()
    assert module.get_installed_path is original
    assert importer.get_installed_path is original


def hide(module, name):
    """``find_spec`` for which one module does not exist."""
    find_spec = module.importlib.util.find_spec
    return lambda asked, *args: None if asked == name else find_spec(asked, *args)


def test_lookups_are_left_alone_where_pkg_resources_is(old_mmengine, monkeypatch):
    module, _ = old_mmengine
    monkeypatch.setitem(sys.modules, 'pkg_resources', types.ModuleType('pkg_resources'))
    monkeypatch.setattr(packages.importlib.util, 'find_spec', lambda name: object())
    assert packages.patch_package_lookups(module) is None


def test_the_extension_check_does_without_find_loader(monkeypatch):
    module = types.ModuleType('old_ext_loader')
    source = (
        "def check_ops_exist():\n    import pkgutil\n    return pkgutil.find_loader('mmcv._ext')"
    )
    exec(source, module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.delattr(pkgutil, 'find_loader', raising=False)
    undo = packages.patch_extension_check(module)
    assert module.check_ops_exist() is True
    undo()
    with pytest.raises(AttributeError, match='find_loader'):
        module.check_ops_exist()


def test_a_replaced_function_is_replaced_where_it_was_imported(old_mmengine, monkeypatch):
    module, importer = old_mmengine
    original = module.get_installed_path
    undo = replace_function(module, 'get_installed_path', len)
    later = types.ModuleType('imported_later')
    later.get_installed_path = module.get_installed_path
    monkeypatch.setitem(sys.modules, later.__name__, later)
    assert importer.get_installed_path('mmpose') == later.get_installed_path('mmpose') == 6
    undo()
    assert importer.get_installed_path is later.get_installed_path is original
    assert len('mmpose') == 6  # what took its place is itself still


def test_a_repair_is_logged_once_and_reports_its_state(caplog, monkeypatch):
    caplog.set_level(logging.INFO, logger='hrnet_ext.compat')
    repair = CodePatch(
        'the name', 'the reason', module_name='pkgutil', patch=f'{__name__}:patch_nothing'
    )
    assert repair.status().state == 'off'
    repair.apply()
    repair.apply()
    assert (repair.status().state, repair.status().detail) == ('applied', 'the reason')
    assert [record.message for record in caplog.records] == ['the name: the reason']
    repair.revert()
    assert repair.status().state == 'off'


def patch_nothing(module):
    return lambda: None


@pytest.mark.parametrize('scope', ['mmpose', 'mmdet'])
def test_an_inferencer_finds_a_registry_of_functions_without_a_warning(scope):
    with mmengine.FUNCTIONS.switch_scope_and_registry(scope) as registry:
        assert registry.get('pseudo_collate') is mmengine.FUNCTIONS.get('pseudo_collate')
        assert registry.scope == scope


def test_a_package_keeps_a_registry_of_functions_of_its_own_and_ours_goes_again():
    module = types.ModuleType('mmof_a_test.registry')
    undo = inferencers.add_function_registry(module)
    assert inferencers.add_function_registry(module) is None
    undo()
    assert 'mmof_a_test' not in mmengine.FUNCTIONS.children
