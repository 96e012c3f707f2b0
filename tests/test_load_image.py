"""One file is decoded once, or smaller; its people do not notice."""

import cv2
import numpy as np
import pytest
from mmpose.datasets import transforms as mmposes

from hrnet_ext.datasets import transforms as ours
from hrnet_ext.datasets.body import CocoDataset
from hrnet_ext.datasets.transforms.reduction import choose_reduction, decode_reduced, jpeg_shape
from tests.tiny_coco import write_coco

INPUT = (24, 32)  # w, h
EXIF = b'\xff\xe1\x00\x0eExif\x00\x00MM\x00*\x00\x00'


def smooth(shape, seed=0):
    """A picture that is nearly the same at half its size."""
    noise = np.random.default_rng(seed).integers(0, 255, (6, 7, 3), dtype=np.uint8)
    return cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC)


def jpeg(image, *options):
    return cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 95, *options])[1].tobytes()


@pytest.fixture
def path(tmp_path):
    (tmp_path / 'a.jpg').write_bytes(jpeg(smooth((203, 301))))
    return str(tmp_path / 'a.jpg')


def test_an_images_people_share_it(path, tmp_path, monkeypatch):
    step = ours.LoadImage(reuse=True)
    first, again = (step({'img_path': path})['img'] for _ in range(2))
    assert again is first
    np.testing.assert_array_equal(first, mmposes.LoadImage()({'img_path': path})['img'])
    with pytest.raises(ValueError, match='read-only'):
        first[0] = 0
    (tmp_path / 'b.jpg').write_bytes(jpeg(smooth((40, 50))))
    assert step({'img_path': str(tmp_path / 'b.jpg')})['img'].shape == (40, 50, 3)
    assert ours.LoadImage()({'img_path': path})['img'].flags.writeable


def test_a_file_that_changes_is_read_again(path):
    step = ours.LoadImage(reuse=True)
    assert step({'img_path': path})['img'].shape == (203, 301, 3)
    with open(path, 'wb') as file:
        file.write(jpeg(smooth((40, 50))))
    assert step({'img_path': path})['img'].shape == (40, 50, 3)


@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize('progressive', [0, 1])
@pytest.mark.parametrize('shape', [(1, 1), (64, 48), (83, 131)])
def test_a_jpegs_header_tells_its_shape(channels, progressive, shape):
    image = smooth(shape)[..., :channels]
    assert jpeg_shape(jpeg(image, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)) == shape


@pytest.mark.parametrize(
    'content',
    [b'', b'\xff\xd8', b'\xff\xd8\xff', cv2.imencode('.png', smooth((9, 9)))[1].tobytes()],
)
def test_what_is_no_jpeg_has_no_jpegs_shape(content):
    assert jpeg_shape(content) is None
    assert decode_reduced(content, 2) is None


def test_pictures_that_may_have_to_be_turned_are_left_to_opencv():
    content = jpeg(smooth((40, 50)))
    turned = content[:2] + EXIF + content[2:]
    assert jpeg_shape(content) == (40, 50)
    assert jpeg_shape(turned) is None
    assert decode_reduced(turned, 2) is None


@pytest.mark.parametrize(
    ('box', 'expected'),
    [
        ((0, 0, 47, 63), 1),
        ((0, 0, 48, 10), 2),
        ((5, 5, 20, 69), 2),
        ((0, 0, 100, 100), 4),
        ((0, 0, 24 * 8, 1), 8),
        ((0, 0, 9999, 1), 8),
    ],
)
def test_a_person_is_never_decoded_smaller_than_the_input(box, expected):
    assert choose_reduction(np.array(box), INPUT) == expected


