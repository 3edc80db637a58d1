"""Logits of a discriminator: one value per image, a map of patches, or lists of them over scales
and discriminators.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._keywords import keywords
from ssimloss._options import Options
from ssimloss._reduce import Reduction

Logits = Tensor | Sequence[Tensor] | Sequence[Sequence[Tensor]]
Scales = Literal["mean", "sum"]
SCALES: tuple[str, ...] = get_args(Scales)


class Scaled(Options):
    """Lists over scales or discriminators.

    Args:
        scales: ``"mean"`` or ``"sum"`` (pix2pixHD) of the entries of lists.
    """

    scales: Scales = "mean"

    def __post_init__(self) -> None:
        """Check the word."""
        super().__post_init__()
        check_scales(self.scales)


class Leaf(NamedTuple):
    """One tensor of logits, its place in the lists, and its weight in the loss."""

    name: str
    logits: Tensor
    weight: float


def leaves(name: str, logits: Logits, scales: Scales) -> list[Leaf]:
    """The tensors in nested lists; with ``scales="mean"``, a list is the mean of its entries.

    Raises:
        TypeError: an entry is neither a tensor nor a list, or has integers.
        ValueError: a list is empty, or the shape of logits is not ``(N,)``, ``(N, 1)`` or
            ``(N, 1, ...)``.
    """
    if isinstance(logits, Tensor):
        _check_logits(name, logits)
        return [Leaf(name, logits, 1.0)]
    if not isinstance(logits, (list, tuple)):
        raise TypeError(
            f"{name} must be a torch.Tensor or a list of them, got {type(logits).__name__}"
        )
    if not logits:
        raise ValueError(f"{name} must hold at least one tensor, got an empty list")
    share = 1 / len(logits) if scales == "mean" else 1.0
    inside = [
        leaf for i, entry in enumerate(logits) for leaf in leaves(f"{name}[{i}]", entry, scales)
    ]
    return [Leaf(leaf.name, leaf.logits, share * leaf.weight) for leaf in inside]


def check_alike(name: str, found: list[Leaf], other_name: str, other: list[Leaf]) -> None:
    """Check for lists of equal lengths, and tensors of equal shape in the same places."""
    places, expected = ([leaf.name.partition("[")[2] for leaf in side] for side in (found, other))
    if places != expected:
        raise ValueError(
            f"{name} must hold as many tensors as {other_name}, in lists of the same lengths: got "
            f"{', '.join(leaf.name for leaf in found)} against "
            f"{', '.join(leaf.name for leaf in other)}; pass the outputs of one discriminator for "
            "both images"
        )
    for mine, theirs in zip(found, other, strict=True):
        if mine.logits.shape != theirs.logits.shape:
            raise ValueError(
                f"{mine.name} must have the shape of {theirs.name} {tuple(theirs.logits.shape)}, "
                f"got {tuple(mine.logits.shape)}; logits are never broadcast"
            )
        if mine.logits.device != theirs.logits.device:
            raise ValueError(
                f"{mine.name} must be on the device of {theirs.name} ({theirs.logits.device}), "
                f"got {mine.logits.device}; move it with .to({theirs.name}.device)"
            )


@keywords()
def class_logits(logits: Logits, labels: Tensor) -> Logits:
    """For class-specific discriminators, select the logits of each image's own class.

    Args:
        logits: ``(N, K)`` or ``(N, K, ...)`` for K classes in one tensor, or a list of K, one entry
            per class: a tensor ``(N,)``, ``(N, 1)`` or ``(N, 1, ...)``, or a list of such tensors
            over scales.
        labels: integers ``(N,)`` in ``[0, K)``. Classes without an image get a zero gradient.

    Returns:
        ``(N, 1, ...)``, or a list of them over scales.

    Raises:
        TypeError: ``labels`` are not integers, or ``logits`` not floating point.
        ValueError: ``labels`` are not ``(N,)``, lists differ in length, or, on the CPU, a label is
            outside ``[0, K)``. Labels on another device are not checked, because reading them would
            wait for the device; there, ``torch.gather`` fails with an assertion of the device.

    Source: Xu et al. 2017, with discriminators for faces and text.
    """
    return own_class("logits", logits, labels)


def own_class(name: str, logits: Logits, labels: Tensor) -> Logits:
    """:func:`class_logits` with the name of the argument for errors."""
    if isinstance(logits, Tensor):
        return _select(name, logits, labels)
    if not isinstance(logits, (list, tuple)):
        raise TypeError(
            f"{name} must be a torch.Tensor or a list of them, got {type(logits).__name__}"
        )
    per_class = [leaves(f"{name}[{i}]", entry, "sum") for i, entry in enumerate(logits)]
    if not per_class:
        raise ValueError(f"{name} must hold one entry per class, got an empty list")
    for other in per_class[1:]:
        if len(other) != len(per_class[0]) or any(
            a.logits.shape != b.logits.shape for a, b in zip(other, per_class[0], strict=True)
        ):
            raise ValueError(
                f"{name} must have the same form for every class: "
                f"{other[0].name.split(']')[0]}] differs from {name}[0] in shapes or in the number "
                "of scales"
            )
    selected = []
    for scale in zip(*per_class, strict=True):
        columns = [
            leaf.logits.unsqueeze(1) if leaf.logits.ndim == 1 else leaf.logits for leaf in scale
        ]
        selected.append(_select(name, torch.cat(columns, 1), labels))
    return selected[0] if isinstance(logits[0], Tensor) else selected


def _select(name: str, logits: Tensor, labels: Tensor) -> Tensor:
    """``(N, K, ...)`` to ``(N, 1, ...)``, the class of each image."""
    if not logits.dtype.is_floating_point:
        raise TypeError(f"{name} must be floating point, got {logits.dtype}")
    if logits.ndim < 2:
        raise ValueError(
            f"{name} must have shape (N, K) or (N, K, ...) with labels of K classes, got "
            f"{tuple(logits.shape)}"
        )
    n, k, *rest = logits.shape
    if not isinstance(labels, Tensor) or labels.dtype not in (
        torch.int64,
        torch.int32,
        torch.int16,
        torch.int8,
        torch.uint8,
    ):
        raise TypeError(
            "labels must be a tensor of integers (N,), got "
            f"{getattr(labels, 'dtype', type(labels).__name__)}"
        )
    if tuple(labels.shape) != (n,):
        raise ValueError(
            f"labels must have shape ({n},) for {name} of {tuple(logits.shape)}, got "
            f"{tuple(labels.shape)}"
        )
    if labels.device != logits.device:
        raise ValueError(
            f"labels must be on the device of {name} ({logits.device}), got {labels.device}"
        )
    # On another device, reading a label would wait for it; there, gather has its own assertion.
    if (
        labels.device.type == "cpu"
        and not torch.compiler.is_compiling()
        and bool(((labels < 0) | (labels >= k)).any())
    ):
        raise ValueError(
            f"labels must lie in [0, {k}) for {k} classes, got {int(labels.min())} to "
            f"{int(labels.max())}"
        )
    index = labels.long().view(n, 1, *([1] * len(rest))).expand(n, 1, *rest)
    return logits.gather(1, index)


def _check_logits(name: str, logits: Tensor) -> None:
    if not logits.dtype.is_floating_point:
        raise TypeError(f"{name} must be floating point, got {logits.dtype}; cast it")
    if logits.ndim != 1 and (not 2 <= logits.ndim <= 5 or logits.shape[1] != 1):
        raise ValueError(
            f"{name} must have shape (N,), (N, 1) or (N, 1, H, W), got {tuple(logits.shape)}; "
            "pass labels for class-specific discriminators, and a list for several discriminators "
            "or scales"
        )


def require_finite(found: list[Leaf]) -> None:
    """Raise for logits that are not finite. This reads values, and so waits for the device."""
    for leaf in found:
        if not bool(leaf.logits.isfinite().all()):
            raise ValueError(
                f"{leaf.name} must be finite, got {int(leaf.logits.isnan().sum())} NaN and "
                f"{int(leaf.logits.isinf().sum())} infinite of {leaf.logits.numel()}; "
                "torch.autograd.set_detect_anomaly(True) finds the operation"
            )


def check_scales(scales: str) -> None:
    """Raise ``ValueError`` for an unknown word."""
    _checks.choice("scales", scales, SCALES)


def over_scales(values: list[tuple[float, Tensor]], reduction: Reduction) -> Tensor:
    """The weighted sum over the tensors of all scales and layers."""
    if len(values) == 1:
        return values[0][1]
    if reduction == "none":
        raise ValueError(
            f"reduction must not be 'none' for {len(values)} tensors, which may differ in shape; "
            "use 'image'"
        )
    total = values[0][0] * values[0][1]
    for weight, value in values[1:]:
        total = total + weight * value
    return total
