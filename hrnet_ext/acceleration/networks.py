"""Replacements of a backbone in an optimized model: images in, float32 maps out.

Legend: images (B, C, H, W); maps are a tuple of tensors, batch first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Run = Callable[[Tensor], Sequence[Tensor]]

# Images per pass on a CPU: eight of 256x192 in float32. Activations of more do not fit the cache,
# and the allocator requests memory from the system again for every layer.
CACHED_BYTES = 8 * 3 * 256 * 192 * 4
LARGEST_BUCKET = 64


def largest_part(images: Tensor) -> int:
    """Number of images that a CPU should compute at once."""
    return max(1, CACHED_BYTES // images[0].nbytes)


def joined(parts: Sequence[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """The maps of a batch from those of its parts."""
    return parts[0] if len(parts) == 1 else tuple(map(torch.cat, zip(*parts)))


class OptimizedNetwork(nn.Module):
    """A network prepared for inference, in the precision and memory layout it was prepared for.

    Args:
        run: Channels-last images of ``dtype`` to maps.
        dtype: The precision.
    """

    def __init__(self, run: Run, dtype: torch.dtype) -> None:
        super().__init__()
        self.run, self.dtype = run, dtype

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(B, C, H, W) -> maps, float32."""
        images = images.to(self.dtype, memory_format=torch.channels_last)
        parts = [self._maps(part) for part in self._parts(images)]
        return joined(parts)

    def _maps(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(x.float() for x in self.run(images))

    def _parts(self, images: Tensor) -> Sequence[Tensor]:
        """As many images at once as a CPU's cache takes; everything on other devices."""
        if images.device.type != 'cpu' or not len(images):
            return [images]
        return images.tensor_split(-(-len(images) // largest_part(images)))  # of nearly equal size


class BucketedNetwork(OptimizedNetwork):
    """A network compiled per batch size; batches are padded to powers of two.

    Args:
        run: See :class:`OptimizedNetwork`; may return the same memory every time.
        dtype: The precision.
    """

    def _parts(self, images: Tensor) -> Iterator[Tensor]:
        yield from images.split(LARGEST_BUCKET)

    def _maps(self, images: Tensor) -> tuple[Tensor, ...]:
        num = len(images)
        bucket = 1 << (num - 1).bit_length()
        padded = F.pad(images, (0, 0, 0, 0, 0, 0, 0, bucket - num))
        padded = padded.contiguous(memory_format=torch.channels_last)
        return tuple(x[:num].to(torch.float32, copy=True) for x in self.run(padded))
