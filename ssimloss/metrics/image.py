"""Measures of pairs of images as ``torchmetrics`` metrics, for ``MetricCollection``, Lightning and
DDP.

``metric.update(pred, target)`` or ``metric.update(pred, target, index=index)``, then
``metric.compute()``: the mean over the images of all processes, float64. Only sums are kept, in
float64 on the device, and no graph; with the index of each image in the dataset 16 bytes an image
are, so that an image which a padded sampler repeats counts once. ``keep_values=True`` keeps the
value of each image for ``values()``.
"""

import numbers
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.distributed import ProcessGroup

from ssimloss import _checks
from ssimloss._checks import DataRange
from ssimloss.functional.similarity import FeatureDistance
from ssimloss.metrics._deep import DeepDistance, DISTSDistance, LPIPSDistance
from ssimloss.metrics._functions import takes_target
from ssimloss.metrics._image_metric import ImageMetric, exactly
from ssimloss.metrics.measures import ImageMeasure
from ssimloss.networks import (
    VGG16_LAYERS,
    FeatureExtractor,
    Gray,
    Normalization,
    Pooling,
    Weights,
)

Values = Callable[..., Tensor]


class LPIPS(ImageMetric):
    """Mean over images of LPIPS (Zhang et al. 2018), as :class:`ssimloss.LPIPS` computes it.

    Args:
        network: ``"alexnet"``, ``"vgg16"`` or ``"squeezenet1_1"``.
        weights: of the network: ``"imagenet"``, a path, a state dict, or ``"random"``.
        data_range, keep_values, process_group: as in the other metrics.
    """

    higher_is_better = False

    def __init__(
        self,
        network: str = "alexnet",
        *,
        weights: Weights = "imagenet",
        data_range: DataRange = 1.0,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
    ) -> None:
        distance = LPIPSDistance(network, weights=weights, data_range=data_range)
        super().__init__(distance.identity, keep_values=keep_values, process_group=process_group)
        self.distance = distance

    def measured(self, pred: Tensor, target: Tensor) -> Tensor:
        """``(N,)``."""
        return _of_network(self.distance, pred, target)


class DISTS(ImageMetric):
    """Mean over images of DISTS (Ding et al. 2020), as :class:`ssimloss.DISTS` computes it;
    arguments as in :class:`LPIPS`.
    """

    higher_is_better = False

    def __init__(
        self,
        *,
        weights: Weights = "imagenet",
        data_range: DataRange = 1.0,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
    ) -> None:
        distance = DISTSDistance(weights, data_range)
        super().__init__(distance.identity, keep_values=keep_values, process_group=process_group)
        self.distance = distance

    def measured(self, pred: Tensor, target: Tensor) -> Tensor:
        """``(N,)``."""
        return _of_network(self.distance, pred, target)


class DeepSimilarity(ImageMetric):
    """Mean over images of :func:`ssimloss.functional.deep_similarity` on any network.

    Args: as in :class:`ssimloss.DeepPerceptualSimilarity`; ``keep_values`` and ``process_group`` as
    in :class:`PSNR`.
    """

    higher_is_better = False

    def __init__(
        self,
        network: str | nn.Module = "vgg16",
        *,
        layers: Mapping[str, float] = dict.fromkeys(VGG16_LAYERS, 1.0),
        distance: FeatureDistance = "normalized_l2",
        heads: Sequence[Tensor] | None = None,
        weights: Weights = "imagenet",
        data_range: DataRange = 1.0,
        normalization: Normalization = "imagenet",
        gray: Gray = "repeat",
        pooling: Pooling = "max",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
    ) -> None:
        extractor = FeatureExtractor(
            network,
            list(layers),
            weights=weights,
            data_range=data_range,
            normalization=normalization,
            gray=gray,
            pooling=pooling,
            dtype=dtype,
            channels_last=channels_last,
        )
        deep = DeepDistance(extractor, layers, distance, heads)
        super().__init__(
            f"{deep.identity} {exactly(heads)}",
            keep_values=keep_values,
            process_group=process_group,
        )
        self.distance = deep

    def measured(self, pred: Tensor, target: Tensor) -> Tensor:
        """``(N,)``."""
        return _of_network(self.distance, pred, target)


class LossMetric(ImageMetric):
    """Mean over images of any loss or function of two images.

    One that gives a scalar, as losses do with ``reduction="mean"``, is called for each image by
    itself; one that gives ``(N,)``, with ``reduction="image"`` or a :func:`measure`, once for the
    batch. The first image of all is given alone, to see which it is.

    Args:
        function: ``(pred, target) -> (N,)``, a scalar tensor or a number; one whose only positional
            parameter is ``pred`` is called with ``pred`` alone. A module or a measure moves with
            the metric.
        higher_is_better: what torchmetrics and Lightning may ask.
        keep_values, process_group: as in the other metrics.

    Raises:
        TypeError: ``function`` cannot be called like that.
    """

    def __init__(
        self,
        function: Values,
        *,
        higher_is_better: bool = False,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
    ) -> None:
        if not callable(function):
            raise TypeError(
                f"function must be callable with (pred, target), got {type(function).__name__} "
                f"{function!r}"
            )
        super().__init__(
            f"function {id(function)}", keep_values=keep_values, process_group=process_group
        )
        self.function = function
        self.takes_target = takes_target("function", function)
        self.gives_scalar: bool | None = None  # before the first image
        self.__dict__["higher_is_better"] = (
            higher_is_better  # which torchmetrics lets no instance set
        )

    def measured(self, pred: Tensor, target: Tensor) -> Tensor:
        """``(N,)``."""
        _checks.image("pred", pred)
        parts = [pred.new_zeros(0, dtype=torch.float64)]
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
            values = torch.tensor(float(values), dtype=torch.float64, device=pred.device)
        if not isinstance(values, Tensor):
            raise TypeError(
                f"function must give a tensor or a number, got {type(values).__name__} {values!r}"
            )
        if tuple(values.shape) != (len(pred),) and (values.ndim or self.gives_scalar is False):
            raise ValueError(
                "function must give a scalar or one number for each image, got "
                f"{tuple(values.shape)}; reduction='image'"
            )
        return values.detach().double()

    def _apply(
        self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = ""
    ) -> nn.Module:
        applied = super()._apply(fn, exclude_state)
        if isinstance(self.function, ImageMeasure):
            self.function.to(self.total.device)
        return applied


def _of_network(distance: nn.Module, pred: Tensor, target: Tensor) -> Tensor:
    """Half precision is computed in float32, and float64 in its own."""
    _checks.images(pred, target)
    values: Tensor = distance(
        *(image.to(torch.promote_types(image.dtype, torch.float32)) for image in (pred, target))
    )
    return values
