"""Measures of pairs of images as ``torchmetrics`` metrics, for ``MetricCollection``, Lightning and
DDP.

``metric.update(pred, target)`` or ``metric.update(pred, target, index=index)``, then
``metric.compute()``: the mean over the images of all processes, float64. A metric keeps sums in
float64 on the device, and no graph. With the index of each image in the dataset it keeps 16 bytes
per image, and an image that a padded sampler repeats counts once. ``keep_values=True`` keeps the
value of each image for ``values()``.
"""

import inspect
import numbers
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.distributed import ProcessGroup
from typing_extensions import Unpack

from ssimloss import _checks, _docstrings, losses
from ssimloss._keywords import keywords
from ssimloss._precision import widened, widest_dtype
from ssimloss._torch import plain
from ssimloss.metrics import deep_features
from ssimloss.metrics._functions import takes_target
from ssimloss.metrics._image_metric import (
    OF_TORCHMETRICS,
    TAKES_OF_TORCHMETRICS,
    TEXTS,
    ImageMetric,
    OfTorchmetrics,
    exactly,
    unknown_option,
)
from ssimloss.metrics.deep_features import DeepDistance
from ssimloss.metrics.image_measure import ImageMeasure

FIXED = ("reduction", "spatial", "checkpoint")  # options that a metric sets itself
CONSTANTS = ("heads", "alpha", "beta")  # which are in no digest of weights
Values = Callable[..., Tensor]


class FeatureMetric(ImageMetric):
    """Mean over images of a distance of deep features. A subclass names the module in its class
    statement and has the module's options except ``FIXED``.
    """

    higher_is_better = False
    _build: ClassVar[Callable[..., DeepDistance]]

    def __init_subclass__(cls, module: type[nn.Module] | None = None, **kwargs: Any) -> None:
        """Set the signature and the documentation: those of the module."""
        super().__init_subclass__(**kwargs)
        if module is None:
            return
        cls.training_loss = f"ssimloss.{module.__name__}()"
        own = inspect.signature(FeatureMetric, eval_str=True).parameters
        known = [p for p in inspect.signature(module).parameters.values() if p.name not in FIXED]
        added = [own["keep_values"], own["process_group"], TAKES_OF_TORCHMETRICS]
        parameters = [*known, *added]
        cls.__signature__ = inspect.Signature(parameters)
        texts = _docstrings.entries(_docstrings.section(module.__doc__, "Args")) | TEXTS
        listed = _docstrings.arguments({p.name: texts.get(p.name, "") for p in parameters})
        cls.__doc__ = f"{inspect.cleandoc(cls.__doc__ or '')}\n\n{listed}"

    def __init__(
        self,
        *network: Any,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **options: Any,
    ) -> None:
        known = [*inspect.signature(type(self)).parameters, *OF_TORCHMETRICS]
        for name in options:
            if name not in known:
                raise unknown_option(name, type(self))
        of_torchmetrics = {name: options.pop(name) for name in OF_TORCHMETRICS if name in options}
        distance = type(self)._build(*network, **options)
        constants = [options[name] for name in CONSTANTS if name in options]
        own = [exactly(value) for value in constants if not isinstance(value, str)]
        identity = " ".join([distance.identity, *own])
        super().__init__(
            identity,
            keep_values=keep_values,
            process_group=process_group,
            declared_range=getattr(distance.module, "range_in_use", None),
            **of_torchmetrics,
        )
        self.distance = distance

    def measured(self, pred: Tensor, target: Tensor) -> Tensor:
        """``(N,)``; half precision is computed in float32, and float64 in its own."""
        _checks.images(pred, target)
        values: Tensor = self.distance(
            *(image.to(torch.promote_types(image.dtype, torch.float32)) for image in (pred, target))
        )
        return values


class LPIPS(FeatureMetric, module=losses.LPIPS):
    """Mean over images of LPIPS (Zhang et al. 2018), as :class:`ssimloss.LPIPS` computes it.

    This metric has no gradient: train with :class:`ssimloss.LPIPS`.
    """

    _build = staticmethod(deep_features.lpips)


class DISTS(FeatureMetric, module=losses.DISTS):
    """Mean over images of DISTS (Ding et al. 2020), as :class:`ssimloss.DISTS` computes it.

    This metric has no gradient: train with :class:`ssimloss.DISTS`.
    """

    _build = staticmethod(deep_features.dists)


