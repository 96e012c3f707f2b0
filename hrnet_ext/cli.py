"""Arguments and error reports of all commands; nothing heavy is imported here.

An error that the user can fix ends a command with one line. Any other error is a bug of this
package and ends it with a traceback. :func:`is_users` distinguishes them without a special
exception class: every ``raise`` statement of this package has a message for the user. Raise
``ValueError``.
"""

import argparse
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence

from hrnet_ext.arguments import add_settings_argument, number, positive
from hrnet_ext.host_warnings import silence_known

DEBUG_VARIABLE = 'HRNET_EXT_DEBUG'
INTERRUPTED = 130  # 128 + SIGINT, as in shells
LAUNCHERS = ('none', 'pytorch', 'slurm', 'mpi')
# From hrnet_ext.acceleration.modes, which imports PyTorch; --help should be fast.
MODES = ('off', 'auto', 'fp32', 'bf16', 'fp16', 'fp32+compile', 'bf16+compile', 'fp16+compile')
# Packages whose errors are about settings, see is_users.
REPORTS_SETTINGS = (
    'mmengine', 'mmcv', 'mmpose', 'mmdet', 'mmseg', 'torch/optim', 'torch/utils/data', 'json',
)  # fmt: skip
MAKES_OBJECTS = '/mmengine/registry/'
BAD_ARGUMENTS = r'unexpected keyword argument|required (positional|keyword-only)'


class _Debug(argparse.Action):
    """Enable tracebacks, in this process and its child processes."""

    def __call__(self, *_: object) -> None:
        os.environ[DEBUG_VARIABLE] = '1'


def config_parser(description: str) -> argparse.ArgumentParser:
    """A parser with the arguments of all commands that read a config."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('config', help='a config file, or the name of a shipped one')
    add_settings_argument(
        parser,
        '--cfg-options',
        'override settings, such as train_cfg.max_epochs=20; no blanks in a value',
    )
    add_debug_argument(parser)
    return parser


def add_debug_argument(parser: argparse.ArgumentParser) -> None:
    """``--debug``, for every command that uses :func:`run`."""
    parser.add_argument('--debug', nargs=0, action=_Debug, help='show the traceback of an error')


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that training and testing share: work dir, launcher, drawing."""
    parser.add_argument('--work-dir', help='folder for logs and checkpoints (work_dirs/CONFIG)')
    parser.add_argument('--launcher', choices=LAUNCHERS, default='none', help='job launcher')
    # torch.distributed.launch passes --local-rank, before PyTorch 2.0 --local_rank
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument(
        '--verbose',
        action='store_true',
        help='show all that the log file in the work dir gets, such as the whole config',
    )
    parser.add_argument(
        '--show-dir', help='draw ground truth and predictions of images into this folder of the run'
    )
    parser.add_argument('--show', action='store_true', help='show these drawings in a window')
    parser.add_argument('--interval', type=positive, help='draw every so many images')
    parser.add_argument('--wait-time', type=number(float, 0), help='seconds that a window stays')


def add_optimize_argument(parser: argparse._ActionsContainer, default: str | None) -> None:
    """``--optimize``, for every command that runs inference; None uses the config's mode."""
    said = default or "the config's OptimizeHook, else off"
    parser.add_argument(
        '--optimize',
        choices=MODES,
        default=default,
        metavar='MODE',
        help=f'how to run the network ({said}). off: bit-identical to MMPose; fp32: faster, '
        'heatmaps differ by less than 1e-4 of their maximum; bf16, and fp16 on GPUs: keypoints '
        'differ by less than 0.1 input pixels (median), AP by less than 0.2 points; each with '
        '+compile: compiled by PyTorch, same accuracy, for GPUs and networks other than HRNet; '
        'auto: bf16, fp16 or fp32, whichever the device computes best',
    )


def parse_run_arguments(
    parser: argparse.ArgumentParser, arguments: Sequence[str] | None = None
) -> argparse.Namespace:
    """Parse the arguments, and set LOCAL_RANK for MMEngine if only the command line has it."""
    args = parser.parse_args(arguments)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def program() -> str:
    """The name of the running program: ``train.py`` or ``hrnet-ext train``."""
    return os.path.basename(sys.argv[0])


