"""Drawings of samples as the network sees them, after augmentation.

K: keypoints; input space: pixels of the cropped network input; heatmaps (K, H / 4, W / 4).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS, KEYPOINT_CODECS

from hrnet_ext.visualization.comparison import contact_sheet
from hrnet_ext.visualization.files import write_image
from hrnet_ext.visualization.poses import Skeleton, Style, draw_poses

LEAST_HEIGHT = 384  # pixels; smaller inputs are enlarged
OVERVIEW = 'overview.png'


def browse_dataset(
    cfg: Config,
    split: str,
    out_dir: str,
    *,
    num_samples: int = 12,
    with_targets: bool = False,
    seed: int = 0,
) -> list[Path]:
    """Draw samples of a data set, evenly chosen, with their keypoints.

    Args:
        cfg: Config of a top-down model, ours or MMPose's.
        split: ``'train'``, ``'val'`` or ``'test'``.
        out_dir: Folder for one PNG per sample and an overview of all.
        num_samples: Number of samples.
        with_targets: Put the maximum over the target heatmaps beside each sample.
        seed: Random seed of the augmentation.

    Returns:
        The files, the overview first.

    Raises:
        ValueError: If the config has no such data set, or its pipeline gives no keypoints in input
            space.
    """
    loader = cfg.get(f'{split}_dataloader')
    if loader is None:
        raise ValueError(f'{cfg.filename} has no {split}_dataloader')
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    dataset = DATASETS.build(loader.dataset)
    np.random.seed(seed)
    torch.manual_seed(seed)
    style = Style(Skeleton.of(dataset.metainfo), draw_boxes=False)
    codec = KEYPOINT_CODECS.build(_codec(cfg)) if with_targets else None
    count = min(num_samples, len(dataset))
    drawings, paths = [], []
    for number, index in enumerate(np.linspace(0, len(dataset) - 1, count).astype(int).tolist()):
        results = _augmented(dataset, index, cfg.filename)
        drawings.append(draw_sample(results, style, codec))
        paths.append(Path(out_dir) / f'{number:03}_{Path(results["img_path"]).stem}.png')
        write_image(paths[-1], drawings[-1])
    overview = Path(out_dir) / OVERVIEW
    write_image(overview, contact_sheet(drawings, num_columns=3 if with_targets else 4))
    return [overview, *paths]


def draw_sample(results: dict[str, Any], style: Style, codec: Any | None) -> np.ndarray:
    """A sample (H, W, 3) RGB with its keypoints, and the target heatmaps beside it.

    Args:
        results: From a pipeline, before packing: ``img``, ``transformed_keypoints`` (1, K, 2) and
            ``keypoints_visible`` (1, K).
        style: How the person is drawn.
        codec: Encodes the target heatmaps; None leaves them out.
    """
    image = np.atleast_3d(results['img'])[..., :3]
    image = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image[..., ::-1]
    scale = max(1.0, LEAST_HEIGHT / image.shape[0])
    keypoints = np.asarray(results['transformed_keypoints'], np.float32)[:1]
    visible = np.asarray(results['keypoints_visible'], np.float32)[:1]
    visible = visible[..., 0] if visible.ndim == 3 else visible
    large = _resized(image, scale)
    person = {'keypoints': (keypoints + 0.5) * scale - 0.5, 'keypoints_visible': visible}
    drawn = draw_poses(large, person, style)
    if codec is None:
        return drawn
    encoded = codec.encode(keypoints, visible)
    strongest = np.clip(encoded['heatmaps'].max(axis=0), 0, 1)
    colors = cv2.applyColorMap(np.rint(strongest * 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
    heat = cv2.resize(colors, large.shape[1::-1], interpolation=cv2.INTER_NEAREST)[..., ::-1]
    weights = encoded['keypoint_weights'][0]
    text = f'{int((weights > 0).sum())} of {len(weights)} keypoints have a target'
    mixed = np.ascontiguousarray(cv2.addWeighted(large, 0.4, heat, 0.6, 0))
    cv2.putText(
        mixed, text, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA
    )
    return np.hstack([drawn, mixed])


def _augmented(dataset: Any, index: int, config: str | None) -> dict[str, Any]:
    """The results of all steps of the pipeline but packing and the conversion of targets."""
    results = dataset.get_data_info(index)
    for step in dataset.pipeline.transforms:
        if type(step).__name__.startswith(('Pack', 'GenerateTarget')):
            break
        results = step(results)
        if results is None:
            raise ValueError(
                f'{config}: {type(step).__name__} of the pipeline rejects sample {index}'
            )
    if 'transformed_keypoints' not in results:
        raise ValueError(
            f'{config}: the pipeline gives no keypoints in input space; only top-down data sets '
            'with TopdownAffine can be browsed'
        )
    return results


def _codec(cfg: Config) -> Any:
    codec = cfg.get('codec') or cfg.model.head.get('decoder')
    if codec is None:
        raise ValueError(f'{cfg.filename} has no codec; leave out --with-targets')
    return codec


def _resized(image: np.ndarray, scale: float) -> np.ndarray:
    return cv2.resize(np.ascontiguousarray(image), None, fx=scale, fy=scale)
