"""The benchmark as users run it: errors at once, entries that are what they are called."""

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import mmpose
import numpy as np
import onnx
import pytest
import torch
from mmengine.config import Config

from benchmarks import bench, forward, models
from benchmarks.end_to_end import RANDOM_WEIGHTS
from benchmarks.models import MMPOSE_CONFIG, Models
from benchmarks.options import PARTS, parse
from hrnet_ext.precision import choice_for
from hrnet_ext.runtimes.to_onnx import OPSET
from tests.export_cases import with_onnxruntime, with_openvino

ROOT = Path(__file__).parents[1]


def run(*arguments, out=None):
    options = parse(['--quick', '--device', 'cpu', *map(str, arguments)])
    return bench.run(options, out or io.StringIO())


def test_the_entry_called_mmpose_is_what_mmpose_ships():
    shipped = Path(mmpose.__file__).parent / '.mim' / 'configs' / MMPOSE_CONFIG.split('::')[1]
    theirs, pair = Config.fromfile(shipped), Models('hrnet_w32_coco', 'cpu')
    cfg = pair.mmpose_cfg
    for part in ('head', 'test_cfg', 'data_preprocessor'):
        assert cfg.model[part].to_dict() == theirs.model[part].to_dict(), part
    for key, value in theirs.model.backbone.to_dict().items():
        if key != 'init_cfg':
            assert {'in_channels': 3, **cfg.model.backbone.to_dict()}[key] == value, key
    for split, pipeline in (('train', theirs.train_pipeline), ('test', theirs.val_pipeline)):
        found = cfg[f'{split}_dataloader'].dataset.pipeline
        assert _plain(found) == _plain(pipeline)
    assert type(pair.mmpose()).__module__.startswith('mmpose.')
    assert type(pair.mmpose().backbone).__module__.startswith('mmpose.')


@pytest.mark.parametrize('config', ['hrnet_w18_small_v2_coco', 'hrnet_synthetic'])
def test_mmposes_model_of_any_shipped_size_takes_our_weights(config):
    pair = Models(config, 'cpu')
    images = pair.images(1)
    ours, theirs = (models.of_network(each, images)() for each in (pair.ours(), pair.mmpose()))
    assert torch.allclose(ours, theirs, atol=1e-4 * float(theirs.abs().max()))
    for loader in (pair.mmpose_cfg.train_dataloader, pair.mmpose_cfg.test_dataloader):
        steps = {step['type']: step for step in loader.dataset.pipeline}
        assert steps['TopdownAffine']['input_size'] == pair.input_size
        if 'GenerateTarget' in steps:
            codec = {**pair.cfg.codec, 'type': 'MSRAHeatmap'}
            assert steps['GenerateTarget']['encoder'] == codec == pair.mmpose_cfg.model.head.decoder


def test_a_network_with_other_weights_is_not_timed(monkeypatch):
    ours = Models.ours

    def other(self):
        model = ours(self)
        with torch.no_grad():
            model.head.final_layer.weight.mul_(1.01)
        return model

    def not_exported(*_):
        raise RuntimeError('no exporter')

    monkeypatch.setattr(Models, 'ours', other)
    monkeypatch.setattr(forward, 'exported', not_exported)
    arguments = ('--batch-sizes', 1, '--modes', 'off', 'fp32', '--rounds', 1)
    report = run('--only', 'forward', *arguments)
    cells = {row[0]: row[1] for row in report.tables[0].rows}
    for mode in ('off', 'fp32'):
        assert str(cells[f'ours, {mode}']).startswith('not run: not the same work: differs by 0.0')
    assert cells['ONNX Runtime, fp32'] == 'not run: RuntimeError: no exporter'
    assert cells['MMPose'].median > 0


@with_onnxruntime
def test_the_runtimes_are_timed_with_the_graph_that_the_exporter_writes():
    pair = Models('hrnet_synthetic', 'cpu')
    graph = onnx.load_from_string(models.exported(pair.ours(), pair.images(2)))
    assert [each.version for each in graph.opset_import if each.domain == ''] == [OPSET]
    # The exporter folds batch norms
    assert not [node for node in graph.graph.node if node.op_type == 'BatchNormalization']


def test_quick_codec_prints_and_writes_the_same_tables(tmp_path):
    out, path = io.StringIO(), tmp_path / 'codec.json'
    run('--only', 'codec', '--rounds', 2, '--json', path, out=out)
    written = json.loads(path.read_text())
    assert len(written['tables']) == 4
    for table in written['tables']:
        assert f'### {table["title"]}' in out.getvalue()
        assert table['columns'][-2:] == ['times MMPose', 'by round (quartiles)']
        assert table['rows'][0]['entry'] == 'MMPose'
        assert all(row['times MMPose'] > 0 for row in table['rows'])  # no entry was left out
    assert written['options']['only'] == ['codec']
    for fact in ('processor', 'threads', 'versions', 'date', 'load at start', 'load at end'):
        assert f'- {fact}: {written["machine"][fact]}' in out.getvalue()


