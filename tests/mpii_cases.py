"""A few MPII people, in the release's form and in ours, written where a test asks for them."""

import json
from pathlib import Path

import cv2
import numpy as np
from scipy.io import savemat

from hrnet_ext.formats.mpii import FORMAT, VERSION

NUM_KEYPOINTS = 16
IMAGES = ('005808361.png', '052475643.png', '052475643.png', '004645041.png')  # two in the second


def release_people(seed: int = 0) -> list[dict]:
    """People as the release's JSON has them, 1-based; the second lacks ankles, the last all."""
    rng = np.random.default_rng(seed)
    people = []
    for index, image in enumerate(IMAGES):
        joints = rng.uniform(20, 200, (NUM_KEYPOINTS, 2)).round(2)
        visible = np.ones(NUM_KEYPOINTS, int)
        visible[{1: [0, 5], 3: range(NUM_KEYPOINTS)}.get(index, [])] = 0
        joints[visible == 0] = -1
        people.append(
            {
                'image': image,
                'joints': joints.tolist(),
                'joints_vis': visible.tolist(),
                'center': [100.0 + 10 * index, 90.5],
                'scale': 0.75 + index / 4,
            }
        )
    return people


def head_boxes(people: list[dict]) -> np.ndarray:
    """Some 1-based boxes (N, 4) of different sizes."""
    corners = np.array([person['center'] for person in people])
    sizes = np.array([[9 + 3 * index, 12 + index] for index in range(len(people))])
    return np.concatenate([corners, corners + sizes], axis=1)


def own_form(people: list[dict]) -> dict:
    """The same people with head boxes in our own form, 0-based."""
    records = []
    for index, (person, box) in enumerate(zip(people, head_boxes(people))):
        visible = np.array(person['joints_vis'])[:, None]
        records.append(
            {
                **person,
                'id': 10 + index,
                'joints': np.where(visible, np.array(person['joints']) - 1, -1).tolist(),
                'center': [value - 1 for value in person['center']],
                'head_box': (box - 1).tolist(),
                'single_person': index != 1,
                'image_index': 4 * index,
                'rectangle': index % 2,
            }
        )
    return {'info': {'format': FORMAT, 'version': VERSION}, 'people': records}


def gt_mat(people: list[dict]) -> dict[str, np.ndarray]:
    """What the release's mpii_gt_val.mat holds of these people."""
    corners = head_boxes(people).reshape(-1, 2, 2)
    positions = np.array([person['joints'] for person in people])
    missing = 1 - np.array([person['joints_vis'] for person in people])
    return {
        'headboxes_src': np.moveaxis(corners, 0, -1),
        'pos_gt_src': np.moveaxis(np.where(missing[..., None], 0, positions), 0, -1),
        'jnt_missing': missing.T.astype(np.uint8),
    }


def write_mpii(root: Path) -> list[dict]:
    """Write ``images/``, ``release.json``, ``own.json`` and ``gt.mat``; the release's people."""
    people = release_people()
    (root / 'images').mkdir(parents=True)
    for image in set(IMAGES):
        cv2.imwrite(str(root / 'images' / image), np.full((240, 260, 3), 99, np.uint8))
    (root / 'release.json').write_text(json.dumps(people))
    (root / 'own.json').write_text(json.dumps(own_form(people)))
    savemat(root / 'gt.mat', gt_mat(people))
    return people
