"""From samples to a batch.

Legend: B samples; inputs (B, 3, H, W) uint8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.dataset import default_collate

from hrnet_ext.models.sample_batch import SampleBatch
from hrnet_ext.registry import FUNCTIONS


@FUNCTIONS.register_module()
def stack_samples(batch: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """``collate_fn`` of the shipped data loaders: one tensor of inputs, a list of samples.

    MMEngine's leaves every sample's tensors alone, each of which then goes from worker to trainer
    by a file of its own, and from there to the device by a copy of its own: one for the picture and
    one for each kind of label, B times. Here they are stacked, and samples hold views of the
    stacks.

    Args:
        batch: What ``PackPoseInputs`` made, B times.

    Returns:
        ``inputs`` (B, 3, H, W), or a list where shapes differ, and ``data_samples``.
    """
    inputs = [each['inputs'] for each in batch]
    alike = len({each.shape for each in inputs}) == 1
    return {
        'inputs': default_collate(inputs) if alike else inputs,
        # here, not when it is pickled: what fails in the thread that does so is never heard of
        'data_samples': SampleBatch.of([each['data_samples'] for each in batch]),
    }
