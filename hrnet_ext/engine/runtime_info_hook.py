"""Collect the logged values of a training step without waiting for the step."""

from typing import Any

from mmengine.hooks import RuntimeInfoHook as MMEngineRuntimeInfoHook
from mmengine.runner import Runner

from hrnet_ext.engine.lazy_history import make_lazy, record
from hrnet_ext.registry import HOOKS

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
