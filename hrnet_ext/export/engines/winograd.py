"""A 3x3 convolution with half the multiplications, of OpenVINO's operators.

Winograd's minimal filtering F(4, 3) along the height (Lavin and Gray, CVPR 2016, who take both
dimensions): four rows of a convolution, each of three products of a row with a row of the kernel,
come of six products instead of twelve, with sums of rows before and after. It is the same function.
In float32 one convolution rounds 1.7 times as much as it does directly; with the usual points, 1
and 2 instead of 2/3 and 3/2, it would be 2.4 times.

Sums are nested, which makes each one pass over its maps; what is split and joined keeps the layout
of convolutions, in which OpenVINO has them.

Legend: maps (B, C, H, W); rows are a map as four maps (B, C, H / 4, W): its rows 0, 4, 8..., its
rows 1, 5, 9... and so on; a product is (B, C, H / 4, W), too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import openvino
from openvino import opset13 as ops

Output = openvino.Output
Rows = tuple[Output, ...]

NUM_ROWS = 4
POINTS = np.array([0, 2 / 3, -2 / 3, 3 / 2, -3 / 2])  # and infinity


def _matrices() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Toom and Cook's: what each product is of, and what the rows are of the products.

    Returns:
        Weights of six rows in each factor (6, 6), from the one above the four to the one below; of
        the three rows of a kernel in the other factor (6, 3); of the products in each row (4, 6).
    """
    others = [np.delete(POINTS, index) for index in range(len(POINTS))]
    of_rows = [[*np.poly(each)[::-1], 0] for each in others] + [np.poly(POINTS)[::-1]]
    scales = [np.prod(point - each) for point, each in zip(POINTS, others)]
    of_kernel = np.vander(POINTS, 3, increasing=True) / np.array(scales)[:, None]
    of_products = np.vander(POINTS, NUM_ROWS, increasing=True).T
    infinity = np.eye(NUM_ROWS)[:, -1:]
    return np.array(of_rows), np.vstack([of_kernel, [0, 0, 1]]), np.hstack([of_products, infinity])


OF_ROWS, OF_KERNEL, OF_PRODUCTS = _matrices()


@dataclass(frozen=True)
class RowSum:
    """The rows of a convolution, not yet summed: what follows it can be summed along.

    Args:
        middle: The products between the first and the last.
        ends: First and last product.
        bias: (1, C, 1, 1), if any.
        addend: Rows to be added, if any.
    """

    middle: Sequence[Output]
    ends: tuple[Output, Output]
    bias: np.ndarray | None = None
    addend: Rows | None = None

    def rows(self) -> Rows:
        """Its rows.

        The first and the last row need one more product than the others. It comes last, so that a
        runtime adds the rest while it makes it.
        """
        rows = [_weighted(weights[1:5], self.middle) for weights in OF_PRODUCTS]
        ends: list[Output | None] = [self.ends[0], None, None, self.ends[1]]
        if self.bias is not None:
            bias = ops.constant(self.bias)
            rows = [row if end else add(row, bias) for row, end in zip(rows, ends)]
            ends = [end and add(end, bias) for end in ends]
        if self.addend is not None:
            rows = [add(row, each) for row, each in zip(rows, self.addend)]
        return tuple(add(end, row) if end else row for row, end in zip(rows, ends))


def convolve(rows: Rows, kernel: np.ndarray) -> RowSum:
    """Convolve a map with a kernel, stride 1 and zeros around it.

    Args:
        rows: Of the map, (B, C, H, W).
        kernel: (C', C, 3, 3).
    """
    kernels = np.tensordot(OF_KERNEL, kernel.astype(np.float64), (1, 2))
    above = _neighbours(rows[3], OF_ROWS[0, [0, 4]], above=True)
    below = _neighbours(rows[0], OF_ROWS[5, [1, 5]], above=False)
    sums = [
        add(above, _weighted(OF_ROWS[0, 2:3], rows[1:2])),
        *[_weighted(weights[1:5], rows) for weights in OF_ROWS[1:5]],
        add(below, _weighted(OF_ROWS[5, 3:4], rows[2:3])),
    ]
    first, *middle, last = [_row_convolution(*each) for each in zip(sums, kernels)]
    return RowSum(middle, (first, last))


def _row_convolution(x: Output, kernel: np.ndarray) -> Output:
    weights = np.ascontiguousarray(kernel[:, :, None], np.float32)
    return ops.convolution(x, weights, [1, 1], [0, 1], [0, 1], [1, 1]).output(0)


def _neighbours(row: Output, weights: np.ndarray, *, above: bool) -> Output:
    """The weighted sum of each row and the one above or below it, in order from above."""
    kernel = np.tile(np.float32(weights)[:, None], (num_channels(row), 1, 1, 1, 1))
    pads = ([1, 0], [0, 0]) if above else ([0, 0], [1, 0])
    return ops.group_convolution(row, kernel, [1, 1], *pads, [1, 1]).output(0)


def _weighted(weights: Iterable[float], maps: Sequence[Output]) -> Output:
    """A weighted sum, nested as ``((a x + y) b + z) c``, which becomes one pass over all maps."""
    weights = [float(weight) for weight in weights]
    total = None
    for weight, following, x in zip(weights, [*weights[1:], 1.0], maps):
        total = x if total is None else add(total, x)
        if weight != following:
            total = ops.multiply(total, np.float32(weight / following)).output(0)
    return total


def add(a: Output, b: Output) -> Output:
    """Their sum."""
    return ops.add(a, b).output(0)


def split(x: Output) -> Rows:
    """The rows of a map: depthwise convolutions pick them, and keep the layout of convolutions."""
    rows = []
    for index in range(NUM_ROWS):
        kernel = np.zeros((num_channels(x), 1, 1, index + 1, 1), np.float32)
        kernel[..., -1, :] = 1
        picked = ops.group_convolution(x, kernel, [NUM_ROWS, 1], [0, 0], [0, 0], [1, 1])
        rows.append(picked.output(0))
    return tuple(rows)


def merge(rows: Rows) -> Output:
    """The map of rows, put side by side where channels lie innermost, as convolutions have them."""
    _, channels, height, width = (side.get_min_length() for side in rows[0].get_partial_shape())
    flat = [
        _reshape(ops.transpose(row, [0, 2, 3, 1]).output(0), [0, height, 1, width * channels])
        for row in rows
    ]
    stacked = _reshape(ops.concat(flat, 2).output(0), [0, height * NUM_ROWS, width, channels])
    return ops.transpose(stacked, [0, 3, 1, 2]).output(0)


def _reshape(x: Output, shape: Sequence[int]) -> Output:
    """A side of 0 stays as it is."""
    return ops.reshape(x, shape, special_zero=True).output(0)


def num_channels(x: Output) -> int:
    """C of a map (B, C, H, W)."""
    return x.get_partial_shape()[1].get_length()
