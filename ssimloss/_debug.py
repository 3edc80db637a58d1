"""``debug``: losses and functions check the values of their images immediately.

Otherwise no loss reads values, because that waits for the device.
"""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import torch
from torch import Tensor

from ssimloss import _checks, _ranges
from ssimloss._checks import DataRange
from ssimloss._keywords import keywords
from ssimloss._torch import is_transformed


class debug:
    """Make losses and functions check the values of images immediately. NaN, infinite values, and
    images outside ``data_range`` or using less than a hundredth of it raise a ``ValueError``, which
    names the argument, the fraction and the likely range.

    ``ssimloss.debug()`` enables the checks, ``ssimloss.debug(False)`` disables them, and
    ``with ssimloss.debug():`` restores the previous state at its end. Each check waits for the
    device. For large images, a grid of 16,384 values is compared with the range. Pixels of mask 0
    are ignored. Compiled code, ``torch.func`` and tensors without memory are not checked.

    Args:
        enabled: whether values are checked.

    Raises:
        TypeError: ``enabled`` is neither True nor False.
    """

    @keywords()
    def __init__(self, enabled: bool = True) -> None:
        _checks.flag("enabled", enabled)
        self.enabled = enabled
        self._before = STATE.enabled
        STATE.enabled = enabled

    def __enter__(self) -> "debug":
        STATE.enabled = self.enabled
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        STATE.enabled = self._before


class _State:
    """Whether values are checked, in every thread of this process."""

    def __init__(self) -> None:
        self.enabled = False


STATE = _State()


def check(
    caller: str,
    images: Mapping[str, Any],
    *,
    data_range: DataRange | None = None,
    mask: Any = None,
) -> None:
    """Raise if a value is not finite or a range is wrong. Callers check ``STATE.enabled`` first.

    Args:
        caller: the name at the beginning of the error.
        images: by name of the argument: a tensor, or a sequence or mapping of tensors, which are
            only checked for finite values. Other values are ignored.
        data_range: data range of the tensors; None if they have none.
        mask: weights of the images; pixels of weight 0 are ignored.
    """
    if torch.compiler.is_compiling() or is_transformed():
        return
    found = {name: value for name, value in images.items() if _is_checked(value)}
    if not all(_covers(mask, value) for value in found.values()):
        mask = None  # the loss raises an error for it
    for name, value in found.items():
        _demand_finite(caller, name, value, mask)
    for name, value in images.items():
        for part, inside in _parts(value):
            if _is_checked(inside):
                _demand_finite(caller, f"{name}[{part!r}]", inside, None)
    if data_range is None or not found:
        return
    counts = _ranges.count(*found.values(), data_range=data_range, mask=mask)
    if words := _ranges.describe(counts, data_range, list(found)):
        raise ValueError(
            f"{caller}: {words}; {_ranges.WAY_OUT}; for images that overshoot on purpose, clamp "
            "them or call ssimloss.debug(False)"
        )


def _is_checked(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype.is_floating_point and not value.is_meta


def _covers(mask: Any, image: Tensor) -> bool:
    if not isinstance(mask, Tensor) or mask.device != image.device or mask.ndim != image.ndim:
        return False
    return all(own in (1, size) for own, size in zip(mask.shape, image.shape, strict=True))


def _parts(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(enumerate(value))
    return []


def _demand_finite(caller: str, name: str, value: Tensor, mask: Tensor | None) -> None:
    wrong = ~value.detach().isfinite()
    if mask is not None:
        wrong = wrong & (mask > 0)
    number = int(wrong.sum())
    if number:
        raise ValueError(
            f"{caller}: {name} must be finite, got NaN or infinity in {number} of {wrong.numel()} "
            f"values ({100 * number / wrong.numel():.3g} %); find their origin with "
            "torch.autograd.set_detect_anomaly(True), or disable the check by ssimloss.debug(False)"
        )
