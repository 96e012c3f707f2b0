"""What results depend on, kept with them so that an interrupted run goes on under the same.

Settings are a dict of JSON values. Files are told apart by name and content, wherever they are.
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
    """A file, or a folder of JSON files, by its name and content; what is no file as it stands."""
    if os.path.isfile(path):
        return _marked([Path(path)], os.path.basename(path))
    if os.path.isdir(path):
        return _marked(sorted(Path(path).glob('*.json')), Path(path).resolve().name)
    return os.fspath(path)


def config_mark(config: str | Config) -> str:
    """A config by its name and all its settings, those of its bases included.

    Args:
        config: A config, or its file; a name that is no file stands for itself.
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
        now: Those of this run.
        what: The results, for the message.
        cure: What to do if they are not the same.

    Raises:
        ValueError: If they are not; names what differs.
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
