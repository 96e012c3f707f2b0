"""Pictures of poses: MMPose's skeletons, with scores, track ids and trails over them.

Legend: images (H, W, 3) uint8, BGR as read; pictures likewise, but RGB, as MMPose hands them over.
"""

from __future__ import annotations

import cv2
import numpy as np
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from mmpose.visualization import PoseLocalVisualizer

from hrnet_ext.visualization.tracks import PLAIN, Trails, draw_labels, track_color


class PosePainter:
    """Draws the people of one frame after another.

    Args:
        visualizer: MMPose's, with the data set's colours: left, right and middle apart.
        draw_bbox: Draw the person boxes.
        draw_heatmap: Put the heatmaps under the picture.
        draw_score: Write each pose's score (box score times mean keypoint score) above its box;
            tracked people have it beside their id.
        radius: Of keypoints, pixels; None goes by the image's size.
        thickness: Of limbs and boxes, pixels; None goes by the image's size.
        kpt_thr: Keypoints that score less are not drawn.
        skeleton_style: ``'mmpose'`` or ``'openpose'``.
        black_background: Draw on black in place of the image.
    """

    def __init__(
        self,
        visualizer: PoseLocalVisualizer,
        *,
        draw_bbox: bool = False,
        draw_heatmap: bool = False,
        draw_score: bool = False,
        radius: int | None = 3,
        thickness: int | None = 1,
        kpt_thr: float = 0.3,
        skeleton_style: str = 'mmpose',
        black_background: bool = False,
    ) -> None:
        self.visualizer = visualizer
        self.draw_score, self.draw_heatmap = draw_score, draw_heatmap
        self.radius, self.thickness = radius, thickness
        self.black_background = black_background
        self._options = {
            'draw_gt': False,
            'draw_bbox': draw_bbox,
            'draw_heatmap': draw_heatmap,
            'kpt_thr': kpt_thr,
            'skeleton_style': skeleton_style,
        }
        self._trails = Trails()

    def __call__(self, image: np.ndarray, sample: PoseDataSample) -> np.ndarray:
        """A picture (H, W, 3) of a frame, or (2 H, W, 3) with heatmaps.

        Args:
            image: The frame; it stays as it is.
            sample: Its people; those with ``track_ids`` get a trail from frame to frame.
        """
        canvas = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        if self.black_background:
            canvas[:] = 0
        unit = min(canvas.shape[:2]) / 250
        thickness = max(1, round(unit)) if self.thickness is None else self.thickness
        radius = thickness + 1 if self.radius is None else self.radius
        self.visualizer.radius, self.visualizer.line_width = radius, thickness
        picture = self.visualizer.add_datasample('', canvas, sample, **self._options).copy()
        if self.draw_heatmap and len(picture) == len(canvas):
            picture = np.concatenate([picture, canvas])  # nobody here; a video keeps its size
        self._annotate(picture, sample.pred_instances)
        return picture

    def _annotate(self, picture: np.ndarray, people: InstanceData) -> None:
        """Write and draw into ``picture`` what MMPose does not."""
        texts = [f'{score:.2f}' for score in pose_scores(people)] if self.draw_score else None
        if 'track_ids' not in people:
            if texts:
                draw_labels(picture, people.bboxes, texts, [PLAIN] * len(texts))
            return
        self._trails.update(people.track_ids, people.bboxes)
        self._trails.draw(picture)
        ids = people.track_ids.tolist()
        texts = [f'{i}  {text}' for i, text in zip(ids, texts)] if texts else map(str, ids)
        draw_labels(picture, people.bboxes, list(texts), [track_color(i) for i in ids])


def pose_scores(people: InstanceData) -> np.ndarray:
    """Box score times mean keypoint score, (N,)."""
    return people.bbox_scores * people.keypoint_scores.mean(axis=1)
