"""COCO's keypoint evaluation as in xtcocotools.

It differs from pycocotools in what it evaluates, not in how:
a detection none of whose keypoints scores above 0 is dropped; a person without keypoints marked
v > 0 is ignored, whatever `num_keypoints` says; annotation id 0 is an id like others; sigmas are an
argument; the area may be taken from the box; COCO-WholeBody's parts and CrowdPose's crowding levels
have evaluations of their own.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools.cocoeval import COCOeval as _COCOeval

_BODY, _FOOT, _FACE = 'keypoints', 'foot_kpts', 'face_kpts'
_LEFT_HAND, _RIGHT_HAND = 'lefthand_kpts', 'righthand_kpts'

# iouType: the annotation's fields that make the pose, and the result's score
_PARTS: dict[str, tuple[tuple[str, ...], str]] = {
    'keypoints': ((_BODY,), 'score'),
    'keypoints_crowd': ((_BODY,), 'score'),
    'keypoints_foot': ((_FOOT,), 'foot_score'),
    'keypoints_face': ((_FACE,), 'face_score'),
    'keypoints_lefthand': ((_LEFT_HAND,), 'lefthand_score'),
    'keypoints_righthand': ((_RIGHT_HAND,), 'righthand_score'),
    'keypoints_wholebody': ((_BODY, _FOOT, _FACE, _LEFT_HAND, _RIGHT_HAND), 'wholebody_score'),
}
_BOX_TO_BODY = 0.53  # area of a body in its box, where only the box is annotated; xtcocotools
_EASY, _HARD = (
    0.2,
    0.8,
)  # crowd index below which an image is easy, from which it is hard; CrowdPose


class COCOeval(_COCOeval):
    """Average precision and recall of poses.

    Args:
        cocoGt: annotations.
        cocoDt: results, by ``cocoGt.loadRes``.
        iouType: 'keypoints', one of its parts ('keypoints_wholebody', '_foot', '_face',
            '_lefthand', '_righthand'), 'keypoints_crowd', 'bbox' or 'segm'.
        sigmas: (K,) spread of each keypoint; default COCO's 17.
        use_area: use the annotations' 'area'; else 0.53 of the box's.
    """

    def __init__(
        self,
        cocoGt: Any = None,
        cocoDt: Any = None,
        iouType: str = 'keypoints',
        sigmas: Sequence[float] | np.ndarray | None = None,
        use_area: bool = True,
    ) -> None:
        if iouType not in {*_PARTS, 'bbox', 'segm'}:
            raise ValueError(f'iouType {iouType!r} is none of {sorted(_PARTS)}, bbox and segm')
        # `_prepare` passes each part to pycocotools as a pose.
        super().__init__(cocoGt, cocoDt, 'keypoints' if iouType in _PARTS else iouType)
        self.pose_type = iouType
        self.use_area = use_area
        if iouType in _PARTS:
            if sigmas is not None:
                self.params.kpt_oks_sigmas = np.asarray(sigmas)
            self.sigmas = self.params.kpt_oks_sigmas

    def _prepare(self) -> None:
        if self.pose_type not in _PARTS:
            super()._prepare()
            return
        self._gts, self._dts = defaultdict(list), defaultdict(list)
        for annotation in self._selected(self.cocoGt):
            person = self._person(annotation)
            self._gts[self._key(annotation)].append(person)
        for result in self._selected(self.cocoDt):
            pose = self._pose(result)
            if (pose[2::3] > 0).any():
                self._dts[self._key(result)].append(self._detection(result, pose))
        self.evalImgs, self.eval = defaultdict(list), {}

    def _selected(self, coco: Any) -> list[dict[str, Any]]:
        categories = self.params.catIds if self.params.useCats else []
        return coco.loadAnns(coco.getAnnIds(imgIds=self.params.imgIds, catIds=categories))

    @staticmethod
    def _key(annotation: dict[str, Any]) -> tuple[int, int]:
        return annotation['image_id'], annotation['category_id']

    def _person(self, annotation: dict[str, Any]) -> dict[str, Any]:
        pose = self._pose(annotation)
        labeled = (
            annotation['num_keypoints']  # CrowdPose counts visible keypoints only
            if self.pose_type == 'keypoints_crowd'
            else int((pose[2::3] > 0).sum())
        )
        return {
            **annotation,
            'id': annotation['id'] + 1,  # in pycocotools, id 0 means "no match"
            'keypoints': pose,
            'num_keypoints': labeled,
            'ignore': int(labeled == 0 or bool(annotation.get('iscrowd'))),
            'area': self._area(annotation),
        }

    def _detection(self, result: dict[str, Any], pose: np.ndarray) -> dict[str, Any]:
        _, score = _PARTS[self.pose_type]
        return {
            **result,
            'id': result['id'] + 1,
            'keypoints': pose,
            'score': result.get(score, result['score']),
        }

    def _pose(self, annotation: dict[str, Any]) -> np.ndarray:
        """x, y, v of all keypoints of the evaluated part, (3 K,)."""
        fields, _ = _PARTS[self.pose_type]
        missing = [field for field in fields if field not in annotation]
        if missing:
            raise ValueError(
                f'{self.pose_type} evaluation needs {missing[0]!r}, '
                f'which annotation or result {annotation["id"]} lacks'
            )
        pose = np.concatenate([np.asarray(annotation[field], float) for field in fields])
        if len(pose) != 3 * len(self.params.kpt_oks_sigmas):
            raise ValueError(
                f'annotation or result {annotation["id"]} has {len(pose) / 3:g} keypoints, '
                f'but there are {len(self.params.kpt_oks_sigmas)} sigmas'
            )
        return pose

    def _area(self, annotation: dict[str, Any]) -> float:
        if not self.use_area:
            return annotation['bbox'][2] * annotation['bbox'][3] * _BOX_TO_BODY
        if 'area' not in annotation:
            raise ValueError(
                f"annotation {annotation['id']} has no 'area', which OKS divides by; "
                'pass use_area=False to take it from the box'
            )
        return annotation['area']

    def evaluateImg(
        self, imgId: int, catId: int, aRng: Sequence[float], maxDet: int
    ) -> dict[str, Any] | None:
        """Matches in one image; -1 stands for "nothing matched"."""
        result = super().evaluateImg(imgId, catId, aRng, maxDet)
        if result is None or self.pose_type not in _PARTS:
            return result
        for key in ('dtMatches', 'gtMatches'):
            result[key] = result[key].astype(np.int64) - 1
        for key in ('dtIds', 'gtIds'):
            result[key] = [number - 1 for number in result[key]]
        return result

    def accumulate(self, p: Any = None) -> None:
        """Compute precision and recall from the matches of all images."""
        images = self.evalImgs
        if self.pose_type in _PARTS:
            self.evalImgs = [
                image and {**image, 'dtMatches': image['dtMatches'] >= 0} for image in images
            ]
        super().accumulate(p)
        self.evalImgs = images

    def summarize(self) -> None:
        """Set ``stats``: ten numbers; for CrowdPose AP, AP50, AP75, AR, AR50, AR75, AP by level."""
        if self.pose_type != 'keypoints_crowd':
            super().summarize()
            return
        stats = [
            self._mean(quantity, threshold)
            for quantity in ('precision', 'recall')
            for threshold in (None, 0.5, 0.75)
        ]
        self.stats = np.array(stats + self._by_crowding())
        names = ('AP', 'AP50', 'AP75', 'AR', 'AR50', 'AR75', 'AP easy', 'AP medium', 'AP hard')
        for name, value in zip(names, self.stats):
            logging.getLogger(__name__).info('%s = %.3f', name, value)

    def _mean(self, quantity: str, threshold: float | None) -> float:
        values = self.eval[quantity][..., 0, -1]  # all areas, the largest number of detections
        if threshold is not None:
            values = values[np.isclose(self.params.iouThrs, threshold)]
        valid = values[values > -1]
        return float(valid.mean()) if valid.size else -1.0

    def _by_crowding(self) -> list[float]:
        """AP of easy, medium and hard images; evaluates each level and restores the total."""
        images = self.cocoGt.loadImgs(self.params.imgIds)
        lacking = [image['id'] for image in images if 'crowdIndex' not in image]
        if lacking:
            raise ValueError(
                f"keypoints_crowd evaluation needs 'crowdIndex', which image {lacking[0]} lacks"
            )
        levels: list[list[int]] = [[], [], []]
        for image in images:
            index = image['crowdIndex']
            levels[int(index >= _EASY) + int(index >= _HARD)].append(image['id'])
        whole = self.evalImgs, self.eval, self.params.imgIds
        results = [self._level_ap(level) for level in levels]
        self.evalImgs, self.eval, self.params.imgIds = whole
        return results

    def _level_ap(self, image_ids: list[int]) -> float:
        if not image_ids:
            return -1.0
        self.params.imgIds = image_ids
        with contextlib.redirect_stdout(io.StringIO()):
            self.evaluate()
            self.accumulate()
        # Without dropping the -1 of an empty class, and rounded: xtcocotools' numbers.
        return round(float(self.eval['precision'][:, :, :, 0].mean()), 4)
