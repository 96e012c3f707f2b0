"""Read in a thread while the network computes; hand over in batches."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar('T')
GRACE = 2.0  # seconds that a reader gets to end: one that waits for a stalled stream never does
POLL = 0.1  # seconds after which who waits looks around: for Ctrl-C, or whether it is still wanted


class _End:
    """What a reader hands over last: nothing more comes, perhaps because of an error."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def read_ahead(items: Iterable[T], depth: int) -> Iterator[T]:
    """The same items, read in a thread of their own.

    The thread ends when the items do, when reading fails, and when this iterator is closed or
    dropped. One that is stuck in reading then is left behind: it does not keep the process alive.

    Args:
        items: What to read.
        depth: At most so many items wait to be taken.

    Raises:
        Exception: What reading raised, after the items before it.
    """
    ready: queue.Queue = queue.Queue(depth)
    unwanted = threading.Event()

    def hand_over(item: Any) -> None:
        while not unwanted.is_set():
            try:
                return ready.put(item, timeout=POLL)
            except queue.Full:
                continue

    def take() -> Any:
        while True:  # a wait without end would not notice Ctrl-C everywhere
            try:
                return ready.get(timeout=POLL)
            except queue.Empty:
                continue

    def read() -> None:
        end = _End()
        try:
            for item in items:
                hand_over(item)
                if unwanted.is_set():
                    return
        except BaseException as error:  # whatever it is, the taker must not wait for ever
            end = _End(error)
        hand_over(end)

    reader = threading.Thread(target=read, name='read_ahead', daemon=True)
    reader.start()
    try:
        while not isinstance(item := take(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        unwanted.set()
        reader.join(GRACE)


def in_batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of ``size`` items, the last one perhaps shorter.

    Raises:
        Exception: What reading raised, after the items before it.
    """
    batch: list[T] = []
    try:
        for item in items:
            batch.append(item)
            if len(batch) == size:
                yield batch
                batch = []
    except Exception:
        if batch:
            yield batch  # what was read before the error is not lost
        raise
    if batch:
        yield batch
