"""Optimize a trained model for inference: with one call, or by a hook in a config."""

from __future__ import annotations

import copy
from types import MethodType
from typing import Any, NoReturn

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from hrnet_ext.acceleration.modes import Mode, check_mode, choose_mode
from hrnet_ext.acceleration.preparing import prepare
from hrnet_ext.models import HRNet
from hrnet_ext.registry import HOOKS

OPTIMIZED = 'hrnet_ext_mode'  # attribute of optimized models


def optimize(model: nn.Module, mode: str | bool = 'fp32') -> nn.Module:
    """Prepare a trained model for inference, in place.

    Its backbone is replaced: batch norms are folded into convolutions, and the network runs in the
    memory layout, precision and batch sizes that suit the device. Modules after the backbone get
    float32 maps and are not changed. On a CPU, after 64 images of one size, an HRNet switches to
    OpenVINO or ONNX Runtime if one is installed and faster; other networks stay in PyTorch.

    Args:
        model: A pose estimator, detector or segmentor of OpenMMLab, or a bare backbone.
        mode: Precision and compilation, with their effect on accuracy:

            - ``'off'`` (or False): as it is.
            - ``'fp32'`` (or True): rearranged; heatmaps change by less than 1e-4 of their maximum.
              Where a GPU multiplies in TF32 (cuDNN's default since Ampere), this and the plain
              network round differently: by less than 1e-2.
            - ``'bf16'``, and on GPUs ``'fp16'``: half the precision; keypoints change by less than
              0.1 input pixels in the median, AP by less than 0.2 points.
            - each with ``'+compile'``, as in ``'bf16+compile'``: compiled by PyTorch when it first
              meets a size of batch, which costs no accuracy. For GPUs, and for networks other
              than HRNets.
            - ``'auto'``: bf16, fp16 or fp32, whatever the device is best at.

    Returns:
        The model to use: the same object, or the replacement of a bare backbone. It can neither be
        trained nor saved. With mode ``'off'`` it is unchanged. If it cannot be optimized, a warning
        is logged and only evaluation mode is set.

    Raises:
        ValueError: If there is no such mode, the device cannot run it, or the model was optimized
            before.
    """
    device = next((value.device for value in model.parameters()), None)
    if device is None or hasattr(model, OPTIMIZED):
        raise ValueError(
            f'this {type(model).__name__} has no weights, or was optimized before; optimize a '
            'model as it was built and loaded'
        )
    chosen = choose_mode(mode, device)
    if chosen.dtype is None:
        return model
    model.eval()
    prepared = [(name, _prepared(each, chosen, model)) for name, each in _backbones(model)]
    if all(quick is None for _, quick in prepared):
        return model  # as it was: it can be trained and saved
    for name, quick in prepared:
        if quick is None:
            continue
        if name:
            model.set_submodule(name, quick)
        else:
            model = quick
    if hasattr(model, 'joins_flip_test'):
        model.joins_flip_test = True
    return _guarded(model, str(mode))


def _backbones(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The modules to prepare, by name: the HRNets; else the backbone; else the model itself."""
    found = [(name, module) for name, module in model.named_modules() if isinstance(module, HRNet)]
    if not found and isinstance(getattr(model, 'backbone', None), nn.Module):
        found = [('backbone', model.backbone)]
    return found or [('', model)]


def _prepared(network: nn.Module, mode: Mode, model: nn.Module) -> nn.Module | None:
    """The replacement of a network; None if it cannot be prepared."""
    decoder = getattr(getattr(model, 'head', None), 'decoder', None)
    size = getattr(decoder, 'input_size', None)
    try:
        return prepare(network, mode, input_size=size)
    except Exception as error:  # whatever a foreign network does on the way: it can do without
        print_log(
            f'{type(network).__name__} runs as it is, not optimized: {error}', 'current', level=30
        )
        return None


def _guarded(model: nn.Module, mode: str) -> nn.Module:
    """The model, with errors for training, saving and loading weights."""
    model.train = MethodType(_only_evaluate, model)
    model.register_state_dict_post_hook(_refuse)  # MMEngine's savers call it, too
    model.register_load_state_dict_pre_hook(_refuse)
    setattr(model, OPTIMIZED, mode)
    return model


def _only_evaluate(model: nn.Module, mode: bool = True) -> nn.Module:
    if mode:
        _refuse()
    return model


def _refuse(*_: object) -> NoReturn:
    raise ValueError(
        'this model was optimized for inference, its weights are folded and rearranged: it can '
        'neither be trained nor saved nor take other weights; build it anew and leave out '
        'optimize, or optimize a copy'
    )


@HOOKS.register_module()
class OptimizeHook(Hook):
    """Run the test loop with an optimized copy of the model; training and validation are untouched.

    Args:
        mode: See :func:`hrnet_ext.optimize`.

    Raises:
        ValueError: If there is no such mode.
    """

    priority = 'VERY_LOW'  # after hooks that exchange weights, such as EMAHook

    def __init__(self, mode: str = 'fp32') -> None:
        self.mode = check_mode(mode)
        self._plain: Any = None

    def before_test_epoch(self, runner: Runner) -> None:
        """Replace the model by an optimized copy."""
        self._plain = runner.model
        model = self._plain.module if is_model_wrapper(self._plain) else self._plain
        runner.model = optimize(copy.deepcopy(model), self.mode)

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Restore the runner's model."""
        runner.model, self._plain = self._plain, None
