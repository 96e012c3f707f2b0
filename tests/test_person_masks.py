"""Label maps follow COCO's outlines, pixel by pixel, and bad files are refused before writing."""

import json

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask

from hrnet_ext.conversion.person_masks import label_map, write_person_masks
from hrnet_ext.synthetic import generate, make_spec

SQUARE = [2.0, 3.0, 6.0, 3.0, 6.0, 7.0, 2.0, 7.0]  # x 2 to 5, y 3 to 6


def person(segmentation, iscrowd=0, category_id=1):
    return {
        'id': 5,
        'image_id': 1,
        'category_id': category_id,
        'iscrowd': iscrowd,
        'segmentation': segmentation,
    }


def annotation_file(tmp_path, annotations):
    image = {'id': 1, 'file_name': 'a/b.jpg', 'height': 10, 'width': 12}
    path = tmp_path / 'people.json'
    path.write_text(json.dumps({'images': [image], 'annotations': annotations}))
    return path


def square():
    mask = np.zeros((10, 12), np.uint8)
    mask[3:7, 2:6] = 1
    return mask


def uncompressed(mask):
    pixels = mask.ravel(order='F')
    ends = [*np.flatnonzero(np.diff(pixels)) + 1, len(pixels)]
    return {'size': list(mask.shape), 'counts': np.diff([0, *ends]).tolist()}


def test_polygons_and_both_kinds_of_run_lengths_give_the_same():
    runs = coco_mask.encode(np.asfortranarray(square()))
    for outline in ([SQUARE], runs, uncompressed(square())):
        assert np.array_equal(label_map([person(outline)], 10, 12), square())


def test_crowds_are_ignored_but_not_who_is_seen_in_front():
    everywhere = uncompressed(np.ones((10, 12), np.uint8) - np.eye(10, 12, dtype=np.uint8))
    labels = label_map([person([SQUARE]), person(everywhere, iscrowd=1)], 10, 12)
    assert set(labels[3:7, 2:6].ravel()) == {1}
    assert labels[0, 0] == 0
    assert labels[0, 1] == 255


def test_files_are_named_as_their_images_and_other_classes_are_background(tmp_path):
    path = annotation_file(tmp_path, [person([SQUARE]), person([[0, 0, 9, 0, 9, 9]], 0, 2)])
    assert write_person_masks(path, tmp_path / 'out') == 1
    labels = cv2.imread(str(tmp_path / 'out/a/b.png'), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(labels, square())


def test_rendered_people_have_the_area_that_their_annotations_say(tmp_path):
    generate(tmp_path / 'people', make_spec('coco', num_train=2, num_val=1, size=64))
    ann_file = tmp_path / 'people/annotations/person_keypoints_train2017.json'
    write_person_masks(ann_file, tmp_path / 'masks')
    content = json.loads(ann_file.read_text())
    for image in content['images']:
        labels = cv2.imread(
            str(tmp_path / 'masks' / image['file_name'].replace('jpg', 'png')), cv2.IMREAD_UNCHANGED
        )
        areas = [a['area'] for a in content['annotations'] if a['image_id'] == image['id']]
        assert (labels == 1).sum() == sum(areas) > 0  # rendered people do not overlap: one owner


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('[]', 'is no COCO annotation file: it lacks images or annotations'),
        ('{"images"', 'is not JSON'),
    ],
)
def test_another_file_is_refused(tmp_path, content, message):
    (tmp_path / 'ann.json').write_text(content)
    with pytest.raises(ValueError, match=message):
        write_person_masks(tmp_path / 'ann.json', tmp_path / 'out')


def test_people_without_outlines_are_refused_and_nothing_is_left(tmp_path):
    path = annotation_file(tmp_path, [person([])])
    with pytest.raises(ValueError, match=r'people.json`: annotation 5 has no segmentation'):
        write_person_masks(path, tmp_path / 'out')
    assert [entry.name for entry in tmp_path.iterdir()] == ['people.json']


def test_nothing_is_overwritten_unasked(tmp_path):
    path = annotation_file(tmp_path, [person([SQUARE])])
    write_person_masks(path, tmp_path / 'out')
    with pytest.raises(FileExistsError, match='--overwrite'):
        write_person_masks(path, tmp_path / 'out')
    assert write_person_masks(path, tmp_path / 'out', replace=True) == 1
    with pytest.raises(FileNotFoundError, match=r'missing.json` does not exist'):
        write_person_masks(tmp_path / 'missing.json', tmp_path / 'other')
