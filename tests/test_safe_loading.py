"""Checkpoints load without running their code, and bad files get one clear error."""

import collections
import functools
import os
import pickle
import zipfile

import mmengine.runner.checkpoint as mmengine_checkpoint
import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

from hrnet_ext.checkpoints import CheckpointError, UnsafeCheckpointError, load_checkpoint
from hrnet_ext.compat.safe_loading import patch_checkpoint
from hrnet_ext.safe_loading.loading import TRUST_VARIABLE


class Payload:
    """Makes pickle call a function while it reads."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


def training_state():
    """Every kind of value that a checkpoint of MMEngine holds."""
    history = HistoryBuffer()
    history.update(3.0)
    history.update(5.0)
    return {
        'meta': {
            'epoch': 3,
            'dataset_meta': {
                'sigmas': np.array([0.025, 0.1], dtype=np.float32),
                'names': np.array(['nose', 'left_eye']),
                'links': np.array([[0, 1]], dtype=object),
                'ids': {1, 2},
                'skeleton': ConfigDict(link=ConfigDict(color=[0, 255, 0])),
            },
        },
        'state_dict': collections.OrderedDict(weight=torch.arange(6.0).reshape(2, 3)),
        'message_hub': {
            'log_scalars': collections.OrderedDict({'train/loss': history}),
            'runtime_info': {'best_score': np.float64(0.5), 'last': np.bool_(True)},
        },
        'optimizer': {'state': {0: {'step': torch.tensor(1.0)}}, 'param_groups': [{'lr': 1e-3}]},
        'param_schedulers': [{'anneal_func': OneCycleParamScheduler._annealing_cos}],
    }


@pytest.fixture
def checkpoint_path(tmp_path):
    path = tmp_path / 'epoch_3.pth'
    torch.save(training_state(), path)
    return path


@pytest.fixture
def safe_mmengine():
    undo = patch_checkpoint(mmengine_checkpoint)
    yield mmengine_checkpoint
    undo()


@pytest.mark.parametrize('zipped', [True, False], ids=['zip format', 'format before torch 1.6'])
def test_training_state_survives_whole(tmp_path, zipped):
    torch.save(training_state(), tmp_path / 'a.pth', _use_new_zipfile_serialization=zipped)
    loaded, saved = load_checkpoint(tmp_path / 'a.pth'), training_state()
    assert torch.equal(loaded['state_dict']['weight'], saved['state_dict']['weight'])
    meta, saved_meta = loaded['meta']['dataset_meta'], saved['meta']['dataset_meta']
    for key in ('sigmas', 'names', 'links'):
        assert meta[key].dtype == saved_meta[key].dtype
        assert (meta[key] == saved_meta[key]).all()
    assert meta['ids'] == {1, 2}
    assert type(meta['skeleton']) is ConfigDict
    assert meta['skeleton'].link.color == [0, 255, 0]
    assert loaded['message_hub']['log_scalars']['train/loss'].mean() == 4.0
    assert loaded['message_hub']['runtime_info'] == saved['message_hub']['runtime_info']
    assert loaded['optimizer'] == saved['optimizer']
    assert loaded['param_schedulers'] == saved['param_schedulers']


@pytest.mark.parametrize('code', sorted(set(np.typecodes['All']) - set('OVMm')))
def test_arrays_of_every_dtype_load(tmp_path, code):
    array = np.ones(2).astype(code)
    torch.save({'array': array, 'scalar': array[0]}, tmp_path / 'a.pth')
    loaded = load_checkpoint(tmp_path / 'a.pth')
    assert loaded['array'].dtype == array.dtype
    assert (loaded['array'] == array).all()
    assert loaded['scalar'] == array[0]


@pytest.mark.parametrize('core', ['numpy.core', 'numpy._core'], ids=['numpy 1', 'numpy 2'])
def test_files_of_both_numpys_load(tmp_path, core):
    torch.save({'array': np.arange(3), 'scalar': np.float32(2)}, tmp_path / 'a.pth')
    ours = np.zeros(0).__reduce__()[0].__module__.encode()
    rewrite_pickle(tmp_path / 'a.pth', ours, f'{core}.multiarray'.encode())
    loaded = load_checkpoint(tmp_path / 'a.pth')
    assert loaded['array'].tolist() == [0, 1, 2]
    assert loaded['scalar'] == 2


def rewrite_pickle(path, old, new):
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, 'w') as archive:
        for name, content in members.items():
            archive.writestr(name, content.replace(old, new) if name.endswith('.pkl') else content)


CODE = {
    # what the file holds                            -> what the refusal must name
    'posix.system': lambda canary: Payload(os.system, f'touch {canary}'),
    'eval': lambda canary: Payload(eval, f"open({str(canary)!r}, 'w')"),
    'getattr(HistoryBuffer': lambda canary: Payload(getattr, HistoryBuffer, '__init__'),
    'getattr(int': lambda canary: Payload(getattr, int, 'from_bytes'),
    'functools.partial': lambda canary: functools.partial(os.system, f'touch {canary}'),
    'torch.nn.modules.linear.Linear': lambda canary: torch.nn.Linear(1, 1),
}


@pytest.mark.parametrize('zipped', [True, False], ids=['zip', 'legacy'])
@pytest.mark.parametrize('offender', CODE)
def test_code_is_refused_and_not_run(tmp_path, offender, zipped):
    canary = tmp_path / 'canary'
    path = tmp_path / 'evil.pth'
    content = {'state_dict': {}, 'meta': CODE[offender](canary)}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(UnsafeCheckpointError) as refusal:
        load_checkpoint(path)
    message = str(refusal.value)
    assert offender in message
    assert str(path) in message
    assert TRUST_VARIABLE in message
    assert '\n' not in message
    assert not canary.exists()


def test_one_cycle_schedulers_cannot_be_made_by_a_file(tmp_path):
    torch.save({'meta': Payload(OneCycleParamScheduler, 1)}, tmp_path / 'a.pth')
    with pytest.raises(CheckpointError):
        load_checkpoint(tmp_path / 'a.pth')


@pytest.mark.parametrize('way', ['argument', 'environment'])
def test_trusted_files_may_run_code(tmp_path, monkeypatch, way):
    canary = tmp_path / 'canary'
    torch.save({'meta': CODE['posix.system'](canary)}, tmp_path / 'a.pth')
    if way == 'environment':
        monkeypatch.setenv(TRUST_VARIABLE, '1')
    load_checkpoint(tmp_path / 'a.pth', trusted=way == 'argument')
    assert canary.exists()


def cut(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


@pytest.mark.parametrize('zipped', [True, False], ids=['zip', 'legacy'])
@pytest.mark.parametrize('share', [0.02, 0.5, 0.99])
def test_truncated_file_is_named_with_its_size_and_cure(tmp_path, share, zipped):
    path = tmp_path / 'cut.pth'
    state = {'weight': torch.randn(100, 100)}
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    cut(path, share)
    with pytest.raises(CheckpointError, match=r'Delete it and download or copy it again') as error:
        load_checkpoint(path)
    assert f'{path} ({path.stat().st_size:,} bytes)' in str(error.value)
    assert not isinstance(error.value, UnsafeCheckpointError)


NO_CHECKPOINTS = [
    (b'', 'is empty'),
    (b'<!DOCTYPE html><html>404</html>', 'web page'),
    (b'\n<html><body>Sign in</body></html>', 'web page'),
    (b'version https://git-lfs.github.com/spec/v1\noid sha256:00', 'Git LFS'),
    (b'epoch: 3\nloss: 0.1\n', 'is not a checkpoint'),
    (pickle.dumps([1]), r'pickle, but not one written by torch\.save'),
]


@pytest.mark.parametrize(('content', 'what'), NO_CHECKPOINTS)
def test_what_is_no_checkpoint_is_said(tmp_path, content, what):
    path = tmp_path / 'a.pth'
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=what) as error:
        load_checkpoint(path)
    assert str(path) in str(error.value)


def test_other_archives_are_no_checkpoints(tmp_path):
    with zipfile.ZipFile(tmp_path / 'a.zip', 'w') as archive:
        archive.writestr('readme.txt', 'hello')
    with pytest.raises(CheckpointError, match=r'not one written by torch\.save'):
        load_checkpoint(tmp_path / 'a.zip')
    torch.jit.script(torch.nn.ReLU()).save(tmp_path / 'a.pt')
    with pytest.raises(CheckpointError, match='TorchScript'):
        load_checkpoint(tmp_path / 'a.pt')


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match='does not exist'):
        load_checkpoint(tmp_path / 'none.pth')
    with pytest.raises(FileNotFoundError, match='is a folder'):
        load_checkpoint(tmp_path)


def test_a_tensor_alone_is_no_checkpoint(tmp_path):
    torch.save(torch.ones(1), tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match='holds a Tensor'):
        load_checkpoint(tmp_path / 'a.pth')


def test_safetensors(tmp_path):
    safetensors = pytest.importorskip('safetensors.torch')
    safetensors.save_file({'weight': torch.arange(3.0)}, tmp_path / 'a.safetensors')
    assert load_checkpoint(tmp_path / 'a.safetensors')['weight'].tolist() == [0, 1, 2]
    cut(tmp_path / 'a.safetensors', 0.9)
    with pytest.raises(CheckpointError, match='damaged'):
        load_checkpoint(tmp_path / 'a.safetensors')


@pytest.mark.parametrize('first_byte', [0x50, 0x80], ids=['as a zip', 'as a pickle'])
def test_a_safetensors_header_may_begin_as_another_format(tmp_path, first_byte):
    path = tmp_path / 'a.safetensors'
    header = b'{"weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.ljust(first_byte)
    path.write_bytes(len(header).to_bytes(8, 'little') + header + np.float32(2).tobytes())
    assert path.read_bytes()[0] == first_byte
    assert load_checkpoint(path)['weight'].tolist() == [2]


def test_web_page_at_a_url_names_file_and_url(file_server):
    (file_server.folder / 'net.pth').write_text('<html>quota exceeded</html>')
    with pytest.raises(CheckpointError, match='web page') as error:
        load_checkpoint(f'{file_server.address}/net.pth')
    assert f'{file_server.address}/net.pth' in str(error.value)


@pytest.mark.parametrize('scheme', ['path', 'url', 'open-mmlab://net'])
def test_mmengine_refuses_code_by_every_way_in(
    safe_mmengine, file_server, tmp_path, monkeypatch, scheme
):
    folder, address = file_server.folder, file_server.address
    canary = tmp_path / 'canary'
    torch.save({'state_dict': {}, 'meta': CODE['posix.system'](canary)}, folder / 'evil.pth')
    source = {'path': str(folder / 'evil.pth'), 'url': f'{address}/evil.pth'}.get(scheme, scheme)
    monkeypatch.setattr(
        safe_mmengine, 'get_external_models', lambda: {'net': str(folder / 'evil.pth')}
    )
    monkeypatch.setattr(safe_mmengine, '_get_mmengine_home', lambda: str(tmp_path))
    with pytest.raises(UnsafeCheckpointError, match=r'posix\.system'):
        safe_mmengine.load_checkpoint(torch.nn.Linear(1, 1), source)
    assert not canary.exists()


def test_mmengine_loads_training_state(safe_mmengine, checkpoint_path):
    model = torch.nn.Linear(3, 2, bias=False)
    loaded = safe_mmengine.load_checkpoint(model, str(checkpoint_path), map_location='cpu')
    assert model.weight.flatten().tolist() == [0, 1, 2, 3, 4, 5]
    assert loaded['message_hub']['log_scalars']['train/loss'].max() == 5


def test_pretrained_init_is_safe(safe_mmengine, tmp_path):
    from mmengine.model import BaseModule

    torch.save({'weight': CODE['posix.system'](tmp_path / 'canary')}, tmp_path / 'evil.pth')
    init_cfg = {'type': 'Pretrained', 'checkpoint': str(tmp_path / 'evil.pth')}
    with pytest.raises(UnsafeCheckpointError):
        BaseModule(init_cfg).init_weights()
    assert not (tmp_path / 'canary').exists()


def test_patch_is_taken_back_whole():
    before = dict(vars(mmengine_checkpoint))
    undo = patch_checkpoint(mmengine_checkpoint)
    assert mmengine_checkpoint.torch.nn is torch.nn
    undo()
    assert dict(vars(mmengine_checkpoint)) == before
