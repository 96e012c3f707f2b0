"""mmcv's compiled operators, computed by torch and torchvision.

``mmcv.ops`` keeps its own Python wrappers; what they call in ``mmcv._ext`` is answered here with
the calling conventions of mmcv's extension: inputs first, tensors to write into among them, the
rest by keyword. On CUDA tensors torchvision's CUDA kernels run.

An operator that is not here can be looked up, since mmcv checks for every name when it is
imported, and says what to do when it is called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from hrnet_ext.compat.mmcv_ops.build_info import get_compiler_version, get_compiling_cuda_version
from hrnet_ext.compat.mmcv_ops.deform_conv import (
    deform_conv_backward_input,
    deform_conv_backward_parameters,
    deform_conv_forward,
)
from hrnet_ext.compat.mmcv_ops.focal_loss import (
    sigmoid_focal_loss_backward,
    sigmoid_focal_loss_forward,
    softmax_focal_loss_backward,
    softmax_focal_loss_forward,
)
from hrnet_ext.compat.mmcv_ops.modulated_deform_conv import (
    modulated_deform_conv_backward,
    modulated_deform_conv_forward,
)
from hrnet_ext.compat.mmcv_ops.ms_deform_attn import (
    ms_deform_attn_backward,
    ms_deform_attn_forward,
)
from hrnet_ext.compat.mmcv_ops.nms import bbox_overlaps, nms, nms_match, softnms
from hrnet_ext.compat.mmcv_ops.roi_align import roi_align_backward, roi_align_forward
from hrnet_ext.compat.mmcv_ops.roi_pool import roi_pool_backward, roi_pool_forward

OPERATORS: dict[str, Callable] = {
    operator.__name__: operator
    for operator in (
        bbox_overlaps,
        deform_conv_backward_input,
        deform_conv_backward_parameters,
        deform_conv_forward,
        get_compiler_version,
        get_compiling_cuda_version,
        modulated_deform_conv_backward,
        modulated_deform_conv_forward,
        ms_deform_attn_backward,
        ms_deform_attn_forward,
        nms,
        nms_match,
        roi_align_backward,
        roi_align_forward,
        roi_pool_backward,
        roi_pool_forward,
        sigmoid_focal_loss_backward,
        sigmoid_focal_loss_forward,
        softmax_focal_loss_backward,
        softmax_focal_loss_forward,
        softnms,
    )
}


def missing_operator(name: str) -> Callable[..., NoReturn]:
    """A placeholder for an operator that needs the compiled mmcv.

    Args:
        name: the operator's name in ``mmcv._ext``.

    Returns:
        A function that raises NotImplementedError when it is called.
    """
    if name.startswith('__'):
        raise AttributeError(f"module 'mmcv._ext' has no attribute {name!r}")

    def operator(*args: object, **kwargs: object) -> NoReturn:
        raise NotImplementedError(
            f"mmcv's operator '{name}' is not among those that hrnet_ext computes with torch; "
            'it needs the compiled mmcv: pip uninstall -y mmcv-lite && mim install "mmcv<2.2"'
        )

    operator.__name__ = name
    return operator
