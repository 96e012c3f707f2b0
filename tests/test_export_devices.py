"""PyTorch's own files leave no work to the device that they were written on."""

from __future__ import annotations

import zipfile

import pytest
import torch

from hrnet_ext.export.engines import Settings, open_engine
from hrnet_ext.export.runtime import PoseSession
from tests.export_cases import QUARTER, export, small_config

each_codec = pytest.mark.parametrize('codec', [{}, QUARTER], ids=['dark', 'quarter'])


@each_codec
def test_a_torchscript_file_names_no_device_and_holds_no_tables(tmp_path, codec):
    path, _, _ = export(small_config(**codec), tmp_path, 'torchscript')
    graph = torch.jit.load(str(path)).eval().inlined_graph
    constants = graph.findAllNodes('prim::Constant')
    assert 'Device' not in {str(each.output().type()) for each in constants}
    valued = [each for each in constants if each.hasAttribute('value')]
    tensors = [each.t('value') for each in valued if each.kindOf('value') == 't']
    assert tensors  # single numbers, which go with any device
    assert all(each.dim() == 0 for each in tensors)


@each_codec
def test_a_torch_export_file_runs_on_fake_cuda(tmp_path, codec, monkeypatch):
    path, _, metadata = export(small_config(**codec), tmp_path, 'torch-export')
    program = torch.export.load(path)
    values = [node.meta.get('val') for node in program.graph.nodes]
    mode = next(value.fake_mode for value in values if isinstance(value, torch.Tensor))
    monkeypatch.setattr(torch.export, 'load', lambda *_, **__: program)
    width, height = metadata.input_size
    with mode:  # the program's own: others refuse its values
        engine = open_engine(path, None, Settings(device='cuda'))
        crops = torch.empty(3, height, width, 3, dtype=torch.uint8, device='cuda')
        keypoints, scores = engine._run(crops)
    assert keypoints.device == scores.device == torch.device('cuda:0')
    devices = {node.kwargs['device'] for node in program.graph.nodes if 'device' in node.kwargs}
    assert devices == {'cuda:0'}  # asserted of maps; `cuda` would be another device
    assert keypoints.shape == (3, len(metadata.keypoints.names), 2)


@pytest.mark.parametrize('name', ['torchscript', 'torch-export'])
def test_a_device_that_is_not_there_is_named(tmp_path, name):
    path = tmp_path / {'torchscript': 'pose.torchscript', 'torch-export': 'pose.pt2'}[name]
    zipfile.ZipFile(path, 'w').close()
    with pytest.raises(ValueError, match="PyTorch has no device 'cuda:77' here"):
        PoseSession(path, device='cuda:77')
