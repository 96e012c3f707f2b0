"""Targets, loss, accuracy and decoding of the head equal MMPose's and stay on the device."""

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.evaluation.functional import pose_pck_accuracy
from mmpose.models.heads import HeatmapHead as MMPoseHeatmapHead
from mmpose.structures import PoseDataSample

from hrnet_ext.models import HeatmapHead
from hrnet_ext.models.heatmap_head import heatmap_accuracy
from tests.references import random_keypoints, randomize

CODEC = {'input_size': (192, 256), 'heatmap_size': (48, 64), 'sigma': 2}
HEAD = {'in_channels': 8, 'out_channels': 17, 'deconv_out_channels': None}


def pair(**options):
    """Ours and MMPose's with equal weights."""
    reference = MMPoseHeatmapHead(**HEAD, decoder={'type': 'MSRAHeatmap', **CODEC}, **options)
    ours = HeatmapHead(**HEAD, decoder={'type': 'hrnet_ext.MSRAHeatmap', **CODEC}, **options)
    ours.load_state_dict(randomize(reference).state_dict(), strict=True)
    return ours, reference


def samples(codec, num=6, seed=0, dataset_weights=1.0):
    """The same people twice: with heatmaps from the pipeline, and with keypoints only."""
    keypoints, visible = random_keypoints(np.random.default_rng(seed), num, (192, 256))
    made, sent = [], []
    for k, v in zip(keypoints, visible):
        target = codec.encode(k[None], v[None])
        weights = torch.from_numpy(target['keypoint_weights'] * np.float32(dataset_weights))
        with_heatmaps, with_keypoints = PoseDataSample(), PoseDataSample()
        with_heatmaps.gt_fields = PixelData(heatmaps=torch.from_numpy(target['heatmaps']))
        with_heatmaps.gt_instance_labels = InstanceData(keypoint_weights=weights)
        with_keypoints.gt_instance_labels = InstanceData(
            keypoint_labels=torch.from_numpy(k[None]),
            keypoints_visible=torch.from_numpy(v[None]),
            keypoint_weights=torch.full((1, 17), dataset_weights),
        )
        made.append(with_heatmaps)
        sent.append(with_keypoints)
    return made, sent


@pytest.mark.parametrize('dataset_weights', [1.0, 1.2, 0.3])
def test_loss_and_accuracy_equal_the_reference_whoever_makes_the_targets(dataset_weights):
    ours, reference = pair()
    made, sent = samples(reference.decoder, dataset_weights=dataset_weights)
    feats = (torch.randn(6, 8, 64, 48),)
    wanted = reference.loss(feats, made)
    for batch in (made, sent):
        found = ours.loss(feats, batch)
        assert found['loss_kpt'] == wanted['loss_kpt']
        assert found['acc_pose'].item() == pytest.approx(wanted['acc_pose'].item(), abs=1e-6)


def test_accuracy_equals_the_reference_where_some_are_right():
    codec = pair()[0].decoder
    rng = np.random.default_rng(1)
    keypoints, visible = random_keypoints(rng, 9, (192, 256), margin=0.1)
    visible[:, 3] = 0  # a keypoint nobody shows is left out of the mean
    moved = keypoints + rng.normal(size=keypoints.shape).astype(np.float32) * 10
    target, weights = codec.encode_batch(torch.from_numpy(keypoints), torch.from_numpy(visible))
    output, _ = codec.encode_batch(torch.from_numpy(moved), torch.ones(9, 17))
    _, wanted, _ = pose_pck_accuracy(output.numpy(), target.numpy(), weights.numpy() > 0)
    assert 0.2 < wanted < 0.9
    assert heatmap_accuracy(output, target, weights).item() == pytest.approx(wanted, abs=1e-6)


def test_accuracy_without_any_labeled_keypoint_is_zero():
    maps = torch.zeros(2, 17, 64, 48)
    assert heatmap_accuracy(maps, maps, torch.zeros(2, 17)) == 0


def test_accuracy_can_be_left_out():
    ours, reference = pair()
    made, _ = samples(reference.decoder)
    feats = (torch.randn(6, 8, 64, 48),)
    assert set(ours.loss(feats, made, {'compute_acc': False})) == {'loss_kpt'}


def test_a_training_step_never_asks_the_device_for_a_value():
    # the meta device has shapes and no values: reading one raises
    ours, reference = pair()
    _, sent = samples(reference.decoder)
    head = ours.to('meta')
    batch = [sample.to('meta') for sample in sent]
    losses = head.loss((torch.randn(6, 8, 64, 48, device='meta'),), batch)
    assert {name: loss.device.type for name, loss in losses.items()} == {
        'loss_kpt': 'meta',
        'acc_pose': 'meta',
    }


def test_gradients_equal_the_reference():
    ours, reference = pair()
    made, sent = samples(reference.decoder)
    feats = (torch.randn(6, 8, 64, 48),)
    reference.loss(feats, made)['loss_kpt'].backward()
    ours.loss(feats, sent)['loss_kpt'].backward()
    assert torch.equal(ours.final_layer.weight.grad, reference.final_layer.weight.grad)


@pytest.mark.parametrize('flip_test', [False, True])
def test_predictions_equal_the_reference(flip_test):
    ours, reference = pair()
    flip_indices = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
    batch = [PoseDataSample(metainfo={'flip_indices': flip_indices}) for _ in range(3)]
    feats = (torch.randn(3, 8, 64, 48),)
    if flip_test:
        feats = [feats, (torch.randn(3, 8, 64, 48),)]
    config = {'flip_test': flip_test, 'flip_mode': 'heatmap', 'shift_heatmap': True}
    config['output_heatmaps'] = True
    found, found_fields = ours.predict(feats, batch, config)
    wanted, wanted_fields = reference.predict(feats, batch, config)
    for a, b, c, d in zip(found, wanted, found_fields, wanted_fields):
        np.testing.assert_allclose(a.keypoints, b.keypoints, rtol=0, atol=1e-4)
        np.testing.assert_array_equal(a.keypoint_scores, b.keypoint_scores)
        assert a.keypoints.shape == (1, 17, 2)
        assert torch.equal(c.heatmaps, d.heatmaps)


def test_another_codec_keeps_working():
    codec = {'type': 'UDPHeatmap', 'input_size': (192, 256), 'heatmap_size': (48, 64)}
    head = HeatmapHead(**HEAD, decoder=codec)
    found = head.decode(torch.rand(2, 17, 64, 48))
    assert found[1].keypoints.shape == (1, 17, 2)


def test_samples_without_targets_say_what_the_pipeline_lacks():
    ours, _ = pair()
    sample = PoseDataSample()
    sample.gt_instance_labels = InstanceData()
    with pytest.raises(ValueError, match=r'needs hrnet_ext.KeypointTargets'):
        ours.loss((torch.randn(1, 8, 64, 48),), [sample])


def test_a_codec_that_cannot_encode_a_batch_is_named():
    codec = {'type': 'UDPHeatmap', 'input_size': (192, 256), 'heatmap_size': (48, 64)}
    head = HeatmapHead(**HEAD, decoder=codec)
    _, sent = samples(pair()[0].decoder, num=1)
    with pytest.raises(ValueError, match='UDPHeatmap cannot encode a batch'):
        head.loss((torch.randn(1, 8, 64, 48),), sent)
