"""MMDetection's detectors train and infer on the stand-in operators, built from its own configs."""

from pathlib import Path

import mmdet
import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmdet.utils import register_all_modules
from mmengine.config import Config, ConfigDict
from mmengine.structures import InstanceData

from tests.host_step import keep_few_detections

CONFIGS = Path(mmdet.__file__).parent / '.mim' / 'configs'
BOXES = torch.tensor([[10.0, 20, 90, 100], [60, 5, 150, 120]])

FAST = [
    'rtmdet/rtmdet_tiny_8xb32-300e_coco.py',
    'yolox/yolox_tiny_8xb8-300e_coco.py',
]
SLOW = [
    'retinanet/retinanet_r50_fpn_1x_coco.py',
    'faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
    'cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py',
    'mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py',
    'dcn/faster-rcnn_r50-dconv-c3-c5_fpn_1x_coco.py',
    'dcnv2/faster-rcnn_r50-mdconv-c3-c5_fpn_1x_coco.py',
    'rtmdet/rtmdet-ins_tiny_8xb32-300e_coco.py',
    'detr/detr_r50_8xb2-150e_coco.py',
    'deformable_detr/deformable-detr_r50_16xb2-50e_coco.py',
    'dino/dino-4scale_r50_8xb2-12e_coco.py',
]


def without_weights(config):
    """The config without anything to download."""
    if isinstance(config, dict):
        return {key: without_weights(part) for key, part in config.items() if key != 'init_cfg'}
    if isinstance(config, list | tuple):
        return type(config)(without_weights(part) for part in config)
    return config


def build(name):
    """A detector with random weights."""
    register_all_modules()
    model = without_weights(Config.fromfile(CONFIGS / name).model.to_dict())
    model['data_preprocessor'].pop('batch_augments', None)
    keep_few_detections(model)
    if 'num_queries' in model:
        model['num_queries'] = min(model['num_queries'], 100)
    torch.manual_seed(0)
    detector = MODELS.build(ConfigDict(model))
    detector.init_weights()  # DETRs allocate embeddings that hold anything, NaN too, before this
    return detector


def sample(size, with_masks):
    """Two objects with boxes, labels and perhaps masks in an image of that size (h, w)."""
    data_sample = DetDataSample(
        metainfo={
            'img_shape': size,
            'ori_shape': size,
            'pad_shape': size,
            'batch_input_shape': size,
            'scale_factor': (1.0, 1.0),
            'img_id': 0,
        }
    )
    data_sample.gt_instances = InstanceData(bboxes=BOXES.clone(), labels=torch.tensor([0, 3]))
    if with_masks:
        masks = np.zeros((2, *size), np.uint8)
        for mask, (x1, y1, x2, y2) in zip(masks, BOXES.int().tolist()):
            mask[y1:y2, x1:x2] = 1
        data_sample.gt_instances.masks = BitmapMasks(masks, *size)
    data_sample.ignored_instances = InstanceData(
        bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long)
    )
    return data_sample


@pytest.mark.parametrize('name', FAST + [pytest.param(n, marks=pytest.mark.slow) for n in SLOW])
def test_a_detector_trains_and_infers(name):
    model = build(name)
    size = (128, 160)
    with_masks = 'mask' in name or '-ins' in name
    image = torch.randint(0, 255, (3, *size), dtype=torch.uint8)
    samples = [sample(size, with_masks) for _ in range(2)]
    batch = {'inputs': [image, image], 'data_samples': samples}
    losses = model(**model.train().data_preprocessor(batch, training=True), mode='loss')
    loss, _ = model.parse_losses(losses)
    loss.backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert torch.isfinite(loss)
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert sum(gradient.abs().sum() for gradient in gradients) > 0

    with torch.no_grad():
        result = model.eval().test_step({'inputs': [image], 'data_samples': samples[:1]})
    found = result[0].pred_instances
    assert found.bboxes.shape == (len(found), 4)
    assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)
