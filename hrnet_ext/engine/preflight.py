"""Check before the first step for errors that would otherwise fail late or ruin training."""

from collections.abc import Iterator, Sequence

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, Runner
from torch import nn

from hrnet_ext.datasets.transforms.reduction import check_croppers, check_size
from hrnet_ext.engine import agreement
from hrnet_ext.registry import HOOKS

NUM_IMAGES = 4  # read from each data set, evenly spaced


def _loops(runner: Runner) -> Iterator[tuple[str, BaseLoop]]:
    """The loops of this command by config key; MMEngine builds only those it will run."""
    loops = {'train': runner._train_loop, 'val': runner._val_loop, 'test': runner._test_loop}
    for name, loop in loops.items():
        if isinstance(loop, BaseLoop):
            yield f'{name}_dataloader', loop


def _datasets(runner: Runner) -> Iterator[tuple[str, object]]:
    """Each loader's data set; wrappers such as ``RepeatDataset`` are opened."""
    for key, loop in _loops(runner):
        dataset = loop.dataloader.dataset
        while not hasattr(dataset, 'pipeline') and hasattr(dataset, 'dataset'):
            dataset = dataset.dataset
        yield key, dataset


def _decodes_heatmaps(model: nn.Module) -> bool:
    return hasattr(getattr(getattr(model, 'head', None), 'decoder', None), 'heatmap_size')


def _dataset_problems(dataset: object, model: nn.Module, key: str) -> list[str]:
    metainfo = getattr(dataset, 'metainfo', {})
    problems = []
    if 'num_keypoints' in metainfo and _decodes_heatmaps(model):
        problems += agreement.keypoint_problems(metainfo, model.head.out_channels, key)
        problems += agreement.flip_problems(metainfo, key)
    transforms = getattr(getattr(dataset, 'pipeline', None), 'transforms', ())
    if transforms and _decodes_heatmaps(model):
        problems += agreement.pipeline_problems(transforms, model.head.decoder, key)
    if transforms:
        problems += _reduction_problems(transforms, key)
        problems += _image_problems(dataset, transforms[0], model, key)
    return problems


def _reduction_problems(transforms: Sequence, key: str) -> list[str]:
    """Check ``LoadImage(reduce_for=...)`` of any data set; ours also check it themselves."""
    try:
        check_croppers(transforms)
    except ValueError as error:
        return [f'{key}.dataset: {error}']
    return []


def _image_problems(dataset: object, load: object, model: nn.Module, key: str) -> list[str]:
    """Check a few images; only loading is run, since later steps draw random numbers."""
    places = range(0, len(dataset), max(1, len(dataset) // NUM_IMAGES))
    try:
        for info in map(dataset.get_data_info, places[:NUM_IMAGES]):
            annotated = info.get('img_shape')
            loaded = load(info) or {}
            problems = agreement.channel_problems(model, loaded.get('img'), key)
            if problems:
                return problems
            if 'img_path' in loaded and 'ori_shape' in loaded:
                check_size(loaded['img_path'], annotated, loaded['ori_shape'])
    except (OSError, ValueError, AssertionError) as error:
        return [f'{key}.dataset: {error}']
    return []


def _save_best_problems(runner: Runner) -> list[str]:
    if not isinstance(runner._val_loop, BaseLoop):
        return []
    wanted = [getattr(hook, 'save_best', None) for hook in runner.hooks]
    keys = [key for some in wanted if some for key in ([some] if isinstance(some, str) else some)]
    return agreement.save_best_problems(keys, runner._val_loop.evaluator.metrics)


def _compile_problems(runner: Runner, model: nn.Module) -> list[str]:
    compiler = getattr(model, 'training_compiler', None)
    if compiler is None or not isinstance(runner._train_loop, BaseLoop):
        return []
    try:
        compiler.check(next(model.parameters()).device)
    except ValueError as error:
        return [str(error)]
    return []


@HOOKS.register_module()
class PreflightHook(Hook):
    """Raise one error that lists all inconsistencies of a configuration.

    Checks the number of keypoints, mirrored keypoints, crop sizes, codecs, channels, heatmap size,
    ``save_best``, and crops of reduced images. Also reads a few images of every loader and compares
    their sizes with the annotated ones. Runs once per command, before weights are downloaded; takes
    well under a second and draws no random number, so results do not depend on it. If training is
    to be compiled it also tries a compiler, which takes some seconds.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        """Check a runner after its loops are built.

        Raises:
            ValueError: If there is a problem; one line per problem.
        """
        problems = []
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        for key, loop in _loops(runner):
            problems.extend(agreement.loader_problems(loop.dataloader, key))
        for key, dataset in _datasets(runner):
            problems.extend(_dataset_problems(dataset, model, key))
        if _decodes_heatmaps(model):
            problems.extend(agreement.network_problems(model))
        problems.extend(_save_best_problems(runner))
        problems.extend(_compile_problems(runner, model))
        if problems:
            lines = ''.join(f'\n  - {problem}' for problem in dict.fromkeys(problems))
            raise ValueError(f'this configuration cannot run:{lines}')
        if isinstance(runner._train_loop, BaseLoop):
            for warning in agreement.weight_decay_warnings(runner.optim_wrapper.optimizer):
                runner.logger.warning(warning)
