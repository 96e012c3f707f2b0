"""Translate a checkpoint into our names, and report what happened to each tensor."""

import hashlib
import io
import os
import time
from collections.abc import Iterable, Mapping
from typing import Any

import mmengine
import torch
from torch import Tensor

from hrnet_ext import __version__
from hrnet_ext.models import HRNet
from hrnet_ext.models.weights import ConversionReport, fit, to_official, translate
from hrnet_ext.models.weights.names import NO_OFFICIAL_NAME, official_names
from hrnet_ext.models.weights.translation import BACKBONE, HEAD, Shape
from hrnet_ext.safe_loading import CheckpointError, load_checkpoint
from hrnet_ext.writing import write_atomically


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


def convert_file(
    source: str,
    target: str | os.PathLike[str],
    *,
    to: str = 'mmpose',
    min_match: float = 0.95,
    trusted: bool = False,
) -> tuple[ConversionReport, str]:
    """Read, convert and write a checkpoint.

    Args:
        source: File or URL.
        target: ``.pth`` file to write, atomically; an existing file is replaced.
        to: 'mmpose' writes ``dict(meta=..., state_dict=...)`` with ``backbone.*`` and ``head.*``
            names; 'official' writes the bare names and nothing else, as that release does.
        min_match: Minimum fraction of the backbone's tensors that must match.
        trusted: As :func:`hrnet_ext.checkpoints.load_checkpoint`.

    Returns:
        The report, and the SHA-256 of the file written, in hex.

    Raises:
        CheckpointError: If too few tensors match; nothing is written then.
        OSError: If the file cannot be written.
    """
    checkpoint = load_checkpoint(source, trusted=trusted)
    weights, report = convert(checkpoint)
    if report.width is None or report.backbone_fraction < min_match:
        raise CheckpointError(
            f'{source}: {report.backbone_fraction:.1%} of an HRNet backbone matched, less than '
            f'{min_match:.0%}; nothing was written.\n{report}'
        )
    if to == 'official':
        content: dict[str, Any] = to_official(weights)
        _tell_what_is_left_out(report, weights)
    else:
        content = {'meta': _meta(checkpoint, source), 'state_dict': weights}
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomically(target, buffer.getbuffer())
    return report, hashlib.sha256(buffer.getbuffer()).hexdigest()


def _tell_what_is_left_out(report: ConversionReport, weights: Iterable[str]) -> None:
    left_out = set(weights) - official_names(weights).keys()
    report.matched = [name for name in report.matched if name not in left_out]
    report.ignored.update(dict.fromkeys(sorted(left_out), NO_OFFICIAL_NAME))


def _meta(checkpoint: Mapping[str, Any], source: str) -> dict[str, Any]:
    """The known fields of MMEngine's meta; MMPose reads 'dataset_meta' for inference."""
    meta = {
        'epoch': 0,
        'iter': 0,
        'time': time.strftime('%Y%m%d_%H%M%S'),
        'mmengine_version': mmengine.__version__,
        'hrnet_ext_version': __version__,
        'converted_from': os.path.basename(source),
    }
    theirs = checkpoint.get('meta')
    if isinstance(theirs, Mapping) and 'dataset_meta' in theirs:
        meta['dataset_meta'] = theirs['dataset_meta']
    return meta
