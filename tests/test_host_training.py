"""The shipped configs of MMDetection and MMSegmentation on our backbone learn rendered people.

Here a few steps on a few pictures; docs/mixing.md has the results of the whole trainings.
"""

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from hrnet_ext.conversion.person_masks import write_person_masks
from hrnet_ext.paths import config_path
from hrnet_ext.synthetic import generate, make_spec
from tests.host_configs import config_folder

NUM_STEPS = 7
SIDE = 64
pytestmark = pytest.mark.filterwarnings('ignore')  # the hosts', about their own code


@pytest.fixture(scope='module')
def people(tmp_path_factory):
    """Rendered people and their masks, where the configs look for them."""
    root = tmp_path_factory.mktemp('data')
    generate(root / 'easy', make_spec('coco', num_train=4, num_val=2, size=64))
    for split in ('train2017', 'val2017'):
        annotations = root / f'easy/annotations/person_keypoints_{split}.json'
        write_person_masks(annotations, root / f'easy_masks/{split}')
    return root


def losses_of(name: str, data_root, work_dir, *, lr: float) -> np.ndarray:
    """The loss of each of ``NUM_STEPS`` steps on small pictures."""
    config = Config.fromfile(config_path(name))
    config.work_dir = str(work_dir)
    config.randomness = {'seed': 0}
    config.train_cfg.max_iters = NUM_STEPS
    config.param_scheduler = []  # no time to warm up
    config.optim_wrapper.optimizer.lr = lr
    config.default_hooks.checkpoint = None
    for part in ('dataloader', 'evaluator', 'cfg'):
        config[f'val_{part}'] = config[f'test_{part}'] = None
    loader = config.train_dataloader
    loader.update(num_workers=0, persistent_workers=False, batch_size=2)
    loader.dataset.data_root = str(data_root)
    for step in loader.dataset.pipeline:
        if 'scale' in step:
            step.scale = (SIDE, SIDE)
    with DefaultScope.overwrite_default_scope(config.default_scope):
        runner = Runner.from_cfg(config)
        runner.train()
    return np.asarray(runner.message_hub.get_scalar('train/loss').data[0])


def assert_falling(losses: np.ndarray) -> None:
    assert len(losses) == NUM_STEPS
    assert np.isfinite(losses).all()
    assert losses[-3:].mean() < 0.8 * losses[:3].mean(), losses.round(3)


def test_mmdetections_faster_rcnn(people, tmp_path):
    name = 'faster-rcnn_hrnetv2p-w18_synthetic'
    assert_falling(losses_of(name, people / 'easy', tmp_path, lr=1e-4))


def test_mmsegmentations_fcn(people, tmp_path):
    config_folder('mmseg')  # skips where it is not installed
    assert_falling(losses_of('fcn_hr18s_synthetic', people, tmp_path, lr=1e-3))
