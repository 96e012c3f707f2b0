"""Call a function in a process of its own: a fresh start, and memory that is nobody else's."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any


def in_child(
    function: Callable, *args: Any, threads: int, environment: Mapping[str, str] | None = None
) -> Any:
    """What a function returns, called in a new interpreter.

    Args:
        function: Of a module; it and its arguments are pickled.
        *args: Its arguments.
        threads: Compute threads.
        environment: Variables to set before anything is imported.

    Raises:
        RuntimeError: If it raises or its process dies, with the reason.
    """
    context = multiprocessing.get_context('spawn')
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(
        target=_serve, args=(sender, function, args, threads, dict(environment or {})), daemon=True
    )
    process.start()
    sender.close()
    try:
        is_done, result = receiver.recv()
    except EOFError:
        process.join()
        raise RuntimeError(f'its process ended with status {process.exitcode}') from None
    finally:
        process.terminate()
        process.join()
    if not is_done:
        raise RuntimeError(result)
    return result


def _serve(sender: Any, function: Callable, args: tuple, threads: int, environment: dict) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C: the parent says what there is to say
    os.environ.update(environment)
    import torch

    from hrnet_ext.benchmark.contest import reason
    from hrnet_ext.benchmark.silence import silence

    torch.set_num_threads(threads)
    with silence():
        try:
            sender.send((True, function(*args)))
        except Exception as error:  # handed over: the parent decides what it means
            sender.send((False, reason(error)))
