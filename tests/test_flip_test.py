"""The flip test's mean equals MMPose's to the last bit, and takes nothing for itself."""

import pytest
import torch
from mmpose.models.utils.tta import flip_heatmaps

from hrnet_ext.models import topdown
from hrnet_ext.models.topdown import merge_flipped

FLIP_INDICES = [0, 2, 1, 4, 3, 6, 5]


def pair(num=5):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(num, 7, 12, 8, generator=generator) for _ in range(2)]


def reference(heatmaps, mirrored, shift):
    return (heatmaps + flip_heatmaps(mirrored.clone(), FLIP_INDICES, 'heatmap', shift)) * 0.5


@pytest.mark.parametrize('shift', [True, False])
@pytest.mark.parametrize('samples_per_chunk', [1, 2, 100])
def test_the_mean_equals_the_reference(shift, samples_per_chunk, monkeypatch):
    monkeypatch.setattr(topdown, 'PIXELS_PER_CHUNK', samples_per_chunk * 7 * 12 * 8)
    heatmaps, mirrored = pair()
    before = heatmaps.clone(), mirrored.clone()
    found = merge_flipped(heatmaps, mirrored, FLIP_INDICES, shift=shift)
    assert torch.equal(found, reference(heatmaps, mirrored, shift))
    assert torch.equal(heatmaps, before[0])
    assert torch.equal(mirrored, before[1])


def test_memory_layout_and_gradients_change_nothing():
    heatmaps, mirrored = pair()
    wanted = reference(heatmaps, mirrored, True)
    heatmaps = heatmaps.contiguous(memory_format=torch.channels_last).requires_grad_()
    found = merge_flipped(heatmaps, mirrored, FLIP_INDICES, shift=True)
    assert torch.equal(found, wanted)
    assert found.is_contiguous()
    assert not found.requires_grad


def test_one_pixel_goes_where_its_mirror_image_is():
    heatmaps, mirrored = torch.zeros(2, 1, 7, 12, 8).unbind(0)
    mirrored[0, 1, 4, 2] = 1  # mirrored back to column 8 - 1 - 2 of its twin, and one to the right
    found = merge_flipped(heatmaps, mirrored, FLIP_INDICES, shift=True)
    assert found.nonzero().tolist() == [[0, 2, 4, 6]]
    assert found.max() == 0.5