def describe(error: BaseException) -> str:
    """The message of an error for the user, also of an error in a data loader's worker."""
    text = error.args[0] if isinstance(error, KeyError) and error.args else error
    text = str(text).strip()
    if 'Original Traceback' in text:  # PyTorch put the traceback of its worker into the message
        text = text.splitlines()[-1].partition(': ')[2] or text
    return text or type(error).__name__


def is_users(error: BaseException) -> bool:
    """Whether an error is about the user's files or settings, and not a bug of this package.

    It is, if

    - it is an ``OSError``, or a package is not installed;
    - it was raised by a ``raise`` statement in hrnet_ext (``ValueError``, ``KeyError``);
    - it was raised by a ``raise`` or ``assert`` with a message in OpenMMLab, or by PyTorch about a
      setting of an optimizer or data loader: that is how these report errors in a config;
    - a class named in a config does not accept the arguments in the config;
    - JSON could not be read.

    Every other error is a bug.
    """
    if isinstance(error, ImportError):
        return (error.name or '').partition('.')[0] != 'hrnet_ext'
    if isinstance(error, OSError):
        return True
    if not isinstance(error, (ValueError, KeyError, TypeError, AssertionError)):
        return False
    path, statement = _place(error)
    if _is_ours(path) and statement == 'raise':
        return isinstance(error, (ValueError, KeyError))
    cause = error.__cause__ or error.__context__
    if type(cause) is type(error) and str(cause) and str(cause) in str(error):
        return is_users(cause)  # OpenMMLab raises some errors again with a longer message
    if isinstance(error, TypeError) and re.search(BAD_ARGUMENTS, str(error)):
        return MAKES_OBJECTS in path
    library = path.rpartition('/site-packages')[2]
    return (
        statement in ('raise', 'assert')
        and ' ' in describe(error)
        and any(f'/{part}/' in library for part in REPORTS_SETTINGS)
    )


def _is_ours(path: str) -> bool:
    """Whether a file belongs to the package, to the running tool, or to the benchmarks."""
    tool = _path(getattr(sys.modules['__main__'], '__file__', None))
    benchmarks = os.path.join(os.path.dirname(os.path.dirname(tool)), 'benchmarks')
    folders = (_path(os.path.dirname(__file__)), _path(benchmarks))
    return path == tool or path.startswith(tuple(f'{folder}/' for folder in folders))


def _place(error: BaseException) -> tuple[str, str]:
    """File and first word of the innermost statement, also of an error in another process."""
    text = ''.join(traceback.format_tb(error.__traceback__))
    for elsewhere in (str(error.__cause__), str(error)):
        if 'Traceback (most recent call' in elsewhere:
            text = elsewhere
    found = re.findall(r'^ *File "(.+)", line \d+, in .*\n +(\w*)', text, re.MULTILINE)
    path, statement = found[-1] if found else ('', '')
    return _path(path), statement


def _path(path: str | None) -> str:
    return os.path.abspath(path or '').replace(os.sep, '/')


def run(main: Callable[[], None], *, after_interrupt: str = '') -> None:
    """Run a command. An error of the user ends it with one message and status 1, Ctrl-C with 130.

    Args:
        main: The command. With ``--debug`` or ``HRNET_EXT_DEBUG=1`` errors keep their traceback.
        after_interrupt: How to continue after Ctrl-C, for the message.
    """
    if not {'--verbose', '--debug'} & set(sys.argv):  # before parsing: imports warn, too
        silence_known()
    try:
        main()
    except KeyboardInterrupt:
        hint = f' ({after_interrupt})' if after_interrupt else ''
        sys.stderr.write(f'\ninterrupted; what was saved is whole{hint}\n')
        sys.exit(INTERRUPTED)
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE, '0') not in ('', '0') or not is_users(error):
            raise
        rank = f' (process {os.environ["RANK"]})' if 'RANK' in os.environ else ''
        sys.exit(f'error{rank}: {describe(error)}\n(--debug shows where)')
