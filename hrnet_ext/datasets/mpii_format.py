"""Facts of MPII's annotations and of our own form of them; imports nothing, for all to share."""

FORMAT = 'hrnet_ext.mpii'  # `info.format` of our own form
VERSION = 1  # `info.version`; to be raised when an older reader would misread a newer file
COORDINATES = '0-based pixels'  # `info.coordinates`; the release's are 1-based

# MPII's order of annotation; Andriluka et al., CVPR 2014.
KEYPOINTS = (
    'right_ankle', 'right_knee', 'right_hip', 'left_hip', 'left_knee', 'left_ankle', 'pelvis',
    'thorax', 'upper_neck', 'head_top', 'right_wrist', 'right_elbow', 'right_shoulder',
    'left_shoulder', 'left_elbow', 'left_wrist',
)  # fmt: skip
