"""A loss of a training framework and its counterpart here, and what several frameworks share."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ssimloss import _checks, losses


@dataclass(frozen=True)
class Counterpart:
    """The counterpart here of a loss of a framework.

    Args:
        build: builds the loss from the options of a section, under their names there.
        differs: what the framework computes differently; empty if both are equal. A function of
            the section's options if it depends on them.
        weight: the framework's default of ``loss_weight``, None if it has none.
        inputs: the names of the inputs of ``criterion(...)`` that the loss takes.
        method: the method of the loss that the term calls; the loss itself if empty.
        factor: what the framework multiplies the loss by, beside its weight.
        factor_option: the option of the framework that is this factor, empty for none.
    """

    build: Callable[..., Any]
    differs: str | Callable[[Mapping[str, Any]], str] = ""
    weight: float | None = None
    inputs: tuple[str, ...] | None = None
    method: str = ""
    factor: float = 1.0
    factor_option: str = ""

    def is_off(self, options: Mapping[str, Any]) -> bool:
        """Whether the section's factor is 0."""
        return bool(self.factor_option) and options.get(self.factor_option) == 0

    def difference(self, options: Mapping[str, Any]) -> str:
        """What differs for these options; empty if nothing."""
        return self.differs if isinstance(self.differs, str) else self.differs(options)


def charbonnier(*, eps: float = 1e-12, reduction: Any = "mean") -> losses.CharbonnierLoss:
    return losses.CharbonnierLoss(eps=math.sqrt(eps), reduction=reduction)


def focal_frequency(
    *,
    alpha: float = 1.0,
    patch_factor: int = 1,
    ave_spectrum: bool = True,
    log_matrix: bool = False,
    batch_matrix: bool = False,
) -> losses.FocalFrequencyLoss:
    return losses.FocalFrequencyLoss(
        alpha=alpha,
        patch_factor=patch_factor,
        spectrum="batch_mean" if ave_spectrum else "image",
        weighting="log" if log_matrix else "power",
        peak="batch" if batch_matrix else "spectrum",
    )


def dists(*, as_loss: bool = True, load_weights: bool = True) -> losses.DISTS:
    if not (as_loss and load_weights):
        raise ValueError("as_loss and load_weights must be True")
    return losses.DISTS()


MIXED = (
    "writes the memory of a batch as C planes, which mixes its images, and its gradient is NaN at "
    "flat images"
)

VGG19 = {"conv1_2": 0.1, "conv2_2": 0.1, "conv3_4": 1.0, "conv4_4": 1.0, "conv5_4": 1.0}

_KINDS: dict[str, dict[str, Any]] = {
    "vanilla": {"kind": "cross_entropy"},
    "lsgan": {"kind": "least_squares", "square_weight": 1.0},
    "hinge": {"kind": "hinge"},
    "wgan": {"kind": "wasserstein"},
    "wgan_softplus": {"kind": "softplus"},
}
GENERATOR: Any = {"inputs": ("fake_logits",), "method": "generator_loss"}


def adversarial(
    *,
    gan_type: str,
    real_label_val: float = 1.0,
    fake_label_val: float = 0.0,  # noqa: ARG001 - of the discriminator
) -> losses.AdversarialLoss:
    """The ``GANLoss`` and ``MultiScaleGANLoss`` of BasicSR, which traiNNer-redux has too."""
    _checks.choice("gan_type", gan_type, _KINDS)
    if real_label_val != 1 and gan_type in ("vanilla", "lsgan"):
        raise ValueError(
            f"real_label_val must be 1, as labels are not smoothed, got {real_label_val}"
        )
    return losses.AdversarialLoss(**_KINDS[gan_type])
