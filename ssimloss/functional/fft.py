"""FFT loss: the L1 distance of spectra, real and imaginary parts apart.

The frequency reconstruction loss of MIMO-UNet (Cho et al. 2021).
"""

import math
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import pad

from ssimloss import _checks
from ssimloss._options import Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import reduce
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, choice, switch
from ssimloss.conventions.convention import Convention, Table
from ssimloss.functional._spectra import check_sides, multiplicity, spectra
from ssimloss.measure import Measure

Norm = Literal["backward", "ortho"]
NORMS: tuple[str, ...] = get_args(Norm)

# Parts up to this multiple of the root mean square of the images come from rounding in float32.
# Their derivative, which is their sign, would be noise as strong as the gradient of any difference.
# float64 uses the same bound, so that gradients do not depend on the dtype.
_ROUNDING = 8 * 2.0**-23


class FFTOptions(Reduced):
    """Options of the FFT loss.

    Args:
        norm: as in ``torch.fft``. ``"backward"`` does not scale the transform, so that the value
            grows with the root of the number of pixels. ``"ortho"`` divides by this root.
        onesided: count the columns of ``torch.fft.rfft2`` alone. By default the whole plane counts,
            in which all columns but the first and, for an even width, the last of these are there
            twice.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``, over frequencies. The value of
            a frequency is the mean of its two parts.
    """

    norm: Norm = "backward"
    onesided: bool = False

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.choice("norm", self.norm, NORMS)
        _checks.flag("onesided", self.onesided)


def _fft(pred: Tensor, target: Tensor, options: FFTOptions) -> Tensor:
    """FFT loss, ``(|Re(Fp - Ft)| + |Im(Fp - Ft)|) / 2`` for each frequency.

    Its gradient is as strong at a frequency with a small error as at one with a large error. The
    usual weight beside a pixel loss is 0.05 to 0.1 for images in [0, 1]. With the default ``norm``
    the value grows with the size of the crops.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``, or
        ``(N, C, H, W // 2 + 1)`` with ``onesided``, the lowest frequency in the upper left corner.

    Raises:
        ValueError: shapes or devices differ, sides that are 0, unknown ``norm`` or ``reduction``.
        TypeError: integer tensors.

    Source: Cho et al. 2021, eq. 8, at one scale. Agrees with ``L1Loss`` of stacked real and
    imaginary parts, the ``FFTLoss`` of many programs, to 1e-13.
    """
    check_sides(pred, target)
    dtype = native_dtype(pred, target)
    pred, target = promote(pred, target)
    difference = pred - target  # the transform is linear: one is enough
    height, width = difference.shape[2:]
    # The mean only meets the first frequency. With it, rounding would be relative to it everywhere.
    mean = difference.mean((2, 3), keepdim=True)
    first = mean.abs() * math.sqrt(height * width)
    least = _ROUNDING * torch.maximum(*(_root_mean_square(i.detach()) for i in (pred, target)))
    unreduced = options.reduction == "none"
    whole = unreduced and not options.onesided
    sizes = torch.view_as_real(spectra(difference - mean, whole=whole)).abs()
    sizes = torch.where(sizes > least.unsqueeze(4), sizes, sizes.detach())
    scale: float = math.sqrt(height * width) if options.norm == "backward" else 1.0
    if unreduced:
        values = (sizes[..., 0] + sizes[..., 1]) / 2
        values = values + pad(first / 2, (0, values.shape[3] - 1, 0, height - 1))
        return (values * scale).to(dtype)
    columns = None if options.onesided else multiplicity(width, sizes).repeat_interleave(2)
    value = reduce(sizes.flatten(3), options.reduction, columns)
    if options.reduction == "sum":
        return (value + first.sum()) * (scale / 2)
    parts = 2 * height * (sizes.shape[3] if options.onesided else width)
    return (value + reduce(first, options.reduction) / parts) * scale


def _root_mean_square(images: Tensor) -> Tensor:
    """The root mean square of each plane, ``(N, C, 1, 1)``."""
    norm: Tensor = torch.linalg.vector_norm(images, dim=(2, 3), keepdim=True)
    return norm / math.sqrt(images.shape[2] * images.shape[3])


FFT = Measure(
    "fft",
    "FFT",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Cho et al. 2021",
    _fft,
    FFTOptions,
    formula="mean of |Re(Fx - Fy)| and |Im(Fx - Fy)| over the unscaled spectra of images on a "
    "scale of [0, 1] (Cho et al. 2021)",
    module="FFTLoss",
    metric="FFT",
    agrees="MIMO-UNet, FFTformer, SAFMN, traiNNer-redux: 1e-13",
)
fft = fft_loss = FFT.loss

# --- conventions ----------------------------------------------------------------------------------

CONVENTIONS = Table(
    "FFT",
    FFT,
    (
        choice(
            "scale of the spectrum",
            "norm",
            {
                "backward": ("unscaled", "spectrum of each channel, not scaled"),
                "ortho": ("orthonormal", "orthonormal spectrum of each channel"),
            },
        ),
        switch(
            "frequencies",
            "onesided",
            "columns of rfft2",
            "the columns of rfft2, each counted once",
        ),
        OVER_BATCH,
    ),
    Convention(
        "mimo_unet",
        "MIMO-UNet at one scale",
        "L1Loss()(torch.rfft(pred, 2, onesided=False), torch.rfft(target, 2, onesided=False))",
        "PyTorch's operators",
        1e-13,
    ),
    Convention(
        "fftformer",
        "FFTformer with its defaults",
        "FFTLoss()",
        p.FFTFORMER,
        1e-13,
        same_as="mimo_unet",
    ),
    Convention(
        "safmn",
        "SAFMN with its defaults",
        "FFTLoss()",
        p.SAFMN,
        1e-13,
        options={"onesided": True},
    ),
    Convention(
        "trainner",
        "traiNNer-redux with its defaults",
        "FFTLoss()",
        p.TRAINNER,
        1e-13,
        options={"onesided": True},
        same_as="safmn",
    ),
)
