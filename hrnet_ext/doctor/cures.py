"""Known error messages of the OpenMMLab stack, what they mean and what cures them."""

from __future__ import annotations

import re
from typing import NamedTuple

PIP = 'python -m pip'
_STACK = {
    'mmengine': 'mmengine==0.11.0rc3',
    'mmcv': 'mmcv-lite==2.1.0',
    'mmdet': 'mmdet==3.3.0',
    'mmpose': 'mmpose==1.3.2',
    'mim': 'openmim==0.3.9',
}
# Modules that are installed under another name.
_DISTRIBUTIONS = {
    'PIL': 'pillow',
    'cv2': 'opencv-python-headless',
    'json_tricks': 'json-tricks',
    'model_index': 'model-index',
    'pkg_resources': '"setuptools<80.9"',
    'yaml': 'pyyaml',
}
_LITE_MMCV = (
    f'{PIP} uninstall -y mmcv mmcv-full mmcv-lite && {PIP} install --no-deps {_STACK["mmcv"]}'
)
_TORCH_PAIR = f'{PIP} install --force-reinstall torch==2.12.1 torchvision==0.27.1'


class Cure(NamedTuple):
    """What a message means and the command that helps."""

    meaning: str
    command: str


# Searched in this order; {1} is the pattern's first group.
_CURES: tuple[tuple[str, str, str], ...] = (
    (
        r"No module named 'mmcv\._ext'",
        'this mmcv has no compiled operators, and hrnet_ext.compat, which computes them, was '
        'switched off or not imported first',
        'unset HRNET_EXT_COMPAT; and in scripts: import hrnet_ext before mmpose',
    ),
    (
        r'MMCV==(\S+) is used but incompatible',
        'MMDetection 3.3 and MMPose 1.3 refuse mmcv {1}; they accept 2.1.0',
        _LITE_MMCV,
    ),
    (
        r'MMEngine==(\S+) is used but incompatible',
        'MMDetection or MMPose refuses mmengine {1}',
        f'{PIP} install --no-deps {_STACK["mmengine"]}',
    ),
    (
        r"operator torchvision::\w+ does not exist|Couldn't load custom C\+\+ ops|"
        r'PyTorch and torchvision (?:were compiled|has different)',
        'torch and torchvision are not of one build (such as a +cpu torch beside the default '
        'torchvision)',
        _TORCH_PAIR,
    ),
    (
        r'mmcv.*_ext.*undefined symbol|undefined symbol.*mmcv',
        "mmcv's compiled operators were built for another torch",
        _LITE_MMCV,
    ),
    (
        r'xtcocotools.*(?:numpy\.dtype size changed|NPY_OWNDATA|_ARRAY_API)|'
        r'(?:numpy\.dtype size changed|NPY_OWNDATA|_ARRAY_API).*xtcocotools',
        'xtcocotools was built for another numpy; without it hrnet_ext uses pycocotools',
        f'{PIP} uninstall -y xtcocotools',
    ),
    (
        r'numpy\.dtype size changed|_ARRAY_API not found|compiled using NumPy 1|'
        r'numpy\.core\.multiarray failed to import',
        'a compiled package was built for another numpy',
        f'{PIP} install --force-reinstall --no-deps pycocotools  (or the package in the message)',
    ),
    (
        r"No module named 'pkg_resources'",
        'setuptools 82 removed pkg_resources, which mim and MMEngine 0.10 import',
        f'{PIP} install "setuptools<80.9"',
    ),
    (
        r"'pkgutil' has no attribute 'ImpImporter'",
        "setuptools is too old for this Python, pinned by openmim's opendatalab",
        f'{PIP} uninstall -y opendatalab openxlab && {PIP} install -U "setuptools>=70,<80.9"',
    ),
    (
        r"'pkgutil' has no attribute 'find_loader'",
        'Python 3.14 removed find_loader, which mmcv calls; hrnet_ext.compat repairs it',
        'unset HRNET_EXT_COMPAT; and in scripts: import hrnet_ext before mmpose',
    ),
    (
        r"'inspect' has no attribute 'getargspec'|chumpy|No module named 'pip'",
        'chumpy cannot be built or imported today; MMPose asks for it but never imports it',
        f'{PIP} uninstall -y chumpy; {PIP} install --no-deps {_STACK["mmpose"]}',
    ),
    (
        r'(?:opendatalab|openxlab).*(?:requires|setuptools)|setuptools~=60',
        'opendatalab pins setuptools, requests, rich; only mim download --dataset needs it',
        f'{PIP} uninstall -y opendatalab openxlab && {PIP} install --no-deps {_STACK["mim"]}',
    ),
    (
        r'Weights only load failed|_pickle\.UnpicklingError',
        'MMEngine 0.10 cannot read checkpoints with more than tensors under torch >= 2.6; '
        'hrnet_ext.compat reads them safely',
        'unset HRNET_EXT_COMPAT; and in scripts: import hrnet_ext before mmengine loads',
    ),
    (
        r'only 0-dimensional arrays can be converted to Python scalars',
        "MMPose's drawing under numpy 2.4; hrnet_ext.compat repairs it",
        'unset HRNET_EXT_COMPAT; and in scripts: import hrnet_ext before mmpose',
    ),
    (
        r'libGL\.so|libgthread|libglib',
        'OpenCV for desktops on a machine without a display',
        f'{PIP} uninstall -y opencv-python opencv-contrib-python && '
        f'{PIP} install opencv-python-headless',
    ),
    (
        r"No module named 'xtcocotools'",
        'xtcocotools is absent; hrnet_ext.compat stands in for it where pycocotools is installed',
        f'{PIP} install pycocotools; unset HRNET_EXT_COMPAT',
    ),
    (
        r'can not find the config file in codebase|'
        r'determine a unique package given abbreviation',
        'mim does not find hrnet_ext where it looks for packages',
        f'{PIP} install --no-deps .  (in the checkout, without -e)',
    ),
)
_ABSENT = re.compile(r"No module named '([\w.]+)'")


def find_cure(message: str) -> Cure | None:
    """The cure for an error message.

    Args:
        message: the message, or a whole traceback.

    Returns:
        None for a message that is not known.
    """
    text = ' '.join(message.split())
    for pattern, meaning, command in _CURES:
        found = re.search(pattern, text)
        if found:
            return Cure(meaning.replace('{1}', found.group(1) if found.groups() else ''), command)
    absent = _ABSENT.search(text)
    return absent and _install(absent.group(1))


def _install(module_name: str) -> Cure:
    name = module_name.split('.')[0]
    if name in _STACK:
        return Cure(f'{name} is not installed', f'{PIP} install --no-deps {_STACK[name]}')
    if name in ('torch', 'torchvision'):
        return Cure(f'{name} is not installed', f'{PIP} install torch==2.12.1 torchvision==0.27.1')
    return Cure(f'{name} is not installed', f'{PIP} install {_DISTRIBUTIONS.get(name, name)}')
