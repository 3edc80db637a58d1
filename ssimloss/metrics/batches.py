"""Batches of images: pairs of mixed sizes stacked by size, and a batch taken image by image."""

from collections.abc import Callable, Hashable, Sequence

import torch
from torch import Tensor

from ssimloss import _checks


def in_buckets(
    function: Callable[[Tensor, Tensor], Tensor],
    preds: Sequence[Tensor],
    targets: Sequence[Tensor],
    *,
    batch_size: int = 16,
) -> Tensor:
    """Values of pairs of images of mixed sizes: pairs of one size are stacked into batches.

    Args:
        function: of two batches ``(N, C, H, W)``, such as a measure or
            ``SuperResolutionProtocol(4).psnr``; gives ``(N,)``.
        preds, targets: images ``(C, H, W)``, as many of each.
        batch_size: the most images in a batch.

    Returns:
        ``(N,)`` float64, in the order of the images.

    Raises:
        ValueError: another number of targets, a pair of unequal shape; whatever ``function``
            raises.
    """
    _checks.count("batch_size", batch_size)
    if len(preds) != len(targets):
        raise ValueError(f"targets must be as many as preds, {len(preds)}, got {len(targets)}")
    buckets: dict[Hashable, list[int]] = {}
    for index, (pred, target) in enumerate(zip(preds, targets, strict=True)):
        for name, image in ((f"preds[{index}]", pred), (f"targets[{index}]", target)):
            if not isinstance(image, Tensor) or image.ndim != 3:
                found = tuple(image.shape) if isinstance(image, Tensor) else type(image).__name__
                raise ValueError(
                    f"{name} must be one image, a tensor (C, H, W), got {found}; batches need no "
                    "buckets"
                )
        _checks.same_shape(f"targets[{index}]", target, f"preds[{index}]", pred)
        buckets.setdefault((pred.shape, pred.dtype, target.dtype, pred.device), []).append(index)
    order, values = [], []
    for members in buckets.values():
        for start in range(0, len(members), batch_size):
            batch = members[start : start + batch_size]
            order += batch
            values.append(
                function(
                    torch.stack([preds[i] for i in batch]), torch.stack([targets[i] for i in batch])
                ).double()
            )
    if not values:
        return torch.zeros(0, dtype=torch.float64)
    together = torch.cat([part.to(values[0].device) for part in values])
    return torch.empty_like(together).index_copy_(
        0, torch.tensor(order, device=together.device), together
    )


def one_by_one(function: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> Tensor:
    """The values ``(N,)`` of a batch; on a CPU, where nothing is gained by a batch, each image by
    itself.

    Threads share a single image there, and to the last digit its value has nothing to do with the
    images that came with it.
    """
    if x.device.type != "cpu" or len(x) < 2:
        return function(x, y)
    return torch.cat([function(x[i : i + 1], y[i : i + 1]) for i in range(len(x))])
