"""Measures of a pair of images by name, under a protocol: one number for each image, in float64,
and what it is in words.
"""

import functools
from abc import ABC, abstractmethod
from typing import Final, cast

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss import functional as F
from ssimloss._checks import DataRange
from ssimloss.metrics._deep import DISTANCES, FeatureDistance
from ssimloss.metrics.protocol import PLAIN, Definition, Prepared, Protocol, one_by_one
from ssimloss.networks import Weights


class ImageMeasure(ABC):
    """A measure of two images.

    ``measure(pred, target, data_range=1.0)`` takes float images ``(N, C, H, W)`` and gives ``(N,)``
    float64 on their device, without a graph; one that is not a number stays so. ``pickle`` and
    ``copy`` work.
    """

    name: str
    title: str
    unit: str = ""
    higher_is_better: bool
    protocol: Protocol

    @torch.no_grad()
    def __call__(
        self,
        pred: Tensor,
        target: Tensor,
        *,
        data_range: DataRange = 1.0,
        memory: Prepared | None = None,
    ) -> Tensor:
        """One value for each image, ``(N,)`` float64.

        Args:
            pred, target: float images ``(N, C, H, W)`` with values in ``data_range``.
            memory: a dict in which measures of the same two batches share the prepared images; an
                empty one for each pair of batches.

        Raises:
            ValueError: shapes differ; images too small for the measure; channels that the protocol
                does not know.
            TypeError: integer tensors.
        """
        return self._values(pred, target, data_range, memory).double()

    @abstractmethod
    def _values(
        self, pred: Tensor, target: Tensor, data_range: DataRange, memory: Prepared | None
    ) -> Tensor:
        """``(N,)``."""

    @abstractmethod
    def describe(self) -> str:
        """In words, everything that decides the number."""

    def to(self, device: torch.device | str) -> "ImageMeasure":
        """Move the network, of a measure that owns one; returns the measure itself."""
        del device
        return self

    def __repr__(self) -> str:
        """Name and title."""
        return f"<measure {self.name}: {self.title}>"


class _Defined(ImageMeasure):
    """PSNR, SSIM and MS-SSIM as the protocol defines them."""

    higher_is_better = True

    def __init__(self, name: Definition, protocol: Protocol) -> None:
        self.name: Definition = name
        self.protocol = protocol
        convention = protocol.convention(name)
        self.title, self.unit = convention.measure.title, convention.measure.unit

    def _values(
        self, pred: Tensor, target: Tensor, data_range: DataRange, memory: Prepared | None
    ) -> Tensor:
        return self.protocol.compute(self.name, pred, target, data_range=data_range, memory=memory)

    def describe(self) -> str:
        return (
            f"{self.title}: "
            f"{'; '.join(self.protocol.steps(self.name) + self.protocol.formula(self.name))}"
        )


class _GradientSSIM(ImageMeasure):
    name, title, higher_is_better = "g_ssim", "G-SSIM", True

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol

    def _values(
        self, pred: Tensor, target: Tensor, data_range: DataRange, memory: Prepared | None
    ) -> Tensor:
        x, y = self.protocol.prepared(
            pred, target, data_range=data_range, definition="ssim", memory=memory
        )
        return one_by_one(functools.partial(F.gradient_ssim, reduction="image"), x, y)

    def describe(self) -> str:
        steps = "; ".join(self.protocol.steps("ssim"))
        return (
            f"{self.title}: {steps}; luminance of the images times contrast and structure of "
            "their Sobel gradient magnitudes |Gx| + |Gy| under a Gaussian window of 11 taps, "
            "sigma 1.5, whole windows only, averaged over positions and channels (Chen et al. "
            "2006)"
        )


class _L1(ImageMeasure):
    name, title, higher_is_better = "l1", "L1", False

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol

    def _values(
        self, pred: Tensor, target: Tensor, data_range: DataRange, memory: Prepared | None
    ) -> Tensor:
        x, y = self.protocol.prepared(pred, target, data_range=data_range, memory=memory)
        return one_by_one(functools.partial(F.l1, reduction="image"), x, y)

    def describe(self) -> str:
        return (
            f"{self.title}: {'; '.join(self.protocol.steps('psnr'))}; mean of |x - y| of images "
            "on a scale of [0, 1]"
        )


class _Deep(ImageMeasure):
    """A distance of deep features, of all channels of the images, in the precision of
    the network.
    """

    higher_is_better = False

    def __init__(self, name: str, protocol: Protocol, weights: Weights) -> None:
        self.name = name
        self.protocol = protocol
        self.distance: FeatureDistance = DISTANCES[name](weights)
        self.title = self.distance.title

    def _values(
        self, pred: Tensor, target: Tensor, data_range: DataRange, memory: Prepared | None
    ) -> Tensor:
        x, y = self.protocol.prepared(
            pred, target, data_range=data_range, color=True, memory=memory
        )
        values: Tensor = self.distance(x.float(), y.float())
        return values

    def describe(self) -> str:
        steps = "; ".join(self.protocol.steps("psnr", color=True))
        return (
            f"{self.title}: {steps}; gray images stand for all three channels; "
            f"{self.distance.describe()}; in float32"
        )

    def to(self, device: torch.device | str) -> ImageMeasure:
        self.distance.to(device)
        return self


MEASURES: Final = ("psnr", "ssim", "ms_ssim", "g_ssim", "l1", *DISTANCES)
HIGHER_IS_BETTER: Final = {name: name in ("psnr", "ssim", "ms_ssim", "g_ssim") for name in MEASURES}


def measure(
    name: str, protocol: Protocol | None = None, *, weights: Weights = "imagenet"
) -> ImageMeasure:
    """A measure by its name.

    Args:
        name: one of ``MEASURES``: ``"psnr"``, ``"ssim"``, ``"ms_ssim"`` as the protocol defines
            them; ``"g_ssim"`` and ``"l1"`` of the images that the protocol prepares; ``"lpips"``
            (AlexNet, what papers report), ``"lpips_vgg"``, ``"lpips_squeeze"``, ``"dists"`` and
            ``"embedded"`` (the network that travels with the package) of all channels, rounded and
            cut as the protocol says.
        protocol: of :func:`protocol`, or a :class:`SuperResolutionProtocol`; ``None`` is
            ``protocol("plain")``.
        weights: of the network of a deep measure: ``"imagenet"``, a path, a state dict, or
            ``"random"``; others have none.

    Raises:
        ValueError: an unknown name; weights that do not fit.
        TypeError: ``protocol`` is none.
        RuntimeError: weights that are not here; the error says how to get them.
    """
    _checks.choice("measure", name, MEASURES)
    protocol = PLAIN if protocol is None else protocol
    if not isinstance(protocol, Protocol):
        raise TypeError(
            f"protocol must be a protocol, got {protocol!r}; metrics.protocol('basicsr', scale=4) "
            "makes one by its name"
        )
    if name in DISTANCES:
        return _Deep(name, protocol, weights)
    if name in ("g_ssim", "l1"):
        return _GradientSSIM(protocol) if name == "g_ssim" else _L1(protocol)
    return _Defined(cast("Definition", name), protocol)
