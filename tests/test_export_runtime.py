"""A session runs an exported file without PyTorch and OpenMMLab, and says what it cannot take."""

from __future__ import annotations

import copy
import importlib.metadata
import multiprocessing
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch

from hrnet_ext.export.description import read_metadata
from hrnet_ext.export.metadata import Metadata
from hrnet_ext.export.real_crops import random_crops
from hrnet_ext.export.runtime import PoseSession
from tests.export_cases import export, small_config, with_onnxruntime, with_openvino
from tests.inference_cases import picture, random_boxes

ROOT = Path(__file__).parents[1]
SCRIPT = """
import sys
import numpy as np
from hrnet_ext.export.runtime import PoseSession

path, backend, image, out = sys.argv[1:]
session = PoseSession(path, backend)
keypoints, scores = session(np.load(image), [[10, 5, 90, 110], [60, 5, 150, 110]])
absent = ('torch', 'mmengine', 'mmcv', 'mmpose', 'scipy')
assert not [name for name in absent if name in sys.modules]
for name in absent:
    try:
        __import__(name)
    except ImportError:
        continue
    raise AssertionError(f'{name} is there')
np.savez(out, keypoints=keypoints, scores=scores)
"""

SIGNALLED = """
import faulthandler, signal, subprocess, sys
from hrnet_ext.export.runtime import PoseSession

faulthandler.enable()  # as pytest does: handlers get a stack of their own
signal.signal(signal.SIGCHLD, lambda *_: None)  # as PyTorch's data loaders do
sessions = [PoseSession(sys.argv[1], 'openvino') for _ in range(2)]
while sessions:
    del sessions[0]
subprocess.run([sys.executable, '-c', ''])
"""


@pytest.fixture(scope='module')
def exported(tmp_path_factory) -> tuple[Path, torch.nn.Module, Metadata]:
    pytest.importorskip('onnx', reason='onnx is not installed')
    pytest.importorskip('onnxruntime', reason='onnxruntime is not installed')
    return export(small_config(), tmp_path_factory.mktemp('exported'))


@pytest.fixture
def session(exported) -> PoseSession:
    return PoseSession(exported[0], 'onnxruntime', num_threads=1)


def bare_site(folder: Path, *distributions: str) -> Path:
    """A folder with links to what some distributions installed, and to our package."""
    for name in distributions:
        for file in importlib.metadata.files(name) or ():
            top = file.parts[0]
            if top not in ('..', '__pycache__') and not (folder / top).exists():
                (folder / top).symlink_to(file.locate().parents[len(file.parts) - 1] / top)
    (folder / 'hrnet_ext').symlink_to(ROOT / 'hrnet_ext')
    return folder


def opencv() -> str:
    owners = importlib.metadata.packages_distributions()
    return owners['cv2'][0]


