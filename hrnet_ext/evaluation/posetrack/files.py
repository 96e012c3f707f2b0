"""Folders with a JSON file per video, written whole or not at all."""

from collections.abc import Mapping
from pathlib import Path

from hrnet_ext.atomic_folder import atomic_folder
from hrnet_ext.evaluation.posetrack.predictions import FORMAT
from hrnet_ext.writing import write_json

MARK = f'{{"info":{{"format":"{FORMAT}"'.encode()  # how files of predictions begin


def write_sequences(
    folder: str | Path, sequences: Mapping[str, Mapping], *, replace: bool = False
) -> None:
    """Write a JSON file for each video.

    Args:
        folder: Where to; made.
        sequences: Their content, by name.
        replace: Whether earlier JSON files there may be replaced, whatever they hold; earlier
            predictions always are.

    Raises:
        ValueError: If the folder holds anything else.
        OSError: If it cannot be written; an earlier folder is still there then.
    """
    folder = Path(folder)
    check_replaceable(folder, replace=replace)
    with atomic_folder(folder, replace=folder.exists()) as work:
        for name, content in sequences.items():
            write_json(work / f'{name}.json', content)


def write_beside(prefix: str | Path, sequences: Mapping[str, Mapping]) -> None:
    """Write a JSON file for each video into the folder that ``prefix`` is in, as MMPose does.

    Raises:
        ValueError: If it holds another file of such a name.
        OSError: If one cannot be written.
    """
    files = {Path(prefix).parent / f'{name}.json': one for name, one in sequences.items()}
    for file in files:
        if file.exists() and not _may_go(file, replace=False):
            raise ValueError(
                f'`{file}` exists and is no prediction written here before; choose another '
                'outfile_prefix, or remove it'
            )
    for file, content in files.items():
        write_json(file, content)


def check_replaceable(folder: str | Path, *, replace: bool = False) -> None:
    """Check that :func:`write_sequences` may write to a folder.

    Raises:
        ValueError: If it holds something that would be lost, or is a file.
    """
    folder = Path(folder)
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ValueError(f'`{folder}` is a file, where a folder is to be made; choose another name')
    other = next((file for file in sorted(folder.iterdir()) if not _may_go(file, replace)), None)
    if other is not None:
        raise ValueError(
            f'`{folder}` holds `{other.name}`, which are no predictions written here before; '
            'choose another name, or remove it'
        )


def _may_go(file: Path, replace: bool) -> bool:
    """Whether a file may be lost."""
    if file.suffix != '.json' or not file.is_file():
        return False
    if replace:
        return True
    with file.open('rb') as opened:
        return opened.read(len(MARK)) == MARK
