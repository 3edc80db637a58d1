"""The training losses to choose from, each a ``CombinedLoss``, so that every term has a name and a
value to show.

A name is one of ``LOSSES``, a loss of the package (``gmsd``), or a sum of one of both and a loss of
the package, which gets a share of the gradient (``charbonnier+gmsd``).
"""

import argparse
import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from runs.files import InputError
from torch import nn

import ssimloss
from ssimloss import (
    CharbonnierLoss,
    CombinedLoss,
    EdgeLoss,
    GradientShare,
    L1Loss,
    L2Loss,
    MSSSIML1Loss,
    MSSSIMLoss,
    SSIMLoss,
    Term,
    TextureLoss,
    measure,
)
from ssimloss.networks import FeatureExtractor


def combined() -> dict[str, Term]:
    """Crops of 48 pixels have room for three of the five scales of MS-SSIM; "fewer_scales" allows
    this.
    """
    return {
        "charbonnier": Term(CharbonnierLoss(), 1.0),
        "ms_ssim": Term(MSSSIMLoss(min_size="fewer_scales"), 0.1),
        "edge": Term(EdgeLoss(), 0.1),
    }


def texture() -> TextureLoss:
    """Statistics of the features of the embedded network, in patches of 16x16 pixels as in
    EnhanceNet.
    """
    return TextureLoss(
        "embedded",
        layers={"relu1_2": 1.0, "relu2_2": 1.0, "relu3_3": 1.0},
        patch_size=PATCHES,
        weights="embedded",
    )


PATCHES = {"relu1_2": 16, "relu2_2": 8, "relu3_3": 4}

# By name, made with options of CombinedLoss such as ``diagnose_every``.
LOSSES: dict[str, Callable[..., CombinedLoss]] = {
    "combined": lambda **options: CombinedLoss(**combined(), **options),
    "texture": lambda **options: CombinedLoss(
        **combined(), texture=Term(texture(), 1.0), **options
    ),
    "l2": lambda **options: CombinedLoss(l2=Term(L2Loss()), **options),
    "l1": lambda **options: CombinedLoss(l1=Term(L1Loss()), **options),
    "charbonnier": lambda **options: CombinedLoss(charbonnier=Term(CharbonnierLoss()), **options),
    "ssim": lambda **options: CombinedLoss(ssim=Term(SSIMLoss()), **options),
    "ms_ssim": lambda **options: CombinedLoss(
        ms_ssim=Term(MSSSIMLoss(min_size="fewer_scales")), **options
    ),
    "ms_ssim_l1": lambda **options: CombinedLoss(ms_ssim_l1=Term(MSSSIML1Loss()), **options),
}

# The comparison for a loss: the same loss without the term that it is named after.
WITHOUT = {"texture": "combined"}

# Of the gradient at the output, which the second loss of a sum gets unless its name says another.
SHARE = 0.25
MEMORY = 64  # images that a distance between sets remembers, as a batch is too small a set


@dataclass(frozen=True)
class Loss:
    """A loss of the package: what it is, and how it is made for the crops of this example."""

    title: str
    make: Callable[[], nn.Module]


def _deep(name: str, **options: Any) -> Callable[[], nn.Module]:
    """A loss on the network that travels with the package."""
    return lambda: getattr(ssimloss, name)("embedded", weights="embedded", **options)


def _of_sets(name: str) -> Callable[[], nn.Module]:
    """A distance between sets of features of the same network."""

    def make() -> nn.Module:
        layers = ("relu1_2", "relu2_2", "relu3_3")
        extractor = FeatureExtractor("embedded", layers, weights="embedded")
        module: nn.Module = getattr(ssimloss, name)(extractor, memory=MEMORY)
        return module

    return make