@pytest.mark.parametrize(
    ('backend', 'distributions'),
    [
        pytest.param('onnxruntime', ['onnxruntime'], marks=with_onnxruntime),
        pytest.param('openvino', ['openvino'], marks=with_openvino),
    ],
)
def test_it_runs_where_neither_torch_nor_openmmlab_is_installed(
    exported, tmp_path, backend, distributions
):
    (tmp_path / 'site').mkdir()
    site = bare_site(tmp_path / 'site', 'numpy', opencv(), *distributions)
    np.save(tmp_path / 'image.npy', picture())
    script = f'import sys; sys.path.append({str(site)!r})\n{SCRIPT}'
    files = [exported[0], backend, tmp_path / 'image.npy', tmp_path / 'out.npz']
    done = subprocess.run(
        [sys.executable, '-I', '-S', '-c', script, *map(str, files)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    there = np.load(tmp_path / 'out.npz')
    here = PoseSession(exported[0], backend)(picture(), [[10, 5, 90, 110], [60, 5, 150, 110]])
    np.testing.assert_allclose(there['keypoints'], here[0], atol=1e-3)
    np.testing.assert_allclose(there['scores'], here[1], rtol=1e-5)


def test_poses_are_those_of_mmposes_test_step(exported, session):
    from hrnet_ext.apis import PoseInferencer

    _, model, _ = exported
    cfg = small_config()
    inferencer = PoseInferencer(cfg, 'random', 'cpu', optimize='off')
    inferencer.model.load_state_dict(model.state_dict())
    boxes = random_boxes(9)[:, :4]
    wanted, wanted_scores = inferencer.estimate(picture(), boxes)
    keypoints, scores = session(picture(), boxes)
    apart = np.abs(keypoints - wanted).max(-1)
    assert (apart < 2e-3).mean() > 0.98  # image pixels; the rest are ties of random heatmaps
    np.testing.assert_allclose(scores, wanted_scores, rtol=1e-3, atol=1e-4)
    assert keypoints.dtype == scores.dtype == np.float32
    assert keypoints.shape == (9, 17, 2)


def test_a_batch_is_split_and_joined(exported):
    boxes = random_boxes(7)[:, :4]
    whole = PoseSession(exported[0], 'onnxruntime', num_threads=1)(picture(), boxes)
    split = PoseSession(exported[0], 'onnxruntime', num_threads=1, batch_size=3)(picture(), boxes)
    np.testing.assert_allclose(split[1], whole[1], rtol=1e-4)
    assert split[0].shape == whole[0].shape


@pytest.mark.parametrize(
    'backend',
    [
        pytest.param('onnxruntime', marks=with_onnxruntime),
        pytest.param('openvino', marks=with_openvino),
    ],
)
def test_a_fixed_batch_is_filled_up_and_gives_the_same(exported, backend):
    crops = random_crops(exported[2], 6)
    options = {'backend': backend, 'num_threads': 1}
    fixed = PoseSession(exported[0], **options, batch_size=4, fixed_batch=True)
    keypoints, scores = PoseSession(exported[0], **options).estimate(crops)
    for num in (1, 4, 6):
        found = fixed.estimate(crops[:num])
        apart = np.abs(found[0] - keypoints[:num]).max(-1)
        assert found[0].shape == (num, 17, 2)
        assert (apart < 1e-3).mean() > 0.9  # the rest are ties of random heatmaps
        np.testing.assert_allclose(found[1], scores[:num], rtol=1e-4, atol=1e-5)
    assert fixed.estimate(crops[:0])[0].shape == (0, 17, 2)


@with_openvino
@pytest.mark.parametrize(
    ('capabilities', 'device', 'limit', 'half'),
    [
        (['BF16', 'FP32', 'FP16'], 'CPU', '', 'bf16'),
        (['FP32', 'FP16'], 'CPU', '', 'f16'),  # Arm
        (['WINOGRAD', 'FP32', 'INT8'], 'CPU', '', None),  # Cascade Lake
        (['BF16', 'FP32', 'INT8'], 'CPU', 'AVX512_CORE_VNNI', None),  # one that imitates it
        (['BF16', 'FP32', 'FP16'], 'GPU', 'AVX2', 'bf16'),
    ],
)
def test_openvino_takes_the_half_precision_that_is_in_hardware(
    monkeypatch, capabilities, device, limit, half
):
    from hrnet_ext.export.engines import open_vino

    monkeypatch.delenv('DNNL_MAX_CPU_ISA', raising=False)
    monkeypatch.setenv('ONEDNN_MAX_CPU_ISA', limit)
    assert open_vino.best_half(capabilities, device) == half


@with_openvino
def test_half_precision_that_a_cpu_lacks_is_said(exported, monkeypatch):
    from hrnet_ext.export.engines import open_vino

    monkeypatch.setattr(open_vino, 'best_half', lambda capabilities, device: None)
    with pytest.warns(RuntimeWarning, match='OpenVINO computes in fp32: CPU has no half') as found:
        session = PoseSession(exported[0], 'openvino', precision='auto')
    assert found[0].filename == __file__
    crops = random_crops(exported[2], 2)
    plain = PoseSession(exported[0], 'openvino').estimate(crops)
    np.testing.assert_array_equal(session.estimate(crops)[1], plain[1])


def test_normalizing_outside_of_the_graph_gives_what_pytorch_normalizes(tmp_path, exported):
    _, model, _ = exported
    path, _, metadata = export(small_config(), tmp_path, model=model, normalizes=False)
    crops = np.random.default_rng(0).integers(0, 256, (3, 128, 96, 3), dtype=np.uint8)
    tensor = torch.from_numpy(crops).permute(0, 3, 1, 2)
    wanted = model.data_preprocessor({'inputs': list(tensor), 'data_samples': []})['inputs']
    session = PoseSession(path, 'onnxruntime', num_threads=1)
    assert not metadata.normalizes
    np.testing.assert_array_equal(session.prepare(crops), wanted.numpy())
    assert session(picture(), [[10, 5, 90, 110]])[0].shape == (1, 17, 2)


def test_no_box_gives_no_pose(session):
    for empty in ([], np.zeros((0, 4)), np.zeros((0, 5))):
        keypoints, scores = session(picture(), empty)
        assert keypoints.shape == (0, 17, 2)
        assert scores.shape == (0, 17)


def test_a_box_may_reach_out_of_the_image_and_carry_a_score(session):
    keypoints, _ = session(picture(), [[-50, -50, 80, 200, 0.9]])
    assert np.isfinite(keypoints).all()


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        (
            picture()[..., :2],
            r'should be .* or \(H, W, 4\) BGRA, uint8, not empty, but is \(120, 160, 2\) uint8',
        ),
        (picture().astype(np.uint16) * 257, r'uint16; convert it by \(image / 257\)'),
        (picture().astype(np.float32), 'float32; scale its values to 0 to 255'),
        (np.zeros((0, 5, 3), np.uint8), r'is \(0, 5, 3\) uint8'),
        ('person.jpg', r'is str; read files by cv2.imread'),
        (None, r'is NoneType; read files by cv2.imread'),
    ],
)
def test_an_image_of_another_kind_is_refused_with_the_cure(session, image, message):
    with pytest.raises(ValueError, match=message):
        session(image, [[10, 5, 90, 110]])


