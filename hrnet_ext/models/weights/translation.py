"""Translate released names into ours, and compare the tensors with those of a network."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from hrnet_ext.models.architecture import Shape, infer_arguments
from hrnet_ext.models.weights.names import (
    COARSE_OUTPUTS,
    DUPLICATE,
    NOT_A_TENSOR,
    look_up,
    official_names,
)

BACKBONE = 'backbone.'
HEAD = 'head.'
FINAL_LAYER = 'head.final_layer.'
COUNTER = 'num_batches_tracked'  # every network has this scalar, so it is no evidence of a match
# Keys of the weights, best first: MMEngine (its 'state_dict' has the averaged weights), the
# official release, timm, others.
WEIGHT_KEYS = (
    'state_dict', 'best_state_dict', 'state_dict_ema', 'model_ema', 'ema_state_dict',
    'model_state_dict', 'model',
)  # fmt: skip


@dataclass
class ConversionReport:
    """The result for each tensor; ``str()`` gives a summary.

    Args:
        matched: Our names that were found with the expected shape.
        ignored: Their name -> why it is not used.
        missing: Our names that the file lacks. A file without a head misses none.
        unexpected: Their names that are not in the table, and ours that the network lacks.
        mismatched: Our name -> (shape in the file, expected shape).
        architecture: Arguments of the :class:`~hrnet_ext.models.HRNet` that the file's shapes show,
            None where it holds no HRNet.
        num_keypoints: Channels of its last layer, None without a heatmap head.
    """

    matched: list[str] = field(default_factory=list)
    ignored: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    mismatched: dict[str, tuple[Shape, Shape]] = field(default_factory=dict)
    architecture: dict[str, Any] | None = None
    num_keypoints: int | None = None

    @property
    def width(self) -> int | None:
        """The file's channels at stride 4."""
        return self.architecture and self.architecture['width']

    @property
    def backbone_fraction(self) -> float:
        """Fraction of the backbone's tensors that matched."""
        matched = _count_evidence(self.matched)
        absent = _count_evidence(self.missing) + _count_evidence(self.mismatched)
        return matched / max(1, matched + absent)

    def __str__(self) -> str:
        network = 'no HRNet' if self.width is None else f'HRNet-W{self.width}'
        lines = [f'{network}, {self._head()}: {self.backbone_fraction:.1%} of the backbone matched']
        lines.append(f'  matched    {len(self.matched)}')
        reasons = Counter(self.ignored.values())
        lines += [f'  ignored    {count} ({reason})' for reason, count in reasons.items()]
        wrong = [f'{name} {got} for {want}' for name, (got, want) in self.mismatched.items()]
        for label, names in (
            ('missing', self.missing),
            ('unexpected', self.unexpected),
            ('mismatched', wrong),
        ):
            lines.append(f'  {label:<10} {len(names)}{_examples(names)}')
        return '\n'.join(lines)

    def _head(self) -> str:
        if self.num_keypoints is not None:
            return f'{self.num_keypoints} keypoints'
        has_head = any(name.startswith(HEAD) for name in self.matched)
        return 'another pose head' if has_head else 'no pose head'


def find_weights(checkpoint: Mapping[str, Any]) -> Mapping[str, Any]:
    """The weights in a checkpoint; the dict itself if it contains only weights."""
    for key in WEIGHT_KEYS:
        if isinstance(checkpoint.get(key), Mapping):
            return checkpoint[key]
    return checkpoint


def translate(state_dict: Mapping[str, Any]) -> tuple[dict[str, Tensor], ConversionReport]:
    """Rename the tensors that are in the table of names.

    Args:
        state_dict: Weights, or a checkpoint that has them under 'state_dict' or the like.

    Returns:
        The tensors in our names, ``backbone.*`` and ``head.*``, and a report that :func:`fit`
        completes.
    """
    tensors: dict[str, Tensor] = {}
    report = ConversionReport()
    for theirs, value in find_weights(state_dict).items():
        ours, reason = look_up(theirs)
        if not isinstance(value, Tensor):
            report.ignored[theirs] = NOT_A_TENSOR
        elif ours is not None and ours in tensors:
            report.ignored[theirs] = DUPLICATE
        elif ours is not None:
            tensors[ours] = value
        elif reason:
            report.ignored[theirs] = reason
        else:
            report.unexpected.append(theirs)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    report.architecture = infer_arguments(
        {k.removeprefix(BACKBONE): v for k, v in shapes.items() if k.startswith(BACKBONE)}
    )
    report.num_keypoints = shapes.get(f'{FINAL_LAYER}weight', (None,))[0]
    return tensors, report


def fit(
    tensors: dict[str, Tensor], expected: Mapping[str, Shape | None], report: ConversionReport
) -> tuple[dict[str, Tensor], ConversionReport]:
    """Compare translated tensors with those of a network.

    Args:
        tensors: Of :func:`translate`.
        expected: Our names -> shapes of the network to fill.
        report: Of :func:`translate`.

    Returns:
        The tensors in a state dict's order, those of unexpected shape and those which the network
        lacks included, and the completed report.
    """
    if report.architecture:
        tensors = _without_coarse_outputs(tensors, expected, report)
    _compare(tensors, expected, report)
    ordered = {name: tensors[name] for name in expected if name in tensors}
    return ordered | tensors, report


def to_official(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our names -> those of the official releases: no prefix, head as ``final_layer.*``.

    A head on all maps gets the names of the release for facial landmarks (``head.0.*``); other
    heads have no official names and are left out.
    """
    return {theirs: state_dict[ours] for ours, theirs in official_names(state_dict).items()}


def count_matches(state_dict: Mapping[str, Any], expected: Mapping[str, Shape | None]) -> int:
    """Number of tensors with equal names and shapes, without counters."""
    return sum(
        name in expected and expected[name] == tuple(tensor.shape)
        for name, tensor in state_dict.items()
        if isinstance(tensor, Tensor) and not name.endswith(COUNTER)
    )


def _without_coarse_outputs(
    tensors: dict[str, Tensor], expected: Mapping[str, Shape | None], report: ConversionReport
) -> dict[str, Tensor]:
    last = report.architecture['num_modules'][-1] - 1
    unit = f'{BACKBONE}stage4.{last}.fuse_layers.'
    surplus = {name for name in tensors if name.startswith(unit) and name not in expected}
    report.ignored.update((name, COARSE_OUTPUTS) for name in tensors if name in surplus)
    return {name: tensor for name, tensor in tensors.items() if name not in surplus}


def _compare(
    tensors: Mapping[str, Tensor],
    expected: Mapping[str, Shape | None],
    report: ConversionReport,
) -> None:
    has_head = any(name.startswith(HEAD) for name in tensors)
    for name, shape in expected.items():
        if name not in tensors:
            if has_head or not name.startswith(HEAD):
                report.missing.append(name)
        elif tuple(tensors[name].shape) == shape:
            report.matched.append(name)
        else:
            report.mismatched[name] = (tuple(tensors[name].shape), shape)
    report.unexpected += [name for name in tensors if name not in expected]


def _count_evidence(names: Any) -> int:
    return sum(name.startswith(BACKBONE) and not name.endswith(COUNTER) for name in names)


def _examples(names: list[str], most: int = 3) -> str:
    if not names:
        return ''
    more = f', ... {len(names) - most} more' if len(names) > most else ''
    return f': {", ".join(names[:most])}{more}'
