"""A training step copies nothing to the device but its batch, and reads nothing from it.

The meta device stands for a GPU: it has shapes and no values, so that reading one raises.
"""

import pytest
import torch
from mmengine.registry import DefaultScope
from mmpose.registry import MODELS
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data._utils.pin_memory import pin_memory

from hrnet_ext.datasets.batches import stack_samples
from tests.references import estimator_config, with_our_types
from tests.test_topdown import batch

META = torch.device('meta')
PREPROCESSOR = {
    'type': 'hrnet_ext.PoseDataPreprocessor',
    'mean': [123.675, 116.28, 103.53],
    'std': [58.395, 57.12, 57.375],
    'bgr_to_rgb': True,
    'non_blocking': True,
}
LABELS = 3  # kinds of labels that KeypointTargets makes


class Copies(TorchDispatchMode):
    """Counts operations that bring values from the host: copies, and lists used as an index."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        on_host = [x for x in args if isinstance(x, torch.Tensor) and x.dim() and x.is_cpu]
        to_device = isinstance(result, torch.Tensor) and result.device == META
        if to_device and (on_host or function is torch.ops.aten.index.Tensor):
            self.found.append(str(function))
        return result


class Constants(TorchFunctionMode):
    """Counts tensors made of numbers on the device, which are copies that the former cannot see."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in (torch.tensor, torch.as_tensor) and kwargs.get('device') == META:
            self.found.append(function.__name__)
        return function(*args, **kwargs)


def build(device: str) -> torch.nn.Module:
    """A small model with its weights on a device, for training."""
    config = with_our_types(estimator_config(8))
    config['data_preprocessor'] = PREPROCESSOR
    with DefaultScope.overwrite_default_scope('mmpose'):
        return MODELS.build(config).train().to(device)


@pytest.fixture
def model():
    return build('meta')


def people(num):
    """As the shipped loaders collate them."""
    samples = batch(num)
    each = zip(samples['inputs'], samples['data_samples'])
    return stack_samples([{'inputs': x, 'data_samples': sample} for x, sample in each])


def test_the_batch_is_all_that_is_copied_to_the_device(model):
    data = people(4)
    with Copies() as copies, Constants() as constants:
        model.data_preprocessor(data, True)
    assert len(copies.found) == 1 + LABELS
    assert constants.found == []
    assert not any('index' in name for name in copies.found)


class Divisions(TorchDispatchMode):
    """Counts divisions, of which normalizing is one."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function is torch.ops.aten.div.Tensor
        return function(*args, **(kwargs or {}))


def test_pictures_in_a_list_are_one_tensor_from_the_device_on(model):
    with Divisions() as divisions:
        found = model.data_preprocessor(batch(4), False)
    assert found['inputs'].shape == (4, 3, 256, 192)
    assert [sample.pad_shape for sample in found['data_samples']] == [(256, 192)] * 4
    assert divisions.count == 1
    uneven = batch(2)
    uneven['inputs'][1] = uneven['inputs'][1][:, :128]
    assert model.data_preprocessor(uneven, False)['inputs'].shape == (2, 3, 256, 192)


@pytest.mark.parametrize('half', [False, True], ids=['fp32', 'bf16'])
def test_a_step_copies_nothing_and_reads_nothing(model, half):
    data = model.data_preprocessor(people(4), True)
    model(**data, mode='loss')  # the codec copies its tables once
    with Copies() as copies, Constants() as constants, torch.autocast('cpu', enabled=half):
        loss, _ = model.parse_losses(model(**data, mode='loss'))
        loss.backward()
    assert copies.found == []
    assert constants.found == []
    assert all(p.grad is not None for p in model.parameters())


def test_the_watchers_see_what_they_watch_for():
    x = torch.zeros(2, 3, device='meta')
    with Copies() as copies, Constants() as constants:
        torch.zeros(2).to('meta')
        x[:, [2, 1, 0]]
        torch.tensor([1, 2], device=x.device)
    assert len(copies.found) == 2
    assert constants.found == ['tensor']


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
def test_a_gpu_is_never_waited_for():
    model = build('cuda')  # anew: `to_empty` leaves the preprocessor where it was, without its mean
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    batch = pin_memory(people(4))

    def step():
        data = model.data_preprocessor(batch, True)
        loss, _ = model.parse_losses(model(**data, mode='loss'))
        loss.backward()
        optimizer.step()

    step()
    torch.cuda.set_sync_debug_mode('error')
    try:
        step()
    finally:
        torch.cuda.set_sync_debug_mode('default')
