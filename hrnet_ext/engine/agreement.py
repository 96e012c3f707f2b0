"""Check that data set, codec, pipelines and network fit together; each function lists problems.

Legend: K keypoints; ``input_size`` and ``heatmap_size`` are (w, h). A problem is one sentence that
names the config keys and the cure; an empty list means no problem. No class is checked by name,
so MMPose's data sets, codecs and heads are checked like our own.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from hrnet_ext.models.input_channels import input_channels

PROBE_SIDE = 64  # twice the smallest square that every branch of an HRNet divides evenly
CODEC_SETTINGS = ('input_size', 'heatmap_size', 'sigma', 'unbiased', 'blur_kernel_size')


def keypoint_problems(metainfo: Mapping, out_channels: int, loader: str) -> list[str]:
    """Compare the data set's keypoints with the head's channels.

    Args:
        metainfo: The data set's, with ``num_keypoints``.
        out_channels: Heatmaps the head makes.
        loader: Config key of the data set's loader.
    """
    num_keypoints = metainfo['num_keypoints']
    if num_keypoints == out_channels:
        return []
    return [
        f'model.head.out_channels is {out_channels}, but {loader}.dataset has {num_keypoints} '
        f'keypoints; set model.head.out_channels={num_keypoints}, or give the data set the '
        'metainfo of the keypoints you mean'
    ]


def flip_problems(metainfo: Mapping, loader: str) -> list[str]:
    """Check that mirroring twice restores every keypoint, as flips and the flip test require."""
    flip_indices = list(metainfo['flip_indices'])
    num_keypoints = metainfo['num_keypoints']
    if sorted(flip_indices) != list(range(num_keypoints)):
        return [
            f'{loader}.dataset: flip_indices {flip_indices} do not name each of {num_keypoints} '
            'keypoints once; correct `swap` in metainfo.keypoint_info'
        ]
    names = metainfo['keypoint_id2name']
    return [
        f'{loader}.dataset: {names[index]} mirrors to {names[mirror]}, but {names[mirror]} to '
        f'{names[flip_indices[mirror]]}; correct `swap` in metainfo.keypoint_info'
        for index, mirror in enumerate(flip_indices)
        if flip_indices[mirror] != index
    ]


def pipeline_problems(transforms: Sequence, decoder: object, loader: str) -> list[str]:
    """Compare a pipeline's crop size and target encoder with the head's decoder.

    Args:
        transforms: The built pipeline.
        decoder: The head's codec.
        loader: Config key of the pipeline's loader.
    """
    problems = []
    for transform in transforms:
        name = f'{type(transform).__name__} of {loader}.dataset.pipeline'
        size = getattr(transform, 'input_size', None)
        if size is not None and tuple(size) != tuple(decoder.input_size):
            problems.append(
                f'{name} crops to {tuple(size)} (w, h), but model.head.decoder expects '
                f'{tuple(decoder.input_size)}; use one codec for both (`codec` in the config)'
            )
        encoder = getattr(transform, 'encoder', None)
        if hasattr(encoder, 'heatmap_size'):
            problems.extend(_codec_problems(encoder, decoder, name))
    return problems


def loader_problems(loader: DataLoader, key: str) -> list[str]:
    """Check that a loader gives at least one batch.

    Args:
        loader: The built one.
        key: Its config key.
    """
    try:
        if len(loader):
            return []
        num_samples = len(loader.dataset)
    except TypeError:  # a stream of unknown length
        return []
    if not num_samples:
        return [f'{key}.dataset has no samples']
    return [
        f'{key} gives no batch: {num_samples} samples are fewer than '
        f'batch_size={loader.batch_size} in each process; set {key}.batch_size lower, or '
        f'{key}.drop_last=False'
    ]


def channel_problems(model: nn.Module, image: np.ndarray | None, key: str) -> list[str]:
    """Compare the channels of images with those that the preprocessor and the network take.

    Args:
        model: A pose estimator.
        image: (H, W, C) or (H, W), as loaded; None if it is not known.
        key: Config key of the loader.
    """
    if image is None or not hasattr(model, 'backbone'):
        return []
    given = 1 if image.ndim == 2 else image.shape[2]
    taken = input_channels(model)
    if given != taken:
        return [
            f'{key}.dataset loads images of {given} channels, but model.backbone takes {taken}; '
            'set color_type of LoadImage (grayscale: 1, color: 3, unchanged: as the file has), or '
            'model.backbone.in_channels'
        ]
    mean = getattr(getattr(model, 'data_preprocessor', None), 'mean', None)
    if mean is not None and mean.numel() not in (1, taken):
        return [
            f'model.data_preprocessor.mean has {mean.numel()} values, but images have {taken} '
            'channels; give mean and std one value per channel'
        ]
    return []


def network_problems(model: nn.Module) -> list[str]:
    """Run the network on an image of zeros and compare its heatmaps with the codec.

    Args:
        model: A top-down estimator; its mode and its weights are left as they are.
    """
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            return _probe(model)
    finally:
        model.train(was_training)


def save_best_problems(keys: Sequence[str], metrics: Sequence) -> list[str]:
    """Check that validation computes the metric named by ``save_best``.

    Args:
        keys: Metric names in ``default_hooks.checkpoint.save_best``.
        metrics: The built metrics of ``val_evaluator``; a metric's ``names``, if any, lists its
            values.
    """
    if any(metric.prefix is None for metric in metrics):
        return []
    problems = []
    for key in keys:
        prefix, _, name = key.rpartition('/')
        own = [metric for metric in metrics if metric.prefix == prefix]
        if key == 'auto' or any(name in getattr(metric, 'names', [name]) for metric in own):
            continue
        offered = [f'{m.prefix}/{name}' for m in metrics for name in getattr(m, 'names', ['...'])]
        problems.append(
            f'default_hooks.checkpoint.save_best is `{key}`, which val_evaluator does not give; '
            f'it gives {", ".join(offered)}'
        )
    return problems


def weight_decay_warnings(optimizer: torch.optim.Optimizer) -> list[str]:
    """Warn of Adam's L2 penalty, which is known to reduce HRNet's AP from 74 to 12."""
    decays = {group.get('weight_decay', 0) for group in optimizer.param_groups} - {0}
    if not decays or type(optimizer) is not torch.optim.Adam:
        return []
    return [
        f'optim_wrapper.optimizer: Adam with weight_decay={max(decays)}; the published results '
        'need 0, larger values are known to ruin them (AdamW decays differently)'
    ]


def _codec_problems(encoder: object, decoder: object, where: str) -> list[str]:
    problems = []
    for setting in CODEC_SETTINGS:
        if not (hasattr(encoder, setting) and hasattr(decoder, setting)):
            continue
        made, read = (_plain(getattr(codec, setting)) for codec in (encoder, decoder))
        if made != read:
            problems.append(
                f'{where} encodes with {setting}={made}, but model.head.decoder has '
                f'{setting}={read}; use one codec for both (`codec` in the config)'
            )
    return problems


def _plain(value: object) -> object:
    return tuple(value) if isinstance(value, Sequence) else value


def _probe(model: nn.Module) -> list[str]:
    """Run a model in eval mode and compare its heatmaps with its codec."""
    head, codec = model.head, model.head.decoder
    shape = (1, input_channels(model), PROBE_SIDE, PROBE_SIDE)
    features = model.extract_feat(torch.zeros(shape, device=next(model.parameters()).device))
    channels = features[-1].shape[1]
    if getattr(head, 'in_channels', channels) != channels:
        return [
            f'model.head.in_channels is {head.in_channels}, but model.backbone gives {channels} '
            f'channels; set model.head.in_channels={channels}'
        ]
    heatmaps = head(features)
    stride = PROBE_SIDE // heatmaps.shape[-1]
    expected = tuple(side // stride for side in codec.input_size)
    if tuple(codec.heatmap_size) == expected:
        return []
    return [
        f'model.head.decoder.heatmap_size is {tuple(codec.heatmap_size)}, but the network makes '
        f'heatmaps of {expected} (w, h) from inputs of {tuple(codec.input_size)}; set '
        f'codec.heatmap_size={expected}'
    ]