@pytest.mark.parametrize(
    ('boxes', 'message'),
    [
        ([[10, 5, 90, 110], [200, 5, 300, 110]], r'box 1 is outside the image \(160x120\)'),
        ([[-90, 5, 0, 110]], 'box 0 is outside'),
        ([[50, 5, 50, 110]], r'box 0 has no area: \[50.0, 5.0, 50.0, 110.0\]'),
        ([[50, 5, 20, 110]], r'box 0 ends before it begins: .*; give \(x1, y1, x2, y2\)'),
        ([[1, 2, np.nan, 4]], 'box 0: coordinates and score should be finite, but are .*nan'),
        ([[1, 2, 3]], r'boxes should be \(N, 4\), x1 y1 x2 y2, or .* but are \(1, 3\)'),
        ([[1, 2, 3, 4], [1]], 'boxes should be'),
    ],
)
def test_boxes_that_are_none_are_refused_by_number(session, boxes, message):
    with pytest.raises(ValueError, match=message):
        session(picture(), boxes)


def test_crops_of_another_size_are_refused(session):
    with pytest.raises(ValueError, match=r'should be \(B, 128, 96, 3\) uint8.*\(1, 96, 128, 3\)'):
        session.estimate(np.zeros((1, 96, 128, 3), np.uint8))


