"""Collate samples into a batch.

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

    MMEngine's function keeps the tensors of each sample separate. Each image and each kind of label
    is then sent from worker to trainer through its own shared-memory file and copied to the device
    separately. Here they are stacked, and samples hold views of the stacks.

    Args:
        batch: B outputs of ``PackPoseInputs``.

    Returns:
        ``inputs`` (B, 3, H, W), or a list if shapes differ, and ``data_samples``.
    """
    inputs = [each['inputs'] for each in batch]
    alike = len({each.shape for each in inputs}) == 1
    return {
        'inputs': default_collate(inputs) if alike else inputs,
        # Here, not when it is pickled: errors in the pickling thread are not reported.
        'data_samples': SampleBatch.of([each['data_samples'] for each in batch]),
    }
