"""Read an exported file's metadata without loading the model: no backend is needed."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree

from hrnet_ext.export.engines import checked_path
from hrnet_ext.export.metadata import KEY, Metadata

# Protocol Buffers' wire types, and the field numbers read from ONNX's messages.
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
METADATA_PROPS = 14  # of ModelProto
ENTRY_KEY, ENTRY_VALUE = 1, 2  # of StringStringEntryProto


def read_metadata(path: str | os.PathLike[str]) -> Metadata:
    """An exported file's metadata.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is broken or was not written by hrnet_ext.
    """
    return Metadata.from_json(read_description(path), str(path))


def read_description(path: str | os.PathLike[str]) -> str:
    """The JSON in an exported file; empty for files not written by hrnet_ext.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If its name is not that of an exported model, or it is broken.
    """
    path = checked_path(path)
    read = {'.onnx': _of_onnx, '.xml': _of_openvino}.get(path.suffix, _of_archive)
    try:
        return read(path)
    except (EOFError, zipfile.BadZipFile, ElementTree.ParseError, UnicodeDecodeError) as error:
        raise ValueError(
            f'cannot load {path}: {error} (cut short in copying? export it again)'
        ) from error


def _of_onnx(path: Path) -> str:
    with path.open('rb') as file:
        for number, position, size in _fields(file, 0, path.stat().st_size):
            if number != METADATA_PROPS:
                continue
            entry = {
                each: _bytes_at(file, start, length)
                for each, start, length in _fields(file, position, position + size)
            }
            if entry.get(ENTRY_KEY) == KEY.encode():
                return entry.get(ENTRY_VALUE, b'').decode()
    return ''


def _of_openvino(path: Path) -> str:
    root = ElementTree.parse(path).getroot()
    for place in (KEY, f'framework/{KEY}'):  # the second where OpenVINO converted an ONNX file
        found = root.find(f'rt_info/{place}')
        if found is not None:
            return found.get('value', '')
    return ''


def _of_archive(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(f'extra/{KEY}'):
                return archive.read(name).decode()
    return ''


def _fields(file: BinaryIO, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, position and size in bytes of each field of a Protocol Buffers message.

    Raises:
        EOFError: If a field reaches past the end.
    """
    while begin < end:
        file.seek(begin)
        number, kind = divmod(_varint(file), 8)
        if kind == VARINT:
            begin = file.tell()
            _varint(file)
            size = file.tell() - begin
        else:
            size = _varint(file) if kind == BYTES else {FIXED64: 8, FIXED32: 4}.get(kind, end)
            begin = file.tell()
        if begin + size > end:
            raise EOFError(f'it ends after {end:,} bytes, in the middle')
        yield number, begin, size
        begin += size


def _varint(file: BinaryIO) -> int:
    value = shift = 0
    while byte := file.read(1):
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return value
        shift += 7
    raise EOFError('it ends in the middle')


def _bytes_at(file: BinaryIO, position: int, size: int) -> bytes:
    file.seek(position)
    return file.read(size)
