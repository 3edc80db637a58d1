"""PU21: an encoding of absolute luminance for measures that were designed for standard displays."""

from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks, _debug
from ssimloss._keywords import keywords
from ssimloss._precision import computing_dtype

PU21 = Literal["banding", "banding_glare", "peaks", "peaks_glare"]
PU21S: tuple[str, ...] = get_args(PU21)

# p1 to p7 of PU21, as in the authors' code.
PARAMETERS: dict[str, tuple[float, ...]] = {
    "banding": (
        1.070275272,
        0.4088273932,
        0.153224308,
        0.2520326168,
        1.063512885,
        1.14115047,
        521.4527484,
    ),
    "banding_glare": (
        0.353487901,
        0.3734658629,
        8.277049286e-05,
        0.9062562627,
        0.09150303166,
        0.9099517204,
        596.3148142,
    ),
    "peaks": (
        1.043882782,
        0.6459495343,
        0.3194584211,
        0.374025247,
        1.114783422,
        1.095360363,
        384.9217577,
    ),
    "peaks_glare": (
        816.885024,
        1479.463946,
        0.001253215609,
        0.9329636822,
        0.06746643971,
        1.573435413,
        419.6006374,
    ),
}
_DARKEST, _BRIGHTEST = 0.005, 10000.0  # cd/m^2 that PU21 is defined for


@keywords()
def pu21_encode(image: Tensor, *, variant: PU21 = "banding_glare") -> Tensor:
    """PU21: encode absolute linear luminance or RGB to values that look equally spaced.

    ``V = p7 (((p1 + p2 Y^p4) / (1 + p3 Y^p4))^p5 - p6)``. Encode both images of high dynamic range,
    then compare them with any measure and ``data_range=256``: 100 cd/m^2, the white of a standard
    display, has a code near 256, and brighter pixels have larger codes.

    ``Y`` is clamped to 0.005 ... 10000 cd/m^2. Values beyond get the gradient of the nearer end, so
    that a pixel below black or above the peak is still corrected in training.

    Args:
        image: float ``(N, C, H, W)`` in cd/m^2: luminance, or linear RGB whose white (L, L, L) has
            the luminance L. Scale relative values to a display first.
        variant: ``"banding_glare"``, which the authors recommend; ``"banding"`` without the glare
            of the eye; ``"peaks"`` and ``"peaks_glare"`` from the peaks of contrast sensitivity.

    Returns:
        ``(N, C, H, W)`` in float32 or wider: from 0 to 595 for ``"banding_glare"``, to 520, 381 and
        408 for ``"banding"``, ``"peaks"`` and ``"peaks_glare"``.

    Raises:
        ValueError: unknown ``variant``.
        TypeError: integer tensors.

    Source: Mantiuk & Azimi 2021, with the parameters of the authors' code.
    """
    _checks.choice("variant", variant, PU21S)
    _checks.image("image", image)
    if _debug.STATE.enabled:
        _debug.check("pu21_encode", {"image": image})
    p1, p2, p3, p4, p5, p6, p7 = PARAMETERS[variant]
    wide = image.to(computing_dtype(image))
    finite = torch.where(wide.isinf(), 0, wide)
    step = finite - finite.detach()  # 0, with the gradient that a clamp stops
    power = (wide.detach().clamp(_DARKEST, _BRIGHTEST) + step) ** p4
    return p7 * (((p1 + p2 * power) / (1 + p3 * power)) ** p5 - p6)
