"""Warnings about the hosts' own code, which look like a fault of the user's."""

import logging
import warnings

# Beginning of the message, category.
KNOWN: tuple[tuple[str, type[Warning]], ...] = (
    (r'`torch\.cuda\.amp\.(autocast|GradScaler)\(args\.\.\.\)` is deprecated', FutureWarning),
    (r'torch\.meshgrid: in an upcoming release', UserWarning),
)
# Of ONNX Runtime: advice for those who call its quantization, not for those who export a model.
LOGGED = ('Please consider to run pre-processing', 'Please consider pre-processing')


def silence_known() -> None:
    """Ignore them in this process; all others are shown."""
    logging.getLogger().addFilter(_is_unknown)
    for message, category in KNOWN:
        warnings.filterwarnings('ignore', message=message, category=category)


def _is_unknown(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(LOGGED)
