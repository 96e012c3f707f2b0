"""Person boxes from an MMDetection detector: the user's, one of its zoo, or MMPose's default.

Legend: N persons of one image; boxes (N, 5) are x1, y1, x2, y2 in pixels of the image, and a score.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.logging import print_log
from mmengine.registry import DefaultScope
from mmpose.apis.inferencers.utils import default_det_models
from mmpose.registry import DATASETS
from torch import nn
from torchvision.ops import nms

from hrnet_ext.datasets.transforms import LoadImage
from hrnet_ext.devices import choose_device
from hrnet_ext.engine.config_file import read_config_file
from hrnet_ext.inference.model_choice import from_zoo
from hrnet_ext.safe_loading import CheckpointError

SCOPE = 'mmdet'
FIRST_STEPS = ('LoadImageFromFile', 'LoadImageFromNDArray')


class PersonDetector:
    """Detects persons in batches of images.

    Args:
        config: An MMDetection config file, or the name of one that MMDetection ships, such as
            ``rtmdet_m_8xb32-300e_coco``.
        checkpoint: Path or URL of the weights; None leaves them random.
        device: Where it runs; None uses a GPU if there is one.
        score_thr: Boxes with lower scores are dropped.
        nms_thr: IoU threshold of an additional NMS; None applies only the detector's own.
        person_class: Name of the class for persons.
        labels: Labels for persons; they replace ``person_class``.
        cfg_options: Overrides of the config.

    Raises:
        FileNotFoundError: If there is no such config.
        ValueError: If the detector has no such class or label, or predicts no boxes.
    """

    def __init__(
        self,
        config: str | Config,
        checkpoint: str | None = None,
        *,
        device: str | None = 'cpu',
        score_thr: float = 0.05,
        nms_thr: float | None = None,
        person_class: str = 'person',
        labels: Sequence[int] | None = None,
        cfg_options: dict[str, Any] | None = None,
    ) -> None:
        from mmdet.apis import init_detector  # pulls in every model of MMDetection
        from mmdet.utils import get_test_pipeline_cfg

        config = read_detector_config(config)
        with DefaultScope.overwrite_default_scope(SCOPE):
            self.model = init_detector(
                config, checkpoint, device=choose_device(device), cfg_options=cfg_options or {}
            )
            pipeline = [
                {**step, 'type': 'LoadImageFromNDArray'} if _loads(step) else step
                for step in get_test_pipeline_cfg(self.model.cfg)
            ]
            self._pipeline = Compose(pipeline)
            classes = known_classes(self.model)
        self._load = LoadImage()
        self.labels = [person_label(classes, person_class)] if labels is None else list(labels)
        if not all(0 <= label < len(classes) for label in self.labels):
            raise ValueError(
                f'labels {labels}: the detector has the labels 0 to {len(classes) - 1}'
            )
        self.score_thr, self.nms_thr = score_thr, nms_thr

    def __call__(self, images: Sequence[str | np.ndarray]) -> list[np.ndarray]:
        """Boxes of every image, best first, in one forward pass.

        Args:
            images: Paths or BGR arrays (H, W, 3).

        Returns:
            One (N, 5) float32 array per image; (0, 5) if no person is found.
        """
        return self.detect([self.prepare(image) for image in images]) if len(images) else []

    def prepare(self, image: str | np.ndarray) -> dict:
        """The detector's input for one image; can run in another process.

        Raises:
            FileNotFoundError, ValueError: If the image cannot be read.
        """
        if not isinstance(image, np.ndarray):
            image = self._load.transform({'img_path': str(image)})['img']
        with DefaultScope.overwrite_default_scope(SCOPE):
            return self._pipeline({'img': image, 'img_id': 0})

    @torch.no_grad()
    def detect(self, inputs: Sequence[dict]) -> list[np.ndarray]:
        """Boxes from what :meth:`prepare` returned, in one forward pass."""
        with DefaultScope.overwrite_default_scope(SCOPE):
            samples = self.model.test_step(pseudo_collate(list(inputs)))
        return [self._people(sample.pred_instances) for sample in samples]

    def _people(self, instances: Any) -> np.ndarray:
        wanted = torch.tensor(self.labels, device=instances.labels.device)
        kept = torch.isin(instances.labels, wanted) & (instances.scores >= self.score_thr)
        boxes, scores = instances.bboxes[kept].float(), instances.scores[kept].float()
        best_first = torch.argsort(scores, descending=True, stable=True)
        if self.nms_thr is not None:
            best_first = nms(boxes, scores, self.nms_thr)
        return torch.cat([boxes, scores[:, None]], 1)[best_first].cpu().numpy()


def read_detector_config(config: str | Config) -> Config:
    """A detector's config by path, or by the name of a file that MMDetection ships.

    Raises:
        FileNotFoundError: If there is none or more than one; the message lists similar names.
        ModuleNotFoundError: If MMDetection is not installed.
        ValueError: If it is not the config of a detector.
    """
    if find_spec('mmdet') is None:
        raise ModuleNotFoundError(
            'MMDetection is needed to detect people: pip install --no-deps mmdet==3.3.0'
        )
    if not isinstance(config, Config):
        config = read_config_file(_find(str(config)))
    if 'model' not in config or 'test_dataloader' not in config:
        raise ValueError(
            f'{config.filename} is not a config of a detector: it has no '
            f'{"model" if "model" not in config else "test_dataloader"}'
        )
    return config


def known_classes(model: nn.Module) -> Sequence[str]:
    """The class names of a detector, from its checkpoint or from the test set of its config.

    MMDetection assumes COCO's 80 classes if the checkpoint has none, whatever the config says.
    """
    from mmdet.evaluation import get_classes
    from mmdet.registry import DATASETS

    classes = model.dataset_meta['classes']
    if list(classes) != get_classes('coco'):
        return classes
    dataset = {**model.cfg.test_dataloader.dataset, 'lazy_init': True}
    return DATASETS.build(dataset).metainfo.get('classes', classes)


def person_label(classes: Sequence[str], person_class: str) -> int:
    """The label for persons among a detector's classes.

    Raises:
        ValueError: If there is no such class.
    """
    if person_class in classes:
        return list(classes).index(person_class)
    shown = ', '.join(classes[:8]) + (', ...' if len(classes) > 8 else '')
    raise ValueError(
        f'the detector has no class `{person_class}` among its {len(classes)} ({shown}); use one '
        'that was trained on persons, or name its class for persons (--person-class, --det-cat-ids)'
    )


def _loads(step: dict) -> bool:
    return step['type'].split('.')[-1] in FIRST_STEPS


def _find(name: str) -> str:
    if Path(name).is_file():
        return name
    root = Path(find_spec('mmdet').origin).parent / '.mim' / 'configs'
    wanted = f'{Path(name.removeprefix("mmdet::")).name.removesuffix(".py")}.py'
    found = sorted(root.rglob(wanted)) if '/' not in name or name.startswith('mmdet::') else []
    if len(found) == 1:
        return str(found[0])
    stem = wanted.removesuffix('.py').split('_')[0]
    close = sorted(path.stem for path in root.glob(f'*/{stem}*.py'))[:5]
    hint = f'; MMDetection ships {", ".join(close)}, ...' if close else ''
    raise FileNotFoundError(f'detector config not found: {name} (give a path, or a name{hint})')


WHOLE_IMAGE = ('whole_image', 'whole-image')


def make_detector(
    det_model: str | Config,
    det_weights: str | None = None,
    det_cat_ids: int | tuple[int, ...] | None = None,
    *,
    device: str,
) -> PersonDetector:
    """Build the detector that MMPose's arguments describe; it returns boxes of any score.

    Args:
        det_model: A config, its path, the name of a config that MMDetection ships, or the name or
            alias of a model in its zoo, such as ``'rtmdet-m'``.
        det_weights: Path or URL. None uses the weights of the zoo for a name, random weights for a
            config.
        det_cat_ids: Labels for persons; None uses the class ``person``.
        device: Where it runs.

    Raises:
        FileNotFoundError: If there is no such detector.
        ValueError: If it has no class for persons.
        OSError: If the weights cannot be read or downloaded.
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
    """MMPose's default detector for a pose model; None if MMPose has none.

    Args:
        cfg: Config of the pose model; the module of its data set determines what to detect.
        device: Where it runs.

    Raises:
        OSError: If the weights cannot be downloaded; the message names the alternatives.
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
