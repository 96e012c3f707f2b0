"""Delay Ctrl-C while a library runs that would lose it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Deliver Ctrl-C at the end of the block instead of inside it.

    For calls of C++ code that calls Python and ignores the errors of these calls: a
    ``KeyboardInterrupt`` that is raised there is lost, and the program goes on.
    """
    if threading.current_thread() is not threading.main_thread():  # receives no signals
        yield
        return
    caught = []
    previous = signal.signal(signal.SIGINT, lambda *_: caught.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if previous is None else previous)
        if caught:
            signal.raise_signal(signal.SIGINT)
