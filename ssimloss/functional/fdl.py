"""Frequency distribution loss: compares the distributions of amplitudes and phases of features,
whatever the frequency.

Ni, Wu, Wang, Yang, Wang & Ma 2024 ("Misalignment-robust frequency distribution loss for image
transformation"); their code FDL_pytorch.
"""

import functools
import math
from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._precision import full_precision, promote
from ssimloss.conventions import programs as p
from ssimloss.conventions.convention import Convention, Table
from ssimloss.functional._corners import modulus
from ssimloss.functional._spectra import spectra
from ssimloss.functional.features import (
    Features,
    check_features,
    native_dtype,
    reduce_terms,
    window_counts,
)
from ssimloss.functional.projections import Directions, Projected, sorted_distance
from ssimloss.measure import Measure

Weighted = Literal["both", "amplitude"]
WEIGHTED: tuple[str, ...] = get_args(Weighted)
# Amplitudes below this many roundings of the RMS are treated as 0.
ROUNDING = 32


class FDLOptions(Projected):
    """Options of the frequency distribution loss.

    Args:
        projections: random directions for each layer.
        patch_size: sides of the patches of the spectrum that are projected.
        stride: from patch to patch.
        phase_weight: factor of the distance of phases; that of amplitudes has the factor 1.
        weighted: the weights of ``layers`` multiply the distances of ``"both"``, or of the
            ``"amplitude"`` only, which equals multiplying the features.
    """

    projections: int = 256
    patch_size: int = 5
    stride: int = 1
    phase_weight: float = 1.0
    weighted: Weighted = "both"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        for name in ("projections", "patch_size", "stride"):
            _checks.count(name, getattr(self, name))
        _checks.non_negative("phase_weight", self.phase_weight)
        _checks.choice("weighted", self.weighted, WEIGHTED)

    def shape(self, channels: int) -> tuple[int, ...]:
        """Shape of the directions for a layer with ``channels`` channels."""
        return self.projections, channels, self.patch_size, self.patch_size


def _fdl(
    pred_features: Features,
    target_features: Features,
    options: FDLOptions,
    *,
    directions: Directions | None = None,
) -> Tensor:
    """Frequency distribution loss, ``sum_l w_l (D(A_l, A'_l) + phase_weight D(P_l, P'_l))`` of the
    amplitudes ``A`` and the phases ``P`` of the spectra of features.

    ``D`` is the sliced Wasserstein distance: patches of the spectrum are projected on random unit
    vectors, sorted, and compared by their mean absolute difference. Images need not be aligned.

    If the amplitude of a frequency is below the rounding of the transform, its phase is 0 and has
    no gradient. This also applies if all features are near the smallest normal number. The slope of
    an amplitude of 0 points towards the target.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``.
        directions: unit vectors by layer name, ``(projections, C, patch_size, patch_size)``. By
            default they follow from ``seed``. The library caches up to 64 MiB of such constants.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, L)`` for ``"none"``: the weighted term
        of each layer. Projections are taken in steps of bounded memory.

    Raises:
        ValueError: a layer is missing, differs in shape or is smaller than a patch, the directions
            have another shape, or an option value is unknown.
        TypeError: features are not a mapping, or not floating point.

    Agrees with the formula of the authors' code and of neosr to float64 rounding, see
    ``conventions.FDL``.
    """
    check_features(pred_features, target_features, options.layers)
    found = options.of(pred_features, directions)
    terms = []
    for layer, weight in options.layers.items():
        pred, target = pred_features[layer], target_features[layer]
        window_counts(f"pred_features[{layer!r}]", pred, options.patch_size, options.stride)
        amplitude, phase = _distances(pred, target, found[layer], options)
        phase = options.phase_weight * phase
        if options.weighted == "both":
            terms.append(weight * (amplitude + phase))
        else:  # features multiplied by 0 have no phase
            terms.append(weight * amplitude + (phase if weight else 0 * phase))
    return reduce_terms(
        torch.stack(terms, 1), options.reduction, native_dtype(pred_features, target_features)
    )


@full_precision
def _distances(
    pred: Tensor, target: Tensor, directions: Tensor, options: FDLOptions
) -> tuple[Tensor, Tensor]:
    """The distances of amplitudes and of phases of one layer, ``(N,)`` each."""
    pred, target = promote(pred, target)
    of_pred, of_target = (spectra(features, whole=True) for features in (pred, target))
    scale = math.sqrt(pred.shape[2] * pred.shape[3])  # their transform is not orthonormal
    amplitudes = (
        scale * modulus(of_pred, of_target),
        scale * modulus(of_target, of_pred),
    )
    phases = _phases(of_pred, pred), _phases(of_target, target)
    distance = functools.partial(
        sorted_distance,
        directions=directions,
        power=1,
        stride=options.stride,
        backend=options.backend,
    )
    return distance(*amplitudes), distance(*phases)


def _phases(spectrum: Tensor, features: Tensor) -> Tensor:
    """Phases in (-pi, pi]; 0 where the amplitude is rounding, or its derivative would overflow.

    Frequencies that equal their own negative are real: there, the sign of a zero would turn pi into
    -pi.
    """
    height, width = features.shape[2:]
    rows, columns = (torch.arange(side, device=features.device) for side in (height, width))
    is_real = (2 * rows % height == 0)[:, None] & (2 * columns % width == 0)
    largest = features.detach().abs().amax((2, 3), keepdim=True)
    largest = torch.where(largest > 0, largest, 1)  # phases have no scale; squares could overflow
    x, y = spectrum.real / largest, torch.where(is_real, 0, spectrum.imag / largest)
    level = (features.detach() / largest).square().mean((2, 3), keepdim=True).sqrt()
    info = torch.finfo(features.dtype)
    floor = ROUNDING * info.eps * level
    some = (torch.hypot(x.detach(), y.detach()) > floor) & (largest > info.tiny / info.eps)
    return torch.where(some, torch.atan2(torch.where(some, y, 0), torch.where(some, x, 1)), 0)


FDL = Measure(
    "fdl",
    "frequency distribution loss",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Ni, Wu, Wang, Yang, Wang & Ma 2024",
    _fdl,
    FDLOptions,
    role="loss",
    autocast=True,
)
fdl_loss = FDL.loss

NI_2024 = ("relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4")

# --- conventions ----------------------------------------------------------------------------------

_DIRECTIONS = "The original code draws new directions in each run."

CONVENTIONS = Table(
    "FDL",
    "FDLLoss",
    (),
    Convention(
        "ni2024",
        "the authors' code with its defaults",
        "FDL_loss(), FDL_pytorch 325a6d5",
        exact=p.SAME_NETWORK,
        options={"network": "vgg19", "layers": dict.fromkeys(NI_2024, 1.0)},
        notes=(_DIRECTIONS, "Images need 80 pixels a side for patches of the deepest layer."),
    ),
    Convention(
        "neosr",
        "neosr on VGG19",
        f'fdl_loss(model="vgg"), {p.NEOSR}',
        exact=p.SAME_NETWORK,
        options={
            "network": "vgg19",
            "layers": dict(zip(NI_2024, (0.5, 0.5, 1.0, 1.0, 1.0), strict=True)),
            "projections": 24,
            "patch_size": 4,
            "weighted": "amplitude",
        },
        notes=(
            _DIRECTIONS,
            "The original multiplies the loss by 0.01: here, multiply the weight of the term.",
            "It multiplies features by the weights of layers, which leaves their phases as they "
            "are.",
        ),
    ),
)
