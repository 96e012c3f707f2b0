"""Draw the poses of a frame, show the drawing in a window, write files."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmpose.structures import PoseDataSample
from mmpose.visualization import PoseLocalVisualizer

from hrnet_ext.inference.frames import Frame, Source
from hrnet_ext.inference.outputs import DEFAULT_CODEC, Outputs, make_outputs
from hrnet_ext.inference.topdown_poses import instances_of
from hrnet_ext.visualization.files import check_windows, has_windows, show_image
from hrnet_ext.visualization.pose_painter import PosePainter

VIDEO_WAIT = 1e-5  # seconds a frame of a video is shown; 0 would wait for a key


class Viewer:
    """Draws, shows and writes frame by frame; close it, or use it in a ``with`` statement.

    Args:
        outputs: Writes the files.
        painter: Makes drawings; None if no drawing is needed.
        title: Title of the window; None for no window.
        wait_time: Seconds that a drawing is shown; 0 waits for a key.
        return_vis: Whether to return drawings.
    """

    def __init__(
        self,
        outputs: Outputs,
        painter: PosePainter | None,
        *,
        title: str | None,
        wait_time: float,
        return_vis: bool,
    ) -> None:
        self._outputs, self._painter = outputs, painter
        self._title, self._wait_time = title, wait_time
        self._return_vis = return_vis
        self.is_stopped = False

    def __call__(self, frame: Frame, sample: PoseDataSample) -> list[np.ndarray] | None:
        """Drawings (H, W, 3) RGB to return; None if nothing was drawn, as in MMPose."""
        drawing = self._painter(frame.image, sample) if self._painter else None
        self._outputs.write(frame, instances_of(sample), drawing)
        if drawing is None:
            return None
        if self._title is not None:
            self.is_stopped = not show_image(drawing, self._title, self._wait_time)
        return [drawing] if self._return_vis else []

    def __enter__(self) -> Viewer:
        return self

    def __exit__(self, *_: object) -> None:
        self._outputs.close()


def make_viewer(
    source: Source,
    visualizer: PoseLocalVisualizer,
    *,
    return_vis: bool = False,
    show: bool | None = None,
    wait_time: float = 0,
    vis_out_dir: str = '',
    pred_out_dir: str = '',
    video_codec: str = DEFAULT_CODEC,
    **drawing: Any,
) -> Viewer:
    """The viewer that the arguments of a call describe.

    Args:
        source: The frames.
        visualizer: MMPose's visualizer.
        return_vis: Whether to return drawings.
        show: Show drawings in a window; None does so for cameras if windows are available.
        wait_time: Seconds that an image is shown; 0 waits for a key.
        vis_out_dir: Folder for drawings, or a video's file name; empty for none.
        pred_out_dir: Folder for predictions; empty for none.
        video_codec: ``'h264'``, ``'vp9'`` or ``'mpeg4'``.
        **drawing: See :class:`~hrnet_ext.visualization.pose_painter.PosePainter`.

    Raises:
        ValueError: If no windows are available, or input files would be overwritten.
    """
    if show:
        check_windows()
    if show is None:
        show = source.is_live and has_windows()
    outputs = make_outputs(source, vis_out_dir or '', pred_out_dir or '', video_codec=video_codec)
    painter = PosePainter(visualizer, **drawing) if show or return_vis or vis_out_dir else None
    return Viewer(
        outputs,
        painter,
        title=source.name if show else None,
        wait_time=VIDEO_WAIT if source.is_video else wait_time,
        return_vis=return_vis,
    )
