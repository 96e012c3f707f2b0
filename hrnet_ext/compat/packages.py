"""Package look-ups of MMEngine and mmcv without functions that Python and setuptools removed."""

from __future__ import annotations

import importlib.util
import pkgutil
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import FunctionType, ModuleType

from hrnet_ext.compat.patching import replace_function
from hrnet_ext.compat.post_import import Undo


def is_installed(package: str) -> bool:
    """Whether a distribution or an importable module has this name."""
    try:
        distribution(package)
    except PackageNotFoundError:
        spec = importlib.util.find_spec(package)
        return spec is not None and spec.origin is not None
    return True


def get_installed_path(package: str) -> str:
    """Folder of an installed package's module.

    Args:
        package: name of the distribution, or of the module if it has no distribution.

    Raises:
        PackageNotFoundError: there is no such package.
    """
    try:
        location = distribution(package).locate_file('')
    except PackageNotFoundError:
        return _module_folder(package)
    folder = Path(location, package2module(package))
    return str(folder) if folder.exists() else _module_folder(folder.name)


def _module_folder(module_name: str) -> str:
    spec = importlib.util.find_spec(module_name)
    if spec is None:
        raise PackageNotFoundError(module_name)
    if spec.origin is None:
        raise RuntimeError(f'{module_name} is a namespace package, which has no single folder')
    return str(Path(spec.origin).parent)


def package2module(package: str) -> str:
    """Name of the module that a distribution installs, the first line of ``top_level.txt``."""
    names = (distribution(package).read_text('top_level.txt') or '').splitlines()
    if not names:
        raise ValueError(f'can not infer the module name of {package}')
    return names[0]


def patch_package_lookups(module: ModuleType) -> Undo | None:
    """Let MMEngine <= 0.10 find packages without pkg_resources.

    Args:
        module: ``mmengine.utils.package_utils``.

    Returns:
        What restores its functions; None where they do not need or do have pkg_resources.
    """
    if importlib.util.find_spec('pkg_resources') is not None:
        return None
    stale = [
        function
        for function in (is_installed, get_installed_path, package2module)
        if 'pkg_resources' in getattr(module, function.__name__).__code__.co_names
    ]
    return _replace(module, {function.__name__: function for function in stale})


def patch_extension_check(module: ModuleType) -> Undo | None:
    """Let the search for mmcv's extension work without ``pkgutil.find_loader``.

    Args:
        module: ``mmcv.utils.ext_loader`` or ``mmengine.utils.dl_utils.misc``.

    Returns:
        What restores its function; None where it does not need or Python does have find_loader.
    """
    if hasattr(pkgutil, 'find_loader'):
        return None
    stale = [
        name
        for name, function in vars(module).items()
        if isinstance(function, FunctionType) and 'find_loader' in function.__code__.co_names
    ]
    return _replace(module, dict.fromkeys(stale, _has_operators))


def _has_operators() -> bool:
    if importlib.util.find_spec('mmcv') is None:
        return False
    return importlib.util.find_spec('mmcv._ext') is not None


def _replace(module: ModuleType, functions: dict[str, Callable]) -> Undo | None:
    undos = [replace_function(module, name, new) for name, new in functions.items()]
    if not undos:
        return None

    def undo() -> None:
        for undo_one in undos:
            undo_one()

    return undo
