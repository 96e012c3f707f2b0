"""Try the packages in a separate process, because an import may fail, crash or hang."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

_TIMEOUT = 180  # seconds; a cold disk takes one minute

# Tried in this order, dependencies first: name and code.
PROBES: tuple[tuple[str, str], ...] = (
    ('numpy', 'import numpy'),
    ('torch', 'import torch; torch.zeros(1)'),
    (
        'torchvision',
        'import torch, torchvision; torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)',
    ),
    ('cv2', 'import cv2'),
    ('pycocotools', 'import pycocotools.mask'),
    ('xtcocotools', 'import xtcocotools.mask, xtcocotools.cocoeval'),
    ('mmengine', 'import mmengine.runner'),
    ('mmcv', 'import mmcv'),
    (
        'mmcv operators',
        'import torch, mmcv.ops; mmcv.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)',
    ),
    ('mmdet', 'import mmdet.apis'),
    ('mmpose', 'import mmpose.apis'),
    ('hrnet_ext', 'import hrnet_ext.models, hrnet_ext.codecs, hrnet_ext.datasets'),
    ('mim', 'import mim.commands.train'),
)

_SCRIPT = """
import json, sys, traceback, warnings
warnings.simplefilter('ignore')
probes = json.loads(sys.argv[1])
sys.path.insert(0, sys.argv[2])
import hrnet_ext
sys.path.remove(sys.argv[2])
out = open(sys.argv[3], 'w')
def tell(**line):
    out.write(json.dumps(line) + '\\n')
    out.flush()
for name, code in probes:
    tell(starts=name)
    try:
        exec(code, {})
        tell(works=name)
    except BaseException as error:
        where = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
        tell(fails=name, message=f'{type(error).__name__}: {error}', where=where)
for status in hrnet_ext.compat.report():
    tell(repair=status.name, state=status.state, detail=status.detail)
if 'torch' in sys.modules:
    from hrnet_ext.doctor import devices
    tell(**devices.look())
"""


class Failure(NamedTuple):
    """A failed probe: its message, and the files in its traceback."""

    name: str
    message: str
    where: tuple[str, ...]


class Findings(NamedTuple):
    """The results of the probes."""

    failures: list[Failure]
    repairs: list[tuple[str, str, str]]  # name, state, detail
    cuda: str
    formats: list[list[str]]  # device, and its number formats


def try_out(folder: Path) -> Findings:
    """Run all probes in one process; if it crashes, continue with the next probe in a new one.

    Args:
        folder: an empty folder for the notes of that process.
    """
    remaining = list(PROBES)
    failures: list[Failure] = []
    repairs: list[tuple[str, str, str]] = []
    cuda, formats = 'unknown', []
    while remaining:
        lines, end = _run(remaining, folder / f'{len(remaining)}.jsonl')
        failures += [
            Failure(line['fails'], line['message'], tuple(line['where']))
            for line in lines
            if 'fails' in line
        ]
        repairs = [(s['repair'], s['state'], s['detail']) for s in lines if 'repair' in s]
        for line in lines:
            cuda, formats = line.get('cuda', cuda), line.get('formats', formats)
        if end is None:
            break
        started = [line['starts'] for line in lines if 'starts' in line]
        culprit = started[-1] if started else remaining[0][0]
        failures.append(Failure(culprit, end, ()))
        names = [name for name, _ in remaining]
        remaining = remaining[names.index(culprit) + 1 :]
    return Findings(failures, repairs, cuda, formats)


def _run(probes: list[tuple[str, str]], notes: Path) -> tuple[list[dict], str | None]:
    """The notes of the process, and how it ended if it crashed."""
    checkout = str(Path(__file__).resolve().parents[2])
    end = None
    try:
        process = subprocess.run(
            [sys.executable, '-c', _SCRIPT, json.dumps(probes), checkout, str(notes)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors='replace',
            timeout=_TIMEOUT,
            cwd=notes.parent,  # a module of the current folder is not an installed one
        )
        if process.returncode:
            last = process.stderr.strip().splitlines()[-1:] or ['']
            end = f'the process died with status {process.returncode}: {last[0]}'
    except subprocess.TimeoutExpired:
        end = f'no answer within {_TIMEOUT} s'
    lines = notes.read_text().splitlines() if notes.exists() else []
    return [json.loads(line) for line in lines], end
