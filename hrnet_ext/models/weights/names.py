"""The table of tensor names in released checkpoints, and our names.

The first row whose prefix matches decides. Sources: the state dicts of the official
pose, face, ImageNet, segmentation and detection releases, MMPose 0.x and 1.x, MMDetection 2.x and
3.x, MMSegmentation, MMPretrain and timm 1.0.
"""

from collections.abc import Iterable
from dataclasses import dataclass

# Prefixes added by training code and hosts; removed repeatedly.
WRAPPERS = (
    'module.',  # DataParallel and DDP; MMEngine's averaged model
    'backbone.timm_model.',  # OpenMMLab's TIMMBackbone
    'timm_model.',
    'model.',  # the official segmentation release's FullModel; Lightning
    'encoder.',  # segmentation_models_pytorch
)

CLASSIFIER = 'ImageNet classification head, expected'
OTHER_TASK = 'part of another task: detection or segmentation, expected'
PREPROCESSOR = 'mean and std of the pixels, which the config sets'
COARSE_OUTPUTS = 'coarser outputs of the last exchange unit, which only HRNetV2 has'
AVERAGE_COUNTER = 'number of averaged steps'
NO_OFFICIAL_NAME = 'part of a head that the official release does not have'
NOT_A_TENSOR = 'not a tensor'
DUPLICATE = 'a second tensor for the same name'


@dataclass(frozen=True)
class Rename:
    """Replace the prefix `theirs` of a name by `ours`."""

    theirs: str
    ours: str


@dataclass(frozen=True)
class Ignore:
    """Ignore tensors whose name starts with `theirs`, for this reason."""

    theirs: str
    reason: str


# The official pose release has one layer on the finest map. The facial landmark release has two
# layers on all maps, with a norm between them.
POSE_HEAD = (Rename('final_layer.', 'head.final_layer.'),)
FACE_HEAD = (
    Rename('head.0.', 'head.conv_layers.0.'),
    Rename('head.1.', 'head.conv_layers.1.'),
    Rename('head.3.', 'head.final_layer.'),
)

TABLE: tuple[Rename | Ignore, ...] = (
    Ignore('steps', AVERAGE_COUNTER),  # MMEngine's averaged model
    # Ours, and MMPose's 1.x.
    Rename('backbone.', 'backbone.'),
    Ignore('data_preprocessor.', PREPROCESSOR),
    Ignore('head.fc.', CLASSIFIER),  # MMPretrain
    *FACE_HEAD,
    Rename('head.', 'head.'),
    # MMPose's 0.x; the two layers of a head on all maps were one sequence.
    Rename('keypoint_head.final_layer.0.', 'head.conv_layers.0.'),
    Rename('keypoint_head.final_layer.1.', 'head.conv_layers.1.'),
    Rename('keypoint_head.final_layer.3.', 'head.final_layer.'),
    Rename('keypoint_head.', 'head.'),
    # The official release and timm: the network's names stand alone.
    Rename('conv1.', 'backbone.conv1.'),
    Rename('bn1.', 'backbone.bn1.'),
    Rename('conv2.', 'backbone.conv2.'),
    Rename('bn2.', 'backbone.bn2.'),
    Rename('layer1.', 'backbone.layer1.'),
    Rename('transition1.', 'backbone.transition1.'),
    Rename('transition2.', 'backbone.transition2.'),
    Rename('transition3.', 'backbone.transition3.'),
    Rename('stage2.', 'backbone.stage2.'),
    Rename('stage3.', 'backbone.stage3.'),
    Rename('stage4.', 'backbone.stage4.'),
    Rename('final_layer.weight', 'head.final_layer.weight'),  # pose
    Rename('final_layer.bias', 'head.final_layer.bias'),
    Ignore('final_layer.', CLASSIFIER),  # ImageNet: final_layer.0.weight
    Ignore('incre_modules.', CLASSIFIER),
    Ignore('downsamp_modules.', CLASSIFIER),
    Ignore('classifier.', CLASSIFIER),
    # MMDetection, MMSegmentation, MMPretrain, the official segmentation release.
    Ignore('neck.', OTHER_TASK),
    Ignore('rpn_head.', OTHER_TASK),
    Ignore('roi_head.', OTHER_TASK),
    Ignore('bbox_head.', OTHER_TASK),
    Ignore('mask_head.', OTHER_TASK),
    Ignore('decode_head.', OTHER_TASK),
    Ignore('auxiliary_head.', OTHER_TASK),
    Ignore('last_layer.', OTHER_TASK),
    Ignore('conv3x3_ocr.', OTHER_TASK),
    Ignore('ocr_', OTHER_TASK),
    Ignore('aux_head.', OTHER_TASK),
    Ignore('cls_head.', OTHER_TASK),
    Ignore('loss.', OTHER_TASK),
)


def look_up(name: str) -> tuple[str | None, str]:
    """Translate one name.

    Returns:
        Our name and '', or None and why there is none ('' where the table does not know it).
    """
    name = unwrap(name)
    for row in TABLE:
        if not name.startswith(row.theirs):
            continue
        if isinstance(row, Ignore):
            return None, row.reason
        return row.ours + name.removeprefix(row.theirs), ''
    return None, ''


def official_names(names: Iterable[str]) -> dict[str, str]:
    """Our names -> official names; names without an official name are left out."""
    names = list(names)
    is_face = any(name.startswith('head.conv_layers.') for name in names)
    rows = (Rename('', 'backbone.'), *(FACE_HEAD if is_face else POSE_HEAD))
    return {
        name: row.theirs + name.removeprefix(row.ours)
        for name in names
        for row in rows
        if name.startswith(row.ours)
    }


def unwrap(name: str) -> str:
    """Remove the prefixes of wrappers from a name."""
    for wrapper in WRAPPERS:
        if name.startswith(wrapper):
            return unwrap(name.removeprefix(wrapper))
    return name
