"""PoseTrack18's 17 keypoints: COCO's, with the ends of the head in place of the eyes.

The ears are named but never annotated; they are neither trained nor evaluated.
"""

from hrnet_ext.datasets.body.coco_keypoints import LIMBS as COCO_LIMBS
from hrnet_ext.datasets.body.coco_keypoints import LOSS_WEIGHTS
from hrnet_ext.datasets.body.coco_keypoints import SIGMAS as COCO_SIGMAS
from hrnet_ext.datasets.body.metainfo import make_metainfo, part_of
from hrnet_ext.formats.posetrack18 import KEYPOINTS

# PoseTrack has no sigmas of its own; as in MMPose, the ends of the head have those of the eyes.
SIGMAS = {**COCO_SIGMAS, 'head_bottom': COCO_SIGMAS['eye'], 'head_top': COCO_SIGMAS['eye']}

LIMBS = (
    *(limb for limb in COCO_LIMBS if not {part_of(name) for name in limb} & {'eye', 'ear'}),
    ('nose', 'head_bottom'),
    ('nose', 'head_top'),
    ('head_bottom', 'left_shoulder'),
    ('head_bottom', 'right_shoulder'),
)


def posetrack18_metainfo() -> dict:
    """PoseTrack18's facts as the ``metainfo`` of an MMPose data set."""
    return make_metainfo('posetrack18', KEYPOINTS, LIMBS, sigmas=SIGMAS, loss_weights=LOSS_WEIGHTS)
