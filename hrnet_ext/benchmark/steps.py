"""Training steps as callables: forward, loss, accuracy, backward, optimizer.

Legend: B people in a batch.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import FUNCTIONS, TRANSFORMS
from mmpose.datasets.transforms import GenerateTarget, PackPoseInputs
from torch import Tensor, nn
from torch.utils.data._utils.pin_memory import pin_memory

from hrnet_ext.benchmark.contest import Call
from hrnet_ext.benchmark.people import cropped, packed
from hrnet_ext.benchmark.twins import Twins, without_prefix

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
    samples = packed(steps, batch, twins.input_size)
    return _step(twins.mmposes(), pseudo_collate(samples), wrapper)


def our_step(twins: Twins, batch: int, wrapper: dict[str, Any], **model: Any) -> Call:
    """Ours on samples that carry keypoints; it makes the targets.

    Args:
        twins: The model, and how its config packs, collates and pins samples.
        batch: B.
        wrapper: Config of the optimizer wrapper.
        **model: Changes to the model's config.
    """
    return _step(twins.ours(**model), our_batch(twins, batch), wrapper)


def our_batch(twins: Twins, batch: int) -> dict[str, Any]:
    """B people as the config's data loader hands them over."""
    loader = twins.cfg.train_dataloader
    names = [step.type for step in loader.dataset.pipeline]
    cropped = next(index for index, name in enumerate(names) if name.endswith('TopdownAffine'))
    steps = [TRANSFORMS.build(step) for step in loader.dataset.pipeline[cropped + 1 :]]
    collate = loader.get('collate_fn', {'type': 'pseudo_collate'})
    collated = FUNCTIONS.get(collate['type'])(packed(steps, batch, twins.input_size))
    if loader.get('pin_memory') and twins.device != 'cpu':
        return pin_memory(collated)
    return collated


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
    return partial(take_step, model, batch, optim_wrapper)


def take_step(model: nn.Module, batch: dict[str, Any], optim_wrapper: OptimWrapper) -> Tensor:
    """The loss of one step; the batch can be given again."""
    # The head may write into its samples; the next step gets them as the first one did.
    given = {**batch, 'data_samples': [sample.clone() for sample in batch['data_samples']]}
    return model.train_step(given, optim_wrapper)['loss_kpt']
