"""Read the files of a data set, with errors that name the file and the cure."""

import os
import os.path as osp
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePath

from mmengine.fileio import get

from hrnet_ext.reading import parse_json


def read_json(path: str, what: str) -> object:
    """The content of a JSON file.

    Args:
        path: File to read.
        what: Name of the file and its config key; start of the error message.

    Raises:
        ValueError: If the file is not JSON; names the position.
    """
    return parse_json(get(path), f'{what} `{path}`')


def missing_images(paths: Iterable[str]) -> list[str]:
    """The paths whose file is absent, sorted.

    Lists each folder once instead of checking each file: 0.3 s instead of a minute for COCO on a
    network drive. Paths with a URL scheme are assumed to exist.
    """
    names = defaultdict(set)
    for path in paths:
        if '://' not in path:
            folder, name = os.path.split(path)
            names[folder].add(name)
    missing = []
    for folder, wanted in names.items():
        present = set(os.listdir(folder or '.')) if os.path.isdir(folder or '.') else set()
        missing.extend(str(PurePath(folder, name)) for name in wanted - present)
    return sorted(missing)


def check_images(paths: Iterable[str], key: str, cure: str) -> None:
    """Check that all image files exist.

    Args:
        paths: The images' paths.
        key: Config key of their folder.
        cure: What to do if some are missing.

    Raises:
        FileNotFoundError: If images are missing; gives their number and three paths.
    """
    paths = set(paths)
    missing = missing_images(paths)
    if missing:
        shown = ', '.join(f'`{osp.normpath(path)}`' for path in missing[:3])
        raise FileNotFoundError(
            f'{len(missing)} of {len(paths)} images are missing, such as {shown} ({key}): {cure}'
        )
