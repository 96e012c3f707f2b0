"""mmcv's focal losses and deformable attention on our operators, and what is said of the rest."""

import pytest
import torch
import torch.nn.functional as F
from mmcv.ops import sigmoid_focal_loss, softmax_focal_loss
from mmcv.ops.multi_scale_deform_attn import (
    MultiScaleDeformableAttnFunction,
    multi_scale_deformable_attn_pytorch,
)
from torchvision.ops import sigmoid_focal_loss as torchvision_focal_loss

from hrnet_ext.compat import mmcv_ops
from hrnet_ext.compat.stand_ins import mmcv_ext_is_present


def random_logits(rows=6, classes=4):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(rows, classes, generator=generator, dtype=torch.float64) * 3


TARGETS = torch.tensor([0, 1, 3, 4, 2, 4])  # 4 is background: no class


@pytest.mark.parametrize(('gamma', 'alpha'), [(2.0, 0.25), (1.5, 0.6), (0.0, 0.5)])
def test_sigmoid_focal_loss_is_the_published_one(gamma, alpha):
    logits = random_logits()
    one_hot = F.one_hot(TARGETS, 5)[:, :4].double()
    wanted = torchvision_focal_loss(logits, one_hot, alpha, gamma)
    result = sigmoid_focal_loss(logits, TARGETS, gamma, alpha, None, 'none')
    torch.testing.assert_close(result, wanted)


def test_sigmoid_focal_loss_reductions_and_class_weights():
    logits, weight = random_logits(), torch.tensor([1.0, 2, 3, 4], dtype=torch.float64)
    plain = sigmoid_focal_loss(logits, TARGETS, 2.0, 0.25, None, 'none')
    total = sigmoid_focal_loss(logits, TARGETS, 2.0, 0.25, None, 'sum')
    mean = sigmoid_focal_loss(logits, TARGETS, 2.0, 0.25, None, 'mean')
    torch.testing.assert_close(total, plain.sum())
    torch.testing.assert_close(mean, plain.sum() / 6)
    weighted = sigmoid_focal_loss(logits, TARGETS, 2.0, 0.25, weight, 'none')
    rows = torch.tensor([1, 2, 4, 1, 3, 1])  # background has no weight of its own
    torch.testing.assert_close(weighted, plain * rows[:, None])


@pytest.mark.parametrize('loss', [sigmoid_focal_loss, softmax_focal_loss])
def test_gradients_of_the_focal_losses(loss):
    logits = random_logits().requires_grad_()
    weight = torch.tensor([1.0, 2, 3, 4], dtype=torch.float64)
    targets = TARGETS.clamp(max=3)
    assert torch.autograd.gradcheck(lambda x: loss(x, targets, 2.0, 0.25, weight, 'sum'), logits)


def test_saturated_logits_give_finite_losses_and_gradients():
    logits = torch.tensor([[200.0, -200.0], [-200.0, 200.0]], requires_grad=True)
    loss = sigmoid_focal_loss(logits, torch.tensor([0, 0]), 2.0, 0.25, None, 'sum')
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()
    assert not logits.grad[0].any()
    assert logits.grad[1, 0] < 0 < logits.grad[1, 1]


def test_softmax_focal_loss_scales_the_cross_entropy():
    logits, targets = random_logits(), TARGETS.clamp(max=3)
    log_p = logits.log_softmax(dim=1).gather(1, targets[:, None])[:, 0]
    wanted = -0.25 * (1 - log_p.exp()) ** 2 * log_p
    result = softmax_focal_loss(logits, targets, 2.0, 0.25, None, 'none')
    torch.testing.assert_close(result, wanted)


def attention_case():
    """Values of maps 4x5 and 2x3, locations partly outside, weights: float64."""
    generator = torch.Generator().manual_seed(0)
    shapes = torch.tensor([[4, 5], [2, 3]])
    starts = torch.tensor([0, 20])
    value = torch.randn(2, 26, 2, 4, generator=generator, dtype=torch.float64)
    locations = torch.rand(2, 3, 2, 2, 3, 2, generator=generator, dtype=torch.float64) * 1.4 - 0.2
    weights = torch.rand(2, 3, 2, 2, 3, generator=generator, dtype=torch.float64)
    return value, shapes, starts, locations, weights


def test_deformable_attention_equals_the_reference():
    value, shapes, starts, locations, weights = attention_case()
    wanted = multi_scale_deformable_attn_pytorch(value, shapes, locations, weights)
    result = mmcv_ops.ms_deform_attn_forward(
        value, shapes, starts, locations, weights, im2col_step=64
    )
    torch.testing.assert_close(result, wanted)


def test_deformable_attention_takes_the_pixel_it_looks_at():
    value = torch.arange(20.0).view(1, 20, 1, 1)
    at_row_2_column_3 = torch.tensor([3.5 / 5, 2.5 / 4]).view(1, 1, 1, 1, 1, 2)
    result = mmcv_ops.ms_deform_attn_forward(
        value,
        torch.tensor([[4, 5]]),
        torch.tensor([0]),
        at_row_2_column_3,
        torch.ones(1, 1, 1, 1, 1),
        im2col_step=64,
    )
    torch.testing.assert_close(result, torch.full((1, 1, 1), 13.0))


def test_gradients_of_deformable_attention():
    value, shapes, starts, locations, weights = attention_case()
    inputs = [tensor.requires_grad_() for tensor in (value, locations, weights)]
    assert torch.autograd.gradcheck(
        lambda v, s, w: MultiScaleDeformableAttnFunction.apply(v, shapes, starts, s, w, 64), inputs
    )


@pytest.mark.skipif(mmcv_ext_is_present(), reason='this mmcv has operators of its own')
def test_a_missing_operator_is_found_and_says_what_to_do_when_called():
    from mmcv.ops import box_iou_rotated

    with pytest.raises(NotImplementedError, match=r"'box_iou_rotated'.*mim install"):
        box_iou_rotated(torch.zeros(1, 5), torch.zeros(1, 5))


def test_only_operators_are_promised():
    assert callable(mmcv_ops.missing_operator('three_nn_forward'))
    with pytest.raises(AttributeError, match='__path__'):
        mmcv_ops.missing_operator('__path__')
