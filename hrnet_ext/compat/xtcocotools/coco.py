"""COCO annotations with the extensions of xtcocotools."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools.coco import COCO as _COCO


class COCO(_COCO):
    """Annotations of a data set, indexed by image and category.

    Args:
        annotation_file: COCO JSON file.
        test_index: keep only these keypoints of every annotation.
        ann_data: the file's content, instead of reading it.
    """

    def __init__(
        self,
        annotation_file: str | Path | None = None,
        test_index: Sequence[int] | None = None,
        ann_data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(None if ann_data is not None else annotation_file)
        self.anno_file = [annotation_file]
        self.test_index = test_index
        if ann_data is not None:
            self.dataset = copy.deepcopy(ann_data)
            self.createIndex()
        for annotation in self.dataset.get('annotations', []):
            annotation.setdefault('iscrowd', 0)
            if test_index is not None:
                keypoints = np.reshape(annotation['keypoints'], (-1, 3))[list(test_index)]
                annotation['keypoints'] = keypoints.reshape(-1).tolist()

    def loadRes(self, resFile: Any, resData: list[dict[str, Any]] | None = None) -> _COCO:
        """Load results as annotations of the same images.

        Args:
            resFile: path of a results JSON file, a list of results, or an array (N, 7).
            resData: the file's content, instead of reading it.

        Returns:
            The results, indexed; without any, an index of the images alone.
        """
        results = resFile if resData is None else resData
        if isinstance(results, list) and not results:
            empty = _COCO()
            empty.dataset = {**self.dataset, 'annotations': []}
            empty.createIndex()
            return empty
        if len(self.anno_file) == 1:
            self.anno_file.append(resFile)
        return super().loadRes(results)
