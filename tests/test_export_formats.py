"""Every format gives PyTorch's keypoints, for every batch, and says what it was made from."""

from __future__ import annotations

import functools
import shutil
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hrnet_ext import precision
from hrnet_ext.export.check import TOLERANCES, Reference, compare
from hrnet_ext.export.metadata import KEY, Metadata
from hrnet_ext.export.real_crops import random_crops, rendered_crops
from hrnet_ext.export.runtime import PoseSession
from hrnet_ext.precision import Hardware
from tests.export_cases import (
    QUARTER,
    SLOW_LAST,
    build,
    export,
    small_config,
    with_onnxruntime,
    with_openvino,
)

BOTH_BACKENDS = [
    pytest.param('onnxruntime', marks=with_onnxruntime),
    pytest.param('openvino', marks=with_openvino),
]


@pytest.fixture(scope='module')
def exported(tmp_path_factory):
    """``export``, which writes what was written before but once."""

    @functools.cache
    def once(name: str, decoding: tuple = (), **options):
        return export(
            small_config(**dict(decoding)), tmp_path_factory.mktemp(name), name, **options
        )

    return once


@functools.cache
def people(metadata: Metadata, num: int) -> np.ndarray:
    return rendered_crops(metadata, num)


@pytest.mark.parametrize(('name', 'backend'), SLOW_LAST)
def test_keypoints_are_pytorchs_with_flip_test_and_dark(exported, name, backend):
    path, model, metadata = exported(name)
    assert (metadata.flip_test, metadata.decoding, metadata.normalizes) == (True, 'dark', True)
    _check_keypoints(path, backend, model, metadata)


@pytest.mark.parametrize(('name', 'backend'), SLOW_LAST)
def test_keypoints_are_pytorchs_with_quarter_offset_normalized_outside(exported, name, backend):
    path, model, metadata = exported(
        name, tuple(QUARTER.items()), flip_test=False, normalizes=False
    )
    assert (metadata.flip_test, metadata.decoding) == (False, 'quarter')
    _check_keypoints(path, backend, model, metadata)


def _check_keypoints(path, backend, model, metadata) -> None:
    session = PoseSession(path, backend, num_threads=1)
    assert session.metadata == metadata
    crops = np.concatenate([random_crops(metadata, 4), people(metadata, 3)])
    wanted = Reference.of(model, metadata, crops)
    for num in (1, 2, 7):
        keypoints, scores = session.estimate(crops[:num])
        part = Reference(
            *(each[:num] for each in (wanted.keypoints, wanted.scores, wanted.heatmaps)), model.head
        )
        found = part.compare(keypoints, scores, TOLERANCES['fp32'])
        assert found.is_equal, str(found)
        assert found.ties < 0.2 * keypoints[..., 0].size
    assert len(np.unique(wanted.keypoints.round())) > 40


@with_onnxruntime
def test_mpiis_sixteen_keypoints_and_their_description(tmp_path):
    cfg = small_config('hrnet_synthetic_mpii')
    path, model, _ = export(cfg, tmp_path)
    session = PoseSession(path, 'onnxruntime', num_threads=1)
    found = compare(session, model, random_crops(session.metadata, 4))
    assert found.is_equal, str(found)
    assert session.metadata.input_size == (128, 128)
    keypoints = session.metadata.keypoints
    assert keypoints.names[0] == 'right_ankle'
    assert len(keypoints.names) == len(keypoints.sigmas) == len(keypoints.colors) == 16
    assert ('right_ankle', 'left_ankle') in keypoints.flip_pairs
    assert keypoints.flip_indices[:6] == [5, 4, 3, 2, 1, 0]
    assert ('right_ankle', 'right_knee') in keypoints.skeleton
    assert 'right_knee' not in keypoints.upper_body


@with_onnxruntime
def test_heatmaps_on_request(exported):
    path, model, metadata = exported('onnx', with_heatmaps=True)
    crops = random_crops(metadata, 2)
    found = PoseSession(path, 'onnxruntime', num_threads=1).outputs(crops)['heatmaps']
    wanted = Reference.of(model, metadata, crops).heatmaps.numpy()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize(('name', 'backend'), SLOW_LAST)
def test_half_precision_is_near(exported, name, backend):
    path, model, metadata = exported(name, precision='half')
    session = PoseSession(path, backend, num_threads=1)
    assert session.metadata.precision == 'half'
    wanted = Reference.of(model, metadata, people(metadata, 4))
    _, scores = session.estimate(people(metadata, 4))
    height = wanted.heatmaps.abs().amax((-2, -1)).numpy()
    off = np.abs(scores - wanted.scores) / height
    assert 0 < off.max() < 0.1


@pytest.mark.parametrize('has_bf16', [True, False])
def test_bf16_that_a_cpu_emulates_is_said(exported, monkeypatch, has_bf16):
    path, *_ = exported('torchscript', precision='half')
    monkeypatch.setattr(precision, 'probe', lambda device: Hardware('cpu', has_bf16))
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter('always')
        PoseSession(path)
    said = [each for each in found if issubclass(each.category, RuntimeWarning)]
    assert [each.filename for each in said] == ([] if has_bf16 else [__file__])
    assert all('is in bf16; this CPU has no bf16' in str(each.message) for each in said)


