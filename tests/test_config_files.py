"""What is wrong in a config, or with an argument, is told in one sentence that names it."""

import argparse

import pytest

from hrnet_ext.devices import choose_device
from hrnet_ext.engine.config_file import read_config_file
from hrnet_ext.engine.launch import test as run_test
from hrnet_ext.engine.launch import train
from hrnet_ext.engine.run_config import find_checkpoint, read_config
from hrnet_ext.inference.complexity import measure_config
from hrnet_ext.inference.detector import PersonDetector
from tests.test_tools_cli import train_arguments
from tests.tiny_coco import write_coco
from tests.tiny_run import make_config


def write(folder, **files):
    for name, text in files.items():
        (folder / f'{name}.py').write_text(text)
    return str(folder / f'{name}.py')


@pytest.mark.parametrize(
    ('files', 'told'),
    [
        ({'bad': 'a = 1\nb = dict(x=1 y=2)\n'}, r'bad\.py, line 2: SyntaxError: invalid syntax'),
        (
            {'base': 'a = 1\nb = dict(x=1 y=2)\n', 'leaf': "_base_ = './base.py'\n"},
            r'base\.py, line 2: SyntaxError',
        ),
        ({'bad': 'a = 1\nb = c\n'}, r"bad\.py, line 2: NameError: name 'c' is not defined"),
        (
            {'base': 'b = c\n', 'leaf': "_base_ = './base.py'\na = 1\n"},
            r'base\.py, line 1: NameError',
        ),
    ],
)
def test_a_config_that_cannot_be_read_names_file_and_line(files, told, tmp_path):
    with pytest.raises(ValueError, match=told) as raised:
        read_config(write(tmp_path, **files), [])
    assert '<unknown>' not in str(raised.value)


def test_an_empty_config_has_no_model(tmp_path):
    with pytest.raises(ValueError, match=r'empty\.py has no model'):
        read_config(write(tmp_path, empty=''), [])


def test_a_config_without_training_cannot_be_trained(tmp_path):
    config = write(tmp_path, small="model = dict(type='hrnet_ext.HRNet')\n")
    work_dir = ['--work-dir', str(tmp_path / 'work')]
    with pytest.raises(ValueError, match=r'has no train_dataloader, train_cfg, optim_wrapper'):
        train(train_arguments(config, *work_dir))
    args = argparse.Namespace(out=None, dump=None, config=config, cfg_options=[])
    with pytest.raises(ValueError, match=r'has no test_dataloader, test_cfg, test_evaluator'):
        run_test(args)


def test_swapped_config_and_checkpoint_are_recognized(tmp_path):
    weights = tmp_path / 'w.pth'
    weights.write_bytes(b'PK')
    with pytest.raises(ValueError, match=r'w\.pth is no config.*did you swap config and check'):
        read_config(str(weights), [])
    with pytest.raises(ValueError, match=r'c\.py is a config; did you swap config and checkpoint'):
        find_checkpoint(write(tmp_path, c=''), '')
    with pytest.raises(ValueError, match=r'w\.pth is no config'):
        PersonDetector(str(weights), 'c.py')
    assert find_checkpoint(str(weights), '') == str(weights)


@pytest.mark.parametrize(
    ('option', 'told'),
    [
        ('optim_wrapper.optimizer.lr=1e-3x', r'optim_wrapper.optimizer.lr is a number .*`1e-3x`'),
        ('train_cfg.max_epochs=many', r'train_cfg.max_epochs is a number \(now 210\), not `many`'),
        ('param_scheduler.0.end=x', r'param_scheduler.0.end is a number'),
        ('resume=ture', r'resume is True or False \(now False\), not `ture`'),
    ],
)
def test_a_word_in_place_of_a_number_is_told(option, told):
    with pytest.raises(ValueError, match=told):
        read_config('hrnet_w32_coco', [option])


def test_numbers_of_any_kind_replace_numbers():
    options = ['optim_wrapper.optimizer.lr=1e-3', 'train_cfg.max_epochs=1', 'resume=true']
    cfg = read_config('hrnet_w32_coco', options)
    assert (cfg.optim_wrapper.optimizer.lr, cfg.resume) == (1e-3, True)
    assert read_config('hrnet_w32_coco', ['optim_wrapper.loss_scale=dynamic'])


@pytest.mark.parametrize('shape', [(0, 0), (64, -1)])
def test_a_shape_without_pixels_is_refused(shape):
    with pytest.raises(ValueError, match=r'--shape: height and width should be at least 1, not'):
        measure_config(read_config('hrnet_synthetic', []), shape)


@pytest.mark.parametrize('device', ['gpu', 'cuda:99', 'meta', 'cuda:x'])
def test_a_device_that_is_not_there_is_told_with_those_that_are(device):
    with pytest.raises(ValueError, match=f'--device {device} is not available; available: cpu'):
        choose_device(device)


def test_a_gpu_without_driver_names_the_doctor(monkeypatch):
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    monkeypatch.setattr('torch.cuda.device_count', lambda: 0)
    with pytest.raises(
        ValueError, match=r'available: cpu; PyTorch finds no GPU or no driver.*doctor'
    ):
        choose_device('cuda:7')
    assert choose_device('cpu') == 'cpu'


@pytest.mark.parametrize(
    ('options', 'told'),
    [
        (
            {'train_dataloader.drop_last': True, 'train_dataloader.batch_size': 7},
            r'train_dataloader gives no batch: 6 samples are fewer than batch_size=7 .*drop_last',
        ),
        (
            {'val_dataloader.drop_last': True, 'val_dataloader.batch_size': 7},
            r'val_dataloader gives no batch',
        ),
    ],
)
def test_a_loader_without_a_batch_is_told_before_the_first_step(options, told, tmp_path):
    write_coco(tmp_path / 'data')
    cfg = make_config(tmp_path)
    cfg.param_scheduler = [
        {'type': 'LinearLR', 'end': 1, 'start_factor': 0.1, 'convert_to_iter_based': True}
    ]
    cfg.merge_from_dict(options)
    cfg.dump(tmp_path / 'tiny.py')
    with pytest.raises(ValueError, match=told):
        train(train_arguments(str(tmp_path / 'tiny.py')))


def test_reading_keeps_what_the_system_says(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'gone\.py'):
        read_config_file(write(tmp_path, leaf="_base_ = './gone.py'\n"))
