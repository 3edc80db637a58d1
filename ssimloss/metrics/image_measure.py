"""Measures of pairs of images: one float64 value per image and a description; and the values of
several measures of one batch.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

from ssimloss._checks import DataRange
from ssimloss._precision import in_ieee, widened
from ssimloss._torch import plain
from ssimloss.measure import Stream
from ssimloss.metrics._functions import networks_in
from ssimloss.metrics.batches import gains_nothing
from ssimloss.metrics.protocol import Prepared, Protocol, range_in_use
from ssimloss.networks.sources import weights_digest


class ImageMeasure(ABC):
    """A measure of two images.

    ``measure(pred, target, data_range=1.0)`` takes images ``(N, C, H, W)``, floating point or
    uint8, and returns ``(N,)`` float64 on their device, without a graph; NaN stays NaN. ``pickle``
    and ``copy`` work.
    """

    name: str
    title: str
    unit: str = ""
    higher_is_better: bool
    protocol: Protocol
    # Whether the value of an image is independent of its batch, unlike that of a network.
    is_closed_form = True

    @torch.no_grad()
    @in_ieee
    def __call__(
        self,
        pred: Tensor,
        target: Tensor,
        *,
        data_range: DataRange | None = None,
        memory: Prepared | None = None,
    ) -> Tensor:
        """One value for each image, ``(N,)`` float64.

        Args:
            pred, target: images ``(N, C, H, W)`` with values in ``data_range``, both floating
                point or both uint8.
            data_range: ``L`` for ``[0, L]``, or ``(lo, hi)``. None is 1 for floating point and 255
                for uint8.
            memory: a dict through which measures share the prepared images of a pair of batches;
                pass a new one for each pair.

        Raises:
            ValueError: shapes differ, images are too small for the measure, or the protocol does
                not support the number of channels.
            TypeError: integer tensors other than uint8, or one uint8 and one floating point image.
        """
        values = self._values(plain(pred), plain(target), data_range, memory)
        return widened(plain(values))

    @abstractmethod
    def _values(
        self, pred: Tensor, target: Tensor, data_range: DataRange | None, memory: Prepared | None
    ) -> Tensor:
        """``(N,)``."""

    @abstractmethod
    def describe(self) -> str:
        """A description of everything that the value depends on."""

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the parameters of its networks; empty without a network. Measures with equal
        descriptions may differ in it.
        """
        held = [network for value in vars(self).values() for network in networks_in(value)]
        return weights_digest(*held)

    @property
    def training_loss(self) -> str:
        """The loss of this measure, for errors about training with a measure; empty for none."""
        return ""

    @property
    def compares_luma(self) -> bool:
        """Whether it compares the luma of clips as it is stored; otherwise their colours."""
        return False

    def stream(self, *, data_range: DataRange) -> Stream | None:
        """For measures that compare more than single frames: a measure of a clip that is passed in
        chunks of luma with values in ``data_range``. None for other measures.
        """
        del data_range
        return None

    def to(self, device: torch.device | str) -> "ImageMeasure":
        """Move the network, if the measure has one. Return the measure itself."""
        del device
        return self

    def __repr__(self) -> str:
        """Show the name and the description."""
        return f"<measure {self.name}: {self.describe()}>"


def values_of(
    found: Mapping[str, ImageMeasure],
    pred: Tensor,
    target: Tensor,
    *,
    data_range: DataRange | None = None,
) -> dict[str, Tensor]:
    """The values of several measures of one batch, ``(N,)`` each, which share prepared images.

    On a CPU measures in closed form take one image after the other: all of them compare it while
    it is in the cache, and no batch of prepared images is in memory.
    """
    alone = [name for name, one in found.items() if one.is_closed_form and gains_nothing(pred)]
    memory: Prepared = {}
    values = {
        name: one(pred, target, data_range=data_range, memory=memory)
        for name, one in found.items()
        if name not in alone
    }
    if alone:
        range_in_use(pred, target, data_range)
        rows = []
        for x, y in zip(torch.split(pred, 1), torch.split(target, 1), strict=True):
            memory = {}
            rows.append([found[name](x, y, data_range=data_range, memory=memory) for name in alone])
        columns = zip(*rows, strict=True)
        values |= {name: torch.cat(column) for name, column in zip(alone, columns, strict=True)}
    return {name: values[name] for name in found}
