"""The package's registries: children of MMEngine's root, scope ``hrnet_ext``.

``type='hrnet_ext.HRNet'`` therefore resolves inside MMPose, MMDetection and MMSegmentation configs
without ``custom_imports``: MMEngine imports this module and the ``locations`` by itself. An
ImportError in this file would be swallowed by MMEngine and shown as "not in the registry", so
nothing is imported here that can be missing.
"""

from importlib.util import find_spec

import mmengine.registry as mmengine
from mmengine.registry import Registry

MODELS = Registry(
    'model', parent=mmengine.MODELS, scope='hrnet_ext', locations=['hrnet_ext.models']
)
DATASETS = Registry(
    'dataset', parent=mmengine.DATASETS, scope='hrnet_ext', locations=['hrnet_ext.datasets.body']
)
DATA_SAMPLERS = Registry(
    'data sampler',
    parent=mmengine.DATA_SAMPLERS,
    scope='hrnet_ext',
    locations=['hrnet_ext.datasets.batches'],
)
TRANSFORMS = Registry(
    'transform',
    parent=mmengine.TRANSFORMS,
    scope='hrnet_ext',
    locations=['hrnet_ext.datasets.transforms'],
)
FUNCTIONS = Registry(
    'function',
    parent=mmengine.FUNCTIONS,
    scope='hrnet_ext',
    locations=['hrnet_ext.datasets.batches'],
)
METRICS = Registry(
    'metric', parent=mmengine.METRICS, scope='hrnet_ext', locations=['hrnet_ext.evaluation.metrics']
)
HOOKS = Registry(
    'hook',
    parent=mmengine.HOOKS,
    scope='hrnet_ext',
    locations=['hrnet_ext.engine', 'hrnet_ext.acceleration'],
)
INFERENCERS = Registry(
    'inferencer',
    parent=mmengine.INFERENCERS,
    scope='hrnet_ext',
    locations=['hrnet_ext.inference.inferencer'],
)
OPTIM_WRAPPERS = Registry(
    'optimizer_wrapper',
    parent=mmengine.OPTIM_WRAPPERS,
    scope='hrnet_ext',
    locations=['hrnet_ext.engine'],
)

if find_spec('mmpose'):
    # Codecs have no root in MMEngine. They are not needed without MMPose.
    from mmpose.registry import KEYPOINT_CODECS as MMPOSE_CODECS

    KEYPOINT_CODECS = Registry(
        'keypoint codec', parent=MMPOSE_CODECS, scope='hrnet_ext', locations=['hrnet_ext.codecs']
    )
else:
    KEYPOINT_CODECS = Registry('keypoint codec', scope='hrnet_ext', locations=['hrnet_ext.codecs'])
