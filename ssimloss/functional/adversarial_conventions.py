"""Adversarial losses of papers and their code: their form, their factors of one half, and what is
detached.

They are options of ``AdversarialLoss``. Notes name its weight beside other losses, penalties and
feature matching, which the caller adds.
"""

from typing import Any

from ssimloss.conventions import programs as p
from ssimloss.conventions.convention import Convention, Table

# What every adversarial training has to do outside of the loss.
IMAGES = (
    "Discriminator's step: the caller detaches the generated image, discriminator(fake.detach()). "
    "Generator's step: only what these notes name is detached; the gradient that reaches the "
    "discriminator's parameters is discarded (requires_grad_(False), or zero_grad)."
)
ONE_SIDED = "The generator's loss uses generated images only; there are no real logits to detach."


def _adversarial(
    name: str, title: str, program: str, kind: str, detaches: str, *notes: str, **options: Any
) -> Convention:
    relativistic, same_as = options.pop("relativistic", None), options.pop("same_as", None)
    given = {"kind": kind, "relativistic": relativistic, **options}
    return Convention(
        name,
        title,
        program,
        exact="float64 rounding, of its formula",
        options=given,
        same_as=same_as,
        notes=(detaches, IMAGES, *notes),
    )


CONVENTIONS = Table(
    "ADVERSARIAL",
    "AdversarialLoss",
    (),
    _adversarial(
        "gan",
        "the first GAN, with the generator's non-saturating loss",
        "Goodfellow et al. 2014, section 3",
        "cross_entropy",
        ONE_SIDED,
        "The minimax game of its theory is saturating=True.",
    ),
    _adversarial(
        "lsgan",
        "least squares with halves, targets 0, 1, 1",
        "Mao et al. 2017, eq. 9",
        "least_squares",
        ONE_SIDED,
        "Its eq. 8 has targets=(-1.0, 1.0, 0.0).",
        targets=(0.0, 1.0, 1.0),
        square_weight=0.5,
    ),
    _adversarial(
        "cyclegan",
        "least squares without halves for the generator, the discriminator's two parts halved",
        "GANLoss('lsgan') and backward_D_basic of the authors' code; Zhu et al. 2017",
        "least_squares",
        ONE_SIDED,
        "The original code keeps 50 generated images and passes one of them to the discriminator.",
        square_weight=1.0,
        total="mean",
    ),
    _adversarial(
        "pix2pix",
        "cross entropy, the discriminator's two parts halved",
        "GANLoss('vanilla') and Pix2PixModel.backward_D of the authors' code; Isola et al. 2017",
        "cross_entropy",
        ONE_SIDED,
        total="mean",
    ),
    _adversarial(
        "pix2pixhd",
        "least squares over scales, which are added, the discriminator's two parts halved",
        "GANLoss and Pix2PixHDModel of the authors' code; Wang et al. 2018",
        "least_squares",
        ONE_SIDED,
        "Beside it, with weight 10, FeatureMatchingLoss() over all maps but the last of each "
        "scale, the real ones detached.",
        "Its discriminator returns lists of maps; the logits are the last of each: [maps[-1] for "
        "maps in outputs].",
        square_weight=1.0,
        total="mean",
        scales="sum",
    ),
    _adversarial(
        "srgan",
        "cross entropy, the discriminator's two parts added",
        "Ledig et al. 2017",
        "cross_entropy",
        ONE_SIDED,
        "Its weight is 1e-3 beside the content loss.",
        same_as="gan",
    ),
    _adversarial(
        "esrgan",
        "relativistic average cross entropy, both losses halved",
        "the authors' first version; Wang et al. 2018",
        "cross_entropy",
        "Real logits are constants in the generator's loss (detach_real=True). The "
        "discriminator's gradient goes through both averages.",
        "Its weight is 5e-3 beside the content loss.",
        "Under DistributedDataParallel the average is that of each process; synchronize=True "
        "makes it one.",
        relativistic="average",
        total="mean",
        detach_real=True,
    ),
    _adversarial(
        "real_esrgan",
        "cross entropy over a map of the size of the image, the discriminator's two parts added",
        "RealESRGANModel; Wang et al. 2021",
        "cross_entropy",
        ONE_SIDED,
        "Its weight is 0.1 beside the others.",
        same_as="gan",
    ),
    _adversarial(
        "sagan",
        "hinge",
        "Zhang et al. 2019, eq. 4; Lim & Ye 2017",
        "hinge",
        ONE_SIDED,
    ),
    _adversarial(
        "wgan",
        "Wasserstein",
        "Arjovsky, Chintala & Bottou 2017",
        "wasserstein",
        ONE_SIDED,
        "The critic's weights are clipped, or its gradient penalised: functional.gradient_penalty "
        "with weight 10 (WGAN-GP).",
    ),
    _adversarial(
        "stylegan2",
        "non-saturating logistic loss",
        "G_logistic_nonsaturating, D_logistic_r1 of the authors' code; Karras et al. 2020",
        "softplus",
        ONE_SIDED,
        "Beside it functional.r1_penalty at every 16th step, with weight 16 gamma / 2.",
    ),
    _adversarial(
        "r3gan",
        "paired relativistic logistic loss",
        "Huang et al. 2024",
        "softplus",
        "Real logits are constants in the generator's loss here. The original detaches nothing; "
        "the generator's gradient is the same.",
        "Beside it functional.r1_penalty and functional.r2_penalty, each with weight gamma / 2.",
        relativistic="paired",
    ),
    *(
        _adversarial(
            f"basicsr_{name}",
            f"BasicSR's GANLoss({name!r})",
            f"GANLoss({name!r}), SRGANModel, {p.BASICSR}",
            kind,
            ONE_SIDED,
            **rest,
        )
        for name, kind, rest in (
            ("vanilla", "cross_entropy", {"same_as": "gan"}),
            ("lsgan", "least_squares", {"square_weight": 1.0}),
            ("hinge", "hinge", {"same_as": "sagan"}),
            ("wgan", "wasserstein", {"same_as": "wgan"}),
            ("wgan_softplus", "softplus", {"same_as": "stylegan2"}),
        )
    ),
    _adversarial(
        "basicsr_esrgan",
        "relativistic average cross entropy, both losses halved, averages constant for the "
        "discriminator",
        f"GANLoss('vanilla'), ESRGANModel, {p.BASICSR}",
        "cross_entropy",
        "Real logits are constants in the generator's loss (detach_real=True), and each average "
        "is one in the discriminator's (detach_average=True), which has two backward passes: its "
        "value is that of esrgan, its gradient is not.",
        "With GANLoss('hinge') its generator's two parts cancel to a loss without a gradient. "
        "kind='hinge' with relativistic='average' is the published form, and not that.",
        relativistic="average",
        total="mean",
        detach_real=True,
        detach_average=True,
    ),
)
