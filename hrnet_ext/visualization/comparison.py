"""Ground truth beside predictions, in images with several persons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.dist import all_gather_object, is_main_process
from mmpose.structures import PoseDataSample

from hrnet_ext.formats.files import read_json
from hrnet_ext.formats.metainfo import INK, LEGEND, PAPER
from hrnet_ext.visualization.files import drawing_names
from hrnet_ext.visualization.labels import FONT
from hrnet_ext.visualization.poses import Style, draw_poses

Instances = dict[str, np.ndarray]
MIN_HEIGHT = 384  # pixels; smaller images are enlarged so that keypoints can be distinguished
STRIP = 26 / MIN_HEIGHT  # height of a line of text, of the image's
FIELDS = ('keypoints', 'keypoint_scores', 'keypoints_visible', 'bboxes', 'bbox_scores')


class ImagePeople(NamedTuple):
    """An image: its file, the name of its drawing, and its persons."""

    path: str
    name: str
    truth: Instances | None
    prediction: Instances


class PeopleByImage:
    """Groups samples of persons, which arrive in any order, by image.

    An image is complete when it has as many persons as in the data set. In data sets sorted by
    image, only a few images are incomplete at a time. Images whose persons are distributed to
    several processes are returned at the end, as are all images if the data set is not a
    ``BaseDataset``.

    Args:
        dataset: The evaluated data set.
        interval: Return every interval-th image.
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
        """The images that are complete with these samples."""
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
        """The remaining images, in the main process; other processes return none."""
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
    """The poses of a sample, without heatmaps, on the CPU."""
    small = PoseDataSample(metainfo={'id': sample.id, 'img_id': sample.get('img_id')})
    small.gt_instances = sample.gt_instances.cpu()
    small.pred_instances = sample.pred_instances.cpu()
    return small


def _annotated(dataset: Any) -> dict[Hashable, Instances] | None:
    """Annotated persons by image if the samples are detected boxes; else None."""
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


def side_by_side(
    image: np.ndarray, truth: Mapping[str, Any] | None, prediction: Mapping[str, Any], style: Style
) -> np.ndarray:
    """Ground truth on the left, prediction on the right, titles above and a legend below.

    Args:
        image: (H, W, 3); enlarged to at least ``MIN_HEIGHT`` high.
        truth: Annotated persons, see :func:`~hrnet_ext.visualization.poses.draw_poses`; None if
            there are none. Then, or if no keypoint is visible or all are at (0, 0) (MMPose's
            values for detected boxes), only the prediction is drawn.
        prediction: Predicted persons.
        style: How persons are drawn.

    Returns:
        One image (H', W', 3).
    """
    scale = max(1.0, MIN_HEIGHT / image.shape[0])
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    strip = round(STRIP * min(large.shape[0], 2 * large.shape[1]))
    titled = {'prediction': prediction}
    if truth is not None and np.any(truth['keypoints']) and np.any(truth['keypoints_visible'] > 0):
        titled = {'ground truth': truth, **titled}
    halves = []
    for title, people in titled.items():
        drawn = draw_poses(large, _enlarged(people, scale), style)
        halves.append(np.vstack([_text_line(title, drawn.shape[1], strip), drawn]))
    gap = np.full((halves[0].shape[0], max(6, strip // 4), 3), PAPER, np.uint8)
    both = np.hstack([halves[0], gap, halves[1]]) if len(halves) > 1 else halves[0]
    return np.vstack([both, _legend(both.shape[1], strip)])


def gather(instances: Iterable[Any]) -> dict[str, np.ndarray]:
    """Merge the persons of several samples of one image, see :data:`FIELDS`.

    Args:
        instances: ``InstanceData`` or dicts, at least one.
    """
    instances = list(instances)
    return {
        field: np.concatenate([np.asarray(each.get(field)) for each in instances])
        for field in FIELDS
        if all(field in each for each in instances)
    }


def contact_sheet(images: Sequence[np.ndarray], num_columns: int = 2) -> np.ndarray:
    """Images (H_i, W_i, 3) of any sizes in a grid, row by row."""
    height = max(image.shape[0] for image in images)
    width = max(image.shape[1] for image in images)
    num_rows = -(-len(images) // num_columns)
    sheet = np.full((num_rows * height, num_columns * width, 3), PAPER, np.uint8)
    for i, image in enumerate(images):
        top, left = i // num_columns * height, i % num_columns * width
        sheet[top : top + image.shape[0], left : left + image.shape[1]] = image
    return sheet


def _enlarged(people: Mapping[str, Any], scale: float) -> dict[str, Any]:
    """Scale coordinates as OpenCV does, which aligns pixel borders, not centers."""
    moved = {
        field: (np.asarray(people.get(field)) + 0.5) * scale - 0.5
        for field in ('keypoints', 'bboxes')
        if field in people
    }
    return {**people, **moved}


def _text_line(text: str, width: int, height: int) -> np.ndarray:
    line = np.full((height, width, 3), PAPER, np.uint8)
    _write(line, text, 6)
    return line


def _legend(width: int, height: int) -> np.ndarray:
    line = np.full((height, width, 3), PAPER, np.uint8)
    x = height // 2
    for text, color in LEGEND:
        cv2.circle(line, (x, height // 2), height // 4, INK, -1, cv2.LINE_AA)
        cv2.circle(line, (x, height // 2), height // 4 - 1, color, -1, cv2.LINE_AA)
        x += height + _write(line, text, x + height // 2)
    return line


def _write(line: np.ndarray, text: str, x: int) -> int:
    """Write into a strip, at least half its height; the text's width in pixels."""
    scale = len(line) / 52
    thickness = max(1, round(1.5 * scale))
    place = (x, round(len(line) * 0.7))
    cv2.putText(line, text, place, FONT, scale, INK, thickness, cv2.LINE_AA)
    return cv2.getTextSize(text, FONT, scale, thickness)[0][0]
