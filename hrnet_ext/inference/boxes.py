"""Person boxes: given by the caller and checked, or found by a detector, for batches of frames.

Legend: N boxes of one frame; (N, 4) x1, y1, x2, y2 in pixels of the image, (N, 5) with a score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from mmengine.logging import print_log
from mmpose.evaluation.functional import nms

from hrnet_ext.formats.box_arrays import (
    box_arrays,
    faults_of,
    refuse_faults,
    without_tensors,
)
from hrnet_ext.inference.box_files import FileBoxes
from hrnet_ext.inference.detector import PersonDetector
from hrnet_ext.inference.frames import Frame, ImageSource, Source, in_batches, made_up_name

Boxes = Sequence | np.ndarray | Callable[[Frame], Any]
Found = tuple[Sequence[Frame], Sequence[np.ndarray]]
DETECTED_THR = 0.3  # MMPose's, for score and IoU of detected boxes


class GivenBoxes:
    """The boxes of each frame, given by the caller.

    Args:
        bboxes: For one image: its boxes, see :mod:`hrnet_ext.formats.box_arrays`. For several
            images or a video: a list with the boxes of each image or frame. Or a function of the
            frame.
        source: The source of the frames.

    Raises:
        ValueError: If the number of entries is not the number of images.
    """

    def __init__(self, bboxes: Boxes, source: Source) -> None:
        self._source = source
        if isinstance(bboxes, FileBoxes):
            bboxes.check_names(_names_of(source))
        if not callable(bboxes):
            bboxes = _by_frame(without_tensors(bboxes), source)
        self._bboxes = bboxes
        self._has_warned = False

    def __call__(self, frame: Frame) -> tuple[np.ndarray, bool]:
        """The boxes (N, 5) of a frame, and whether they came with scores.

        Boxes without scores give one pose each, in order; an invalid one is an error. Boxes with
        scores are detections: those outside the image are left out, with one warning.

        Raises:
            ValueError: If the values are not boxes; the message names frame and box.
        """
        where = self._source.describe(frame)
        corners, scores, is_scored = box_arrays(self._of(frame, where), where)
        if not is_scored:
            refuse_faults(corners, frame.size, where)
        faults = faults_of(corners, frame.size)
        if faults:
            self._warn(where, corners, faults)
        boxes = np.concatenate([corners, scores[:, None]], 1).astype(np.float32)
        return np.delete(boxes, list(faults), 0), is_scored

    def _of(self, frame: Frame, where: str) -> Any:
        if callable(self._bboxes):
            return self._bboxes(frame)
        if frame.index >= len(self._bboxes):
            raise ValueError(f'bboxes has {len(self._bboxes)} entries, none for {where}')
        return self._bboxes[frame.index]

    def _warn(self, where: str, corners: np.ndarray, faults: dict[int, str]) -> None:
        if self._has_warned:
            return
        self._has_warned = True
        index, fault = next(iter(faults.items()))
        print_log(
            f'{where}: detected box {index} {fault}: {corners[index].tolist()}; such boxes are '
            'left out; this warning is given once',
            'current',
            level=30,
        )


def best_boxes(boxes: np.ndarray, bbox_thr: float | None, nms_thr: float | None) -> np.ndarray:
    """The boxes that score more than ``bbox_thr``, without duplicates.

    Args:
        boxes: (N, 5).
        bbox_thr: None keeps all.
        nms_thr: If the IoU of two boxes is higher, only the better box is kept; None keeps all.

    Returns:
        (M, 5), selected and ordered as in MMPose.
    """
    if bbox_thr is not None:
        boxes = boxes[boxes[:, 4] > bbox_thr]
    return boxes if nms_thr is None else boxes[nms(boxes, nms_thr)]


def whole_image(frame: Frame) -> np.ndarray:
    """One box (1, 5) that covers the image."""
    return np.array([[0, 0, *frame.size, 1]], np.float32)


def _names_of(source: Source) -> list[str]:
    """The paths of the frames of a source; empty if their number is unknown."""
    if isinstance(source, ImageSource):
        return source.paths
    return [made_up_name(index) for index in range(source.length or 0)]


def _by_frame(bboxes: Any, source: Source) -> Sequence:
    """A list with an entry for each frame."""
    if not isinstance(bboxes, (list, tuple, np.ndarray)):
        raise ValueError(
            f'bboxes should be boxes, a list of them or a function, but is {type(bboxes).__name__}'
        )
    if source.is_video:
        of_one_image = len(bboxes) and _depth(bboxes) < 3 and all(map(np.size, bboxes))
        if of_one_image and len(bboxes) != source.length:
            raise ValueError(
                f'bboxes are those of one image, but `{source.name}` is a video; give a list with '
                'the boxes (N, 4) of each frame, or a function of the frame'
            )
        return bboxes
    if source.length == 1 and _depth(bboxes) < 3:
        return [bboxes]
    if len(bboxes) != source.length:
        raise ValueError(
            f'bboxes has {len(bboxes)} entries, but there are {source.length} images; give a list '
            'with the boxes (N, 4) of each, [] for no person'
        )
    return bboxes


def _depth(bboxes: Any) -> int:
    """Number of nested lists or dimensions: 1 for a box, 2 for the boxes of an image."""
    if isinstance(bboxes, np.ndarray):
        return bboxes.ndim
    if not isinstance(bboxes, (list, tuple)):
        return 0
    return 1 + max((_depth(entry) for entry in bboxes), default=0)


class BoxFinder:
    """Boxes from the caller or from a detector, or one box that covers the image.

    Args:
        source: The source of the frames.
        bboxes: See :class:`~hrnet_ext.inference.boxes.GivenBoxes`; None uses the
            detector.
        detector: Detects persons; None uses the whole image.
        bbox_thr: Boxes must score more than this; None is 0.3 for detected boxes, and keeps all
            boxes of the caller.
        nms_thr: IoU above which only the best box is kept; None as for ``bbox_thr``.

    Raises:
        ValueError: If ``bboxes`` do not fit the source.
    """

    def __init__(
        self,
        source: Source,
        bboxes: Boxes | None,
        detector: PersonDetector | None,
        *,
        bbox_thr: float | None = None,
        nms_thr: float | None = None,
    ) -> None:
        self._given = None if bboxes is None else GivenBoxes(bboxes, source)
        self._detector = detector
        self._thresholds = bbox_thr, nms_thr

    def batches(self, frames: Iterable[Frame], batch_size: int) -> Iterator[Found]:
        """Batches of frames, each frame with its boxes (N, 5).

        Raises:
            ValueError: If the values given for a frame are not boxes; the message names frame and
                box. The frames before it are returned first.
        """
        if self._given is not None:
            pairs = ((frame, self._chosen(frame)) for frame in frames)
            for batch in in_batches(pairs, batch_size):
                yield tuple(zip(*batch))
            return
        for batch in in_batches(frames, batch_size):
            yield batch, self._found(batch)

    def _found(self, frames: Sequence[Frame]) -> list[np.ndarray]:
        if self._detector is None:
            return [whole_image(frame) for frame in frames]
        found = self._detector([frame.image for frame in frames])
        return [self._detected(frame, boxes) for frame, boxes in zip(frames, found)]

    def _chosen(self, frame: Frame) -> np.ndarray:
        """The caller's boxes; given thresholds are applied to boxes with scores."""
        boxes, is_scored = self._given(frame)
        return best_boxes(boxes, *self._thresholds) if is_scored else boxes

    def _detected(self, frame: Frame, boxes: np.ndarray) -> np.ndarray:
        boxes = np.delete(boxes, list(faults_of(boxes[:, :4], frame.size)), 0)
        thresholds = (DETECTED_THR if thr is None else thr for thr in self._thresholds)
        return best_boxes(boxes, *thresholds)
