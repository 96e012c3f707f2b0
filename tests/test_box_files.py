"""A box file is refused where its numbers would mean nothing; what is left out is counted."""

import json

import numpy as np
import pytest

from hrnet_ext.formats.boxes import check_boxes
from hrnet_ext.inference.box_files import boxes_by_image, read_boxes
from hrnet_ext.inference.boxes import GivenBoxes
from hrnet_ext.inference.frames import Frame, ImageSource

SIZES = {1: (96, 96), 2: (96, 96), 3: None}
WHERE = 'box file `a.json`'


def boxes(num: int = 8) -> list[dict]:
    """Boxes [x, y, w, h] of people in images 1 and 2."""
    return [
        {'image_id': 1 + index % 2, 'bbox': [4 + 5 * index, 6, 36, 80], 'score': 0.9}
        for index in range(num)
    ]


def as_corners(records: list[dict]) -> list[dict]:
    """The same boxes as [x1, y1, x2, y2]."""
    rows = [one['bbox'] for one in records]
    return [{**one, 'bbox': [x, y, x + w, y + h]} for one, (x, y, w, h) in zip(records, rows)]


def test_sound_boxes_are_taken_as_they_are():
    kept, left_out = check_boxes(boxes(), WHERE, SIZES)
    assert kept == boxes()
    assert not left_out.counts


@pytest.mark.parametrize(
    ('change', 'expected'),
    [
        (
            {'bbox': [1, 2, float('nan'), 4]},
            r'a.json`: bbox or score of \[2\] \(image_id 1\) is not finite: \[1, 2, nan, 4\], 0.9',
        ),
        ({'score': float('inf')}, r'score of \[2\] \(image_id 1\) is not finite.*inf \(1 of 8 box'),
        ({'score': None}, r'\[2\].score should be a number, but is None \(image_id 1\)'),
        ({'bbox': [1, 2, '3', 4]}, r'\[2\].bbox should be \[x, y, w, h\], but is .*\(image_id 1\)'),
        ({'bbox': [1, 2, 3]}, r'\[2\].bbox should be \[x, y, w, h\], but is \[1, 2, 3\]'),
        ({'bbox': None}, r'\[2\].bbox should be \[x, y, w, h\], but is None'),
        ({'image_id': [1]}, r'\[2\].image_id should be a number or a string, but is \[1\]'),
        ({'image_id': '1'}, r"\[2\].image_id is '1', but .* has 1; a number is not a string"),
        ({'image_id': '0001'}, r"\[2\].image_id is '0001', but .* has 1; a number is not a"),
    ],
)
def test_an_entry_that_is_not_sound_is_named(change, expected):
    records = boxes()
    records[2].update(change)
    with pytest.raises(ValueError, match=expected):
        check_boxes(records, WHERE, SIZES)


def test_ids_that_are_strings_in_the_annotations_only_are_named():
    sizes = {'1': (96, 96), '2': (96, 96)}
    with pytest.raises(ValueError, match=r"\[0\].image_id is 1, but the annotation file has '1'"):
        check_boxes(boxes(), WHERE, sizes)
    records = [{**one, 'image_id': f'img_{one["image_id"]}'} for one in boxes()]
    assert check_boxes(records, WHERE, {'img_1': None, 'img_2': None})[0] == records


def test_corners_in_place_of_widths_are_recognized():
    with pytest.raises(
        ValueError, match=r'a.json`: 2 of 8 boxes end outside .* and all fit inside'
    ):
        check_boxes(as_corners(boxes()), WHERE, SIZES)


def test_boxes_that_end_a_little_outside_are_no_corners():
    records = boxes()
    for one in records:
        one['bbox'] = [-4, -4, 104, 104]  # as large as the image, and larger
    assert check_boxes(records, WHERE, SIZES)[0] == records
    records[0]['bbox'] = [40, 40, 90, 90]  # one that might be corners
    assert check_boxes(records, WHERE, SIZES)[0] == records
    assert check_boxes(records[:1], WHERE, SIZES)[0] == records[:1]


