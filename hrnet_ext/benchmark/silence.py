"""Keep what others log, print and warn out of the way, yet hear of what a contestant warns."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

from mmengine.logging import MMLogger


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Nothing of the contestants' logs, warnings and prints is seen."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    nowhere = io.StringIO()
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
        ):
            warnings.simplefilter('ignore')
            yield
    finally:
        logging.disable(disabled)


@contextlib.contextmanager
def overheard() -> Iterator[list[str]]:
    """The warnings that OpenMMLab's current logger is given meanwhile, which stay unseen."""
    logger, disabled = MMLogger.get_current_instance(), logging.root.manager.disable
    handlers, ear = logger.handlers, _Ear()
    logger.handlers = [ear]
    logging.disable(logging.INFO)
    try:
        yield ear.messages
    finally:
        logger.handlers = handlers
        logging.disable(disabled)


class _Ear(logging.Handler):
    """Collects messages."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first line of a record."""
        self.messages.append(record.getMessage().splitlines()[0])
