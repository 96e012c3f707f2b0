"""Read MATLAB files, with errors that name the file and the cure."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from mmengine.fileio import exists, get
from scipy.io import loadmat, whosmat


def read_mat(path: str, what: str, variables: Sequence[str], cure: str) -> dict[str, np.ndarray]:
    """Variables of a MATLAB file up to version 7, as SciPy returns them (nothing squeezed).

    Args:
        path: File to read.
        what: Name of the file and its config key or option; start of the message.
        variables: Their names; all must exist.
        cure: How to get the right file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a MATLAB file, is damaged, is of version 7.3, or lacks a variable.
    """
    if not exists(path):
        raise FileNotFoundError(f'{what} `{path}` does not exist: {cure}')
    content = get(path)
    try:
        found = loadmat(BytesIO(content), variable_names=list(variables))
    except NotImplementedError as error:
        raise ValueError(
            f'{what} `{path}` is a MATLAB 7.3 (HDF5) file, which SciPy cannot read; save it again '
            f"in MATLAB: s = load('{path}'); save('{path}', '-struct', 's', '-v7')"
        ) from error
    except Exception as error:  # SciPy raises almost any error for a damaged file
        raise ValueError(
            f'{what} `{path}` ({len(content):,} bytes) is not a complete MATLAB file '
            f'({type(error).__name__}: {error}): {cure}'
        ) from error
    absent = [name for name in variables if name not in found]
    if absent:
        held = ', '.join(name for name, *_ in whosmat(BytesIO(content))) or 'nothing'
        raise ValueError(f'{what} `{path}` lacks {", ".join(absent)}; it contains {held}: {cure}')
    return {name: found[name] for name in variables}
