"""Training steps as callables: forward, loss, accuracy, backward, optimizer.

Legend: B people in a batch.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from mmengine.optim import build_optim_wrapper
from mmpose.datasets.transforms import GenerateTarget, PackPoseInputs
from torch import Tensor, nn

from hrnet_ext.benchmark.contest import Call
from hrnet_ext.benchmark.people import cropped, packed
from hrnet_ext.benchmark.twins import Twins, without_prefix
from hrnet_ext.datasets.transforms import KeypointTargets

LEARNING_RATE = 5e-4
ADAM = {'type': 'Adam', 'lr': LEARNING_RATE}
MMPOSE = {
    'fp32': {'type': 'OptimWrapper', 'optimizer': ADAM},
    '--amp': {'type': 'AmpOptimWrapper', 'optimizer': ADAM},
}
"""MMPose's optimizer wrappers, as its configs and its option ``--amp`` have them."""


def mmpose_step(twins: Twins, batch: int, wrapper: dict[str, Any]) -> Call:
    """MMPose's step on samples whose targets are made already, as its pipeline does."""
    steps = [GenerateTarget(encoder=without_prefix(twins.codec)), PackPoseInputs()]
    return _step(twins.mmposes(), packed(steps, batch, twins.input_size), wrapper)


def our_step(twins: Twins, batch: int, wrapper: dict[str, Any], **model: Any) -> Call:
    """Ours on samples that carry keypoints; it makes the targets.

    Args:
        twins: The model.
        batch: B.
        wrapper: Config of the optimizer wrapper.
        **model: Changes to the model's config.
    """
    steps = [KeypointTargets(), PackPoseInputs()]
    return _step(twins.ours(**model), packed(steps, batch, twins.input_size), wrapper)


def make_targets(twins: Twins, batch: int) -> Callable[[], None]:
    """What MMPose's pipeline spends on the targets of a batch."""
    step = GenerateTarget(encoder=without_prefix(twins.codec))
    people = list(cropped(batch, twins.input_size))

    def call() -> None:
        for person in people:
            step(dict(person))

    return call


def _step(model: nn.Module, batch: dict[str, Any], wrapper: dict[str, Any]) -> Call:
    optim_wrapper = build_optim_wrapper(model.train(), copy.deepcopy(wrapper))

    def call() -> Tensor:
        # The head may write into its samples; the next step gets them as the first one did.
        given = {**batch, 'data_samples': [sample.clone() for sample in batch['data_samples']]}
        return model.train_step(given, optim_wrapper)['loss_kpt']

    return call
