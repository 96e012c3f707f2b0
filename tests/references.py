"""The reference implementations our classes are compared with, as MMPose ships them."""

import copy

import numpy as np
import torch

SHALLOW = {'num_modules': (1, 2, 1), 'num_blocks': 1}


def hrnet_extra(
    width: int,
    *,
    num_modules: tuple[int, int, int] = (1, 4, 3),
    num_blocks: int = 4,
    multiscale_output: bool = False,
    **options,
) -> dict:
    """MMPose's nested dict for the network that ``HRNet(width)`` is, perhaps a shallower one."""
    stages = {'stage1': stage(1, 1, 'BOTTLENECK', [64], num_blocks)}
    for branches, modules in enumerate(num_modules, start=2):
        channels = [width * 2**i for i in range(branches)]
        stages[f'stage{branches}'] = stage(branches, modules, 'BASIC', channels, num_blocks)
    stages['stage4']['multiscale_output'] = multiscale_output
    return {**stages, **options}


def stage(
    branches: int, num_modules: int, block: str, channels: list[int], num_blocks: int = 4
) -> dict:
    """One stage of such a dict."""
    return {
        'num_modules': num_modules,
        'num_branches': branches,
        'block': block,
        'num_blocks': (num_blocks,) * branches,
        'num_channels': tuple(channels),
    }


def estimator_config(width: int = 32, **head) -> dict:
    """MMPose's own model of td-hm_hrnet-w32_8xb64-210e_coco-256x192, types unprefixed.

    Its backbone is shallow: tests of what is around it take a third of the time.
    """
    codec = {
        'type': 'MSRAHeatmap',
        'input_size': (192, 256),
        'heatmap_size': (48, 64),
        'sigma': 2,
    }
    return {
        'type': 'TopdownPoseEstimator',
        'data_preprocessor': {'type': 'PoseDataPreprocessor'},
        'backbone': {'type': 'HRNet', 'in_channels': 3, 'extra': hrnet_extra(width, **SHALLOW)},
        'head': {
            'type': 'HeatmapHead',
            'in_channels': width,
            'out_channels': 17,
            'deconv_out_channels': None,
            'loss': {'type': 'KeypointMSELoss', 'use_target_weight': True},
            'decoder': codec,
            **head,
        },
        'test_cfg': {'flip_test': True, 'flip_mode': 'heatmap', 'shift_heatmap': True},
    }


def with_our_types(config: dict) -> dict:
    """The same model config with nothing changed but ``type``."""
    config = copy.deepcopy(config)
    for part in (config, config['backbone'], config['head'], config['head']['decoder']):
        part['type'] = f'hrnet_ext.{part["type"]}'
    return config


def randomize(module: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Weights and running statistics as uneven as a trained network's."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if not value.is_floating_point():
                continue
            noise = torch.rand(value.shape, generator=generator)
            scale = 2 / max(value[0].numel(), 1) ** 0.5 if value.dim() > 1 else 1
            positive = name.endswith('running_var') or value.dim() == 1
            value.copy_(0.5 + noise / 2 if positive else (noise - 0.5) * scale)
    return module


def random_keypoints(
    rng: np.random.Generator, num: int, size: tuple[int, int], margin: float = 0.4
) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (num, 17, 2), some outside by up to ``margin`` of the input, and visibility."""
    spread = rng.random((num, 17, 2)) * (1 + 2 * margin) - margin
    keypoints = (spread * size).astype(np.float32)
    keypoints[::3] = keypoints[::3].round()
    visible = (rng.random((num, 17)) < 0.8).astype(np.float32)
    return keypoints, visible