def test_images_without_a_size_say_nothing_of_corners():
    records = [{**one, 'image_id': 3} for one in as_corners(boxes())]
    assert check_boxes(records, WHERE, SIZES)[0] == records


def test_a_few_boxes_of_unknown_images_are_left_out_and_most_are_an_error():
    records = boxes()
    records[1]['image_id'], records[3]['image_id'] = 77, 78
    kept, left_out = check_boxes(records, WHERE, SIZES)
    assert len(kept) == 6
    assert left_out.counts == {'of images that the annotation file does not list': 2}
    assert list(left_out.firsts.values()) == [77]
    for number, one in enumerate(records):
        one['image_id'] = 77 + number
    with pytest.raises(
        ValueError, match=r'\[0\].image_id 77 is not in .* 8 of 8 boxes \(an example id th'
    ):
        check_boxes(records, WHERE, SIZES)


def test_boxes_without_area_are_left_out():
    records = boxes()
    records[4]['bbox'][2] = 0
    kept, left_out = check_boxes(records, WHERE, SIZES)
    assert kept == records[:4] + records[5:]
    assert left_out.counts == {'without area': 1}


def test_an_annotation_file_is_recognized():
    with pytest.raises(ValueError, match='is an annotation file, but should be a list of detected'):
        check_boxes({'images': [], 'annotations': [], 'categories': []}, WHERE)


class TestForTools:
    """Boxes by image or by frame, for the tools that take a file of them."""

    @staticmethod
    def write(tmp_path, content):
        (tmp_path / 'boxes.json').write_text(json.dumps(content))
        return tmp_path / 'boxes.json'

    @staticmethod
    def frame(path: str) -> Frame:
        return Frame(0, path, np.zeros((96, 96, 3), np.uint8))

    def test_boxes_of_sequences_are_checked_with_their_sizes(self, tmp_path):
        path = self.write(tmp_path, boxes(2))
        assert boxes_by_image(path, SIZES) == {1: [[4, 6, 40, 86, 0.9]], 2: [[9, 6, 45, 86, 0.9]]}
        path = self.write(tmp_path, as_corners(boxes()))
        with pytest.raises(ValueError, match=r'boxes.json`: results: 2 of 8 boxes end outside'):
            boxes_by_image(path, SIZES)

    @pytest.mark.parametrize('ids', [('img_a', 'img_b'), ('img_a.jpg', 'img_b.jpg'), (7, 8)])
    def test_ids_may_be_strings(self, tmp_path, ids):
        records = [{**one, 'image_id': id_} for one, id_ in zip(boxes(2), ids)]
        found = read_boxes(self.write(tmp_path, records))
        name = 'in/000007.jpg' if ids[0] == 7 else 'in/img_a.jpg'
        assert found(self.frame(name)) == [[4, 6, 40, 86, 0.9]]

    @pytest.mark.parametrize('by_name', [True, False])
    def test_entries_of_no_image_are_counted(self, tmp_path, mmengine_log, by_name):
        rows = {'1.jpg': [[1, 2, 30, 40]], '9.jpg': [[1, 2, 30, 40]]}
        records = [{**boxes()[0], 'image_id': number} for number in (1, 9)]
        found = read_boxes(self.write(tmp_path, rows if by_name else records))
        GivenBoxes(found, ImageSource(['in/1.jpg'], load=None))
        said = mmengine_log.records[-1].getMessage()
        first = "'9.jpg'" if by_name else '9'
        assert said.startswith('1 of 2 entries of the boxes file (--bboxes) `')
        assert said.endswith(f'fit none of the images, the first is {first}')
        with pytest.raises(ValueError, match=r'2 of 2 entries .* none of the 1 images, .*other im'):
            GivenBoxes(found, ImageSource(['in/5.jpg'], load=None))

    def test_corners_in_results_are_told_where_sizes_come_late(self, tmp_path, mmengine_log):
        found = read_boxes(self.write(tmp_path, as_corners(boxes())))
        for name in ('1.jpg', '2.jpg'):
            found(self.frame(name))
        (said,) = (record.getMessage() for record in mmengine_log.records)
        assert 'image `1.jpg`: 1 of 4 boxes end outside their images if read as [x, y' in said
