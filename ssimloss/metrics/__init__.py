"""Metrics for evaluation, without gradients: of pairs of images under a protocol, and of whole sets
of images.
"""

from typing import Any

from ssimloss._spellings import no_attribute
from ssimloss.metrics.batches import in_buckets
from ssimloss.metrics.checkpoint import BestCheckpoint
from ssimloss.metrics.distributions import frechet_distance, inception_score, kernel_distance
from ssimloss.metrics.image_measure import ImageMeasure
from ssimloss.metrics.measures import MEASURES, measure, registered
from ssimloss.metrics.protocol import Protocol
from ssimloss.metrics.protocols import PROTOCOLS, SuperResolutionProtocol, protocol
from ssimloss.metrics.rate_distortion import RateCurve, bd_quality, bd_rate
from ssimloss.metrics.scores import EpochScores
from ssimloss.metrics.validator import Validator

__all__ = [
    "MEASURES",
    "ImageMeasure",
    "measure",
    "PROTOCOLS",
    "Protocol",
    "SuperResolutionProtocol",
    "protocol",
    "in_buckets",
    "Validator",
    "EpochScores",
    "BestCheckpoint",
    "ImageMetric",
    "LPIPS",
    "DISTS",
    "ADISTS",
    "DeepSimilarity",
    "LossMetric",
    "InceptionMetrics",
    "frechet_distance",
    "kernel_distance",
    "inception_score",
    "RateCurve",
    "bd_rate",
    "bd_quality",
]

# They need torchmetrics, an extra, which is imported when one of them is first used.
__all__ += [each.metric for each in registered().values() if each.metric]
_OF_TORCHMETRICS = {
    **dict.fromkeys(("LPIPS", "DISTS", "ADISTS", "DeepSimilarity", "LossMetric"), "image"),
    "ImageMetric": "_image_metric",
    "InceptionMetrics": "inception",
}


def __dir__() -> list[str]:
    """All names, including those of metric classes if torchmetrics is not installed."""
    return sorted({*globals(), *__all__, *(m.metric for m in registered().values() if m.metric)})


def __getattr__(name: str) -> Any:
    """The metric classes of the extra ``metrics``, including those of registered measures.

    Raises:
        ModuleNotFoundError: torchmetrics is not installed; the error names the command.
    """
    found = next((each for each in registered().values() if each.metric == name), None)
    if found is None and name not in _OF_TORCHMETRICS:
        raise no_attribute(__name__, name, [] if name.startswith("_") else __dir__())
    import importlib

    file = _OF_TORCHMETRICS.get(name, "derived")
    try:
        module = importlib.import_module(f"{__name__}.{file}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in ("torchmetrics", "torch_fidelity"):
            raise
        raise ModuleNotFoundError(
            f"ssimloss.metrics.{name} needs {error.name}, which is not installed: pip install "
            "'ssimloss[metrics]'",
            name=error.name,
        ) from error
    return getattr(module, name) if found is None else module.metric_of(found)
