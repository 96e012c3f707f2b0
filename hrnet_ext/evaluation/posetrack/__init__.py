"""PoseTrack's evaluation: AP of the poses, MOTA of their tracks; NumPy and SciPy only.

Shapes in this package: G annotated persons of a frame, P predicted ones, 15 keypoints in the order
of :data:`KEYPOINTS`. Coordinates are pixels of the image; distances are in head sizes.
"""

from hrnet_ext.evaluation.posetrack.evaluate import evaluate_posetrack, format_posetrack
from hrnet_ext.formats.posetrack.frames import Frame, People
from hrnet_ext.formats.posetrack.keypoints import GROUPS, KEYPOINTS
from hrnet_ext.formats.posetrack.reading import read_sequence

__all__ = [
    'GROUPS',
    'KEYPOINTS',
    'Frame',
    'People',
    'evaluate_posetrack',
    'format_posetrack',
    'read_sequence',
]
