"""MPII's 16 keypoints: symmetry, loss weights, limbs. Their order is the evaluation's."""

from hrnet_ext.datasets.body.metainfo import make_metainfo
from hrnet_ext.formats.mpii import KEYPOINTS as MPII_KEYPOINTS

# MPII publishes no sigmas, and PCKh needs none; these are MMPose's, for OKS on MPII.
SIGMAS = {
    'head_top': 0.026,
    'upper_neck': 0.026,
    'thorax': 0.026,
    'pelvis': 0.026,
    'shoulder': 0.179,
    'elbow': 0.072,
    'wrist': 0.062,
    'hip': 0.107,
    'knee': 0.083,
    'ankle': 0.089,
}
# Weight of a keypoint's loss if a pipeline uses it; the paper's training does not.
LOSS_WEIGHTS = {'elbow': 1.2, 'wrist': 1.5, 'knee': 1.2, 'ankle': 1.5}

LIMBS = (
    ('right_ankle', 'right_knee'),
    ('right_knee', 'right_hip'),
    ('right_hip', 'pelvis'),
    ('pelvis', 'left_hip'),
    ('left_hip', 'left_knee'),
    ('left_knee', 'left_ankle'),
    ('pelvis', 'thorax'),
    ('thorax', 'upper_neck'),
    ('upper_neck', 'head_top'),
    ('upper_neck', 'right_shoulder'),
    ('right_shoulder', 'right_elbow'),
    ('right_elbow', 'right_wrist'),
    ('upper_neck', 'left_shoulder'),
    ('left_shoulder', 'left_elbow'),
    ('left_elbow', 'left_wrist'),
)


def mpii_metainfo() -> dict:
    """MPII's facts as the ``metainfo`` of an MMPose data set."""
    return make_metainfo('mpii', MPII_KEYPOINTS, LIMBS, sigmas=SIGMAS, loss_weights=LOSS_WEIGHTS)
