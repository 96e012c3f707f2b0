"""The released weights of the shipped configs, as ``model-index.yml`` names them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

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


@cache
def released_models() -> MappingProxyType[str, ReleasedModel]:
    """All released models by the name of their config, in the order of the metafiles."""
    found = {}
    for path in metafile_paths():
        for model in yaml.safe_load(Path(path).read_text())['Models']:
            if 'Weights' in model:
                found[model['Name']] = _read(model)
    return MappingProxyType(found)


def released_weights(config: str | os.PathLike[str] | None) -> str:
    """The URL of the weights that were released for a shipped config.

    Args:
        config: Its path or name. A copy with the same content is accepted, for there may be a
            checkout beside an installed package.

    Raises:
        ValueError: If none were released for it. The message lists for which configs there are
            some.
    """
    model = released_models().get(Path(config).stem) if config else None
    if model is not None and _is_shipped(Path(config)):
        return model.url
    raise ValueError(
        f'no weights are given, and none were released for {config or "this config"}. Give a '
        f"checkpoint, or '{RANDOM}' for random weights. Configs with released weights: "
        f'{", ".join(released_models())}'
    )


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
