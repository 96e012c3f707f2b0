"""Choose the fastest engine on this CPU whose maps agree with PyTorch's, and switch to it.

Legend: images (B, C, H, W) float32; a pair is a crop and its mirror image; maps are a sequence of
tensors, batch first, float32.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from hrnet_ext.acceleration.engines import OptimizedNetwork, Run, installed, joined, largest_part
from hrnet_ext.runtimes.to_onnx import to_onnx

TOLERANCE = 1e-4  # of a map's maximum, in float32
GAIN = 0.95  # required ratio to the best time so far; smaller gains may be noise
ROUNDS = 3
PYTORCH = 'PyTorch'
TRIAL_AFTER = 64  # images, which take about as long in fp32 as the trial


class EndingInConvolutions(nn.Module):
    """A network, and a factor of 1 for each channel of its maps.

    What follows the last convolutions, here sums of whole maps, OpenVINO computes in float32 even
    where it may take bf16; with these W32 takes a tenth less time.

    Args:
        network: Images -> maps.
        channels: Of each map.
    """

    def __init__(self, network: nn.Module, channels: Sequence[int]) -> None:
        super().__init__()
        self.network = network
        self.ends = nn.ModuleList(
            nn.Conv2d(num, num, 1, groups=num, bias=False) for num in channels
        )
        for end in self.ends:
            nn.init.ones_(end.weight)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Images -> the same maps."""
        return [end(x) for end, x in zip(self.ends, self.network(images))]


@torch.no_grad()
def fastest(network: nn.Module, dtype: torch.dtype, images: Tensor) -> Run | None:
    """The fastest engine whose maps agree with the network's; the choice is logged.

    In fp32 an engine's maps may differ from the network's by ``TOLERANCE``. In bf16 they may differ
    from fp32 maps by twice as much as PyTorch's bf16 maps do. Engines are timed with one person: a
    crop and its mirror image.

    Args:
        network: In evaluation mode, of that precision, channels-last, on the CPU.
        dtype: float32 or bfloat16.
        images: A batch of the usual size.

    Returns:
        A function for images of that height and width in any batch size; None to keep PyTorch.
    """
    start = perf_counter()
    batch, _, height, width = images.shape
    pair = torch.cat([images[:1], images[:1].flip(-1)])
    plain = partial(network, pair.to(dtype, memory_format=torch.channels_last))
    exact = network if dtype is torch.float32 else copy.deepcopy(network).float()
    wanted = exact(pair)
    limit = TOLERANCE if dtype is torch.float32 else 2 * _difference(plain(), wanted)
    if dtype is not torch.float32:
        exact = EndingInConvolutions(exact, [x.shape[1] for x in wanted])
    try:
        source = _exported(exact, images[:1], len(wanted))
    except Exception as error:  # an operator that ONNX lacks, a module that cannot be traced
        print_log(
            f'{PYTORCH} runs the network, because it cannot be exported to ONNX: {error}',
            'current',
            level=30,
        )
        return None
    runs = {}
    for name, opened in installed(dtype).items():
        try:
            run = opened(source, dtype, batch)
            for num in (2, batch):
                _demand_same(run, pair, num, of_pair=wanted, limit=limit)
            runs[name] = run
        except Exception as error:  # the runtimes' errors have no common class
            print_log(f'{name} cannot run this network: {error}', 'current', level=30)
    calls = {**{name: partial(run, pair) for name, run in runs.items()}, PYTORCH: plain}
    seconds = _seconds(calls)
    best = _choose(seconds)
    times = ', '.join(f'{name} {500 * each:.1f}' for name, each in seconds.items())
    print_log(
        f'{best} will run the network: ms per image of {width}x{height} in pairs, {times} '
        f'(measured in {perf_counter() - start:.1f} s)',
        'current',
    )
    return runs.get(best)


def _exported(network: nn.Module, image: Tensor, num_maps: int) -> bytes:
    file = io.BytesIO()
    names = [f'map{index}' for index in range(num_maps)]
    to_onnx(network, image, file, takes='images', gives=names)
    return file.getvalue()


def _demand_same(
    run: Run, pair: Tensor, num: int, *, of_pair: Sequence[Tensor], limit: float
) -> None:
    """Raise ValueError if maps of ``num`` images, repeated from the pair, differ too much."""
    given, *wanted = (torch.cat([x] * num)[:num] for x in (pair, *of_pair))
    off_by = _difference(run(given), wanted)
    if not off_by <= limit:
        raise ValueError(f'its maps differ by {off_by:.1e} of their maximum')


def _choose(seconds: dict[str, float]) -> str:
    """The fastest engine; the first one if times are nearly equal."""
    best, *others = seconds
    for name in others:
        if seconds[name] < GAIN * seconds[best]:
            best = name
    return best


def _seconds(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The shortest time of several interleaved rounds; each call has been warmed up."""
    seconds = dict.fromkeys(calls, float('inf'))
    for _ in range(ROUNDS):
        for name, call in calls.items():
            start = perf_counter()
            call()
            seconds[name] = min(seconds[name], perf_counter() - start)
    return seconds


def _difference(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> float:
    """The largest of maps, over the largest value of each; infinite if their shapes differ."""
    if [x.shape for x in found] != [x.shape for x in wanted]:
        return float('inf')
    return max(
        float((a.float() - b).abs().max() / b.abs().max().clamp(min=torch.finfo(b.dtype).tiny))
        for a, b in zip(found, wanted)
    )


class EngineNetwork(OptimizedNetwork):
    """Runs in PyTorch until ``TRIAL_AFTER`` successive images had the same size.

    Then the installed engines are tried on the current images, and the fastest one is kept. Images
    of other sizes still run in PyTorch. A single image therefore does not wait for a trial.

    Args:
        network: On the CPU, of ``dtype``, channels-last.
        dtype: float32 or bfloat16.
    """

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        super().__init__(network, dtype)
        self._engine: Run | None = None
        self._is_settled = False
        self._size, self._num_met = torch.Size(), 0

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(B, C, H, W) -> maps, float32."""
        if not self._is_settled and len(images) and images.device.type == 'cpu':
            self._meet(images.float())
        if self._engine is None or not len(images) or images.shape[1:] != self._size:
            return super().forward(images)
        parts = images.float().split(largest_part(images))
        return joined([tuple(self._engine(part)) for part in parts])

    def _meet(self, images: Tensor) -> None:
        if images.shape[1:] != self._size:
            self._size, self._num_met = images.shape[1:], 0
        self._num_met += len(images)
        if self._num_met >= TRIAL_AFTER:
            self._is_settled = True
            self._engine = fastest(self.run, self.dtype, images[: largest_part(images)])
