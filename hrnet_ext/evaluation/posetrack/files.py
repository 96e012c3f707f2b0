"""Folders with a JSON file per video, written atomically."""

from collections.abc import Mapping
from pathlib import Path

from hrnet_ext.atomic_folder import atomic_folder
from hrnet_ext.evaluation.posetrack.predictions import FORMAT
from hrnet_ext.writing import write_json

MARK = f'{{"info":{{"format":"{FORMAT}"'.encode()  # the first bytes of prediction files


def write_sequences(
    folder: str | Path, sequences: Mapping[str, Mapping], *, replace: bool = False
) -> None:
    """Write a JSON file for each video.

    Args:
        folder: Output folder; created if needed.
        sequences: Content of the files, by sequence name.
        replace: Whether any JSON files in the folder may be replaced; earlier predictions
            always are.

    Raises:
        ValueError: If the folder contains other files.
        OSError: If it cannot be written; an existing folder is kept then.
    """
    folder = Path(folder)
    check_replaceable(folder, replace=replace)
    with atomic_folder(folder, replace=folder.exists()) as work:
        for name, content in sequences.items():
            write_json(work / f'{name}.json', content)


def write_beside(prefix: str | Path, sequences: Mapping[str, Mapping]) -> None:
    """Write a JSON file for each video into the parent folder of ``prefix``, as MMPose does.

    Raises:
        ValueError: If a file of that name exists and is not an earlier prediction.
        OSError: If one cannot be written.
    """
    files = {Path(prefix).parent / f'{name}.json': one for name, one in sequences.items()}
    for file in files:
        if file.exists() and not _may_go(file, replace=False):
            raise ValueError(
                f'`{file}` exists and is not an earlier prediction; choose another '
                'outfile_prefix, or remove it'
            )
    for file, content in files.items():
        write_json(file, content)


def check_replaceable(folder: str | Path, *, replace: bool = False) -> None:
    """Check that :func:`write_sequences` may write to a folder.

    Raises:
        ValueError: If it contains files that would be lost, or is a file.
    """
    folder = Path(folder)
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ValueError(f'`{folder}` is a file, but a folder is needed; choose another name')
    other = next((file for file in sorted(folder.iterdir()) if not _may_go(file, replace)), None)
    if other is not None:
        raise ValueError(
            f'`{folder}` contains `{other.name}`, which is not an earlier prediction; '
            'choose another name, or remove it'
        )


def _may_go(file: Path, replace: bool) -> bool:
    """Whether a file may be replaced."""
    if file.suffix != '.json' or not file.is_file():
        return False
    if replace:
        return True
    with file.open('rb') as opened:
        return opened.read(len(MARK)) == MARK
