"""The losses of a configuration of neosr or traiNNer-redux as one :class:`CombinedLoss`.

Their names and options were read in their sources; the table :data:`COUNTERPARTS` holds one entry
for each loss of theirs that exists here.
"""

import inspect
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ssimloss import _checks, losses
from ssimloss.combined import CombinedLoss, Term
from ssimloss.functional import fdl

NEOSR, REDUX = "neosr", "traiNNer-redux"
_SECTION = "_opt"  # how the names of neosr's loss sections end
_WAVELETS = "wavelet_guided"  # an option of neosr's [train] that changes its losses
_BESIDE = ("type", "loss_weight")  # in a section, beside the options of its loss


@dataclass(frozen=True)
class Counterpart:
    """What stands here for a loss of a framework.

    Args:
        build: the loss, called with the options that a section has, under their names there.
        differs: what the framework computes otherwise; empty if it is the same. A function of the
            section's options where it depends on them.
        weight: the framework's default of ``loss_weight``, None if it has none.
        adversarial: whether it is the generator's loss of logits, ``fake_logits``.
        factor: by which the framework multiplies beside ``loss_weight``.
    """

    build: Callable[..., Any]
    differs: str | Callable[[Mapping[str, Any]], str] = ""
    weight: float | None = None
    adversarial: bool = False
    factor: float = 1.0

    def difference(self, options: Mapping[str, Any]) -> str:
        """What differs for these options; empty if nothing."""
        return self.differs if isinstance(self.differs, str) else self.differs(options)


@dataclass(frozen=True)
class _Section:
    """A loss of a template: what its term is called, its type and options."""

    name: str
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)


def combined_from_template(
    template: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    nearest: bool = False,
    skip: Collection[str] = (),
) -> CombinedLoss:
    """One :class:`CombinedLoss` of the losses in a configuration of neosr or traiNNer-redux.

    Terms have the weights of the template; those of weight 0 are left out. The adversarial term
    takes the generator's logits: ``criterion(pred, target, fake_logits=...)``. Everything else in
    the template, such as optimizers, is ignored.

    Args:
        template: the configuration as ``tomllib`` or ``yaml.safe_load`` reads it, its ``train``
            section, or traiNNer-redux' list of ``losses``. neosr has sections that end in
            ``_opt``, traiNNer-redux has a list.
        nearest: True to take the nearest loss of this library where the framework's formula
            differs; otherwise such a loss raises an error that says what differs.
        skip: types to leave out, such as ``"consistency_loss"``.

    Raises:
        ValueError: losses that this library does not have, or that differ; the error names all of
            them. No loss at all, an option without a counterpart.
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
        elif not nearest and (told := found.difference(section.options)):
            problems.append(f"{section.kind} differs: {told}")
        else:
            terms[section.name] = _term(section, found)
    if problems:
        missing = any("does not exist" in problem for problem in problems)
        differing = any(" differs: " in problem for problem in problems)
        ways = ["leave out what you can do without with skip=(...)"] * missing
        ways += ["accept what differs with nearest=True"] * differing
        raise ValueError(
            f"template must hold {framework} losses that this library computes, got: "
            f"{'; '.join(problems)}; {' and '.join(ways)}"
        )
    if not terms:
        raise ValueError("template must hold at least one loss of a weight other than 0, got none")
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
    """A type as its registry compares it: traiNNer-redux ignores case."""
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
            f"{options}: {error}"
        ) from error
    weight *= found.factor
    if found.adversarial:
        return Term(loss.generator_loss, weight, inputs=("fake_logits",))
    return Term(loss, weight)


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
    return losses.LDLLoss(distance=criterion, window_size=ksize)  # type: ignore[arg-type]  # checked


_VGG19 = {"conv1_2": 0.1, "conv2_2": 0.1, "conv3_4": 1.0, "conv4_4": 1.0, "conv5_4": 1.0}

_VGG19_ACTIVATIONS = {name.replace("conv", "relu"): weight for name, weight in _VGG19.items()}


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
    *,
    layer_weights: Mapping[str, float] | None = None,
    criterion: str = "charbonnier",
    w_lambda: float = 0.01,
    num_proj_fd: int = 256,
    phase_weight_fd: float = 1.0,
    stride_fd: int = 1,
) -> losses.PerceptualLoss | losses.FDLLoss:
    _checks.choice("criterion", criterion, ("l1", "charbonnier", "fd"))
    if criterion == "fd":
        weights = _VGG19_ACTIVATIONS if layer_weights is None else layer_weights
        return losses.FDLLoss(
            "vgg19",
            layers={name: w_lambda * weight for name, weight in weights.items()},
            projections=num_proj_fd,
            phase_weight=phase_weight_fd,
            stride=stride_fd,
        )
    layer_weights = _VGG19 if layer_weights is None else layer_weights
    distance: Any = criterion
    return losses.PerceptualLoss("vgg19", layers=layer_weights, distance=distance, eps=1e-6)


_FDL_VGG19: Mapping[str, float] = fdl.CONVENTIONS["neosr"]["layers"]
# neosr's models of fdl_loss; DINOv2 is not a network of torchvision.
_FDL_LAYERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "vgg": ("vgg19", tuple(_FDL_VGG19)),
    "resnet": ("resnet101", ("relu", "layer1", "layer2", "layer3")),
    "effnet": ("efficientnet_b7", tuple(f"features.{i}" for i in range(1, 6))),
    "dinov2": ("vgg19", tuple(_FDL_VGG19)),
}
_FDL_DIFFERS = {
    "dinov2": "neosr compares features of DINOv2, which this library does not load; the nearest is "
    "VGG19, with another scale",
    "resnet": "neosr leaves the network in training mode, which normalizes by the batch",
    "effnet": "neosr leaves the network in training mode, which normalizes by the batch",
}


def _fdl_differs(options: Mapping[str, Any]) -> str:
    return _FDL_DIFFERS.get(str(options.get("model", "dinov2")).lower(), "")


def _fdl_of_neosr(
    *,
    patch_size: int = 4,
    stride: int = 1,
    num_proj: int = 24,
    model: str = "dinov2",
    vgg_weights: Sequence[float] | None = None,
    phase_weight: float = 1.0,
) -> losses.FDLLoss:
    _checks.choice("model", model.lower(), _FDL_LAYERS)
    network, layers = _FDL_LAYERS[model.lower()]
    weights = dict.fromkeys(layers, 1.0)
    if network == "vgg19":
        given = tuple(_FDL_VGG19.values() if vgg_weights is None else vgg_weights)
        if len(given) != len(layers):
            raise ValueError(f"vgg_weights must have {len(layers)} numbers, got {len(given)}")
        weights = dict(zip(layers, given, strict=True))
    return losses.FDLLoss(
        network,
        layers=weights,
        projections=num_proj,
        patch_size=patch_size,
        stride=stride,
        phase_weight=phase_weight,
        weighted="amplitude",
    )


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
        "fdl_loss": Counterpart(_fdl_of_neosr, _fdl_differs, weight=1.0, factor=0.01),
        "gan_loss": Counterpart(_adversarial_of_neosr, weight=0.1, adversarial=True),
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
        "GANLoss": Counterpart(_adversarial_of_redux, adversarial=True),
    },
}
