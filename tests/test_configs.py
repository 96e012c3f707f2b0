"""Every shipped config is consistent, builds, and differs from its twin where it says."""

import copy
import functools
import re
from pathlib import Path

import pytest
import torch
import yaml
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS, KEYPOINT_CODECS, METRICS, MODELS

CONFIGS = Path(__file__).parents[1] / 'configs'
LEAVES = sorted(CONFIGS.glob('hrnet_*.py'))
COCO = [path for path in LEAVES if '_coco' in path.stem]
RELEASED = [path for path in LEAVES if re.match('hrnet_w(32|48)_', path.stem)]  # trained weights
POSETRACK18 = [path for path in RELEASED if '_posetrack18' in path.stem]
FAMILY = [path for path in COCO if path not in RELEASED]
TWINS = [path for path in LEAVES if path.stem.startswith('hrnet_w32')]
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')

each_leaf = pytest.mark.parametrize('path', LEAVES, ids=lambda path: path.stem)


_read = functools.cache(Config.fromfile)


def load(path: Path) -> Config:
    init_default_scope('mmpose')
    return copy.deepcopy(_read(path))


def types_in(node: object) -> set[str]:
    """Every ``type`` named anywhere below ``node``."""
    if isinstance(node, dict):
        found = {node['type']} if isinstance(node.get('type'), str) else set()
        return found.union(*map(types_in, node.values()))
    return set().union(*map(types_in, node)) if isinstance(node, (list, tuple)) else set()


def test_there_are_configs():
    assert len(LEAVES) >= 20
    assert len(COCO) == 11
    assert len(POSETRACK18) == 4
    assert len(TWINS) == 5


def test_file_names_are_unique():
    """``mim`` finds a config by its file name anywhere in the package."""
    names = [path.name for path in CONFIGS.rglob('*.py')]
    assert len(names) == len(set(names))


@each_leaf
def test_leaves_are_short(path):
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    assert 3 <= len(lines) <= 15


@each_leaf
def test_one_codec_everywhere(path):
    config = load(path)
    codec, head = config.codec, config.model.head
    assert head.decoder == codec
    for loader in LOADERS:
        steps = config[loader].dataset.pipeline
        crops = [step for step in steps if step.type.endswith('TopdownAffine')]
        assert [tuple(crop.input_size) for crop in crops] == [tuple(codec.input_size)], loader
        assert all(step.get('encoder', codec) == codec for step in steps), loader
    assert [4 * side for side in codec.heatmap_size] == list(codec.input_size)  # HRNet's stride
    assert head.in_channels == config.model.backbone.width


@each_leaf
def test_pipelines_of_the_dataloaders_are_the_named_ones(path):
    config = load(path)
    for loader, pipeline in zip(LOADERS, ('train_pipeline', 'val_pipeline', 'val_pipeline')):
        assert config[loader].dataset.pipeline == config[pipeline], loader


@each_leaf
def test_only_our_types_carry_a_scope(path):
    config = load(path)
    assert config.default_scope == 'mmpose'
    scoped = {name for name in types_in(config._cfg_dict.to_dict()) if '.' in name}
    assert {name.split('.')[0] for name in scoped} == {'hrnet_ext'}


@each_leaf
def test_what_mmposes_inferencer_reads_is_there(path):
    config = load(path)
    assert config.data_mode == 'topdown'
    module = DATASETS.get(config.dataset_type).__module__
    assert module.split('datasets.')[-1].split('.')[0] == 'body'
    assert all(config[loader].dataset.type == config.dataset_type for loader in LOADERS)


@each_leaf
def test_the_model_builds_and_fits_its_codec(path):
    config = load(path)
    config.model.init_cfg = config.model.backbone.init_cfg = None
    codec = KEYPOINT_CODECS.build(config.codec)
    width, height = codec.input_size
    with torch.device('meta'):
        model = MODELS.build(config.model).eval()
        heatmaps = model(torch.zeros(1, 3, height, width), None, mode='tensor')
    dataset = config.val_dataloader.dataset
    metainfo = dataset.get('metainfo') or DATASETS.get(config.dataset_type).METAINFO
    expected = (1, len(metainfo['keypoint_info']), *codec.heatmap_size[::-1])
    assert heatmaps.shape == expected


@each_leaf
def test_adam_decays_no_weights(path):
    optimizer = load(path).optim_wrapper.optimizer
    assert optimizer.type == 'Adam'
    assert optimizer.weight_decay == 0


@each_leaf
def test_save_best_names_a_value_of_the_metric(path):
    config = load(path)
    prefix, name = config.default_hooks.checkpoint.save_best.split('/')
    metric = METRICS.build(config.val_evaluator)
    assert prefix == metric.prefix == metric.default_prefix
    assert name in metric.names


@each_leaf
def test_checks_run_before_training(path):
    assert {'type': 'hrnet_ext.PreflightHook'} in load(path).custom_hooks


@each_leaf
def test_evaluation_has_the_same_batches_in_any_number_of_processes(path):
    cfg = load(path)
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        assert loader.batch_sampler.type == 'hrnet_ext.EvaluationBatchSampler'


def test_the_codecs_are_the_papers():
    sizes = {'': ((192, 256), (48, 64), 2), '_384x288': ((288, 384), (72, 96), 3)}
    for path in COCO:
        suffix = '_384x288' if path.stem.endswith('_384x288') else ''
        codec = load(path).codec
        assert (codec.input_size, codec.heatmap_size, codec.sigma) == sizes[suffix], path.stem


