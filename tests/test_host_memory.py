"""A process that keeps freed memory does not ask the kernel for it again."""

import platform
import subprocess
import sys

import pytest

from hrnet_ext.host_memory import keep_freed_memory

ALLOCATE = """
import resource, sys
import numpy as np
from hrnet_ext.host_memory import keep_freed_memory

def steps(num):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(num):
        maps = [np.ones(1 << 20) for _ in range(8)]  # 8 MiB each, touched page by page
        del maps
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if sys.argv[1] == 'keep':
    assert keep_freed_memory()
steps(2)
print(steps(5))
"""


def page_faults(choice: str) -> int:
    done = subprocess.run(
        [sys.executable, '-c', ALLOCATE, choice], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='glibc alone can be told')
def test_the_next_step_takes_what_the_last_one_freed():
    assert page_faults('keep') < 100
    assert page_faults('give back') > 100  # or this test could not fail


def test_other_c_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(platform, 'libc_ver', lambda: ('', ''))
    assert not keep_freed_memory()
