"""The people of each image of an evaluation, collected until each image is complete."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.dist import all_gather_object, is_main_process
from mmpose.structures import PoseDataSample

from hrnet_ext.formats.files import read_json
from hrnet_ext.visualization.comparison import gather
from hrnet_ext.visualization.files import drawing_names

Instances = dict[str, np.ndarray]


class ImagePeople(NamedTuple):
    """An image's file, the name of its drawing, and its people."""

    path: str
    name: str
    truth: Instances | None
    prediction: Instances


class PeopleByImage:
    """Takes samples of people in any order, gives images.

    An image is complete when it has as many people as in the data set. In data sets sorted by image
    only few images are waiting at a time. Images whose people are spread over processes wait for
    the end, as do all of a data set that is no ``BaseDataset``.

    Args:
        dataset: Of the evaluation.
        interval: Give every so many images.
    """

    def __init__(self, dataset: Any, interval: int) -> None:
        self._interval = interval
        self._expected: Mapping[str, int] = {}
        if isinstance(dataset, BaseDataset):
            infos = (BaseDataset.get_data_info(dataset, i) for i in range(len(dataset)))
            self._expected = Counter(info['img_path'] for info in infos)
        self._names = drawing_names(list(self._expected)[::interval])
        self._waiting: dict[str, dict[str, PoseDataSample]] = {}
        self._given: set[str] = set()
        self._truth = _annotated(dataset)

    def add(self, samples: Iterable[PoseDataSample]) -> Iterator[ImagePeople]:
        """The images that these people complete."""
        for sample in samples:
            path = sample.img_path
            if self._expected and path not in self._names:
                continue
            people = self._waiting.setdefault(path, {})
            people[str(sample.id)] = _poses_alone(sample)
            if len(people) == self._expected.get(path):
                self._given.add(path)
                yield self._image(path, self._waiting.pop(path))

    def rest(self) -> Iterator[ImagePeople]:
        """The images that no process has completed, in the main process; nothing in others."""
        parts = all_gather_object((self._waiting, self._given))
        if not is_main_process():
            return
        given = set().union(*(given for _, given in parts))
        found: dict[str, dict[str, PoseDataSample]] = {}
        for waiting, _ in parts:
            for path, people in waiting.items():
                if path not in given:
                    found.setdefault(path, {}).update(people)
        self._names = self._names or drawing_names(sorted(found)[:: self._interval])
        for path in sorted(found):
            if path in self._names:
                yield self._image(path, found[path])

    def _image(self, path: str, people: Mapping[str, PoseDataSample]) -> ImagePeople:
        samples = [people[number] for number in sorted(people, key=lambda text: (len(text), text))]
        prediction = gather(sample.pred_instances for sample in samples)
        if self._truth is None:
            truth = gather(sample.gt_instances for sample in samples)
        else:
            truth = self._truth.get(samples[0].img_id)
        return ImagePeople(path, self._names[path], truth, prediction)


def _poses_alone(sample: PoseDataSample) -> PoseDataSample:
    """A sample without its heatmaps, in the main memory."""
    small = PoseDataSample(metainfo={'id': sample.id, 'img_id': sample.get('img_id')})
    small.gt_instances = sample.gt_instances.cpu()
    small.pred_instances = sample.pred_instances.cpu()
    return small


def _annotated(dataset: Any) -> dict[Hashable, Instances] | None:
    """Annotated people by image of a data set whose samples are detected boxes; else None."""
    if not getattr(dataset, 'bbox_file', None):
        return None
    num_values = 3 * dataset.metainfo['num_keypoints']
    by_image: dict[Hashable, list] = {}
    for annotation in read_json(dataset.ann_file, 'annotation file').get('annotations', ()):
        if len(annotation.get('keypoints', ())) == num_values:
            by_image.setdefault(annotation['image_id'], []).append(annotation['keypoints'])
    truth = {}
    for image_id, people in by_image.items():
        values = np.array(people, float).reshape(len(people), -1, 3)
        truth[image_id] = {'keypoints': values[..., :2], 'keypoints_visible': values[..., 2]}
    return truth
