"""Which pose model a user means: a config, one that is shipped, or one of a model zoo."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

from mmengine.config import Config
from mmengine.infer import BaseInferencer

from hrnet_ext.export.engines import is_exported
from hrnet_ext.paths import config_path


def find_model(model: Any, weights: str | None) -> tuple[Any, str | None]:
    """Config (or its path) and weights of a model.

    Args:
        model: A config, a path, the name of a shipped config, or of a model in MMPose's zoo; or an
            exported file.
        weights: Path or URL; None takes the zoo's for a model of the zoo.

    Raises:
        FileNotFoundError: If there is no such model.
    """
    if not isinstance(model, (str, os.PathLike)):
        return model, weights
    name = os.fspath(model)
    if is_exported(name):
        from hrnet_ext.export.configs import exported_config

        return exported_config(name), None
    if os.path.isfile(name):
        return name, weights
    if os.path.basename(name) != name:
        raise FileNotFoundError(f'config file not found: {name}')
    try:
        return config_path(name), weights
    except ValueError as error:
        found = from_zoo(name, 'mmpose')
        if found is None:
            raise FileNotFoundError(f'{error}; nor has MMPose such a model') from None
        return found[0], weights or found[1]


def from_zoo(name: str, scope: str) -> tuple[Config, str] | None:
    """Config and URL of weights of a model by its name or alias; None if there is no such.

    Args:
        name: As in the metafiles that a package ships.
        scope: The package: ``'mmpose'``, ``'mmdet'``.
    """
    reader = SimpleNamespace(scope=scope)  # all that the method reads of an inferencer
    try:
        return BaseInferencer._load_model_from_metafile(reader, name)
    except ValueError:
        return None
