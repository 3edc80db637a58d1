"""LPIPS as a module: the networks and heads of Zhang et al. 2018."""

from collections.abc import Sequence
from typing import Any, Literal

from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Reduced
from ssimloss.functional.features import check_heads
from ssimloss.functional.lpips import LPIPS as MEASURE
from ssimloss.losses._deep import MaskedLoss, constants
from ssimloss.networks import (
    LPIPS_CHANNELS,
    LPIPS_LAYERS,
    ExtractorOptions,
    lpips_heads,
    lpips_network,
)

LPIPSNetwork = Literal["alexnet", "vgg16", "squeezenet1_1", "alex", "vgg", "squeeze"]


class LPIPS(MaskedLoss, records=(Reduced, ExtractorOptions), left_out=("normalization", "pooling")):
    """LPIPS of two images (Zhang et al. 2018), equal to the package ``lpips``, but with a gradient
    that is finite everywhere.

    :class:`ssimloss.metrics.LPIPS` is a torchmetrics metric of the same values, without a gradient.

    Args:
        network: ``"alexnet"`` (reported in most papers), ``"vgg16"`` (used in most trainings),
            ``"squeezenet1_1"``, or the short names of the package ``lpips``: ``"alex"``, ``"vgg"``,
            ``"squeeze"``.
        weights: of the network: ``"imagenet"`` as in the published LPIPS (those of ``"alexnet"``
            and ``"squeezenet1_1"`` are part of the package), a path, a state dict in torchvision's
            layout, or ``"random"``, which is the same random numbers every time and leaves the
            global random generators alone.
        data_range: ``L`` for images in ``[0, L]``, or ``(lo, hi)``; the package's own is
            ``(-1, 1)``.
        heads: ``"v0.1"``, which is part of the package, or one 1-D tensor per layer.
        spatial: compute a map of distances, resized to the images and summed over layers. The
            reduction then applies to the map.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``: ``(N,)``, or the map
            ``(N, 1, H, W)``.

    ``forward(pred, target, *, mask=None)`` takes images ``(N, C, H, W)``; ``target`` may be what
    :meth:`extract` returned. ``mask`` holds weights ``(N, 1 or C, H, W)``; pixels of weight 0 have
    no influence.
    """

    measure = MEASURE
    _heads_word: str | None = None

    def __init__(
        self,
        network: LPIPSNetwork = "alexnet",
        *,
        heads: str | Sequence[Tensor] = "v0.1",
        spatial: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        name = lpips_network(network)
        _checks.flag("spatial", spatial)
        found = lpips_heads(name, heads) if isinstance(heads, str) else heads
        check_heads(
            "heads", found, dict(zip(LPIPS_LAYERS[name], LPIPS_CHANNELS[name], strict=True))
        )
        self.spatial = spatial
        self._extract_with(name, LPIPS_LAYERS[name])  # may download
        self._constants["heads"] = constants(found)
        self._heads_word = heads if isinstance(heads, str) else None
        self._given = () if isinstance(heads, str) else ("heads",)

    @property
    def heads(self) -> list[Tensor]:
        """The weights of the channels, one 1-D tensor per layer."""
        return self._constants["heads"]

    def _beside(self, pred: Tensor) -> dict[str, Any]:
        map_size = (pred.shape[2], pred.shape[3]) if self.spatial else None
        return {"heads": self.heads, "map_size": map_size}

    def _settings(self) -> dict[str, Any]:
        named = {} if self._heads_word is None else {"heads": self._heads_word}
        return {**super()._settings(), **named, "spatial": self.spatial}
