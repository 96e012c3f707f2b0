"""Ignore warnings of other packages about their own code, which the user cannot fix."""

import logging
import warnings

# Beginning of the message, category.
KNOWN: tuple[tuple[str, type[Warning]], ...] = (
    (r'`torch\.cuda\.amp\.(autocast|GradScaler)\(args\.\.\.\)` is deprecated', FutureWarning),
    (r'torch\.meshgrid: in an upcoming release', UserWarning),
)
# ONNX Runtime: advice about its quantization, not for users who export a model.
LOGGED = ('Please consider to run pre-processing', 'Please consider pre-processing')


def silence_known() -> None:
    """Ignore these warnings in this process; all others are shown."""
    logging.getLogger().addFilter(_is_unknown)
    for message, category in KNOWN:
        warnings.filterwarnings('ignore', message=message, category=category)


def _is_unknown(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(LOGGED)
