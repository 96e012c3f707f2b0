"""Logged values that stay on their device until they are read, so that logging never waits.

A general improvement of MMEngine's message hub; could be offered upstream.
"""

from typing import Any

import numpy as np
import torch
from mmengine.hooks import RuntimeInfoHook as MMEngineRuntimeInfoHook
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.runner import Runner
from torch import Tensor

from hrnet_ext.registry import HOOKS

Scalar = int | float | Tensor


class LazyHistory(HistoryBuffer):
    """MMEngine's buffer of one logged value; accepts tensors and reads them together.

    Reading a tensor on a GPU waits for all work queued before it. MMEngine reads each value in
    each step, and copies the whole history to add one; here both happen only when the history is
    read, as the logger does at its interval.

    It is saved and copied as MMEngine's own class, with the same contents.

    Args:
        history: The values logged before.
    """

    def __init__(self, history: HistoryBuffer | None = None) -> None:
        self._unread: list[Scalar] = []
        self._unread_counts: list[int | float] = []
        if history is None:
            super().__init__()
        else:
            super().__init__(*history.data, history.max_length)

    def update(self, log_val: Scalar, count: int | float = 1) -> None:
        """Add a value.

        Args:
            log_val: A number, or a tensor of one element on any device.
            count: Its weight in averages.

        Raises:
            TypeError: If it is neither.
        """
        if isinstance(log_val, Tensor) and log_val.numel() == 1:
            log_val = log_val.detach().reshape(())
        elif not isinstance(log_val, (int, float)):
            raise TypeError(f'a logged value should be one number, got {log_val!r}')
        self._unread.append(log_val)
        self._unread_counts.append(count)

    def current(self) -> float:
        """The latest value; a number is returned without reading the tensors before it."""
        if self._unread and not isinstance(self._unread[-1], Tensor):
            return self._unread[-1]
        return super().current()

    @property
    def _log_history(self) -> np.ndarray:
        self._read()
        return self._values

    @_log_history.setter
    def _log_history(self, values: np.ndarray) -> None:
        self._values = values

    @property
    def _count_history(self) -> np.ndarray:
        self._read()
        return self._counts

    @_count_history.setter
    def _count_history(self, counts: np.ndarray) -> None:
        self._counts = counts

    def _read(self) -> None:
        """Append the unread values, with one synchronization."""
        if not self._unread:
            return
        values, counts = _numbers(self._unread), self._unread_counts
        self._unread, self._unread_counts = [], []
        self._values = np.append(self._values, values)[-self.max_length :]
        self._counts = np.append(self._counts, counts)[-self.max_length :]

    def __reduce__(self) -> tuple:
        return HistoryBuffer, (*self.data, self.max_length)


def record(hub: MessageHub, key: str, value: Scalar) -> None:
    """Log a value in a message hub without waiting, except for the first value of a key."""
    if key not in hub.log_scalars:
        hub.update_scalar(key, value)
        return
    make_lazy(hub, key)
    hub.log_scalars[key].update(value)


def make_lazy(hub: MessageHub, key: str) -> None:
    """Turn an existing history into a lazy one."""
    history = hub.log_scalars[key]
    if not isinstance(history, LazyHistory):
        hub.log_scalars[key] = LazyHistory(history)


def _numbers(values: list[Scalar]) -> list[float]:
    """The values as numbers; tensors are read together."""
    tensors = [value for value in values if isinstance(value, Tensor)]
    if not tensors:
        return values
    read = iter(torch.stack(tensors).tolist())
    return [next(read) if isinstance(value, Tensor) else value for value in values]


PREFIX = 'train/'


@HOOKS.register_module()
class RuntimeInfoHook(MMEngineRuntimeInfoHook):
    """MMEngine's hook, without its synchronization for each logged value in each step.

    Logs and checkpoints hold the same numbers under the same names.
    """

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Any] | None = None,
    ) -> None:
        """Record the losses; also make the histories of times and learning rate lazy."""
        hub = runner.message_hub
        for key, value in (outputs or {}).items():
            record(hub, PREFIX + key, value)
        for key in list(hub.log_scalars):
            if key.startswith(PREFIX):
                make_lazy(hub, key)
