"""A data set base class that reads single samples faster than MMPose's, and names config keys."""

import os
import os.path as osp
import pickle
from dataclasses import dataclass
from functools import cached_property

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.fileio import exists

from hrnet_ext.datasets.transforms.reduction import check_croppers
from hrnet_ext.formats.metainfo import check_metainfo
from hrnet_ext.reading import collector_paused


@dataclass(frozen=True)
class ConfigKeys:
    """The config keys of a data set.

    Attributes:
        test_mode: Whether the data set is for validation and testing, or for training.
        how_to_get: How to get missing files.
    """

    test_mode: bool
    how_to_get: str

    @property
    def loaders(self) -> tuple[str, ...]:
        """The loaders that may use the data set."""
        return ('val_dataloader', 'test_dataloader') if self.test_mode else ('train_dataloader',)

    @property
    def cure(self) -> str:
        """What to do if files are missing, with the config keys of their folder."""
        roots = ' '.join(f'{loader}.dataset.data_root=FOLDER' for loader in self.loaders)
        return f'{self.how_to_get}, or name its folder: --cfg-options {roots}'

    def of(self, name: str) -> str:
        """The keys under which a user finds the setting ``name``."""
        return ', '.join(f'{loader}.dataset.{name}' for loader in self.loaders)


def find_file(path: str, data_root: str | None) -> str | None:
    """The path of a file, below ``data_root`` or as given; None if there is none."""
    candidates = [osp.join(data_root, path)] if data_root else []
    return next((found for found in (*candidates, path) if exists(found)), None)


PIPELINE_METAINFO = (
    'dataset_name', 'upper_body_ids', 'lower_body_ids', 'flip_pairs', 'dataset_keypoint_weights',
    'flip_indices', 'skeleton_links',
)  # fmt: skip
"""The metainfo of a data set that MMPose's pipelines and models read from samples."""


class SampleReader(BaseDataset):
    """A mixin for MMPose's data sets that reads samples faster and lists the images of subsets.

    Every sample has its own copy of the metainfo, as in MMPose, but read from a pickle, which is
    faster than a deep copy. If a data set for testing is a subset of its files (``indices``,
    ``get_subset_``), ``metainfo['image_ids']`` lists its images, so that a metric does not count
    the persons of other images as missed.
    """

    def __init__(self, *args, **options) -> None:
        super().__init__(*args, **options)
        check_croppers(self.pipeline.transforms)

    def full_init(self) -> None:
        """Load the annotations, without garbage collection to save time."""
        with collector_paused():
            super().full_init()

    def filter_data(self) -> list[dict]:
        """The samples that ``filter_cfg`` keeps."""
        kept = super().filter_data()
        self._num_loaded = len(kept)
        return kept

    @property
    def metainfo(self) -> dict:
        """MMPose's metainfo, with ``image_ids`` if a subset of the files is used for testing."""
        metainfo = super().metainfo
        if self.test_mode and self._fully_initialized and self._is_part():
            ids = (BaseDataset.get_data_info(self, index)['img_id'] for index in range(len(self)))
            metainfo['image_ids'] = list(dict.fromkeys(ids))
        return metainfo

    def _is_part(self) -> bool:
        return self._indices is not None or len(self) != self._num_loaded

    @classmethod
    def _load_metainfo(cls, metainfo: dict | None = None) -> dict:
        """Check the ``metainfo``, then load it as MMPose does."""
        given = metainfo or {}
        path = given.get('from_file')
        if path and os.path.isfile(path):
            given = Config.fromfile(path).get('dataset_info', {})
        if given and (not path or given is not metainfo):
            check_metainfo(given)
        return super()._load_metainfo(metainfo)

    def get_data_info(self, idx: int) -> dict:
        """The sample ``idx`` before the pipeline, with :data:`PIPELINE_METAINFO`."""
        return {
            **BaseDataset.get_data_info(self, idx),
            **pickle.loads(self._pipeline_metainfo),
        }

    @cached_property
    def _pipeline_metainfo(self) -> bytes:
        return pickle.dumps({key: self._metainfo[key] for key in PIPELINE_METAINFO})
