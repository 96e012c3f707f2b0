"""Person crops for comparison and calibration: from a data set, else rendered.

Legend: crops (N, H, W, 3) uint8 BGR.
"""

from __future__ import annotations

import mmpose.datasets.datasets  # noqa: F401 - its data sets register on import
import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.registry import DATASETS, init_default_scope

from hrnet_ext.export.crops import cut, regions_of
from hrnet_ext.export.metadata import Metadata
from hrnet_ext.formats.images import with_channels
from hrnet_ext.synthetic import SyntheticSpec
from hrnet_ext.synthetic.layouts.layout import image_scene
from hrnet_ext.synthetic.render import render


def real_crops(cfg: Config, metadata: Metadata, num: int) -> tuple[np.ndarray, str]:
    """Persons of the test data set, or rendered ones if it does not exist.

    Args:
        cfg: Config of the model.
        metadata: The size of a crop.
        num: Number of crops.

    Returns:
        Crops and their source.
    """
    try:
        return crops_of(cfg, 'test', num), 'of the test data set'
    except FileNotFoundError:
        if metadata.num_channels > 3:  # cannot be rendered
            return random_crops(metadata, num), 'random'
        return rendered_crops(metadata, num), 'rendered'


def crops_of(cfg: Config, split: str, num: int) -> np.ndarray:
    """Persons of a config's data set, evenly spaced, cropped by the test pipeline.

    Args:
        cfg: Config of the model.
        split: ``'train'`` or ``'test'``.
        num: Maximum number of crops.

    Raises:
        FileNotFoundError: If the data set does not exist.
    """
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    config = ConfigDict(cfg[f'{split}_dataloader'].dataset)
    config.pipeline = cfg.test_dataloader.dataset.pipeline
    dataset = DATASETS.build(config)
    chosen = np.linspace(0, len(dataset) - 1, min(num, len(dataset))).astype(int)
    return np.stack([dataset[int(i)]['inputs'].permute(1, 2, 0).numpy() for i in chosen])


def rendered_crops(metadata: Metadata, num: int) -> np.ndarray:
    """Crops of rendered persons."""
    spec = SyntheticSpec()
    crops: list[np.ndarray] = []
    while sum(map(len, crops)) < num:
        rendering = render(image_scene(spec, 'val', len(crops)))
        boxes = np.array([_box_of(person.mask) for person in rendering.people])
        regions = regions_of(boxes, metadata.input_size, metadata.padding)
        image = with_channels(rendering.image, metadata.num_channels)
        crops.append(cut(image, regions, metadata.input_size))
    return np.concatenate(crops)[:num]


def random_crops(metadata: Metadata, num: int) -> np.ndarray:
    """Crops of random noise."""
    width, height = metadata.input_size
    shape = (num, height, width, metadata.num_channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _box_of(mask: np.ndarray) -> list[float]:
    """The smallest box x1, y1, x2, y2 around a mask (H, W); the whole image if it is empty."""
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return [0, 0, mask.shape[1], mask.shape[0]]
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
