"""The losses of neosr and traiNNer-redux that exist here, with the option names of the frameworks.

Their names and options were read in their sources; the table :data:`COUNTERPARTS` holds one entry
for each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ssimloss import losses
from ssimloss.compat import _framework_options as built

NEOSR, REDUX = "neosr", "traiNNer-redux"
GUIDED = "wavelet_guided"  # an option of neosr's [train] that changes its adversarial loss


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


_MIXED = (
    "writes the memory of a batch as C planes, which mixes its images, and its gradient is NaN at "
    "flat images"
)

_GENERATOR: Any = {"inputs": ("fake_logits",), "method": "generator_loss"}

# framework -> type -> counterpart. A loss that is added to this library gets its line.
COUNTERPARTS: dict[str, dict[str, Counterpart]] = {
    NEOSR: {
        "L1Loss": Counterpart(losses.L1Loss, weight=1.0),
        "MSELoss": Counterpart(losses.L2Loss, weight=1.0),
        "HuberLoss": Counterpart(losses.HuberLoss, weight=1.0),
        "chc_loss": Counterpart(built.clipped_of_neosr, weight=1.0),
        "ncc_loss": Counterpart(losses.NCCLoss, f"neosr {_MIXED}", weight=1.0, factor=0.5),
        "consistency_loss": Counterpart(
            built.consistency,
            "neosr compares CIE L* of blurred images and clamped a and b of Oklab, and adds their "
            "cosine where it is small",
            weight=1.0,
        ),
        "mssim_loss": Counterpart(
            built.ms_ssim_of_neosr,
            "neosr pads with zeros and averages over the batch before it multiplies scales",
            weight=1.0,
        ),
        "ff_loss": Counterpart(built.focal_frequency, weight=1.0),
        "msswd_loss": Counterpart(
            built.ms_swd,
            "neosr compares the coarsest scale alone, divides by the number of scales, and draws "
            "new directions in every call",
            weight=1.0,
            factor=0.1,
        ),
        "dists_loss": Counterpart(
            built.dists, "neosr does not normalize the images for the network", weight=1.0
        ),
        "ldl_loss": Counterpart(built.ldl_of_neosr, weight=1.0),
        "vgg_perceptual_loss": Counterpart(built.perceptual_of_neosr, weight=1.0),
        "fdl_loss": Counterpart(built.fdl_of_neosr, built.fdl_differs, weight=1.0, factor=0.01),
        "gan_loss": Counterpart(built.adversarial_of_neosr, weight=0.1, **_GENERATOR),
        GUIDED: Counterpart(
            built.adversarial_of_neosr,
            "neosr passes the bands to the step of the discriminator alone, and the image to that "
            "of the generator, whose adversarial loss has no gradient there",
            weight=0.1,
            inputs=("guided_logits",),
            method="generator_loss",
        ),
    },
    REDUX: {
        "L1Loss": Counterpart(losses.L1Loss),
        "MSELoss": Counterpart(losses.L2Loss),
        "CharbonnierLoss": Counterpart(built.charbonnier),
        "HSLuvLoss": Counterpart(built.hsluv),
        "AverageLoss": Counterpart(built.average),
        "BicubicLoss": Counterpart(built.bicubic),
        "ColorLoss": Counterpart(built.color),
        "LumaLoss": Counterpart(
            built.luma,
            "traiNNer-redux takes the square of dark values for their lightness, and clamps",
            factor=0.01,
        ),
        "GradientVarianceLoss": Counterpart(built.gradient_variance),
        "CosimLoss": Counterpart(
            losses.CosineDistanceLoss,
            "traiNNer-redux adds no offset, so that its gradient grows without bound towards black",
            factor=5.0,
            factor_option="cosim_lambda",
        ),
        "NCCLoss": Counterpart(losses.NCCLoss, f"traiNNer-redux {_MIXED}", factor=0.5),
        "MSSIMLoss": Counterpart(
            built.ms_ssim_of_redux,
            "traiNNer-redux compares the Y channel of YIQ, clipped to [0, 1], and leaves out the "
            "luminance",
        ),
        "MSSSIML1Loss": Counterpart(
            built.ms_ssim_l1,
            "traiNNer-redux compares red at the finest scales alone, green at the middle ones and "
            "blue at the coarsest, and multiplies all",
        ),
        "FFLoss": Counterpart(built.focal_frequency),
        "DISTSLoss": Counterpart(built.dists),
        "ADISTSLoss": Counterpart(built.adists),
        "PerceptualLoss": Counterpart(
            built.perceptual_of_redux,
            "traiNNer-redux pads the first convolution with the pixels of the border",
        ),
        "LDLLoss": Counterpart(built.ldl_of_redux, inputs=("pred", "target", "pred_ema")),
        "FLIPLoss": Counterpart(
            losses.FLIPLoss,
            "traiNNer-redux adds 1e-4 under the root of the colour difference and holds the "
            "difference of features above 1e-4",
            weight=1.0,
        ),
        "GANLoss": Counterpart(built.adversarial_of_redux, **_GENERATOR),
    },
}
