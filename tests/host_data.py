"""Made data for any HRNet config of the hosts, through the config's own pipelines where it can be.

Sizes are cut down to a quarter, so that a step takes a second: nothing of the network changes.
"""

import copy
import importlib.util

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate

SIZE_KEYS = ('input_size', 'heatmap_size')
PICTURE = (160, 120)  # h, w
SIDE = 64  # of the pictures for MMDetection and MMSegmentation
NUM_SAMPLES = 2
LEFT_OUT = {'LoadImage', 'hrnet_ext.LoadImage'}  # there are no files
if importlib.util.find_spec('albumentations') is None:
    LEFT_OUT.add('Albumentation')


def quarter(node: object) -> object:
    """A config with every ``input_size`` and ``heatmap_size`` a quarter of what it was."""
    if isinstance(node, dict):
        return {
            key: tuple(side // 4 for side in value) if key in SIZE_KEYS else quarter(value)
            for key, value in node.items()
        }
    return [quarter(child) for child in node] if isinstance(node, (list, tuple)) else node


def pose_batches(config: Config) -> tuple[dict, dict]:
    """A batch for a training step and one for inference, from MMPose's own pipelines.

    Args:
        config: An MMPose config, see :func:`quarter`.
    """
    from mmpose.registry import TRANSFORMS

    metainfo = _metainfo(config)
    bottom_up = config.data_mode == 'bottomup'

    def batch(steps: list, num_samples: int, num_people: int) -> dict:
        loaded = [step for step in steps if callable(step) or step['type'] not in LEFT_OUT]
        pipeline = Compose([step if callable(step) else TRANSFORMS.build(step) for step in loaded])
        people = [_people(metainfo, num_people, seed) for seed in range(num_samples)]
        return pseudo_collate([pipeline(sample) for sample in people])

    if config.train_pipeline:
        train = batch(config.train_pipeline, NUM_SAMPLES, 3 if bottom_up else 1)
    else:
        train = batch(_embedding_steps(config), NUM_SAMPLES, 1)
    # MMPose's bottom-up heads infer one picture at a time.
    return train, batch(config.val_pipeline, 1 if bottom_up else NUM_SAMPLES, 1)


def _metainfo(config: Config) -> dict:
    from mmpose.datasets.datasets.utils import parse_pose_metainfo
    from mmpose.registry import DATASETS

    dataset = config.train_dataloader.dataset
    facts = dataset.get('metainfo') or DATASETS.get(config.dataset_type).METAINFO
    if 'subset' in dataset:  # DeepFashion: the class looks up the file when it is built
        facts = {'from_file': f'configs/_base_/datasets/deepfashion_{dataset.subset}.py'}
    return parse_pose_metainfo(copy.deepcopy(dict(facts)))


def _embedding_steps(config: Config) -> list:
    """What MMPose's associative embedding lacks to be trained: it ships an empty pipeline.

    Its packing forgets the indices that its loss needs; and the loss weighs pictures by people, so
    that a picture has to have one.
    """

    def pack_indices(results: dict) -> dict:
        names = ('keypoint_weights', 'keypoint_indices')
        return {**results, 'label_mapping_table': {name: name for name in names}}

    return [
        {'type': 'BottomupRandomAffine', 'input_size': config.codec['input_size']},
        {'type': 'GenerateTarget', 'encoder': config.codec},
        {'type': 'BottomupGetHeatmapMask'},
        pack_indices,
        {'type': 'PackPoseInputs'},
    ]


def _people(metainfo: dict, num_people: int, seed: int) -> dict:
    """What MMPose's data sets hand to the pipeline, people at random places."""
    rng = np.random.default_rng(seed)
    height, width = PICTURE
    num_keypoints = metainfo['num_keypoints']
    keypoints = rng.uniform(0.25, 0.75, (num_people, num_keypoints, 2)) * (width, height)
    keys = (
        'dataset_name', 'upper_body_ids', 'lower_body_ids', 'flip_pairs',
        'dataset_keypoint_weights', 'flip_indices', 'skeleton_links',
    )  # fmt: skip
    return {
        'img': rng.integers(0, 255, (height, width, 3), dtype=np.uint8),
        'img_shape': PICTURE,
        'ori_shape': PICTURE,
        'img_id': seed,
        'img_path': f'{seed}.jpg',
        'id': seed,
        'category_id': [1] * num_people,
        'bbox': np.tile(np.float32([10, 10, width - 10, height - 10]), (num_people, 1)),
        'bbox_score': np.ones(num_people, np.float32),
        'keypoints': keypoints.astype(np.float32),
        'keypoints_visible': np.ones((num_people, num_keypoints), np.float32),
        'area': np.full(num_people, 5000, np.float32),
        'invalid_segs': [],
        'raw_ann_info': [],
        **{key: metainfo[key] for key in keys},
    }


def detection_batch(num_classes: int) -> dict:
    """Pictures with boxes, masks and a semantic map, of MMDetection's making."""
    from mmdet.testing import demo_mm_inputs

    return demo_mm_inputs(
        NUM_SAMPLES,
        image_shapes=(3, SIDE, SIDE),
        num_items=[2] * NUM_SAMPLES,
        num_classes=num_classes,
        with_mask=True,
        with_semantic=True,
    )


def segmentation_batch(num_classes: int) -> dict:
    """Pictures with a class at random for every pixel."""
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    generator = torch.Generator().manual_seed(0)
    shape = (SIDE, SIDE)
    samples = []
    for _ in range(NUM_SAMPLES):
        classes = torch.randint(num_classes, (1, *shape), generator=generator)
        sample = SegDataSample(gt_sem_seg=PixelData(data=classes))
        sample.set_metainfo({'img_shape': shape, 'ori_shape': shape, 'pad_shape': shape})
        samples.append(sample)
    pictures = torch.randint(0, 255, (NUM_SAMPLES, 3, *shape), generator=generator)
    return {'inputs': list(pictures.to(torch.uint8)), 'data_samples': samples}
