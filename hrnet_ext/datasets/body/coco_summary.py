"""Log messages about the persons of an annotation file."""

from collections.abc import Mapping, Sequence

import numpy as np

from hrnet_ext.formats.coco import CocoContent, name_of
from hrnet_ext.formats.coco_keypoints import USUAL, far_outside
from hrnet_ext.formats.tally import counted


def summary(people: Sequence[Mapping], content: CocoContent) -> str:
    """'2,346 images, 6,352 people; left out: ...', counting the persons that are used."""
    num_images, tally = len({person['image_id'] for person in people}), content.left_out
    chosen = len(content.categories) < len(content.listed)
    of = f' of category {name_of(content.categories[0])}' if chosen else ''
    rest = f'; left out: {tally}' if tally.counts else ''
    return (
        f'{counted(num_images, "image(s)")}, {len(people):,} '
        f'{"person" if len(people) == 1 else "people"}{of}{rest}'
    )


def unusual_reasons(content: CocoContent) -> list[str]:
    """The reasons for leaving persons out that do not occur in a valid file."""
    usual = {*USUAL, *(f'of category {name_of(one)}' for one in content.listed)}
    return [reason for reason in content.left_out.counts if reason not in usual]


def far_boxes(people: Sequence[Mapping], boxes: np.ndarray, sizes: np.ndarray) -> str | None:
    """A message about boxes far outside their images, as PoseTrack18 has at +-5e5, or None.

    Args:
        people: N annotations.
        boxes: (N, 4), their boxes (x, y, w, h); NaN if there is none.
        sizes: (N, 2), sizes (w, h) of their images.
    """
    far = np.flatnonzero(far_outside(boxes, sizes))
    if not len(far):
        return None
    given = ~np.isnan(boxes[:, 0])
    return (
        f'boxes far outside of their images, by more than the size of these: {len(far):,} of '
        f'{given.sum():,}, the first is that of annotation {people[far[0]]["id"]!r}, '
        f'{boxes[far[0]].tolist()} (x, y, w, h); they are clipped to the images, as in MMPose: '
        'correct them'
    )
