"""Distances between sets of generated and of real images, as modules with a memory of past
features: Frechet distance, KID, CMMD.
"""

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._checks import DataRange
from ssimloss._keywords import inputs
from ssimloss._options import Options
from ssimloss._precision import computing_dtype
from ssimloss._torch import plain
from ssimloss.functional.frechet import frechet_or_nan
from ssimloss.functional.kernel_distances import (
    CMMD,
    KERNEL_DISTANCE,
    GaussianOptions,
    PolynomialOptions,
)
from ssimloss.losses._base import ImageLoss
from ssimloss.networks import FeatureExtractor

PAST = ("past_pred", "past_target")


class MemoryOptions(Options):
    """Options of the memory of a loss between sets.

    Args:
        memory: number of past feature rows of ``pred`` that each call adds to the batch, without a
            gradient. A distance of few rows is noisy, and the Frechet distance is biased upwards.
        target_memory: the same for ``target``; None means the value of ``memory``. Pass 0 if every
            call has the features of the whole data set as ``target``.
    """

    memory: int = 0
    target_memory: int | None = None

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.count("memory", self.memory, least=0)
        if self.target_memory is not None:
            _checks.count("target_memory", self.target_memory, least=0)


class SetLoss(ImageLoss):
    """A distance between two sets of features, each the batch and features of past batches.

    Features are added in training mode while gradients are enabled. Rows that are not finite are
    left out. The memory follows the module to its device and keeps its dtype. It is not part of a
    state dict and fills again after a resume. Each process has its own.
    """

    past_pred: Tensor | None
    past_target: Tensor | None

    def __init__(self, extractor: FeatureExtractor | None = None, **options: Any) -> None:
        super().__init__(**options)
        if extractor is not None and not isinstance(extractor, FeatureExtractor):
            raise TypeError(
                f"extractor must be a FeatureExtractor or None, got {type(extractor).__name__}; "
                "FeatureExtractor(network, layers) takes any module, and without an extractor the "
                "loss takes features"
            )
        self.extractor = extractor
        self.forget()

    @inputs
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """The distance between two sets, each of any number of rows.

        Args:
            pred, target: features ``(N, D)``, or images ``(N, C, H, W)`` with an ``extractor``.

        Returns:
            A scalar, float64 for float64 features and float32 otherwise.
        """
        sets = self.extract(pred), self.extract(target)
        dtype = computing_dtype(*sets)
        together = [
            features if past is None else torch.cat([features, past])
            for features, past in zip(sets, self._past(sets), strict=True)
        ]
        _checks.feature_sets("pred", together[0], "target", together[1])
        value = self._distance(together[0], together[1])
        if self.training and torch.is_grad_enabled():
            self._remember(together)
        return value.to(sets[0].device, dtype)

    def extract(self, images: Tensor) -> Tensor:
        """Features ``(N, D)`` of images: the means over positions of all layers of the extractor.
        Features are returned unchanged.
        """
        if not isinstance(images, Tensor) or images.ndim == 2 or self.extractor is None:
            return plain(images)
        layers = self.extractor(images).values()
        return torch.cat([layer.flatten(2).mean(2) for layer in layers], 1)

    def forget(self) -> None:
        """Empty the memory."""
        for name in PAST:
            self.register_buffer(name, None, persistent=False)

    @property
    def range_in_use(self) -> DataRange | None:
        """The data range of the extractor; None without one."""
        return None if self.extractor is None else self.extractor.data_range

    def _distance(self, pred: Tensor, target: Tensor) -> Tensor:
        raise NotImplementedError

    def _past(self, sets: tuple[Tensor, Tensor]) -> tuple[Tensor | None, Tensor | None]:
        for name, features in zip(("pred", "target"), sets, strict=True):
            _checks.matrix(name, features, rows=1)
            past = getattr(self, f"past_{name}")
            if past is not None and past.shape[1] != features.shape[1]:
                raise ValueError(
                    f"{name} must have the {past.shape[1]} columns of the features in memory, got "
                    f"{features.shape[1]}; call forget() before features of another network"
                )
        return self.past_pred, self.past_target

    @torch.no_grad()
    def _remember(self, together: list[Tensor]) -> None:
        memory = self.record().memory  # type: ignore[attr-defined]
        target_memory = self.record().target_memory  # type: ignore[attr-defined]
        rows = memory, memory if target_memory is None else target_memory
        for name, features, count in zip(PAST, together, rows, strict=True):
            if count:
                features = features.detach()
                finite = features[features.isfinite().all(1)]  # waits for the device
                setattr(self, name, finite[:count].clone())

    def _left_alone(self) -> Collection[str]:
        filled = [name for name in PAST if getattr(self, name) is not None]
        return {*super()._left_alone(), *filled}


class FrechetLoss(SetLoss, records=(MemoryOptions,)):
    """Frechet distance of the features of generated and of real images: FID as a loss.

    Args:
        extractor: computes features of images; their means over positions are compared. Without it,
            the loss takes features.

    ``forward(pred, target)`` takes features ``(N, D)``, or images with an extractor, of two sets
    that need not be paired. The gradient reaches the rows of the batch only, and is as
    :func:`ssimloss.functional.frechet_distance` documents. If features are not finite, value and
    gradient are NaN.
    """

    def _distance(self, pred: Tensor, target: Tensor) -> Tensor:
        return frechet_or_nan(pred, target)


class KernelDistanceLoss(SetLoss, records=(MemoryOptions, PolynomialOptions)):
    """KID of the features of generated and of real images as a loss: unbiased for few rows.

    Args:
        extractor: computes features of images; their means over positions are compared. Without it,
            the loss takes features.

    ``forward(pred, target)`` takes features ``(N, D)``, or images with an extractor, of two sets
    that need not be paired. :func:`ssimloss.functional.kernel_distance_loss` is the equation.
    """

    def _distance(self, pred: Tensor, target: Tensor) -> Tensor:
        return KERNEL_DISTANCE.evaluate((pred, target), self.record(1), {}, True)


class CMMDLoss(SetLoss, records=(MemoryOptions, GaussianOptions)):
    """CMMD of the features of generated and of real images as a loss.

    Args:
        extractor: computes features of images; their means over positions are compared. Without it,
            the loss takes features.

    ``forward(pred, target)`` takes features ``(N, D)``, or images with an extractor, of two sets
    that need not be paired. :func:`ssimloss.functional.cmmd_loss` is the equation.
    """

    def _distance(self, pred: Tensor, target: Tensor) -> Tensor:
        return CMMD.evaluate((pred, target), self.record(1), {}, True)
