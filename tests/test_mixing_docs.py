"""Every example of docs/mixing.md is run as it stands there."""

import ast
import re
import shutil
from pathlib import Path

import pytest
from mmengine.config import Config
from mmpose.registry import MODELS

from tests.host_configs import config_folder
from tests.host_step import take_a_step

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / 'docs' / 'mixing.md').read_text()
# file name in the first line of a block -> the block
EXAMPLES = {
    re.match(r'# (\w+\.py)', block)[1]: block
    for block in re.findall(r'```python\n(.*?)```', TEXT, re.DOTALL)
}
CONFIGS = [name for name, block in EXAMPLES.items() if '_base_' in block]
pytestmark = pytest.mark.filterwarnings('ignore')  # the hosts', about their own code


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of the configs with the page's examples beside them."""
    shutil.copytree(ROOT / 'configs', tmp_path / 'configs')
    for name, block in EXAMPLES.items():
        (tmp_path / 'configs' / name).write_text(block)
    monkeypatch.syspath_prepend(tmp_path / 'configs')
    yield tmp_path / 'configs'
    MODELS.module_dict.pop('VisibilityHead', None)


def test_there_is_an_example_for_each_host():
    assert len(CONFIGS) >= 7
    for host in ('mmpose', 'mmdet', 'mmseg'):
        assert any(f"'{host}::" in EXAMPLES[name] for name in CONFIGS)


@pytest.mark.parametrize('name', CONFIGS)
def test_the_example_trains_a_step_and_infers(name, folder):
    host = re.search(r"_base_ = '(mm\w+)::", EXAMPLES[name])
    config_folder(host[1] if host else 'mmpose')  # skips where it is not installed
    take_a_step(Config.fromfile(folder / name))


def test_the_custom_keypoints_are_those_of_the_shipped_config():
    """The page shows the facts of the data set that `hrnet_butterflies` trains on."""
    tree = ast.parse(EXAMPLES['five_keypoints.py'])
    (facts,) = [node.value for node in tree.body if node.targets[0].id == 'metainfo']
    shown = eval(compile(ast.Expression(facts), 'page', 'eval'))
    shipped = Config.fromfile(ROOT / 'configs/hrnet_butterflies.py').metainfo
    for key in ('keypoint_info', 'sigmas', 'joint_weights', 'dataset_name'):
        assert shown[key] == shipped[key]


def test_files_and_tools_that_the_page_names_exist():
    for path in re.findall(r'`?((?:tools|tests|configs|docs)/[\w./-]+\.(?:py|md|sh))', TEXT):
        assert (ROOT / path).exists(), path
    for name in re.findall(r'tools/train\.py ([\w-]+)', TEXT):
        assert (ROOT / 'configs' / f'{name}.py').exists(), name
