"""HRNet: parallel branches of several resolutions with repeated fusion.

    stem      stage 1    stage 2     stage 3      stage 4
    /4  ----- 4 blocks - branch 0 -- branch 0 --- branch 0 -->  stride 4,  width
                       \\ branch 1 -- branch 1 --- branch 1      stride 8,  2 width
                                   \\ branch 2 --- branch 2      stride 16, 4 width
                                                \\ branch 3      stride 32, 8 width

Legend: images (B, 3, H, W); maps are a list of one tensor per branch, finest first, branch i of
shape (B, width * 2**i, H / (4 * 2**i), W / (4 * 2**i)), sizes rounded up.

Sources: Sun et al., CVPR 2019 (pose); Wang et al., TPAMI 2020 (HRNetV2, V2p). Where text and
released code differ (1x1 convolution before up-sampling), this follows the released code.
"""

from collections.abc import Mapping, Sequence

from mmengine.model import BaseModule, constant_init
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from hrnet_ext.models.architecture import (
    NUM_STAGES,
    STEM_WIDTH,
    Stage,
    stages_from_extra,
    stages_of_width,
)
from hrnet_ext.models.exchange import HRModule, make_branch, make_transition, upsample_arguments
from hrnet_ext.models.host_defaults import host_defaults, log_chosen_upsample
from hrnet_ext.models.layers import Layers, ResidualBlock
from hrnet_ext.models.weights import register_conversion
from hrnet_ext.registry import MODELS

NORMAL_INIT = (  # the released code's
    {'type': 'Normal', 'std': 0.001, 'layer': ['Conv2d']},
    {'type': 'Constant', 'val': 1, 'layer': ['_BatchNorm', 'GroupNorm']},
)
KAIMING_INIT = (
    {'type': 'Kaiming', 'layer': 'Conv2d'},
    {'type': 'Constant', 'val': 1, 'layer': ['_BatchNorm', 'GroupNorm']},
)


