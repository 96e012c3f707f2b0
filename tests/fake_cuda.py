"""CUDA tensors without values, device or driver: what a GPU would refuse or wait for is seen.

PyTorch's fake tensors know shape, type and device. An operation on tensors of two devices raises
as on a GPU; so does a shape that depends on values. Reading a value is counted, and answered
somehow.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from unittest import mock

import mmengine
import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses import fake_tensor
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    FakeTensor,
    FakeTensorMode,
)
from torch.autograd.graph import Node
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from hrnet_ext.codecs import constants, dark, encoding
from hrnet_ext.engine import optim_wrapper

PACKAGES = ('hrnet_ext', 'mmpose', 'mmengine')
ATEN = torch.ops.aten
CACHES = (
    constants.on_device,
    dark._blur_matrix,
    encoding.gaussian_rows,
    optim_wrapper._torch_fuses,
)


class Crossings(TorchDispatchMode):
    """Counts what goes between host and device, by the function that asks for it.

    Attributes:
        to_device: Copies from the host. Tensors made of numbers are such copies.
        to_host: Copies to the host, and values that are read.
        convolved_in: Number formats of the maps that were convolved.
        made_in: Number formats of all that was made on the device.
    """

    def __init__(self) -> None:
        super().__init__()
        self.to_device: Counter[str] = Counter()
        self.to_host: Counter[str] = Counter()
        self.convolved_in: set[torch.dtype] = set()
        self.made_in: set[torch.dtype] = set()

    def clear(self) -> None:
        """Count from here."""
        for counted in (self.to_device, self.to_host, self.convolved_in, self.made_in):
            counted.clear()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        if function is ATEN._local_scalar_dense.default:
            return self._read(given[0])
        result = function(*args, **(kwargs or {}))
        made = [x for x in tree_leaves(result) if isinstance(x, Tensor) and x.is_cuda]
        self.made_in.update(x.dtype for x in made)
        if function in (ATEN._to_copy.default, ATEN.copy_.default):
            if given[-1].is_cuda and not result.is_cuda:
                self.to_host[_asker()] += 1
            if result.is_cuda and not given[-1].is_cuda:
                self.to_device[_asker()] += 1
        elif function in (ATEN.index.Tensor, ATEN.index_put_.default) and given[0].is_cuda:
            self.to_device[_asker()] += sum(not index.is_cuda for index in given[1:])
            self.to_host[_asker()] += sum(index.dtype is torch.bool for index in given[1:])
        elif function is ATEN.convolution.default:
            self.convolved_in.add(given[0].dtype)
        return result

    def _read(self, number: Tensor) -> bool | float:
        """The number, or what stands for it: 1 or True; False after a copy to the host."""
        self.to_host[_asker()] += number.is_cuda
        try:
            return ATEN._local_scalar_dense.default(number)
        except DataDependentOutputException:
            return number.is_cuda if number.dtype is torch.bool else 1


class FakeMode(FakeTensorMode):
    """PyTorch's, which does not ask again whether there is a driver: here the answer is yes."""

    avoid_device_init = not torch.cuda.is_available()


@contextmanager
def fake_cuda() -> Iterator[Crossings]:
    """Inside, ``'cuda'`` is a device, of fake tensors; gives what counts the crossings."""
    _forget_tables()
    patches: list[tuple[object, str, Callable | str]] = [
        (mmengine.device.utils, 'DEVICE', 'cuda'),
        (torch.cuda, 'is_available', lambda: True),
        (torch.cuda, 'device_count', lambda: 1),
        (torch.cuda, 'device', lambda _: nullcontext()),
        (torch.cuda, 'is_bf16_supported', lambda *_, **__: True),
        (torch.cuda, 'get_device_capability', lambda *_: (9, 0)),  # a H100's
        (torch.cuda, 'is_current_stream_capturing', lambda: False),
        (torch._C, '_current_graph_task_id', lambda: 0),  # checkpointing recomputes once for each
        (Tensor, 'backward', _backward),
        (FakeTensor, 'numpy', _numpy),
        (nn.Module, '_apply', _apply),
    ]
    if FakeMode.avoid_device_init:
        patches.append((fake_tensor, 'init_gpu_context', lambda *_: None))
    crossings = Crossings()
    with ExitStack() as stack:
        for patch in patches:
            stack.enter_context(mock.patch.object(*patch))
        stack.enter_context(FakeMode(allow_non_fake_inputs=True))
        stack.enter_context(crossings)
        yield crossings
    _forget_tables()


def _forget_tables() -> None:
    """What is kept for a device, which is a real one elsewhere."""
    for cache in CACHES:
        cache.cache_clear()


def _apply(module: nn.Module, function: Callable, recurse: bool = True) -> nn.Module:
    """PyTorch's exchanges the contents of tensors, which fake ones do not allow."""
    for child in module.children():
        child._apply(function)
    for name, weight in module._parameters.items():
        if weight is not None:
            fake = nn.Parameter(function(weight.detach()), weight.requires_grad)
            module._parameters[name] = fake
    for name, buffer in module._buffers.items():
        if buffer is not None:
            module._buffers[name] = function(buffer)
    return module


def _numpy(tensor: Tensor) -> np.ndarray:
    """Zeros; the copy to the host that came before was counted."""
    if tensor.is_cuda:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")
    return np.zeros(tensor.shape, str(tensor.dtype).removeprefix('torch.'))


@torch.no_grad()
def _backward(loss: Tensor) -> None:
    """What PyTorch's engine does, which would ask the driver for streams."""
    gradients = {loss.grad_fn: [torch.ones_like(loss)]}
    for node in _in_order(loss.grad_fn):
        if node not in gradients:  # of what gets none
            continue
        if hasattr(node, 'variable'):
            (gradient,) = gradients[node]
            weight = node.variable
            weight.grad = gradient if weight.grad is None else weight.grad + gradient
            continue
        run = node if callable(node) else node.apply  # written in C++, in Python
        found = run(*gradients[node])
        found = found if isinstance(found, tuple) else (found,)
        for (source, index), gradient in zip(node.next_functions, found):
            if source is None or gradient is None:
                continue
            slots = gradients.setdefault(source, [None] * len(source._input_metadata))
            slots[index] = gradient if slots[index] is None else slots[index] + gradient


def _in_order(root: Node) -> list[Node]:
    """The nodes of a graph, each before those that get gradients from it."""
    seen, order, stack = set(), [], [(root, False)]
    while stack:
        node, is_done = stack.pop()
        if is_done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((source, False) for source, _ in node.next_functions if source)
    return order[::-1]


def _asker() -> str:
    """The innermost function of ours or of OpenMMLab's that is being run."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get('__name__', '')
        if name.partition('.')[0] in PACKAGES:
            return f'{name}:{frame.f_code.co_name}'
        frame = frame.f_back
    return 'elsewhere'
