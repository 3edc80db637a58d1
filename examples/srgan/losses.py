"""The losses of the two networks, which start from the same weights: pixels alone, or pixels, deep
features and an adversarial term.

The second is ESRGAN's sum (Wang et al. 2018, eq. 3), with the network in the package instead of
VGG19, and a texture term as in EnhanceNet (Sajjadi et al. 2017).
"""

from super_resolution.losses import PATCHES

from ssimloss import (
    AdversarialLoss,
    CombinedLoss,
    L1Loss,
    PerceptualLoss,
    Term,
    TextureLoss,
    conventions,
)

CONTENT = {"conv1_2": 0.1, "conv2_2": 0.3, "conv3_3": 1.0, "conv4_3": 1.0}  # before the activation
TEXTURE = dict.fromkeys(PATCHES, 1.0)
# The contributions are of similar size: on photographs, the four terms are about 0.013, 6, 0.04 and
# 1.
PIXEL_WEIGHT, CONTENT_WEIGHT, TEXTURE_WEIGHT, ADVERSARIAL_WEIGHT = 1.0, 3e-3, 0.2, 5e-3
LOSSES = ("pixel", "gan")


def adversarial_loss() -> AdversarialLoss:
    """Relativistic average cross-entropy, as ESRGAN has it."""
    return AdversarialLoss(**conventions.ADVERSARIAL["esrgan"])


def criterion(loss: str, adversarial: AdversarialLoss, weights: str) -> CombinedLoss:
    """``weights`` are those of the embedded network: ``"embedded"``, ``"random"``, or a file."""
    pixel = Term(L1Loss(), PIXEL_WEIGHT)
    if loss == "pixel":
        return CombinedLoss(pixel=pixel)
    return CombinedLoss(
        pixel=pixel,
        content=Term(PerceptualLoss("embedded", layers=CONTENT, weights=weights), CONTENT_WEIGHT),
        texture=Term(
            TextureLoss("embedded", layers=TEXTURE, patch_size=PATCHES, weights=weights),
            TEXTURE_WEIGHT,
        ),
        adversarial=Term(
            adversarial.generator_loss, ADVERSARIAL_WEIGHT, inputs=("fake_logits", "real_logits")
        ),
    )
