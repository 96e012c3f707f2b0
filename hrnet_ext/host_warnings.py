"""Warnings about the hosts' own code, which look like a fault of the user's."""

import warnings

# Beginning of the message, category.
KNOWN: tuple[tuple[str, type[Warning]], ...] = (
    (r'`torch\.cuda\.amp\.(autocast|GradScaler)\(args\.\.\.\)` is deprecated', FutureWarning),
    (r'torch\.meshgrid: in an upcoming release', UserWarning),
)


def silence_known() -> None:
    """Ignore them in this process; all others are shown."""
    for message, category in KNOWN:
        warnings.filterwarnings('ignore', message=message, category=category)
