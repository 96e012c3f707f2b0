"""HRNets move into another runtime when that pays, if it is right and faster; else they stay."""

import copy
import io
import logging
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import torch

pytest.importorskip('openvino', reason='openvino is not installed')
pytest.importorskip('onnxruntime', reason='onnxruntime is not installed')

from hrnet_ext.acceleration import engines, optimize, trial
from hrnet_ext.acceleration.engines import OptimizedNetwork
from hrnet_ext.acceleration.trial import EngineNetwork
from hrnet_ext.models import HRNet, HRNetV2
from hrnet_ext.runtimes.open_vino import best_half, capabilities_of
from hrnet_ext.runtimes.to_onnx import to_onnx
from tests.test_optimize import WIDTH, difference, images
from tests.test_optimize import network as make_network

ONNX_RUNTIME, OPENVINO = 'ONNX Runtime', 'OpenVINO'
ENGINES = [(OPENVINO, 'fp32'), (ONNX_RUNTIME, 'fp32')]
if best_half(capabilities_of()) == 'bf16':
    ENGINES.append((OPENVINO, 'bf16'))


def network(kind=HRNet, **options):
    """With one module a stage: a third of the time to export it."""
    return make_network(kind, WIDTH, num_modules=(1, 1, 1), **options)


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """The first image is reason enough for a trial."""
    monkeypatch.setattr(trial, 'TRIAL_AFTER', 1)


@pytest.fixture
def fastest(monkeypatch):
    """A function that lets an engine win, whatever its time."""

    def set_fastest(name: str) -> None:
        monkeypatch.setattr(
            trial, '_seconds', lambda calls: {each: float(each != name) for each in calls}
        )

    return set_fastest


@pytest.fixture
def log(mmengine_log):
    mmengine_log.set_level(logging.INFO)
    return mmengine_log


@pytest.mark.parametrize(('size', 'upsample'), [((128, 96), 'nearest'), ((33, 130), 'bilinear')])
@pytest.mark.parametrize(('engine', 'mode'), ENGINES)
@torch.inference_mode()
def test_an_engine_makes_the_maps_of_the_plain_network(fastest, engine, mode, upsample, size):
    fastest(engine)
    plain = network(HRNetV2, upsample=upsample)
    quick = optimize(copy.deepcopy(plain), mode)
    for num in (3, 1, 11):  # the trial's size, a smaller one, and parts
        given = images(num, size)
        assert difference(quick(given), plain(given)) < (1e-4 if mode == 'fp32' else 0.1)
    assert isinstance(quick._engine, engines.EngineRun)


def test_the_log_says_who_runs_the_network_and_why(fastest, log):
    fastest(ONNX_RUNTIME)
    optimize(network())(images())
    (line,) = [each for each in log.messages if 'will run the network' in each]
    assert line.startswith('ONNX Runtime will run the network: ms per image of 96x128')
    assert 'OpenVINO 500.0, ONNX Runtime 0.0, PyTorch 500.0' in line


@pytest.mark.parametrize(
    ('seconds', 'best'),
    [((1, 1.1, 1.2), OPENVINO), ((1, 0.96, 0.97), OPENVINO), ((1, 0.8, 0.79), ONNX_RUNTIME)],
)
def test_among_equals_the_first_is_chosen(seconds, best):
    assert trial._choose(dict(zip((OPENVINO, ONNX_RUNTIME, trial.PYTORCH), seconds))) == best


def test_pytorch_stays_where_it_is_faster(fastest):
    fastest(trial.PYTORCH)
    quick = optimize(network())
    quick(images())
    assert quick._is_settled
    assert quick._engine is None


@pytest.mark.parametrize('fault', [lambda x: x * 1.001, lambda x: x * torch.nan, lambda x: x[:1]])
def test_an_engine_with_other_maps_is_refused(fastest, log, monkeypatch, fault):
    run = engines.EngineRun.__call__
    monkeypatch.setattr(
        engines.EngineRun, '__call__', lambda self, x: [fault(each) for each in run(self, x)]
    )
    fastest(OPENVINO)
    plain = network()
    with torch.no_grad():
        assert difference(optimize(plain)(images(3)), plain(images(3))) < 1e-4
    for name in (OPENVINO, ONNX_RUNTIME):
        assert f'{name} cannot run this network: its maps differ by' in log.text


