"""The codec equals MMPose's: targets to the last bit, coordinates to 1e-4 px (DARK to 1e-3)."""

import numpy as np
import pytest
import torch
from mmpose.codecs import MSRAHeatmap as MMPoseMSRAHeatmap

from hrnet_ext.codecs import MSRAHeatmap
from tests.references import random_keypoints

SIZES = [
    # input, heatmap, sigma, DARK's blur
    ((192, 256), (48, 64), 2, 11),
    ((288, 384), (72, 96), 3.0, 17),
    ((96, 128), (24, 32), 1.5, 7),  # three sigma is not a whole number
    ((100, 130), (24, 33), 1.3, 7),  # a stride that is not 4, other in x than in y
]
each_size = pytest.mark.parametrize(('input_size', 'heatmap_size', 'sigma', 'blur'), SIZES)
both_ways = pytest.mark.parametrize('unbiased', [False, True])


def pair(input_size, heatmap_size, sigma, unbiased, blur):
    arguments = (input_size, heatmap_size, sigma, unbiased, blur)
    return MSRAHeatmap(*arguments), MMPoseMSRAHeatmap(*arguments)


def inside_only(rng, num, size, margin):
    """Labeled keypoints at least ``margin`` input pixels from the border."""
    span = np.array(size) - 2 * margin
    keypoints = (rng.random((num, 17, 2)) * span + margin).astype(np.float32)
    return keypoints, np.ones((num, 17), np.float32)


@each_size
@both_ways
def test_targets_equal_the_reference_exactly(input_size, heatmap_size, sigma, blur, unbiased):
    ours, reference = pair(input_size, heatmap_size, sigma, unbiased, blur)
    keypoints, visible = random_keypoints(np.random.default_rng(0), 60, input_size)
    wanted = [reference.encode(k[None], v[None]) for k, v in zip(keypoints, visible)]
    heatmaps = np.stack([target['heatmaps'] for target in wanted])
    weights = np.concatenate([target['keypoint_weights'] for target in wanted])
    assert (weights < visible).any()  # some Gaussians are outside

    batch = ours.encode_batch(torch.from_numpy(keypoints), torch.from_numpy(visible))
    assert np.array_equal(batch[0].numpy(), heatmaps)
    assert np.array_equal(batch[1].numpy(), weights)
    for i, (k, v) in enumerate(zip(keypoints, visible)):
        single = ours.encode(k[None], v[None])
        assert np.array_equal(single['heatmaps'], heatmaps[i])
        assert np.array_equal(single['keypoint_weights'], weights[i : i + 1])


@each_size
@both_ways
def test_decoding_equals_the_reference(input_size, heatmap_size, sigma, blur, unbiased):
    ours, reference = pair(input_size, heatmap_size, sigma, unbiased, blur)
    rng = np.random.default_rng(1)
    keypoints, visible = inside_only(rng, 40, input_size, margin=4)
    heatmaps = ours.encode_batch(torch.from_numpy(keypoints), torch.from_numpy(visible))[0]
    # peaks that stand out, as a network's do: DARK divides by the curvature at the peak
    height = torch.from_numpy(rng.uniform(0.3, 1, (40, 17, 1, 1)).astype(np.float32))
    noise = torch.from_numpy(rng.uniform(0, 0.02, heatmaps.shape).astype(np.float32))
    heatmaps = heatmaps * height + noise
    found, scores = ours.decode_batch(heatmaps)
    tolerance = 1e-3 if unbiased else 1e-4
    for i in range(40):
        wanted, wanted_scores = reference.decode(heatmaps[i].numpy())
        np.testing.assert_allclose(found[i].numpy(), wanted[0], rtol=0, atol=tolerance)
        assert np.array_equal(scores[i].numpy(), wanted_scores[0])
        single, single_scores = ours.decode(heatmaps[i].numpy())
        np.testing.assert_allclose(single, found[i : i + 1], rtol=0, atol=1e-4)
        assert np.array_equal(single_scores, wanted_scores)


def test_quarter_offset_equals_the_reference_everywhere_on_noise():
    # pure noise puts maxima on borders and corners, where the rules differ from the inside
    ours, reference = pair((32, 48), (8, 12), 2, False, 11)
    heatmaps = np.random.default_rng(2).normal(size=(200, 17, 12, 8)).astype(np.float32)
    heatmaps[5, 3] = -1  # nowhere positive
    heatmaps[6, 4] = 0
    found, _ = ours.decode_batch(torch.from_numpy(heatmaps))
    wanted = np.concatenate([reference.decode(h)[0] for h in heatmaps])
    assert np.array_equal(found.numpy(), wanted)
    assert (wanted[5, 3] == -4).all()


