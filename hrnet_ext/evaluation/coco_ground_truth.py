"""COCO annotations, checked and converted to the form that AP is computed from.

K: keypoints. Keypoints are 3 K numbers x, y, v (v > 0: labeled), boxes (x, y, w, h), both in image
space, pixels; areas in square pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real

import numpy as np

from hrnet_ext.formats.coco_values import check_keypoints

BODY_SHARE = 0.53  # share of the box that replaces an absent area, as in xtcocotools


def check_sigmas(sigmas: Sequence[float] | np.ndarray, num_keypoints: int) -> None:
    """Check OKS sigmas (K,).

    Raises:
        ValueError: If their number is not ``num_keypoints`` or one is not positive.
    """
    if len(sigmas) != num_keypoints:
        raise ValueError(
            f'metainfo.sigmas has {len(sigmas)} values for {num_keypoints} keypoints; '
            "give one per keypoint in the data set's metainfo"
        )
    if not np.all(np.asarray(sigmas) > 0):
        raise ValueError(f'metainfo.sigmas should be positive, but are {list(map(float, sigmas))}')


def check_people(people: Iterable[Mapping], num_keypoints: int, *, use_area: bool = True) -> None:
    """Check the annotation fields that OKS needs, for persons with labeled keypoints.

    Args:
        people: COCO annotations.
        num_keypoints: K.
        use_area: Whether OKS uses the annotated area instead of 0.53 of the box.

    Raises:
        ValueError: If keypoints are invalid, an area (or box) is not positive, or no person has
            labeled keypoints.
    """
    labeled = [person for person in people if _num_labeled(person)]
    if all(person.get('iscrowd') for person in labeled):
        raise ValueError(
            'no person has a labeled keypoint (v > 0), so there is nothing to evaluate; COCO keeps '
            'keypoints in person_keypoints_*.json and does not publish those of its test sets '
            '(val_evaluator.format_only=True only writes results)'
        )
    check_keypoints(labeled, num_keypoints)
    for person in labeled:
        area = _area(person, use_area=use_area)
        if not isinstance(area, Real) or not 0 < area < math.inf:
            raise ValueError(_no_area(person, use_area=use_area))


def ground_truth_of(content: Mapping, num_keypoints: int, *, use_area: bool = True) -> dict:
    """The ground truth of a COCO annotation file as :func:`coco_ap.coco_ap` takes it.

    As in xtcocotools, which MMPose evaluates with, a person counts if any keypoint has v > 0; the
    field ``num_keypoints`` is ignored. Annotation ids are renumbered from 1, because pycocotools
    reads id 0 as "no match". COCO's own files are not affected.

    Args:
        content: Content of the annotation file: images, annotations and categories.
        num_keypoints: K.
        use_area: Use the annotated areas; False for 0.53 of the box.

    Returns:
        A new dict of the same form with the fields the evaluation needs.

    Raises:
        ValueError: As :func:`check_people`.
    """
    people = content['annotations']
    check_people(people, num_keypoints, use_area=use_area)
    return {
        'images': [{'id': image['id']} for image in content['images']],
        'categories': [{'id': category['id']} for category in content['categories']],
        'annotations': [
            {
                'id': number,
                'image_id': person['image_id'],
                'category_id': person['category_id'],
                'keypoints': person.get('keypoints') or [0] * (3 * num_keypoints),
                'num_keypoints': _num_labeled(person),
                'iscrowd': int(bool(person.get('iscrowd'))),
                'bbox': person.get('bbox') or [0, 0, 0, 0],
                'area': _area(person, use_area=use_area),
            }
            for number, person in enumerate(people, start=1)
        ],
    }


def _num_labeled(person: Mapping) -> int:
    return sum(visibility > 0 for visibility in (person.get('keypoints') or ())[2::3])


def _area(person: Mapping, *, use_area: bool) -> float:
    """The area that OKS divides by; 0 if it is not annotated."""
    if use_area:
        return person.get('area') or 0
    _, _, width, height = person.get('bbox') or (0, 0, 0, 0)
    return width * height * BODY_SHARE


def _no_area(person: Mapping, *, use_area: bool) -> str:
    if not use_area:
        return (
            f'annotation {person["id"]} has no box with a positive area, but OKS divides by '
            f'0.53 of it (bbox is {person.get("bbox")!r}); correct it in the annotation file'
        )
    return (
        f'annotation {person["id"]} has no positive area, which OKS divides by (it is '
        f'{person.get("area")!r}); add the area of each person to the annotation file, or set '
        'val_evaluator.use_area=False test_evaluator.use_area=False to use 0.53 of the box'
    )
