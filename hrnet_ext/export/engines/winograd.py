"""3x3 convolutions with half the multiplications: OpenVINO graphs, rewritten.

Winograd's minimal filtering F(4, 3) along the height (Lavin and Gray, CVPR 2016, who take both
dimensions): four rows of a convolution, each of three products of a row with a row of the kernel,
come of six products instead of twelve, with sums of rows before and after. It is the same function.
In float32 one convolution rounds 1.7 times as much as it does directly; with the usual points, 1
and 2 instead of 2/3 and 3/2, it would be 2.4 times.

OpenVINO computes such sums well in graphs whose batch is fixed, so it pays there alone: sums are
nested, which makes each one pass over its maps; what is split and joined keeps the layout of
convolutions; and maps stay in rows from one convolution to the next.

Legend: maps (B, C, H, W); rows are a map as four maps (B, C, H / 4, W): its rows 0, 4, 8..., its
rows 1, 5, 9... and so on; a product is (B, C, H / 4, W), too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import openvino
from openvino import opset13 as ops
from openvino.passes import ConstantFolding, Manager

Output = openvino.Output
Rows = tuple[Output, ...]
Key = tuple[str, int]  # of an output: its node's name, and which of the node's outputs

NUM_ROWS = 4
POINTS = np.array([0, 2 / 3, -2 / 3, 3 / 2, -3 / 2])  # and infinity
WORTH = 16  # 1 / (1 / inputs + 1 / outputs), channels: below, sums cost what products save
PLAIN = {'strides': 1, 'dilations': 1, 'pads_begin': 1, 'pads_end': 1}


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


def rewrite(model: openvino.Model) -> int:
    """Rewrite a model's convolutions, where it pays.

    Args:
        model: Of static shapes; it is changed.

    Returns:
        How many convolutions are rewritten: 3x3 with stride 1, with enough channels, on maps whose
        height is a multiple of four.
    """
    folding = Manager()
    folding.register_pass(ConstantFolding())
    folding.run_passes(model)
    graph = _Graph()
    for node in model.get_ordered_ops():
        graph.visit(node)
    graph.replace()
    return graph.num_rewritten


@dataclass(frozen=True)
class _Sum:
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
            rows = [row if end else _add(row, bias) for row, end in zip(rows, ends)]
            ends = [end and _add(end, bias) for end in ends]
        if self.addend is not None:
            rows = [_add(row, each) for row, each in zip(rows, self.addend)]
        return tuple(_add(end, row) if end else row for row, end in zip(rows, ends))


class _Graph:
    """Visits the nodes of a graph in order, and keeps by rows what is computed so."""

    def __init__(self) -> None:
        self.num_rewritten = 0
        self._rows: dict[Key, Rows | _Sum] = {}
        self._replaced: dict[Key, Output] = {}

    def visit(self, node: openvino.Node) -> None:
        """Compute a node by rows if it is a convolution worth it, or follows one."""
        kind = node.get_type_name()
        sources = [each.get_source_output() for each in node.inputs()]
        found: Rows | _Sum | None = None
        if kind == 'Convolution' and _is_worth_it(node):
            self.num_rewritten += 1
            found = _convolve(self._rows_of(sources[0]), _constant(sources[1]))
        elif kind == 'Relu' and self._has(sources[0]):
            found = tuple(ops.relu(row).output(0) for row in self._rows_of(sources[0]))
        elif kind == 'Add':
            found = self._add(*sources)
        if found is not None:
            key = _key(node.output(0))
            self._rows[key], self._replaced[key] = found, node.output(0)

    def replace(self) -> None:
        """Give whole maps to who is not computed by rows."""
        for output in self._replaced.values():
            others = [
                each
                for each in output.get_target_inputs()
                if (each.get_node().get_name(), 0) not in self._replaced
            ]
            if not others:
                continue
            whole = _merge(self._rows_of(output))
            whole.set_names(output.get_names())
            for each in others:
                each.replace_source_output(whole)

    def _add(self, a: Output, b: Output) -> Rows | _Sum | None:
        if not self._has(a):
            a, b = b, a
        if not self._has(a):
            return None
        value, bias = self._rows[_key(a)], _constant(b)
        if isinstance(value, _Sum) and value.addend is None:
            if bias is not None and bias.shape == (1, _num_channels(a), 1, 1):
                return None if value.bias is not None else replace(value, bias=bias)
            if self._has(b):
                return replace(value, addend=self._rows_of(b))
        if self._has(b):
            return tuple(_add(*pair) for pair in zip(self._rows_of(a), self._rows_of(b)))
        return None

    def _has(self, output: Output) -> bool:
        return _key(output) in self._rows

    def _rows_of(self, output: Output) -> Rows:
        value = self._rows.get(_key(output))
        if value is None:
            value = _split(output)
        elif isinstance(value, _Sum):
            value = value.rows()
        self._rows[_key(output)] = value
        return value


def _convolve(rows: Rows, kernel: np.ndarray) -> _Sum:
    """The products of rows with a kernel (C', C, 3, 3)."""
    kernels = np.tensordot(OF_KERNEL, kernel.astype(np.float64), (1, 2))
    above = _neighbours(rows[3], OF_ROWS[0, [0, 4]], above=True)
    below = _neighbours(rows[0], OF_ROWS[5, [1, 5]], above=False)
    sums = [
        _add(above, _weighted(OF_ROWS[0, 2:3], rows[1:2])),
        *[_weighted(weights[1:5], rows) for weights in OF_ROWS[1:5]],
        _add(below, _weighted(OF_ROWS[5, 3:4], rows[2:3])),
    ]
    first, *middle, last = [_row_convolution(*each) for each in zip(sums, kernels)]
    return _Sum(middle, (first, last))


def _row_convolution(x: Output, kernel: np.ndarray) -> Output:
    weights = np.ascontiguousarray(kernel[:, :, None], np.float32)
    return ops.convolution(x, weights, [1, 1], [0, 1], [0, 1], [1, 1]).output(0)


def _neighbours(row: Output, weights: np.ndarray, *, above: bool) -> Output:
    """The weighted sum of each row and the one above or below it, in order from above."""
    kernel = np.tile(np.float32(weights)[:, None], (_num_channels(row), 1, 1, 1, 1))
    pads = ([1, 0], [0, 0]) if above else ([0, 0], [1, 0])
    return ops.group_convolution(row, kernel, [1, 1], *pads, [1, 1]).output(0)


def _weighted(weights: Iterable[float], maps: Sequence[Output]) -> Output:
    """A weighted sum, nested as ``((a x + y) b + z) c``, which becomes one pass over all maps."""
    weights = [float(weight) for weight in weights]
    total = None
    for weight, following, x in zip(weights, [*weights[1:], 1.0], maps):
        total = x if total is None else _add(total, x)
        if weight != following:
            total = ops.multiply(total, np.float32(weight / following)).output(0)
    return total


def _add(a: Output, b: Output) -> Output:
    return ops.add(a, b).output(0)


def _split(x: Output) -> Rows:
    """By depthwise convolutions that pick a row of four: they keep the layout of convolutions."""
    rows = []
    for index in range(NUM_ROWS):
        kernel = np.zeros((_num_channels(x), 1, 1, index + 1, 1), np.float32)
        kernel[..., -1, :] = 1
        picked = ops.group_convolution(x, kernel, [NUM_ROWS, 1], [0, 0], [0, 0], [1, 1])
        rows.append(picked.output(0))
    return tuple(rows)


def _merge(rows: Rows) -> Output:
    """Side by side where channels lie innermost, as convolutions have them."""
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


def _key(output: Output) -> Key:
    return output.get_node().get_name(), output.get_index()


def _num_channels(x: Output) -> int:
    return x.get_partial_shape()[1].get_length()


def _constant(output: Output) -> np.ndarray | None:
    node = output.get_node()
    return node.get_data() if node.get_type_name() == 'Constant' else None


def _is_worth_it(node: openvino.Node) -> bool:
    kernel = _constant(node.input_value(1))
    if kernel is None or kernel.shape[2:] != (3, 3):
        return False
    attributes = node.get_attributes()
    is_plain = all(list(attributes[name]) == [value] * 2 for name, value in PLAIN.items())
    outputs, inputs, *_ = kernel.shape
    height = node.get_output_partial_shape(0)[2].get_length()
    enough = outputs * inputs / (outputs + inputs) >= WORTH
    return is_plain and enough and height % NUM_ROWS == 0