@with_onnxruntime
@with_openvino
def test_exported_files_find_the_keypoints_of_the_models_they_are_timed_with():
    arguments = ('--batch-sizes', 2, '--modes', 'fp32', '--rounds', 1)
    (table,) = run('--only', 'export', *arguments).tables
    found = {row[0]: row for row in table.rows}
    column = table.columns.index('keypoints off by, px')
    for name in ('ours, fp32', 'ONNX Runtime, fp32', 'OpenVINO, fp32'):
        assert found[name][column] < 0.01, name
    for name in ('OpenVINO, int8', 'ONNX Runtime, int8'):
        assert found[name][1].median > 0, name
    half = found['OpenVINO, bf16'][1]  # fp32 is not measured under this name
    assert half.median > 0 if choice_for('cpu').inference == 'bf16' else 'computes in fp32' in half
    assert RANDOM_WEIGHTS in table.notes


def test_evaluation_gives_the_same_ap_before_it_is_timed():
    report = run('--only', 'eval', '--rounds', 1)
    by_title = {table.title: table.rows for table in report.tables}
    for title, rows in by_title.items():
        if 'PoseTrack18' not in title:  # which MMPose scores by a package that is not required
            assert all(np.isfinite(row[-2]) for row in rows), title
            assert [row[0] for row in rows] == ['MMPose', 'ours']


@pytest.mark.slow
@pytest.mark.parametrize('part', ['train', 'test', 'growth', 'inferencer'])
def test_every_entry_of_a_quick_run_does_the_same_work(part):
    more = ['--rounds', 1, '--loss-curve', 4, '--people', 8, '--growth', 4, 8]
    report = run('--only', part, *more)
    cells = [cell for table in report.tables for row in table.rows for cell in row]
    assert report.tables[0].rows[0][0] == 'MMPose'
    assert [cell for cell in cells if str(cell).startswith('not run')] == []


def test_limits_of_the_cpus_instructions_are_reported(monkeypatch):
    monkeypatch.setenv('ONEDNN_MAX_CPU_ISA', 'AVX2')
    monkeypatch.setenv('OV_CPU_MAX_ISA', 'AVX2')
    reported = bench.describe_machine('cpu')['instructions']
    assert ', no bf16, ONEDNN_MAX_CPU_ISA=AVX2, ' in reported
    assert reported.endswith('OV_CPU_MAX_ISA=AVX2')


def test_a_part_that_cannot_run_leaves_the_others_their_results():
    out = io.StringIO()
    run('--only', 'data', 'codec', '--rounds', 1, out=out)
    assert '- data: not run: ValueError: the part data needs photographs: --data' in out.getvalue()
    assert '### codec' in out.getvalue()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ('--only codec speed', "--only: invalid choice: 'speed'"),
        ('--device cuda:99', '--device cuda:99 is not available; available: cpu'),
        ('--device abacus', '--device abacus is not available'),
        ('--data /nowhere', '--data: there is no /nowhere'),
        ('--checkpoint no.pth', '--checkpoint: there is no no.pth'),
        ('--config hrnet_w33_coco', 'config file not found: hrnet_w33_coco'),
        ('--modes bf17', "--modes: invalid choice: 'bf17'"),
        ('--rounds 0', '--rounds: should be at least 1, but is 0'),
        ('--batch-sizes 0', '--batch-sizes: should be at least 1, but is 0'),
        ('--workers two', '--workers: should be at least 0, but is two'),
        ('--clock sun', "--clock: invalid choice: 'sun'"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_measured(arguments, message, capsys):
    out = io.StringIO()
    with pytest.raises((ValueError, OSError, SystemExit)) as raised:
        run(*arguments.split(), out=out)
    assert message in f'{raised.value} {capsys.readouterr().err}'
    assert not out.getvalue()


def test_the_tool_names_its_parts_at_once():
    command = [sys.executable, str(ROOT / 'tools' / 'benchmark.py'), '--only', 'speed']
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert "argument --only: invalid choice: 'speed'" in done.stderr
    assert all(part in done.stderr for part in PARTS)


def test_the_tool_of_an_installed_package_says_where_the_benchmarks_are(tmp_path):
    (tmp_path / 'tools').mkdir()  # as in hrnet_ext/.mim of a wheel
    tool = shutil.copy(ROOT / 'tools' / 'benchmark.py', tmp_path / 'tools')
    done = subprocess.run([sys.executable, tool, '--quick'], capture_output=True, text=True)
    assert done.returncode == 1
    assert 'run tools/benchmark.py in a checkout of the repository' in done.stderr
    assert 'Traceback' not in done.stderr


def _plain(pipeline):
    return [step.to_dict() for step in pipeline]
