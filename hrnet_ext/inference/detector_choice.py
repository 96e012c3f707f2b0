"""Which detector finds the people: a user's, one of MMDetection's zoo, MMPose's default, none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log
from mmpose.apis.inferencers.utils import default_det_models
from mmpose.registry import DATASETS

from hrnet_ext.inference.model_choice import from_zoo
from hrnet_ext.inference.person_detector import SCOPE, PersonDetector
from hrnet_ext.safe_loading import CheckpointError

WHOLE_IMAGE = ('whole_image', 'whole-image')


def make_detector(
    det_model: str | Config,
    det_weights: str | None = None,
    det_cat_ids: int | tuple[int, ...] | None = None,
    *,
    device: str,
) -> PersonDetector:
    """The detector that MMPose's arguments name, to find boxes of any score.

    Args:
        det_model: A config, its path, the name of a config that MMDetection ships, or a model's
            name or alias in its zoo, such as ``'rtmdet-m'``.
        det_weights: Path or URL. None takes those of the zoo for a model that is named, random
            ones for a config.
        det_cat_ids: Labels of people; None finds the class ``person``.
        device: Where it runs.

    Raises:
        FileNotFoundError: If there is no such detector.
        ValueError: If it knows no people.
        OSError: If weights cannot be read or fetched.
    """
    if det_weights is None and not _is_config(det_model):
        det_model, det_weights = from_zoo(det_model, SCOPE) or (det_model, None)
    if isinstance(det_cat_ids, int):
        det_cat_ids = (det_cat_ids,)
    detector = PersonDetector(
        det_model, det_weights, device=device, score_thr=0.0, labels=det_cat_ids
    )
    if det_weights is None:
        message = 'the detector has no weights (det_weights): its boxes are random'
        print_log(message, 'current', level=30)
    return detector


def default_detector(cfg: Config, device: str) -> PersonDetector | None:
    """The detector that MMPose takes where nobody names one; None where it has none.

    Args:
        cfg: The pose model's config; the module of its data set tells what is to be detected.
        device: Where it runs.

    Raises:
        OSError: If its weights cannot be fetched; says what to give instead.
    """
    dataset = cfg.get('dataset_type') or cfg.test_dataloader.dataset.type
    kind = DATASETS.get(dataset).__module__.split('datasets.')[-1].split('.')[0].lower()
    if kind not in default_det_models:
        return None
    choice: dict[str, Any] = default_det_models[kind]
    name = Path(choice['model']).stem
    print_log(f'detector {name}: {choice["weights"]}', 'current')
    try:
        return make_detector(
            choice['model'], choice['weights'], tuple(choice['cat_ids']), device=device
        )
    except (OSError, CheckpointError) as error:
        raise OSError(
            f'the default detector {name} cannot be used: {error} Or name another '
            'detector (det_model, --detector), give boxes (bboxes, --bboxes), or treat each image '
            "as one person (det_model='whole_image', --whole-image)"
        ) from error


def _is_config(det_model: str | Config) -> bool:
    return isinstance(det_model, Config) or os.path.isfile(det_model)
