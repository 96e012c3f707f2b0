"""Export a model: write the file, compare it in its backend, and keep it if it is equal."""

from __future__ import annotations

import dataclasses
import importlib.util
import tempfile
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import print_log
from torch import nn

from hrnet_ext.export.check import compare
from hrnet_ext.export.formats import FORMATS, Format
from hrnet_ext.export.graph import PoseGraph
from hrnet_ext.export.metadata import Metadata
from hrnet_ext.export.model import describe
from hrnet_ext.export.real_crops import crops_of, random_crops, real_crops
from hrnet_ext.export.runtime import PoseSession
from hrnet_ext.writing import write_atomically

NUM_RANDOM = 4
NUM_CALIBRATION = 128
MEBIBYTE = 2**20


def export_file(
    cfg: Config,
    model: nn.Module,
    target: Format,
    path: Path,
    *,
    precision: str = 'fp32',
    normalizes: bool = False,
    flip_test: bool = False,
    with_heatmaps: bool = False,
    num_check: int = 8,
    num_calibration: int | None = None,
) -> str:
    """Write a model's file, compare it with PyTorch, and keep it if it is equal.

    Args:
        cfg: Config of the model; its data sets give the crops.
        model: From :func:`~hrnet_ext.export.model.load_model`.
        target: The format.
        path: The file.
        precision: One of the format's.
        normalizes: Take crops (B, H, W, 3) uint8 BGR instead of normalized images.
        flip_test: Average with the mirrored crop.
        with_heatmaps: Give the heatmaps as third output.
        num_check: How many people to compare on.
        num_calibration: For int8, how many people to calibrate with; by default 128.

    Returns:
        What was written, and how far it is from PyTorch, for people to read.

    Raises:
        ValueError: If the format lacks an operator, or the file does not do what the model does;
            then it is not kept.
        OSError: If a file is missing or cannot be written.
    """
    stored = 'half' if precision in ('fp16', 'bf16') else precision  # as files say it
    metadata = describe(cfg, model, normalizes=normalizes, flip_test=flip_test, precision=stored)
    calibration = None
    if precision == 'int8':
        calibration = calibration_crops(cfg, num_calibration or NUM_CALIBRATION)
    crops, origin = real_crops(cfg, metadata, num_check)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / path.name
        _say(f'writing {target.name}, {precision}')
        write(model, metadata, target, draft, calibration, with_heatmaps=with_heatmaps)
        session = PoseSession(draft, target.checked_by)
        found = [_compare(session, model, crops, origin)]
        if precision == 'fp32':  # what less precision makes of noise is noise
            found.append(_compare(session, model, random_crops(metadata, NUM_RANDOM), 'random'))
        for suffix in (*target.companions, target.suffix):  # the one that is opened comes last
            write_atomically(path.with_suffix(suffix), draft.with_suffix(suffix).read_bytes())
    size = sum(path.with_suffix(s).stat().st_size for s in (target.suffix, *target.companions))
    return '\n'.join([f'{path}: {target.name}, {precision}, {size / MEBIBYTE:.1f} MiB', *found])


def write(
    model: nn.Module,
    metadata: Metadata,
    target: Format,
    path: Path,
    calibration: np.ndarray | None = None,
    *,
    with_heatmaps: bool = False,
) -> None:
    """Write a model's file, unchecked.

    Args:
        model: From :func:`~hrnet_ext.export.model.load_model`.
        metadata: What the file will say of itself; its precision counts.
        target: The format.
        path: The file.
        calibration: For int8, crops (N, H, W, 3) uint8 BGR of people.
        with_heatmaps: Give the heatmaps as third output.

    Raises:
        ValueError: If the format lacks an operator.
    """
    is_half = metadata.precision == 'half'
    dtype = target.half if is_half else torch.float32
    graph = PoseGraph(model, metadata, dtype=dtype, with_heatmaps=with_heatmaps)
    example = _example(metadata)
    with torch.no_grad():
        if calibration is None:
            target.write(graph, example, path, metadata)
            return
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / 'fp32.onnx'
            FORMATS['onnx'].write(
                graph, example, plain, dataclasses.replace(metadata, precision='fp32')
            )
            _quantize(plain, path, calibration, metadata)


def calibration_crops(cfg: Config, num: int) -> np.ndarray:
    """Crops (num, H, W, 3) of the training data set, which measure the ranges of activations.

    Raises:
        FileNotFoundError: If it is not there.
    """
    try:
        return crops_of(cfg, 'train', num)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'int8 is calibrated with crops of the training data set: {error}'
        ) from error


def _quantize(plain: Path, path: Path, calibration: np.ndarray, metadata: Metadata) -> None:
    from hrnet_ext.export.quantize import quantize  # here: it needs onnx and onnxruntime

    _say(f'calibrating with {len(calibration)} crops')
    inputs = PoseSession(plain, 'onnxruntime').prepare(calibration)
    if path.suffix == '.onnx':
        quantize(plain, path, inputs, metadata)
        return
    from hrnet_ext.export.formats.openvino import convert

    between = plain.with_name('int8.onnx')
    quantize(plain, between, inputs, metadata)
    convert(between, path, metadata)


def _compare(session: PoseSession, model: nn.Module, crops: np.ndarray, origin: str) -> str:
    _say(f'comparing with PyTorch on {len(crops)} crops, {origin}')
    found = compare(session, model, crops)
    if not found.is_equal:
        raise ValueError(
            f'the exported file differs from PyTorch on crops {origin} and is not kept: {found}'
        )
    return f'  {len(crops)} crops, {origin}: {found}'


def check_format(target: Format, precision: str) -> None:
    """Make sure that a format has a precision, and that the packages which it needs are installed.

    Raises:
        ValueError: If the format cannot be written in that precision.
        ImportError: If a package is missing.
    """
    if precision not in target.precisions:
        able = ' and '.join(name for name, each in FORMATS.items() if precision in each.precisions)
        raise ValueError(
            f'--precision {precision} goes with the formats {able}, not with {target.name}'
        )
    needed = {*target.needs, *(('onnx', 'onnxruntime') if precision == 'int8' else ())}
    absent = sorted(name for name in needed if importlib.util.find_spec(name) is None)
    if absent:
        raise ImportError(
            f'--format {target.name} needs {", ".join(absent)}: '
            'pip install -c requirements/constraints.txt -r requirements/export.txt'
        )


def path_of(out: str | None, cfg: Config, target: Format) -> Path:
    """The file to write; by default one that is named by the config.

    Raises:
        ValueError: If its suffix is not the format's.
    """
    path = Path(out or f'work_dirs/export/{Path(cfg.filename).stem}{target.suffix}')
    if path.suffix != target.suffix:
        raise ValueError(f'--out {path}: the name should end in {target.suffix}')
    return path


def _example(metadata: Metadata) -> torch.Tensor:
    """Two of what the graph takes; one would let a batch of one be taken for granted."""
    width, height = metadata.input_size
    if metadata.normalizes:
        return torch.zeros(2, height, width, metadata.num_channels, dtype=torch.uint8)
    return torch.zeros(2, metadata.num_channels, height, width)


def _say(what: str) -> None:
    print_log(what, 'current')
