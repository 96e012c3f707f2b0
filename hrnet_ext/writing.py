"""Write files atomically: a full disk or a crash never destroys an earlier file."""

import errno
import json
import math
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PARTIAL_SUFFIX = '.partial'
ELSEWHERE = 'another folder (--work-dir, --out-dir, --out)'


def write_atomically(path: str | os.PathLike[str], content: bytes | memoryview) -> None:
    """Write a file under a temporary name in the same folder, then rename it.

    Readers see the old file or the new one, never a part of it; on failure the old one stays and
    the part is removed.

    Args:
        path: Where to; its folder is made where missing.
        content: All of it.

    Raises:
        OSError: With the file, the cause and the free space; its class and errno are the cause's.
    """
    path = Path(path)
    partial = path.with_name(f'.{path.name}{PARTIAL_SUFFIX}')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open('wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        _remove_if_there(partial)
        raise _explain(error, path, len(content)) from error
    except BaseException:  # also after an interruption, no partial file is left
        _remove_if_there(partial)
        raise
    _sync_folder(path.parent)


def write_json(path: str | os.PathLike[str], content: Any, *, indent: int | None = None) -> None:
    """Write a JSON file atomically; NaN and infinity, which JSON does not have, become null.

    Args:
        path: Where to; its folder is made where missing.
        content: What JSON can hold.
        indent: Blanks per level; None for one line.

    Raises:
        OSError: As :func:`write_atomically`.
    """
    write_atomically(path, f'{to_json(content, indent=indent)}\n'.encode())


def to_json(content: Any, *, indent: int | None = None) -> str:
    """Valid JSON text; NaN and infinity become null, numpy's numbers and arrays plain ones.

    Args:
        content: The content.
        indent: Blanks per level; None for one line.
    """
    separators = (',', ':') if indent is None else None
    options = {'indent': indent, 'separators': separators, 'allow_nan': False}
    try:
        return json.dumps(content, **options)
    except (ValueError, TypeError):  # copied only if necessary: predictions are millions of numbers
        return json.dumps(_plain(content), **options)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if hasattr(value, 'tolist'):  # arrays and numbers of numpy, without importing it
        return _plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def check_writable(folder: str | os.PathLike[str]) -> None:
    """Check that a folder is writable; it is created if needed.

    Raises:
        OSError: With the folder and the cause.
    """
    probe = Path(folder) / f'.write_test_{os.getpid()}'
    write_atomically(probe, b'')
    probe.unlink()


def _explain(error: OSError, path: Path, size: int) -> OSError:
    kept = f' The earlier {path.name} is untouched.' if _exists(path) else ''
    cure = {
        errno.ENOSPC: f'Free some space there, or choose {ELSEWHERE}.',
        errno.EDQUOT: f'Your quota is used up; free some space or choose {ELSEWHERE}.',
        errno.EFBIG: 'The file-size limit (ulimit -f) or the file system does not allow it.',
    }.get(error.errno, f'Choose {ELSEWHERE} that you can write to.')
    return OSError(
        error.errno,
        f'Cannot write {path} ({size:,} bytes): {error.strerror or error}; '
        f'{_free_space(path)}.{kept} {cure}',
    )


def _free_space(path: Path) -> str:
    for folder in path.parents:
        try:
            free = shutil.disk_usage(folder).free
        except OSError:
            continue
        return f'{free:,} bytes are free in {folder}'
    return 'free space unknown'


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # the folder may not be readable
        return False


def _remove_if_there(path: Path) -> None:
    try:
        path.unlink()
    except OSError:
        return


def _sync_folder(folder: Path) -> None:
    """Make the renaming survive a power cut, if the system supports it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows cannot open folders
        return
    try:
        os.fsync(descriptor)
    except OSError:
        return  # some network file systems do not support it; the file itself is already safe
    finally:
        os.close(descriptor)
