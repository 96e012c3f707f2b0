"""The console script: ``hrnet-ext COMMAND ...``, or ``python -m hrnet_ext COMMAND ...``."""

from __future__ import annotations  # any Python can run doctor, which tells what it lacks

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module

PROGRAM = 'hrnet-ext'
# Each is a module of hrnet_ext.commands (with _ for -), which is imported when it is called.
COMMANDS = {
    'prepare-dataset': 'check your own annotations, and write a config that trains on them',
    'browse-dataset': 'draw samples after augmentation, as the network sees them',
    'train': 'train a model',
    'test': 'evaluate a checkpoint or an exported file',
    'demo': 'draw the people in images and videos',
    'track': "track people through videos, and evaluate PoseTrack's sequences",
    'export': 'write a model as one file that runs without PyTorch',
    'make-bbox-file': 'detect people and write their bounding boxes, for test and track',
    'draw-predictions': 'draw ground truth and predictions of a test side by side',
    'list-models': 'list the released models: results, size, whether downloaded',
    'get-flops': 'count parameters and multiply-adds of a config',
    'convert-checkpoint': 'convert released weights of HRNet',
    'convert-mpii': "convert MPII's annotations, and predictions for its test server",
    'convert-posetrack': 'merge, split and evaluate files of PoseTrack',
    'make-synthetic': 'render a data set of people: COCO, MPII or PoseTrack18 layout',
    'make-butterflies': 'render a toy data set with keypoints of its own',
    'make-person-masks': 'make label maps of people for MMSegmentation',
    'doctor': 'examine the installation, or explain an error message',
}


def main(arguments: Sequence[str] | None = None) -> int | None:
    """Run the command that the first argument names; exit status 2 if there is no such command."""
    given, *rest = (sys.argv[1:] if arguments is None else arguments) or ['--help']
    name = given.replace('_', '-')
    if name in ('-h', '--help'):
        print(_help())
        return 0
    if name == '--version':
        from hrnet_ext import __version__

        print(f'{PROGRAM} {__version__}')
        return 0
    if name not in COMMANDS:
        close = get_close_matches(name, COMMANDS, n=1)
        hint = f'did you mean {close[0]}?' if close else f'{PROGRAM} --help lists the commands'
        print(f'error: {PROGRAM} has no command {given}; {hint}', file=sys.stderr)
        return 2
    sys.argv = [f'{PROGRAM} {name}', *rest]  # what usage and error messages call the program
    return import_module(f'hrnet_ext.commands.{name.replace("-", "_")}').main(rest)


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f'  {name:<{width}}  {purpose}' for name, purpose in COMMANDS.items()]
    return '\n'.join(
        [
            f'usage: {PROGRAM} COMMAND ...',
            '',
            "HRNet pose estimation for today's OpenMMLab.",
            '',
            'commands:',
            *lines,
            '',
            f'{PROGRAM} COMMAND --help describes a command, {PROGRAM} --version the release.',
        ]
    )


if __name__ == '__main__':
    sys.exit(main())
