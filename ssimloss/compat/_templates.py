"""The losses of a configuration of neosr or traiNNer-redux as one :class:`CombinedLoss`.

Names and options of their losses come from their sources. The table :data:`COUNTERPARTS` has one
entry for each of their losses that exists here.
"""

import inspect
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ssimloss import _checks, losses
from ssimloss.combined import CombinedLoss, Term

NEOSR, REDUX = "neosr", "traiNNer-redux"
_SECTION = "_opt"  # suffix of neosr's loss sections
_WAVELETS = "wavelet_guided"  # an option of neosr's [train] that changes its losses
_BESIDE = ("type", "loss_weight")  # keys of a section that are not options of its loss


@dataclass(frozen=True)
class Counterpart:
    """The counterpart here of a loss of a framework.

    Args:
        build: builds the loss from the options of a section, under their names there.
        differs: what the framework computes differently; empty if both are equal.
        weight: the framework's default of ``loss_weight``, None if it has none.
        inputs: what the loss takes, by the names under which ``criterion(...)`` is given it.
        method: of the loss, that the term calls; the loss itself if empty.
    """

    build: Callable[..., Any]
    differs: str = ""
    weight: float | None = None
    inputs: tuple[str, ...] | None = None
    method: str = ""


@dataclass(frozen=True)
class _Section:
    """A loss of a template: the name of its term, its type and its options."""

    name: str
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)


def combined_from_template(
    template: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    nearest: bool = False,
    skip: Collection[str] = (),
) -> CombinedLoss:
    """Build one :class:`CombinedLoss` of the losses in a configuration of neosr or traiNNer-redux.

    Terms have the weights of the template; those of weight 0 are left out. The adversarial term
    takes the generator's logits: ``criterion(pred, target, fake_logits=...)``. traiNNer-redux'
    ``LDLLoss`` takes the output of the moving-average network: ``pred_ema=...``; neosr's has none.
    Everything else in the template, such as optimizers, is ignored.

    Args:
        template: the configuration as ``tomllib`` or ``yaml.safe_load`` reads it, its ``train``
            section, or traiNNer-redux' list of ``losses``. neosr has sections that end in
            ``_opt``, traiNNer-redux has a list.
        nearest: use the nearest loss of this library if the framework's formula differs. By
            default, such a loss raises an error that names the difference.
        skip: types to leave out, such as ``"fdl_loss"``.

    Raises:
        ValueError: losses that this library does not have, or that differ; the error names all of
            them. No loss at all; an option, or a value of one, without a counterpart.
        TypeError: no mapping or list; a weight that is not a number.
    """
    framework, sections = _read(template)
    table = COUNTERPARTS[framework]
    folded = {_fold(framework, kind): kind for kind in table}
    left_out = {_fold(framework, kind) for kind in skip}
    problems: list[str] = []
    terms: dict[str, Any] = {}
    for section in sections:
        kind = _fold(framework, section.kind)
        if kind in left_out or section.options.get("loss_weight") == 0:
            continue
        found = table[folded[kind]] if kind in folded else None
        if found is None:
            problems.append(f"{section.kind} does not exist in this library")
        elif found.differs and not nearest:
            problems.append(f"{section.kind} differs: {found.differs}")
        else:
            terms[section.name] = _term(section, found)
    if problems:
        missing = any("does not exist" in problem for problem in problems)
        differing = any(" differs: " in problem for problem in problems)
        ways = ["leave losses out with skip=(...)"] * missing
        ways += ["accept the differences with nearest=True"] * differing
        raise ValueError(
            f"template must hold {framework} losses that this library computes, got: "
            f"{'; '.join(problems)}; {' and '.join(ways)}"
        )
    if not terms:
        raise ValueError(
            "template must hold at least one loss with a weight other than 0, got none"
        )
    return CombinedLoss(**terms)


def _read(template: Any) -> tuple[str, list[_Section]]:
    """The framework, and the losses in order."""
    if isinstance(template, Mapping):
        train = template.get("train", template)
        if isinstance(train, Mapping):
            if isinstance(train.get("losses"), Sequence):
                return REDUX, list(_of_redux(train["losses"]))
            return NEOSR, list(_of_neosr(train))
    elif isinstance(template, Sequence) and not isinstance(template, str):
        return REDUX, list(_of_redux(template))
    raise TypeError(
        "template must be a configuration as a mapping, or a list of losses, got "
        f"{type(template).__name__}; read a file with tomllib.load or yaml.safe_load first"
    )


