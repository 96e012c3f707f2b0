"""Read a config file, with errors that name the file, the line and the cause."""

import os
from pathlib import Path
from types import TracebackType

from mmengine.config import Config

SUFFIXES = ('.py', '.yaml', '.yml', '.json')


def read_config_file(path: str | os.PathLike[str]) -> Config:
    """Read a config.

    Args:
        path: An existing file.

    Raises:
        ValueError: If it is not a config, or it or one of its bases cannot be read.
        OSError, ImportError: If a file or a module that it names cannot be found.
    """
    if not is_config(path):
        raise ValueError(
            f'{path} is no config, which ends in {", ".join(SUFFIXES)}; did you swap config and '
            'checkpoint?'
        )
    try:
        return Config.fromfile(path)
    except (OSError, ImportError):
        raise
    except Exception as error:  # any error of the Python code in it
        file, line = _place(error.__traceback__, str(path))
        line = getattr(error, 'lineno', None) or line
        where = f'{os.path.normpath(file)}, line {line}' if line else os.path.normpath(file)
        reason = error.msg if isinstance(error, SyntaxError) else error
        raise ValueError(f'config {where}: {type(error).__name__}: {reason}') from error


def is_config(path: str | os.PathLike[str]) -> bool:
    """Whether a file's name is that of a config."""
    return Path(path).suffix in SUFFIXES


def _place(traceback: TracebackType | None, path: str) -> tuple[str, int | None]:
    """The file being read when the error occurred, and the line."""
    line = None
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_code.co_filename == path:
            line = traceback.tb_lineno
        # MMEngine's readers call each other, one for each file.
        filename = frame.f_locals.get('filename')
        reads = frame.f_globals.get('__name__', '').startswith('mmengine.config')
        if reads and isinstance(filename, str) and filename != path:
            path, line = filename, None
        traceback = traceback.tb_next
    return path, line
