"""The installed distributions, found without importing them; and whether mim finds hrnet_ext."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from hrnet_ext.doctor.cures import PIP

# Name in the table, and the distributions that provide it.
_PACKAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ('torch', ('torch',)),
    ('torchvision', ('torchvision',)),
    ('numpy', ('numpy',)),
    (
        'opencv',
        (
            'opencv-python-headless',
            'opencv-python',
            'opencv-contrib-python-headless',
            'opencv-contrib-python',
        ),
    ),
    ('mmengine', ('mmengine', 'mmengine-lite', 'onedl-mmengine')),
    ('mmcv', ('mmcv-lite', 'mmcv', 'mmcv-full', 'onedl-mmcv')),
    ('mmdet', ('mmdet', 'onedl-mmdetection')),
    ('mmpose', ('mmpose',)),
    ('mim', ('openmim', 'onedl-mim')),
    ('pycocotools', ('pycocotools',)),
    ('xtcocotools', ('xtcocotools',)),
    ('setuptools', ('setuptools',)),
    ('hrnet_ext', ('hrnet_ext',)),
)
_REPLACED_BY_COMPAT = {'xtcocotools'}
_TROUBLE = {
    'chumpy': (
        'chumpy is not importable today; MMPose asks for it but never imports it',
        f'{PIP} uninstall -y chumpy',
    ),
    'openxlab': (
        'openxlab pins setuptools 60, requests, rich and tqdm; nothing but '
        'mim download --dataset needs it',
        f'{PIP} uninstall -y opendatalab openxlab',
    ),
}


class Package(NamedTuple):
    """One line of the table: a module and the installed distributions that provide it."""

    name: str
    found: tuple[tuple[str, str], ...]  # distribution, version


class Problem(NamedTuple):
    """A problem, whether it is severe, and how to fix it."""

    what: str
    meaning: str
    cure: str
    needed: bool = True


def packages() -> list[Package]:
    """Every package of the stack with the distributions found."""
    return [
        Package(name, tuple((d, v) for d in candidates if (v := _version(d)) is not None))
        for name, candidates in _PACKAGES
    ]


def python_problem() -> Problem | None:
    """Report a Python version that was not tested."""
    major, minor = (int(part) for part in platform.python_version_tuple()[:2])
    if (3, 10) <= (major, minor) <= (3, 13):
        return None
    return Problem(
        f'Python {major}.{minor}',
        'hrnet_ext is tested on Python 3.10 to 3.13',
        'make the environment with one of those: PYTHON=python3.12 bash tools/setup_env.sh',
        needed=(major, minor) < (3, 10),
    )


def distribution_problems() -> list[Problem]:
    """Report distributions that overwrite or break each other."""
    problems = [
        Problem(
            f'{package.name}: {" and ".join(name for name, _ in package.found)}',
            f'both install the module {package.name}; one has overwritten the other',
            f'{PIP} uninstall -y {" ".join(name for name, _ in package.found)}, '
            'then install the one you want',
            needed=False,
        )
        for package in packages()
        if len(package.found) > 1
    ]
    for name, (meaning, cure) in _TROUBLE.items():
        if _version(name) is not None:
            problems.append(Problem(f'{name} {_version(name)}', meaning, cure, needed=False))
    return problems


def describe(package: Package) -> str:
    """The entry in the table: distributions and versions, or ``absent``."""
    if not package.found:
        replaced = package.name in _REPLACED_BY_COMPAT
        return 'absent; hrnet_ext.compat stands in' if replaced else 'absent'
    return ', '.join(
        number if name == package.name else f'{name} {number}' for name, number in package.found
    )


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


# Run outside the checkout, because users run mim from any folder. The package root is
# <location>/<first line of top_level.txt>; an absolute path in that line replaces the location.
_SCRIPT = """
from importlib.metadata import distribution
from pathlib import Path
package = distribution('hrnet_ext')
lines = (package.read_text('top_level.txt') or 'hrnet_ext').splitlines()
location = Path(package.locate_file(''))
named = location / 'hrnet_ext'
print(named if named.exists() else location / lines[0])
"""


def mim_problem(folder: Path) -> Problem | None:
    """The reason why ``mim train hrnet_ext`` does not find the configs; None if it does.

    Args:
        folder: any folder outside of the checkout.
    """
    process = subprocess.run(
        [sys.executable, '-c', _SCRIPT], capture_output=True, text=True, cwd=folder
    )
    if process.returncode:
        return Problem(
            'hrnet_ext is not installed',
            'mim finds installed packages only; python tools/train.py works from the checkout',
            f'{PIP} install --no-deps --no-build-isolation .  (in the checkout)',
            needed=False,
        )
    root = Path(process.stdout.strip())
    if any((root / '.mim' / 'configs').glob('**/*.py')):
        return None
    return Problem(
        f'mim looks for configs in {root}, where there are none',
        'this editable install does not tell mim where the checkout is',
        f'{PIP} install --no-deps --no-build-isolation .  (in the checkout, without -e)',
        needed=False,
    )
