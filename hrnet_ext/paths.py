"""Paths of the shipped configs: ``.mim`` has links to them in a checkout, copies in a wheel."""

from difflib import get_close_matches
from pathlib import Path

_CONFIGS = Path(__file__).parent / '.mim' / 'configs'


def config_path(name: str) -> str:
    """The path of a shipped config, from a checkout, an editable install and a wheel alike.

    Args:
        name: A config's file name, with or without ``.py``, such as ``'hrnet_w32_coco'``.

    Returns:
        The absolute path of the file.

    Raises:
        ValueError: No shipped config has that name; the message lists the closest ones.
        FileNotFoundError: The package has no configs at all (a checkout without its links).
    """
    configs = {path.stem: path for path in sorted(_CONFIGS.resolve().glob('*.py'))}
    if not configs:
        raise FileNotFoundError(f'{_CONFIGS} has no configs; install the package again')
    stem = name.removesuffix('.py')
    if stem not in configs:
        close = get_close_matches(stem, configs, n=3, cutoff=0.4) or list(configs)
        raise ValueError(f"no shipped config is named '{name}'; close are: {', '.join(close)}")
    return str(configs[stem])


def metafile_paths() -> list[str]:
    """The paths of the shipped metafiles, which describe the released models."""
    return [str(path) for path in sorted(_CONFIGS.resolve().glob('metafile_*.yml'))]
