"""Train and test as the command-line tools do."""

import argparse
from pathlib import Path

import mmengine
from mmengine.config import Config
from mmengine.dist import is_main_process

from hrnet_ext.engine.processes import set_launcher
from hrnet_ext.engine.run_config import (
    checkpoint_folder,
    find_checkpoint,
    read_config,
    require,
    set_drawing,
    set_optimize,
    set_resume,
    set_verbose,
    set_work_dir,
)
from hrnet_ext.engine.runners import Runner, TrainingRunner
from hrnet_ext.engine.training_options import set_speed
from hrnet_ext.export.engines import is_exported
from hrnet_ext.export.estimator import refuse_optimizing, replace_model
from hrnet_ext.host_memory import keep_freed_memory
from hrnet_ext.released import released_weights
from hrnet_ext.writing import write_json

METRIC_FILES = ('.json', '.yaml', '.yml', '.pkl', '.pickle')


def train(args: argparse.Namespace) -> None:
    """Train with the arguments of ``tools/train.py``.

    Args:
        args: The parsed arguments.

    Raises:
        ValueError, OSError: If an argument, the config or a file is invalid.
    """
    cfg = read_config(args.config, args.cfg_options)
    require(cfg, ['train_dataloader', 'train_cfg', 'optim_wrapper'])
    set_work_dir(cfg, args)
    can_resume = set_resume(cfg, args.resume)
    set_drawing(cfg, args)
    set_speed(cfg, args)
    set_verbose(cfg, args)
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        # Without validation there is no best checkpoint.
        (cfg.get('default_hooks', {}).get('checkpoint') or {}).pop('save_best', None)
    if args.auto_scale_lr:
        _enable_auto_scale(cfg)
    set_launcher(cfg, args.launcher)
    keep_freed_memory()
    runner = TrainingRunner.from_cfg(cfg)
    if not can_resume:
        runner.logger.warning(f'nothing to resume from in {cfg.work_dir}: training starts anew')
    runner.train()


def test(args: argparse.Namespace) -> dict[str, float]:
    """Evaluate with the arguments of ``tools/test.py``.

    Args:
        args: The parsed arguments.

    Returns:
        Metrics by name.

    Raises:
        ValueError, OSError: If an argument, the config or a file is invalid.
    """
    _check_suffix('--out', args.out, METRIC_FILES)
    _check_suffix('--dump', args.dump, ('.pkl', '.pickle'))
    cfg = read_config(args.config, args.cfg_options)
    require(cfg, ['test_dataloader', 'test_cfg', 'test_evaluator'])
    set_work_dir(cfg, args)
    name = args.checkpoint or released_weights(cfg.filename)
    checkpoint = find_checkpoint(name, cfg.work_dir, checkpoint_folder(cfg))
    cfg.load_from = checkpoint
    cfg.resume = False
    set_drawing(cfg, args)
    set_verbose(cfg, args)
    if args.dump:
        evaluators = cfg.test_evaluator
        evaluators = evaluators if isinstance(evaluators, (list, tuple)) else [evaluators]
        cfg.test_evaluator = [*evaluators, {'type': 'DumpResults', 'out_file_path': args.dump}]
    if is_exported(checkpoint):
        refuse_optimizing(checkpoint, args.optimize)
        replace_model(cfg, checkpoint)
    elif args.optimize:
        set_optimize(cfg, args.optimize)
    set_launcher(cfg, args.launcher)
    metrics = Runner.from_cfg(cfg).test()
    if args.out and is_main_process():
        _write_metrics(metrics, args.out)
    return metrics


def _write_metrics(metrics: dict[str, float], path: str) -> None:
    if path.endswith('.json'):
        write_json(path, metrics, indent=2)
        return
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    mmengine.dump(metrics, path)


def _enable_auto_scale(cfg: Config) -> None:
    if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
        raise ValueError('--auto-scale-lr needs auto_scale_lr.base_batch_size in the config')
    cfg.auto_scale_lr.enable = True


def _check_suffix(option: str, path: str | None, suffixes: tuple[str, ...]) -> None:
    if path and not path.endswith(suffixes):
        raise ValueError(f'{option} {path}: the name should end in {" or ".join(suffixes)}')
