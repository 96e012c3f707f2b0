"""Read an image; errors name the file and the cause."""

import os
from typing import NamedTuple

import cv2
import numpy as np
from mmcv.image import imfrombytes
from mmengine.fileio import get
from mmpose.datasets.transforms import LoadImage as MMPoseLoadImage

from hrnet_ext.datasets.transforms.reduction import check_size, choose_reduction, decode_reduced
from hrnet_ext.formats.images import with_channels
from hrnet_ext.registry import TRANSFORMS

PLAIN = ('color', 'cv2')  # the usual color type and decoder
WHERE = "its folder is data_prefix.img of the data set, its name the annotation's file_name"


class DecodedImage(NamedTuple):
    """A decoded file: the image (h, w, 3), its reduction factor, and its full shape (H, W)."""

    image: np.ndarray
    reduction: int
    shape: tuple[int, int]


@TRANSFORMS.register_module()
class LoadImage(MMPoseLoadImage):
    """MMPose's ``LoadImage`` with one clear error for a missing, empty or broken file.

    An image already in ``results['img']`` is used unchanged. Otherwise, as in MMPose, the file is
    read and rotated by its EXIF orientation (not with ``color_type='color_ignore_orientation'``).
    Its size is compared with ``results['img_shape']``, the annotated one, if that is known.

    Args:
        reuse: Decode a file once for all its persons, if they follow one another, as they do
            in testing. The image is then read-only: no step after this one may write into it.
        reduce_for: (w, h) of the network's input. Decodes a JPEG at a half, a quarter or an eighth
            of its size if the person's box is at least 2, 4 or 8 times as large as the input, which
            saves most of the decoding. All coordinates and ``img_shape`` remain those of the full
            image. Cropping must be done by :class:`hrnet_ext.TopdownAffine`, which takes the
            reduction into account. Pixels then differ from MMPose's.
        **options: As :class:`mmpose.datasets.transforms.LoadImage`.

    Raises:
        FileNotFoundError: If the file does not exist or may not be read.
        ValueError: If it is empty, not an image or of another size than annotated; if
            ``reduce_for`` is set for images other than BGR ones decoded by OpenCV.
    """

    def __init__(
        self, *, reuse: bool = False, reduce_for: tuple[int, int] | None = None, **options
    ) -> None:
        super().__init__(**options)
        decoder = (self.color_type, self.imdecode_backend)
        if reduce_for and decoder != PLAIN:
            raise ValueError(
                f'reduce_for needs color_type and imdecode_backend to be {PLAIN}, not {decoder}'
            )
        self.reuse, self.reduce_for = reuse, reduce_for
        self._last: tuple[tuple, DecodedImage] | None = None

    def transform(self, results: dict) -> dict | None:
        """Add ``img`` (H, W, 3), BGR, ``img_shape`` and ``ori_shape`` (H, W).

        With ``color_type='grayscale'`` it is (H, W), also an image that is in ``results``.
        """
        if 'img' in results:
            if self.color_type == 'grayscale':
                results = {**results, 'img': with_channels(results['img'], 1)}
            return super().transform(results)
        try:
            decoded = self._decoded(results['img_path'], self._reduction(results))
        except (OSError, ValueError):
            if self.ignore_empty:
                return None
            raise
        check_size(results['img_path'], results.get('img_shape'), decoded.shape)
        reduced = {'img_reduction': decoded.reduction} if decoded.reduction > 1 else {}
        shapes = {'img_shape': decoded.shape, 'ori_shape': decoded.shape}
        return {**results, 'img': decoded.image, **shapes, **reduced}

    def _reduction(self, results: dict) -> int:
        """The reduction factor of one person's image; 1 for several persons."""
        boxes = results.get('bbox')
        if not self.reduce_for or boxes is None or len(boxes) != 1:
            return 1
        return choose_reduction(boxes[0], self.reduce_for)

    def _decoded(self, path: str, reduction: int) -> DecodedImage:
        """The decoded file, from the last call if it is the same."""
        if not self.reuse or not os.path.isfile(path):
            return self._decode(path, reduction)
        status = os.stat(path)
        key = (path, status.st_mtime_ns, status.st_size, reduction)
        if self._last and self._last[0] == key:
            return self._last[1]
        decoded = self._decode(path, reduction)
        decoded.image.flags.writeable = False
        self._last = (key, decoded)
        return decoded

    def _decode(self, path: str, reduction: int) -> DecodedImage:
        content = self._read(path)
        smaller = decode_reduced(content, reduction) if reduction > 1 else None
        if smaller:
            image, shape = smaller
        else:
            image, reduction = self._whole(path, content), 1
            shape = image.shape[:2]
        if self.to_float32:
            image = image.astype(np.float32)
        return DecodedImage(image, reduction, shape)

    def _read(self, path: str) -> bytes:
        try:
            content = self._content(path)
        except OSError as error:
            raise FileNotFoundError(f'cannot read image `{path}` ({error}); {WHERE}') from error
        if not content:
            raise ValueError(f'image `{path}` is an empty file; copy it again')
        return content

    def _content(self, path: str) -> bytes:
        if self.backend_args or '://' in path:
            return get(path, backend_args=self.backend_args)
        with open(path, 'rb', buffering=0) as file:
            return file.read()

    def _whole(self, path: str, content: bytes) -> np.ndarray:
        try:
            image = imfrombytes(content, flag=self.color_type, backend=self.imdecode_backend)
        except (cv2.error, OSError) as error:
            raise ValueError(f'`{path}` is not an image: {error}') from error
        if image is None:
            raise ValueError(
                f'`{path}` is not an image that {self.imdecode_backend} can read '
                f'(it begins with {content[:8]!r}); copy it again, or remove its annotations'
            )
        return image
