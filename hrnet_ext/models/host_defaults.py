"""Defaults of MMDetection's and MMSegmentation's own HRNets."""

import logging
from dataclasses import dataclass

from mmengine.logging import print_log
from mmengine.registry import DefaultScope


@dataclass(frozen=True)
class HostDefaults:
    """Defaults of a host's HRNet.

    Args:
        host: Its name.
        upsample: Interpolation in the exchange units, from coarse to fine.
        norm_eval: Whether batch norms' running statistics stay fixed in training.
    """

    host: str
    upsample: str
    norm_eval: bool


MMDETECTION = HostDefaults('MMDetection', upsample='nearest', norm_eval=True)
# As the official segmentation release; weights trained with one do worse with the other.
MMSEGMENTATION = HostDefaults('MMSegmentation', upsample='bilinear', norm_eval=False)


# The default scopes of hosts whose HRNet is known.
SCOPES = {'mmdet': MMDETECTION, 'mmpose': MMDETECTION, 'mmseg': MMSEGMENTATION}


def host_defaults() -> HostDefaults:
    """MMSegmentation's where the default scope is 'mmseg', MMDetection's everywhere else.

    Runners and inferencers set the scope to their config's ``default_scope`` before they build.
    """
    return SCOPES.get(_scope(), MMDETECTION)


def log_chosen_upsample(host: HostDefaults) -> None:
    """Log which interpolation was chosen by default; as a warning where no host is known."""
    scope = _scope()
    if scope in SCOPES:
        reason, level = f"the default scope is '{scope}'", logging.INFO
    else:
        reason = 'no default scope names MMPose, MMDetection or MMSegmentation'
        level = logging.WARNING
    print_log(
        f"HRNetV2 upsamples by '{host.upsample}', as {host.host}'s HRNet does, because {reason}. "
        "Weights from MMSegmentation need upsample='bilinear', all others upsample='nearest'; "
        'the argument `upsample` decides and ends this message.',
        'current',
        level=level,
    )


def _scope() -> str | None:
    scope = DefaultScope.get_current_instance()
    return scope.scope_name if scope else None
