"""The released weights of the shipped configs, as ``model-index.yml`` names them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from mmengine.logging import print_log

from hrnet_ext.paths import config_path, metafile_paths

RANDOM = 'random'  # in place of weights: leave the network untrained


@dataclass(frozen=True)
class ReleasedModel:
    """A trained model that can be downloaded.

    Attributes:
        name: Name of its config.
        url: Where its weights are.
        dataset: What it was trained on.
        input_size: For people to read, height x width.
        parameters: In millions.
        multiply_adds: In billions (2**30), for one crop.
        metrics: Results of the model card on the validation set.
    """

    name: str
    url: str
    dataset: str
    input_size: str
    parameters: float
    multiply_adds: float
    metrics: MappingProxyType[str, Any]

    def describe_result(self) -> str:
        """The first metric, such as ``AP 0.749 on COCO``."""
        name, value = next(iter(self.metrics.items()))
        return f'{name} {value} on {self.dataset}'


@cache
def released_models() -> MappingProxyType[str, ReleasedModel]:
    """All released models by the name of their config, in the order of the metafiles."""
    found = {}
    for path in metafile_paths():
        for model in yaml.safe_load(Path(path).read_text())['Models']:
            if 'Weights' in model:
                found[model['Name']] = _read(model)
    return MappingProxyType(found)


def find_released(config: str | os.PathLike[str] | None) -> ReleasedModel | None:
    """The released model of a shipped config; None if there is none.

    Args:
        config: Path or name of the config. A copy with the same content is accepted, because there
            may be a checkout beside an installed package.
    """
    model = released_models().get(Path(config).stem) if config else None
    return model if model is not None and _is_shipped(Path(config)) else None


def released_weights(config: str | os.PathLike[str] | None) -> str:
    """The URL of the released weights of a shipped config; a log line names them.

    Args:
        config: As in :func:`find_released`.

    Raises:
        ValueError: If none were released for it. The message lists the configs that have some.
    """
    model = find_released(config)
    if model is None:
        raise ValueError(
            f'no weights are given, and none were released for {config or "this config"}. Give a '
            f'checkpoint. Configs with released weights: {", ".join(released_models())}'
        )
    print_log(f'weights of {model.name}, {model.describe_result()}: {model.url}', 'current')
    return model.url


def _is_shipped(config: Path) -> bool:
    shipped = Path(config_path(config.stem))
    return not config.is_file() or config.read_bytes() == shipped.read_bytes()


def _read(model: dict[str, Any]) -> ReleasedModel:
    metadata = model['Metadata']
    (result,) = model['Results']
    return ReleasedModel(
        name=model['Name'],
        url=model['Weights'],
        dataset=result['Dataset'],
        input_size=metadata['Input Size'].split()[0],
        parameters=metadata['Parameters (M)'],
        multiply_adds=metadata['Multiply-adds (G)'],
        metrics=MappingProxyType(result['Metrics']),
    )
