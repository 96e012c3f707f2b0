"""The config keys of a data set's settings and files, for error messages."""

import os.path as osp
from dataclasses import dataclass

from mmengine.fileio import exists


@dataclass(frozen=True)
class ConfigKeys:
    """The config keys of a data set.

    Attributes:
        test_mode: Whether the data set is for validation and testing, or for training.
        how_to_get: How to get missing files.
    """

    test_mode: bool
    how_to_get: str

    @property
    def loaders(self) -> tuple[str, ...]:
        """The loaders that may use the data set."""
        return ('val_dataloader', 'test_dataloader') if self.test_mode else ('train_dataloader',)

    @property
    def cure(self) -> str:
        """What to do if files are missing, with the config keys of their folder."""
        roots = ' '.join(f'{loader}.dataset.data_root=FOLDER' for loader in self.loaders)
        return f'{self.how_to_get}, or name its folder: --cfg-options {roots}'

    def of(self, name: str) -> str:
        """The keys under which a user finds the setting ``name``."""
        return ', '.join(f'{loader}.dataset.{name}' for loader in self.loaders)


def find_file(path: str, data_root: str | None) -> str | None:
    """The path of a file, below ``data_root`` or as given; None if there is none."""
    candidates = [osp.join(data_root, path)] if data_root else []
    return next((found for found in (*candidates, path) if exists(found)), None)
