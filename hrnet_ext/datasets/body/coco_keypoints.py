"""COCO's 17 keypoints: order, symmetry, OKS sigmas, limbs.

Numbers are keyed by body part and indices are derived, so they cannot be inconsistent.
"""

from hrnet_ext.datasets.body.metainfo import make_metainfo

SIDES = ('left', 'right')
PAIRED_PARTS = ('eye', 'ear', 'shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')

KEYPOINTS = ('nose', *(f'{side}_{part}' for part in PAIRED_PARTS for side in SIDES))

# Standard deviation of annotators over the square root of a person's area (cocodataset.org).
SIGMAS = {
    'nose': 0.026,
    'eye': 0.025,
    'ear': 0.035,
    'shoulder': 0.079,
    'elbow': 0.072,
    'wrist': 0.062,
    'hip': 0.107,
    'knee': 0.087,
    'ankle': 0.089,
}
# Weight of a keypoint's loss if a pipeline uses it; the paper's training does not.
LOSS_WEIGHTS = {'elbow': 1.2, 'wrist': 1.5, 'knee': 1.2, 'ankle': 1.5}

LIMBS = (
    ('left_ankle', 'left_knee'),
    ('left_knee', 'left_hip'),
    ('right_ankle', 'right_knee'),
    ('right_knee', 'right_hip'),
    ('left_hip', 'right_hip'),
    ('left_shoulder', 'left_hip'),
    ('right_shoulder', 'right_hip'),
    ('left_shoulder', 'right_shoulder'),
    ('left_shoulder', 'left_elbow'),
    ('right_shoulder', 'right_elbow'),
    ('left_elbow', 'left_wrist'),
    ('right_elbow', 'right_wrist'),
    ('left_eye', 'right_eye'),
    ('nose', 'left_eye'),
    ('nose', 'right_eye'),
    ('left_eye', 'left_ear'),
    ('right_eye', 'right_ear'),
    ('left_ear', 'left_shoulder'),
    ('right_ear', 'right_shoulder'),
)


def coco_metainfo() -> dict:
    """COCO's facts as the ``metainfo`` of an MMPose data set."""
    return make_metainfo('coco', KEYPOINTS, LIMBS, sigmas=SIGMAS, loss_weights=LOSS_WEIGHTS)
