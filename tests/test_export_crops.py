"""A session's crop is the test pipeline's to the last bit, and so is its way back."""

import numpy as np
import pytest
from mmpose.datasets.transforms import GetBBoxCenterScale, TopdownAffine

from hrnet_ext.export.crops import Regions, cut, regions_of, to_image_space
from tests.inference_cases import picture

SIZES = [(192, 256), (288, 384), (256, 256), (96, 128)]
IMAGE_SIZE = (160, 120)


def boxes(num: int, seed: int) -> np.ndarray:
    """Wide, high, tiny ones, and such as reach far out of the image."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(-60, 140, (num, 2))
    return np.hstack([corner, corner + rng.uniform(1, 180, (num, 2))]).astype(np.float32)


@pytest.mark.parametrize('input_size', SIZES)
@pytest.mark.parametrize('padding', [1.25, 1.0])
def test_crops_equal_the_pipelines(input_size, padding):
    image = picture(3, IMAGE_SIZE)
    found = boxes(25, seed=input_size[0])
    regions = regions_of(found, input_size, padding)
    crops = cut(image, regions, input_size)
    for index, box in enumerate(found):
        results = GetBBoxCenterScale(padding=padding).transform({'img': image, 'bbox': box[None]})
        results = TopdownAffine(input_size).transform(results)
        np.testing.assert_array_equal(crops[index], results['img'])
        np.testing.assert_array_equal(regions.centers[index], results['input_center'])
        np.testing.assert_array_equal(regions.scales[index], results['input_scale'])
        assert regions.scales.dtype == results['input_scale'].dtype == np.float32


def test_keypoints_go_back_as_mmposes_estimator_takes_them():
    rng = np.random.default_rng(0)
    keypoints = rng.uniform(-4, 200, (30, 17, 2)).astype(np.float32)
    regions = regions_of(boxes(30, 1), (192, 256), 1.25)
    found = to_image_space(keypoints, regions, (192, 256))
    for index, (center, scale) in enumerate(zip(*regions)):
        wanted = keypoints[index].copy()
        wanted[..., :2] = wanted[..., :2] / (192, 256) * scale + center - 0.5 * scale
        np.testing.assert_array_equal(found[index], wanted)


def test_a_pixel_keeps_its_place_there_and_back():
    image = np.zeros((120, 160, 3), np.uint8)
    image[50, 70] = 255
    regions = regions_of(np.array([[40, 20, 100, 100]]), (96, 128), 1.25)
    (crop,) = cut(image, regions, (96, 128))
    row, column = np.unravel_index(crop[..., 0].argmax(), crop.shape[:2])
    back = to_image_space(np.array([[[column, row]]], np.float32), regions, (96, 128))
    np.testing.assert_allclose(back[0, 0], [70, 50], atol=1)


def test_nobody_gives_no_crops():
    regions = regions_of(np.zeros((0, 4)), (96, 128), 1.25)
    assert cut(picture(), regions, (96, 128)).shape == (0, 128, 96, 3)
    empty = np.zeros((0, 17, 2), np.float32)
    assert to_image_space(empty, Regions(*regions), (96, 128)).shape == (0, 17, 2)
