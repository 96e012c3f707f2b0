"""Pictures from the predictions that ``tools/test.py --dump`` wrote."""

import pickle
from pathlib import Path

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.apis.inference import dataset_meta_from_config

from hrnet_ext.visualization.comparison import Skeleton, contact_sheet, side_by_side

OVERVIEW = 'overview.png'


def draw_dump(
    cfg: Config, dump: str, out_dir: str, *, num_images: int = 12, min_score: float = 0.2
) -> list[Path]:
    """Draw ground truth and predictions of the first images side by side.

    Args:
        cfg: The config that was tested; its data set says how keypoints are linked.
        dump: Pickle file of ``tools/test.py --dump``, written by yourself: unpickling a
            stranger's file can run code.
        out_dir: Folder for one PNG an image and a sheet of them all.
        num_images: At most so many.
        min_score: Predicted keypoints below are left out.

    Returns:
        The files, the sheet first.

    Raises:
        ValueError: If ``dump`` is not such a file.
        FileNotFoundError: If it or one of its images does not exist.
    """
    people_of = _people_by_image(dump)
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    meta = dataset_meta_from_config(cfg, dataset_mode='test')
    skeleton = Skeleton(
        names=[meta['keypoint_id2name'][k] for k in range(meta['num_keypoints'])],
        links=meta['skeleton_links'],
    )
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    paths, pictures = [], []
    for image_path, people in list(people_of.items())[:num_images]:
        image = cv2.imread(image_path)
        if image is None:
            raise FileNotFoundError(f'cannot read image {image_path}')
        truth = _stack(people, 'gt_instances', 'keypoints_visible', 0.5)
        prediction = _stack(people, 'pred_instances', 'keypoint_scores', min_score)
        pictures.append(side_by_side(image, truth, prediction, skeleton=skeleton))
        paths.append(folder / f'{Path(image_path).stem}.png')
        _write(paths[-1], pictures[-1])
    _write(folder / OVERVIEW, contact_sheet(pictures))
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
        raise ValueError(f'{dump} holds no prediction')
    return people_of


def _stack(
    people: list[dict], group: str, confidence: str, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (N, K, 2) of an image's people and which of them to draw (N, K)."""
    instances = [person[group] for person in people]
    keypoints = np.concatenate([np.asarray(i['keypoints']) for i in instances])
    certain = np.concatenate([np.asarray(i[confidence]) >= threshold for i in instances])
    return keypoints, certain


def _write(path: Path, picture: np.ndarray) -> None:
    if not cv2.imwrite(str(path), picture):
        raise OSError(f'cannot write {path}')
