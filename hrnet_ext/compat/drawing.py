"""Repair of MMPose's drawing of circles with numpy 2.4."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from hrnet_ext.compat.patching import replace_attribute
from hrnet_ext.compat.post_import import Undo


def patch_circles(module: ModuleType) -> Undo | None:
    """Let `OpencvBackendVisualizer.draw_circles` take a radius that is an array of one element.

    The method calls ``int(radius)`` for an array of shape (1,), which numpy 2.4 refuses.

    Args:
        module: ``mmpose.visualization.opencv_backend_visualizer``.

    Returns:
        What restores the method; None where numpy still allows it.
    """
    if _one_element_array_is_a_number():
        return None
    original = module.OpencvBackendVisualizer.draw_circles

    @functools.wraps(original)
    def draw_circles(self: Any, center: Any, radius: Any, *args: Any, **kwargs: Any) -> Any:
        if self.backend == 'opencv' and getattr(radius, 'size', None) == 1:
            radius = radius.item()
        return original(self, center, radius, *args, **kwargs)

    return replace_attribute(module.OpencvBackendVisualizer, 'draw_circles', draw_circles)


def _one_element_array_is_a_number() -> bool:
    import numpy as np

    major, minor = (int(part) for part in np.__version__.split('.')[:2])
    return (major, minor) < (2, 4)  # checked by version, because a trial only warns before 2.4
