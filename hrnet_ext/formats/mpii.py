"""Constants of MPII's annotations and of this package's JSON format for them."""

import numpy as np

FORMAT = 'hrnet_ext.mpii'  # `info.format` of our format
VERSION = 1  # `info.version`; increase it if older code would misread newer files
COORDINATES = '0-based pixels'  # `info.coordinates`; the release's are 1-based

# MPII's order of annotation; Andriluka et al., CVPR 2014.
KEYPOINTS = (
    'right_ankle', 'right_knee', 'right_hip', 'left_hip', 'left_knee', 'left_ankle', 'pelvis',
    'thorax', 'upper_neck', 'head_top', 'right_wrist', 'right_elbow', 'right_shoulder',
    'left_shoulder', 'left_elbow', 'left_wrist',
)  # fmt: skip

HEAD_SIZE_SHARE = 0.6  # of the head box's diagonal; MPII's and PoseTrack's evaluations


def head_sizes(boxes: np.ndarray) -> np.ndarray:
    """Sizes (N,) of heads, in pixels, from their boxes (N, 4) as (x1, y1, x2, y2)."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    return HEAD_SIZE_SHARE * np.linalg.norm(boxes[:, 2:] - boxes[:, :2], axis=1)
