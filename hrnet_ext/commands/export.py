"""Export as the command line asks for it: write, compare in the runtime, keep what is equal."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import tempfile
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import print_log
from torch import nn

from hrnet_ext.engine.run_config import find_checkpoint, read_config
from hrnet_ext.export.check import compare
from hrnet_ext.export.formats import FORMATS, Format
from hrnet_ext.export.graph import PoseGraph
from hrnet_ext.export.metadata import Metadata
from hrnet_ext.export.model import describe, load_model
from hrnet_ext.export.real_crops import crops_of, random_crops, real_crops
from hrnet_ext.export.runtime import PoseSession
from hrnet_ext.writing import check_writable, write_atomically

NUM_RANDOM = 4
NUM_CALIBRATION = 128
MEBIBYTE = 2**20


def run_export(args: argparse.Namespace) -> str:
    """Export a model.

    Args:
        args: Of ``tools/export.py``.

    Returns:
        What was written, and how far it is from PyTorch, for people to read.

    Raises:
        ValueError: If config and checkpoint do not match, the format lacks an operator, or the
            file does not do what the model does; then it is not kept.
        OSError: If a file is missing or cannot be written.
        ImportError: If a package that the format needs is not installed.
    """
    target = FORMATS[args.format]
    precision = 'half' if args.half else 'int8' if args.int8 else 'fp32'
    _check_format(target, precision)
    cfg = read_config(args.config, args.cfg_options)
    path = _path_of(args.out, cfg, target)
    check_writable(path.parent)
    model = load_model(cfg, find_checkpoint(args.checkpoint, ''))
    metadata = describe(
        cfg, model, normalizes=args.with_normalize, flip_test=args.flip_test, precision=precision
    )
    calibration = None
    if precision == 'int8':
        calibration = calibration_crops(cfg, args.calibration_crops or NUM_CALIBRATION)
    crops, origin = real_crops(cfg, metadata, args.check_crops)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / path.name
        _say(f'writing {target.name}, {precision}')
        write(model, metadata, target, draft, calibration, with_heatmaps=args.with_heatmaps)
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
        ValueError: If it is not there; says so.
    """
    try:
        return crops_of(cfg, 'train', num)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'--int8 is calibrated with crops of the training data set: {error}'
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


def _check_format(target: Format, precision: str) -> None:
    if precision == 'int8' and not target.takes_int8:
        able = ' and '.join(name for name, each in FORMATS.items() if each.takes_int8)
        raise ValueError(f'--int8 goes with the formats {able}, not with {target.name}')
    needed = {*target.needs, *(('onnx', 'onnxruntime') if precision == 'int8' else ())}
    absent = sorted(name for name in needed if importlib.util.find_spec(name) is None)
    if absent:
        raise ImportError(
            f'--format {target.name} needs {", ".join(absent)}: '
            'pip install -c requirements/constraints.txt -r requirements/export.txt'
        )


def _path_of(out: str | None, cfg: Config, target: Format) -> Path:
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
