"""Runners with a log folder of their own; a training also locks its work dir."""

import os
import time

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.runner import BaseLoop, EpochBasedTrainLoop
from torch import nn

from hrnet_ext.engine.agreement import loader_problems
from hrnet_ext.engine.console import ConsoleRunner
from hrnet_ext.engine.work_dir import hold_folder


class _AlreadyComplete(Exception):
    """The checkpoint to resume from is the last one."""


class Runner(ConsoleRunner):
    """The command line's runner; runs started in the same second get different log folders."""

    def setup_env(self, env_cfg: dict) -> None:
        """Join the other processes and create a log folder."""
        super().setup_env(env_cfg)
        self._take_work_dir()
        timestamp = [self._timestamp]
        while is_main_process():
            try:
                os.mkdir(os.path.join(self.work_dir, timestamp[0]))
                break
            except FileExistsError:
                time.sleep(0.1)
                timestamp = [time.strftime('%Y%m%d_%H%M%S')]
        broadcast_object_list(timestamp)
        self._timestamp = timestamp[0]

    def _take_work_dir(self) -> None:
        """Overridden by runners that need a work dir of their own."""


class TrainingRunner(Runner):
    """The runner of one training, which locks its work dir.

    Raises:
        ValueError: If another training uses the work dir; raised before anything is written there.
    """

    def _take_work_dir(self) -> None:
        self._lock = hold_folder(self.work_dir)

    def build_train_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Build the loop and check that its loader gives batches.

        Raises:
            ValueError: If it gives none. MMEngine would fail later, in the learning rate schedule.
        """
        loop = super().build_train_loop(loop)
        problems = loader_problems(loop.dataloader, 'train_dataloader')
        if problems:
            raise ValueError(problems[0])
        return loop

    def load_or_resume(self) -> None:
        """Load weights or a training state; stop if that training is already complete."""
        super().load_or_resume()
        loop = self.train_loop
        if isinstance(loop, EpochBasedTrainLoop):
            done, end, key = loop.epoch, loop.max_epochs, 'max_epochs'
        else:
            done, end, key = loop.iter, loop.max_iters, 'max_iters'
        if self._resume and done >= end:
            self.logger.warning(
                f'nothing to do: {self._load_from} is the end of its training ({done} of '
                f'train_cfg.{key}={end}). To train on, raise it: '
                f'--cfg-options train_cfg.{key}={2 * done}'
            )
            raise _AlreadyComplete

    def train(self) -> nn.Module:
        """Train to the end and release the work dir."""
        try:
            return super().train()
        except _AlreadyComplete:
            return self.model
        finally:
            if self._lock is not None:
                self._lock.close()
