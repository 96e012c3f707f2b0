"""Facts of PoseTrack18's files (v0.45); imports nothing, for all sides to share them."""

SIDES = ('left', 'right')
PAIRED_PARTS = ('ear', 'shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')

# In the files' order; the ears are named but never annotated.
KEYPOINTS = (
    'nose',
    'head_bottom',
    'head_top',
    *(f'{side}_{part}' for part in PAIRED_PARTS for side in SIDES),
)

SOURCES = {'mpii': 1, 'bonn': 2, 'mpiinew': 3}  # first digit of a frame's id, by its video's name
BOX_MARGIN = 0.15  # of the keypoints' extent, at each side of ``bbox``
