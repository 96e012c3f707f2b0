"""From command-line arguments to the config of a run, checked before anything is built."""

import argparse
import inspect
import os
import tempfile
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict, DictAction
from mmengine.runner import Runner

from hrnet_ext.arguments import refuse_unused
from hrnet_ext.engine.config_file import is_config, read_config_file
from hrnet_ext.paths import config_path

OPTIMIZE_HOOK = 'hrnet_ext.OptimizeHook'
DRAWING_HOOK = 'hrnet_ext.PoseVisualizationHook'
MMPOSE_DRAWING_HOOKS = ('PoseVisualizationHook', 'mmpose.PoseVisualizationHook')
# Read by MMEngine, MMPose or us, but no parameters of the Runner.
OTHER_KEYS = {
    'auto_scale_lr', 'codec', 'compile', 'custom_imports', 'data_mode', 'data_root', 'dataset_type',
    'find_unused_parameters', 'model_wrapper_cfg', 'runner_type', 'sync_bn', 'verbose',
}  # fmt: skip
WORD_OR_NUMBER = ('loss_scale',)  # 'dynamic' is one


def read_config(name: str, options: list[str]) -> Config:
    """Read a config and override it.

    Args:
        name: A path, or the name of a shipped config such as ``hrnet_w32_coco``.
        options: ``KEY=VALUE`` strings of ``--cfg-options``.

    Raises:
        FileNotFoundError: If there is no such config.
        ValueError: If the file cannot be read or has no model; if an option does not have that
            form, its first key is unknown, or its value is text in place of a number.
    """
    path = _find_config(name)
    cfg = read_config_file(path)
    overrides = parse_options(options)
    _check_keys(overrides, cfg)
    _check_kinds(overrides, cfg)
    cfg.merge_from_dict(overrides)
    require(cfg, ['model'])
    return cfg


def require(cfg: Config, keys: Sequence[str]) -> None:
    """Reject a config in which a key is absent or None.

    Raises:
        ValueError: Names these keys.
    """
    absent = [key for key in keys if cfg.get(key) is None]
    if absent:
        raise ValueError(f'config {cfg.filename} has no {", ".join(absent)}')


def parse_options(options: list[str]) -> dict[str, Any]:
    """``KEY=VALUE`` strings to a dict, by MMEngine's rules: ``KEY=a,b`` is a list.

    Raises:
        ValueError: If a string has no ``=``.
    """
    for option in options:
        if '=' not in option:
            raise ValueError(f'--cfg-options takes KEY=VALUE, but got `{option}`')
    parser = argparse.ArgumentParser()
    parser.add_argument('--options', nargs='+', action=DictAction, default={})
    return parser.parse_args(['--options', *options]).options if options else {}


def set_work_dir(cfg: Config, args: argparse.Namespace) -> None:
    """``--work-dir``, else the config's, else ``work_dirs/<name of the config>``.

    Raises:
        OSError: If nothing can be written there.
    """
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or f'work_dirs/{Path(args.config).stem}'
    try:
        os.makedirs(cfg.work_dir, exist_ok=True)
        with tempfile.TemporaryFile(dir=cfg.work_dir):
            pass
    except OSError as error:
        raise OSError(
            f'cannot write to the work dir {cfg.work_dir} ({error.strerror}); '
            'choose another with --work-dir'
        ) from error


def set_resume(cfg: Config, resume: str | None) -> bool:
    """Continue from a checkpoint, or with ``'auto'`` from the last one in the work dir, if any.

    If there is none, a new training starts. The config key ``resume`` without ``load_from`` also
    means ``'auto'``.

    Returns:
        False if resuming was requested but there is no checkpoint.

    Raises:
        FileNotFoundError: If the checkpoint does not exist.
    """
    if resume is None and not (cfg.get('resume') and cfg.get('load_from') is None):
        return True
    if resume in (None, 'auto'):
        if not os.path.isfile(os.path.join(cfg.work_dir, 'last_checkpoint')):
            cfg.resume = False
            return False
        resume = 'last'
    cfg.resume = True
    cfg.load_from = find_checkpoint(resume, cfg.work_dir, checkpoint_folder(cfg))
    return True


def checkpoint_folder(cfg: Config) -> str:
    """Where a run keeps its checkpoints, by MMEngine's rule: work dir, or the hook's own folder."""
    hook = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    work_dir, out_dir = os.path.abspath(cfg.work_dir), hook.get('out_dir')
    if out_dir in (None, work_dir):
        return cfg.work_dir
    return os.path.join(out_dir, os.path.basename(work_dir))


