"""Draw the predictions that ``tools/test.py --dump`` wrote."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.apis.inference import dataset_meta_from_config

from hrnet_ext.visualization.comparison import contact_sheet, gather, side_by_side
from hrnet_ext.visualization.files import drawing_names, read_image, write_image
from hrnet_ext.visualization.poses import Skeleton, Style

OVERVIEW = 'overview.png'


def draw_dump(
    cfg: Config, dump: str, out_dir: str, *, num_images: int = 12, min_score: float = 0.2
) -> list[Path]:
    """Draw ground truth and predictions of the first images side by side.

    Args:
        cfg: The tested config; its data set defines the skeleton.
        dump: Pickle file written by ``tools/test.py --dump``. Only use your own files: unpickling
            can run code.
        out_dir: Folder for one PNG per image and an overview of all.
        num_images: Maximum number of images.
        min_score: Predicted keypoints with lower scores are left out.

    Returns:
        The files, the overview first.

    Raises:
        ValueError: If ``dump`` is not such a file, or belongs to another data set.
        FileNotFoundError: If it or one of its images does not exist.
    """
    if num_images < 1:
        raise ValueError(f'--num-images should be at least 1, but is {num_images}')
    people_of = _people_by_image(dump)
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    meta = dataset_meta_from_config(cfg, dataset_mode='test')
    _check_data_set(meta, next(iter(people_of.values()))[0], dump, cfg.filename)
    style = Style(Skeleton.of(meta), min_score=min_score, draw_scores=True)
    folder = Path(out_dir)
    chosen = list(people_of)[:num_images]
    paths, drawings = [], []
    for image_path, name in drawing_names(chosen).items():
        truth = gather(person['gt_instances'] for person in people_of[image_path])
        prediction = gather(person['pred_instances'] for person in people_of[image_path])
        drawings.append(side_by_side(read_image(image_path), truth, prediction, style))
        paths.append((folder / name).with_suffix('.png'))
        write_image(paths[-1], drawings[-1])
    write_image(folder / OVERVIEW, contact_sheet(drawings))
    return [folder / OVERVIEW, *paths]


def _people_by_image(dump: str) -> dict[str, list[dict]]:
    with open(dump, 'rb') as file:
        try:
            samples = pickle.load(file)
            people_of: dict[str, list[dict]] = {}
            for sample in samples:
                people_of.setdefault(sample['img_path'], []).append(sample)
        except (pickle.UnpicklingError, EOFError, KeyError, TypeError) as error:
            raise ValueError(f'{dump} was not written by tools/test.py --dump ({error})') from None
    if not people_of:
        raise ValueError(f'{dump} contains no prediction')
    return people_of


def _check_data_set(
    meta: Mapping[str, Any], sample: Mapping[str, Any], dump: str, config: str | None
) -> None:
    """Compare the keypoints of a dump with those of a config."""
    num_dumped = np.shape(sample['pred_instances']['keypoints'])[1]
    dumped = sample.get('dataset_name', meta['dataset_name'])
    if (num_dumped, dumped) != (meta['num_keypoints'], meta['dataset_name']):
        raise ValueError(
            f'{dump} has {num_dumped} keypoints of the data set `{dumped}`, but the config '
            f'{config} has {meta["num_keypoints"]} of `{meta["dataset_name"]}`; use the config '
            'that was tested'
        )
