"""The same evaluation twice: MMEngine runners of our config and of MMPose's equivalent."""

from __future__ import annotations

import copy
from itertools import count
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.runner import Runner

from hrnet_ext.benchmark.twin_data import mmpose_loader_config
from hrnet_ext.benchmark.twins import Twins, mmpose_model

MMPOSE = 'MMPose'
MMPOSE_HOOKS = {  # of its configs/_base_/default_runtime.py
    'timer': {'type': 'IterTimerHook'},
    'logger': {'type': 'LoggerHook', 'interval': 50},
    'param_scheduler': {'type': 'ParamSchedulerHook'},
    'checkpoint': {'type': 'CheckpointHook', 'interval': 10},
    'sampler_seed': {'type': 'DistSamplerSeedHook'},
    'visualization': {'type': 'PoseVisualizationHook', 'enable': False},
}
_numbers = count()


class TwinRuns:
    """Makes runners that test one model on one set of people.

    Args:
        twins: The model.
        folder: The people, in COCO's layout.
        annotations: Their file, relative to ``folder``.
        work_dir: For weights, logs and predictions.
        workers: Of the data loader.

    Raises:
        ValueError: If MMEngine's runner, which chooses by itself, would take another device.
    """

    def __init__(
        self, twins: Twins, folder: Path, annotations: str, *, work_dir: Path, workers: int
    ) -> None:
        if torch.device(twins.device).type != get_device():
            raise ValueError(
                f"MMEngine's runner takes {get_device()}, not {twins.device}; "
                'CUDA_VISIBLE_DEVICES= leaves it the CPU alone'
            )
        self._cfg, self._folder, self._annotations = twins.cfg, folder, annotations
        self._work_dir, self._workers = work_dir, workers
        self._weights = work_dir / 'weights.pth'
        work_dir.mkdir(parents=True, exist_ok=True)
        torch.save(twins.weights(), self._weights)

    def runner(self, name: str) -> Runner:
        """A new runner, ready to test.

        Args:
            name: 'MMPose', or 'ours, ' and a mode of ``hrnet_ext.optimize``.
        """
        cfg = self._mmposes() if name == MMPOSE else self._ours(name.partition(', ')[2])
        cfg.work_dir = str(self._work_dir)
        cfg.load_from = str(self._weights)
        cfg.experiment_name = f'benchmark_{next(_numbers)}'
        cfg.log_level = 'ERROR'
        cfg.test_evaluator['outfile_prefix'] = str(self._prefix(name))
        return Runner.from_cfg(cfg)

    def predictions(self, name: str) -> Path:
        """The file with what a runner of that name has predicted, in COCO's result format."""
        prefix = self._prefix(name)
        return prefix.with_name(f'{prefix.name}.keypoints.json')

    def _prefix(self, name: str) -> Path:
        return self._work_dir / name.replace(', ', '_')

    def _ours(self, mode: str) -> Config:
        cfg = copy.deepcopy(self._cfg)
        self._set_loader(cfg.test_dataloader)
        cfg.test_evaluator = {**cfg.test_evaluator}
        if mode != 'off':
            hook = {'type': 'hrnet_ext.OptimizeHook', 'mode': mode}
            cfg.custom_hooks = [*cfg.get('custom_hooks', []), hook]
        return cfg

    def _mmposes(self) -> Config:
        cfg = copy.deepcopy(self._cfg)
        cfg.model = mmpose_model(cfg.model)
        cfg.test_dataloader = mmpose_loader_config(self._cfg, 'test')
        self._set_loader(cfg.test_dataloader)
        cfg.default_hooks = copy.deepcopy(MMPOSE_HOOKS)
        cfg.custom_hooks = [{'type': 'SyncBuffersHook'}]
        cfg.test_evaluator = {
            'type': 'CocoMetric', 'ann_file': str(self._folder / self._annotations),
        }  # fmt: skip
        return cfg

    def _set_loader(self, loader: Any) -> None:
        loader.num_workers = self._workers
        loader.persistent_workers = self._workers > 0
        loader.dataset.update(
            data_root=str(self._folder),
            ann_file=self._annotations,
            data_prefix={'img': 'val2017/'},
            bbox_file=None,
        )
