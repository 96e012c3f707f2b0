"""Optical flow at keypoints: their positions in the next frame.

N: number of persons; K: number of keypoints. Keypoints (N, K, 2) are in image space, pixels;
whole numbers are the centers of pixels. Frames are (H, W, 3) BGR or (H, W) gray, uint8.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from hrnet_ext.tracking.dense_flow import CallableFlow, DenseFunction, DisFlow
from hrnet_ext.tracking.sparse_flow import LucasKanadeFlow


class Flow(Protocol):
    """An optical flow method. It is stateless: the caller keeps the previous frame."""

    def prepare(self, frame: np.ndarray) -> Any:
        """Preprocess a frame once, for the use with its previous and its next frame.

        Raises:
            ValueError: If it is not a valid frame.
        """
        ...

    def move(
        self, previous: Any, current: Any, keypoints: np.ndarray, present: np.ndarray
    ) -> np.ndarray:
        """Positions of the previous frame's keypoints in the current frame.

        Args:
            previous: The previous frame, prepared.
            current: The current frame, prepared.
            keypoints: (N, K, 2); those outside the frame move like the nearest border.
            present: (N, K) bool; positions of absent keypoints are meaningless.

        Returns:
            (N, K, 2) float64.

        Raises:
            ValueError: If the frames are of different sizes.
        """
        ...


class NoFlow:
    """No motion; frames may be None."""

    def prepare(self, frame: np.ndarray | None) -> None:
        """Nothing to preprocess."""

    def move(
        self, previous: None, current: None, keypoints: np.ndarray, present: np.ndarray
    ) -> np.ndarray:
        """The unchanged keypoints."""
        return np.array(keypoints, np.float64)


FLOWS: dict[str, Callable[[], Flow]] = {
    'dis': DisFlow,
    'lk': LucasKanadeFlow,
    'none': NoFlow,
}


def make_flow(kind: str | DenseFunction | Flow) -> Flow:
    """The optical flow method of the given kind.

    Args:
        kind: ``'dis'``, dense inverse search (Kroeger et al., 2016), dense and robust; ``'lk'``,
            pyramidal Lucas-Kanade only at the keypoints, several times faster; ``'none'``, no
            motion; a function of two BGR frames (previous, current) that returns the dense flow
            (H, W, 2) in pixels, for example a network; or an object with the methods of
            :class:`Flow`.

    Raises:
        ValueError: If there is no such kind.
    """
    if isinstance(kind, str) and kind in FLOWS:
        return FLOWS[kind]()
    if hasattr(kind, 'prepare') and hasattr(kind, 'move'):
        return kind
    if callable(kind):
        return CallableFlow(kind)
    raise ValueError(
        f'flow should be one of {sorted(FLOWS)} or a function (previous BGR, current BGR) -> '
        f'(H, W, 2), but is {kind!r}'
    )
