"""Read a checkpoint without running code from it.

A ``.pth`` is a pickle: reading it the classic way runs whatever its author put inside. Here the
restricted unpickler of PyTorch reads it, with :mod:`hrnet_ext.safe_loading.allow_list` added.
"""

import os
import pickle
import re
import warnings
import zipfile
from pathlib import Path
from typing import IO, Any

import torch
from mmengine.logging import print_log

from hrnet_ext.safe_loading.allow_list import ForbiddenAccessError, allowed_globals
from hrnet_ext.safe_loading.downloading import download
from hrnet_ext.safe_loading.errors import CheckpointError, UnsafeCheckpointError

TRUST_VARIABLE = 'HRNET_EXT_UNSAFE_LOAD'
ZIP_MAGIC = b'PK\x03\x04'
PICKLE_MAGIC = b'\x80'
MAX_SAFETENSORS_HEADER = 100_000_000  # bytes; the limit of the safetensors library
TORCH_MAGIC = bytes.fromhex('6cfc9c46f9206aa85019')  # in files written before torch 1.6
READ_ERRORS = (
    RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError, TypeError, AttributeError,
    AssertionError, pickle.UnpicklingError, zipfile.BadZipFile,
)  # fmt: skip
# PyTorch's messages, torch 2.4 to 2.15; the group is the rejected type.
REFUSALS = (
    re.compile(r'GLOBAL (\S+) was not an allowed global'),
    re.compile(r'unsupported GLOBAL (\S+) whose module'),
    re.compile(r'unrecognized function (.+)'),
    re.compile(r'allowlisted\s+via `add_safe_globals`,? but got (.+)'),
)


def load_checkpoint(
    path_or_url: str | os.PathLike[str],
    map_location: Any = 'cpu',
    *,
    trusted: bool = False,
    folder: str | os.PathLike[str] | None = None,
) -> dict[str, Any]:
    """Load a checkpoint; never runs code from the file.

    Args:
        path_or_url: ``.pth`` of any PyTorch version, ``.safetensors``, or an http(s) URL, which
            is downloaded once, see :func:`hrnet_ext.safe_loading.downloading.download`.
        map_location: Where the tensors go, as in ``torch.load``.
        trusted: Read it with the ordinary unpickler, which runs code in the file. The environment
            variable ``HRNET_EXT_UNSAFE_LOAD=1`` does the same.
        folder: Where downloads are kept; ``None`` is PyTorch's ``$TORCH_HOME/hub/checkpoints``.

    Returns:
        What was saved: a dict of tensors, or one with 'state_dict', 'meta', 'optimizer' ...

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If the file is broken, not a checkpoint, or cannot be downloaded.
        UnsafeCheckpointError: If it contains a type that is not on the allow-list.
    """
    name = os.fspath(path_or_url)
    if name.startswith(('http://', 'https://')):
        path = download(name, folder)
        return _read_path(path, f'{path} (from {name})', map_location, trusted)
    path = Path(name).expanduser()
    if not path.is_file():
        kind = 'is a folder, not a checkpoint' if path.is_dir() else 'does not exist'
        raise FileNotFoundError(f'Checkpoint {name} {kind}')
    return _read_path(path, str(path), map_location, trusted)


def read_checkpoint(
    file: IO[bytes], name: str, map_location: Any = 'cpu', *, trusted: bool = False
) -> Any:
    """Read an open file as a checkpoint; arguments and errors as :func:`load_checkpoint`.

    Args:
        file: Seekable, at its start.
        name: Name of the file in messages.
    """
    _check_container(file, name)
    if _is_safetensors(file):
        return _read_safetensors(file, name, map_location)
    if trusted or os.environ.get(TRUST_VARIABLE, '').lower() in ('1', 'true', 'yes'):
        print_log(f'{name} is trusted: code inside it may run', 'current', level=30)
        return torch.load(file, map_location=map_location, weights_only=False)
    try:
        with torch.serialization.safe_globals(allowed_globals()), warnings.catch_warnings():
            # Other pickle protocols than 2 either work or fail with an error.
            warnings.filterwarnings('ignore', message='Detected pickle protocol')
            return torch.load(file, map_location=map_location, weights_only=True)
    except ForbiddenAccessError as error:
        raise _refusal(name, str(error)) from None
    except READ_ERRORS as error:
        offender = _offender(str(error))
        if offender:
            raise _refusal(name, offender) from None
        raise _broken(file, name, f'is damaged ({_reason(error)})') from error


