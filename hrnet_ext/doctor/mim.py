"""Whether mim finds the package's configs and tools, looked up as mim does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hrnet_ext.doctor.cures import PIP
from hrnet_ext.doctor.installed import Problem

# Away from the checkout: mim is run from anywhere. Its package root is <location>/<first line of
# top_level.txt>, where an absolute path in that line wins.
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
    """What keeps ``mim train hrnet_ext`` from finding the configs; None when it finds them.

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
