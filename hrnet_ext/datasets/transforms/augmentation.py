"""Random changes of an image's persons: their boxes, and mirroring."""

from bisect import bisect_right

import numpy as np
from mmcv.transforms.utils import cache_randomness
from mmpose.datasets.transforms import RandomBBoxTransform as MMPoseRandomBBoxTransform
from mmpose.datasets.transforms import RandomFlip as MMPoseRandomFlip
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


@TRANSFORMS.register_module()
class RandomFlip(MMPoseRandomFlip):
    """MMPose's ``RandomFlip``: the same directions for the same random numbers, but faster.

    Args:
        prob: Probability of a flip in any direction; or a list, one value per direction.
        direction: 'horizontal', 'vertical', 'diagonal', or a list of these.
    """

    def __init__(
        self,
        prob: float | list[float] = 0.5,
        direction: str | list[str] = 'horizontal',
    ) -> None:
        super().__init__(prob, direction)
        directions = [direction] if isinstance(direction, str) else list(direction)
        shares = prob if isinstance(prob, list) else [prob / len(directions)] * len(directions)
        bounds = np.cumsum([*shares, 1 - sum(shares) if isinstance(prob, list) else 1.0 - prob])
        self._directions = [*directions, None]
        self._bounds = (bounds / bounds[-1]).tolist()

    @cache_randomness
    def _choose_direction(self) -> str | None:
        """A direction, or None for no flip: what ``numpy.random.choice`` would choose."""
        return self._directions[bisect_right(self._bounds, np.random.random_sample())]
