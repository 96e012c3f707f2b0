"""Released weights are found by the name of a shipped config, and by nothing else."""

import shutil

import pytest

from hrnet_ext import config_path
from hrnet_ext.released import released_models, released_weights


def test_each_released_model_has_a_config_and_a_verifiable_file():
    from hrnet_ext.safe_loading.downloading import HASHED_NAME

    models = released_models()
    assert len(models) == 10
    for name, model in models.items():
        assert config_path(name)
        assert HASHED_NAME.search(model.url)
        assert model.input_size in ('256x192', '384x288', '256x256')
        assert next(iter(model.metrics)) in ('AP', 'PCKh@0.5')


@pytest.mark.parametrize('form', ['name', 'path', 'copy'])
def test_weights_by_name_path_and_identical_copy(form, tmp_path):
    shipped = config_path('hrnet_w32_coco')
    copy = shutil.copy(shipped, tmp_path)
    config = {'name': 'hrnet_w32_coco', 'path': shipped, 'copy': copy}[form]
    assert released_weights(config).endswith('-81c58e40_20220909.pth')


@pytest.mark.parametrize('config', ['hrnet_w18_coco', 'my_config.py', None])
def test_without_released_weights_the_error_lists_those_that_exist(config):
    with pytest.raises(ValueError, match=r'no weights.*hrnet_w32_coco, .*hrnet_w48_mpii'):
        released_weights(config)


def test_another_config_of_the_same_name_gets_no_weights(tmp_path):
    path = tmp_path / 'hrnet_w32_coco.py'
    path.write_text("_base_ = 'mmpose::_base_/default_runtime.py'\n")
    with pytest.raises(ValueError, match='no weights'):
        released_weights(path)
