"""Draw the poses of consecutive frames, with scores, track ids and trails.

Legend: frames (H, W, 3) uint8, BGR; drawings RGB, as in MMPose.
"""

from __future__ import annotations

import cv2
import numpy as np
from mmpose.structures import PoseDataSample
from mmpose.visualization import PoseLocalVisualizer

from hrnet_ext.visualization.poses import Skeleton, Style, draw_poses
from hrnet_ext.visualization.tracks import Trails

NO_SKELETON = Skeleton([], [], [])  # MMPose draws OpenPose's skeleton


class PosePainter:
    """Draws the persons of consecutive frames.

    Args:
        visualizer: MMPose's, with the metadata of the data set; it draws heatmaps and OpenPose's
            skeletons.
        draw_bbox: Draw the person boxes.
        draw_heatmap: Add the heatmaps below the image.
        draw_score: Write the score of each pose (box score times mean keypoint score) above its
            box; for tracked persons beside their id.
        radius: Radius of keypoints in pixels; None derives it from the thickness.
        thickness: Thickness of limbs in pixels; None derives it from the sizes of person and image.
        kpt_thr: Keypoints with a lower score are not drawn.
        skeleton_style: ``'mmpose'`` or ``'openpose'``, which has OpenPose's colors.
        black_background: Draw on a black image.

    Raises:
        ValueError: If a thickness or radius is too small.
    """

    def __init__(
        self,
        visualizer: PoseLocalVisualizer,
        *,
        draw_bbox: bool = False,
        draw_heatmap: bool = False,
        draw_score: bool = False,
        radius: int | None = None,
        thickness: int | None = None,
        kpt_thr: float = 0.3,
        skeleton_style: str = 'mmpose',
        black_background: bool = False,
    ) -> None:
        self.visualizer = visualizer
        self.draw_heatmap, self.black_background = draw_heatmap, black_background
        self.is_openpose = skeleton_style == 'openpose'
        self._style = Style(
            NO_SKELETON if self.is_openpose else Skeleton.of(visualizer.dataset_meta),
            thickness=thickness,
            radius=0 if self.is_openpose else radius,
            min_score=kpt_thr,
            draw_boxes=draw_bbox,
            draw_scores=draw_score,
        )
        self._trails = Trails()

    def __call__(self, image: np.ndarray, sample: PoseDataSample) -> np.ndarray:
        """A drawn image (H, W, 3) of a frame, or (2 H, W, 3) with heatmaps.

        Args:
            image: The frame; it stays as it is.
            sample: Its people; those with ``track_ids`` get a trail from frame to frame.
        """
        canvas = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        if self.black_background:
            canvas[:] = 0
        people, height = sample.pred_instances, len(canvas)
        if self.is_openpose or self.draw_heatmap:
            by_mmpose = self._draw_by_mmpose(canvas, sample)
            # An image without people has no heatmap; the video keeps its size.
            heatmap = by_mmpose[height:] if len(by_mmpose) > height else canvas
        if self.is_openpose:
            canvas = by_mmpose[:height].copy()
        if 'track_ids' in people:
            self._trails.update(people.track_ids, people.bboxes)
            self._trails.draw(canvas, self._style)
        drawn = draw_poses(canvas, people, self._style)
        return np.concatenate([drawn, heatmap]) if self.draw_heatmap else drawn

    def _draw_by_mmpose(self, canvas: np.ndarray, sample: PoseDataSample) -> np.ndarray:
        by_size = max(1, round(min(canvas.shape[:2]) / 250))
        self.visualizer.line_width = self._style.thickness or by_size
        self.visualizer.radius = self.visualizer.line_width + 1
        return self.visualizer.add_datasample(
            '',
            canvas,
            sample,
            draw_gt=False,
            draw_heatmap=self.draw_heatmap,
            kpt_thr=self._style.min_score,
            skeleton_style='openpose' if self.is_openpose else 'mmpose',
        )
