"""Let a module load any released checkpoint with any loader."""

from collections.abc import Mapping
from typing import Any

from mmengine.logging import print_log
from torch import Tensor, nn

from hrnet_ext.models.architecture import Shape
from hrnet_ext.models.weights.translation import (
    BACKBONE,
    COUNTER,
    FINAL_LAYER,
    ConversionReport,
    count_matches,
    fit,
    translate,
)

# Fraction of the backbone's tensors; networks of another width share a few percent (stem, layer1).
LEAST_MATCH = 0.5
WARNING = 30  # logging.WARNING


def register_conversion(module: nn.Module) -> None:
    """Make a backbone or pose estimator translate the weights that it loads.

    When the module is the root of a load, by ``load_state_dict`` of torch or of MMEngine
    (``load_from``, ``init_cfg`` Pretrained, inferencers), weights under other names are translated,
    and a final layer for another number of keypoints is left out with a warning. Inside a larger
    model nothing is translated.

    Args:
        module: With a ``backbone`` child, its names are ``backbone.*``, ``head.*`` ...; without
            one it is the backbone, whose names have no prefix.

    Raises:
        ValueError: While loading, if less than half of the backbone's tensors match:
            the checkpoint belongs to another model.
    """
    module._register_load_state_dict_pre_hook(_translate_in_place, with_module=True)


def _translate_in_place(
    module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any
) -> None:
    # Hooks get a copy of the caller's dict and return their result in it.
    if prefix:
        return
    own = {name: _shape(value) for name, value in module.state_dict().items()}
    if all(own.get(name) == _shape(value) for name, value in state_dict.items()):
        return
    is_backbone = 'backbone' not in module._modules
    adapted, report = _adapt(state_dict, own, is_backbone)
    _check_match(adapted, own, module, is_backbone)
    if report is not None:
        print_log(f'Names of the checkpoint were translated. {report}', 'current')
    adapted = _leave_out_other_keypoints(adapted, own)
    state_dict.clear()
    state_dict.update(adapted)


def _shape(value: Any) -> Shape | None:
    return tuple(value.shape) if isinstance(value, Tensor) else None


def _adapt(
    state_dict: Mapping[str, Any], own: Mapping[str, Shape | None], is_backbone: bool
) -> tuple[dict[str, Any], ConversionReport | None]:
    """Translated or unchanged, whichever matches better: other backbones keep their names.

    Returns:
        What to load, and the report if a name has changed.
    """
    lead = BACKBONE if is_backbone else ''
    expected = {lead + name: shape for name, shape in own.items()}
    renamed, report = translate(state_dict)
    translated, report = fit(renamed, expected, report)
    unknown = {name: state_dict[name] for name in report.unexpected if name in state_dict}
    if is_backbone:  # a backbone has no head
        unknown = {name: value for name, value in unknown.items() if name not in translated}
        translated = {
            name.removeprefix(lead): tensor
            for name, tensor in translated.items()
            if name.startswith(lead)
        }
    if count_matches(state_dict, own) > count_matches(translated, own):
        return dict(state_dict), None
    is_renamed = not state_dict.keys() <= translated.keys()
    # The loader reports unknown names.
    return translated | unknown, report if is_renamed else None


def _check_match(
    adapted: Mapping[str, Any],
    own: Mapping[str, Shape | None],
    module: nn.Module,
    is_backbone: bool,
) -> None:
    backbone = '' if is_backbone else BACKBONE
    wanted = {
        name: shape
        for name, shape in own.items()
        if name.startswith(backbone) and not name.endswith(COUNTER)
    }
    matched = count_matches(adapted, wanted)
    if matched >= LEAST_MATCH * len(wanted):
        return
    first = f'{backbone}stage2.0.branches.0.0.conv1.weight'
    theirs = _shape(adapted.get(first))
    held = f'an HRNet of width {theirs[0]}' if theirs else 'no HRNet'
    width = f' of width {wanted[first][0]}' if first in wanted else ''
    raise ValueError(
        f'Checkpoint of another model: {matched} of {len(wanted)} tensors of the backbone match in '
        f'name and shape. It holds {held}; this is a {type(module).__name__}{width}. Load the '
        f'checkpoint that belongs to the config, or the config that belongs to the checkpoint.'
    )


def _leave_out_other_keypoints(
    adapted: dict[str, Any], own: Mapping[str, Shape | None]
) -> dict[str, Any]:
    weight = f'{FINAL_LAYER}weight'
    if weight not in adapted or weight not in own:
        return adapted
    theirs, ours = tuple(adapted[weight].shape), own[weight]
    if theirs[0] == ours[0] or theirs[1:] != ours[1:]:
        return adapted
    print_log(
        f'The checkpoint predicts {theirs[0]} keypoints, this model {ours[0]}: loads everything '
        f'but the last layer ({FINAL_LAYER}*), which starts untrained.',
        'current',
        WARNING,
    )
    return {name: value for name, value in adapted.items() if not name.startswith(FINAL_LAYER)}
