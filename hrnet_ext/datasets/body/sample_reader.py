"""People read one by one, as a training step asks for them."""

import os
import pickle
from functools import cached_property

from mmengine.config import Config
from mmengine.dataset import BaseDataset

from hrnet_ext.datasets.transforms.reduction import check_croppers
from hrnet_ext.formats.metainfo import check_metainfo
from hrnet_ext.reading import collector_paused

PIPELINE_METAINFO = (
    'dataset_name', 'upper_body_ids', 'lower_body_ids', 'flip_pairs', 'dataset_keypoint_weights',
    'flip_indices', 'skeleton_links',
)  # fmt: skip
"""What MMPose's pipelines and models ask of the meta information of a sample's data set."""


class SampleReader(BaseDataset):
    """Mixed into MMPose's data sets, gives their samples in less time, and says what is asked for.

    The meta information of every sample is its own, as in MMPose, but read from a pickle instead
    of copied piece by piece. Where a data set for testing is a part of its files (``indices``,
    ``get_subset_``), ``metainfo['image_ids']`` lists the images, so that a metric does not count
    the people of all others as missed.
    """

    def __init__(self, *args, **options) -> None:
        super().__init__(*args, **options)
        check_croppers(self.pipeline.transforms)

    def full_init(self) -> None:
        """Load the annotations, in less time than with Python's search for garbage."""
        with collector_paused():
            super().full_init()

    def filter_data(self) -> list[dict]:
        """The samples that ``filter_cfg`` leaves."""
        kept = super().filter_data()
        self._num_loaded = len(kept)
        return kept

    @property
    def metainfo(self) -> dict:
        """MMPose's, with ``image_ids`` where a part of the files is tested on."""
        metainfo = super().metainfo
        if self.test_mode and self._fully_initialized and self._is_part():
            ids = (BaseDataset.get_data_info(self, index)['img_id'] for index in range(len(self)))
            metainfo['image_ids'] = list(dict.fromkeys(ids))
        return metainfo

    def _is_part(self) -> bool:
        return self._indices is not None or len(self) != self._num_loaded

    @classmethod
    def _load_metainfo(cls, metainfo: dict | None = None) -> dict:
        """MMPose's tables of the ``metainfo``, which is checked first."""
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