def _of_neosr(train: Mapping[str, Any]) -> Iterator[_Section]:
    for name, options in train.items():
        if name.endswith(_SECTION) and isinstance(options, Mapping) and "type" in options:
            yield _Section(name.removesuffix(_SECTION), options["type"], options)
    if train.get(_WAVELETS):
        yield _Section(_WAVELETS, _WAVELETS)


def _of_redux(sections: Sequence[Any]) -> Iterator[_Section]:
    seen: dict[str, int] = {}
    for place, options in enumerate(sections):
        if not isinstance(options, Mapping) or "type" not in options:
            raise ValueError(f"losses[{place}] must be a mapping with a type, got {options!r}")
        kind = options["type"]
        name = kind.lower().removesuffix("loss") or kind
        seen[name] = seen.get(name, 0) + 1
        yield _Section(name if seen[name] == 1 else f"{name}_{seen[name]}", kind, options)


def _fold(framework: str, kind: str) -> str:
    """A type in the form that its registry compares: traiNNer-redux ignores case."""
    return kind.lower() if framework == REDUX else kind


def _term(section: _Section, found: Counterpart) -> Term:
    weight = section.options.get("loss_weight", found.weight)
    if weight is None:
        raise ValueError(f"{section.name}.loss_weight must be given for {section.kind}")
    _checks.number(f"{section.name}.loss_weight", weight)
    options = {name: value for name, value in section.options.items() if name not in _BESIDE}
    known = inspect.signature(found.build).parameters
    unknown = [name for name in options if name not in known]
    if unknown:
        raise ValueError(
            f"{section.name} ({section.kind}) must have options with a counterpart here, "
            f"{[*known]}, got {unknown}; remove them, or leave the loss out with "
            f"skip=({section.kind!r},)"
        )
    try:
        loss = found.build(**options)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{section.name} ({section.kind}) must have values with a counterpart here, got "
            f"{options}: {error}; change the value, or leave the loss out with "
            f"skip=({section.kind!r},)"
        ) from error
    return Term(getattr(loss, found.method) if found.method else loss, weight, inputs=found.inputs)


# --- the losses, with the option names of the frameworks ------------------------------------------


def _charbonnier(*, eps: float = 1e-12, reduction: Any = "mean") -> losses.CharbonnierLoss:
    return losses.CharbonnierLoss(eps=math.sqrt(eps), reduction=reduction)


def _ms_ssim_of_neosr(
    *,
    window_size: int = 11,
    in_channels: int = 3,  # noqa: ARG001 - follows from the images here
    sigma: float = 1.5,
    K1: float = 0.01,
    K2: float = 0.03,
    L: float = 1,
) -> losses.MSSSIMLoss:
    return losses.MSSSIMLoss(
        window_size=window_size, sigma=sigma, k1=K1, k2=K2, data_range=L, pooling="zeros"
    )


def _ms_ssim_of_redux(
    *,
    channels: int = 3,  # noqa: ARG001 - follows from the images here
    downsample: bool = False,
    is_prod: bool = True,
) -> losses.MSSSIMLoss:
    if downsample:
        raise ValueError("downsample=True has no counterpart")
    combination: Any = "product" if is_prod else "weighted_sum"
    return losses.MSSSIMLoss(combination=combination, negative="relu_map", pooling="zeros")


