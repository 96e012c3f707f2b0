"""Find a model by path, by the name of a shipped config, or by its name in a model zoo."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

from mmengine.config import Config
from mmengine.infer import BaseInferencer

from hrnet_ext.export.engines import is_exported
from hrnet_ext.paths import config_path
from hrnet_ext.released import RANDOM, released_weights


def find_model(model: Any, weights: str | None) -> tuple[Any, str | None]:
    """The config (or its path) and the weights of a model.

    Args:
        model: A config, a path, the name of a shipped config or of a model in MMPose's zoo, or an
            exported file.
        weights: Path or URL; None takes the released weights; ``'random'`` leaves the network
            untrained.

    Returns:
        The config or its path, and path or URL of the weights; None for random weights.

    Raises:
        FileNotFoundError: If there is no such model.
        ValueError: If no weights are given and none were released.
    """
    if isinstance(model, (str, os.PathLike)) and is_exported(os.fspath(model)):
        from hrnet_ext.export.estimator import exported_config

        return exported_config(os.fspath(model)), None
    config, of_zoo = _find_config(model)
    if weights == RANDOM:
        return config, None
    source = getattr(config, 'filename', None) if not isinstance(config, str) else config
    return config, weights or of_zoo or released_weights(source)


def _find_config(model: Any) -> tuple[Any, str | None]:
    """The config or its path, and the URL of the weights if it is from MMPose's zoo."""
    if not isinstance(model, (str, os.PathLike)):
        return model, None
    name = os.fspath(model)
    if os.path.isfile(name):
        return name, None
    if os.path.basename(name) != name:
        raise FileNotFoundError(f'config file not found: {name}')
    try:
        return config_path(name), None
    except ValueError as error:
        found = from_zoo(name, 'mmpose')
        if found is None:
            raise FileNotFoundError(f'{error}; MMPose has no such model either') from None
        return found


def from_zoo(name: str, scope: str) -> tuple[Config, str] | None:
    """Config and URL of weights of a model by its name or alias; None if there is none.

    Args:
        name: Name or alias in the metafiles of a package.
        scope: The package: ``'mmpose'`` or ``'mmdet'``.
    """
    reader = SimpleNamespace(
        scope=scope
    )  # the only attribute of an inferencer that the method uses
    try:
        return BaseInferencer._load_model_from_metafile(reader, name)
    except ValueError:
        return None