@MODELS.register_module()
class HRNet(BaseModule):
    """The HRNet backbone, for pose: the finest map alone unless ``multiscale_output``.

    Args:
        width: Channels C of the finest branch: 32 is HRNet-W32. The rest follows from it.
            MMPose's positional ``HRNet(extra)`` works too.
        num_modules: Modules of stages 2, 3 and 4.
        num_blocks: Residual blocks on each branch of a module, for stages 1 to 4; the released
            small networks have fewer, see :func:`~hrnet_ext.models.architecture.stages_of_width`.
        bottleneck_width: Inner channels of stage 1's bottlenecks.
        multiscale_output: Return all four maps instead of the finest.
        in_channels: Channels of the images.
        extra: The stages as a dict, as MMPose's, MMDetection's and MMSegmentation's configs give
            them; replaces the numbers above. Its ``upsample`` and ``stage4.multiscale_output``
            are honored.
        upsample: Interpolation in the exchange units: 'nearest' (released weights) or 'bilinear'.
        conv_cfg: MMCV's convolution config.
        norm_cfg: MMCV's norm config: BN, SyncBN, GN...
        norm_eval: Keep batch norms' running statistics fixed in training.
        frozen_stages: Freeze the stem (0) and the stages up to this number; -1: nothing.
        with_cp: Trade time for memory: recompute residual blocks in the backward pass.
        zero_init_residual: Start every residual block as the identity.
        init_cfg: MMEngine's initialization; ``dict(type='Pretrained', checkpoint=...)`` takes any
            released HRNet file, see :mod:`hrnet_ext.checkpoints`.

    Raises:
        ValueError: If one of these cannot make a network; the message names the key and what it
            may be.
    """

    default_init: Sequence[dict] = NORMAL_INIT

    def __init__(
        self,
        width: int | Mapping = 32,
        num_modules: Sequence[int] = (1, 4, 3),
        *,
        num_blocks: Sequence[int] = (4, 4, 4, 4),
        bottleneck_width: int = 64,
        multiscale_output: bool = False,
        in_channels: int = 3,
        extra: Mapping | None = None,
        upsample: str | Mapping = 'nearest',
        conv_cfg: dict | None = None,
        norm_cfg: dict | None = None,
        norm_eval: bool = False,
        frozen_stages: int = -1,
        with_cp: bool = False,
        zero_init_residual: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg or [dict(init) for init in self.default_init])
        if isinstance(width, Mapping):
            extra = width
        if extra is not None:
            stages = stages_from_extra(extra)
            upsample = extra.get('upsample', upsample)
            multiscale_output = extra['stage4'].get('multiscale_output', multiscale_output)
        else:
            stages = stages_of_width(
                width, num_modules, num_blocks=num_blocks, bottleneck_width=bottleneck_width
            )
        if not -1 <= frozen_stages <= NUM_STAGES:
            raise ValueError(f'frozen_stages must be -1 to {NUM_STAGES}, got {frozen_stages}')
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.zero_init_residual = zero_init_residual
        self.upsample = upsample_arguments(upsample)
        self.layers = Layers(norm_cfg or {'type': 'BN'}, conv_cfg, with_cp)

        self.norm_names = [
            self.layers.add_numbered(self, number, channels, STEM_WIDTH, stride=2)
            for number, channels in ((1, in_channels), (2, STEM_WIDTH))
        ]
        self.relu = nn.ReLU(inplace=True)
        self._make_stages(stages, multiscale_output)
        self._freeze_stages()
        register_conversion(self)

    @property
    def norm1(self) -> nn.Module:
        """The stem's first norm, whatever its type is called."""
        return getattr(self, self.norm_names[0])

    @property
    def norm2(self) -> nn.Module:
        """The stem's second norm, whatever its type is called."""
        return getattr(self, self.norm_names[1])

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Images (B, 3, H, W) -> maps, finest first; sides need not be multiples of 32."""
        x = self.relu(self.norm1(self.conv1(images)))
        x = self.relu(self.norm2(self.conv2(x)))
        maps = [self.layer1(x)]
        for number in range(2, NUM_STAGES + 1):
            transition = getattr(self, f'transition{number - 1}')
            coarsest = len(maps) - 1
            maps = [path(maps[min(i, coarsest)]) for i, path in enumerate(transition)]
            maps = getattr(self, f'stage{number}')(maps)
        return tuple(maps)

    def init_weights(self) -> None:
        """Initialize as ``init_cfg`` says; with ``zero_init_residual`` zero the last norms."""
        super().init_weights()
        pretrained = isinstance(self.init_cfg, Mapping) and self.init_cfg['type'] == 'Pretrained'
        if self.zero_init_residual and not pretrained:
            for module in self.modules():
                if isinstance(module, ResidualBlock):
                    constant_init(module.last_norm, 0)

    def train(self, mode: bool = True) -> 'HRNet':
        """Training mode, except for what is frozen."""
        super().train(mode)
        self._freeze_stages()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def _make_stages(self, stages: Sequence[Stage], multiscale_output: bool) -> None:
        first, *rest = stages
        self.layer1 = make_branch(
            first.block, STEM_WIDTH, first.channels[0], first.num_blocks[0], self.layers
        )
        channels = first.channels
        for number, stage in enumerate(rest, start=2):
            is_last = number == NUM_STAGES
            num_targets = 1 if is_last and not multiscale_output else None
            transition = make_transition(channels, stage.channels, self.layers)
            self.add_module(f'transition{number - 1}', transition)
            self.add_module(f'stage{number}', self._make_stage(stage, num_targets))
            channels = stage.channels

    def _make_stage(self, stage: Stage, num_targets: int | None) -> nn.Sequential:
        targets = [None] * (stage.num_modules - 1) + [num_targets]
        return nn.Sequential(
            *[
                HRModule(
                    stage,
                    stage.channels,
                    layers=self.layers,
                    num_targets=n,
                    upsample=self.upsample,
                )
                for n in targets
            ]
        )

    def _freeze_stages(self) -> None:
        if self.frozen_stages < 0:
            return
        frozen = [self.conv1, self.norm1, self.conv2, self.norm2]
        for number in range(1, self.frozen_stages + 1):
            frozen.append(self.layer1 if number == 1 else getattr(self, f'stage{number}'))
            if number < NUM_STAGES:
                frozen.append(getattr(self, f'transition{number}'))
        for module in frozen:
            module.eval()
            module.requires_grad_(False)


@MODELS.register_module()
class HRNetV2(HRNet):
    """The same network with all four maps, as MMDetection's and MMSegmentation's configs expect.

    Args:
        norm_eval: As :class:`HRNet`; None is the host's own default: True, in MMSegmentation False.
        upsample: As :class:`HRNet`; None is what the host's HRNet does and its weights were trained
            with: 'nearest', in MMSegmentation 'bilinear'. The host follows from the default scope,
            which is the config's ``default_scope``. A log line says what was chosen; it is a
            warning where no host is known, as in a plain script.
        pretrained: Those hosts' older spelling of ``init_cfg=dict(type='Pretrained', ...)``.
        **kwargs: As :class:`HRNet`. By default all maps are returned, and initialization is the
            hosts': Kaiming's.

    Raises:
        ValueError: As :class:`HRNet`, and if both ``pretrained`` and ``init_cfg`` are given.
    """

    default_init = KAIMING_INIT

    def __init__(
        self,
        width: int | Mapping = 32,
        num_modules: Sequence[int] = (1, 4, 3),
        *,
        multiscale_output: bool = True,
        norm_eval: bool | None = None,
        upsample: str | Mapping | None = None,
        pretrained: str | None = None,
        **kwargs,
    ) -> None:
        if pretrained is not None and kwargs.get('init_cfg'):
            raise ValueError('give either pretrained or init_cfg, not both: they are one setting')
        if pretrained is not None:
            kwargs['init_cfg'] = {'type': 'Pretrained', 'checkpoint': pretrained}
        host = host_defaults()
        extra = width if isinstance(width, Mapping) else kwargs.get('extra') or {}
        if upsample is None and 'upsample' not in extra:
            log_chosen_upsample(host)
        super().__init__(
            width,
            num_modules,
            multiscale_output=multiscale_output,
            norm_eval=host.norm_eval if norm_eval is None else norm_eval,
            upsample=host.upsample if upsample is None else upsample,
            **kwargs,
        )
        self.pretrained = pretrained