@with_openvino
def test_a_full_precision_file_runs_in_half_if_asked_to(exported):
    path, _, metadata = exported('onnx')
    crops = people(metadata, 2)
    full = PoseSession(path, 'openvino', num_threads=1).estimate(crops)[1]
    half = PoseSession(path, 'openvino', num_threads=1, precision='auto').estimate(crops)[1]
    np.testing.assert_allclose(half, full, rtol=0.1)


@pytest.mark.parametrize(('name', 'backend'), SLOW_LAST)
def test_a_file_that_was_cut_short_is_named(exported, tmp_path, name, backend):
    whole, _, _ = exported(name)
    path = tmp_path / whole.name
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    path.with_suffix('.bin').touch()
    with pytest.raises(ValueError, match=rf'cannot load .*{path.name}: .*cut short in copying'):
        PoseSession(path, backend)


@with_openvino
def test_openvinos_weights_are_missed_where_they_are_absent_or_cut(exported, tmp_path):
    whole, _, _ = exported('openvino')
    path = shutil.copy(whole, tmp_path)
    weights = tmp_path / 'pose.bin'
    weights.write_bytes(whole.with_suffix('.bin').read_bytes()[:1000])
    with pytest.raises(ValueError, match=r'cannot load .*pose.xml: .*cut short'):
        PoseSession(path)
    weights.unlink()
    with pytest.raises(ValueError, match=r'needs pose.bin beside it'):
        PoseSession(path)


@pytest.mark.parametrize('backend', BOTH_BACKENDS)
def test_files_of_others_are_refused(tmp_path, backend):
    path = tmp_path / 'theirs.onnx'
    torch.onnx.export(torch.nn.ReLU(), (torch.zeros(1, 3),), str(path), dynamo=False)
    with pytest.raises(ValueError, match=r'theirs.onnx was not written by hrnet_ext'):
        PoseSession(path, backend)


@pytest.mark.parametrize('backend', BOTH_BACKENDS)
def test_an_operator_that_the_runtime_does_not_know_is_named(tmp_path, backend):
    import onnx

    node = onnx.helper.make_node('Teleport', ['crops'], ['keypoints'], domain='com.example')
    shape = onnx.helper.make_tensor_value_info('crops', onnx.TensorProto.FLOAT, [1])
    out = onnx.helper.make_tensor_value_info('keypoints', onnx.TensorProto.FLOAT, [1])
    sets = [onnx.helper.make_opsetid('', 17), onnx.helper.make_opsetid('com.example', 1)]
    graph = onnx.helper.make_graph([node], 'graph', [shape], [out])
    onnx.save(
        onnx.helper.make_model(graph, opset_imports=sets, ir_version=8), tmp_path / 'odd.onnx'
    )
    with pytest.raises(ValueError, match=r'cannot load .*odd.onnx: .*Teleport'):
        PoseSession(tmp_path / 'odd.onnx', backend)


@with_onnxruntime
@pytest.mark.filterwarnings('ignore')
def test_an_operator_that_onnx_does_not_know_is_named(tmp_path):
    class Odd(torch.nn.Module):
        def forward(self, maps):
            return tuple(torch.special.bessel_j0(x) for x in maps)

    cfg = small_config()
    model = build(cfg)
    model.backbone = torch.nn.Sequential(model.backbone, Odd())
    with pytest.raises(ValueError, match='does not know the operator aten::special_bessel_j0'):
        export(cfg, tmp_path, model=model)


def test_a_description_in_another_layout_is_refused():
    with pytest.raises(ValueError, match='written by hrnet_ext 9 in layout 2, this version reads'):
        Metadata.from_json('{"layout":2,"package":"hrnet_ext 9"}', 'pose.onnx')
    with pytest.raises(ValueError, match=r'the description inside of pose.onnx is not JSON'):
        Metadata.from_json('{', 'pose.onnx')
    assert KEY == 'hrnet_ext'


@pytest.mark.parametrize(
    ('x', 'is_tie'),
    [
        (5, True),  # another pixel, as high within rounding
        (7, False),  # another pixel, lower
        (3, False),  # the same pixel: a wrong offset is no tie
    ],
)
def test_another_pixel_as_high_as_the_maximum_is_a_tie(x, is_tie):
    heatmaps = torch.zeros(1, 1, 8, 12)
    heatmaps[0, 0, 3, 3], heatmaps[0, 0, 3, 5], heatmaps[0, 0, 3, 7] = 1, 1 - 2e-6, 0.99
    codec = SimpleNamespace(input_size=(48, 32), heatmap_size=(12, 8))
    head = SimpleNamespace(decoder=codec)
    reference = Reference(np.array([[[12.0, 12.0]]]), np.ones((1, 1)), heatmaps, head)
    found = np.array([[[4.0 * x + 1, 13.0]]])
    assert reference.as_high(found, TOLERANCES['fp32']).item() is is_tie
