"""Errors of checkpoint files."""


class CheckpointError(ValueError):
    """A file that cannot be used as a checkpoint; the message names it and the cure."""


class UnsafeCheckpointError(CheckpointError):
    """A file that contains a type which no checkpoint needs, such as code to run."""
