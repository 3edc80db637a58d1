"""Batches of images: pairs of different sizes stacked by size, batches measured image by image, and
batches of data loaders.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._precision import widened

# Keys of a dict, or a function of a batch, for the input, the target and perhaps the index.
Unpacking = Sequence[str] | Callable[[Any], Sequence[Any]]
KEYS = ("lq", "gt")  # of BasicSR
INDEX = "index"


def in_buckets(
    function: Callable[[Tensor, Tensor], Tensor],
    preds: Sequence[Tensor],
    targets: Sequence[Tensor],
    *,
    batch_size: int = 16,
) -> Tensor:
    """Values of pairs of images of mixed sizes: pairs of one size are stacked into batches.

    Args:
        function: a function of two batches ``(N, C, H, W)`` that returns ``(N,)``, such as a
            measure or ``SuperResolutionProtocol(4).psnr``.
        preds, targets: equal numbers of images ``(C, H, W)``.
        batch_size: the largest number of images in a batch.

    Returns:
        ``(N,)`` float64, in the order of the images.

    Raises:
        ValueError: the numbers of images or the shapes of a pair differ, or ``function`` raises it.
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
                widened(
                    function(
                        torch.stack([preds[i] for i in batch]),
                        torch.stack([targets[i] for i in batch]),
                    )
                )
            )
    if not values:
        return torch.zeros(0, dtype=torch.float64, device="cpu")
    together = torch.cat([part.to(values[0].device) for part in values])
    return torch.empty_like(together).index_copy_(
        0, torch.tensor(order, device=together.device), together
    )


def one_by_one(function: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> Tensor:
    """The values ``(N,)`` of a batch. On a CPU, where batches are not faster, images are computed
    one by one.

    Threads then share each image, and its value is bitwise independent of the rest of the batch.
    """
    if not gains_nothing(x):
        return function(x, y)
    return torch.cat([function(x[i : i + 1], y[i : i + 1]) for i in range(len(x))])


def gains_nothing(batch: Tensor) -> bool:
    """Whether images are computed one by one: several of them, on a CPU."""
    return batch.device.type == "cpu" and len(batch) > 1


def unpacked(batch: Any, unpack: Unpacking | None) -> Sequence[Any]:
    """Input, target and, if there is one, index of a batch.

    Raises:
        ValueError: the batch has another form.
        TypeError: ``unpack`` is neither keys nor a function.
    """
    if unpack is not None and not callable(unpack):
        if isinstance(unpack, str) or not all(isinstance(key, str) for key in unpack):
            raise TypeError(
                f"unpack must be a sequence of two or three keys or a function, got {unpack!r}"
            )
        if len(unpack) not in (2, 3):
            raise ValueError(
                f"unpack must name the keys of input, target and, optionally, index, got {unpack!r}"
            )
    if callable(unpack):
        batch = unpack(batch)
    elif isinstance(batch, Mapping):
        keys = unpack or (*KEYS, *([INDEX] if INDEX in batch else []))
        missing = [key for key in keys if key not in batch]
        if missing:
            raise ValueError(
                f"a batch of loader lacks {missing[0]!r}, it has "
                f"{', '.join(map(repr, batch)) or 'nothing'}; name the keys of input and target "
                "with unpack=('low', 'high'), or pass unpack a function of the batch"
            )
        return [batch[key] for key in keys]
    elif unpack is not None:
        raise ValueError(
            f"unpack={unpack!r} are keys of a dict, but loader yields {type(batch).__name__}; "
            "leave unpack out, or pass a function of the batch"
        )
    if isinstance(batch, str) or not isinstance(batch, Sequence) or len(batch) not in (2, 3):
        found = f"{len(batch)} items" if isinstance(batch, Sequence) else type(batch).__name__
        source = "unpack must return" if callable(unpack) else "loader must yield"
        raise ValueError(
            f"{source} (input, target) or (input, target, index), got {found}; "
            "unpack=lambda batch: (batch[0], batch[1]) for example picks them"
        )
    return batch
