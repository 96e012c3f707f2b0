"""The settings that results depend on; an interrupted run continues only with equal settings.

Settings are a dict of JSON values. Files are identified by name and content, not by folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from hrnet_ext.engine.config_file import read_config_file


def file_mark(path: str | os.PathLike[str]) -> str:
    """Identify a file or a folder of JSON files by name and content; other text by itself."""
    if os.path.isfile(path):
        return _marked([Path(path)], os.path.basename(path))
    if os.path.isdir(path):
        return _marked(sorted(Path(path).glob('*.json')), Path(path).resolve().name)
    return os.fspath(path)


def config_mark(config: str | Config) -> str:
    """Identify a config by its name and all its settings, including those of its bases.

    Args:
        config: A config or its file; other text stands for itself.
    """
    if not isinstance(config, Config):
        if not os.path.isfile(config):
            return config
        config = read_config_file(config)
    text = json.dumps(config.to_dict(), sort_keys=True, default=str)
    name = os.path.basename(config.filename or 'config')
    return f'{name} ({hashlib.sha256(text.encode()).hexdigest()[:12]})'


def check_same(before: Mapping[str, Any], now: Mapping[str, Any], what: str, cure: str) -> None:
    """Check that earlier results were made under the same settings.

    Args:
        before: Settings of the earlier results.
        now: Settings of this run.
        what: Description of the results, for the message.
        cure: What to do if they differ, for the message.

    Raises:
        ValueError: If they differ; the message lists the differences.
    """
    changes = [
        f'{key} {before.get(key)!r} -> {value!r}'
        for key, value in now.items()
        if before.get(key) != value
    ]
    if changes:
        raise ValueError(f'{what} with other settings ({", ".join(changes)}); {cure}')


def _marked(files: list[Path], name: str) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return f'{name} ({digest.hexdigest()[:12]})'