def test_arguments_are_checked(exported, tmp_path):
    path = exported[0]
    with pytest.raises(ValueError, match='batch_size should be at least 1'):
        PoseSession(path, batch_size=0)
    with pytest.raises(ValueError, match='num_threads should be None or at least 1, but is 0'):
        PoseSession(path, num_threads=0)
    with pytest.raises(ValueError, match='should be True or False, but is 8; batch_size says how'):
        PoseSession(path, fixed_batch=8)
    with pytest.raises(ValueError, match="one of auto, fp32, bf16, fp16, but is 'int4'"):
        PoseSession(path, precision='int4')
    with pytest.raises(ValueError, match='is run by openvino or onnxruntime, not by'):
        PoseSession(path, 'tensorrt')
    with pytest.raises(ValueError, match='ONNX Runtime has no NoneExecutionProvider here, but'):
        PoseSession(path, 'onnxruntime', device='NoneExecutionProvider')
    with pytest.raises(ValueError, match='runs a file in the precision it was written in'):
        PoseSession(path, 'onnxruntime', precision='bf16')
    with pytest.raises(FileNotFoundError, match=r'exported model not found: .*none.onnx'):
        PoseSession(tmp_path / 'none.onnx')
    with pytest.raises(ValueError, match=r'the name should end in \.onnx, \.xml'):
        PoseSession(tmp_path / 'pose.pth')


@with_onnxruntime
def test_onnxruntime_does_not_take_the_cpu_for_a_gpu_unasked(exported, monkeypatch):
    import onnxruntime

    path, _, _ = exported
    wanted = 'CUDAExecutionProvider'
    there = [wanted, 'CPUExecutionProvider']  # as of a build for CUDA, where there is none
    monkeypatch.setattr(onnxruntime, 'get_available_providers', lambda: there)
    monkeypatch.setattr(onnxruntime, 'preload_dlls', lambda: print('Failed to load libcudnn.so.9'))
    with (
        pytest.warns(UserWarning, match=wanted),
        pytest.raises(ValueError, match='Execution') as error,
    ):
        PoseSession(path, 'onnxruntime', device=wanted)
    assert str(error.value) == (
        'ONNX Runtime took CPUExecutionProvider for CUDAExecutionProvider: Failed to load '
        "libcudnn.so.9. pip install 'onnxruntime-gpu[cuda,cudnn]' brings those of its CUDA "
        'version; or leave the device out to run on the CPU'
    )


BACKENDS = [
    pytest.param('onnx', 'onnxruntime', marks=with_onnxruntime),
    pytest.param('onnx', 'openvino', marks=with_openvino),
    pytest.param('torchscript', 'torchscript'),
    pytest.param('torch-export', 'torch-export', marks=pytest.mark.exhaustive),
]


@pytest.fixture(scope='module')
def files(exported, tmp_path_factory) -> Callable[[str], Path]:
    """The model's file in each format, written once."""

    @lru_cache
    def file(name: str) -> Path:
        if name == 'onnx':
            return exported[0]
        return export(small_config(), tmp_path_factory.mktemp(name), name, model=exported[1])[0]

    return file


@pytest.mark.parametrize(('name', 'backend'), BACKENDS)
def test_threads_share_a_session(files, backend, name):
    session = PoseSession(files(name), backend, num_threads=1)
    boxes = [random_boxes(1 + index % 3, index)[:, :4] for index in range(5)]
    wanted = [session(picture(), each) for each in boxes]
    start = threading.Barrier(4)

    def work(_: int) -> list:
        start.wait()
        return [session(picture(), each) for each in boxes]

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(work, range(4)):
            for one, other in zip(found, wanted, strict=True):
                np.testing.assert_array_equal(one[0], other[0])
                np.testing.assert_array_equal(one[1], other[1])


@with_openvino
@pytest.mark.parametrize(
    ('cores', 'num_threads', 'side_by_side'), [(4, 1, 4), (4, 2, 2), (2, 1, 2), (4, None, 1)]
)
def test_openvino_runs_as_many_calls_side_by_side_as_there_are_cores(
    exported, monkeypatch, cores, num_threads, side_by_side
):
    from hrnet_ext.runtimes import open_vino

    monkeypatch.setattr(open_vino, 'usable_cores', lambda: cores)
    model = PoseSession(exported[0], 'openvino', num_threads=num_threads)._engine._model
    requests = [model._take() for _ in range(side_by_side)]  # nobody gives one back
    assert len({id(request) for request in requests}) == side_by_side
    late = threading.Thread(target=lambda: requests.append(model._take()), daemon=True)
    late.start()
    late.join(0.2)
    assert late.is_alive()  # it waits
    model._free.put(requests[0])
    late.join(10)
    assert requests[-1] is requests[0]