def _read_path(path: Path, name: str, map_location: Any, trusted: bool) -> dict[str, Any]:
    with path.open('rb') as file:
        checkpoint = read_checkpoint(file, name, map_location, trusted=trusted)
    if not isinstance(checkpoint, dict):
        raise CheckpointError(
            f'{name} holds a {type(checkpoint).__name__}, not a dict of weights; save '
            f'model.state_dict() instead'
        )
    return checkpoint


def _check_container(file: IO[bytes], name: str) -> None:
    """Raise an error if a file is not a checkpoint, or only the beginning of one."""
    start = file.read(512)
    file.seek(0)
    if _is_safetensors(file):
        return
    if start.startswith(ZIP_MAGIC):
        if not zipfile.is_zipfile(file):
            raise _broken(file, name, 'is truncated: its end is missing')
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            members = archive.namelist()
        file.seek(0)
        if any(member.endswith('constants.pkl') for member in members):
            raise _broken(file, name, 'is a TorchScript program, not a checkpoint')
        if not any(member.endswith('data.pkl') for member in members):
            raise _broken(file, name, 'is a zip archive, but not one written by torch.save')
        return
    if start.startswith(PICKLE_MAGIC):
        if TORCH_MAGIC not in start:
            raise _broken(file, name, 'is a pickle, but not one written by torch.save')
        return
    if not start:
        raise _broken(file, name, 'is empty')
    if re.search(rb'<(!doctype|html|head|\?xml)', start, re.IGNORECASE):
        raise _broken(file, name, 'is a web page, not a checkpoint: the download gave an error')
    if start.startswith(b'version https://git-lfs'):
        raise _broken(file, name, 'is a pointer of Git LFS, not the file itself')
    raise _broken(file, name, f'is not a checkpoint: it starts with {start[:16]!r}')


def _is_safetensors(file: IO[bytes]) -> bool:
    """Whether a file begins with the length of a JSON header and its opening brace.

    Asked before the first byte is compared with other formats': the length may begin with any.
    """
    start = file.read(9)
    file.seek(0)
    length = int.from_bytes(start[:8], 'little')
    return start[8:] == b'{' and length <= MAX_SAFETENSORS_HEADER


def _read_safetensors(file: IO[bytes], name: str, map_location: Any) -> dict[str, torch.Tensor]:
    try:
        from safetensors.torch import load
    except ImportError:
        raise CheckpointError(
            f'{name} is a .safetensors file; to read it: pip install safetensors'
        ) from None
    try:
        tensors = load(file.read())
    except Exception as error:  # safetensors raises its own class
        raise _broken(file, name, f'is damaged ({error})') from error
    if map_location is None or callable(map_location) or isinstance(map_location, dict):
        return tensors
    return {key: tensor.to(map_location) for key, tensor in tensors.items()}


def _offender(message: str) -> str | None:
    for pattern in REFUSALS:
        match = pattern.search(message)
        if match:
            return match.group(1).strip().rstrip('.')
    return None


def _reason(error: Exception) -> str:
    """The informative line of a message; PyTorch's messages end with advice about loading."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith('Check the documentation')]
    return lines[-1] if lines else type(error).__name__


def _refusal(name: str, offender: str) -> UnsafeCheckpointError:
    return UnsafeCheckpointError(
        f'{name} is refused: it holds {offender}, which is not among the types of a checkpoint and '
        f'could run code. If you trust whoever made the file, set {TRUST_VARIABLE}=1 or call '
        f'load_checkpoint(..., trusted=True).'
    )


def _broken(file: IO[bytes], name: str, what: str) -> CheckpointError:
    size = file.seek(0, os.SEEK_END)
    return CheckpointError(
        f'{name} ({size:,} bytes) {what}. Delete it and download or copy it again.'
    )