def test_dark_equals_the_reference_where_the_logarithm_has_no_value():
    # below zero around the peaks, a factor matters that cancels in derivatives of the logarithm
    ours, reference = pair(*SIZES[2][:3], True, SIZES[2][3])
    keypoints, visible = inside_only(np.random.default_rng(6), 40, SIZES[2][0], margin=0)
    targets = ours.encode_batch(torch.from_numpy(keypoints), torch.from_numpy(visible))[0]
    heatmaps = 0.3 * targets - 0.2
    found, _ = ours.decode_batch(heatmaps)
    wanted = np.concatenate([reference.decode(each)[0] for each in heatmaps.numpy()])
    np.testing.assert_allclose(found.numpy(), wanted, rtol=0, atol=1e-3)


@each_size
@both_ways
def test_round_trip_is_within_half_a_stride(input_size, heatmap_size, sigma, blur, unbiased):
    codec = MSRAHeatmap(input_size, heatmap_size, sigma, unbiased, blur)
    stride = np.array(input_size) / heatmap_size
    rng = np.random.default_rng(3)
    # nearer to the border, where 3 sigma is no whole number, the reference draws a pixel off
    keypoints, visible = inside_only(rng, 30, input_size, margin=(3 * sigma + 1) * max(stride))
    heatmaps, _ = codec.encode_batch(torch.from_numpy(keypoints), torch.from_numpy(visible))
    found, scores = codec.decode_batch(heatmaps)
    error = np.abs(found.numpy() - keypoints) / stride
    assert error.max() < (0.1 if unbiased else 0.5)
    assert scores.min() > 0.8


def test_one_pixel_comes_back_where_it_was():
    codec = MSRAHeatmap((192, 256), (48, 64), 2)
    heatmaps = torch.zeros(1, 17, 64, 48)
    heatmaps[0, 7, 20, 30] = 0.9
    heatmaps[0, 7, 20, 31] = 0.5  # the right neighbor is higher: a quarter pixel to the right
    found, scores = codec.decode_batch(heatmaps)
    assert found[0, 7].tolist() == [4 * 30.25, 4 * 20.0]
    assert scores[0, 7].item() == pytest.approx(0.9)


def test_unlabeled_keypoints_draw_nothing_and_weigh_nothing():
    codec = MSRAHeatmap((192, 256), (48, 64), 2)
    visible = torch.tensor([[0.0, 1.0, 2.0]])
    heatmaps, weights = codec.encode_batch(torch.full((1, 3, 2), 96.0), visible)
    assert heatmaps.amax((-2, -1)).tolist() == [[0, 1, 1]]
    assert weights.tolist() == [[0, 1, 2]]


def test_half_precision_is_decoded_in_float32_under_autocast():
    codec = MSRAHeatmap((192, 256), (48, 64), 2, unbiased=True)
    heatmaps, _ = codec.encode_batch(torch.rand(2, 17, 2) * 100 + 40, torch.ones(2, 17))
    half = heatmaps.bfloat16()
    with torch.autocast('cpu', torch.bfloat16):
        found, scores = codec.decode_batch(half)
    assert found.dtype == scores.dtype == torch.float32
    assert torch.equal(found, codec.decode_batch(half.float())[0])


def test_nothing_is_written_into_the_arguments():
    codec = MSRAHeatmap((192, 256), (48, 64), 2, unbiased=True)
    keypoints, visible = random_keypoints(np.random.default_rng(4), 1, (192, 256))
    heatmaps = np.random.default_rng(5).random((17, 64, 48), dtype=np.float32)
    before = keypoints.copy(), visible.copy(), heatmaps.copy()
    codec.encode(keypoints, visible)
    codec.decode(heatmaps)
    assert all(np.array_equal(a, b) for a, b in zip(before, (keypoints, visible, heatmaps)))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'input_size': (192,)}, 'input_size must be two positive'),
        ({'heatmap_size': (48, 0)}, r'heatmap_size .* got \(48, 0\)'),
        ({'sigma': 0}, 'sigma must be positive'),
        ({'blur_kernel_size': 10}, 'blur_kernel_size must be odd'),
    ],
)
def test_arguments_that_cannot_work_are_named(arguments, message):
    good = {'input_size': (192, 256), 'heatmap_size': (48, 64), 'sigma': 2}
    with pytest.raises(ValueError, match=message):
        MSRAHeatmap(**{**good, **arguments})
