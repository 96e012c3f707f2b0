"""MMPose's samples of annotated persons and of detected boxes, and log messages about them.

K: keypoints. Boxes are (x, y, w, h) in files and (x1, y1, x2, y2) in samples, image space, pixels.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from hrnet_ext.formats.boxes import PERSON
from hrnet_ext.formats.coco import CocoContent, name_of
from hrnet_ext.formats.coco_keypoints import USUAL, far_outside
from hrnet_ext.formats.files import counted

BODY_SHARE = 0.53  # share of the box that replaces a missing area; as in MMPose


def annotated_sample(annotation: dict, image: dict, box: list[float]) -> dict:
    """The sample of a person.

    Args:
        annotation: With keypoints.
        image: With ``img_path``.
        box: The person's, (x, y, w, h); clipped to the image.
    """
    x1, y1, x2, y2 = corners = _clip(box, image['width'], image['height'])
    triples = np.array(annotation['keypoints'], np.float32).reshape(1, -1, 3)
    labeled = annotation.get('num_keypoints')
    if labeled is None:
        labeled = np.count_nonzero(triples[..., :2].max(axis=2))
    area = annotation.get('area')
    if area is None:
        area = max((x2 - x1) * (y2 - y1) * BODY_SHARE, 1.0)
    sample = {
        'img_id': annotation['image_id'],
        'img_path': image['img_path'],
        'bbox': np.array([corners], np.float32),
        'bbox_score': np.ones(1, np.float32),
        'num_keypoints': labeled,
        'keypoints': triples[..., :2],
        'keypoints_visible': np.minimum(1, triples[..., 2]),
        'area': np.array(area, np.float32),
        'iscrowd': annotation.get('iscrowd', 0),
        'segmentation': annotation.get('segmentation'),
        'id': annotation['id'],
        'category_id': np.array(annotation['category_id']),
        'raw_ann_info': {'iscrowd': 0, **annotation},  # the default is xtcocotools'
    }
    crowd = {'crowd_index': image['crowdIndex']} if 'crowdIndex' in image else {}
    return {**sample, **crowd}


def detected_sample(detection: dict, num_keypoints: int, category: int) -> dict:
    """The sample of a detected box; its keypoints are set to 0."""
    corners = np.array(detection['bbox'][:4], np.float32)
    corners[2:] += corners[:2]  # in float32, as in MMPose
    return {
        'img_id': detection['image_id'],
        'bbox': corners[None],
        'bbox_score': np.array(detection['score'], np.float32).reshape(1),
        'keypoints': np.zeros((1, num_keypoints, 2), np.float32),
        'keypoints_visible': np.ones((1, num_keypoints), np.float32),
        'category_id': np.array(category),
    }


def category_of(detections: list[dict], content: CocoContent) -> int:
    """The category of the boxes to use: the persons', else COCO's 1 if no other category has it."""
    ids = {one['id'] for one in content.categories}
    if len(ids) != 1:
        return PERSON
    (own,) = ids
    others = {one['id'] for one in content.listed} - ids
    found = any(each['category_id'] == own for each in detections)
    return own if found or PERSON in others else PERSON


def _clip(box: list[float], width: float, height: float) -> tuple[float, float, float, float]:
    """A box (x, y, w, h) as (x1, y1, x2, y2) inside its image."""
    x, y, w, h = box
    right, bottom = width - 1, height - 1
    corners = ((x, right), (y, bottom), (x + w, right), (y + h, bottom))
    return tuple(min(max(value, 0), limit) for value, limit in corners)


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