def find_checkpoint(name: str, work_dir: str, folder: str | None = None) -> str:
    """The checkpoint that a user means.

    Args:
        name: A path or URL; ``'best'`` and ``'last'`` are the newest of that kind.
        work_dir: Folder of a run.
        folder: Where it keeps its checkpoints; None is the work dir.

    Raises:
        ValueError: If it is a config.
        FileNotFoundError: If there is none.
    """
    if os.path.isfile(name) and is_config(name):
        raise ValueError(f'{name} is a config; did you swap config and checkpoint?')
    if '://' in name or os.path.isfile(name):
        return name
    if name not in ('best', 'last'):
        raise FileNotFoundError(
            f'checkpoint not found: {name} (give a path, a URL, or `best` or `last` of --work-dir)'
        )
    folder = folder or work_dir
    if name == 'best':
        best = sorted(Path(folder).glob('best_*.pth'), key=os.path.getmtime)
        if best:
            return str(best[-1])
    # The file holds the path at the time of writing. By now the folder may have another name, and
    # another training may have the old one: only the file's name counts.
    pointer = Path(work_dir) / 'last_checkpoint'
    if name == 'last' and pointer.is_file():
        return os.path.join(folder, os.path.basename(pointer.read_text().strip()))
    raise FileNotFoundError(
        f'checkpoint not found: no `{name}` checkpoint in {folder} (give a path or a URL, or '
        'another --work-dir)'
    )


def set_drawing(cfg: Config, args: argparse.Namespace) -> None:
    """``--show``, ``--show-dir``, ``--interval``, ``--wait-time``.

    Raises:
        ValueError: If the config has no hook that draws, or an option would be ignored.
    """
    refuse_unused(args, {'--wait-time': '--show'})
    if not args.show and args.show_dir is None:
        refuse_unused(args, {'--interval': '--show-dir'})
        return
    hook = cfg.get('default_hooks', {}).get('visualization')
    if hook is None:
        raise ValueError(
            '--show and --show-dir need default_hooks.visualization in the config: '
            f"dict(type='{DRAWING_HOOK}')"
        )
    if hook.get('type') in MMPOSE_DRAWING_HOOKS:
        hook['type'] = DRAWING_HOOK
    hook.update(enable=True, show=args.show, out_dir=args.show_dir)
    given = {'interval': args.interval, 'wait_time': args.wait_time}
    hook.update({key: value for key, value in given.items() if value is not None})


def set_verbose(cfg: Config, args: argparse.Namespace) -> None:
    """``--verbose``: show on the terminal all that the log file gets, see ``ConsoleRunner``."""
    if args.verbose:
        cfg.verbose = True


def set_optimize(cfg: Config, mode: str) -> None:
    """Test in a mode of :mod:`hrnet_ext.acceleration.modes`, whatever the config's hooks say."""
    others = [hook for hook in cfg.get('custom_hooks') or [] if hook['type'] != OPTIMIZE_HOOK]
    cfg.custom_hooks = [*others, {'type': OPTIMIZE_HOOK, 'mode': mode}]


def _find_config(name: str) -> str:
    if os.path.isfile(name):
        return name
    if os.path.basename(name) != name:
        raise FileNotFoundError(f'config file not found: {name}')
    try:
        return config_path(name)
    except ValueError as error:
        raise FileNotFoundError(f'config file not found: {name}; {error}') from None


def _check_keys(overrides: dict[str, Any], cfg: Config) -> None:
    known = set(cfg) | set(inspect.signature(Runner).parameters) | OTHER_KEYS
    for key in overrides:
        first = key.partition('.')[0]
        if first not in known:
            close = get_close_matches(first, known, n=1)
            hint = f'; did you mean `{close[0]}`?' if close else ''
            raise ValueError(f'--cfg-options: the config has no `{first}` (in `{key}`){hint}')


def _check_kinds(overrides: dict[str, Any], cfg: Config) -> None:
    """Reject text in place of a number or a boolean, which no other check finds."""
    for key, value in overrides.items():
        *parents, last = key.split('.')
        there = _at(cfg, parents)
        old = there.get(last) if isinstance(there, (Config, ConfigDict)) else None
        if isinstance(value, str) and isinstance(old, (int, float)) and last not in WORD_OR_NUMBER:
            kind = 'True or False' if isinstance(old, bool) else 'a number'
            raise ValueError(f'--cfg-options: {key} is {kind} (now {old}), not `{value}`')


def _at(cfg: Any, keys: Sequence[str]) -> Any:
    """The value at a path of keys in a config; None if there is none."""
    for key in keys:
        if isinstance(cfg, (list, tuple)) and key.isdigit() and int(key) < len(cfg):
            cfg = cfg[int(key)]
        else:
            cfg = cfg.get(key) if isinstance(cfg, (Config, ConfigDict)) else None
    return cfg