@pytest.mark.parametrize('reduction', [2, 4, 8])
@pytest.mark.parametrize('shape', [(400, 448), (403, 451), (393, 449)])
@pytest.mark.parametrize('direction', [None, 'horizontal', 'vertical', 'diagonal'])
def test_reduced_pictures_are_cropped_where_whole_ones_are(tmp_path, reduction, shape, direction):
    path = tmp_path / 'a.jpg'
    path.write_bytes(jpeg(smooth(shape)))
    width = INPUT[0] * reduction
    person = np.array([[220 - width / 2, 199, 220 + width / 2, 200]], np.float32)
    results = {'img_path': str(path), 'bbox': person, 'flip_indices': [0]}
    crops = []
    for reduce_for in (None, INPUT):
        np.random.seed(0)
        flip = [ours.RandomFlip(1.0, direction)] if direction and direction != 'vertical' else []
        if direction == 'vertical':  # MMPose cannot flip boxes upside down
            flip = [lambda results: {**mirrored(results), 'flip_direction': 'vertical'}]
        loaded = ours.LoadImage(reduce_for=reduce_for)(dict(results))
        assert loaded['img_shape'] == shape
        if reduce_for:
            assert loaded['img_reduction'] == reduction
            assert loaded['img'].shape[:2] == tuple(-(-side // reduction) for side in shape)
        for step in (mmposes.GetBBoxCenterScale(), *flip, ours.TopdownAffine(INPUT)):
            loaded = step(loaded)
        assert 'img_reduction' not in loaded
        crops.append(loaded['img'].astype(float))
    whole, reduced = crops
    assert whole.std() > 10
    # A crop of a pixel's shift in the input differs by several times as much.
    assert np.abs(whole - reduced).mean() < 2
    assert np.abs(whole - np.roll(reduced, 1, 1)).mean() > 4


def mirrored(results):
    """Upside down, with the center of the box."""
    center = results['bbox_center'].copy()
    center[..., 1] = results['img_shape'][0] - 1 - center[..., 1]
    return {**results, 'img': results['img'][::-1], 'bbox_center': center}


def test_only_jpegs_and_single_people_are_reduced(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), smooth((90, 90)))
    person = np.array([[0, 0, 80, 80]], np.float32)
    step = ours.LoadImage(reduce_for=INPUT)
    for name, boxes in (('a.png', person), ('a.jpg', np.repeat(person, 2, 0)), ('a.jpg', None)):
        (tmp_path / 'a.jpg').write_bytes(jpeg(smooth((90, 90))))
        found = step({'img_path': str(tmp_path / name), 'bbox': boxes})
        assert found['img'].shape == (90, 90, 3)
        assert 'img_reduction' not in found


def test_a_cropper_that_knows_nothing_of_reduction_is_refused(tmp_path):
    write_coco(tmp_path)
    steps = [ours.LoadImage(reduce_for=INPUT), mmposes.TopdownAffine(INPUT)]
    where = {
        'ann_file': 'people.json',
        'data_root': str(tmp_path),
        'data_prefix': {'img': 'images'},
    }
    with pytest.raises(ValueError, match=r"use type='hrnet_ext\.TopdownAffine'"):
        CocoDataset(**where, pipeline=steps)
    CocoDataset(**where, pipeline=[steps[0], ours.TopdownAffine(INPUT)])


def test_reduction_needs_color_pictures_by_opencv():
    with pytest.raises(ValueError, match=r"to be \('color', 'cv2'\), not \('grayscale', 'cv2'\)"):
        ours.LoadImage(reduce_for=INPUT, color_type='grayscale')


def turned_jpeg(image) -> bytes:
    """A file whose EXIF data say that it is to be turned by a quarter before it is shown."""
    orientation = b'\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00'
    exif = b'Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01' + orientation + b'\x00\x00\x00\x00'
    content = jpeg(image)
    return content[:2] + b'\xff\xe1' + (len(exif) + 2).to_bytes(2, 'big') + exif + content[2:]


class TestSize:
    def test_images_are_turned_as_exif_says_like_mmposes(self, tmp_path):
        (tmp_path / 'a.jpg').write_bytes(turned_jpeg(smooth((40, 90))))
        results = {'img_path': str(tmp_path / 'a.jpg')}
        found = ours.LoadImage()(dict(results))['img']
        assert found.shape == (90, 40, 3)
        np.testing.assert_array_equal(found, mmposes.LoadImage()(dict(results))['img'])

    @pytest.mark.parametrize('options', [{}, {'reduce_for': INPUT}, {'ignore_empty': True}])
    def test_annotations_of_the_unturned_pixels_are_refused(self, tmp_path, options):
        (tmp_path / 'a.jpg').write_bytes(turned_jpeg(smooth((40, 90))))
        box = np.array([[0, 0, 80, 80]], np.float32)
        results = {'img_path': str(tmp_path / 'a.jpg'), 'img_shape': (40, 90), 'bbox': box}
        with pytest.raises(ValueError, match=r'a.jpg` is 40 x 90 .* file says 90 x 40: .*EXIF'):
            ours.LoadImage(**options)(dict(results))
        as_stored = ours.LoadImage(color_type='color_ignore_orientation')(dict(results))
        assert as_stored['img_shape'] == (40, 90)

    @pytest.mark.parametrize('reduce_for', [None, INPUT])
    def test_resized_copies_are_refused(self, path, reduce_for):
        box = np.array([[0, 0, 80, 80]], np.float32)
        results = {'img_path': path, 'img_shape': (406, 602), 'bbox': box}
        with pytest.raises(ValueError, match=r'is 301 x 203 .* says 602 x 406: is it a resized'):
            ours.LoadImage(reduce_for=reduce_for)(results)

    @pytest.mark.parametrize('shape', [(203, 301), (203, 302), (202, 300)])
    def test_a_pixel_of_rounding_is_accepted(self, path, shape):
        found = ours.LoadImage()({'img_path': path, 'img_shape': shape})
        assert found['img_shape'] == found['ori_shape'] == (203, 301)
