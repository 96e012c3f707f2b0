"""The list of repairs: name, reason, and how each is applied and reverted."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from types import ModuleType

from hrnet_ext.compat import stand_ins
from hrnet_ext.compat.post_import import PostImportPatch, Undo, when_imported
from hrnet_ext.compat.stand_ins import StandInFinder


@dataclass(frozen=True)
class RepairStatus:
    """The state of a repair: 'applied', 'pending', 'not needed' or 'off'."""

    name: str
    state: str
    detail: str


class StandIn:
    """A repair of a missing module: imports of it get a stand-in.

    Args:
        name: name of the repair in logs and reports.
        why: one sentence about the failure without it.
        module_name: the missing module.
        make_spec: spec of the stand-in, or None if it cannot work.
        is_present: whether the real module is installed; must not import it.
    """

    def __init__(
        self,
        name: str,
        why: str,
        *,
        module_name: str,
        make_spec: Callable[[], ModuleSpec | None],
        is_present: Callable[[], bool],
    ) -> None:
        self.name = name
        self.why = why
        self._finder = StandInFinder(module_name, make_spec)
        self._is_present = is_present
        self._armed = False

    def apply(self) -> None:
        """Offer the stand-in to later imports."""
        self._finder.install()
        self._armed = True

    def revert(self) -> None:
        """Stop offering the stand-in."""
        self._finder.remove()
        self._armed = False

    def status(self) -> RepairStatus:
        """The current state; the module is searched for but not imported."""
        if self._finder.in_use:
            return RepairStatus(self.name, 'applied', self.why)
        if not self._armed:
            return RepairStatus(self.name, 'off', self.why)
        if self._is_present():
            detail = f'{self._finder.module_name} is installed and is used'
            return RepairStatus(self.name, 'not needed', detail)
        return RepairStatus(self.name, 'pending', self.why)


class CodePatch:
    """A repair of code that fails in this environment; applied when its module is imported.

    Args:
        name: name of the repair in logs and reports.
        why: one sentence about the failure without it.
        module_name: the module to patch.
        patch: ``'module:function'`` with ``function(module) -> undo or None``; imported when
            first needed.
    """

    def __init__(self, name: str, why: str, *, module_name: str, patch: str) -> None:
        self.name = name
        self.why = why
        self._module_name = module_name
        self._patch = patch
        self._handle: PostImportPatch | None = None

    def apply(self) -> None:
        """Patch the module now if it is imported, otherwise on its import."""
        if self._handle is None:
            self._handle = when_imported(self._module_name, self._run)

    def revert(self) -> None:
        """Restore the module's own code."""
        if self._handle is not None:
            self._handle.revert()
        self._handle = None

    def status(self) -> RepairStatus:
        """The current state."""
        if self._handle is None:
            return RepairStatus(self.name, 'off', self.why)
        if self._handle.state == 'not needed':
            detail = f'{self._module_name} is whole in this environment'
            return RepairStatus(self.name, 'not needed', detail)
        return RepairStatus(self.name, self._handle.state, self.why)

    def _run(self, module: ModuleType) -> Undo | None:
        module_name, function_name = self._patch.split(':')
        undo = getattr(importlib.import_module(module_name), function_name)(module)
        if undo is not None:
            _log(f'{self.name}: {self.why}')
        return undo


def _log(message: str) -> None:
    import logging  # imported here to keep `import hrnet_ext` fast

    logging.getLogger('hrnet_ext.compat').info(message)


REPAIRS: tuple[StandIn | CodePatch, ...] = (
    StandIn(
        'mmcv operators',
        'this mmcv has no compiled operators; torch and torchvision compute them instead',
        module_name='mmcv._ext',
        make_spec=stand_ins.mmcv_ext_spec,
        is_present=stand_ins.mmcv_ext_is_present,
    ),
    StandIn(
        'xtcocotools',
        'xtcocotools is not installed; pycocotools does its work',
        module_name='xtcocotools',
        make_spec=stand_ins.xtcocotools_spec,
        is_present=stand_ins.xtcocotools_is_present,
    ),
    CodePatch(
        'package look-ups without pkg_resources',
        'MMEngine 0.10 imports pkg_resources, which setuptools 82 removed',
        module_name='mmengine.utils.package_utils',
        patch='hrnet_ext.compat.packages:patch_package_lookups',
    ),
    CodePatch(
        'extension check of mmcv without find_loader',
        'mmcv calls pkgutil.find_loader, which Python 3.14 removed',
        module_name='mmcv.utils.ext_loader',
        patch='hrnet_ext.compat.packages:patch_extension_check',
    ),
    CodePatch(
        'extension check of mmengine without find_loader',
        'MMEngine calls pkgutil.find_loader, which Python 3.14 removed',
        module_name='mmengine.utils.dl_utils.misc',
        patch='hrnet_ext.compat.packages:patch_extension_check',
    ),
    CodePatch(
        'safe checkpoint loading',
        'MMEngine 0.10 cannot read its own checkpoints under torch >= 2.6, '
        'and 0.11 lets a checkpoint run code',
        module_name='mmengine.runner.checkpoint',
        patch='hrnet_ext.compat.safe_loading:patch_checkpoint',
    ),
    CodePatch(
        'circles under numpy 2.4',
        "MMPose's drawing calls int() on an array of one element, a TypeError since numpy 2.4",
        module_name='mmpose.visualization.opencv_backend_visualizer',
        patch='hrnet_ext.compat.drawing:patch_circles',
    ),
    CodePatch(
        'released weights in inferencers',
        'MMPoseInferencer(pose2d=PATH) with a shipped config and no weights would be untrained',
        module_name='mmengine.infer.infer',
        patch='hrnet_ext.compat.inferencers:use_released_weights',
    ),
    *(
        CodePatch(
            f'registry of functions in {package}',
            f'{package} has none, and MMEngine warns when an inferencer looks for one',
            module_name=f'{package}.registry',
            patch='hrnet_ext.compat.inferencers:add_function_registry',
        )
        for package in ('mmpose', 'mmdet')
    ),
)
