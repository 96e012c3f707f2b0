"""Draw predictions in validation and testing: one image with all persons, ground truth beside it.

Legend: images (H, W, 3) uint8, RGB.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmpose.structures import PoseDataSample

from hrnet_ext.registry import HOOKS
from hrnet_ext.visualization.comparison import ImagePeople, PeopleByImage, side_by_side
from hrnet_ext.visualization.files import check_windows, read_image, show_image, write_image
from hrnet_ext.visualization.poses import Skeleton, Style

VAL_INTERVAL = 50  # images; iterations in MMPose's hook


@HOOKS.register_module()
class PoseVisualizationHook(Hook):
    """Replaces MMPose's ``PoseVisualizationHook`` and takes the same arguments.

    MMPose's hook draws an image for each *person*, without ground truth. Here persons are collected
    from all processes until their image is complete. Without ``show`` and ``out_dir`` drawings go
    to the visualizer's backends (TensorBoard and others).

    Args:
        enable: Whether to draw.
        interval: Draw every n-th image; None is every image in testing and every 50th in
            validation.
        kpt_thr: Predicted keypoints with a lower score are not drawn.
        show: Show drawings in a window; Esc or q closes it.
        wait_time: Seconds that a drawing is shown; 0 waits for a key.
        out_dir: Folder for drawings, inside the run's; in training one subfolder per validation.
        backend_args: Not used; accepted because MMPose's configs have it.

    Raises:
        ValueError: If ``interval`` is below 1, or ``show`` is set but no window can be opened.
    """

    priority = 'NORMAL'

    def __init__(
        self,
        enable: bool = False,
        interval: int | None = None,
        kpt_thr: float = 0.3,
        show: bool = False,
        wait_time: float = 0.0,
        out_dir: str | None = None,
        backend_args: dict | None = None,
    ) -> None:
        if interval is not None and interval < 1:
            raise ValueError(f'interval should be at least 1 (images), but is {interval}')
        if enable and show:
            check_windows()
        self.enable, self.interval, self.kpt_thr = enable, interval, kpt_thr
        self.show, self.wait_time, self.out_dir = show, wait_time, out_dir
        self._has_window = show
        self._people: PeopleByImage | None = None
        self._folder: Path | None = None
        self._style: Style | None = None

    def before_test_epoch(self, runner: Runner) -> None:
        """Find the images of the data set."""
        self._begin(runner, runner.test_loop, self.interval or 1, '')

    def before_val_epoch(self, runner: Runner) -> None:
        """Find the images of the data set."""
        epoch = f'epoch_{runner.epoch}' if runner._train_loop is not None else ''
        self._begin(runner, runner.val_loop, self.interval or VAL_INTERVAL, epoch)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[PoseDataSample] = (),
    ) -> None:
        """Draw the images that are complete with these predictions."""
        if self._people is not None:
            self._draw(runner, self._people.add(outputs))

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Draw the images that were not complete."""
        if self._people is None:
            return
        self._draw(runner, self._people.rest())
        self._people = None
        if self._folder is not None:
            print_log(f'predictions are drawn in {self._folder}', 'current')

    after_val_iter, after_val_epoch = after_test_iter, after_test_epoch

    def _begin(self, runner: Runner, loop: Any, interval: int, name: str) -> None:
        if not self.enable:
            return
        self._people = PeopleByImage(loop.dataloader.dataset, interval)
        if self.out_dir is not None:
            self._folder = Path(runner.work_dir, runner.timestamp, self.out_dir, name)
        skeleton = Skeleton.of(loop.evaluator.dataset_meta)
        self._style = Style(skeleton, min_score=self.kpt_thr, draw_scores=True)

    def _draw(self, runner: Runner, images: Iterable[ImagePeople]) -> None:
        for image in images:
            drawing = side_by_side(
                read_image(image.path), image.truth, image.prediction, self._style
            )
            if self._folder is not None:
                write_image(self._folder / image.name, drawing)
            elif not self.show:
                name = Path(image.name).with_suffix('').as_posix().replace('/', '_')
                runner.visualizer.add_image(name, drawing, runner.iter)
            if self._has_window and is_main_process():
                self._has_window = show_image(drawing, 'predictions', self.wait_time)
