"""Optical flow at keypoints: where the keypoints of one frame are in the next.

N: number of people; K: number of keypoints. Keypoints (N, K, 2) are in image space, pixels;
whole numbers are the centres of pixels. Frames are (H, W, 3) BGR or (H, W) grey, uint8.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from hrnet_ext.tracking.dense_flow import CallableFlow, DenseFunction, DisFlow
from hrnet_ext.tracking.sparse_flow import LucasKanadeFlow


class Flow(Protocol):
    """A kind of optical flow. It keeps no state: a video's frames are its user's to remember."""

    def prepare(self, frame: np.ndarray) -> Any:
        """What the flow needs of a frame, computed once though it is used with two others.

        Raises:
            ValueError: If it is no frame.
        """
        ...

    def move(
        self, previous: Any, current: Any, keypoints: np.ndarray, present: np.ndarray
    ) -> np.ndarray:
        """Keypoints of the previous frame where they are in the current one.

        Args:
            previous: The previous frame, prepared.
            current: The current frame, prepared.
            keypoints: (N, K, 2); those outside the frame move as its nearest border does.
            present: (N, K) bool; where the others end up has no meaning.

        Returns:
            (N, K, 2) float64.

        Raises:
            ValueError: If the frames are of different sizes.
        """
        ...


class NoFlow:
    """Everything stays where it is; frames may be None."""

    def prepare(self, frame: np.ndarray | None) -> None:
        """Nothing is needed of a frame."""

    def move(
        self, previous: None, current: None, keypoints: np.ndarray, present: np.ndarray
    ) -> np.ndarray:
        """The keypoints as they are."""
        return np.array(keypoints, np.float64)


FLOWS: dict[str, Callable[[], Flow]] = {
    'dis': DisFlow,
    'lk': LucasKanadeFlow,
    'none': NoFlow,
}


def make_flow(kind: str | DenseFunction | Flow) -> Flow:
    """A flow by its kind.

    Args:
        kind: ``'dis'``, dense inverse search (Kroeger et al., 2016), dense and robust; ``'lk'``,
            pyramidal Lucas-Kanade at the keypoints alone, several times faster; ``'none'``, no
            motion; a function of two BGR frames (previous, current) that gives the dense flow
            (H, W, 2) in pixels, such as a network's; or an object with the methods of
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