def test_a_broken_runtime_leaves_the_others(fastest, log, monkeypatch):
    monkeypatch.setattr(engines, '_in_openvino', lambda *_: 1 / 0)
    fastest(ONNX_RUNTIME)
    quick = optimize(network())
    quick(images())
    assert 'OpenVINO cannot run this network: division by zero' in log.text
    assert isinstance(quick._engine, engines.EngineRun)


@pytest.mark.parametrize('mode', ['fp32', 'bf16'])
@pytest.mark.parametrize('there', [[], ['onnx'], ['openvino', 'onnxruntime']], ids=str)
def test_without_runtimes_pytorch_runs_it_and_names_the_cure(log, monkeypatch, mode, there):
    monkeypatch.setattr(engines, 'find_spec', lambda name: name in there or None)
    assert type(optimize(network(), mode)) is OptimizedNetwork
    assert 'with openvino and onnx installed' in log.text


def test_a_network_that_cannot_be_exported_stays_in_pytorch(log, monkeypatch):
    monkeypatch.setattr(trial, 'to_onnx', lambda *_, **__: 1 / 0)
    plain = network()
    quick, given = optimize(copy.deepcopy(plain)), images()
    with torch.no_grad():
        for _ in range(2):
            assert difference(quick(given), plain(given)) < 1e-4
    assert quick._engine is None
    assert log.text.count('WARNING') == 1
    assert log.text.count('it cannot be exported to ONNX: division by zero') == 1


def test_ctrl_c_during_the_export_is_not_lost(monkeypatch):
    def export(*_, **__):
        with suppress(KeyboardInterrupt):  # as PyTorch's C++ code does
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.1)

    monkeypatch.setattr(torch.onnx, 'export', export)
    with pytest.raises(KeyboardInterrupt):
        to_onnx(network(), images(), io.BytesIO(), takes='images', gives=['map'])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_few_images_wait_for_nothing(fastest, monkeypatch):
    monkeypatch.setattr(trial, 'TRIAL_AFTER', 5)
    fastest(OPENVINO)
    quick = optimize(network())
    sizes = [(2, (64, 64)), (2, (64, 64)), (4, (96, 64)), (0, (96, 64))]
    for num, size in sizes:  # never five of one size
        quick(images(num, size))
        assert quick._engine is None
    quick(images(1, (96, 64)))
    assert quick._engine is not None


def test_images_of_another_size_go_through_pytorch(fastest):
    fastest(OPENVINO)
    plain = network()
    quick = optimize(copy.deepcopy(plain))
    with torch.no_grad():
        for size in ((96, 64), (64, 96), (96, 64)):
            assert difference(quick(images(2, size)), plain(images(2, size))) < 1e-4


def test_an_engine_has_pytorch_s_number_of_threads(fastest, monkeypatch):
    from hrnet_ext.runtimes import onnx_runtime, open_vino

    seen = []
    for module, name in ((open_vino, 'OpenVinoModel'), (onnx_runtime, 'OnnxRuntimeModel')):
        made = getattr(module, name)
        monkeypatch.setattr(
            module,
            name,
            lambda *args, made=made, **how: seen.append(how['num_threads']) or made(*args, **how),
        )
    optimize(network())(images())
    assert seen == [torch.get_num_threads()] * 3  # OpenVINO twice: for this batch and for any


@pytest.mark.parametrize('engine', [OPENVINO, ONNX_RUNTIME])
def test_copies_and_threads_share_an_engine(fastest, engine):
    fastest(engine)
    quick = optimize(network())
    wanted = [quick(images(num)) for num in range(1, 9)]
    twin = copy.deepcopy(quick)
    assert twin._engine._model is quick._engine._model
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda num: twin(images(num)), range(1, 9)))
    for a, b in zip(found, wanted):
        assert difference(a, b) == 0


def test_an_engine_network_is_what_hrnets_get_on_a_cpu():
    assert isinstance(optimize(network()), EngineNetwork)
