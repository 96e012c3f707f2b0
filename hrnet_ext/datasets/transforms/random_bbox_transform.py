"""Move, scale and rotate persons' boxes at random."""

import numpy as np
from mmpose.datasets.transforms import RandomBBoxTransform as MMPoseRandomBBoxTransform
from scipy.special import ndtr, ndtri

from hrnet_ext.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomBBoxTransform(MMPoseRandomBBoxTransform):
    """MMPose's ``RandomBBoxTransform``: the same boxes for the same random numbers, but faster.

    Takes the same arguments. SciPy's general truncated normal distribution takes longer than the
    rest of the step; here the inverse of the distribution function is computed directly.
    """

    @staticmethod
    def _truncnorm(low: float = -1.0, high: float = 1.0, size: tuple = ()) -> np.ndarray:
        """Standard normal numbers between ``low`` and ``high``, float32, from NumPy's state."""
        below, above = ndtr(low), ndtr(high)
        uniform = np.random.uniform(size=size)
        return ndtri(below + uniform * (above - below)).astype(np.float32)
