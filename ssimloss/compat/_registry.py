"""The losses of this library as entries of the registries of BasicSR and its relatives.

Each of these frameworks builds a loss from a section of a configuration file, ``type`` and options,
and looks the type up in ``PACKAGE.utils.registry.LOSS_REGISTRY``.
"""

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from ssimloss import _checks, losses
from ssimloss.combined import CombinedLoss, Term

SUFFIX = "ssimloss"
# These take features of a discriminator or of sets of images.
_NO_IMAGES = {"FeatureMatchingLoss", "FrechetLoss", "KernelDistanceLoss", "CMMDLoss"}


class _Entry(nn.Module):
    """A loss with a weight, called with ``(pred, target)``.

    Args:
        loss: the loss.
        loss_weight: its factor.
    """

    weighs = True  # whether forward multiplies; traiNNer-redux itself multiplies by loss_weight

    def __init__(self, loss: nn.Module, loss_weight: float) -> None:
        super().__init__()
        self.loss = loss
        self.loss_weight = _checks.number("loss_weight", loss_weight)
        parameters = inspect.signature(loss.forward).parameters
        self.regularises = "target" not in parameters
        self.has_mask = "mask" in parameters

    def forward(self, pred: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of images ``(N, C, H, W)``.

        Args:
            pred, target: the network's output and the ground truth, which total variation ignores.
            weight: weights of the pixels, ``(N, 1 or C, H, W)``, passed as ``mask``.
        """
        if weight is not None and not self.has_mask:
            raise ValueError(f"weight must be None for {type(self).__name__}, which has no mask")
        images = (pred,) if self.regularises else (pred, target)
        value: Tensor = self.loss(*images, **({} if weight is None else {"mask": weight}))
        return value * self.loss_weight if self.weighs else value


def _entry(loss: type[nn.Module], weighs: bool) -> type[_Entry]:
    """The class that a registry holds for a loss; it has the loss's name."""

    def build(self: _Entry, loss_weight: float = 1.0, **options: Any) -> None:
        _Entry.__init__(self, loss(**options), loss_weight)

    return _named(loss.__name__, build, weighs)


def _combined(weighs: bool) -> type[_Entry]:
    """The class that a registry holds for a sum of losses."""

    def build(
        self: _Entry, terms: Mapping[str, Any], loss_weight: float = 1.0, **options: Any
    ) -> None:
        _Entry.__init__(self, CombinedLoss(**{**options, **terms_of(terms)}), loss_weight)

    return _named("CombinedLoss", build, weighs)


def _named(name: str, build: Callable[..., None], weighs: bool) -> type[_Entry]:
    doc = f":class:`ssimloss.{name}` as an entry of a registry."
    members = {"__init__": build, "weighs": weighs, "__doc__": doc, "__module__": __name__}
    return type(name, (_Entry,), members)


def terms_of(terms: Mapping[str, Any]) -> dict[str, Term]:
    """The terms of a configuration file: by name, a loss or the arguments of :class:`Term`.

    A loss is a name, such as ``"SSIMLoss"``, or a mapping of ``type`` and options.
    """
    if not isinstance(terms, Mapping):
        raise TypeError(
            "terms must map names to terms, such as {'ssim': {'loss': 'SSIMLoss', 'weight': 0.2}}, "
            f"got {terms!r}"
        )
    found = {}
    for name, term in terms.items():
        settings: dict[str, Any] = {"loss": term} if isinstance(term, str) else dict(term)
        if "loss" not in settings:
            raise ValueError(f"terms[{name!r}] must name its loss, loss: SSIMLoss, got {settings}")
        found[name] = Term(_loss(f"terms[{name!r}].loss", settings.pop("loss")), **settings)
    return found


def _loss(name: str, given: str | Mapping[str, Any]) -> nn.Module:
    options = {"type": given} if isinstance(given, str) else dict(given)
    known = {loss.__name__: loss for loss in entries()}
    kind = options.pop("type", "")
    _checks.choice(name, kind, known)
    return known[kind](**options)


def entries() -> Iterator[type[nn.Module]]:
    """The losses of this library that compare two images or regularise one, and whose options can
    stand in a configuration file.
    """
    for name in losses.__all__:
        loss = getattr(losses, name)
        if name in _NO_IMAGES or "pred" not in inspect.signature(loss.forward).parameters:
            continue
        options = inspect.signature(loss).parameters.values()
        if all(option.default is not option.empty for option in options):
            yield loss


def register(package: str, framework: str, install: str, *, weighs: bool = True) -> None:
    """Add all losses and :class:`CombinedLoss` to the registry of a framework.

    Each is registered as ``NAME_ssimloss``, and as ``NAME`` if the framework has no such entry.

    Args:
        package: the package to import.
        framework: its name in errors.
        install: how to install it, for the error.
        weighs: whether a loss multiplies by its ``loss_weight``.

    Raises:
        ImportError: the framework is not installed, or cannot be imported.
    """
    try:
        importlib.import_module(f"{package}.losses")  # registers the framework's own losses
        registry = importlib.import_module(f"{package}.utils.registry").LOSS_REGISTRY
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise ImportError(
            f"ssimloss.compat.{package} needs {framework}, which is not installed; {install}"
        ) from error
    for entry in (*(_entry(loss, weighs) for loss in entries()), _combined(weighs)):
        registry.register(entry, suffix=SUFFIX)
        if entry.__name__ not in registry:
            registry.register(entry)
