"""The tools: export, compare and keep; then demo and test with the file in the model's place."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from torch import nn

from hrnet_ext.commands import demo, export
from hrnet_ext.commands import test as testing
from hrnet_ext.export import exporter
from hrnet_ext.export.check import compare
from hrnet_ext.export.graph import FlipTest
from hrnet_ext.export.model import load_model
from hrnet_ext.export.real_crops import random_crops
from hrnet_ext.export.runtime import PoseSession
from hrnet_ext.inference.demo import choose_model, run_demo
from tests.export_cases import (
    build,
    small_config,
    with_onnxruntime,
    with_openvino,
    write_checkpoint,
)
from tests.inference_cases import picture
from tests.tiny_coco import write_coco


@pytest.fixture(scope='module')
def source(tmp_path_factory) -> tuple[Path, str]:
    """A folder with a config, its checkpoint and a small data set; the arguments that name both."""
    folder = tmp_path_factory.mktemp('source')
    cfg = small_config()
    write_coco(folder / 'data')
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        cfg[name].dataset.update(
            data_root=f'{folder}/data/', ann_file='people.json', data_prefix={'img': 'images/'}
        )
        cfg[name].update(num_workers=0, persistent_workers=False, batch_size=4)
    cfg.test_evaluator = {'type': 'hrnet_ext.CocoMetric'}
    cfg.dump(folder / 'pose.py')
    write_checkpoint(build(cfg), folder / 'pose.pth')
    return folder


@pytest.fixture
def tool(monkeypatch, tmp_path):
    """Runs a command in this process, from an empty folder; what it would print."""
    monkeypatch.chdir(tmp_path)
    runs = {
        'export.py': (export.parse_args, export.run_export),
        'demo.py': (demo.parse_args, run_demo),
    }

    def run(name: str, *arguments: object) -> str:
        parse_args, run_command = runs[name]
        return run_command(parse_args([*map(str, arguments)]))

    return run


@pytest.fixture
def model(source) -> list[str]:
    return [str(source / 'pose.py'), str(source / 'pose.pth')]


@with_onnxruntime
def test_a_file_is_written_compared_and_described(tool, model, tmp_path):
    out = tmp_path / 'new' / 'pose.onnx'
    report = tool('export.py', *model, '--flip-test', '--with-normalize', '--out', out)
    first, people, noise = report.splitlines()
    assert first.startswith(f'{out}: onnx, fp32, ')
    assert people.startswith('  6 crops, of the test data set: largest difference ')
    assert noise.startswith('  4 crops, random: largest difference ')
    assert (
        people.count('0 differ by more than 0.001')
        == noise.count('0 differ by more than 0.001')
        == 1
    )
    metadata = PoseSession(out).metadata
    assert (metadata.config, metadata.decoding, metadata.precision) == ('pose', 'dark', 'fp32')
    assert metadata.flip_test
    assert metadata.normalizes
    assert metadata.package.startswith('hrnet_ext ')
    assert list(out.parent.iterdir()) == [out]


@with_onnxruntime
def test_without_a_data_set_it_compares_on_rendered_people(tool, model, tmp_path):
    nowhere = ['--cfg-options', 'test_dataloader.dataset.data_root=nowhere/']
    report = tool('export.py', *model, '--check-crops', 2, *nowhere)
    assert '  2 crops, rendered: largest difference' in report
    assert Path('work_dirs/export/pose.onnx').is_file()


@with_onnxruntime
def test_a_file_that_differs_is_not_kept(tool, model, tmp_path, monkeypatch):
    out = tmp_path / 'pose.onnx'
    out.write_text('the one before')
    make = FlipTest.__init__

    def forget_the_shift(self, *arguments):
        make(self, *arguments)
        self.shift = False

    monkeypatch.setattr(FlipTest, '__init__', forget_the_shift)
    with pytest.raises(ValueError, match=r'differs from PyTorch on crops .* and is not kept: larg'):
        tool('export.py', *model, '--flip-test', '--out', out)
    assert out.read_text() == 'the one before'
    assert list(tmp_path.iterdir()) == [out]


@with_onnxruntime
def test_int8_is_calibrated_with_the_training_data(tool, model, source, tmp_path, monkeypatch):
    monkeypatch.setattr(exporter, '_compare', lambda *_: '')  # random weights bear no 8 bits
    report = tool('export.py', *model, '--precision', 'int8', '--calibration-crops', 5)
    assert report.startswith('work_dirs/export/pose.onnx: onnx, int8, ')
    session = PoseSession('work_dirs/export/pose.onnx', 'onnxruntime')
    assert session.metadata.precision == 'int8'
    keypoints, scores = session(picture(), [[10, 5, 90, 110]])
    assert np.isfinite(keypoints).all()
    assert (scores != 0).all()
    nowhere = ['--cfg-options', 'train_dataloader.dataset.data_root=nowhere/']
    with pytest.raises(FileNotFoundError, match=r'^int8 is calibrated with crops of the training'):
        tool('export.py', *model, '--precision', 'int8', *nowhere)


@with_onnxruntime
@pytest.mark.parametrize(
    ('options', 'name', 'precision'),
    [
        (['--half'], 'onnx', 'fp16'),
        (['--half', '--format', 'torchscript'], 'torchscript', 'bf16'),
        (['--precision', 'fp16'], 'onnx', 'fp16'),
        (['--precision', 'bf16', '--format', 'torchscript'], 'torchscript', 'bf16'),
        (['--int8'], 'onnx', 'int8'),
        ([], 'onnx', 'fp32'),
    ],
)
def test_old_and_new_spellings_of_the_precision(
    tool, model, options, name, precision, monkeypatch, capsys
):
    def export_file(cfg, network, target, path, *, precision, **_):
        return target.name, precision

    monkeypatch.setattr(exporter, 'export_file', export_file)
    assert tool('export.py', *model, *options) == (name, precision)
    told = [line for line in capsys.readouterr().err.splitlines() if 'warning: --' in line]
    old = [option for option in options if option in ('--half', '--int8')]
    assert len(told) == len(old)
    assert all(line.startswith(f'warning: {old[0]} is now --precision ') for line in told)


@with_openvino
@with_onnxruntime
@pytest.mark.slow
def test_openvino_takes_int8_too(tool, model, monkeypatch):
    monkeypatch.setattr(exporter, '_compare', lambda *_: '')
    int8 = ['--precision', 'int8', '--calibration-crops', 5]
    tool('export.py', *model, *int8, '--format', 'openvino')
    session = PoseSession('work_dirs/export/pose.xml')
    assert session.metadata.precision == 'int8'
    assert np.isfinite(session(picture(), [[10, 5, 90, 110]])[0]).all()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            lambda state: {k: v for k, v in state.items() if 'stage4' not in k},
            r'other.pth does not belong to .*pose.py: \d+ tensors are missing \(backbone.stage4.0',
        ),
        (
            lambda state: {**state, 'backbone.more.weight': torch.zeros(3)},
            r'pose.py: 1 tensors are unknown \(backbone.more.weight\)',
        ),
        (
            lambda state: {**state, 'head.final_layer.weight': torch.zeros(5, 8, 1, 1)},
            r'2 tensors are missing \(head.final_layer.weight, head.final_layer.bias\)',
        ),
        (
            lambda state: {**state, 'backbone.conv1.weight': torch.zeros(64, 4, 3, 3)},
            r'does not belong to .*pose.py: .*size mismatch for backbone.conv1.weight',
        ),
        (lambda state: {'net.weight': torch.zeros(3)}, 'Checkpoint of another model: 0 of'),
    ],
)
def test_a_checkpoint_of_another_model_is_refused(tool, source, tmp_path, change, message):
    state = torch.load(source / 'pose.pth')['state_dict']
    torch.save({'state_dict': change(state), 'meta': {}}, tmp_path / 'other.pth')
    with pytest.raises(ValueError, match=message):
        tool('export.py', source / 'pose.py', tmp_path / 'other.pth')


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--out', 'pose.pt'], r'--out pose.pt: the name should end in \.onnx'),
        (
            ['--format', 'torchscript', '--precision', 'int8'],
            '--precision int8 goes with the formats onnx and openvino, not with torchscript',
        ),
        (
            ['--precision', 'bf16'],
            'bf16 goes with the formats torchscript and torch-export, not',
        ),
        (['--calibration-crops', 5], '--calibration-crops has no effect without --precision int8'),
        (['--cfg-options', 'test_dataloader.dataset.pipeline=[]'], 'should crop by GetBBoxCenter'),
        (['--cfg-options', 'model.head.out_channels=5'], 'does not belong to'),
        (['--cfg-options', 'model.test_cfg.output_keypoint_indices=[0]'], 'take it out'),
    ],
)
def test_what_cannot_be_exported_is_told_early(tool, model, arguments, message):
    with pytest.raises(ValueError, match=message):
        tool('export.py', *model, *arguments)


def test_heatmaps_of_another_kind_are_refused(source):
    cfg = small_config()
    sizes = {key: cfg.codec[key] for key in ('input_size', 'heatmap_size')}
    cfg.model.head.decoder = {'type': 'UDPHeatmap', **sizes}
    with pytest.raises(ValueError, match=r'heatmaps of MSRAHeatmap are exported, .* is UDPHeatmap'):
        load_model(cfg, str(source / 'pose.pth'))


def test_a_missing_package_is_named_with_the_cure(tool, model, monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(ImportError, match=r'--format onnx needs onnx, onnxruntime: pip install'):
        tool('export.py', *model)


@pytest.fixture(scope='module')
def exported(source) -> tuple[Path, nn.Module]:
    """The model, exported to run in PyTorch: the tools take any format alike."""
    from tests.export_cases import export

    cfg = small_config()
    weights = torch.load(source / 'pose.pth')['state_dict']
    network = build(cfg)
    network.load_state_dict(weights)
    return export(cfg, source, 'torchscript', model=network)[:2]


@pytest.mark.parametrize(
    'mistake',
    [
        lambda found: {**found, 'keypoints': found['keypoints'] + 0.01},
        lambda found: {**found, 'keypoints': np.roll(found['keypoints'], 1, axis=1)},
        lambda found: {**found, 'scores': found['scores'] * 1.01},
        lambda found: {**found, 'keypoints': found['keypoints'] * np.nan},
    ],
)
def test_the_comparison_notices(mistake, exported, monkeypatch):
    session, model = PoseSession(exported[0]), exported[1]
    crops = random_crops(session.metadata, 3)
    assert compare(session, model, crops).is_equal
    outputs = PoseSession.outputs
    monkeypatch.setattr(PoseSession, 'outputs', lambda *given: mistake(outputs(*given)))
    assert not compare(session, model, crops).is_equal


def test_the_demo_takes_it_in_place_of_config_and_checkpoint(tool, model, exported, tmp_path):
    import cv2

    cv2.imwrite(str(tmp_path / 'a.png'), picture())
    (tmp_path / 'boxes.json').write_text(
        json.dumps({'a.png': [[5, 5, 90, 110], [60, 5, 150, 110]]})
    )
    shared = ['--bboxes', tmp_path / 'boxes.json', '--kpt-thr', 0, '--device', 'cpu']
    found = []
    for name, arguments in {
        'exported': ['--checkpoint', exported[0]],
        'pytorch': ['--config', model[0], '--checkpoint', model[1], '--optimize', 'off'],
    }.items():
        report = tool('demo.py', tmp_path / 'a.png', *arguments, *shared, '--out-dir', name)
        assert report.startswith('frames: 1, people: 2, ')
        found.append(json.loads(Path(f'{name}/predictions/a.json').read_text()))
    for ours, wanted in zip(*found):
        np.testing.assert_allclose(ours['keypoints'], wanted['keypoints'], atol=2e-3)
        np.testing.assert_allclose(ours['keypoint_scores'], wanted['keypoint_scores'], rtol=1e-3)
        assert ours['bbox'] == wanted['bbox']
    pictures = [cv2.imread(f'{name}/visualizations/a.png') for name in ('exported', 'pytorch')]
    np.testing.assert_array_equal(*pictures)


def test_the_demo_says_what_goes_with_what(tool, model, exported):
    with pytest.raises(ValueError, match=r'pose.torchscript is an exported model, which needs no'):
        tool('demo.py', 'a.png', '--whole-image', '--checkpoint', exported[0], '--config', model[0])
    with pytest.raises(ValueError, match=r'^http://a.b/pose.onnx: .*local file; download it'):
        tool('demo.py', 'a.png', '--whole-image', '--checkpoint', 'http://a.b/pose.onnx')
    with pytest.raises(ValueError, match='--checkpoint needs its --config'):
        tool('demo.py', 'a.png', '--whole-image', '--checkpoint', model[1])
    with pytest.raises(ValueError, match='leave out optimize bf16, or export it with --precision'):
        tool('demo.py', 'a.png', '--whole-image', '--checkpoint', exported[0], '--optimize', 'bf16')


def test_a_device_that_an_exported_model_does_not_run_on_is_said(mmengine_log):
    args = {'checkpoint': 'pose.onnx', 'config': None, 'cfg_options': [], 'device': 'cuda:0'}
    with pytest.raises(FileNotFoundError):
        choose_model(argparse.Namespace(**args))
    (record,) = mmengine_log.records
    assert '--device cuda:0 is ignored: pose.onnx runs on the CPU' in record.message


def test_tools_test_evaluates_it(source, model, exported, tmp_path, monkeypatch):
    from hrnet_ext.engine.launch import test as run_test

    def metrics(checkpoint: object, *arguments: str) -> dict:
        return run_test(_test_arguments(model[0], str(checkpoint), *arguments))

    monkeypatch.chdir(tmp_path)
    wanted = metrics(model[1])
    assert metrics(exported[0]) == pytest.approx(wanted, abs=5e-4)
    assert 'coco/AP' in wanted
    fixed = ['--cfg-options', 'model.batch_size=2', 'model.fixed_batch=True']
    assert metrics(exported[0], *fixed) == pytest.approx(wanted, abs=5e-4)
    with pytest.raises(ValueError, match=r"is run by torchscript, not by 'openvino'"):
        metrics(exported[0], '--cfg-options', 'model.backend=openvino')
    with pytest.raises(ValueError, match='leave out optimize bf16'):
        metrics(exported[0], '--optimize', 'bf16')
    pipeline = 'test_dataloader.dataset.pipeline.1.padding=1.5'
    with pytest.raises(ValueError, match=r'exported for boxes padded by 1.25, .* pads by 1.5'):
        metrics(exported[0], '--cfg-options', pipeline)


@with_onnxruntime
def test_a_file_is_loaded_once_and_by_the_backend_that_was_chosen(source, tmp_path, monkeypatch):
    from hrnet_ext.apis import PoseInferencer
    from hrnet_ext.export import engines, runtime
    from hrnet_ext.export.estimator import exported_config, replace_model
    from tests.export_cases import export

    path, _, _ = export(small_config(), tmp_path, 'onnx')
    opened = []

    def open_engine(path: object, backend: str | None, settings: engines.Settings):
        opened.append(backend)
        return engines.open_engine(path, 'onnxruntime', settings)

    monkeypatch.setattr(runtime, 'open_engine', open_engine)
    monkeypatch.setitem(engines.BACKENDS, 'openvino', ('openvino', 'is_broken', 'Here'))
    PoseInferencer(str(path), device='cpu', det_model='whole_image')
    assert opened == [None]
    exported_config(path)
    cfg = Config.fromfile(source / 'pose.py')
    cfg.model.backend = 'onnxruntime'
    replace_model(cfg, str(path))
    assert opened == [None]  # neither loads it: they read what it says of itself
    assert cfg.model.backend == 'onnxruntime'
    MODELS.build(cfg.model)
    assert opened == [None, 'onnxruntime']


def _test_arguments(*arguments: str) -> argparse.Namespace:
    """What tools/test.py parses."""
    return testing.make_parser().parse_args(arguments)
