"""Run an exported model without PyTorch: numpy, OpenCV and ONNX Runtime or OpenVINO are enough.

    session = PoseSession('pose.onnx')
    keypoints, scores = session(cv2.imread('person.jpg'), [[40, 20, 180, 400]])

Legend: N boxes or persons; K keypoints; image space is pixels of the image, input space pixels of
a crop.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hrnet_ext.export.crops import cut, regions_of, to_image_space
from hrnet_ext.export.description import read_description
from hrnet_ext.export.engines import Settings, open_engine
from hrnet_ext.export.metadata import Metadata, precision_in
from hrnet_ext.formats.box_arrays import box_arrays, refuse_faults
from hrnet_ext.formats.images import with_channels

BATCH_SIZE = 64
RUN_PRECISIONS = ('auto', 'fp32', 'bf16', 'fp16')


class PoseSession:
    """Estimates poses with an exported model.

    :class:`~hrnet_ext.tracking.PoseTracker` takes it as its pose estimator.

    Several threads may share it. Their calls run in parallel in ONNX Runtime and PyTorch, and in
    OpenVINO if ``num_threads`` is less than the number of cores; otherwise OpenVINO runs one call
    after the other with all cores. A pickle holds only the arguments: the other process opens the
    file again from the same path. Start such processes with ``spawn`` or ``forkserver``, because
    the threads of a backend do not survive a fork.

    Args:
        path: A file of ``tools/export.py``.
        backend: ``'openvino'`` or ``'onnxruntime'``, for PyTorch's own files ``'torchscript'`` or
            ``'torch-export'``; None uses the first installed one that reads the file.
        device: The backend's name of a device, such as ``'CUDAExecutionProvider'`` of ONNX
            Runtime, ``'GPU'`` of OpenVINO or ``'cuda'`` of PyTorch; empty is the CPU. Other devices
            were never tested.
        precision: In OpenVINO, run any file in ``'fp32'``, ``'bf16'`` or ``'fp16'``, or with
            ``'auto'`` in bf16 or fp16, whichever the device has; empty uses the file's precision.
            If the device lacks the precision, it computes in fp32, and a warning says so.
        num_threads: Threads per call; None uses the backend's default.
        batch_size: Maximum number of crops per call of the backend.
        fixed_batch: Always compute ``batch_size`` crops; if there are fewer, the last one is
            repeated. OpenVINO optimizes for the fixed size: in bf16 on a CPU, W32 takes a fifth
            less time for single crops, a tenth less in batches of eight, and hardly less in fp32.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is broken or was not written by hrnet_ext, or an argument does not suit
            it.
        ImportError: If no backend for it is installed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        backend: str | None = None,
        *,
        device: str = '',
        precision: str = '',
        num_threads: int | None = None,
        batch_size: int = BATCH_SIZE,
        fixed_batch: bool = False,
        provider: str | None = None,
    ) -> None:
        if provider is not None:
            _warn('provider', 'backend')
            backend = provider
        if precision == 'half':
            _warn("precision='half'", "precision='auto'")
            precision = 'auto'
        if batch_size < 1:
            raise ValueError(f'batch_size should be at least 1, but is {batch_size}')
        if not isinstance(fixed_batch, bool):
            raise ValueError(
                f'fixed_batch should be True or False, but is {fixed_batch!r}; batch_size says how '
                'many crops'
            )
        if precision and precision not in RUN_PRECISIONS:
            raise ValueError(
                f'precision should be one of {", ".join(RUN_PRECISIONS)}, but is {precision!r}'
            )
        if num_threads is not None and num_threads < 1:
            raise ValueError(f'num_threads should be None or at least 1, but is {num_threads}')
        self.batch_size = batch_size
        self.fixed_batch = fixed_batch
        self._arguments = {
            'path': os.path.abspath(path),
            'backend': backend,
            'device': device,
            'precision': precision,
            'num_threads': num_threads,
            'batch_size': batch_size,
            'fixed_batch': fixed_batch,
        }
        description = read_description(path)
        fixed_size = batch_size if fixed_batch else 0
        written_in = precision_in(description)
        settings = Settings(device, precision, num_threads, fixed_size, written_in)
        self._engine = open_engine(path, backend, settings)
        self.metadata = Metadata.from_json(description, str(path))

    def __call__(
        self, image: np.ndarray, boxes: Sequence | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The pose in each box.

        Args:
            image: (H, W, 3) BGR, (H, W) grayscale or (H, W, 4) BGRA, uint8. A model with four
                channels takes only the last kind.
            boxes: (N, 4) x1, y1, x2, y2, or one box (4,); a list, an array, or a tensor of
                PyTorch. A fifth column, scores, is not used. Boxes may extend beyond the image.

        Returns:
            keypoints (N, K, 2) float32 in image space, scores (N, K) float32.

        Raises:
            ValueError: If the image is not uint8, or a box contains no pixel of it; names the box.
        """
        image = with_channels(image, self.metadata.num_channels)
        corners = box_arrays(boxes).corners
        refuse_faults(corners, image.shape[1::-1])
        size = self.metadata.input_size
        regions = regions_of(corners, size, self.metadata.padding)
        keypoints, scores = self.estimate(cut(image, regions, size))
        return to_image_space(keypoints, regions, size), scores

    def estimate(self, crops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Keypoints (B, K, 2) in input space, and scores (B, K), of crops.

        Args:
            crops: (B, H, W, 3) uint8, BGR.
        """
        found = self.outputs(crops)
        return found['keypoints'], found['scores']

    def outputs(self, crops: np.ndarray) -> Mapping[str, np.ndarray]:
        """All outputs of the graph by name; ``heatmaps`` (B, K, h, w) if it was exported with them.

        Args:
            crops: (B, H, W, 3) uint8, BGR.

        Raises:
            ValueError: If they have another size or type.
        """
        crops = _checked_crops(crops, self.metadata)
        if not len(crops):
            num_keypoints = len(self.metadata.keypoints.names)
            return {
                'keypoints': np.zeros((0, num_keypoints, 2), np.float32),
                'scores': np.zeros((0, num_keypoints), np.float32),
            }
        parts = [
            self._run(crops[begin : begin + self.batch_size])
            for begin in range(0, len(crops), self.batch_size)
        ]
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def prepare(self, crops: np.ndarray) -> np.ndarray:
        """The graph's input: the crops (B, H, W, 3), or normalized images (B, 3, H, W) float32.

        Args:
            crops: (B, H, W, 3) uint8, BGR.
        """
        if self.metadata.normalizes:
            return np.ascontiguousarray(crops)
        order = [2, 1, 0, *range(3, crops.shape[-1])] if self.metadata.bgr_to_rgb else ...
        pixels = crops if crops.shape[-1] < 3 else crops[..., order]
        mean, std = np.array([self.metadata.mean, self.metadata.std], np.float32)
        images = (pixels.astype(np.float32) - mean) / std
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2))

    def __getstate__(self) -> dict[str, Any]:
        """The arguments, with which the file is opened again."""
        return self._arguments

    def __setstate__(self, arguments: dict[str, Any]) -> None:
        self.__init__(**arguments)

    def __deepcopy__(self, memo: dict) -> PoseSession:
        """It is immutable, so copies share it."""
        return self

    def _run(self, crops: np.ndarray) -> Mapping[str, np.ndarray]:
        """All outputs for at most ``batch_size`` crops."""
        count = len(crops)
        if self.fixed_batch and count < self.batch_size:
            crops = crops[np.minimum(np.arange(self.batch_size), count - 1)]
        found = self._engine(self.prepare(crops))
        return {name: each[:count] for name, each in found.items()}


def _warn(old: str, new: str) -> None:
    warnings.warn(
        f'PoseSession: {old} is now {new}; the next release will not take {old} any more',
        FutureWarning,
        stacklevel=3,
    )


def _checked_crops(crops: Any, metadata: Metadata) -> np.ndarray:
    """Crops (B, H, W, C) uint8, BGR.

    Raises:
        ValueError: If they have another type, or not the model's size.
    """
    crops = np.asarray(crops)
    width, height = metadata.input_size
    wanted = (height, width, metadata.num_channels)
    if crops.dtype != np.uint8 or crops.shape[1:] != wanted:
        shape = ', '.join(map(str, wanted))
        raise ValueError(
            f'crops should be (B, {shape}) uint8, BGR, but are {crops.shape} {crops.dtype}'
        )
    return crops
