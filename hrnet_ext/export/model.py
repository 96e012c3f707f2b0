"""Load the model to export with its weights, and describe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mmpose.datasets.datasets  # noqa: F401 - its data sets register on import
from mmengine.config import Config
from mmengine.registry import DATASETS, MODELS, init_default_scope
from mmpose.codecs import MSRAHeatmap as MMPoseMSRAHeatmap
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from torch import Tensor, nn

import hrnet_ext
from hrnet_ext.checkpoints import find_weights, load_checkpoint
from hrnet_ext.codecs import MSRAHeatmap
from hrnet_ext.export.metadata import KeypointSet, Metadata
from hrnet_ext.models.input_channels import input_channels

COUNTER = 'num_batches_tracked'  # needed only for training; old files lack it
SHOWN = 3  # names in a message


def load_model(cfg: Config, checkpoint: str) -> nn.Module:
    """A config's model with all of a checkpoint's weights, in evaluation mode.

    Args:
        cfg: Its config.
        checkpoint: Path or URL.

    Raises:
        ValueError: If they do not match, or the model has no MSRA heatmaps.
    """
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    config = cfg.model.copy()
    if 'backbone' in config:
        config.backbone = {**config.backbone, 'init_cfg': None}  # its weights come now
    model = MODELS.build(config).eval()
    _check_kind(model)
    faults = _load(model, find_weights(load_checkpoint(checkpoint)))
    if faults:
        raise ValueError(
            f'{checkpoint} does not belong to {cfg.filename or "the config"}: {"; ".join(faults)}'
        )
    return model


def describe(
    cfg: Config, model: nn.Module, *, normalizes: bool, flip_test: bool, precision: str
) -> Metadata:
    """The metadata of an exported file.

    Args:
        cfg: The model's config.
        model: The model.
        normalizes: Whether the graph normalizes.
        flip_test: Whether it averages with the mirrored crop.
        precision: One of :data:`~hrnet_ext.export.metadata.PRECISIONS`.

    Raises:
        ValueError: If the test pipeline or the data set does not match the model.
    """
    codec, preprocessor = model.head.decoder, model.data_preprocessor
    num_channels = input_channels(model)
    keypoints = keypoints_of(cfg)
    if len(keypoints.names) != model.head.out_channels:
        raise ValueError(
            f'the data set has {len(keypoints.names)} keypoints, head.out_channels is '
            f'{model.head.out_channels}'
        )
    input_size = tuple(int(side) for side in codec.input_size)
    return Metadata(
        config=Path(cfg.filename or 'config').stem,
        package=f'hrnet_ext {hrnet_ext.__version__}',
        input_size=input_size,
        padding=padding_of(cfg.test_dataloader.dataset.pipeline, input_size),
        normalizes=normalizes,
        mean=_channels(getattr(preprocessor, 'mean', None), 0, num_channels),
        std=_channels(getattr(preprocessor, 'std', None), 1, num_channels),
        bgr_to_rgb=getattr(preprocessor, 'swaps_colors', preprocessor._channel_conversion),
        flip_test=flip_test,
        decoding='dark' if codec.unbiased else 'quarter',
        precision=precision,
        keypoints=keypoints,
    )


def padding_of(pipeline: Sequence[Mapping[str, Any]], input_size: tuple[int, int]) -> float:
    """The ratio of crop size to box size in a test pipeline.

    Args:
        pipeline: Configs of its transforms.
        input_size: (w, h) that the model takes.

    Raises:
        ValueError: If the pipeline crops differently from a session.
    """
    steps = {step['type'].rpartition('.')[2]: step for step in pipeline}
    affine, box = steps.get('TopdownAffine'), steps.get('GetBBoxCenterScale')
    if affine is None or box is None or affine.get('use_udp'):
        raise ValueError(
            'the test pipeline should crop by GetBBoxCenterScale and TopdownAffine without '
            f'use_udp, but is {list(steps)}'
        )
    if tuple(affine['input_size']) != input_size:
        raise ValueError(
            f'the test pipeline crops to {tuple(affine["input_size"])}, the codec takes '
            f'{input_size}'
        )
    return float(box.get('padding', 1.25))


def keypoints_of(cfg: Config) -> KeypointSet:
    """The keypoints of a config's test data set."""
    dataset = cfg.test_dataloader.dataset
    metainfo = dataset.get('metainfo') or DATASETS.get(dataset.type).METAINFO
    meta = parse_pose_metainfo(metainfo)
    names = [meta['keypoint_id2name'][index] for index in range(meta['num_keypoints'])]

    def named(pairs: Sequence[Sequence[int]]) -> tuple[tuple[str, str], ...]:
        return tuple((names[a], names[b]) for a, b in pairs)

    return KeypointSet(
        data_set=meta['dataset_name'],
        names=tuple(names),
        flip_pairs=named([(a, b) for a, b in enumerate(meta['flip_indices']) if a < b]),
        skeleton=named(meta['skeleton_links']),
        sigmas=tuple(round(float(sigma), 6) for sigma in meta['sigmas']),
        upper_body=tuple(names[index] for index in meta['upper_body_ids']),
        colors=tuple(map(tuple, meta['keypoint_colors'].tolist())),
        link_colors=tuple(map(tuple, meta['skeleton_link_colors'].tolist())),
    )


def _load(model: nn.Module, weights: Mapping[str, Tensor]) -> list[str]:
    """Load weights into a model; returns mismatches by kind."""
    try:
        missing, unexpected = model.load_state_dict(weights, strict=False)
    except RuntimeError as error:  # raised by PyTorch for different shapes
        lines = [line.strip() for line in str(error).splitlines()[1:]]
        return ['; '.join(lines[:SHOWN])]
    missing = [name for name in missing if not name.endswith(COUNTER)]
    return [
        f'{len(names)} tensors are {what} ({", ".join(names[:SHOWN])})'
        for what, names in (('missing', missing), ('unknown', unexpected))
        if names
    ]


def _channels(values: Tensor | None, default: float, count: int) -> tuple[float, ...]:
    found = [default] if values is None else values.flatten().tolist()
    return tuple(found * count if len(found) == 1 else found)


def _check_kind(model: nn.Module) -> None:
    codec = getattr(getattr(model, 'head', None), 'decoder', None)
    if not isinstance(codec, (MSRAHeatmap, MMPoseMSRAHeatmap)):
        raise ValueError(
            'only top-down models with heatmaps of MSRAHeatmap are exported, but the codec is '
            f'{type(codec).__name__}'
        )
    if model.test_cfg.get('output_keypoint_indices') is not None:
        raise ValueError('test_cfg.output_keypoint_indices is not exported; take it out')
