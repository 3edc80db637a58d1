"""Measures of a pair of images by name."""

import importlib
from collections.abc import Iterator, Mapping
from typing import Final, cast

from ssimloss import _checks
from ssimloss import measure as measures
from ssimloss._keywords import keywords
from ssimloss._spellings import measure_of
from ssimloss._words import named, spelled
from ssimloss.measure import Measure
from ssimloss.metrics._measure_kinds import (
    PRECISIONS,
    Called,
    Deep,
    Defined,
    Precision,
    Registered,
    name_of,
)
from ssimloss.metrics.deep_features import DISTANCES
from ssimloss.metrics.image_measure import ImageMeasure
from ssimloss.metrics.protocol import Definition, Protocol
from ssimloss.metrics.protocols import resolved
from ssimloss.networks import Weights

_DEFINED: Final = ("psnr", "ssim", "ms_ssim")  # which a protocol defines


measures.reserve(*DISTANCES)


def registered() -> dict[str, Measure]:
    """The registered measures of two images by name."""
    return {name_of(each): each for each in measures.registered() if each.is_named}


def known() -> list[str]:
    """Every name that :func:`measure` knows now, those registered by users included."""
    return [*_DEFINED, *(name for name in registered() if name not in _DEFINED), *DISTANCES]


class _Directions(Mapping[str, bool]):
    """Whether higher is better, by name, of every measure that is known now."""

    def __getitem__(self, name: str) -> bool:
        found = spelled(name, known())
        if found is None:
            raise KeyError(name)
        return found not in DISTANCES and registered()[found].better == "higher"

    def __iter__(self) -> Iterator[str]:
        return iter(known())

    def __len__(self) -> int:
        return len(known())


MEASURES: Final = tuple(known())  # that come with the package
HIGHER_IS_BETTER: Final[Mapping[str, bool]] = _Directions()


_NO_OPTIONS = (
    "a measure follows from its name, such as 'lpips_vgg', and its protocol; metric classes take "
    "the options of their functions, such as metrics.SSIM(window_size=7)"
)


@keywords(_NO_OPTIONS)
def measure(
    name: str,
    protocol: str | Protocol | None = None,
    *,
    scale: int | None = None,
    weights: Weights = "imagenet",
    precision: Precision = "float64",
) -> ImageMeasure:
    """A measure by its name.

    Args:
        name: one of ``MEASURES``, in any case, with ``-``, ``_`` or a space alike: ``"psnr"``,
            ``"ssim"``, ``"ms_ssim"`` as the protocol defines them; ``"g_ssim"``, ``"l1"`` and the
            other registered measures of the images that the protocol prepares; ``"lpips"``
            (AlexNet, what papers report), ``"lpips_vgg"``, ``"lpips_squeeze"``, ``"dists"`` and
            ``"embedded"`` (the network in the package) of all channels, rounded and cropped as the
            protocol defines. Also a measure that you registered, and ``"module:attribute"`` for a
            :class:`ssimloss.Measure` or a function ``(pred, target) -> (N,)`` with an
            attribute ``higher_is_better``.
        protocol: a name of :data:`PROTOCOLS`, with ``scale`` if it needs one, or a protocol.
            ``None`` means ``"plain"``, or the own protocol of an imported measure.
        scale: the upscaling factor, for a protocol given by name.
        weights: weights of the network of a deep measure: ``"imagenet"``, a path, a state dict, or
            ``"random"``; for other measures, they raise an error.
        precision: precision of measures in closed form. ``"float32"`` is faster. SSIM then differs
            by up to 3e-7 on photographs, 5e-7 on crops of 64x64 pixels, and 2e-6 where bright flat
            areas are next to dark ones. PSNR is always computed in float64, networks in float32.

    Raises:
        ValueError: the name is unknown; weights do not fit; a module, an attribute or the scale is
            missing; or an option would be ignored: a scale, weights, a precision for a measure that
            is not in closed form, a protocol for a measure that has its own.
        TypeError: ``protocol`` is not a protocol.
        RuntimeError: weights are not installed; the error states how to get them.
    """
    rules = resolved(protocol, scale)
    _checks.choice("precision", precision, PRECISIONS)
    if isinstance(name, str) and ":" in name:
        found = _imported(name, rules, precision, is_default=protocol is None)
    else:
        name = named("measure", name, known(), advice=_advice(name))
        if name in DISTANCES:
            found = Deep(name, rules, weights)
        elif name in _DEFINED:
            found = Defined(cast("Definition", name), rules, precision)
        else:
            found = Registered(registered()[name], rules, precision)
    if not isinstance(found, Deep) and not (isinstance(weights, str) and weights == "imagenet"):
        raise ValueError(
            f"weights are of the network of a deep measure, and {name!r} has none; leave them out"
        )
    if precision != "float64" and getattr(found, "precision", None) != precision:
        raise ValueError(
            f"precision is for measures in closed form, and {name!r} has its own; leave it out"
        )
    return found


def _advice(name: object) -> str:
    """Why a name that is registered, or another library's, is not among those of measures."""
    if not isinstance(name, str):
        return (
            "a loss or a function is passed as it is: Validator({'mine': loss}), LossMetric(loss)"
        )
    for each in measures.registered():
        if each.is_named or spelled(name, (each.name,)) is None:
            continue
        if each.role != "loss" and len(each.image_names) == 2:
            return (
                f"{each.name!r} is registered, but its equation calls the images "
                f"{' and '.join(each.image_names)}: call them pred and target"
            )
        return f"{each.name!r} is a loss without a name as a measure"
    return measure_of(name)


def _imported(
    path: str, protocol: Protocol, precision: Precision, *, is_default: bool
) -> ImageMeasure:
    """The measure or the function at ``module:attribute``; the protocol of a measure precedes the
    default one.
    """
    module, _, attribute = path.partition(":")
    try:
        found = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"measure {path!r} cannot be imported: {error}; give 'module:attribute' of a module on "
            "PYTHONPATH"
        ) from error
    if isinstance(found, Measure):
        if not found.takes_target:
            raise ValueError(
                f"measure {path!r} must compare pred with target, but takes "
                f"{' and '.join(found.image_names)}"
            )
        return Registered(found, protocol, precision)
    if isinstance(found, ImageMeasure):
        if not is_default and protocol != found.protocol:
            raise ValueError(
                f"protocol={protocol!r} is for measures that are named, and {path!r} has its own, "
                f"{found.protocol!r}; leave it out"
            )
        return found
    if not callable(found):
        raise ValueError(f"measure {path!r} must be a Measure or a function, got {found!r}")
    return Called(path, found, protocol)
