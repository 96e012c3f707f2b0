"""The table: hrnet-ext doctor, python -m hrnet_ext.doctor, or tools/doctor.py of a checkout."""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from pathlib import Path

from hrnet_ext.doctor.cures import find_cure
from hrnet_ext.doctor.installed import (
    Problem,
    describe,
    distribution_problems,
    mim_problem,
    packages,
    python_problem,
)
from hrnet_ext.doctor.probes import Failure, Findings, try_out

# mim is optional, because tools/train.py does the same; but an installed mim must work.
_OPTIONAL = {"ModuleNotFoundError: No module named 'mim'"}
_MARKS = {'applied': 'repaired', 'pending': 'ready', 'not needed': 'not needed', 'off': 'off'}


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split(':')[0] + ' of the environment.')
    parser.add_argument('--explain', metavar='MESSAGE', help='say what an error message means')
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Examine the installation, or explain an error message.

    Returns:
        Exit status: 1 if a required package is broken or the message is unknown.
    """
    args = make_parser().parse_args(arguments)
    if args.explain is not None:
        return _explain(args.explain)

    _title('installed')
    _row('Python', f'{platform.python_version()}  {sys.executable}')
    for package in packages():
        _row(package.name, describe(package))
    with tempfile.TemporaryDirectory() as folder:
        findings = try_out(Path(folder))
        problems = [
            python_problem(),
            *_broken(findings.failures),
            *distribution_problems(),
            mim_problem(Path(folder)),
        ]
    _row('CUDA', findings.cuda)
    _title('number formats')
    for device, best in findings.formats:
        _row(device, best)
    _show_repairs(findings)
    return _show_problems([problem for problem in problems if problem is not None])


def _explain(message: str) -> int:
    cure = find_cure(message)
    if cure is None:
        print('This message is not known to doctor.')
        return 1
    print(f'means: {cure.meaning}\ncure:  {cure.command}')
    return 0


def _broken(failures: list[Failure]) -> list[Problem]:
    """One problem per cause: packages that depend on a broken one fail with the same message."""
    by_message: dict[str, list[Failure]] = {}
    for failure in failures:
        by_message.setdefault(failure.message, []).append(failure)
    return [_problem(message, together) for message, together in by_message.items()]


def _problem(message: str, failures: list[Failure]) -> Problem:
    # The files say whose numpy.dtype it is.
    cure = find_cure(f'{message} {" ".join(failures[0].where)}')
    return Problem(
        f'{", ".join(failure.name for failure in failures)}: {message}',
        cure.meaning if cure else 'not among the known messages',
        cure.command if cure else 'VENV=.venv-new bash tools/setup_env.sh  (a fresh environment)',
        needed=message not in _OPTIONAL,
    )


def _show_repairs(findings: Findings) -> None:
    _title('compat')
    for name, state, detail in findings.repairs:
        _row(name, f'{_MARKS[state]}: {detail}', width=47)
    if not findings.repairs:
        print('  unknown: the trial ended early')


def _show_problems(problems: list[Problem]) -> int:
    broken = [problem for problem in problems if problem.needed]
    _title('problems')
    for problem in problems:
        print(f'  {"BROKEN" if problem.needed else "note  "}  {problem.what}')
        print(f'          {problem.meaning}')
        print(f'          cure: {problem.cure}')
    if broken:
        print(f'  {len(broken)} broken; bash tools/setup_env.sh makes an environment that works')
    else:
        print('  nothing needed is broken')
    return int(bool(broken))


def _title(text: str) -> None:
    print(f'\n{text}')


def _row(name: str, value: str, width: int = 12) -> None:
    print(f'  {name:<{width}}  {value}')


if __name__ == '__main__':
    sys.exit(main())
