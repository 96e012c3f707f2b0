"""The text of a config that trains on a user's data."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from hrnet_ext.datasets.body.coco_keypoints import SIGMAS as COCO_SIGMAS
from hrnet_ext.formats.metainfo import color_of
from hrnet_ext.paths import config_path
from hrnet_ext.preparation.mirror_pairs import split_side

DEFAULT_SIGMA = 0.05
LOWER = {'hip', 'knee', 'ankle', 'foot', 'toe', 'heel', 'leg', 'thigh', 'shin', 'pelvis', 'paw'}
UPPER = {
    'nose', 'eye', 'ear', 'head', 'neck', 'shoulder', 'elbow', 'wrist', 'hand', 'chest', 'thorax',
    'mouth', 'face', 'arm', 'top', 'chin', 'jaw', 'finger', 'thumb',
}  # fmt: skip
SAMPLES = 400_000  # persons that a training sees: 20 to 210 epochs
EPOCHS = (20, 210)
# MMPose's metrics; `hrnet-ext prepare-dataset --metrics` adds them to AP.
METRICS = {
    'pck': "dict(type='PCKAccuracy', thr=0.2, norm_item='bbox')",
    'auc': "dict(type='AUC')",
    'epe': "dict(type='EPE')",
}
SIGMA_2_PIXELS = 192 * 256  # the papers: sigma 2 at 256x192, 3 at 384x288
SQUARE = (0.85, 1.2)  # width to height of a box between these: a square input


@dataclass(frozen=True)
class Part:
    """Training or validation data.

    Attributes:
        ann_file: Absolute path of the annotations.
        img_root: Absolute path of the images.
    """

    ann_file: str
    img_root: str


def make_metainfo(
    name: str,
    keypoints: Sequence[str],
    skeleton: Sequence[tuple[int, int]],
    partners: Mapping[str, str],
    sigmas: Sequence[float],
) -> dict[str, Any]:
    """The metainfo of a data set.

    Args:
        name: Name of the data set.
        keypoints: K names.
        skeleton: Limbs as pairs of indices.
        partners: Mirror partners, see :func:`~hrnet_ext.preparation.mirror_pairs.mirror_pairs`.
        sigmas: K OKS constants.
    """
    sides = {
        each: split_side(each)[0] or 'middle' if each in partners else 'middle'
        for each in keypoints
    }
    info = {
        index: {
            'name': each,
            'id': index,
            'color': list(color_of([sides[each]])),
            'type': half_of(each) or 'upper',
            'swap': partners.get(each, ''),
        }
        for index, each in enumerate(keypoints)
    }
    links = {
        index: {
            'link': (keypoints[a], keypoints[b]),
            'id': index,
            'color': list(color_of([sides[keypoints[a]], sides[keypoints[b]]])),
        }
        for index, (a, b) in enumerate(skeleton)
    }
    return {
        'dataset_name': name,
        'keypoint_info': info,
        'skeleton_info': links,
        'joint_weights': [1.0] * len(keypoints),
        'sigmas': [round(float(sigma), 4) for sigma in sigmas],
    }


def half_of(keypoint: str) -> str:
    """``'upper'`` or ``'lower'`` half of a body by the name of a keypoint; empty if unknown."""
    words = set(split_side(keypoint)[1])
    return 'lower' if words & LOWER else 'upper' if words & UPPER else ''


def default_sigmas(keypoints: Sequence[str]) -> list[float]:
    """COCO's OKS constants for keypoints with COCO's names, else ``DEFAULT_SIGMA``."""
    return [COCO_SIGMAS.get('_'.join(split_side(each)[1]), DEFAULT_SIGMA) for each in keypoints]


def input_size(of_base: Sequence[int], aspect: float) -> tuple[int, int]:
    """The network's input size (w, h), with about the pixels of the base config.

    Args:
        of_base: (w, h) of the base config.
        aspect: Median width to height of the boxes.
    """
    short, long = sorted(of_base)
    if aspect < SQUARE[0]:
        return short, long
    if aspect > SQUARE[1]:
        return long, short
    side = 32 * max(1, round((short * long) ** 0.5 / 32))
    return side, side


def write_config(
    out: Path,
    *,
    base: str,
    metainfo: Mapping[str, Any],
    train: Part,
    val: Part,
    num_people: int,
    aspect: float,
    weights: str | None,
    category: str | None,
    needs_boxes: bool,
    needs_areas: bool,
    metrics: Sequence[str] = (),
) -> str:
    """The text of the config.

    Args:
        out: Where it will be written; paths of base configs are relative to it if possible.
        base: Name of a shipped config.
        metainfo: From :func:`make_metainfo`.
        train, val: The data.
        num_people: Number of persons for training.
        aspect: Median width to height of the boxes.
        weights: Path or URL to start from; None starts from scratch.
        category: Name of the category to use, if there are several.
        needs_boxes: Whether boxes are missing and are made of keypoints.
        needs_areas: Whether areas are missing.
        metrics: Names in ``METRICS``, beside AP.
    """
    size = input_size(Config.fromfile(config_path(base)).codec.input_size, aspect)
    heatmap = tuple(side // 4 for side in size)
    sigma = round(2 * (size[0] * size[1] / SIGMA_2_PIXELS) ** 0.5, 1)
    num_keypoints = len(metainfo['keypoint_info'])
    epochs = min(max(round(SAMPLES / num_people), EPOCHS[0]), EPOCHS[1])
    batch = max(1, min(32, num_people // 4))
    steps = max(num_people // batch, 1)
    warm_up = min(500, max(steps * epochs // 20, 1))
    keep_halves = {half_of(each['name']) for each in metainfo['keypoint_info'].values()} == {
        'upper',
        'lower',
    }
    extras = {}
    if category:
        extras['category'] = category
    if needs_boxes:
        extras['boxes_from_keypoints'] = 1.25
    steps_of = {
        'train': "if step['type'] != 'RandomHalfBody'" if not keep_halves else '',
        'val': '',
    }
    pipelines = '\n'.join(
        f'{part}_pipeline = [\n'
        f"    crop if step['type'] == crop['type'] else step\n"
        f'    for step in _base_.{part}_pipeline\n' + (f'    {test}\n' if test else '') + ']'
        for part, test in steps_of.items()
    )
    common_text = ', '.join(
        ['metainfo=metainfo', *(f'{key}={value!r}' for key, value in extras.items())]
    )
    start = (
        f"    init_cfg=dict(type='Pretrained', checkpoint={weights!r}),\n"
        '    backbone=dict(init_cfg=None),\n'
        if weights
        else '    backbone=dict(init_cfg=None),\n'
    )
    evaluator = _evaluator_text(needs_areas, metrics)
    decays = [max(1, round(epochs * share)) for share in (0.8, 0.95)]
    title = (
        f'{metainfo["dataset_name"]}: {num_keypoints} keypoints, {num_people} persons for training'
    )
    return f'''"""{title}.