@pytest.mark.parametrize(('name', 'backend'), BACKENDS)
def test_a_pickled_session_opens_its_file_again_with_its_options(
    files, monkeypatch, tmp_path, name, backend
):
    path = files(name)
    monkeypatch.chdir(path.parent)
    session = PoseSession(path.name, backend, num_threads=1, batch_size=3, fixed_batch=True)
    content = pickle.dumps(session)
    assert len(content) < 1000
    monkeypatch.chdir(tmp_path)
    again = pickle.loads(content)
    assert again._arguments == session._arguments
    assert again._engine is not session._engine
    assert again._arguments['num_threads'] == 1
    assert (again.batch_size, again.fixed_batch) == (3, True)
    assert copy.deepcopy(session) is session
    boxes = random_boxes(4)[:, :4]
    for one, other in zip(again(picture(), boxes), session(picture(), boxes)):
        np.testing.assert_array_equal(one, other)


@with_openvino
def test_a_session_works_in_another_process(exported):
    session = PoseSession(exported[0], 'openvino', num_threads=1)
    wanted = session(picture(), [[10, 5, 90, 110]])
    with ProcessPoolExecutor(1, multiprocessing.get_context('spawn')) as pool:
        found = pool.submit(session, picture(), [[10, 5, 90, 110]]).result()
    np.testing.assert_array_equal(found[0], wanted[0])


@pytest.mark.parametrize(('name', 'backend'), BACKENDS)
def test_what_a_file_says_of_itself_is_read_without_a_runtime(files, name, backend, monkeypatch):
    metadata = PoseSession(files(name), backend).metadata
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    assert read_metadata(files(name)) == metadata


@with_openvino
def test_openvinos_own_and_converted_files_say_what_they_are(exported, tmp_path):
    import openvino

    from hrnet_ext.runtimes.open_vino import shared_core

    own, _, metadata = export(small_config(), tmp_path, 'openvino', model=exported[1])
    assert read_metadata(own) == metadata
    openvino.save_model(shared_core().read_model(exported[0]), tmp_path / 'theirs.xml')
    assert read_metadata(tmp_path / 'theirs.xml') == metadata


@with_openvino
def test_openvino_names_the_devices_it_has(exported):
    with pytest.raises(ValueError, match=r'OpenVINO has no QUANTUM here, but .*CPU'):
        PoseSession(exported[0], 'openvino', device='QUANTUM')


@with_openvino
def test_a_signal_after_several_sessions_of_openvino_is_survived(exported):
    done = subprocess.run([sys.executable, '-c', SIGNALLED, str(exported[0])], cwd=ROOT)
    assert done.returncode == 0


def test_without_a_runtime_it_says_what_to_install(exported, monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(ImportError, match='needs openvino or onnxruntime, which is not installed'):
        PoseSession(exported[0])


@with_openvino
def test_earlier_names_of_options_still_work_and_warn(exported):
    with pytest.warns(FutureWarning, match='provider is now backend'):
        session = PoseSession(exported[0], provider='openvino')
    assert session.__getstate__()['backend'] == 'openvino'
    with pytest.warns(FutureWarning, match="precision='half' is now precision='auto'"):
        session = PoseSession(exported[0], 'openvino', precision='half')
    assert session.__getstate__()['precision'] == 'auto'


@with_openvino
def test_a_half_precision_that_the_device_lacks_is_named(exported, monkeypatch):
    from hrnet_ext.export.engines import open_vino

    monkeypatch.setattr(open_vino, 'best_half', lambda capabilities, device: 'bf16')
    with pytest.warns(RuntimeWarning, match='OpenVINO computes in fp32: CPU has no fp16'):
        PoseSession(exported[0], 'openvino', precision='fp16')
