"""Adversarial losses as modules."""

import torch
from torch import Tensor

from ssimloss import functional as F
from ssimloss._reduce import Reduction
from ssimloss.functional._logits import Logits, Scales
from ssimloss.functional.adversarial import (
    Kind,
    Relativistic,
    Smoothed,
    Targets,
    Total,
    check_adversarial_options,
)
from ssimloss.functional.feature_matching import (
    Layers,
    MapDistance,
    Maps,
    check_feature_matching_options,
)
from ssimloss.losses._bound import ImageLoss


class AdversarialLoss(ImageLoss):
    """What a generator and a discriminator minimise, of the discriminator's logits.

    It has no ``forward``: :meth:`discriminator_loss` is for the step of the discriminator,
    :meth:`generator_loss` for that of the generator, also as a term,
    ``Term(AdversarialLoss("hinge").generator_loss, 5e-3, inputs=("fake_logits",))``. What papers
    and programs choose is in ``conventions.ADVERSARIAL``:
    ``AdversarialLoss(**conventions.ADVERSARIAL["esrgan"])``.

    Args:
        kind: ``"cross_entropy"``, ``"least_squares"``, ``"hinge"``, ``"wasserstein"`` or
            ``"softplus"``.
        relativistic: None, ``"average"`` or ``"paired"``.
        saturating, detach_real: of the generator, see
            :func:`ssimloss.functional.adversarial_generator_loss`.
        label_smoothing, smoothed, flip_probability, detach_average: of the discriminator, see
            :func:`ssimloss.functional.adversarial_discriminator_loss`.
        targets, square_weight, total, synchronize, scales, check_finite, reduction: of both, see
        there.
    """

    def __init__(
        self,
        kind: Kind,
        relativistic: Relativistic | None = None,
        *,
        saturating: bool = False,
        targets: Targets | None = None,
        square_weight: float | None = None,
        label_smoothing: float = 0.0,
        smoothed: Smoothed = "real",
        flip_probability: float = 0.0,
        total: Total = "sum",
        detach_real: bool = True,
        detach_average: bool = False,
        synchronize: bool = False,
        scales: Scales = "mean",
        check_finite: bool = False,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(
            check_adversarial_options,
            kind=kind,
            relativistic=relativistic,
            saturating=saturating,
            targets=targets,
            square_weight=square_weight,
            label_smoothing=label_smoothing,
            smoothed=smoothed,
            flip_probability=flip_probability,
            total=total,
            detach_real=detach_real,
            detach_average=detach_average,
            synchronize=synchronize,
            scales=scales,
            check_finite=check_finite,
            reduction=reduction,
        )

    def generator_loss(
        self,
        fake_logits: Logits,
        real_logits: Logits | None = None,
        *,
        labels: Tensor | None = None,
    ) -> Tensor:
        """What the generator minimises: :func:`ssimloss.functional.adversarial_generator_loss`."""
        own = {"label_smoothing", "smoothed", "flip_probability", "detach_average"}
        options = {name: value for name, value in self.options.items() if name not in own}
        return F.adversarial_generator_loss(
            fake_logits, real_logits=real_logits, labels=labels, **options
        )

    def discriminator_loss(
        self,
        real_logits: Logits,
        fake_logits: Logits,
        *,
        labels: Tensor | None = None,
        rng: torch.Generator | None = None,
    ) -> Tensor:
        """What the discriminator minimises:
        :func:`ssimloss.functional.adversarial_discriminator_loss`.
        """
        options = {
            name: value
            for name, value in self.options.items()
            if name not in {"saturating", "detach_real"}
        }
        return F.adversarial_discriminator_loss(
            real_logits, fake_logits, labels=labels, rng=rng, **options
        )


class FeatureMatchingLoss(ImageLoss):
    """Distance between a discriminator's feature maps of generated and of real images.

    Args:
        distance, layers, scales, detach_target, reduction: see
            :func:`ssimloss.functional.feature_matching_loss`.
    """

    def __init__(
        self,
        *,
        distance: MapDistance = "l1",
        layers: Layers = "sum",
        scales: Scales = "mean",
        detach_target: bool = True,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(
            check_feature_matching_options,
            distance=distance,
            layers=layers,
            scales=scales,
            detach_target=detach_target,
            reduction=reduction,
        )

    def forward(self, pred: Maps, target: Maps) -> Tensor:
        return F.feature_matching_loss(pred, target, **self.options)
