"""Metainfo of a body data set, keyed by names, in the format of MMPose's data sets.

A keypoint is named ``left_``, ``right_`` or neither, then its part: ``left_knee``.
"""

from collections.abc import Mapping, Sequence

from hrnet_ext.formats.metainfo import color_of, side_of

LOWER_PARTS = ('pelvis', 'hip', 'knee', 'ankle')


def part_of(keypoint: str) -> str:
    """The body part of a keypoint: ``left_knee`` -> ``knee``."""
    return keypoint.removeprefix('left_').removeprefix('right_')


def mirror_of(keypoint: str) -> str:
    """The keypoint's name in a mirrored image; those of the midline mirror to themselves."""
    if keypoint.startswith('left_'):
        return keypoint.replace('left_', 'right_')
    return keypoint.replace('right_', 'left_')


def make_metainfo(
    name: str,
    keypoints: Sequence[str],
    limbs: Sequence[tuple[str, str]],
    *,
    sigmas: Mapping[str, float],
    loss_weights: Mapping[str, float],
) -> dict:
    """The ``metainfo`` of an MMPose data set.

    Args:
        name: The data set's.
        keypoints: Names in the order of the annotations.
        limbs: Pairs of keypoints to be joined in drawings.
        sigmas: OKS's constant by body part.
        loss_weights: Weight in the loss by body part, where it is not 1.
    """
    assert {mirror_of(keypoint) for keypoint in keypoints} == set(keypoints)
    parts = [part_of(keypoint) for keypoint in keypoints]
    return {
        'dataset_name': name,
        'keypoint_info': {
            index: {
                'name': keypoint,
                'id': index,
                'color': _color(keypoint),
                'type': 'lower' if part_of(keypoint) in LOWER_PARTS else 'upper',
                'swap': mirror_of(keypoint) if mirror_of(keypoint) != keypoint else '',
            }
            for index, keypoint in enumerate(keypoints)
        },
        'skeleton_info': {
            index: {'link': link, 'id': index, 'color': _color(*link)}
            for index, link in enumerate(limbs)
        },
        'joint_weights': [loss_weights.get(part, 1.0) for part in parts],
        'sigmas': [sigmas[part] for part in parts],
    }


def _color(*keypoints: str) -> list[int]:
    """RGB of a keypoint, or of a limb by its ends."""
    return list(color_of(map(side_of, keypoints)))
