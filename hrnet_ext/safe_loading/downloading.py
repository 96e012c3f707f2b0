"""Download weights once, whole and verified.

    URL --mirror--> partial file --length, hash--> file in PyTorch's cache

A name such as ``net-1a2b3c4d.pth`` (PyTorch's convention) or ``net-1a2b3c4d_20200708.pth``
(OpenMMLab's) contains the first digits of the file's SHA-256. Such a file is verified, and its
download continues after an interruption.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlparse
from urllib.request import Request, urlopen

import torch
from mmengine.logging import print_log

from hrnet_ext.progress import progress_bar
from hrnet_ext.safe_loading.errors import CheckpointError

MIRROR_VARIABLE = 'HRNET_EXT_MIRROR'
HASHED_NAME = re.compile(r'-([0-9a-f]{8,})(_\d{8})?\.\w+$')
SECONDS_WITHOUT_DATA = 30
NUM_ATTEMPTS = 3
CHUNK = 1 << 20  # bytes
CUT = (TimeoutError, ConnectionError, HTTPException)


def download(url: str, folder: str | os.PathLike[str] | None = None) -> Path:
    """Find the file of a URL in PyTorch's cache, or download it there.

    The cache is shared with PyTorch and MMPose if the name contains a hash. Otherwise a hash of the
    URL is added to the name, because every model hub has a ``model.safetensors``. If several
    processes ask for one file, the first one downloads it and the others wait.

    Args:
        url: An http(s) address whose last part is the file name.
        folder: Another cache; ``None`` is ``$TORCH_HOME/hub/checkpoints``.

    Returns:
        The path of the complete file.

    Raises:
        CheckpointError: If the file cannot be downloaded, or is not the one that its name promises.
            The message says where to put a copy.
    """
    path = cache_path(url, folder)
    if path.is_file():
        return path
    source = _mirrored(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _only_one_process(path):
            if not path.is_file():  # another process may have finished it meanwhile
                _download(source, path)
    except (OSError, HTTPException) as error:
        raise CheckpointError(_advice(source, path, error)) from error
    return path


def cache_path(url: str, folder: str | os.PathLike[str] | None = None) -> Path:
    """Where :func:`download` keeps the file of a URL."""
    name = Path(urlparse(url).path)
    if not HASHED_NAME.search(name.name):
        name = Path(f'{name.stem}-{hashlib.sha256(url.encode()).hexdigest()[:16]}{name.suffix}')
    return Path(folder or Path(torch.hub.get_dir()) / 'checkpoints') / name.name


def _mirrored(url: str) -> str:
    """The URL on the user's mirror, which has the same paths as the original server."""
    mirror = os.environ.get(MIRROR_VARIABLE, '').rstrip('/')
    return mirror + urlparse(url).path if mirror else url


@contextmanager
def _only_one_process(path: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout  # imported here, because it is rarely needed

    lock_file = path.with_name(f'.{path.name}.lock')
    lock = FileLock(lock_file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print_log(f'another process is downloading {path}; waiting for it', 'current')
        lock.acquire()
    try:
        yield
        lock_file.unlink(missing_ok=True)  # processes that still wait for it find the finished file
    finally:
        lock.release()


def _download(url: str, path: Path) -> None:
    hashed = HASHED_NAME.search(urlparse(url).path)
    partial = path.with_name(f'{path.name}.partial')
    print_log(f'downloading {url} to {path}', 'current')
    try:
        _receive_all(url, partial, hashed[1] if hashed else None)
        os.replace(partial, path)
    finally:
        if not hashed:  # without a hash, a continued download cannot be verified
            partial.unlink(missing_ok=True)


def _receive_all(url: str, partial: Path, digits: str | None) -> None:
    """Receive a file in several attempts; each continues where the last one was cut.

    Args:
        url: Where it is.
        partial: Receives it; may be the beginning left by an earlier process.
        digits: First digits of the SHA-256; None accepts any file.
    """
    for attempt in range(1, NUM_ATTEMPTS + 1):
        start = partial.stat().st_size if digits and partial.is_file() else 0
        if start and _sha256(partial).startswith(digits):
            return
        try:
            _receive(url, partial, start)
        except CUT as error:
            if attempt == NUM_ATTEMPTS:
                raise
            print_log(f'{url}: {_reason(error)}; trying again', 'current', level=30)
            continue
        if digits is None or (found := _sha256(partial)).startswith(digits):
            return
        partial.unlink()
        if not start:
            raise CheckpointError(
                f'{url} is damaged or another file: its name promises a SHA-256 of {digits}..., '
                f'but it has {found}. Nothing was kept. Try again, or use another source.'
            )
    raise CheckpointError(f'{url} is damaged: every download of it ended in another file')


def _receive(url: str, partial: Path, start: int) -> None:
    """Receive the bytes from ``start`` on, or all bytes if the server cannot skip any.

    Raises:
        ConnectionError: If the connection is closed too early.
        OSError: If the server is not reached or refuses.
    """
    request = Request(url, headers={'User-Agent': 'hrnet_ext'})
    if start:
        request.add_header('Range', f'bytes={start}-')
    try:
        response = urlopen(request, timeout=SECONDS_WITHOUT_DATA)
    except HTTPError as error:
        if start and error.code == 416:  # there is nothing after `start`: it is another file
            partial.unlink()
            raise ConnectionError('the server cannot continue the download') from error
        raise
    with response:
        if response.status != 206:
            start = 0
        length = response.headers.get('Content-Length')
        total = start + int(length) if length else None
        with (
            partial.open('ab' if start else 'wb', buffering=0) as file,
            progress_bar(
                total, 'byte', partial.stem, initial=start, unit_scale=True, unit_divisor=1024
            ) as bar,
        ):
            while chunk := response.read1(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    size = partial.stat().st_size
    if total is not None and size < total:
        raise ConnectionError(f'the connection was closed after {size:,} of {total:,} bytes')


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f'no data for {SECONDS_WITHOUT_DATA} seconds'
    reason = error if isinstance(error, HTTPError) else getattr(error, 'reason', error)
    return str(reason) or type(error).__name__


def _advice(url: str, path: Path, error: Exception) -> str:
    kept = path.with_name(f'{path.name}.partial').is_file()
    return (
        f'Cannot download {url} ({_reason(error)}). '
        + ('What has arrived is kept: run the same command again to continue. ' if kept else '')
        + f'Or download it in another way and save it as {path}, give the path of a local copy, '
        f'or set {MIRROR_VARIABLE} to the address of a mirror.'
    )
