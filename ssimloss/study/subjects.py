"""The measures that a study examines, each as a value of two images and as a loss."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from torch import Tensor

from ssimloss import metrics
from ssimloss import weights as weights_files
from ssimloss._words import spelled
from ssimloss.metrics import ImageMeasure
from ssimloss.metrics.deep_features import DISTANCES, DeepDistance
from ssimloss.metrics.measures import registered
from ssimloss.networks import Weights

Loss = Callable[[Tensor, Tensor], Tensor]

# PSNR is a logarithm of the squared error. It ranks images alike, and its gradient is infinite at
# equal images.
_NO_LOSS: Final = {"psnr": "its gradient is that of l2 times a factor"}


@dataclass(frozen=True)
class Subject:
    """One measure of the study.

    Args:
        name: unique, for tables.
        measure: maps ``(pred, target)`` to one value per image.
        loss: maps ``(pred, target)`` in [0, 1] to a scalar to minimise; None if it has none.
        why_no_loss: why ``loss`` is None; empty otherwise.
    """

    name: str
    measure: ImageMeasure
    loss: Loss | None
    why_no_loss: str = ""

    @property
    def higher_is_better(self) -> bool:
        """Whether higher values of the measure mean better images."""
        return self.measure.higher_is_better

    def distance(self, pred: Tensor, target: Tensor) -> Tensor:
        """``(N,)``, smaller is closer: the measure, negated if higher is better."""
        values = self.measure(pred, target)
        return -values if self.higher_is_better else values


def subjects(names: Sequence[str], *, weights: Weights = "imagenet") -> list[Subject]:
    """The measures of these names.

    Args:
        names: of ``metrics.MEASURES``, of measures that you registered, or ``"module:attribute"``.
        weights: of the networks of deep measures.

    Raises:
        ValueError: a name is unknown or occurs twice; weights, and no deep measure.
        RuntimeError: weights are not installed; the error states how to get them.
    """
    names = [spelled(name, metrics.measures.known()) or name for name in names]
    twice = [name for name in names if list(names).count(name) > 1]
    if twice:
        raise ValueError(f"measures must be different, got {twice[0]!r} twice")
    is_default = isinstance(weights, str) and weights == "imagenet"
    if not is_default and not any(name in DISTANCES for name in names):
        raise ValueError(
            "weights are of the networks of deep measures, and measures names none of "
            f"{', '.join(DISTANCES)}; leave them out"
        )
    return [subject(name, weights=weights) for name in names]


def installed_subjects(*, weights: Weights = "imagenet") -> tuple[list[Subject], list[str]]:
    """Every known measure whose weights are installed, and messages about the others.

    Nothing is downloaded.

    Args:
        weights: of the networks of deep measures.

    Raises:
        RuntimeError: ``weights`` fit no network; the message states why.
    """
    found, left_out = [], []
    for name in metrics.measures.known():
        try:
            with weights_files.without_downloads():
                found.append(subject(name, weights=weights))
        except RuntimeError as error:
            left_out.append(f"{name} is left out: {str(error).splitlines()[0]}")
    if left_out and not any(one.name in DISTANCES for one in found):
        raise RuntimeError(f"weights fit no deep measure; {left_out[0]}")
    return found, left_out


def subject(name: str, *, weights: Weights = "imagenet") -> Subject:
    """The measure of this name; see :func:`subjects`."""
    name = spelled(name, metrics.measures.known()) or name
    deep: dict[str, Any] = {"weights": weights} if name in DISTANCES else {}
    found = metrics.measure(name, **deep)
    if name in _NO_LOSS:
        return Subject(name, found, None, _NO_LOSS[name])
    if name in DISTANCES:
        # The network of the measure itself, which moves to a device with it.
        distance: DeepDistance = found.distance  # type: ignore[attr-defined]  # of deep measures

        def descend(pred: Tensor, target: Tensor) -> Tensor:
            value: Tensor = distance.module(pred, target).mean()
            return value

        return Subject(name, found, descend)
    if name in registered():
        one = registered()[name]
        if one.role == "index":
            return Subject(name, found, None, "it has no loss")
        return Subject(name, found, one.loss)
    return _imported(name, found)


def _imported(name: str, found: ImageMeasure) -> Subject:
    """A function from another module, or a registered measure under another name."""
    function = getattr(found, "function", None)
    if function is not None:
        sign = -1.0 if found.higher_is_better else 1.0
        return Subject(name, found, lambda pred, target: sign * function(pred, target).mean())
    one = getattr(found, "measure", None)
    if one is not None and one.role != "index":
        return Subject(name, found, one.loss)
    return Subject(name, found, None, "it has no loss")
