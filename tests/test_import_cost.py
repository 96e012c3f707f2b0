"""What an import brings along: nothing heavy that what was asked for does not need."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# In one process, since each costs what all of PyTorch and MMPose do.
STEPS = ('import hrnet_ext', 'import hrnet_ext.models', 'import mmpose.apis',
         'from hrnet_ext.apis import PoseInferencer')  # fmt: skip


@pytest.fixture(scope='module')
def modules():
    """Names of the modules that a fresh interpreter has imported after each step."""
    code = 'import json, sys\n' + '\n'.join(
        f'{step}\nprint(json.dumps(sorted(sys.modules)))' for step in STEPS
    )
    done = subprocess.run(
        [sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return dict(zip(STEPS, map(set, map(json.loads, done.stdout.splitlines()))))


def test_the_inferencer_brings_no_more_than_mmposes_apis(modules):
    more = modules['from hrnet_ext.apis import PoseInferencer'] - modules['import mmpose.apis']
    assert {name.partition('.')[0] for name in more} == {'hrnet_ext'}


def test_the_models_bring_no_detector_no_runtime_and_no_torchvision(modules):
    absent = {'torchvision', 'mmdet.models', 'mmpose.apis', 'onnxruntime', 'openvino', 'timm'}
    assert not absent & modules['import hrnet_ext.models']


def test_the_package_alone_brings_nothing_of_others(modules):
    assert not {'torch', 'numpy', 'mmengine', 'cv2', 'tqdm'} & modules['import hrnet_ext']