@pytest.mark.parametrize('path', TWINS, ids=lambda path: path.stem)
def test_w48_differs_from_w32_in_the_model_alone(path):
    twin = load(path.with_name(path.name.replace('w32', 'w48')))
    config = load(path)
    differing = {key for key in config.keys() | twin.keys() if config.get(key) != twin.get(key)}
    assert differing == {'model'}
    for model in (config.model, twin.model):
        width = model.backbone.width
        assert re.search(f'hrnet[-_]w{width}[-_]', weights_of(model))
        model.pop('init_cfg', None)
        model.backbone.pop('init_cfg')
        model.backbone.pop('width')
        model.head.pop('in_channels')
    assert config.model == twin.model


def weights_of(model: ConfigDict) -> str:
    """Where training starts: the whole model's weights, or the backbone's."""
    return (model.get('init_cfg') or model.backbone.init_cfg).checkpoint


@pytest.mark.parametrize('path', POSETRACK18, ids=lambda path: path.stem)
def test_posetrack18_starts_from_the_released_coco_weights(path):
    coco = {model['Name']: model['Weights'] for model in indexed_models()}
    assert weights_of(load(path).model) == coco[path.stem.replace('posetrack18', 'coco')]


def test_posetrack18_is_trained_as_the_paper_says():
    """Sun et al., 4.3: 20 epochs at 1e-4, a tenth at 10 and 15."""
    for path in POSETRACK18:
        config = load(path)
        assert config.train_cfg.max_epochs == 20
        assert config.optim_wrapper.optimizer.lr == 1e-4
        assert config.param_scheduler[1].milestones == [10, 15]
        assert config.val_evaluator.type == 'hrnet_ext.PoseTrackMetric'


def mmpose_config(name: str, data: str = 'coco') -> Config:
    mmpose = pytest.importorskip('mmpose')
    folder = Path(mmpose.__file__).parent / '.mim/configs/body_2d_keypoint/topdown_heatmap'
    path = folder / data
    if not path.is_dir():
        pytest.skip('this MMPose ships no configs')
    return Config.fromfile(path / name)


def test_the_schedule_and_the_test_are_mmposes():
    """Of whose released weights ``model-index.yml`` speaks."""
    theirs = mmpose_config('td-hm_hrnet-w32_8xb64-210e_coco-256x192.py')
    ours = load(CONFIGS / 'hrnet_w32_coco.py')
    assert ours.param_scheduler == theirs.param_scheduler
    assert ours.auto_scale_lr == theirs.auto_scale_lr
    assert ours.optim_wrapper.optimizer == {**theirs.optim_wrapper.optimizer, 'weight_decay': 0}
    assert ours.train_cfg == {'by_epoch': True, **theirs.train_cfg}
    assert ours.train_dataloader.batch_size == theirs.train_dataloader.batch_size
    assert ours.model.test_cfg == theirs.model.test_cfg
    without_waiting = {'type': 'hrnet_ext.PoseDataPreprocessor', 'non_blocking': True}
    assert ours.model.data_preprocessor == {**theirs.model.data_preprocessor, **without_waiting}
    assert ours.model.backbone.init_cfg == theirs.model.backbone.init_cfg


def without_scope(steps: list[ConfigDict]) -> list[dict]:
    """Steps as MMPose would name them; ``reuse`` saves time and changes no pixel."""
    options = [{key: value for key, value in step.items() if key != 'reuse'} for step in steps]
    return [{**step, 'type': step['type'].split('.')[-1]} for step in options]


def test_the_augmentation_is_mmposes():
    theirs = mmpose_config('td-hm_hrnet-w32_8xb64-210e_coco-256x192.py')
    ours = load(CONFIGS / 'hrnet_w32_coco.py')
    until_targets = without_scope(ours.train_pipeline)[:-2]
    assert until_targets == without_scope(theirs.train_pipeline)[:-2]
    assert without_scope(ours.val_pipeline) == without_scope(theirs.val_pipeline)


def test_mpiis_augmentation_is_mmposes():
    theirs = mmpose_config('td-hm_hrnet-w32_8xb64-210e_mpii-256x256.py', 'mpii')
    ours = load(CONFIGS / 'hrnet_w32_mpii.py')
    until_targets = without_scope(ours.train_pipeline)[:-2]
    assert until_targets == without_scope(theirs.train_pipeline)[:-2]
    assert without_scope([ours.codec]) == without_scope([theirs.codec])


def indexed_models() -> list[dict]:
    root = CONFIGS.parent
    index = yaml.safe_load((root / 'model-index.yml').read_text())
    metafiles = [yaml.safe_load((root / name).read_text()) for name in index['Import']]
    return [model for metafile in metafiles for model in metafile['Models']]


def test_the_index_names_every_config_with_released_weights_and_nothing_that_is_not_there():
    models = indexed_models()
    assert {CONFIGS.parent / model['Config'] for model in models} == set(RELEASED)
    for model in models:
        _, width, data, *_ = model['Name'].split('_')
        config = load(CONFIGS.parent / model['Config'])
        size = 'x'.join(map(str, config.codec.input_size[::-1]))
        assert Path(model['Config']).stem == model['Name']
        assert model['Metadata']['Input Size'].startswith(size)
        assert model['Weights'].startswith('https://download.openmmlab.com/')
        assert re.search(f'hrnet[-_]{width}_.*{data}[-_]{size}', model['Weights'])
        assert all(0 < value < 100 for value in model['Results'][0]['Metrics'].values())
