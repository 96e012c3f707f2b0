"""Made-up predictions on annotations, as data samples that a metric is given.

Legend: K keypoints; annotations in COCO's or PoseTrack18's JSON.
"""

from __future__ import annotations

from typing import Any

import numpy as np

PIXELS_OFF = 6.0  # standard deviation of a predicted keypoint: some people are found, some are not
GUESSES = 2  # predictions of each person, which suppression has to thin out
PADDING = 1.25  # of a box, MMPose's
NUM_KEYPOINTS = 17


def coco_annotations(num_images: int, people_per_image: int) -> dict[str, Any]:
    """COCO's JSON of people at random places, 100 to 300 pixels tall."""
    rng = np.random.default_rng(0)
    images = [
        {'id': index, 'width': 640, 'height': 480, 'file_name': f'{index:012d}.jpg'}
        for index in range(1, num_images + 1)
    ]
    people = [
        _person(rng, image['id'], number) for image in images for number in range(people_per_image)
    ]
    categories = [{'id': 1, 'name': 'person'}]
    return {'images': images, 'annotations': people, 'categories': categories}


def predicted(
    annotations: list[dict[str, Any]], num_guesses: int = GUESSES
) -> list[dict[str, Any]]:
    """Data samples, as dicts, of people found near where they are.

    Args:
        annotations: People, with ``bbox`` (x, y, w, h).
        num_guesses: Predictions of each.
    """
    rng = np.random.default_rng(1)
    made = [_sample(rng, annotation) for annotation in annotations for _ in range(num_guesses)]
    for index, sample in enumerate(made):
        sample['id'] = index
    return made


def _sample(rng: np.random.Generator, annotation: dict[str, Any]) -> dict[str, Any]:
    triples = np.reshape(np.array(annotation['keypoints'], np.float64), (1, NUM_KEYPOINTS, 3))
    noise = rng.normal(scale=PIXELS_OFF, size=(1, NUM_KEYPOINTS, 2))
    box = np.array(annotation['bbox'], np.float64)
    return {
        'img_id': annotation['image_id'],
        'category_id': 1,
        'raw_ann_info': {},
        'ori_shape': (480, 640),
        'pred_instances': {
            'keypoints': (triples[..., :2] + noise).astype(np.float32),
            'keypoint_scores': rng.uniform(0.3, 1, (1, NUM_KEYPOINTS)).astype(np.float32),
        },
        'gt_instances': {
            'bbox_scores': rng.uniform(0.3, 1, 1).astype(np.float32),
            'bbox_scales': (box[None, 2:] * PADDING).astype(np.float32),
        },
    }


def _person(rng: np.random.Generator, image_id: int, number: int) -> dict[str, Any]:
    height = rng.uniform(100, 300)
    size = np.array([height * 0.5, height])
    corner = rng.uniform((0, 0), (640, 480) - size)
    keypoints = corner + rng.uniform(size=(NUM_KEYPOINTS, 2)) * size
    triples = np.insert(keypoints, 2, 2, axis=1)
    return {
        'id': image_id * 100 + number,
        'image_id': image_id,
        'category_id': 1,
        'iscrowd': 0,
        'num_keypoints': NUM_KEYPOINTS,
        'bbox': [*corner.tolist(), *size.tolist()],
        'area': float(size.prod() * 0.6),
        'keypoints': triples.ravel().tolist(),
    }
