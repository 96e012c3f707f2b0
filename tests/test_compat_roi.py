"""mmcv's RoIAlign and RoIPool on our operators: equal to loops over samples and pixels."""

import math

import pytest
import torch
from mmcv.ops import RoIAlign, RoIPool, roi_align, roi_pool

from tests.fake_cuda import fake_cuda

ROIS = torch.tensor(
    [
        # image, x1, y1, x2, y2
        [0, 1.2, 2.3, 9.1, 8.7],
        [1, 0.0, 0.0, 4.0, 4.0],
        [0, -5.0, -3.0, 6.0, 2.0],  # partly outside
        [1, 30.0, 30.0, 40.0, 44.0],  # all outside
        [1, 3.5, 3.5, 3.9, 3.7],  # smaller than a pixel
        [0, 2.0, 2.0, 2.0, 6.0],  # without width
    ],
    dtype=torch.float64,
)


def feature_maps(channels=2, height=9, width=11):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, channels, height, width, generator=generator, dtype=torch.float64)


def bilinear(plane, y, x):
    """One sample: constant for a pixel beyond the border, then zero."""
    height, width = plane.shape
    if y < -1 or y > height or x < -1 or x > width:
        return 0.0
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    dy, dx = y - top, x - left
    upper = (1 - dx) * plane[top, left] + dx * plane[top, right]
    lower = (1 - dx) * plane[bottom, left] + dx * plane[bottom, right]
    return float((1 - dy) * upper + dy * lower)


def naive_roi_align(maps, rois, size, scale, sampling_ratio, mode, aligned):
    shift = 0.5 if aligned else 0.0
    result = torch.zeros(len(rois), maps.shape[1], *size, dtype=maps.dtype)
    for r, (image, *corners) in enumerate(rois.tolist()):
        x1, y1, x2, y2 = (corner * scale - shift for corner in corners)
        smallest = 0.0 if aligned else 1.0
        bin_h, bin_w = max(y2 - y1, smallest) / size[0], max(x2 - x1, smallest) / size[1]
        rows = sampling_ratio or math.ceil(bin_h)
        columns = sampling_ratio or math.ceil(bin_w)
        for index in torch.cartesian_prod(*(torch.arange(n) for n in result.shape[1:])).tolist():
            channel, i, j = index
            samples = [
                bilinear(
                    maps[int(image), channel],
                    y1 + bin_h * (i + (row + 0.5) / rows),
                    x1 + bin_w * (j + (column + 0.5) / columns),
                )
                for row in range(rows)
                for column in range(columns)
            ]
            pooled = (
                max(samples, default=0) if mode == 'max' else sum(samples) / max(len(samples), 1)
            )
            result[r, channel, i, j] = pooled
    return result


@pytest.mark.parametrize('mode', ['avg', 'max'])
@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('sampling_ratio', [0, 2])
@pytest.mark.parametrize('scale', [1.0, 0.5])
def test_roi_align_pools_bilinear_samples(mode, aligned, sampling_ratio, scale):
    maps = feature_maps()
    layer = RoIAlign((2, 3), scale, sampling_ratio, mode, aligned)
    wanted = naive_roi_align(maps, ROIS, (2, 3), scale, sampling_ratio, mode, aligned)
    torch.testing.assert_close(layer(maps, ROIS), wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize('mode', ['avg', 'max'])
@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('sampling_ratio', [0, 2])
def test_roi_align_gradients_are_those_of_its_result(mode, aligned, sampling_ratio):
    maps = feature_maps(1, 6, 5).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: roi_align(x, ROIS, (2, 2), 0.5, sampling_ratio, mode, aligned),
        maps,
        fast_mode=True,
    )


def test_the_maximum_of_a_gradient_goes_to_one_sample_a_bin():
    maps = torch.zeros(1, 1, 4, 4, requires_grad=True)
    with torch.no_grad():
        maps[0, 0, 1, 2] = 5
    # Four samples in one bin, at the pixels 1 and 2 of both axes.
    roi = torch.tensor([[0.0, 1, 1, 3, 3]])
    pooled = roi_align(maps, roi, (1, 1), 1.0, 2, 'max', True)
    assert pooled.item() == 5
    pooled.backward()
    assert maps.grad.nonzero().tolist() == [[0, 0, 1, 2]]


