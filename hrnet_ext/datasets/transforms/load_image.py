"""Read an image, or say which file could not be read and why."""

import cv2
import numpy as np
from mmcv.image import imfrombytes
from mmengine.fileio import get
from mmpose.datasets.transforms import LoadImage as MMPoseLoadImage

from hrnet_ext.registry import TRANSFORMS

WHERE = "its folder is data_prefix.img of the data set, its name the annotation's file_name"


@TRANSFORMS.register_module()
class LoadImage(MMPoseLoadImage):
    """MMPose's ``LoadImage`` with one clear error for a missing, empty or broken file.

    Takes the same arguments; an image already in ``results['img']`` is used as it is.

    Raises:
        FileNotFoundError: If the file does not exist or may not be read.
        ValueError: If it is empty or not an image.
    """

    def transform(self, results: dict) -> dict | None:
        """Add ``img`` (H, W, 3), BGR, ``img_shape`` and ``ori_shape`` (H, W)."""
        if 'img' in results:
            return super().transform(results)
        path = results['img_path']
        try:
            image = self._decode(path)
        except (OSError, ValueError):
            if self.ignore_empty:
                return None
            raise
        if self.to_float32:
            image = image.astype(np.float32)
        return {**results, 'img': image, 'img_shape': image.shape[:2], 'ori_shape': image.shape[:2]}

    def _decode(self, path: str) -> np.ndarray:
        try:
            content = get(path, backend_args=self.backend_args)
        except OSError as error:
            raise FileNotFoundError(f'cannot read image `{path}` ({error}); {WHERE}') from error
        if not content:
            raise ValueError(f'image `{path}` is an empty file; copy it again')
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
