"""The device computes what the CPU does: heatmaps, codecs, operators."""

from __future__ import annotations

from collections.abc import Callable

import torch
from mmcv import ops
from torch import Tensor

from hrnet_ext.codecs import MSRAHeatmap
from hrnet_ext.tf32 import exact_float32, uses_tf32
from tests.gpu_check.items import Check, Figures, Group, Skipped
from tests.gpu_check.networks import demand, models_of, off_by

GROUP = Group()
OFF_BY = 'off by'
WITHOUT_GRADIENTS = ('nms', 'nms_match', 'softnms', 'bbox_overlaps')
CODEC = {'input_size': (192, 256), 'heatmap_size': (48, 64), 'sigma': 2}


@GROUP.item('heatmaps, CPU against device, TF32 off: 1e-4')
def exact_heatmaps(check: Check) -> Figures:
    with exact_float32():
        return {OFF_BY: demand(_heatmaps_off_by(check), 1e-4)}


@GROUP.item('heatmaps, CPU against device, TF32 on: 1e-2')
def heatmaps_in_tf32(check: Check) -> Figures:
    if not uses_tf32(check.device):
        raise Skipped('this device does not use TF32')
    return {OFF_BY: demand(_heatmaps_off_by(check), 1e-2)}


@torch.no_grad()
def _heatmaps_off_by(check: Check) -> float:
    found, wanted = (
        both.ours()(both.images(2), None, mode='tensor')
        for both in (models_of(check), models_of(check, device='cpu'))
    )
    return off_by(found, wanted)


@GROUP.item('codec: targets and keypoints, CPU against device')
def plain_codec(check: Check) -> Figures:
    return _codec(check, unbiased=False, pixels=1e-4)


@GROUP.item('codec with DARK: targets and keypoints, CPU against device')
def unbiased_codec(check: Check) -> Figures:
    return _codec(check, unbiased=True, pixels=1e-3)


def _codec(check: Check, *, unbiased: bool, pixels: float) -> Figures:
    codec = MSRAHeatmap(**CODEC, unbiased=unbiased)
    generator = torch.Generator().manual_seed(0)
    size = torch.tensor(CODEC['input_size'])
    keypoints = (torch.rand(8, 17, 2, generator=generator) * 1.2 - 0.1) * size
    visible = (torch.rand(8, 17, generator=generator) < 0.8).float()
    heatmaps, weights = codec.encode_batch(keypoints, visible)
    there, there_weights = codec.encode_batch(keypoints.to(check.device), visible.to(check.device))
    demand(off_by(there_weights, weights), 0, 'weights')
    targets = demand(off_by(there, heatmaps), 1e-6, 'heatmaps')
    noisy = heatmaps + 0.05 * torch.rand(heatmaps.shape, generator=generator)  # no two are equal
    found, scores = codec.decode_batch(noisy.to(check.device))
    wanted, wanted_scores = codec.decode_batch(noisy)
    demand(off_by(scores, wanted_scores), 1e-6, 'scores')
    far = float((found.cpu() - wanted).abs().max())
    return {'targets off by': targets, 'keypoints off by, px': demand(far, pixels, 'keypoints')}


def _boxes(num: int) -> Tensor:
    generator = torch.Generator().manual_seed(num)
    corner = torch.rand(num, 2, generator=generator) * 40
    return torch.cat([corner, corner + torch.rand(num, 2, generator=generator) * 20 + 1], 1)


def _random(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def _operators() -> dict[str, tuple[Callable[..., object], list[Tensor]]]:
    """Each stand-in as a function of tensors; those of floats get gradients."""
    rois = torch.cat([torch.tensor([[0.0], [1.0]] * 4), _boxes(8) / 6], 1)
    maps = _random(2, 4, 12, 12)
    targets = torch.tensor([0, 1, 3, 2, 4, 4])
    shapes, start = torch.tensor([[6, 4], [3, 2]]), torch.tensor([0, 24])
    attention = ops.multi_scale_deform_attn.MultiScaleDeformableAttnFunction
    return {
        'nms': (lambda boxes, scores: ops.nms(boxes, scores, 0.5), [_boxes(40), _random(40)]),
        'nms_match': (
            lambda dets: torch.cat(ops.nms_match(dets, 0.3)),
            [torch.cat([_boxes(20), _random(20, 1).sigmoid()], 1)],
        ),
        'softnms': (
            lambda boxes, scores: ops.soft_nms(boxes, scores, 0.3),
            [_boxes(20), _random(20).sigmoid()],
        ),
        'bbox_overlaps': (ops.bbox_overlaps, [_boxes(9), _boxes(7)]),
        'roi_align': (lambda x, rois: ops.roi_align(x, rois, (3, 2), 0.5, 2), [maps, rois]),
        'roi_align, max': (
            lambda x, rois: ops.roi_align(x, rois, (3, 2), 0.5, 2, 'max'), [maps, rois]
        ),
        'roi_pool': (lambda x, rois: ops.roi_pool(x, rois, (3, 2), 0.5), [maps, rois]),
        'deform_conv': (
            lambda x, offset, weight: ops.deform_conv2d(x, offset, weight, 1, 1),
            [maps, _random(2, 18, 12, 12), _random(6, 4, 3, 3)],
        ),
        'modulated_deform_conv': (
            lambda x, offset, mask, weight, bias: ops.modulated_deform_conv2d(
                x, offset, mask.sigmoid(), weight, bias, 1, 1
            ),
            [maps, _random(2, 18, 12, 12), _random(2, 9, 12, 12), _random(6, 4, 3, 3), _random(6)],
        ),
        'ms_deform_attn': (
            lambda value, places, weights: attention.apply(
                value, shapes.to(value.device), start.to(value.device), places.sigmoid(),
                weights.softmax(-1), 2,
            ),
            [_random(2, 30, 2, 8), _random(2, 5, 2, 2, 3, 2), _random(2, 5, 2, 2, 3)],
        ),
        'sigmoid_focal_loss': (
            lambda x: ops.sigmoid_focal_loss(x, targets.to(x.device), 2.0, 0.25, None, 'sum'),
            [_random(6, 4)],
        ),
        'softmax_focal_loss': (
            lambda x: ops.softmax_focal_loss(
                x, targets.clamp(max=3).to(x.device), 2.0, 0.25, None, 'sum'
            ),
            [_random(6, 4)],
        ),
    }  # fmt: skip


def _results(name: str, device: str) -> tuple[list[Tensor], list[Tensor]]:
    """What an operator gives, and the gradients of its inputs, if it has any."""
    function, tensors = _operators()[name]
    inputs = [x.to(device).requires_grad_(name not in WITHOUT_GRADIENTS) for x in tensors]
    found = function(*inputs)
    found = list(found) if isinstance(found, tuple) else [found]
    if name not in WITHOUT_GRADIENTS:
        sum(x.square().sum() for x in found).backward()
    return found, [x.grad for x in inputs if x.grad is not None]


def _enter(name: str) -> None:
    @GROUP.item(f'operator {name}, CPU against device, forward and backward')
    def operator(check: Check) -> Figures:
        with exact_float32():
            (found, gradients), (wanted, their_gradients) = (
                _results(name, device) for device in (check.device, 'cpu')
            )
        assert len(gradients) == len(their_gradients)
        assert gradients or name in WITHOUT_GRADIENTS
        pairs = zip([*found, *gradients], [*wanted, *their_gradients], strict=True)
        far = max(off_by(*pair) if pair[1].numel() else 0.0 for pair in pairs)
        return {OFF_BY: demand(far, 1e-4), 'gradients': len(gradients)}


for _name in _operators():
    _enter(_name)
