"""SSIM mixed with L1: ``(1 - weight) * L1 + weight * (1 - SSIM)``.

Kerbl, Kopanas, Leimkühler & Drettakis, "3D Gaussian splatting for real-time radiance field
rendering", 2023.
"""

from functools import partial

from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Reduced, derived
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import reduce
from ssimloss.filters import Padding
from ssimloss.functional._distance import LEAST_EPS, Distance, check_charbonnier_eps
from ssimloss.functional._equations import MEANS, mixed_mean
from ssimloss.functional._moments import check_inputs, map_size
from ssimloss.functional._records import Stabilised
from ssimloss.functional.charbonnier import charbonnier_loss
from ssimloss.functional.l1 import l1_loss
from ssimloss.functional.ssim import SSIMOptions, ssim_loss, uncovered
from ssimloss.kernels import (
    SIMILARITY_MEANS,
    Backed,
    Backend,
    Mixed,
    select,
    similarity_means,
    use,
)
from ssimloss.measure import Measure


class SSIML1Options(Backed, Stabilised, Reduced):
    """Options of SSIM + L1.

    Args:
        weight: weight of ``1 - SSIM``, in [0, 1].
        eps: ``None`` for L1; with a number, the Charbonnier distance replaces L1, with ``eps`` in
            units of the data range.
        window_size: number of taps of the Gaussian, odd unless ``padding="valid"``.
        sigma: standard deviation of the Gaussian in pixels.
        padding: the border for SSIM: ``"valid"`` uses only whole windows, ``"reflect"`` mirrors
            without repeating the edge, ``"replicate"`` repeats the edge, ``"zeros"`` adds zeros.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels compute ``"mean"``
            and ``"image"`` in one pass.
    """

    weight: float = 0.2
    eps: float | None = None
    window_size: int = 11
    sigma: float = 1.5
    padding: Padding = "zeros"
    similarity: SSIMOptions = derived()
    uncovered: str | None = derived()

    def __post_init__(self) -> None:
        """Check the options, and keep those of SSIM."""
        super().__post_init__()
        _checks.fraction("weight", self.weight)
        if self.eps is not None:
            check_charbonnier_eps(self.eps)
        if self.reduction == "none" and self.padding == "valid":
            raise ValueError(
                "reduction='none' needs an SSIM map of the size of the images; use another padding "
                "than 'valid'"
            )
        similarity = SSIMOptions(
            data_range=self.data_range,
            window_size=self.window_size,
            sigma=self.sigma,
            k1=self.k1,
            k2=self.k2,
            padding=self.padding,
            reduction=self.reduction,
            backend=self.backend,
        )
        vanishes = self.eps is not None and self.eps * self.span < LEAST_EPS
        reason = "its kernel works in the images' own units, in which eps would vanish"
        self.derive(similarity=similarity, uncovered=reason if vanishes else None)


def _ssim_l1(
    pred: Tensor, target: Tensor, options: SSIML1Options, *, mask: Tensor | None = None
) -> Tensor:
    """``(1 - weight) * L1 + weight * (1 - SSIM)``, the loss of Gaussian splatting, in one pass.

    Each part is reduced separately, as in ``l1_loss`` and ``ssim_loss``. The L1 part is that of
    images whose range has length 1.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``.
        mask: ``(N, 1 or C, H, W)`` weights of both parts.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; ``(N, C, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, unknown option values, ``reduction="none"`` with valid borders.
        RuntimeError: a named backend that cannot run.

    Source: Kerbl, Kopanas, Leimkühler & Drettakis, "3D Gaussian splatting for real-time radiance
    field rendering", 2023: weight 0.2.
    """
    similarity, weight, eps, span = options.similarity, options.weight, options.eps, options.span
    check_inputs(pred, target, mask, ndim=(4,))
    reason = uncovered(similarity, mask, pred.ndim) or options.uncovered
    reduction, comparison = options.reduction, similarity.comparison
    assert comparison is not None
    distance: Distance = "l1" if eps is None else "charbonnier"
    # -weight * SSIM + (1 - weight) / span * sqrt((x - y)^2 + (eps span)^2), and the weight that
    # 1 - SSIM has more
    mixed = Mixed(distance, (eps or 0.0) * span, -weight, (1 - weight) / span)
    in_one_pass = reduction in ("mean", "image")
    chosen = select(
        options.backend,
        pred,
        target,
        SIMILARITY_MEANS,
        uncovered=reason,
        uses=(lambda: [use(pred, target, (comparison, mixed), MEANS)]) if in_one_pass else None,
    )
    if chosen != "eager" and in_one_pass:
        map_size(pred.shape[2:], similarity.taps, similarity.padding)
        equation = partial(mixed_mean, comparison=comparison, mixed=mixed)
        means = similarity_means(
            pred, target, comparison, backend=chosen, equation=equation, mixed=mixed
        )
        return reduce(weight + means, reduction)
    x, y = promote(pred, target)
    x, y = (x - options.low) / span, (y - options.low) / span
    # SSIM alone may have a kernel where the combination has none, or the reverse.
    alone: Backend = "auto" if options.backend == "auto" and reason is None else chosen
    parts: Backend = "eager" if chosen == "eager" else "auto"
    if eps is None:
        pixels = l1_loss(x, y, mask=mask, reduction=reduction, backend=parts)
    else:
        pixels = charbonnier_loss(x, y, eps=eps, mask=mask, reduction=reduction, backend=parts)
    structure = ssim_loss(
        x,
        y,
        window_size=options.window_size,
        sigma=options.sigma,
        k1=options.k1,
        k2=options.k2,
        padding=options.padding,
        mask=mask,
        reduction=reduction,
        backend=alone,
    )
    values = (1 - weight) * pixels + weight * structure
    return values.to(native_dtype(pred, target)) if reduction == "none" else values


SSIM_L1 = Measure(
    "ssim_l1",
    "SSIM + L1",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Kerbl et al. 2023",
    _ssim_l1,
    SSIML1Options,
    role="loss",
    module="SSIML1Loss",
    agrees="the formula: 1e-12",
)
ssim_l1_loss = SSIM_L1.loss
