"""The HRNet configs that MMPose, MMDetection and MMSegmentation ship, as installed."""

import copy
import functools
import importlib.util
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from mmengine.config import Config, ConfigDict

# host -> the type that takes the place of 'HRNet' there
TYPES = {'mmpose': 'hrnet_ext.HRNet', 'mmdet': 'hrnet_ext.HRNetV2', 'mmseg': 'hrnet_ext.HRNetV2'}
NAMES = {'mmpose': 'MMPose', 'mmdet': 'MMDetection', 'mmseg': 'MMSegmentation'}
WEIGHTS = ('init_cfg', 'pretrained')  # they would be downloaded


def config_folder(host: str) -> Path:
    """Where a host's shipped configs are; skips the test where it is not installed."""
    spec = importlib.util.find_spec(host)
    if spec is None:
        pytest.skip(f'{NAMES[host]} is not installed; requirements/tests.txt has it')
    folder = Path(spec.submodule_search_locations[0]) / '.mim' / 'configs'
    if not folder.is_dir():
        pytest.skip(f'this {NAMES[host]} ships no configs')
    return folder


@functools.cache
def hrnet_configs(host: str) -> dict[str, ConfigDict]:
    """Name -> model of every shipped config whose model has an ``HRNet`` anywhere."""
    folder = config_folder(host)
    models = {}
    for path in sorted(_that_may_name('HRNet', folder)):
        model = Config.fromfile(path, import_custom_modules=False).get('model', {})
        if any(part['type'] == 'HRNet' for part in typed_parts(model)):
            models[path.relative_to(folder).as_posix()] = model
    return models


def typed_parts(node: object) -> Iterator[dict]:
    """Every dict with a ``type`` below and including ``node``."""
    if isinstance(node, dict):
        if isinstance(node.get('type'), str):
            yield node
        for child in node.values():
            yield from typed_parts(child)
    elif isinstance(node, (list, tuple)):
        for child in node:
            yield from typed_parts(child)


def without_weights(model: dict) -> dict:
    """The config of a model that starts from random numbers."""
    model = copy.deepcopy(model)
    for part in (model, *typed_parts(model)):
        for key in WEIGHTS:
            part.pop(key, None)
    return model


def with_our_type(model: dict, host: str) -> dict:
    """The same config with nothing changed but the type of what was ``HRNet``."""
    model = copy.deepcopy(model)
    for part in typed_parts(model):
        if part['type'] == 'HRNet':
            part['type'] = TYPES[host]
    return model


def group_by_backbone(models: dict[str, dict]) -> list[tuple[dict, list[str]]]:
    """Backbones that differ in more than their weights, each with the configs that have it."""
    return _grouped(models, lambda model: without_weights(model)['backbone'])


def group_by_parts(models: dict[str, dict]) -> list[tuple[list[str], list[str]]]:
    """Models by the classes of everything around the backbone, each with its configs."""

    def parts(model: dict) -> list[str]:
        rest = {key: value for key, value in without_weights(model).items() if key != 'backbone'}
        return sorted({part['type'] for part in typed_parts(rest)})

    return _grouped(models, parts)


def _grouped(models: dict[str, dict], key_of) -> list[tuple]:
    groups = defaultdict(list)
    for name, model in models.items():
        groups[json.dumps(key_of(model), sort_keys=True)].append(name)
    return [(json.loads(key), names) for key, names in groups.items()]


def _that_may_name(word: str, folder: Path) -> Iterator[Path]:
    """Configs that have the word in their text or, at whatever distance, in a base's.

    Reading text takes milliseconds where loading all of a host's configs takes a minute.
    """
    texts = {path.resolve(): path.read_text() for path in folder.rglob('*.py')}

    @functools.cache
    def has_word(path: Path) -> bool:
        text = texts.get(path, '')
        bases = re.findall(r'[\'"]([^\'"]+\.py)[\'"]', text)
        return word in text or any(has_word((path.parent / base).resolve()) for base in bases)

    return (path for path in texts if '_base_' not in path.parts and has_word(path))
