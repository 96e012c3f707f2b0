"""COCO's 17 keypoints: order, symmetry, OKS sigmas, limbs.

Numbers are keyed by what they describe and indices are derived, so that nothing here can be out of
step. :func:`coco_metainfo` gives them in the form MMPose's data sets read.
"""

SIDES = ('left', 'right')
PAIRED_PARTS = ('eye', 'ear', 'shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')
UPPER_PARTS = ('nose', 'eye', 'ear', 'shoulder', 'elbow', 'wrist')

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
# Weight of a keypoint's loss where a pipeline asks for it; the paper's training does not.
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
GREEN, ORANGE, BLUE = [0, 255, 0], [255, 128, 0], [51, 153, 255]  # left, right, middle: MMPose's


def part_of(keypoint: str) -> str:
    """The body part of a keypoint: ``left_knee`` -> ``knee``."""
    return keypoint.split('_')[-1]


def mirror_of(keypoint: str) -> str:
    """The keypoint's name in a mirrored picture; the nose mirrors to itself."""
    if keypoint.startswith('left_'):
        return keypoint.replace('left_', 'right_')
    return keypoint.replace('right_', 'left_')


def side_colour(*keypoints: str) -> list[int]:
    """RGB by side: green left, orange right, blue for the head and what joins the two sides."""
    if {part_of(name) for name in keypoints} <= {'nose', 'eye', 'ear'}:
        return BLUE
    sides = {name.split('_')[0] for name in keypoints}
    return {'left': GREEN, 'right': ORANGE}[sides.pop()] if len(sides) == 1 else BLUE


def coco_metainfo() -> dict:
    """COCO's facts as the ``metainfo`` of an MMPose data set."""
    return {
        'dataset_name': 'coco',
        'keypoint_info': {
            index: {
                'name': name,
                'id': index,
                'color': side_colour(name),
                'type': 'upper' if part_of(name) in UPPER_PARTS else 'lower',
                'swap': mirror_of(name) if mirror_of(name) != name else '',
            }
            for index, name in enumerate(KEYPOINTS)
        },
        'skeleton_info': {
            index: {'link': link, 'id': index, 'color': side_colour(*link)}
            for index, link in enumerate(LIMBS)
        },
        'joint_weights': [LOSS_WEIGHTS.get(part_of(name), 1.0) for name in KEYPOINTS],
        'sigmas': [SIGMAS[part_of(name)] for name in KEYPOINTS],
    }
