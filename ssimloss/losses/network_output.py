"""Modules that compare what a frozen network returns: any output, or landmarks."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ssimloss._keywords import inputs
from ssimloss.functional.features import Features
from ssimloss.functional.heatmaps import HEATMAP, HeatmapOptions
from ssimloss.functional.network_output import PRIOR, PriorOptions
from ssimloss.losses._deep import FeatureLoss
from ssimloss.networks import ExtractorOptions
from ssimloss.networks.scripted import Scripted

OUTPUT = "output"


class OutputLoss(FeatureLoss):
    """A measure of a network's output, which is the only layer of the extractor."""

    def __init__(
        self, network: nn.Module, *, output: int | str | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.output = output
        self._extract_with(_chain(network, output), [OUTPUT])

    @inputs
    def forward(self, pred: Tensor, target: Tensor | Features) -> Tensor:
        """The loss of images ``(N, C, H, W)``; ``target`` may be what :meth:`extract` returned."""
        found, expected = self._both(pred, target)
        return self._measured((found[OUTPUT], expected[OUTPUT]), pred, target)

    def _settings(self) -> dict[str, Any]:
        return {**super()._settings(), "output": self.output}


class PriorLoss(
    OutputLoss,
    records=(PriorOptions, ExtractorOptions),
    left_out=("weights", "pooling"),
    defaults={"normalization": "none"},
):
    """Distance between a frozen network's outputs for two images, such as face embeddings, logits,
    segmentations or depth maps.

    Args:
        network: an ``nn.Module`` of images ``(N, C, H, W)``, of which a frozen copy is made. Its
            output is a floating point tensor ``(N, C, ...)``, or holds one.
        output: the part to compare if the network returns a list, a tuple or a dictionary: ``-1``
            for the last of several stages, ``"out"`` for that entry.
        data_range: ``L`` for images in ``[0, L]``, or ``(lo, hi)``; the network sees them on a
            scale of [0, 1], then normalised.
        normalization: what the network was trained with: ``"none"``, ``"imagenet"``, or mean and
            standard deviation of each channel, on a scale of [0, 1]; ``((0.5,) * 3, (0.5,) * 3)``
            for a network of images in [-1, 1].
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``. The last one returns one value
            per element of the output, or per vector for ``"cosine"``.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned.
    """

    measure = PRIOR


class LandmarkLoss(
    OutputLoss,
    records=(HeatmapOptions, ExtractorOptions),
    left_out=("weights", "pooling"),
    defaults={"normalization": "none"},
):
    """Distance between the landmarks that a frozen heatmap network finds in two images (Bulat &
    Tzimiropoulos 2018).

    Args:
        network: an ``nn.Module`` from images ``(N, C, H, W)`` to heatmaps ``(N, K, H', W')``, of
            which a frozen copy is made.
        output: the part to compare if the network returns a list or a tuple of stages, or a
            dictionary: ``-1`` for the last stage.
        data_range: ``L`` for images in ``[0, L]``, or ``(lo, hi)``; the network sees them on a
            scale of [0, 1], then normalised.
        normalization: what the network was trained with, as in :class:`PriorLoss`.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``: one value per landmark
            ``(N, K)``.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned.
    """

    measure = HEATMAP


class _Whole(nn.Module):
    """A network and the chosen part of its output: one layer of a chain."""

    def __init__(self, network: nn.Module, output: int | str | None) -> None:
        super().__init__()
        self.network = network
        self.output = output

    def forward(self, image: Tensor) -> Tensor:
        found: Any = self.network(image)
        if self.output is not None:
            if isinstance(found, Tensor):
                raise TypeError(
                    f"output must be None for a network that returns a tensor, got {self.output!r}"
                )
            found = found[self.output]
        if not isinstance(found, Tensor):
            held = (
                list(found)
                if isinstance(found, Mapping)
                else f"{len(found)} parts"
                if isinstance(found, (list, tuple))
                else "no parts"
            )
            raise TypeError(
                f"network must return a tensor, got {type(found).__name__} of {held}; name the "
                "part with output="
            )
        return found


def _chain(network: nn.Module, output: int | str | None) -> nn.Sequential:
    """The whole network as the only layer of a chain; its own layers are not listed."""
    if not isinstance(network, nn.Module):
        raise TypeError(
            f"network must be a torch.nn.Module, got {type(network).__name__}; PerceptualLoss "
            "takes names of networks and compares their layers, such as layers={'fc': 1.0} of a "
            "ResNet"
        )
    if output is not None and (isinstance(output, bool) or not isinstance(output, (int, str))):
        raise TypeError(
            f"output must be an index, a key or None, got {type(output).__name__} {output!r}"
        )
    if isinstance(network, torch.jit.ScriptModule):
        network = Scripted(network)
    return nn.Sequential(OrderedDict([(OUTPUT, _Whole(network, output))]))
