"""A file of detected boxes holds what the detector found, also when it was made in two sittings."""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from hrnet_ext.datasets.body import CocoDataset
from hrnet_ext.inference import bbox_file
from hrnet_ext.inference.bbox_file import Image, make_bbox_file, read_images
from hrnet_ext.inference.detector import PersonDetector, person_label, read_detector_config
from hrnet_ext.paths import config_path
from tests.tiny_coco import write_coco

SETTINGS = {'score_thr': 0.1}


class NumberedDetector:
    """Finds as many people in ``N.png`` as N modulo 3, and counts its forward passes."""

    def __init__(self, *, fails_at: int | None = None) -> None:
        self.batches: list[int] = []
        self.fails_at = fails_at

    def prepare(self, path: str) -> dict:
        return {'number': int(Path(path).stem)}

    def detect(self, inputs: list[dict]) -> list[np.ndarray]:
        if len(self.batches) == self.fails_at:
            raise KeyboardInterrupt
        self.batches.append(len(inputs))
        return [self.boxes(item['number']) for item in inputs]

    @staticmethod
    def boxes(number: int) -> np.ndarray:
        box = [number, 2, number + 10, 22, 0.5]
        return np.array([box] * (number % 3), np.float32).reshape(-1, 5)


IMAGES = [Image(id=100 + number, path=f'{number}.png') for number in range(8)]


def make(out: Path, detector: NumberedDetector | None = None, **options) -> list[dict]:
    detector = detector or NumberedDetector()
    options = {'settings': SETTINGS, 'batch_size': 3, 'num_workers': 0, **options}
    count = make_bbox_file(detector, IMAGES, out, **options)
    records = json.loads(out.read_text())
    assert count == len(records)
    return records


def test_boxes_are_written_as_x_y_w_h_in_the_order_of_the_images(tmp_path):
    detector = NumberedDetector()
    records = make(tmp_path / 'new' / 'boxes.json', detector)
    assert detector.batches == [3, 3, 2]
    assert [record['image_id'] for record in records] == [101, 102, 102, 104, 105, 105, 107]
    assert records[0] == {
        'image_id': 101,
        'category_id': 1,
        'bbox': [1.0, 2.0, 10.0, 20.0],
        'score': 0.5,
    }
    assert sorted(path.name for path in (tmp_path / 'new').iterdir()) == ['boxes.json']


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path):
    out = tmp_path / 'boxes.json'
    with pytest.raises(KeyboardInterrupt):
        make(out, NumberedDetector(fails_at=2))
    assert not out.exists()
    partial = tmp_path / 'boxes.json.partial'
    partial.write_text(partial.read_text() + '[106, [[1, 2')  # killed while it wrote
    rest, seen = NumberedDetector(), []
    records = make(out, rest, progress=lambda done, total: seen.append((done, total)))
    assert rest.batches == [2]
    assert seen == [(6, 8), (8, 8)]
    assert records == make(tmp_path / 'whole.json')
    assert not partial.exists()


def test_other_settings_do_not_mix_with_an_interrupted_run(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / 'boxes.json', NumberedDetector(fails_at=1))
    with pytest.raises(ValueError, match=r'boxes.json.partial .*score_thr 0.1 -> 0.2.*delete'):
        make(tmp_path / 'boxes.json', settings={'score_thr': 0.2})


def test_an_interrupted_run_goes_on_with_the_same_images_only(tmp_path, monkeypatch):
    options = {'cfg_options': [], 'score_thr': 0.1, 'nms_thr': None, 'person_class': 'person'}
    names = {'config': 'some_detector', 'device': 'cpu', 'batch_size': 2, 'num_workers': 0}
    for folder in ('a', 'b'):
        write_coco(tmp_path / folder)
    paths = {
        'ann': str(tmp_path / 'a/people.json'),
        'img_root': str(tmp_path / 'a/images'),
        'out': tmp_path / 'boxes.json',
        'checkpoint': str(tmp_path / 'detector.pth'),
    }
    (tmp_path / 'detector.pth').write_text('weights')
    args = argparse.Namespace(**options, **names, **paths)
    interrupted = NumberedDetector(fails_at=1)
    monkeypatch.setattr(bbox_file, 'PersonDetector', lambda *_, **__: interrupted)
    with pytest.raises(KeyboardInterrupt):
        bbox_file.detect_people(args)
    monkeypatch.setattr(bbox_file, 'PersonDetector', lambda *_, **__: NumberedDetector())
    args.img_root = str(tmp_path / 'b/images')
    with pytest.raises(ValueError, match=r"interrupted run with other .*img_root '.*/a/images' ->"):
        bbox_file.detect_people(args)
    args.img_root = str(tmp_path / 'a/images')
    (tmp_path / 'detector.pth').write_text('other weights')
    with pytest.raises(ValueError, match=r"checkpoint 'detector\.pth "):
        bbox_file.detect_people(args)
    (tmp_path / 'detector.pth').write_text('weights')
    assert bbox_file.detect_people(args) == 3