def _focal_frequency(
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


def _dists(*, as_loss: bool = True, load_weights: bool = True) -> losses.DISTS:
    if not (as_loss and load_weights):
        raise ValueError("as_loss and load_weights must be True")
    return losses.DISTS()


def _ldl_of_neosr(*, criterion: str = "l1", ksize: int = 7) -> losses.LDLLoss:
    _checks.choice("criterion", criterion, ("l1", "l2"))
    if _checks.count("ksize", ksize, least=3) % 2 == 0:
        raise ValueError(f"ksize must be odd, got {ksize}")
    return losses.LDLLoss(distance=criterion, window_size=ksize)  # type: ignore[arg-type]  # checked


def _ldl_of_redux(*, criterion: str = "l1") -> losses.LDLLoss:
    _checks.choice("criterion", criterion, ("l1", "l2"))
    return losses.LDLLoss(distance=criterion)  # type: ignore[arg-type]  # checked


def _color_of_redux(*, criterion: str = "l1", scale: float = 4) -> losses.ColorConsistencyLoss:
    _checks.choice("criterion", criterion, ("l1",))
    if int(_checks.positive("scale", scale)) < 1:  # traiNNer-redux cuts it to a whole number
        raise ValueError(f"scale must be at least 1, got {scale}")
    return losses.ColorConsistencyLoss(space="ycbcr", distance="l1", downscale=int(scale))


_VGG19 = {"conv1_2": 0.1, "conv2_2": 0.1, "conv3_4": 1.0, "conv4_4": 1.0, "conv5_4": 1.0}


def _perceptual_of_neosr(
    *,
    layer_weights: Mapping[str, float] = _VGG19,
    vgg_type: str = "vgg19",
    criterion: str = "chc",
    patchloss: bool = False,
) -> losses.PerceptualLoss:
    _checks.choice("criterion", criterion, ("l1", "l2"))
    if patchloss:
        raise ValueError("patchloss=True has no counterpart; it has no gradient in neosr")
    distance: Any = criterion
    return losses.PerceptualLoss(
        vgg_type, layers=layer_weights, distance=distance, feature_scale=0.1
    )


def _perceptual_of_redux(
    *, layer_weights: Mapping[str, float] = _VGG19, criterion: str = "charbonnier"
) -> losses.PerceptualLoss:
    _checks.choice("criterion", criterion, ("l1", "charbonnier"))
    distance: Any = criterion
    return losses.PerceptualLoss("vgg19", layers=layer_weights, distance=distance, eps=1e-6)


_KINDS: dict[str, dict[str, Any]] = {
    "bce": {"kind": "cross_entropy"},
    "mse": {"kind": "least_squares", "square_weight": 1.0},
    "vanilla": {"kind": "cross_entropy"},
    "lsgan": {"kind": "least_squares", "square_weight": 1.0},
    "hinge": {"kind": "hinge"},
    "wgan": {"kind": "wasserstein"},
    "wgan_softplus": {"kind": "softplus"},
}


def _adversarial_of_neosr(*, gan_type: str = "bce") -> losses.AdversarialLoss:
    _checks.choice("gan_type", gan_type, ("bce", "mse"))
    return losses.AdversarialLoss(**_KINDS[gan_type])


def _adversarial_of_redux(*, gan_type: str = "vanilla") -> losses.AdversarialLoss:
    known = ("vanilla", "lsgan", "hinge", "wgan", "wgan_softplus")
    _checks.choice("gan_type", gan_type, known)
    return losses.AdversarialLoss(**_KINDS[gan_type])


_GENERATOR: Any = {"inputs": ("fake_logits",), "method": "generator_loss"}

# framework -> type -> what stands for it here. A loss that is added to this library gets its line.
COUNTERPARTS: dict[str, dict[str, Counterpart]] = {
    NEOSR: {
        "L1Loss": Counterpart(losses.L1Loss, weight=1.0),
        "MSELoss": Counterpart(losses.L2Loss, weight=1.0),
        "mssim_loss": Counterpart(
            _ms_ssim_of_neosr,
            "neosr pads with zeros and averages over the batch before it multiplies scales",
            weight=1.0,
        ),
        "ff_loss": Counterpart(_focal_frequency, weight=1.0),
        "dists_loss": Counterpart(
            _dists, "neosr does not normalize the images for the network", weight=1.0
        ),
        "ldl_loss": Counterpart(_ldl_of_neosr, weight=1.0),
        "vgg_perceptual_loss": Counterpart(_perceptual_of_neosr, weight=1.0),
        "gan_loss": Counterpart(_adversarial_of_neosr, weight=0.1, **_GENERATOR),
    },
    REDUX: {
        "L1Loss": Counterpart(losses.L1Loss),
        "MSELoss": Counterpart(losses.L2Loss),
        "CharbonnierLoss": Counterpart(_charbonnier),
        "MSSIMLoss": Counterpart(
            _ms_ssim_of_redux,
            "traiNNer-redux compares the Y channel of YIQ, clipped to [0, 1], and leaves out the "
            "luminance",
        ),
        "FFLoss": Counterpart(_focal_frequency),
        "DISTSLoss": Counterpart(_dists),
        "PerceptualLoss": Counterpart(
            _perceptual_of_redux,
            "traiNNer-redux pads the first convolution with the pixels of the border",
        ),
        "LDLLoss": Counterpart(_ldl_of_redux, inputs=("pred", "target", "pred_ema")),
        "ColorLoss": Counterpart(_color_of_redux),
        "FLIPLoss": Counterpart(
            losses.FLIPLoss,
            "traiNNer-redux adds 1e-4 under the root of the colour difference and holds the "
            "difference of features above 1e-4",
            weight=1.0,
        ),
        "GANLoss": Counterpart(_adversarial_of_redux, **_GENERATOR),
    },
}
