"""A small pose model, small pictures and videos, and a stand-in for a detector."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from hrnet_ext.engine.run_config import read_config
from tests.references import randomize

WIDTH = 8
FPS = 12.5


def pose_config(name: str = 'hrnet_synthetic'):
    """A synthetic model at its narrowest: crops of 96x128."""
    return read_config(name, [f'model.backbone.width={WIDTH}', f'model.head.in_channels={WIDTH}'])


def write_weights(path: Path, name: str = 'hrnet_synthetic') -> str:
    """A checkpoint of uneven random weights for :func:`pose_config` of that name."""
    from mmengine.registry import MODELS, init_default_scope

    init_default_scope('mmpose')
    model = randomize(MODELS.build(pose_config(name).model))
    torch.save({'state_dict': model.state_dict(), 'meta': {}}, path)
    return str(path)


def picture(seed: int = 0, size: tuple[int, int] = (160, 120)) -> np.ndarray:
    """A smooth random picture (h, w, 3) of ``size`` (w, h)."""
    noise = np.random.default_rng(seed).integers(0, 255, (*size[::-1], 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 4) * 2


def write_pictures(folder: Path, num: int = 3) -> list[str]:
    """``num`` pictures in a folder, in the order of their names."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [str(folder / f'{index:03}.png') for index in range(num)]
    for seed, path in enumerate(paths):
        cv2.imwrite(path, picture(seed))
    return paths


def write_video(path: Path, num: int = 6, codec: str = 'mp4v') -> str:
    """A video of ``num`` frames in which the picture moves to the left, two pixels a frame."""
    wide = picture(7, (160 + 2 * num, 120))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), FPS, (160, 120))
    for index in range(num):
        writer.write(np.ascontiguousarray(wide[:, 2 * index : 2 * index + 160]))
    writer.release()
    return str(path)


def read_video(path: Path | str) -> tuple[list[np.ndarray], float]:
    """Frames and frames per second."""
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (found := capture.read())[0]:
        frames.append(found[1])
    return frames, capture.get(cv2.CAP_PROP_FPS)


def random_boxes(num: int, seed: int = 0) -> np.ndarray:
    """Boxes (num, 5) with scores in a picture of 160x120, float32."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(-10, 100, (num, 2))
    size = rng.uniform(20, 60, (num, 2))
    scores = rng.uniform(0.4, 1, (num, 1))
    return np.hstack([corner, corner + size, scores]).astype(np.float32)


class StubDetector:
    """Finds given boxes, as MMDetection's inferencer that MMPose calls.

    Args:
        boxes: (N, 5) of each image, in the order they are asked for.
    """

    def __init__(self, boxes: list[np.ndarray]) -> None:
        self.boxes = list(boxes)

    def __call__(self, image: object, return_datasamples: bool = True) -> dict:
        found = torch.from_numpy(self.boxes.pop(0))
        sample = PoseDataSample()
        sample.pred_instances = InstanceData(
            bboxes=found[:, :4], scores=found[:, 4], labels=torch.zeros(len(found), dtype=int)
        )
        return {'predictions': [sample]}
