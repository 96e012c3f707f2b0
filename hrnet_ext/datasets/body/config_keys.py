"""Where a data set's settings and files stand, as its messages say it."""

import os.path as osp
from dataclasses import dataclass

from mmengine.fileio import exists


@dataclass(frozen=True)
class ConfigKeys:
    """The config keys of a data set.

    Attributes:
        test_mode: Whether it is one of validation and testing, or of training.
        how_to_get: What to do where its files are missing.
    """

    test_mode: bool
    how_to_get: str

    @property
    def loaders(self) -> tuple[str, ...]:
        """The loaders of which the data set may be a part."""
        return ('val_dataloader', 'test_dataloader') if self.test_mode else ('train_dataloader',)

    @property
    def cure(self) -> str:
        """What to do where files are missing, with the keys of their folder."""
        roots = ' '.join(f'{loader}.dataset.data_root=FOLDER' for loader in self.loaders)
        return f'{self.how_to_get}, or name its folder: --cfg-options {roots}'

    def of(self, name: str) -> str:
        """The keys under which a user finds the setting ``name``."""
        return ', '.join(f'{loader}.dataset.{name}' for loader in self.loaders)


def find_file(path: str, data_root: str | None) -> str | None:
    """Where a file is, below ``data_root`` or as it stands; None where there is none."""
    candidates = [osp.join(data_root, path)] if data_root else []
    return next((found for found in (*candidates, path) if exists(found)), None)
