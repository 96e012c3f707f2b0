"""Command-line options that make training faster, checked and written into the config."""

import argparse
from typing import Any

from mmengine.config import Config

AMP_WRAPPER = 'hrnet_ext.AmpOptimWrapper'
PLAIN_WRAPPERS = ('OptimWrapper', 'AmpOptimWrapper', 'hrnet_ext.OptimWrapper', AMP_WRAPPER)
ESTIMATOR = 'TopdownPoseEstimator'
OUR_ESTIMATOR = f'hrnet_ext.{ESTIMATOR}'


def set_speed(cfg: Config, args: argparse.Namespace) -> None:
    """``--amp``, ``--channels-last``, ``--compile``.

    Raises:
        ValueError: If the config cannot be trained that way.
    """
    take_over_compile(cfg)
    if args.amp:
        set_amp(cfg)
    if args.channels_last:
        set_channels_last(cfg)
    if args.compile:
        set_compile(cfg)


def set_amp(cfg: Config) -> None:
    """Train in the number format that suits the device, see :mod:`hrnet_ext.precision`.

    If the config already has our wrapper, its ``dtype`` is kept.

    Raises:
        ValueError: If the config has an optimizer wrapper of another kind.
    """
    wrapper = _name(cfg.optim_wrapper.get('type', 'OptimWrapper'))
    if wrapper not in PLAIN_WRAPPERS:
        raise ValueError(f'--amp cannot replace optim_wrapper.type={wrapper}')
    cfg.optim_wrapper.type = AMP_WRAPPER


def set_channels_last(cfg: Config) -> None:
    """Keep weights and maps in channels-last order.

    Raises:
        ValueError: If the model does not support it.
    """
    _set_on_model(cfg, '--channels-last', 'channels_last', True)


def set_compile(cfg: Config) -> None:
    """Train through ``torch.compile``, with MMEngine's ``compile=dict(...)`` as its options.

    Raises:
        ValueError: If the model does not support it.
    """
    _set_on_model(cfg, '--compile', 'compile', cfg.get('compile') or True)
    cfg.compile = False


def take_over_compile(cfg: Config) -> None:
    """Let our estimator handle MMEngine's config key ``compile``.

    MMEngine would compile the whole step, including its Python counters, and compile again each
    time one of them changes.
    """
    if cfg.get('compile') and _name(cfg.model.get('type')) == OUR_ESTIMATOR:
        set_compile(cfg)


def _set_on_model(cfg: Config, option: str, key: str, value: Any) -> None:
    kind = _name(cfg.model.get('type'))
    if kind != OUR_ESTIMATOR:
        cure = f'; set model.type={OUR_ESTIMATOR}' if kind.endswith(ESTIMATOR) else ''
        raise ValueError(f'{option} needs a {OUR_ESTIMATOR}, but model.type is {kind}{cure}')
    cfg.model[key] = value


def _name(kind: str | type) -> str:
    return kind if isinstance(kind, str) else kind.__name__