DEEP = {
    "perceptual": Loss("content loss, embedded network", _deep("PerceptualLoss")),
    "texture": Loss("Gram matrices in patches, embedded network", texture),
    "deep_similarity": Loss("deep similarity, embedded network", _deep("DeepPerceptualSimilarity")),
    "contextual": Loss("contextual loss, embedded network", _deep("ContextualLoss")),
    "contextual_bilateral": Loss("CoBi, embedded network", _deep("ContextualBilateralLoss")),
    # The options of conventions.FDL["neosr"]; the authors' 256 projections take a second a step.
    "fdl": Loss(
        "frequency distribution loss, embedded network",
        _deep("FDLLoss", projections=24, patch_size=4, weighted="amplitude"),
    ),
    "sliced_wasserstein": Loss(
        "sliced Wasserstein distance, embedded network", _deep("SlicedWassersteinLoss")
    ),
    "projected_distribution": Loss(
        "projected distribution loss, embedded network", _deep("ProjectedDistributionLoss")
    ),
    "frechet": Loss(
        f"Frechet distance of the batch and {MEMORY} earlier crops, embedded network",
        _of_sets("FrechetLoss"),
    ),
    "kernel_distance": Loss(
        f"kernel distance of the batch and {MEMORY} earlier crops, embedded network",
        _of_sets("KernelDistanceLoss"),
    ),
    "lpips": Loss("LPIPS on AlexNet", lambda: ssimloss.LPIPS()),
    "dists": Loss("DISTS on VGG16, whose weights are a download", lambda: ssimloss.DISTS()),
    "adists": Loss("A-DISTS on VGG16, whose weights are a download", lambda: ssimloss.ADISTS()),
}
VARIANTS = {
    "color_cielab": Loss(
        "colour consistency in CIELAB", lambda: ssimloss.ColorConsistencyLoss(space="cielab")
    ),
    "color_oklab": Loss(
        "colour consistency in Oklab", lambda: ssimloss.ColorConsistencyLoss(space="oklab")
    ),
    "color_ycbcr": Loss(
        "colour consistency in YCbCr", lambda: ssimloss.ColorConsistencyLoss(space="ycbcr")
    ),
}
# "color_consistency" is there by its spaces; cycle consistency is L1 here, and total variation
# compares with nothing, so that it is for sums.
LEFT_OUT = {"color_consistency", "cycle_consistency", "feature_matching"}


def single_losses() -> dict[str, Loss]:
    """Every loss of the package that takes two images, or one, by the name of its function."""
    found = {
        each.name: Loss(each.title, _made(each.module))
        for each in measure.registered()
        if each.module
        and each.image_names[0] == "pred"
        and not each.clips
        and each.name not in LEFT_OUT
    }
    return dict(sorted((found | DEEP | VARIANTS).items()))


def _made(module: str) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        cls = getattr(ssimloss, module)
        # Crops are too small for all scales of a pyramid; this says that it is meant.
        small = "min_size" in inspect.signature(cls).parameters
        made: nn.Module = cls(min_size="fewer_scales") if small else cls()
        return made

    return make


def criterion_of(name: str, **options: Any) -> CombinedLoss:
    """The criterion of a name, made with options of CombinedLoss.

    ``a+b`` is the loss ``a`` and the loss ``b``, whose gradient at the output is scaled to a
    quarter of the sum of both norms, averaged over the last steps; ``a+b@0.1`` gives it a tenth.
    ``a+`` is ``a`` alone, scaled as it is in the sums.

    Raises:
        InputError: the name, or a part of it, is unknown, or its share is not between 0 and 1.
    """
    base, plus, added = name.partition("+")
    if not plus:
        if name in LOSSES:
            return LOSSES[name](**options)
        return CombinedLoss(**{name: Term(single(name).make())}, **options)
    first = LOSSES[base]() if base in LOSSES else single(base).make()
    terms = {base: Term(first, inputs=("pred", "target"))}
    if added:
        added, at, text = added.partition("@")
        share = _share(text, name) if at else SHARE
        # A second time the same loss is a term of its own.
        label = added if added != base else f"{added}_again"
        terms[label] = Term(single(added).make(), share / (1 - share))
    return CombinedLoss(**terms, balance=GradientShare(), **options)


def _share(text: str, name: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 < share < 1:
        raise InputError(
            f"{name!r}: the share after @ must be a number between 0 and 1, got {text!r}"
        )
    return share


def single(name: str) -> Loss:
    """The loss of that name.

    Raises:
        InputError: there is none.
    """
    known = single_losses()
    if name not in known:
        choices = ", ".join(dict.fromkeys((*LOSSES, *known)))
        raise InputError(f"no loss is called {name!r}; choose from {choices}, or a sum of two: a+b")
    return known[name]


def check(name: str, crop: int) -> None:
    """Make the criterion and call it once on a crop of this size, so that what cannot be computed
    is said before anything is trained.

    Raises:
        InputError: with the reason.
    """
    try:
        criterion = criterion_of(name)
        pred, target = torch.rand(2, 2, 3, crop, crop, generator=torch.Generator().manual_seed(0))
        criterion(pred.requires_grad_(), target).backward()
    except (ValueError, RuntimeError) as error:
        raise InputError(
            f"{name!r} cannot be trained on crops of {crop} pixels: {error}"
        ) from error


class ListLosses(argparse.Action):
    """The option that prints every name and what it is, and ends."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        """Print, whatever other options are given."""
        print("Of this example:")
        for name, make in LOSSES.items():
            terms = " + ".join(f"{term.weight:g} {label}" for label, term in make().terms.items())
            print(f"  {name:24}{terms}")
        print("Of the package:")
        for name, loss in single_losses().items():
            if name not in LOSSES:
                print(f"  {name:24}{loss.title}")
        print(
            "Sums: in charbonnier+gmsd, GMSD has a quarter of the gradient, in "
            "charbonnier+gmsd@0.1 a tenth."
        )
        parser.exit()
