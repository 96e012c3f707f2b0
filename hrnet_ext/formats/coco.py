"""Validation of COCO annotation files, for data sets, metrics and tools.

K: keypoints; N: annotations. Keypoints are 3 K numbers x, y, v, boxes (x, y, w, h), both in image
space, pixels. v is 0 (not labeled), 1 (labeled, hidden) or 2 (labeled, visible).
Ids are integers or strings, unique within each list; they are not changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hrnet_ext.formats.boxes import xyxy_look
from hrnet_ext.formats.coco_keypoints import check_names
from hrnet_ext.formats.coco_values import check_keypoints, check_numbers
from hrnet_ext.formats.files import Tally
from hrnet_ext.reading import check_records

IMAGE_FIELDS = ('id', 'file_name', 'width', 'height')
ANNOTATION_FIELDS = ('id', 'image_id', 'category_id')
LISTS = {
    'images': IMAGE_FIELDS,
    'annotations': ANNOTATION_FIELDS,
    'categories': ('id',),
}
PERSON = 'person'  # default if there are several categories
NO_IMAGE = 'of images that are not listed'
NO_CATEGORY = 'of categories that are not listed'
PIXELS = 'a positive number of pixels'
BOX = '[x, y, w, h], four finite numbers'
READING_ERRORS = (KeyError, TypeError, AttributeError)


@dataclass(frozen=True)
class CocoContent:
    """The usable content of an annotation file.

    Attributes:
        images: All images.
        categories: The chosen categories.
        listed: All categories.
        people: Annotations of the chosen categories in listed images, in the file's order.
        left_out: Tally of the other annotations, by reason.
        remarks: Messages to log.
    """

    images: list[dict]
    categories: list[dict]
    listed: list[dict]
    people: list[dict]
    left_out: Tally
    remarks: list[str] = field(default_factory=list)


def check_coco(
    content: object,
    where: str,
    *,
    keypoints: int | Sequence[str],
    category: str | Collection[int] | None = None,
    dataset_name: str | None = None,
    annotated: bool = True,
) -> CocoContent:
    """Check the content of an annotation file and choose its categories.

    Of several categories, the default is the one with the name of the data set, otherwise
    'person', otherwise all of them, as in MMPose.

    Args:
        content: Content of the JSON file.
        where: Name of the file, for messages.
        keypoints: Their names in the order of the metainfo, or only their number.
        category: Name of the category to use, or ids of several; all if that is empty.
        dataset_name: Name in the metainfo.
        annotated: Whether to reject a file without a list of annotations (a test set).

    Raises:
        ValueError: If the file is of another kind, or its content would give meaningless results:
            duplicate ids, keypoints or boxes that are not finite numbers, boxes that are
            (x1, y1, x2, y2), visibilities other than 0, 1 and 2, another keypoint order than in
            the metainfo, or no annotation in the listed images or chosen categories.
    """
    if not annotated and isinstance(content, dict):
        content = {'annotations': [], **content}
    try:
        return _check(content, where, keypoints, category, dataset_name)
    except READING_ERRORS:
        _check_form(content, where)
        raise


def _check(
    content: Mapping,
    where: str,
    keypoints: int | Sequence[str],
    category: str | Collection[int] | None,
    dataset_name: str | None,
) -> CocoContent:
    if not isinstance(content, dict) or not all(
        isinstance(content.get(key), list) for key in LISTS
    ):
        _check_form(content, where)
    images, annotations = content['images'], content['annotations']
    for kind in LISTS:
        check_ids([record['id'] for record in content[kind]], f'{where}: {kind}')
    for side in ('width', 'height'):
        check_numbers(images, side, PIXELS, f'{where}: image', accept=lambda sizes: sizes > 0)
    taken = choose_categories(content['categories'], category, dataset_name, where)
    left_out = Tally()
    people = _in_images(annotations, images, where, left_out)
    if taken:
        people = _of_categories(people, taken, content['categories'], where, left_out)
    names = [] if isinstance(keypoints, int) else list(keypoints)
    remarks = [remark for one in taken for remark in check_names(one, names, where)]
    several = _several(taken) if len(taken) > 1 else ''
    check_keypoints(people, len(names) or keypoints, where, several)
    at = f'{where}: annotation'
    boxed = _with(people, 'bbox')
    check_numbers(boxed, 'bbox', BOX, at, length=4)
    sizes = {image['id']: (image['width'], image['height']) for image in images}
    boxes = np.array([one['bbox'] for one in boxed])
    if look := xyxy_look(boxes, [sizes[one['image_id']] for one in boxed]):
        raise ValueError(f'{where}: {look}')
    check_numbers(_with(people, 'area'), 'area', 'a number', at, accept=np.isreal)
    return CocoContent(images, taken, content['categories'], people, left_out, remarks)


def choose_categories(
    categories: Sequence[Mapping],
    wanted: str | Collection[int] | None,
    dataset_name: str | None,
    where: str,
) -> list[dict]:
    """The categories whose annotations are used, see :func:`check_coco`.

    Raises:
        ValueError: If no category has that name, or an id is a string.
    """
    for index, one in enumerate(categories):
        if isinstance(one['id'], str):
            raise ValueError(
                f'{where}: categories[{index}].id should be a whole number, but is {one["id"]!r}'
            )
    if wanted is None:
        named = {one.get('name'): one for one in categories}
        known = [name for name in (dataset_name, PERSON) if name in named]
        return [named[known[0]]] if known and len(categories) > 1 else list(categories)
    if not wanted:
        return list(categories)
    key = 'name' if isinstance(wanted, str) else 'id'
    values = {wanted} if isinstance(wanted, str) else set(wanted)
    taken = [one for one in categories if one.get(key) in values]
    if not taken:
        offered = ', '.join(name_of(one) for one in categories) or 'none'
        sought = ', '.join(map(repr, values))
        raise ValueError(f'{where} has no category with {key} {sought}; it has: {offered}')
    return taken


def check_ids(ids: Sequence[Hashable], where: str) -> None:
    """Check that ids are unique and of one type.

    Raises:
        ValueError: If one occurs twice, or is neither a number nor a string.
    """
    types = set(map(type, ids))
    if not (types <= {int, float} or types <= {str}):
        index, odd = next(
            (index, one)
            for index, one in enumerate(ids)
            if type(one) not in (int, float, str) or type(one) is not type(ids[0])
        )
        raise ValueError(
            f'{where}[{index}].id is {odd!r}; ids should be all whole numbers, or all strings'
        )
    if len(set(ids)) == len(ids):
        return
    repeated = [one for one, count in Counter(ids).items() if count > 1]
    places = [index for index, one in enumerate(ids) if one == repeated[0]]
    raise ValueError(
        f'{where}: {len(repeated):,} of {len(set(ids)):,} ids occur more than once, the first is '
        f'{repeated[0]!r} (numbers {", ".join(map(str, places[:3]))} of the list); all but one of '
        'each would be lost: give each record a unique id (were files merged?)'
    )


def _check_form(content: object, where: str) -> None:
    """Raise an error that says why this is no annotation file, or which record lacks a field."""
    expected = 'a COCO annotation file is an object with images, annotations and categories'
    if not isinstance(content, dict):
        hint = ' (detection results? use them as bbox_file)' if isinstance(content, list) else ''
        raise ValueError(f'{where} holds a {type(content).__name__}, but {expected}{hint}')
    absent = [key for key in LISTS if key not in content]
    if absent:
        raise ValueError(f'{where} lacks {", ".join(absent)}; {expected}')
    for kind, fields in LISTS.items():
        check_records(content[kind], fields, f'{where}: {kind}')


def _in_images(
    annotations: list[dict], images: Sequence[Mapping], where: str, left_out: Tally
) -> list[dict]:
    """The annotations of listed images."""
    known = {image['id'] for image in images}
    kept = [one for one in annotations if one['image_id'] in known]
    if annotations and not kept:
        example = f'; an id is {images[0]["id"]!r}' if images else ''
        raise ValueError(
            f'{where}: none of the {len(annotations):,} annotations is in a listed image (the '
            f'first has image_id {annotations[0]["image_id"]!r}{example}); ids must be the same '
            'in images and annotations; a number is not a string'
        )
    if len(kept) < len(annotations):
        left_out.add(NO_IMAGE, (one['id'] for one in annotations if one['image_id'] not in known))
    return kept


def _of_categories(
    people: list[dict], taken: Sequence[Mapping], listed: Sequence[Mapping], where: str,
    left_out: Tally,
) -> list[dict]:  # fmt: skip
    """The annotations of the chosen categories."""
    ids = {one['id'] for one in taken}
    kept = [one for one in people if one['category_id'] in ids]
    if len(kept) == len(people):
        return kept
    if not kept:
        raise ValueError(
            f'{where}: none of the {len(people):,} annotations is of category '
            f'{", ".join(name_of(one) for one in taken)} (the first has category_id '
            f'{people[0]["category_id"]!r}); correct it, or the ids of categories'
        )
    reasons = {one['id']: f'of category {name_of(one)}' for one in listed}
    for one in people:
        if one['category_id'] not in ids:
            left_out.add(reasons.get(one['category_id'], NO_CATEGORY), [one['id']])
    return kept


def _with(people: Sequence[Mapping], key: str) -> list[Mapping]:
    return [one for one in people if one.get(key) is not None]


def name_of(category: Mapping) -> str:
    """Name and id of a category, for messages."""
    return f'{category.get("name", "without a name")!r} (id {category["id"]})'


def _several(categories: Sequence[Mapping]) -> str:
    names = ', '.join(name_of(one) for one in categories)
    return f'; the file has several categories, {names}: set `category` to the name of one of them'
