"""Adversarial losses as a module of two methods."""

from typing import Any

import torch
from torch import Tensor

from ssimloss._keywords import inputs
from ssimloss.functional.adversarial import (
    ADVERSARIAL_DISCRIMINATOR,
    ADVERSARIAL_GENERATOR,
    AdversarialOptions,
)
from ssimloss.functional.logits import Logits
from ssimloss.functional.prices import Kind, Relativistic
from ssimloss.losses._base import ImageLoss


class AdversarialLoss(ImageLoss, records=(AdversarialOptions,)):
    """The losses of a generator and of its discriminator, computed from the discriminator's logits.

    It has no ``forward``: call :meth:`discriminator_loss` in the step of the discriminator and
    :meth:`generator_loss` in that of the generator. In a ``CombinedLoss`` the term is
    ``Term(AdversarialLoss("hinge").generator_loss, 5e-3, inputs=("fake_logits",))``.
    ``conventions.ADVERSARIAL`` holds the choices of papers and implementations:
    ``AdversarialLoss(**conventions.ADVERSARIAL["esrgan"])``.

    Only the generator uses ``saturating`` and ``detach_real``. Only the discriminator uses
    ``label_smoothing``, ``smoothed``, ``flip_probability`` and ``detach_average``.
    """

    def __init__(
        self, kind: Kind, relativistic: Relativistic | None = None, **options: Any
    ) -> None:
        super().__init__(kind=kind, relativistic=relativistic, **options)

    def __call__(self, *args: Any, **given: Any) -> Any:
        """Raise: which of the two losses is asked for, the call does not tell.

        Raises:
            TypeError: always.
        """
        del args, given
        raise TypeError(
            "AdversarialLoss() has two losses; call generator_loss(fake_logits) in the step of the "
            "generator, and discriminator_loss(real_logits, fake_logits) in that of the "
            "discriminator, with the logits of both instead of a label"
        )

    @inputs
    def generator_loss(
        self,
        fake_logits: Logits,
        *,
        real_logits: Logits | None = None,
        labels: Tensor | None = None,
    ) -> Tensor:
        """The generator's loss: :func:`ssimloss.functional.adversarial_generator_loss`."""
        tensors = {"real_logits": real_logits, "labels": labels}
        return ADVERSARIAL_GENERATOR.evaluate((fake_logits,), self.record(), tensors, True)

    @inputs
    def discriminator_loss(
        self,
        real_logits: Logits,
        fake_logits: Logits,
        *,
        labels: Tensor | None = None,
        rng: torch.Generator | None = None,
    ) -> Tensor:
        """The discriminator's loss: :func:`ssimloss.functional.adversarial_discriminator_loss`."""
        tensors = {"labels": labels, "rng": rng}
        logits = (real_logits, fake_logits)
        return ADVERSARIAL_DISCRIMINATOR.evaluate(logits, self.record(), tensors, True)
