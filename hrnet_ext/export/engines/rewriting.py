"""OpenVINO graphs with their 3x3 convolutions rewritten, see :mod:`.winograd`.

OpenVINO computes what comes of it well where the batch is fixed, and badly where it is not. Maps
stay in rows from one convolution to the next.

Legend: rows are a map (B, C, H, W) as four maps (B, C, H / 4, W).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import openvino
from openvino import opset13 as ops
from openvino.passes import ConstantFolding, Manager

from hrnet_ext.export.engines.winograd import (
    NUM_ROWS,
    Output,
    Rows,
    RowSum,
    add,
    convolve,
    merge,
    num_channels,
    split,
)

Key = tuple[str, int]  # of an output: its node's name, and which of the node's outputs
WORTH = 16  # 1 / (1 / inputs + 1 / outputs), channels: below, sums cost what products save
PLAIN = {'strides': 1, 'dilations': 1, 'pads_begin': 1, 'pads_end': 1}


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


class _Graph:
    """Visits the nodes of a graph in order, and keeps by rows what is computed so."""

    def __init__(self) -> None:
        self.num_rewritten = 0
        self._rows: dict[Key, Rows | RowSum] = {}
        self._replaced: dict[Key, Output] = {}

    def visit(self, node: openvino.Node) -> None:
        """Compute a node by rows if it is a convolution worth it, or follows one."""
        kind = node.get_type_name()
        sources = [each.get_source_output() for each in node.inputs()]
        found: Rows | RowSum | None = None
        if kind == 'Convolution' and _is_worth_it(node):
            self.num_rewritten += 1
            found = convolve(self._rows_of(sources[0]), _constant(sources[1]))
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
            whole = merge(self._rows_of(output))
            whole.set_names(output.get_names())
            for each in others:
                each.replace_source_output(whole)

    def _add(self, a: Output, b: Output) -> Rows | RowSum | None:
        if not self._has(a):
            a, b = b, a
        if not self._has(a):
            return None
        value, bias = self._rows[_key(a)], _constant(b)
        if isinstance(value, RowSum) and value.addend is None:
            if bias is not None and bias.shape == (1, num_channels(a), 1, 1):
                return None if value.bias is not None else replace(value, bias=bias)
            if self._has(b):
                return replace(value, addend=self._rows_of(b))
        if self._has(b):
            return tuple(add(*pair) for pair in zip(self._rows_of(a), self._rows_of(b)))
        return None

    def _has(self, output: Output) -> bool:
        return _key(output) in self._rows

    def _rows_of(self, output: Output) -> Rows:
        value = self._rows.get(_key(output))
        if value is None:
            value = split(output)
        elif isinstance(value, RowSum):
            value = value.rows()
        self._rows[_key(output)] = value
        return value


def _key(output: Output) -> Key:
    return output.get_node().get_name(), output.get_index()


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
