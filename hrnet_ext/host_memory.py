"""Let a process keep freed memory for the next step, instead of returning it to the system."""

import ctypes
import platform

M_TRIM_THRESHOLD = -1  # <malloc.h>
M_MMAP_MAX = -4
NEVER = -1


def keep_freed_memory() -> bool:
    """Let the C library keep freed memory instead of returning it to the kernel.

    A training step frees all of its maps and the next one needs as many. By default large blocks go
    back to the kernel each time, which hands them out again page by page, filled with zeros. The
    process then holds its peak until it ends; numbers do not change. For command-line entries,
    not for libraries: it concerns the whole process and those it forks.

    Returns:
        Whether it was possible. It is with glibc only, the C library of most Linux systems.
    """
    if platform.libc_ver()[0] != 'glibc':
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, NEVER))
