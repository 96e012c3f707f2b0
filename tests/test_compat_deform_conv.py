"""mmcv's deformable convolutions on our operators: equal to sums over taps."""

import pytest
import torch
import torch.nn.functional as F
from mmcv.ops import (
    DeformConv2dPack,
    ModulatedDeformConv2dPack,
    deform_conv2d,
    modulated_deform_conv2d,
)

from hrnet_ext.compat.mmcv_ops.deform_kernel import DeformGeometry, convolve_backward

GEOMETRIES = [
    # kernel, stride, padding, dilation, groups, deform_groups
    ((3, 3), (1, 1), (1, 1), (1, 1), 1, 1),
    ((3, 3), (2, 1), (0, 2), (1, 2), 2, 1),
    ((1, 3), (3, 2), (1, 0), (2, 1), 1, 2),
    ((2, 3), (1, 2), (2, 1), (1, 3), 2, 4),
]
each_geometry = pytest.mark.parametrize('geometry', GEOMETRIES)


def random_case(geometry, batch=2, channels=4, outputs=6, height=8, width=9):
    """Input, offset, mask, weight and bias of one convolution, float64."""
    kernel, stride, padding, dilation, groups, deform_groups = geometry
    size = [
        (extent + 2 * p - d * (k - 1) - 1) // s + 1
        for extent, k, s, p, d in zip((height, width), kernel, stride, padding, dilation)
    ]
    taps = deform_groups * kernel[0] * kernel[1]
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    return (
        draw(batch, channels, height, width),
        draw(batch, 2 * taps, *size) * 1.5,
        draw(batch, taps, *size).sigmoid(),
        draw(outputs, channels // groups, *kernel),
        draw(outputs),
    )


def sample(maps, y, x):
    """Bilinear samples (B, C, h, w) of maps (B, C, H, W) at y, x (B, h, w); zero outside."""
    height, width = maps.shape[2:]
    grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], dim=-1)
    return F.grid_sample(maps, grid, align_corners=False)


def naive_convolution(maps, offset, mask, weight, geometry):
    """Sum over taps of weighted samples, one deformable group and one group at a time."""
    kernel, stride, padding, dilation, groups, deform_groups = geometry
    batch, _, height, width = offset.shape
    taps = offset.view(batch, deform_groups, *kernel, 2, height, width)
    masks = mask.view(batch, deform_groups, *kernel, height, width)
    rows = torch.arange(height).view(-1, 1) * stride[0] - padding[0]
    columns = torch.arange(width).view(1, -1) * stride[1] - padding[1]
    result = 0
    for i, j in torch.cartesian_prod(*(torch.arange(n) for n in kernel)).tolist():
        samples = [
            sample(
                part,
                taps[:, g, i, j, 0] + rows + i * dilation[0],
                taps[:, g, i, j, 1] + columns + j * dilation[1],
            )
            * masks[:, g, None, i, j]
            for g, part in enumerate(maps.chunk(deform_groups, dim=1))
        ]
        result = result + F.conv2d(
            torch.cat(samples, dim=1), weight[:, :, i, j, None, None], groups=groups
        )
    return result


@each_geometry
def test_deformable_convolution_sums_displaced_taps(geometry):
    maps, offset, mask, weight, _ = random_case(geometry)
    wanted = naive_convolution(maps, offset, torch.ones_like(mask), weight, geometry)
    torch.testing.assert_close(deform_conv2d(maps, offset, weight, *geometry[1:]), wanted)


@each_geometry
def test_modulated_convolution_weighs_its_taps(geometry):
    maps, offset, mask, weight, bias = random_case(geometry)
    wanted = naive_convolution(maps, offset, mask, weight, geometry) + bias.view(-1, 1, 1)
    result = modulated_deform_conv2d(maps, offset, mask, weight, bias, *geometry[1:])
    torch.testing.assert_close(result, wanted)


@each_geometry
def test_gradients_of_the_deformable_convolution(geometry):
    maps, offset, _, weight, _ = random_case(geometry, 1, 4, 2, 5, 6)
    inputs = [tensor.requires_grad_() for tensor in (maps, offset, weight)]
    assert torch.autograd.gradcheck(
        lambda x, o, w: deform_conv2d(x, o, w, *geometry[1:]), inputs, fast_mode=True
    )


@each_geometry
@pytest.mark.parametrize('with_bias', [True, False])
def test_gradients_of_the_modulated_convolution(geometry, with_bias):
    maps, offset, mask, weight, bias = random_case(geometry, 1, 4, 2, 5, 6)
    inputs = [tensor.requires_grad_() for tensor in (maps, offset, mask, weight, bias)]

    def convolve(x, o, m, w, b):
        return modulated_deform_conv2d(x, o, m, w, b if with_bias else None, *geometry[1:])

    assert torch.autograd.gradcheck(convolve, inputs, fast_mode=True)


def test_without_offsets_it_is_a_convolution():
    maps, _, _, weight, _ = random_case(GEOMETRIES[0])
    offset = torch.zeros(2, 18, 8, 9, dtype=torch.float64)
    wanted = F.conv2d(maps, weight, padding=1)
    torch.testing.assert_close(deform_conv2d(maps, offset, weight, 1, 1), wanted)


def test_a_whole_offset_shifts_the_input():
    maps = random_case(GEOMETRIES[0])[0]
    weight = torch.eye(4, dtype=torch.float64)[:, :, None, None]
    offset = torch.zeros(2, 2, 8, 9, dtype=torch.float64)
    offset[:, 0], offset[:, 1] = 2, -1  # y, x
    moved = deform_conv2d(maps, offset, weight)
    assert torch.equal(moved[:, :, :-2, 1:], maps[:, :, 2:, :-1])
    assert not moved[:, :, -2:].any()
    assert not moved[:, :, :, 0].any()


@pytest.mark.parametrize('im2col_step', [1, 2, 4])
def test_the_images_of_a_step_do_not_matter(im2col_step):
    maps, offset, _, weight, _ = random_case(GEOMETRIES[1], batch=4)
    arguments = GEOMETRIES[1][1:]
    whole = deform_conv2d(maps, offset, weight, *arguments, False, 32)
    assert torch.equal(deform_conv2d(maps, offset, weight, *arguments, False, im2col_step), whole)


def test_a_tap_at_minus_one_has_no_offset_gradient():
    # Padding 1 and zero offsets, as every layer starts: mmcv's choice where both sides differ.
    maps = torch.ones(1, 1, 3, 3)
    offset = torch.zeros(1, 18, 3, 3)
    grads = convolve_backward(
        torch.ones(1, 1, 3, 3),
        maps,
        weight=torch.ones(1, 1, 3, 3),
        offset=offset,
        geometry=DeformGeometry(1, 1, 1, 1, 1, 1, 1, 1),
    )
    taps = grads.offset.view(3, 3, 2, 3, 3)  # tap row, tap column, (y, x), output
    assert not taps[0, :, :, 0].any()
    assert not taps[:, 0, :, :, 0].any()
    # Behind the last pixel the map falls to zero, and that slope counts.
    assert taps[1, 1, 0, 2].tolist() == [-1, -1, -1]


@pytest.mark.parametrize('layer', [DeformConv2dPack, ModulatedDeformConv2dPack])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_layers_train_in_both_precisions(layer, dtype):
    torch.manual_seed(0)
    module = layer(4, 4, 3, padding=1).to(dtype)
    result = module(torch.randn(2, 4, 6, 6, dtype=dtype))
    assert result.dtype == dtype
    result.sum().backward()
    assert module.weight.grad.abs().sum() > 0
    assert module.conv_offset.weight.grad.abs().sum() > 0
