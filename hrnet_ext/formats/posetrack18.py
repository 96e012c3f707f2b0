"""Constants of PoseTrack18's files (v0.45); imports nothing, so any module can use it."""

SIDES = ('left', 'right')
PAIRED_PARTS = ('ear', 'shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')

# In the order of the files; the ears have names but are never annotated.
KEYPOINTS = (
    'nose',
    'head_bottom',
    'head_top',
    *(f'{side}_{part}' for part in PAIRED_PARTS for side in SIDES),
)

SOURCES = {'mpii': 1, 'bonn': 2, 'mpiinew': 3}  # first digit of a frame's id, by its video's name
BOX_MARGIN = 0.15  # of the keypoints' extent, on each side of ``bbox``
