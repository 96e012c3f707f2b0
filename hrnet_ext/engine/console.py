"""Terminal output of a run: only what its user needs. The log file has everything."""

import copy
import io
import logging
import re
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from hrnet_ext import __version__
from hrnet_ext.progress import progress_bar

# Beginnings of MMEngine's messages that the terminal does not show: dumps and warnings about
# MMEngine's own code. The log file keeps them.
FOR_THE_FILE = (
    r'\n-{60}\nSystem environment:',
    r'Config:\n',
    r'hrnet_ext version: ',
    r'Hooks will be executed in the following order',
    r'Distributed training is not used, all SyncBatchNorm',
    r'Exp name:',
    r'paramwise_options -- ',  # one for each parameter
    r'\S+ is duplicate. It is skipped since bypass_duplicate=True',
    r'"FileClient" will be deprecated',
    r'"HardDiskBackend" is the alias of "LocalBackend"',
    r'The prefix is not set in metric class DumpResults',
)
_FOR_THE_FILE = re.compile('|'.join(FOR_THE_FILE))
# A line of LoggerHook within an evaluation: the progress bar shows the same.
WITHIN_EVALUATION = re.compile(r'(Epoch|Iter)\((val|test)\).* eta: ')


def is_for_the_terminal(record: logging.LogRecord) -> bool:
    """Whether the user needs a message; a filter of the handler that writes to the terminal."""
    return not _FOR_THE_FILE.match(record.getMessage())


class ConsoleRunner(Runner):
    """MMEngine's runner with short terminal output and a progress bar for validation and testing.

    ``verbose=True`` in the config shows all that the log file gets.
    """

    def build_logger(self, *args: Any, **options: Any) -> MMLogger:
        """As MMEngine's; the terminal gets what the user needs."""
        logger = super().build_logger(*args, **options)
        if not self.cfg.get('verbose'):
            for handler in _console_handlers(logger):
                handler.addFilter(is_for_the_terminal)
            logger.info(f'everything else is in {logger.log_file} (--verbose shows it here, too)')
        return logger

    def _log_env(self, env_cfg: dict) -> None:
        """As MMEngine's, and the version of this package."""
        super()._log_env(env_cfg)
        self.logger.info(f'hrnet_ext version: {__version__}')

    def register_hooks(
        self, default_hooks: dict | None = None, custom_hooks: list | None = None
    ) -> None:
        """As MMEngine's, and a progress bar on a terminal."""
        super().register_hooks(default_hooks, custom_hooks)
        if sys.stderr.isatty() and is_main_process() and not self.cfg.get('verbose'):
            self.register_hook(ProgressHook(), priority='LOWEST')

    def load_checkpoint(self, *args: Any, **options: Any) -> dict:
        """As MMEngine's, which prints the name of the file and logs it."""
        with redirect_stdout(io.StringIO()):
            return super().load_checkpoint(*args, **options)

    @staticmethod
    def build_dataloader(dataloader: DataLoader | dict, *args: Any, **options: Any) -> DataLoader:
        """As MMEngine's; memory is pinned only with a GPU, since PyTorch warns without one.

        Args:
            dataloader: A loader or its config.
            *args: As MMEngine's.
            **options: As MMEngine's.
        """
        if isinstance(dataloader, dict) and not torch.cuda.is_available():
            dataloader = copy.copy(dataloader)
            dataloader['pin_memory'] = False
        return Runner.build_dataloader(dataloader, *args, **options)


class ProgressHook(Hook):
    """A progress bar for the batches of a validation or test, removed once metrics are computed."""

    def before_val_epoch(self, runner: Runner) -> None:
        """Show the bar."""
        self._begin(runner, 'validation', runner.val_dataloader)

    def before_test_epoch(self, runner: Runner) -> None:
        """Show the bar."""
        self._begin(runner, 'test', runner.test_dataloader)

    def after_val_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        """Advance the bar by one batch."""
        self._bar.update()

    after_test_iter = after_val_iter

    def after_val_epoch(self, runner: Runner, *_: Any, **__: Any) -> None:
        """Remove the bar."""
        for handler in _console_handlers(runner.logger):
            handler.removeFilter(self._make_room)
        self._bar.close()

    after_test_epoch = after_val_epoch

    def _begin(self, runner: Runner, name: str, batches: DataLoader) -> None:
        self._bar = progress_bar(len(batches), 'batch', name, leave=False)
        for handler in _console_handlers(runner.logger):
            handler.addFilter(self._make_room)

    def _make_room(self, record: logging.LogRecord) -> bool:
        """Clear the bar before a message; drop messages that repeat what the bar shows."""
        if not sys.stdout.isatty():
            return True
        if WITHIN_EVALUATION.match(record.getMessage()):
            return False
        self._bar.clear()
        return True


def _console_handlers(logger: logging.Logger) -> Sequence[logging.Handler]:
    return [handler for handler in logger.handlers if type(handler) is logging.StreamHandler]
