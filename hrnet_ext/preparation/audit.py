"""Facts and suspicions about a data set of keypoints.

N: persons; K: keypoints; keypoints (N, K, 2) in image space, pixels; visible (N, K) bool; boxes
(N, 4) are (x, y, w, h).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from hrnet_ext.evaluation.oks import oks

LEAST_PEOPLE = 100  # fewer say little about what is usual
FAR, NEAR = 6.0, 1.0  # in standard deviations; no false report in 3,800 rendered persons
RAYLEIGH_MEDIAN = 1.1774  # median length of a 2D normal vector of variance 1
SAME_PERSON = 0.9  # OKS
AREA_OF_BOX = 0.53


@dataclass(frozen=True)
class People:
    """The persons of a data set as arrays.

    Attributes:
        ids: N annotation ids.
        image_ids: N image ids.
        keypoints: (N, K, 2).
        visible: (N, K), whether a keypoint is labeled.
        boxes: (N, 4); from the keypoints if there is no box.
        sizes: (N, 2) of the images as (w, h).
    """

    ids: list[Any]
    image_ids: list[Any]
    keypoints: np.ndarray
    visible: np.ndarray
    boxes: np.ndarray
    sizes: np.ndarray

    def rows_by_image(self) -> dict[Any, list[int]]:
        """The persons of each image, as indices, in order."""
        rows: dict[Any, list[int]] = {}
        for index, image_id in enumerate(self.image_ids):
            rows.setdefault(image_id, []).append(index)
        return rows


def people_of(annotations: Sequence[Mapping], sizes: Mapping[Any, tuple[int, int]]) -> People:
    """Persons of checked COCO annotations with keypoints.

    Args:
        annotations: COCO annotations.
        sizes: (w, h) by image id.
    """
    values = np.array([each['keypoints'] for each in annotations], float)
    values = values.reshape(len(annotations), -1, 3)
    keypoints, visible = values[..., :2], values[..., 2] > 0
    boxes = [
        each.get('bbox') or keypoint_bounds(points, shown)
        for each, points, shown in zip(annotations, keypoints, visible)
    ]
    return People(
        ids=[each['id'] for each in annotations],
        image_ids=[each['image_id'] for each in annotations],
        keypoints=keypoints,
        visible=visible,
        boxes=np.array(boxes, float).reshape(-1, 4),
        sizes=np.array([sizes[each['image_id']] for each in annotations], float).reshape(-1, 2),
    )


def keypoint_bounds(points: np.ndarray, shown: np.ndarray) -> list[float]:
    """The bounds (x, y, w, h) of the labeled keypoints (K, 2) of a person."""
    inside = points[shown] if shown.any() else np.zeros((1, 2))
    low, high = inside.min(axis=0), inside.max(axis=0)
    return [*low.tolist(), *(high - low).tolist()]


def outside_boxes(people: People) -> list[Any]:
    """Ids of persons whose box leaves the image by more than a tenth of its own size."""
    low, high = people.boxes[:, :2], people.boxes[:, :2] + people.boxes[:, 2:]
    margin = 0.1 * people.boxes[:, 2:]
    leaves = ((low < -margin) | (high > people.sizes + margin)).any(axis=1)
    return [people.ids[index] for index in np.flatnonzero(leaves)]


def outside_keypoints(people: People) -> list[Any]:
    """Ids of persons with labeled keypoints outside the image."""
    beyond = (people.keypoints < -1) | (people.keypoints > people.sizes[:, None] + 1)
    leaves = (beyond.any(axis=-1) & people.visible).any(axis=1)
    return [people.ids[index] for index in np.flatnonzero(leaves)]


def duplicate_people(people: People, sigmas: np.ndarray) -> list[tuple[Any, Any]]:
    """Pairs of ids of persons of one image that have nearly the same keypoints.

    Args:
        people: The persons.
        sigmas: (K,) OKS constants.
    """
    found = []
    for rows in people.rows_by_image().values():
        for one, other in combinations(rows, 2):
            both = people.visible[one] & people.visible[other]
            if both.sum() < min(2, people.visible.shape[1]):
                continue
            similarity = oks(
                people.keypoints[one][None, both],
                people.keypoints[other][None, both],
                areas=_areas(people.boxes[[one]]),
                other_areas=_areas(people.boxes[[other]]),
                sigmas=sigmas[both],
            )
            if similarity.item() > SAME_PERSON:
                found.append((people.ids[one], people.ids[other]))
    return found


def swapped_sides(people: People, pairs: Sequence[tuple[int, int]]) -> list[Any]:
    """Ids of persons in whom the left and right keypoint of a pair look exchanged.

    The vector from the right to the left keypoint of a pair is predicted from the other pairs of
    the person, by a linear regression over all persons in which outliers count little. A pair is
    reported if its vector is far from the prediction and the reversed vector is close to it. This
    finds a part of the errors, and hardly any correct label. If half or all of a person's pairs
    are exchanged, no pair contradicts the others, and nothing is found.

    Args:
        people: The persons.
        pairs: Indices of left and right keypoints.
    """
    if len(pairs) < 2 or len(people.ids) < LEAST_PEOPLE:
        return []
    left, right = (np.array(side) for side in zip(*pairs))
    known = people.visible[:, left] & people.visible[:, right]
    scale = np.sqrt(np.maximum(np.prod(people.boxes[:, 2:], axis=1), 1))[:, None, None]
    vectors = np.where(known[..., None], people.keypoints[:, left] - people.keypoints[:, right], 0)
    vectors = vectors / scale
    reported = np.zeros(len(people.ids), bool)
    for pair in range(len(pairs)):
        rows = np.flatnonzero(known[:, pair])
        if len(rows) < LEAST_PEOPLE:
            continue
        others = np.delete(vectors[rows], pair, axis=1).reshape(len(rows), -1)
        predicted, spread = _predict(others, vectors[rows, pair])
        distance = np.linalg.norm(vectors[rows, pair] - predicted, axis=1)
        reversed_distance = np.linalg.norm(vectors[rows, pair] + predicted, axis=1)
        far, near = distance > FAR * spread, reversed_distance < NEAR * spread
        reported[rows[far & near]] = True
    return [people.ids[index] for index in np.flatnonzero(reported)]


def _predict(features: np.ndarray, vectors: np.ndarray) -> tuple[np.ndarray, float]:
    """Predictions (N, 2) of vectors (N, 2) by a robust linear regression, and their spread."""
    weights = np.ones(len(vectors))
    ridge = 1e-3 * len(vectors) * max(float(np.mean(features**2)), 1e-9)
    for _ in range(4):  # iteratively reweighted least squares
        weighted = features * weights[:, None]
        gram = weighted.T @ features + ridge * np.eye(features.shape[1])
        predicted = features @ np.linalg.solve(gram, weighted.T @ vectors)
        residuals = np.linalg.norm(vectors - predicted, axis=1)
        spread = float(np.median(residuals)) / RAYLEIGH_MEDIAN + 1e-9
        weights = 1 / (1 + (residuals / (2 * spread)) ** 2)
    return predicted, spread


def estimate_sigmas(people: People, pairs: Sequence[tuple[Any, Any]]) -> np.ndarray | None:
    """OKS constants (K,) from persons who were labeled twice; None if there are too few.

    As in COCO: the root mean square of the distance of two labels over the root of the area.

    Args:
        people: The persons.
        pairs: Ids of the two annotations of a person.
    """
    index = {id_: number for number, id_ in enumerate(people.ids)}
    rows = np.array([[index[a], index[b]] for a, b in pairs], int).reshape(-1, 2)
    one, other = rows.T
    both = people.visible[one] & people.visible[other]
    area = _areas(people.boxes[one])[:, None]
    squares = ((people.keypoints[one] - people.keypoints[other]) ** 2).sum(-1) / area
    if not len(rows) or both.sum(axis=0).min() < 20:
        return None
    means = np.where(both, squares, 0).sum(axis=0) / both.sum(axis=0)
    return np.maximum(np.sqrt(means), 1e-3)


def _areas(boxes: np.ndarray) -> np.ndarray:
    """Areas of persons, as fractions of their boxes: .53 is the mean over COCO."""
    return np.maximum(np.prod(boxes[:, 2:], axis=1) * AREA_OF_BOX, 1)
