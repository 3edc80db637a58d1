"""Preparation of images before they are compared, as in other implementations: clamp, round to
8 bit, crop, luma, round the luma.
"""

import dataclasses
import functools

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._checks import DataRange
from ssimloss._precision import widened, widest_dtype
from ssimloss._reduce import reduce
from ssimloss.color.luma import LUMA as STANDARDS
from ssimloss.kernels import (
    PREPARED_IMAGES,
    SQUARED_ERRORS,
    Steps,
    prepared_images,
    select,
    squared_errors,
)

# Weights of R, G, B and offset. pyiqa holds the weights of YIQ in float32: 0.299, 0.587 and 0.114
# put one luma in a thousand exactly half way between two codes, and their rounding errors decide
# which way it goes.
LUMA = {
    "bt601_studio": STANDARDS["bt601_studio"],
    "bt601": STANDARDS["bt601"],
    "bt601_float32": ((0.29899999499320984, 0.5870000123977661, 0.11400000005960464), 0.0),
    "matlab": STANDARDS["matlab"],
}

_NOTHING = Steps(0.0, 1.0, False, False, False, 0, ())


@dataclasses.dataclass(frozen=True)
class Preparation:
    """Steps in the order of the fields, on images scaled to [0, 1]."""

    clamp: bool = False
    quantize: bool = False  # to 256 levels in the images' own precision, as if saved to a file
    crop: bool = False  # by the crop_border that the caller states
    luma: str | None = None
    round: bool = False  # whole 8-bit codes after the luma

    def __bool__(self) -> bool:
        """Whether anything is done at all."""
        return self != Preparation()

    def __call__(
        self,
        pred: Tensor,
        target: Tensor,
        *,
        data_range: DataRange,
        crop_border: int | None,
        dtype: torch.dtype | None = None,
        room: list[Tensor] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Both images with values in [0, 1]; without a step, their values are unchanged.

        Args:
            pred, target: ``(N, C, H, W)``, floating point or uint8.
            dtype: of the result; None for float64 (see :func:`widest_dtype`).
            room: as in :func:`prepared_images`.
        """
        steps = self.steps(pred, data_range, crop_border)
        dtype = widest_dtype(pred.device) if dtype is None else dtype
        if steps == _NOTHING and pred.dtype == target.dtype == dtype:
            return pred, target
        backend = select(
            "auto", pred, target, PREPARED_IMAGES, uncovered=self._uncovered(pred, target)
        )
        if backend != "eager":
            return prepared_images(pred, target, steps, dtype, backend=backend, room=room)
        return equation(pred, steps, dtype), equation(target, steps, dtype)

    def squared_errors(
        self, pred: Tensor, target: Tensor, *, data_range: DataRange, crop_border: int | None
    ) -> Tensor:
        """The mean squared error of each pair of prepared images, ``(N,)``: float64, in one pass
        over both where a kernel can.

        Args:
            pred, target: ``(N, C, H, W)``, floating point or uint8.
        """
        steps = self.steps(pred, data_range, crop_border)
        uncovered = "kernels do not round a luma" if self.round else self._uncovered(pred, target)
        backend = select("auto", pred, target, SQUARED_ERRORS, uncovered=uncovered)
        if backend != "eager":
            return squared_errors(pred, target, steps, backend=backend)
        return reduce(difference(pred, target, steps).square(), "image")

    def steps(self, image: Tensor, data_range: DataRange, crop_border: int | None) -> Steps:
        """What is done to such an image, in numbers."""
        lo, span = _checks.data_range(data_range)
        amount = self._amount(image, crop_border)
        return Steps(lo, span, self.clamp, self.quantize, self.round, amount, self._weights)

    @property
    def _weights(self) -> tuple[float, ...]:
        """Of R, G and B and the offset; of their levels where images are rounded to these."""
        return () if self.luma is None else _weights_of(self.luma, self.quantize)

    def _uncovered(self, pred: Tensor, target: Tensor) -> str | None:
        if torch.is_grad_enabled() and (pred.requires_grad or target.requires_grad):
            return "no kernel has a gradient"
        if self.quantize and not self.clamp:
            return "kernels quantize clamped images"
        return None

    def _amount(self, image: Tensor, crop_border: int | None) -> int:
        """Pixels to crop at each side."""
        if not self.crop:
            return 0
        assert crop_border is not None
        amount = _checks.count("crop_border", crop_border, least=0)
        if 2 * amount >= min(image.shape[2:]):
            raise _checks.TooSmallError(
                f"crop_border={amount} leaves nothing of images of {tuple(image.shape[2:])} "
                "pixels; use a smaller one"
            )
        return amount


@functools.lru_cache
def _weights_of(luma: str, levels: bool) -> tuple[float, ...]:
    weights, offset = LUMA[luma]
    return *[weight / (255 if levels else 1) for weight in weights], offset


def equation(image: Tensor, steps: Steps, dtype: torch.dtype) -> Tensor:
    """The preparation of the kernels for one image, in plain PyTorch."""
    image = widened(_scaled(image, steps))
    if steps.weights:
        image = _weighed(image, steps) + steps.weights[3]
    elif steps.quantize:
        image = image / 255
    if steps.round:
        image = torch.round(image * 255) / 255
    return image.to(dtype)


def difference(x: Tensor, y: Tensor, steps: Steps) -> Tensor:
    """The difference of two prepared images, in float64. For levels it is exact; the offset of a
    luma cancels.
    """
    if steps.round:
        dtype = widest_dtype(x.device)
        return equation(x, steps, dtype) - equation(y, steps, dtype)
    found = widened(_scaled(x, steps) - _scaled(y, steps))
    if steps.weights:
        return _weighed(found, steps)
    return found / 255 if steps.quantize else found


def _scaled(image: Tensor, steps: Steps) -> Tensor:
    """Cropped; levels 0 to 255 if rounded to these, else on a scale of [0, 1]."""
    if amount := steps.crop:  # first, because all earlier steps work pixel by pixel
        image = image[:, :, amount:-amount, amount:-amount]
    # Levels are rounded in the precision of the images, as if they were saved to files.
    image = (
        image.to(torch.promote_types(image.dtype, torch.float32))
        if steps.quantize
        else widened(image)
    )
    if (steps.low, steps.span) != (0.0, 1.0):
        image = (image - steps.low) / steps.span
    if steps.clamp:
        image = image.clamp(0, 1)
    return (image * 255).round() if steps.quantize else image


def _weighed(image: Tensor, steps: Steps) -> Tensor:
    """The luma without its offset."""
    red, green, blue, _ = steps.weights
    return red * image[:, 0:1] + green * image[:, 1:2] + blue * image[:, 2:3]


NOTHING = Preparation()
