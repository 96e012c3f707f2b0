"""Decoding inside of a graph gives the codec's numbers: on peaks, on noise, at every border."""

import numpy as np
import pytest
import torch

from hrnet_ext.codecs import MSRAHeatmap
from hrnet_ext.export.decoding import Decoder

SIZES = [
    ((192, 256), (48, 64), 2, 11),
    ((288, 384), (72, 96), 3.0, 17),
    ((96, 128), (24, 32), 1.5, 7),
]
each_size = pytest.mark.parametrize(('input_size', 'heatmap_size', 'sigma', 'blur'), SIZES)


def peaks(codec: MSRAHeatmap, num: int = 12) -> torch.Tensor:
    """Heatmaps of a trained network's kind; some peaks lie on or outside of the border."""
    rng = np.random.default_rng(0)
    keypoints = rng.uniform(-8, 8, (num, 17, 2)) + rng.random((num, 17, 2)) * codec.input_size
    keypoints = torch.from_numpy(keypoints.astype(np.float32))
    heatmaps, _ = codec.encode_batch(keypoints, torch.ones(num, 17))
    return heatmaps + torch.from_numpy(rng.normal(0, 0.01, heatmaps.shape).astype(np.float32))


@each_size
@pytest.mark.parametrize('unbiased', [False, True])
def test_peaks_are_found_where_the_codec_finds_them(
    input_size, heatmap_size, sigma, blur, unbiased
):
    codec = MSRAHeatmap(input_size, heatmap_size, sigma, unbiased, blur)
    heatmaps = peaks(codec)
    found, scores = Decoder(codec)(heatmaps)
    wanted, wanted_scores = codec.decode_batch(heatmaps)
    assert torch.equal(scores, wanted_scores)
    torch.testing.assert_close(found, wanted, rtol=0, atol=5e-4 if unbiased else 0)
    moved = (wanted / 4 - (wanted / 4).round()).abs() > 0.01
    assert moved.float().mean() > 0.5


def test_noise_is_decoded_alike_wherever_dark_is_well_conditioned():
    codec = MSRAHeatmap((32, 48), (8, 12), 2, unbiased=True, blur_kernel_size=3)
    heatmaps = torch.from_numpy(np.random.default_rng(1).random((300, 17, 12, 8), np.float32))
    found, _ = Decoder(codec)(heatmaps)
    wanted, _ = codec.decode_batch(heatmaps)
    steady = (wanted - found).abs() < 1e-3
    assert steady.float().mean() > 0.99  # elsewhere the determinant all but vanishes
    border = (wanted % 4 == 0).all(-1)
    assert 0.2 < border.float().mean() < 0.9
    assert torch.equal(found[border], wanted[border])


@pytest.mark.parametrize('unbiased', [False, True])
def test_what_is_nowhere_positive_is_nowhere(unbiased):
    codec = MSRAHeatmap((96, 128), (24, 32), 2, unbiased)
    heatmaps = torch.full((1, 3, 32, 24), -0.5)
    heatmaps[0, 1] = 0
    heatmaps[0, 2, 10, 10] = 1
    found, scores = Decoder(codec)(heatmaps)
    wanted, _ = codec.decode_batch(heatmaps)
    assert torch.equal(found[0, :2], torch.full((2, 2), -4.0))
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4)
    assert scores.tolist() == [[-0.5, 0, 1]]


def test_negative_values_around_a_peak_meet_the_codecs_floor():
    codec = MSRAHeatmap((96, 128), (24, 32), 2, unbiased=True, blur_kernel_size=3)
    heatmaps = torch.full((1, 1, 32, 24), -0.3)
    heatmaps[0, 0, 10, 10:12] = torch.tensor([1.0, 0.9])
    found, _ = Decoder(codec)(heatmaps)
    wanted, _ = codec.decode_batch(heatmaps)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-3)
