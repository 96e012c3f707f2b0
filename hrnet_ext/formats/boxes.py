"""Files of detected person boxes, in COCO's result format, and their validation.

N: boxes, (x, y, w, h) in image space, pixels, as in the file. Image ids are numbers or strings, as
in the annotation file that the boxes belong to.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from hrnet_ext.formats.coco_values import number_table
from hrnet_ext.formats.files import Tally
from hrnet_ext.reading import check_records

FIELDS = ('image_id', 'bbox', 'score')
PERSON = 1  # category of detected boxes, in MMPose and in tools/make_bbox_file.py
NO_IMAGE = 'of images that the annotation file does not list'
NO_AREA = 'without area'

# Boxes (x1, y1, x2, y2) that are read as (x, y, w, h) end far outside their images. Detected boxes
# end inside; annotated and tracked boxes sometimes end slightly outside.
FAR_OUTSIDE = 1.05  # times the image's side
MANY = 0.1  # share of boxes that end far outside
FEWEST = 4  # boxes needed for a decision
NEARLY_ALL = 0.99  # share of boxes that are valid as (x1, y1, x2, y2)

Sizes = Mapping[Hashable, tuple[float, float] | None]


def check_boxes(
    content: object, where: str, sizes: Sizes | None = None, *, fields: Sequence[str] = FIELDS
) -> tuple[list[dict], Tally]:
    """Check the content of a box file.

    Args:
        content: Content of the JSON file.
        where: Name of the file, for messages.
        sizes: (w, h) of the images of the annotation file by id, None for an unknown size; None if
            there is no such file.
        fields: Required fields of each box.

    Returns:
        The usable boxes, unchanged, and a tally of the others by reason.

    Raises:
        ValueError: If it is not a box file, a box or score is not finite, most boxes have unknown
            image ids, or boxes are (x1, y1, x2, y2).
    """
    if isinstance(content, Mapping) and {'images', 'annotations'} <= content.keys():
        raise ValueError(
            f'{where} is an annotation file, but should be a list of detected boxes; omit it to '
            'use the annotated boxes'
        )
    check_records(content, tuple(fields), where)
    tally = Tally()
    if not content:
        return [], tally
    boxes = _numbers(content, where)
    if sizes is None:
        kept = np.arange(len(content))
    else:
        kept = _of_listed(content, sizes, where, tally)
        known = [index for index in kept if sizes[content[index]['image_id']] is not None]
        look = xyxy_look(boxes[known], [sizes[content[index]['image_id']] for index in known])
        if look:
            raise ValueError(f'{where}: {look}')
    has_area = (boxes[kept, 2:] > 0).all(axis=1)
    tally.add(NO_AREA, (content[index]['image_id'] for index in kept[~has_area]))
    return [content[index] for index in kept[has_area]], tally


def size_of(image: Mapping) -> tuple[float, float] | None:
    """(w, h) of an image record of an annotation file; None if it has none."""
    return (image['width'], image['height']) if {'width', 'height'} <= image.keys() else None


def xyxy_look(boxes: np.ndarray, sizes: Sequence[tuple[float, float]]) -> str | None:
    """Why boxes (N, 4), meant as (x, y, w, h), look like (x1, y1, x2, y2); None if they do not.

    Args:
        boxes: (N, 4).
        sizes: N sizes (w, h) of their images.
    """
    if len(boxes) < FEWEST:
        return None
    low, high, size = boxes[:, :2], boxes[:, 2:], np.asarray(sizes, np.float64)
    outside = (low + high > FAR_OUTSIDE * size).any(axis=1)
    fits = ((high > low) & (low >= -1) & (high <= size + 1)).all(axis=1)
    if outside.mean() < MANY or fits.mean() < NEARLY_ALL:
        return None
    return (
        f'{outside.sum():,} of {len(boxes):,} boxes end outside their images if read as '
        f'[x, y, w, h], and {"all" if fits.all() else f"{fits.sum():,}"} fit inside as '
        '[x1, y1, x2, y2]; write width and height, x2 - x1 and y2 - y1, in place of x2 and y2'
    )


def _numbers(records: Sequence[Mapping], where: str) -> np.ndarray:
    """Boxes (N, 4), after they and the scores are checked to be finite numbers."""
    boxes = number_table([_first_four(one['bbox']) for one in records], 4)
    scores = number_table([[one['score']] for one in records], 1)
    for index, one in enumerate(records if boxes is None or scores is None else ()):
        if number_table([_first_four(one['bbox'])], 4) is None:
            raise ValueError(
                f'{where}: [{index}].bbox should be [x, y, w, h], but is {one["bbox"]!r:.80} '
                f'(image_id {one["image_id"]!r})'
            )
        if number_table([[one['score']]], 1) is None:
            raise ValueError(
                f'{where}: [{index}].score should be a number, but is {one["score"]!r:.80} '
                f'(image_id {one["image_id"]!r})'
            )
    odd = np.flatnonzero(~np.isfinite(np.column_stack([boxes, scores])).all(axis=1))
    if len(odd):
        first = records[odd[0]]
        raise ValueError(
            f'{where}: bbox or score of [{odd[0]}] (image_id {first["image_id"]!r}) is not finite: '
            f'{first["bbox"]}, {first["score"]} ({len(odd):,} of {len(records):,} boxes are like '
            'that); correct or remove them'
        )
    return boxes


def _of_listed(
    records: Sequence[Mapping], sizes: Sizes, where: str, tally: Tally
) -> np.ndarray:  # fmt: skip
    """Indices of the boxes whose image is listed."""
    ids = [one['image_id'] for one in records]
    odd = next((i for i, one in enumerate(ids) if not isinstance(one, (int, float, str))), None)
    if odd is not None:
        raise ValueError(
            f'{where}: [{odd}].image_id should be a number or a string, but is {ids[odd]!r:.80}'
        )
    listed = np.array([one in sizes for one in ids])
    if listed.all():
        return np.arange(len(ids))
    unknown = np.flatnonzero(~listed)
    first = f'[{unknown[0]}].image_id {ids[unknown[0]]!r}'
    texts = {_as_text(one): one for one in sizes}
    alike = next((index for index in unknown if _as_text(ids[index]) in texts), None)
    if alike is not None:
        raise ValueError(
            f'{where}: [{alike}].image_id is {ids[alike]!r}, but the annotation file has '
            f'{texts[_as_text(ids[alike])]!r}; a number is not a string: use the same form of ids '
            'in both'
        )
    if 2 * len(unknown) > len(ids):
        raise ValueError(
            f'{where}: {first} is not in the annotation file, like the ids of {len(unknown):,} '
            f'of {len(ids):,} boxes (an example id there: {next(iter(sizes), None)!r}); boxes and '
            'annotations are from different data sets'
        )
    tally.add(NO_IMAGE, (ids[index] for index in unknown))
    return np.flatnonzero(listed)


def _as_text(image_id: Hashable) -> str:
    """A normal form of ids, the same for 42, '42' and '000042'."""
    return str(image_id).lstrip('0')


def _first_four(box: object) -> object:
    return box[:4] if isinstance(box, (list, tuple)) else box
