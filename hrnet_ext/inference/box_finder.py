"""Where the people of a batch of frames are.

Legend: N boxes of one frame, (N, 5) x1, y1, x2, y2 in pixels of the image, and a score.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from hrnet_ext.inference.frames import Frame, Source
from hrnet_ext.inference.given_boxes import Boxes, GivenBoxes, best_boxes, faults_of, whole_image
from hrnet_ext.inference.person_detector import PersonDetector
from hrnet_ext.inference.read_ahead import in_batches

Found = tuple[Sequence[Frame], Sequence[np.ndarray]]
DETECTED_THR = 0.3  # MMPose's, for score and IoU of what a detector finds


class BoxFinder:
    """The caller's boxes, else the detector's, else one as large as the image.

    Args:
        source: The frames' source.
        bboxes: See :class:`~hrnet_ext.inference.given_boxes.GivenBoxes`; None detects.
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
