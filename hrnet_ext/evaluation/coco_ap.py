"""COCO keypoint AP and AR, computed by pycocotools or faster-coco-eval (faster, same values).

N: predicted poses; K: keypoints.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# Names of the ten values in COCO's order: over OKS .50:.05:.95, at .50, at .75, persons of medium
# and of large area; precision, then recall.
NAMES = (
    'AP', 'AP .5', 'AP .75', 'AP (M)', 'AP (L)', 'AR', 'AR .5', 'AR .75', 'AR (M)', 'AR (L)'
)  # fmt: skip

BACKENDS = ('auto', 'pycocotools', 'faster_coco_eval')
FASTER_SINCE = (1, 8, 0)  # first version compared with pycocotools


def choose_backend(wanted: str = 'auto') -> str:
    """'pycocotools' or 'faster_coco_eval'; for 'auto' the latter where it is installed.

    Raises:
        ValueError: If ``wanted`` is none of :data:`BACKENDS`, or is not installed.
    """
    if wanted not in BACKENDS:
        raise ValueError(f'`backend` should be one of {", ".join(BACKENDS)}, but is {wanted!r}')
    if wanted == 'pycocotools':
        return wanted
    installed = _version('faster-coco-eval')
    if installed and _as_numbers(installed) >= FASTER_SINCE:
        return 'faster_coco_eval'
    if wanted == 'auto':
        return 'pycocotools'
    raise ValueError(
        f"backend='faster_coco_eval' needs faster-coco-eval {'.'.join(map(str, FASTER_SINCE))} or "
        f'later, but {installed or "none"} is installed; pip install -U faster-coco-eval, or '
        "leave backend='auto'"
    )


def coco_ap(
    ground_truth: Mapping[str, list[dict]],
    results: Sequence[Mapping[str, Any]],
    sigmas: Sequence[float] | np.ndarray,
    *,
    backend: str = 'auto',
) -> dict[str, float]:
    """AP and AR of predicted poses by OKS, as COCO defines them.

    The area of a prediction is the extent of its keypoints, even if it has a ``bbox``. It decides
    whether an unmatched prediction counts in AP (M) and AP (L). A prediction without any keypoint
    score above 0 is ignored, as in xtcocotools and MMPose. pycocotools and the official HRNet count
    it, with almost no effect: its score ranks it last.

    Args:
        ground_truth: From :func:`hrnet_ext.evaluation.coco_ground_truth.ground_truth_of`.
        results: COCO's result format: image_id, category_id, keypoints (3 K: x, y in image space
            and a score), score. The best 20 per image count; AP is 0 without results.
        sigmas: (K,).
        backend: One of :data:`BACKENDS`.

    Returns:
        The values of :data:`NAMES` in [0, 1]; -1 if no annotated person has that size.

    Raises:
        ValueError: If a result has an unknown image id or does not have K keypoints.
    """
    sigmas = np.asarray(sigmas, np.float64)
    backend = choose_backend(backend)
    _check_results(results, {image['id'] for image in ground_truth['images']}, len(sigmas))
    ground_truth, results = _with_numbers(ground_truth, results)
    people = {**ground_truth, 'annotations': [dict(ann) for ann in ground_truth['annotations']]}
    shown = [result for result in results if max(result['keypoints'][2::3]) > 0]
    poses = {**ground_truth, 'annotations': _with_areas(shown, len(sigmas))}
    with contextlib.redirect_stdout(io.StringIO()):
        evaluate = _by_pycocotools if backend == 'pycocotools' else _by_faster_coco_eval
        values = evaluate(people, poses, sigmas)
    return {name: float(value) for name, value in zip(NAMES, values, strict=True)}


def format_values(values: Mapping[str, float]) -> str:
    """The values below their names; '-' for undefined (negative) values."""
    cells = [f'{value:.3f}' if value >= 0 else '-' for value in values.values()]
    return '\n'.join(' '.join(f'{cell:>7}' for cell in row) for row in (values, cells))


def _by_pycocotools(people: dict, poses: dict, sigmas: np.ndarray) -> np.ndarray:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    evaluation = COCOeval(_indexed(COCO(), people), _indexed(COCO(), poses), 'keypoints')
    evaluation.params.kpt_oks_sigmas = sigmas
    return _run(evaluation)


def _by_faster_coco_eval(people: dict, poses: dict, sigmas: np.ndarray) -> np.ndarray:
    from faster_coco_eval import COCO, COCOeval_faster

    indexed = _indexed(COCO(), people), _indexed(COCO(), poses)
    return _run(COCOeval_faster(*indexed, 'keypoints', kpt_oks_sigmas=sigmas))


def _indexed(coco: Any, content: dict) -> Any:
    """A COCO object with that content; pycocotools' ``loadRes`` fails on empty results."""
    coco.dataset = content
    coco.createIndex()
    return coco


def _run(evaluation: Any) -> np.ndarray:
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation.stats


def _check_results(results: Sequence[Mapping], image_ids: set, num_keypoints: int) -> None:
    for index, result in enumerate(results):
        if result['image_id'] not in image_ids:
            raise ValueError(
                f'result {index} has image_id {result["image_id"]!r}, which is not in the '
                'annotation file; results and annotations are from different data sets'
            )
        if len(result['keypoints']) != 3 * num_keypoints:
            raise ValueError(
                f'result {index} (image {result["image_id"]!r}) has {len(result["keypoints"])} '
                f'keypoint values, but {num_keypoints} sigmas need {3 * num_keypoints}'
            )


def _with_numbers(
    ground_truth: Mapping[str, list[dict]], results: Sequence[Mapping]
) -> tuple[Mapping[str, list[dict]], Sequence[Mapping]]:
    """Ground truth and results; string image ids become numbers in sorted order."""
    ids = [image['id'] for image in ground_truth['images']]
    if not any(isinstance(one, str) for one in ids):
        return ground_truth, results
    numbers = {one: number for number, one in enumerate(sorted(ids), start=1)}
    people = [
        {**one, 'image_id': numbers[one['image_id']]}
        for one in ground_truth['annotations']
        if one['image_id'] in numbers
    ]
    images = [{'id': number} for number in numbers.values()]
    numbered = [{**result, 'image_id': numbers[result['image_id']]} for result in results]
    return {**ground_truth, 'images': images, 'annotations': people}, numbered


def _with_areas(results: Sequence[Mapping], num_keypoints: int) -> list[dict]:
    """Results as annotations: ids from 1, area from the extent of the keypoints."""
    keypoints = np.array([result['keypoints'] for result in results], np.float64)
    points = keypoints.reshape(-1, num_keypoints, 3)[..., :2]
    areas = np.ptp(points, axis=1).prod(axis=1).tolist()
    return [
        {
            'id': number,
            'image_id': result['image_id'],
            'category_id': result['category_id'],
            'keypoints': result['keypoints'],
            'score': result['score'],
            'area': area,
        }
        for number, (result, area) in enumerate(zip(results, areas), start=1)
    ]


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _as_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split('.')[:3] if part.isdigit())