class ADISTS(FeatureMetric, module=losses.ADISTS):
    """Mean over images of A-DISTS (Ding et al. 2021), as :class:`ssimloss.ADISTS` computes it.

    This metric has no gradient: train with :class:`ssimloss.ADISTS`.
    """

    _build = staticmethod(deep_features.adists)


class DeepSimilarity(FeatureMetric, module=losses.DeepPerceptualSimilarity):
    """Mean over images of :func:`ssimloss.functional.deep_similarity` on any network, as
    :class:`ssimloss.DeepPerceptualSimilarity` computes it.
    """

    _build = staticmethod(deep_features.deep_similarity)

    def __init__(self, *network: Any, **options: Any) -> None:
        super().__init__(*network, **{"heads": None, **options})


class LossMetric(ImageMetric):
    """Mean over images of any loss or function of two images.

    A function that returns a scalar, as losses do with ``reduction="mean"``, is called once per
    image. One that returns ``(N,)``, such as a loss with ``reduction="image"`` or a
    :func:`measure`, is called once per batch. The very first image is passed alone to find out.

    Args:
        function: ``(pred, target) -> (N,)``, a scalar tensor or a number; one whose only positional
            parameter is ``pred`` is called with ``pred`` alone. A module or a measure moves with
            the metric.
        higher_is_better: which direction is better, for torchmetrics and Lightning.
        keep_values, process_group: as in the other metrics.
        of_torchmetrics: keyword arguments of every ``torchmetrics.Metric``.

    Raises:
        TypeError: ``function`` cannot be called like that.
    """

    @keywords(beside=OF_TORCHMETRICS)
    def __init__(
        self,
        function: Values,
        *,
        higher_is_better: bool = False,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None:
        if not callable(function):
            raise TypeError(
                f"function must be callable with (pred, target), got {type(function).__name__} "
                f"{function!r}"
            )
        super().__init__(
            f"function {id(function)}",
            keep_values=keep_values,
            process_group=process_group,
            # A named measure takes images in [0, 1] unless told otherwise.
            declared_range=1.0
            if isinstance(function, ImageMeasure)
            else getattr(function, "range_in_use", None),
            **of_torchmetrics,
        )
        self.function = function
        self.takes_target = takes_target("function", function)
        self.gives_scalar: bool | None = None  # before the first image
        self.__dict__["higher_is_better"] = (
            higher_is_better  # which torchmetrics lets no instance set
        )

    def extra_repr(self) -> str:
        """Show the function; a module is shown as a child."""
        if isinstance(self.function, nn.Module):
            return ""
        return str(getattr(self.function, "__qualname__", repr(self.function)))

    def measured(self, pred: Tensor, target: Tensor) -> Tensor:
        """``(N,)``."""
        _checks.image("pred", pred)
        parts = [widened(plain(pred).new_zeros(0))]
        start = 0
        while start < len(pred):
            size = 1 if self.gives_scalar in (None, True) else len(pred)
            some = slice(start, start + size)
            found = self._called(pred[some], target[some])
            self.gives_scalar = found.ndim == 0
            parts.append(found.reshape(-1))
            start += size
        return torch.cat(parts)

    def _called(self, pred: Tensor, target: Tensor) -> Tensor:
        """A scalar or ``(N,)``, float64."""
        values = self.function(pred, target) if self.takes_target else self.function(pred)
        if isinstance(values, numbers.Real):
            values = torch.tensor(
                float(values), dtype=widest_dtype(pred.device), device=pred.device
            )
        if not isinstance(values, Tensor):
            raise TypeError(
                f"function must return a tensor or a number, got {type(values).__name__} {values!r}"
            )
        if tuple(values.shape) != (len(pred),) and (values.ndim or self.gives_scalar is False):
            raise ValueError(
                "function must return a scalar or one value for each image, got "
                f"{tuple(values.shape)}; reduction='image'"
            )
        return widened(plain(values).detach())

    def _apply(
        self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = ""
    ) -> nn.Module:
        applied = super()._apply(fn, exclude_state)
        if isinstance(self.function, ImageMeasure):
            self.function.to(self.total.device)
        return applied
