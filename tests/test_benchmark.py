"""The benchmark as users run it: errors at once, contestants that are what they are called."""

import io
import json
import subprocess
import sys
from pathlib import Path

import mmpose
import pytest
import torch
from mmengine.config import Config

from hrnet_ext.benchmark.command import make_options, run
from hrnet_ext.benchmark.machine import describe_machine
from hrnet_ext.benchmark.parts import PARTS, forward
from hrnet_ext.benchmark.pixels import RANDOM_WEIGHTS
from hrnet_ext.benchmark.report import Report
from hrnet_ext.benchmark.silence import silence
from hrnet_ext.benchmark.stage import Stage
from hrnet_ext.benchmark.twin_data import mmpose_pipeline
from hrnet_ext.benchmark.twins import Twins, mmpose_model
from hrnet_ext.precision import choice_for
from tests.export_cases import with_onnxruntime, with_openvino

ROOT = Path(__file__).parents[1]
SHIPPED = 'body_2d_keypoint/topdown_heatmap/coco/td-hm_hrnet-w32_8xb64-210e_coco-256x192.py'
QUICK = {'quick': True, 'device': 'cpu'}


def test_the_contestant_called_mmpose_is_what_mmpose_ships():
    theirs = Config.fromfile(Path(mmpose.__file__).parent / '.mim' / 'configs' / SHIPPED)
    twins = Twins(make_options({'device': 'cpu'}))
    model = mmpose_model(twins.cfg.model)
    for part in ('head', 'test_cfg', 'data_preprocessor'):
        assert model[part] == theirs.model[part].to_dict(), part
    for key, value in theirs.model.backbone.to_dict().items():
        if key != 'init_cfg':
            assert {'in_channels': 3, **model['backbone']}[key] == value, key
    assert mmpose_pipeline(twins.cfg, 'train') == _plain(theirs.train_pipeline)
    assert mmpose_pipeline(twins.cfg, 'test') == _plain(theirs.val_pipeline)
    assert type(twins.mmposes()).__module__.startswith('mmpose.')
    assert type(twins.mmposes().backbone).__module__.startswith('mmpose.')


def test_a_network_with_other_weights_is_not_timed(monkeypatch):
    options = make_options({**QUICK, 'batch_sizes': (1,), 'modes': ('off', 'fp32'), 'rounds': 1})
    ours = Twins.ours

    def other(self):
        model = ours(self)
        with torch.no_grad():
            model.head.final_layer.weight.mul_(1.01)
        return model

    def not_exported(*_):
        raise RuntimeError('no exporter')

    monkeypatch.setattr(Twins, 'ours', other)
    monkeypatch.setattr(forward.engines, 'exported', not_exported)
    report = Report()
    with silence():
        forward.run(options, report, Stage(options, io.StringIO()))
    cells = {row[0]: row[1] for row in report.tables[0].rows}
    for mode in ('off', 'fp32'):
        assert str(cells[f'ours, {mode}']).startswith('not run: not the same work: differs by 0.0')
    assert cells['ONNX Runtime, fp32'] == 'not run: RuntimeError: no exporter'
    assert cells['MMPose'].median > 0


def test_quick_codec_prints_and_writes_the_same_tables(tmp_path):
    out, path = io.StringIO(), tmp_path / 'codec.json'
    run({**QUICK, 'only': ['codec'], 'rounds': 2, 'json': str(path)}, out)
    written = json.loads(path.read_text())
    assert len(written['tables']) == 4
    for table in written['tables']:
        assert f'### {table["title"]}' in out.getvalue()
        assert table['columns'][-2:] == ['times MMPose', 'by round (quartiles)']
        assert table['rows'][0]['contestant'] == 'MMPose'
        assert all(row['times MMPose'] > 0 for row in table['rows'])  # nobody was put out
    assert written['options']['only'] == ['codec']
    for fact in ('processor', 'threads', 'versions', 'date', 'load at start', 'load at end'):
        assert f'- {fact}: {written["machine"][fact]}' in out.getvalue()


@with_onnxruntime
@with_openvino
def test_exported_files_find_the_keypoints_of_those_they_are_timed_with():
    options = {**QUICK, 'only': ['export'], 'batch_sizes': [2], 'modes': ['fp32'], 'rounds': 1}
    (table,) = run(options, io.StringIO()).tables
    found = {row[0]: row for row in table.rows}
    column = table.columns.index('keypoints off by, px')
    for name in ('ours, fp32', 'ONNX Runtime, fp32', 'OpenVINO, fp32'):
        assert found[name][column] < 0.01, name
    for name in ('OpenVINO, int8', 'ONNX Runtime, int8'):
        assert found[name][1].median > 0, name
    half = found['OpenVINO, bf16'][1]  # fp32 is not measured under this name
    assert half.median > 0 if choice_for('cpu').inference == 'bf16' else 'computes in fp32' in half
    assert RANDOM_WEIGHTS in table.notes


def test_what_is_switched_off_of_a_cpu_is_told(monkeypatch):
    monkeypatch.setenv('ONEDNN_MAX_CPU_ISA', 'AVX2')
    monkeypatch.setenv('OV_CPU_MAX_ISA', 'AVX2')
    told = describe_machine('cpu')['instructions']
    assert ', no bf16, ONEDNN_MAX_CPU_ISA=AVX2, ' in told
    assert told.endswith('OV_CPU_MAX_ISA=AVX2')


def test_a_part_that_cannot_run_leaves_the_others_their_results():
    out = io.StringIO()
    run({**QUICK, 'only': ['data', 'codec'], 'rounds': 1, 'data': None}, out)
    assert '- data: not run: ValueError: the part data needs photographs: --data' in out.getvalue()
    assert '### codec' in out.getvalue()


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        ({'only': ['codec', 'speed']}, r'--only takes forward, .*; not speed'),
        ({'device': 'cuda:99'}, r'--device cuda:99 cannot be used here; there is cpu'),
        ({'device': 'abacus'}, r'--device abacus cannot be used here'),
        ({'data': '/nowhere'}, r'--data: there is no folder /nowhere'),
        ({'checkpoint': 'no.pth'}, r'--checkpoint: there is no file no.pth'),
        ({'config': 'hrnet_w33_coco'}, r'config file not found: hrnet_w33_coco'),
        ({'modes': ['bf17']}, r"but is 'bf17'"),
        ({'rounds': 0}, r'--rounds should be at least 1, but is 0'),
        ({'batch_sizes': [0]}, r'--batch-sizes should be at least 1, but is 0'),
        ({'clock': 'sun'}, r"--clock should be one of wall, cpu, not 'sun'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_before_anything_is_measured(given, message):
    out = io.StringIO()
    with pytest.raises((ValueError, OSError), match=message):
        run({**QUICK, **given}, out)
    assert not out.getvalue()


def test_the_tool_names_its_parts_at_once():
    command = [sys.executable, str(ROOT / 'tools' / 'benchmark.py'), '--only', 'speed']
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert "argument --only: invalid choice: 'speed'" in done.stderr
    assert all(part in done.stderr for part in PARTS)


def _plain(pipeline):
    return [step.to_dict() for step in pipeline]
