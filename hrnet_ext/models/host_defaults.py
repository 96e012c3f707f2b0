"""What MMDetection's and MMSegmentation's own HRNets do where a config says nothing."""

from dataclasses import dataclass

from mmengine.registry import DefaultScope


@dataclass(frozen=True)
class HostDefaults:
    """Defaults of a host's HRNet.

    Args:
        upsample: The exchange on the way up.
        norm_eval: Whether batch norms' running statistics stay fixed in training.
    """

    upsample: str
    norm_eval: bool


MMDETECTION = HostDefaults(upsample='nearest', norm_eval=True)
# As the official segmentation release; weights trained with one do worse with the other.
MMSEGMENTATION = HostDefaults(upsample='bilinear', norm_eval=False)


def host_defaults() -> HostDefaults:
    """MMSegmentation's where the default scope is 'mmseg', MMDetection's everywhere else.

    Runners and inferencers set the scope to their config's ``default_scope`` before they build.
    """
    scope = DefaultScope.get_current_instance()
    return MMSEGMENTATION if scope and scope.scope_name == 'mmseg' else MMDETECTION
