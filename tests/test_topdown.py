"""The estimator predicts and trains as MMPose's does, from the same config but for ``type``."""

import copy

import numpy as np
import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from mmpose.datasets.transforms import PackPoseInputs
from mmpose.registry import KEYPOINT_CODECS, MODELS

from hrnet_ext.datasets.transforms import KeypointTargets
from tests.references import estimator_config, random_keypoints, randomize, with_our_types

FLIP_INDICES = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
WIDTH = 8


@pytest.fixture(autouse=True)
def _mmpose_scope():
    with DefaultScope.overwrite_default_scope('mmpose'):
        yield


def pair(**options):
    """Ours and MMPose's with equal weights."""
    config = {**estimator_config(WIDTH), **options}
    reference = randomize(MODELS.build(copy.deepcopy(config)))
    ours = MODELS.build(with_our_types(config))
    ours.load_state_dict(reference.state_dict(), strict=True)
    return ours, reference


def pipeline_results(seed: int) -> dict:
    """What leaves ``TopdownAffine``: a crop and keypoints in input space."""
    rng = np.random.default_rng(seed)
    keypoints, visible = random_keypoints(rng, 1, (192, 256))
    return {
        'img': rng.integers(0, 255, (256, 192, 3), dtype=np.uint8),
        'keypoints': keypoints,
        'transformed_keypoints': keypoints,
        'keypoints_visible': visible,
        'dataset_keypoint_weights': np.ones(17, np.float32),
        'bbox': np.array([[40.0, 20, 160, 200]], np.float32),
        'bbox_score': np.array([0.9], np.float32),
        'input_size': (192, 256),
        'input_center': np.array([100.0, 110]),
        'input_scale': np.array([180.0, 240]),
        'flip_indices': FLIP_INDICES,
    }


def batch(num: int, seed: int = 0, codec: dict | None = None) -> dict:
    """A collated batch; targets by the pipeline if a codec is given, else keypoints only."""
    packed = []
    for i in range(num):
        results = pipeline_results(seed * 1000 + i)
        if codec is not None:
            encoded = KEYPOINT_CODECS.build(codec).encode(
                results['transformed_keypoints'], results['keypoints_visible']
            )
            results.update(encoded)
        else:
            results = KeypointTargets().transform(results)
        packed.append(PackPoseInputs().transform(results))
    return {
        'inputs': [item['inputs'] for item in packed],
        'data_samples': [item['data_samples'] for item in packed],
    }


@pytest.mark.parametrize('flip_test', [True, False])
def test_keypoints_in_image_space_equal_the_reference(flip_test):
    ours, reference = pair(test_cfg={'flip_test': flip_test, 'flip_mode': 'heatmap'})
    ours.eval(), reference.eval()
    found, wanted = ours.test_step(batch(3)), reference.test_step(batch(3))
    for a, b in zip(found, wanted):
        a, b = a.pred_instances, b.pred_instances
        np.testing.assert_allclose(a.keypoints, b.keypoints, rtol=0, atol=1e-3)
        np.testing.assert_allclose(a.keypoint_scores, b.keypoint_scores, rtol=1e-4)
        np.testing.assert_array_equal(a.bboxes, b.bboxes)
        assert len(np.unique(b.keypoints)) > 10


def test_the_flip_test_is_one_forward_pass_where_that_is_asked_for():
    ours, _ = pair()
    calls = []
    ours.backbone.register_forward_pre_hook(lambda module, inputs: calls.append(len(inputs[0])))
    apart = ours.eval().test_step(batch(3))
    ours.joins_flip_test = True
    joined = ours.test_step(batch(3))
    assert calls == [3, 3, 6]
    for one, other in zip(apart, joined):
        one, other = one.pred_instances, other.pred_instances
        np.testing.assert_allclose(one.keypoints, other.keypoints, rtol=0, atol=1e-3)


def test_a_mirrored_person_gives_the_mirrored_heatmaps():
    config = {'flip_test': True, 'shift_heatmap': False, 'output_heatmaps': True}
    ours, _ = pair(test_cfg=config)
    ours.eval()
    data = batch(2)
    mirrored = {**batch(2), 'inputs': [x.flip(-1) for x in data['inputs']]}
    for a, b in zip(ours.test_step(data), ours.test_step(mirrored)):
        a, b = a.pred_fields.heatmaps, b.pred_fields.heatmaps
        torch.testing.assert_close(a, b.flip(-1)[FLIP_INDICES], rtol=1e-4, atol=1e-4)
        assert not torch.allclose(a, b, atol=1e-2)


def test_five_training_steps_give_the_losses_of_the_reference():
    """With targets made in the pipeline as the reference's, and on the device."""
    ours, reference = pair()
    copied = copy.deepcopy(ours)
    codec = estimator_config(WIDTH)['head']['decoder']
    wanted = _train(reference, [batch(2, step, codec) for step in range(5)])
    assert len({round(loss, 6) for loss in wanted}) == 5
    for model, targets in ((ours, codec), (copied, None)):
        found = _train(model, [batch(2, step, targets) for step in range(5)])
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)


def _train(model: torch.nn.Module, batches: list[dict]) -> list[float]:
    optimizer = OptimWrapper(torch.optim.Adam(model.parameters(), lr=5e-4))
    model.train()
    return [model.train_step(data, optimizer)['loss_kpt'].item() for data in batches]


def test_channels_last_changes_the_layout_and_not_the_result():
    ours, _ = pair()
    config = with_our_types({**estimator_config(WIDTH), 'channels_last': True})
    fast = MODELS.build(config)
    assert fast.backbone.conv2.weight.is_contiguous(memory_format=torch.channels_last)
    fast.load_state_dict(ours.state_dict())
    assert fast.backbone.conv2.weight.is_contiguous(memory_format=torch.channels_last)
    data = ours.data_preprocessor(batch(2))
    torch.testing.assert_close(
        fast.eval()(**data, mode='tensor'), ours.eval()(**data, mode='tensor'), rtol=1e-4, atol=1e-4
    )


def test_keypoint_targets_need_keypoints_in_input_space():
    results = pipeline_results(0)
    del results['transformed_keypoints']
    with pytest.raises(ValueError, match='put TopdownAffine before it'):
        KeypointTargets().transform(results)


def test_keypoint_targets_carry_the_data_sets_weights():
    results = {**pipeline_results(0), 'dataset_keypoint_weights': np.linspace(1, 1.5, 17)}
    sample = PackPoseInputs().transform(KeypointTargets(True).transform(results))['data_samples']
    weights = sample.gt_instance_labels.keypoint_weights
    np.testing.assert_allclose(weights[0], np.linspace(1, 1.5, 17), rtol=1e-6)
    assert 'gt_fields' not in sample