@pytest.mark.parametrize('mode', ['avg', 'max'])
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_roi_align_keeps_half_precision(mode, dtype):
    maps, rois = feature_maps().to(dtype), ROIS.to(dtype)
    pooled = roi_align(maps, rois, (2, 2), 1.0, 0, mode, True)
    assert pooled.dtype == dtype
    exact = roi_align(maps.double(), rois.double(), (2, 2), 1.0, 0, mode, True)
    torch.testing.assert_close(pooled.double(), exact, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize('layer', [RoIAlign(3), RoIAlign(3, pool_mode='max'), RoIPool(3)])
def test_no_boxes_no_result_and_no_gradient(layer):
    maps = feature_maps().requires_grad_()
    pooled = layer(maps, torch.zeros(0, 5, dtype=torch.float64))
    assert pooled.shape == (0, 2, 3, 3)
    pooled.sum().backward()
    assert not maps.grad.any()


def naive_roi_pool(maps, rois, size, scale):
    height, width = maps.shape[2:]
    result = torch.zeros(len(rois), maps.shape[1], *size, dtype=maps.dtype)
    for r, (image, x1, y1, x2, y2) in enumerate(rois.tolist()):
        top, left = y1 * scale, x1 * scale
        bin_h, bin_w = ((y2 + 1) * scale - top) / size[0], ((x2 + 1) * scale - left) / size[1]
        for i, j in torch.cartesian_prod(torch.arange(size[0]), torch.arange(size[1])).tolist():
            rows = slice(
                min(max(math.floor(top + i * bin_h), 0), height),
                min(max(math.ceil(top + (i + 1) * bin_h), 0), height),
            )
            columns = slice(
                min(max(math.floor(left + j * bin_w), 0), width),
                min(max(math.ceil(left + (j + 1) * bin_w), 0), width),
            )
            pixels = maps[int(image), :, rows, columns].flatten(1)
            if pixels.shape[1]:
                result[r, :, i, j] = pixels.amax(dim=1)
    return result


@pytest.mark.parametrize('scale', [1.0, 0.5])
@pytest.mark.parametrize('size', [(2, 3), (7, 7)])
def test_roi_pool_takes_the_largest_pixel_of_each_bin(scale, size):
    maps = feature_maps()
    wanted = naive_roi_pool(maps, ROIS, size, scale)
    assert torch.equal(roi_pool(maps, ROIS, size, scale), wanted)


def test_roi_pool_in_groups_is_roi_pool(monkeypatch):
    maps = feature_maps()
    wanted = naive_roi_pool(maps, ROIS, (2, 3), 1.0)
    monkeypatch.setattr('hrnet_ext.compat.mmcv_ops.roi_pool.LARGEST_GROUP_ON_CPU', 200)
    assert torch.equal(roi_pool(maps, ROIS, (2, 3), 1.0), wanted)


def test_roi_pool_reads_a_gpu_once():
    with fake_cuda() as crossings:
        maps = feature_maps().cuda().requires_grad_()
        crossings.clear()
        roi_pool(maps, ROIS.cuda(), 2).sum().backward()
    assert maps.grad.is_cuda
    assert crossings.to_host.total() == 1


def test_roi_pool_gradients_are_those_of_its_result():
    maps = feature_maps(1, 6, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: roi_pool(x, ROIS, (2, 2), 0.5), maps, fast_mode=True)


def test_roi_pool_of_a_box_with_negative_size_is_zero_without_gradient():
    maps = feature_maps().requires_grad_()
    pooled = roi_pool(maps, torch.tensor([[0.0, 5, 5, 1, 1]], dtype=torch.float64), 2)
    assert not pooled.any()
    pooled.sum().backward()
    assert not maps.grad.any()