def test_images_come_from_coco_and_from_mpii_files(tmp_path):
    write_coco(tmp_path)
    images = read_images(str(tmp_path / 'people.json'), str(tmp_path / 'images'))
    assert [image.id for image in images] == [1, 2, 3]
    person = {'image': '000002.png', 'center': [5, 5], 'scale': 1}
    (tmp_path / 'mpii.json').write_text(json.dumps([person, person]))
    found = read_images(str(tmp_path / 'mpii.json'), str(tmp_path / 'images'))
    assert found == [Image(2, str(tmp_path / 'images' / '000002.png'))]


@pytest.mark.parametrize(
    ('content', 'error', 'expected'),
    [
        ('[', ValueError, r'--ann.*is not JSON'),
        ('{"a": 1}', ValueError, r'--ann.* is another kind of JSON'),
        ('{"images": [{"id": 1}]}', ValueError, r'images\[0\] lacks file_name'),
        (
            '{"images": [{"id": 1, "file_name": "a"}, {"id": 1, "file_name": "b"}]}',
            ValueError,
            r'images: 1 of 1 ids occur more than once, the first is 1',
        ),
        (
            '[{"image": "9.png", "center": [5, 5], "scale": 1}]',
            FileNotFoundError,
            r'1 of 1 images .*9.png.*--img-root',
        ),
    ],
)
def test_a_list_of_images_that_is_none_is_explained(tmp_path, content, error, expected):
    (tmp_path / 'list.json').write_text(content)
    with pytest.raises(error, match=expected):
        read_images(str(tmp_path / 'list.json'), str(tmp_path))


def test_people_are_found_by_the_name_of_their_class():
    assert person_label(('bicycle', 'person'), 'person') == 1
    assert person_label(('pedestrian',), 'pedestrian') == 0
    with pytest.raises(ValueError, match=r'no class `person` among its 2 \(cat, dog\)'):
        person_label(('cat', 'dog'), 'person')


def test_a_config_that_is_no_detectors_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'rtmdet_mm.*ships rtmdet'):
        read_detector_config('rtmdet_mm')
    (tmp_path / 'pose.py').write_text('codec = {}')
    with pytest.raises(ValueError, match=r'pose\.py is not .* of a detector: it has no model'):
        read_detector_config(str(tmp_path / 'pose.py'))


@pytest.fixture(scope='module')
def detector() -> PersonDetector:
    """RTMDet-tiny with weights that find something everywhere."""
    torch.manual_seed(0)
    found = PersonDetector('rtmdet_tiny_8xb32-300e_coco', score_thr=0, nms_thr=0.5)
    for layer in found.model.bbox_head.rtm_cls:
        torch.nn.init.normal_(layer.weight, std=0.05)
        torch.nn.init.constant_(layer.bias.data[: found.labels[0] + 1], 3)
    return found


def test_a_batch_finds_what_single_images_do(detector, tmp_path):
    write_coco(tmp_path, num_images=2)
    paths = sorted(map(str, (tmp_path / 'images').iterdir()))
    together = detector([paths[0], cv2.imread(paths[1])])
    for boxes, path in zip(together, paths, strict=True):
        (alone,) = detector([path])
        assert 0 < len(boxes) <= 300
        assert np.all(np.diff(boxes[:, 4]) <= 0)
        np.testing.assert_allclose(boxes, alone, atol=1e-3)
    assert detector([]) == []


def test_the_test_set_reads_the_boxes(detector, tmp_path):
    write_coco(tmp_path, num_images=2)
    images = read_images(str(tmp_path / 'people.json'), str(tmp_path / 'images'))
    count = bbox_file.make_bbox_file(detector, images, tmp_path / 'found.json', settings={})
    dataset = CocoDataset(
        data_root=str(tmp_path),
        ann_file='people.json',
        data_prefix={'img': 'images/'},
        bbox_file='found.json',
        test_mode=True,
    )
    assert len(dataset) == count > 0


@pytest.mark.parametrize(('name', 'side'), [('', 256), ('_512', 512)])
def test_the_shipped_detector_sees_pictures_of_its_size(name, side):
    detector = PersonDetector(config_path(f'detector_synthetic{name}'))
    inputs = detector.prepare(np.zeros((60, 40, 3), np.uint8))['inputs']
    assert tuple(inputs.shape) == (3, side, side)


def test_the_shipped_detector_knows_people_alone_and_learns_from_pictures_and_videos():
    path = config_path('detector_synthetic')
    detector = PersonDetector(path)
    assert list(detector.labels) == [0]
    assert detector.model.bbox_head.num_classes == 1
    sets = Config.fromfile(path).train_dataloader.dataset.datasets
    assert [len(each.metainfo.classes) for each in sets] == [1, 1]
    assert (detector([np.zeros((40, 60, 3), np.uint8)])[0] >= 0).all()