Written by hrnet-ext prepare-dataset. Change what you like.
"""

_base_ = {_base_path(base, out)!r}

metainfo = {_metainfo_text(metainfo)}

# (w, h): the median box is {aspect:.2f} times as wide as high
codec = dict(
    type='hrnet_ext.MSRAHeatmap', input_size={size}, heatmap_size={heatmap}, sigma={sigma}
)
crop = dict(type='hrnet_ext.TopdownAffine', input_size=codec['input_size'])
{pipelines}

model = dict(
{start}    head=dict(out_channels={num_keypoints}, decoder=codec),
)

data = dict({common_text})
train_dataloader = dict(
    batch_size={batch},
    dataset=dict(
        **data,
        data_root='',
        ann_file={train.ann_file!r},
        data_prefix=dict(img={train.img_root + os.sep!r}),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        **data,
        data_root='',
        ann_file={val.ann_file!r},
        data_prefix=dict(img={val.img_root + os.sep!r}),
        bbox_file=None,
        pipeline=val_pipeline,
    ),
)
test_dataloader = val_dataloader
{evaluator}
train_cfg = dict(max_epochs={epochs}, val_interval={max(1, epochs // 20)})
optim_wrapper = dict(optimizer=dict(lr=5e-4))
param_scheduler = [
    dict(type='LinearLR', begin=0, end={warm_up}, start_factor=0.001, by_epoch=False),
    dict(
        type='MultiStepLR', begin=0, end={epochs}, milestones={decays}, gamma=0.1, by_epoch=True
    ),
]
'''


def _base_path(name: str, out: Path) -> str:
    """The path of a shipped config: relative if it is in the same folder as the new config."""
    shipped = Path(config_path(name))
    return shipped.name if shipped.parent == out.parent.resolve() else str(shipped)


def _metainfo_text(metainfo: Mapping[str, Any]) -> str:
    """The metainfo as Python code, with one line for each keypoint and limb."""
    lines = ['dict(', f'    dataset_name={metainfo["dataset_name"]!r},']
    for key in ('keypoint_info', 'skeleton_info'):
        lines.append(f'    {key}={{')
        for index, info in metainfo[key].items():
            fields = ', '.join(f'{name}={value!r}' for name, value in info.items())
            lines.append(f'        {index}: dict({fields}),')
        lines.append('    },')
    weights, sigmas = metainfo['joint_weights'], metainfo['sigmas']
    lines += [f'    joint_weights=[1.0] * {len(weights)},', f'    sigmas={sigmas!r},', ')']
    return '\n'.join(lines)


def _evaluator_text(needs_areas: bool, metrics: Sequence[str]) -> str:
    """The lines of the evaluators; empty for the base config's."""
    if not needs_areas and not metrics:
        return ''
    options = ', use_area=False' if needs_areas else ''
    comment = '  # no areas are annotated: OKS uses the box' if needs_areas else ''
    entries = [f"    dict(type='hrnet_ext.CocoMetric'{options}),{comment}"]
    entries += [f'    {METRICS[name]},' for name in metrics]
    lines = '\n'.join(entries)
    return f'\nval_evaluator = [\n{lines}\n]\ntest_evaluator = val_evaluator\n'
