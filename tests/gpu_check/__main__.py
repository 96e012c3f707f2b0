"""Run the items group by group, each group in a process of its own, and print a line for each.

python -m tests.gpu_check [--device cuda] [--quick] [--only GROUP ...] [--json FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.gpu_check.items import FAIL, Check, Group, Result

# Limits in seconds, the start of a process included; the most important first.
GROUPS = {'parity': 60, 'optimizing': 90, 'training': 60, 'exporting': 45, 'speed': 150, 'run': 70}


def main() -> int:
    """Ask everything; 0 if nothing failed."""
    args = _parse_args()
    if args.group:
        _serve(args)
        return 0
    start = time.perf_counter()
    limit = sum(GROUPS[name] for name in args.only)
    print(f'{", ".join(args.only)}: at most {limit} s on {args.device}', flush=True)
    results = [result for name in args.only for result in _run_group(name, args)]
    counts = {status: 0 for status in ('PASS', 'FAIL', 'SKIP')}
    for result in results:
        counts[result.status] += 1
    seconds = time.perf_counter() - start
    print(', '.join(f'{n} {status}' for status, n in counts.items()) + f' in {seconds:.0f} s')
    if args.json:
        facts = {'device': args.device, 'quick': args.quick, 'seconds': round(seconds, 1)}
        items = [result.as_dict() for result in results]
        Path(args.json).write_text(json.dumps({**facts, **_machine(), 'items': items}, indent=2))
    return 1 if counts[FAIL] else 0


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--device', default='cuda', help='cuda, or cpu to try the check itself')
    parser.add_argument('--quick', action='store_true', help='tiny networks, nothing to quote')
    parser.add_argument('--only', nargs='+', choices=GROUPS, default=tuple(GROUPS), metavar='GROUP')
    parser.add_argument('--json', metavar='FILE', help='write the figures here, too')
    parser.add_argument('--group', choices=GROUPS, help=argparse.SUPPRESS)
    parser.add_argument('--answers', help=argparse.SUPPRESS)
    return parser.parse_args()


def _serve(args: argparse.Namespace) -> None:
    """In a group's own process: what will be asked, then an answer as soon as it is there."""
    group: Group = importlib.import_module(f'tests.gpu_check.{args.group}').GROUP
    with open(args.answers, 'a') as file:
        file.write(json.dumps(list(group.items)) + '\n')
        file.flush()
        for result in group.run(Check(args.device, args.quick)):
            file.write(json.dumps(result.as_dict()) + '\n')
            file.flush()


def _run_group(name: str, args: argparse.Namespace) -> list[Result]:
    """A group's answers; what its process did not get to has failed."""
    with tempfile.TemporaryDirectory() as folder:
        answers, log = Path(folder) / 'answers', Path(folder) / 'log'
        answers.touch()
        command = [sys.executable, '-m', 'tests.gpu_check', '--group', name]
        command += ['--device', args.device, '--answers', str(answers)]
        command += ['--quick'] if args.quick else []
        with log.open('w') as file:
            process = subprocess.Popen(command, stdout=file, stderr=file)
            why = _wait(process, GROUPS[name], answers)
        asked, results = _read(answers)
        tail = ' | '.join(log.read_text().splitlines()[-3:])
    for item in asked[len(results) :] or ([] if asked else [f'all of {name}']):
        results.append(Result(item, FAIL, reason=f'not answered: {why}; {tail}'))
        print(results[-1], flush=True)
    return results


def _wait(process: subprocess.Popen, limit: int, answers: Path) -> str:
    """Print answers as they come until the process ends; how it ended."""
    end, shown = time.monotonic() + limit, 0
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.2)
        _, found = _read(answers)
        for result in found[shown:]:
            print(result, flush=True)
        shown = len(found)
        if process.returncode is not None:
            return f'its process ended with status {process.returncode}'
        if time.monotonic() > end:
            process.kill()
            process.wait()
            return f'its group is limited to {limit} s'


def _read(answers: Path) -> tuple[list[str], list[Result]]:
    """The names of the items, and the answers so far."""
    lines = [json.loads(line) for line in answers.read_text().split('\n')[:-1]]  # whole ones
    return (lines[0], [Result(**each) for each in lines[1:]]) if lines else ([], [])


def _machine() -> dict:
    import torch

    facts = {'torch': torch.__version__, 'cores': os.cpu_count()}
    if torch.cuda.is_available():
        facts |= {'gpu': torch.cuda.get_device_name(), 'cudnn': torch.backends.cudnn.version()}
    return facts


if __name__ == '__main__':
    sys.exit(main())
