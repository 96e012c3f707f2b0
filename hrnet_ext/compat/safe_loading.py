"""Let MMEngine read checkpoints without running code from them.

Every load of MMEngine, MMPose and MMDetection (``load_from``, ``--resume``, ``init_cfg``
Pretrained, inferencers, ``mim test``) ends in ``mmengine.runner.checkpoint``, in one of its schemes
for local files, URLs and object stores. Each calls either ``torch.load`` or ``load_url`` there;
MMEngine 0.10.7 then fails on torch >= 2.6, and 0.11.0rc3 passes ``weights_only=False``. Those two
names are replaced in that module. Registering schemes instead would leave out those which MMEngine
has for other stores, and would override a user's own.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import ModuleType
from typing import IO, Any


class SafeTorch(ModuleType):
    """The ``torch`` module for one module, with a ``load`` that runs no code.

    Args:
        torch: The real module.
    """

    def __init__(self, torch: ModuleType) -> None:
        super().__init__('torch', torch.__doc__)
        self._torch = torch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._torch, name)

    @staticmethod
    def load(f: str | os.PathLike[str] | IO[bytes], map_location: Any = None, **_: Any) -> Any:
        """As ``torch.load``; ``weights_only`` and ``pickle_module`` are ignored."""
        from hrnet_ext.safe_loading import load_checkpoint, read_checkpoint

        if isinstance(f, str | os.PathLike):
            return load_checkpoint(f, map_location)
        return read_checkpoint(f, getattr(f, 'name', 'The checkpoint'), map_location)


def safe_load_url(
    url: str, model_dir: str | None = None, map_location: Any = None, **_: Any
) -> Any:
    """As ``torch.hub.load_state_dict_from_url``, without running code from the file."""
    from hrnet_ext.safe_loading import load_checkpoint

    return load_checkpoint(url, map_location, folder=model_dir)


def patch_checkpoint(module: ModuleType) -> Callable[[], None]:
    """Make ``mmengine.runner.checkpoint`` load safely.

    Args:
        module: ``mmengine.runner.checkpoint``.

    Returns:
        A function that restores the module.
    """
    originals = {'torch': module.torch, 'load_url': module.load_url}
    module.torch = SafeTorch(originals['torch'])
    module.load_url = safe_load_url

    def undo() -> None:
        for name, original in originals.items():
            setattr(module, name, original)

    return undo
