"""Make the OpenMMLab packages importable on current Python, torch and numpy.

Nothing is replaced that works: a stand-in is offered only for a module that is absent, a patch is
applied only to code that is broken in this environment, and only once that code is imported.
Importing this package costs no torch, numpy or mmengine import.

``HRNET_EXT_COMPAT=0`` in the environment switches all of it off.
"""

from __future__ import annotations

import os

from hrnet_ext.compat.repairs import REPAIRS, RepairStatus

SWITCH = 'HRNET_EXT_COMPAT'

__all__ = ['SWITCH', 'RepairStatus', 'apply', 'report', 'revert']


def apply() -> None:
    """Enable all repairs; calling it again has no effect."""
    if not _switched_off():
        for repair in REPAIRS:
            repair.apply()


def revert() -> None:
    """Disable all repairs and restore the original functions.

    A stand-in module that has already been imported stays imported; it is no longer offered.
    """
    for repair in REPAIRS:
        repair.revert()


def report() -> list[RepairStatus]:
    """The state of every repair, in the order of application.

    Returns:
        One status per repair: ``'applied'`` (in use), ``'pending'`` (armed; the module it is for
        has not been imported), ``'not needed'`` (what it repairs is whole here) or ``'off'``.
    """
    return [repair.status() for repair in REPAIRS]


def _switched_off() -> bool:
    return os.environ.get(SWITCH, '').strip().lower() in {'0', 'off', 'false', 'no'}
