"""Translate a checkpoint's tensors into our names, and say what became of each."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from hrnet_ext.models import HRNet
from hrnet_ext.models.weights import ConversionReport, fit, translate
from hrnet_ext.models.weights.translation import BACKBONE, HEAD, Shape


def convert(
    state_dict: Mapping[str, Any], expected: Mapping[str, Shape | None] | None = None
) -> tuple[dict[str, Tensor], ConversionReport]:
    """Translate weights into our names: ``backbone.*`` and ``head.*``, MMPose's.

    A file that holds only a backbone gives only ``backbone.*`` and is complete all the same. A bare
    backbone (``HRNet(...).load_state_dict``) has names without prefix; a module on which
    :func:`register_conversion` was called takes either.

    Args:
        state_dict: Weights, or a checkpoint that has them under 'state_dict' or the like.
        expected: Our names -> shapes of the network to fill; ``None`` is the HRNet whose
            architecture the file's own shapes show, with the file's own head.

    Returns:
        The tensors in our names and in a state dict's order, those of unexpected shape and those
        which the network lacks included, and the report.
    """
    tensors, report = translate(state_dict)
    if expected is None:
        with torch.device('meta'):
            network = HRNet(**report.architecture or {})
        expected = {f'{BACKBONE}{name}': tuple(x.shape) for name, x in network.state_dict().items()}
        heads = {name: tuple(x.shape) for name, x in tensors.items() if name.startswith(HEAD)}
        expected |= heads
    return fit(tensors, expected, report)
