"""The keypoints that PoseTrack evaluates, and the groups in its tables."""

import numpy as np

# PoseTrack17's ids 0 to 14. PoseTrack18 adds two ears, which are never annotated nor evaluated.
KEYPOINTS = (
    'right_ankle', 'right_knee', 'right_hip', 'left_hip', 'left_knee', 'left_ankle',
    'right_wrist', 'right_elbow', 'right_shoulder', 'left_shoulder', 'left_elbow', 'left_wrist',
    'head_bottom', 'nose', 'head_top',
)  # fmt: skip

GROUPS = {
    'Head': ('head_top', 'head_bottom', 'nose'),
    **{
        part.capitalize(): (f'right_{part}', f'left_{part}')
        for part in ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')
    },
}


def by_keypoint(values: np.ndarray) -> dict[str, float]:
    """Values (15,) by keypoint name."""
    return dict(zip(KEYPOINTS, map(float, values), strict=True))


def by_group(values: np.ndarray, *, skip_nan: bool) -> dict[str, float]:
    """Mean of values (15,) in each group.

    Args:
        values: One per keypoint; NaN if undefined.
        skip_nan: Whether to ignore NaN; otherwise a group with NaN is NaN.
    """
    mean = mean_of_known if skip_nan else np.mean
    groups = {
        name: values[[KEYPOINTS.index(member) for member in members]]
        for name, members in GROUPS.items()
    }
    return {name: float(mean(members)) for name, members in groups.items()}


def mean_of_known(values: np.ndarray) -> float:
    """Mean of the values that are not NaN; NaN if all are."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float('nan')
