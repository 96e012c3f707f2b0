"""The layouts that data sets are rendered in, by name."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from hrnet_ext.synthetic.layouts.coco import CocoLayout
from hrnet_ext.synthetic.layouts.layout import Layout
from hrnet_ext.synthetic.layouts.mpii import MpiiLayout
from hrnet_ext.synthetic.layouts.posetrack18 import PoseTrack18Layout

LAYOUTS: Mapping[str, type[Layout]] = {
    layout.name: layout for layout in (CocoLayout, MpiiLayout, PoseTrack18Layout)
}


def make_spec(layout: str, **arguments: Any) -> Any:
    """The spec of a data set in a layout; what is not given has the layout's default.

    Args:
        layout: A key of :data:`LAYOUTS`.
        arguments: Fields of the layout's ``spec_type``.

    Raises:
        ValueError: An unknown layout, an argument that it does not take, or a value out of range.
    """
    if layout not in LAYOUTS:
        raise ValueError(f'layout must be one of {", ".join(LAYOUTS)}, got {layout!r}')
    spec_type = LAYOUTS[layout].spec_type
    known = [field.name for field in fields(spec_type)]
    for name in arguments:
        if name not in known:
            raise ValueError(
                f'{name} does not apply to layout {layout}, which takes {", ".join(known)}'
            )
    return spec_type(**arguments)
