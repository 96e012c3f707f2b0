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
DETECTED_THR = 0.3  # MMPose's, for score and IoU of what a detector finds


class GivenBoxes:
    """The caller's boxes by frame.

    Args:
        bboxes: For one image its boxes, see :mod:`hrnet_ext.formats.box_arrays`. For several images
            a list of such, one for each; likewise for a video's frames. Or a function of the frame.
        source: The frames they belong to.

    Raises:
        ValueError: If their number is not that of the images.
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

        Boxes without scores are all kept, in order, or refused: one pose each. Boxes with scores
        are detections: those without a pixel of the image are left out, with one warning.

        Raises:
            ValueError: If they are no boxes; names frame and box.
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
            'left out, this is said once',
            'current',
            level=30,
        )


def best_boxes(boxes: np.ndarray, bbox_thr: float | None, nms_thr: float | None) -> np.ndarray:
    """Those of ``boxes`` (N, 5) that score more than ``bbox_thr``, less their duplicates.

    Args:
        boxes: (N, 5).
        bbox_thr: None keeps all.
        nms_thr: Of boxes whose IoU exceeds this the better stays; None keeps all.

    Returns:
        Some of the boxes, by MMPose's rules and in its order.
    """
    if bbox_thr is not None:
        boxes = boxes[boxes[:, 4] > bbox_thr]
    return boxes if nms_thr is None else boxes[nms(boxes, nms_thr)]


def whole_image(frame: Frame) -> np.ndarray:
    """One box (1, 5), the image itself."""
    return np.array([[0, 0, *frame.size, 1]], np.float32)


def _names_of(source: Source) -> list[str]:
    """The paths of a source's frames; none where their number is not known before."""
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
            'with the boxes (N, 4) of each, [] for nobody'
        )
    return bboxes


def _depth(bboxes: Any) -> int:
    """How many lists or arrays are inside one another: a box has 1, an image's boxes have 2."""
    if isinstance(bboxes, np.ndarray):
        return bboxes.ndim
    if not isinstance(bboxes, (list, tuple)):
        return 0
    return 1 + max((_depth(entry) for entry in bboxes), default=0)


class BoxFinder:
    """The caller's boxes, else the detector's, else one as large as the image.

    Args:
        source: The frames' source.
        bboxes: See :class:`~hrnet_ext.inference.boxes.GivenBoxes`; None detects.
        detector: Finds people; None takes the whole image.
        bbox_thr: Least score, exclusive; None is 0.3 for what the detector finds, and keeps all
            the caller's.
        nms_thr: Of boxes with a higher IoU the best stays; None likewise.

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
            ValueError: If the caller's are no boxes; names frame and box. What is before that
                frame is given first.
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
        """The caller's boxes; those with scores less what a given threshold excludes."""
        boxes, is_scored = self._given(frame)
        return best_boxes(boxes, *self._thresholds) if is_scored else boxes

    def _detected(self, frame: Frame, boxes: np.ndarray) -> np.ndarray:
        boxes = np.delete(boxes, list(faults_of(boxes[:, :4], frame.size)), 0)
        thresholds = (DETECTED_THR if thr is None else thr for thr in self._thresholds)
        return best_boxes(boxes, *thresholds)
