"""What a program does to the images before it compares them: clamp, round to 8 bit, crop, luma,
round the luma.
"""

import dataclasses

import torch
from torch import Tensor

from ssimloss import _checks, color
from ssimloss._checks import DataRange
from ssimloss._precision import widened

# Weights of R, G, B and offset. pyiqa holds the weights of YIQ in float32: 0.299, 0.587 and 0.114
# put one luma in a thousand exactly half way between two codes, and their rounding errors decide
# which way it goes.
LUMA = {
    "bt601_studio": color.LUMA["bt601_studio"],
    "bt601": color.LUMA["bt601"],
    "bt601_float32": ((0.29899999499320984, 0.5870000123977661, 0.11400000005960464), 0.0),
    "matlab": color.LUMA["matlab"],
}


@dataclasses.dataclass(frozen=True)
class Preparation:
    """Done as if in the order of the fields, on images scaled to [0, 1]."""

    clamp: bool = False
    quantize: bool = False  # to 256 levels in the images' own precision, as programs save them
    crop: bool = False  # by the crop_border that the caller states
    luma: str | None = None
    round: bool = False  # whole 8-bit codes after the luma

    def __bool__(self) -> bool:
        """Whether anything is done at all."""
        return self != Preparation()

    def __call__(
        self, pred: Tensor, target: Tensor, *, data_range: DataRange, crop_border: int | None
    ) -> tuple[Tensor, Tensor]:
        """Both images in float64 (see :func:`widened`) with values in [0, 1]; unchanged values, if
        nothing is to be done.
        """
        _checks.images(pred, target)
        lo, span = _checks.data_range(data_range)
        amount = self._amount(pred, crop_border)
        first, second = (self._prepared(image, lo, span, amount) for image in (pred, target))
        return first, second

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

    def _prepared(self, image: Tensor, lo: float, span: float, amount: int) -> Tensor:
        if amount:  # first: whatever comes before it in the programs is done pixel by pixel
            image = image[:, :, amount:-amount, amount:-amount]
        image = image.to(torch.promote_types(image.dtype, torch.float32))
        if (lo, span) != (0.0, 1.0):
            image = (image - lo) / span
        if self.clamp:
            image = image.clamp(0, 1)
        if self.quantize:
            image = (image * 255).round_()
        image = widened(image)
        if self.quantize:
            image = image.div_(255)
        if self.luma is not None:
            (red, green, blue), offset = LUMA[self.luma]
            y = red * image[:, 0:1]
            for weight, channel in ((green, 1), (blue, 2)):
                y.add_(weight * image[:, channel : channel + 1])
            image = y.add_(offset)
        return torch.round(image * 255) / 255 if self.round else image


NOTHING = Preparation()
