"""A frozen network with the preparation of its input: image -> features at any of its layers.

It is not an ``nn.Module``. A model's ``state_dict()``, ``parameters()``, ``apply()``, ``train()``,
``requires_grad_()`` and DDP broadcasts therefore leave it alone, and it stays frozen.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ssimloss import _checks
from ssimloss._torch import apply_to_tensors, device_of, is_transformed
from ssimloss.networks._chain import is_plain_chain
from ssimloss.networks._frozen import identity, in_dtype
from ssimloss.networks._names import paths_of
from ssimloss.networks._routes import CANNOT_RUN, Route, route_of

LARGEST_PROBE = 1024  # pixels a side; the search for the least size of an image ends there
_DERIVED = ("networks", "layouts", "routes", "normalizations")
_HAS_ONEDNN = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # asked here: torch.compile cannot follow the call


@dataclass
class Backbone:
    """The network, the preparation of its input, and how it is run.

    ``normalization`` is a factor and an offset per channel. Derived objects (the network in other
    dtypes, graphs, constants on the device) are made once, and are neither copied nor pickled.
    """

    network: nn.Module
    described: str  # in errors
    names: Mapping[str, str]  # readable name -> module path
    normalization: tuple[tuple[float, ...], tuple[float, ...]]
    dtype: torch.dtype | None
    channels_last: bool
    checkpoint: bool
    identity: Hashable | None = None
    # On the network's device; the network may have no tensor of its own.
    place: Tensor = field(init=False)
    # Arguments of past calls of `prepare`.
    prepared: dict[tuple[tuple[str, ...], torch.dtype], None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start without derived objects."""
        first = next(self.network.buffers(), None)
        self.place = torch.empty(0, device="cpu" if first is None else first.device)
        self.forget()

    @property
    def channels(self) -> int:
        """The number of channels of an image."""
        return len(self.normalization[0])

    @property
    def key(self) -> Hashable:
        """Equal for backbones that compute the same features of the same image."""
        if self.identity is None:
            self.identity = identity(self.network)
        return self.normalization, self.dtype, self.channels_last, self.identity

    def prepare(self, layers: tuple[str, ...], dtype: torch.dtype) -> None:
        """Make the derived objects for these layers and images of this dtype, now and again after
        they have been dropped.
        """
        self.prepared[layers, dtype] = None
        self.route(layers, self.dtype or dtype)
        self.constants(dtype)

    def serve(self, other: "Backbone") -> None:
        """Take over the preparations of another backbone. If one checkpoints, both do."""
        self.prepared |= other.prepared
        if other.checkpoint and not self.checkpoint:
            self.checkpoint = True
            self.forget()
        self.prepare_again()

    def prepare_again(self) -> None:
        """Make again what :meth:`prepare` has made before."""
        for layers, dtype in self.prepared:
            self.prepare(layers, dtype)

    def run(self, image: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        """Features of ``(N, C, H, W)``, in the dtype of the image, which is at least float32.

        Raises:
            ValueError: the image is too small for the layers.
        """
        route, paths = self.route(layers, self.dtype or image.dtype)
        factor, offset = self.constants(image.dtype)
        dtype = self.dtype or image.dtype
        # Under torch.vmap, an image has one dimension fewer.
        layout = torch.preserve_format if is_transformed() else self.layouts[dtype]
        x = torch.addcmul(offset, image, factor).to(dtype, memory_format=layout)
        try:
            found = route(x)
        except torch.OutOfMemoryError:
            raise
        except CANNOT_RUN as error:
            self._raise_if_too_small(image, layers, error)
            raise
        return {layer: found[paths[layer]].to(image.dtype) for layer in layers}

    def route(self, layers: tuple[str, ...], dtype: torch.dtype) -> tuple[Route, dict[str, str]]:
        """The function that runs the network up to these layers in this dtype, and the module path
        of each layer.
        """
        key = layers, dtype
        if key not in self.routes:
            # torch.compile cannot follow tracing, and removes unused operations itself.
            if torch.compiler.is_compiling():
                for (more, its_dtype), found in self.routes.items():
                    if its_dtype == dtype and set(layers) <= set(more):
                        return found
            with torch.inference_mode(False):
                self.routes[key] = self._route(layers, dtype)
        return self.routes[key]

    def _route(self, layers: tuple[str, ...], dtype: torch.dtype) -> tuple[Route, dict[str, str]]:
        known = [path for path, _ in self.network.named_modules(remove_duplicate=False) if path]
        paths = paths_of(layers, self.names, known, self.described)
        network = self._network_in(dtype)
        return route_of(
            network, tuple(dict.fromkeys(paths.values())), self.channels, checkpoint=self.checkpoint
        ), paths

    def constants(self, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Factor and offset of each channel ``(C, 1, 1)``, copied to the device once."""
        if dtype not in self.normalizations:
            with torch.inference_mode(False):
                factor, offset = (
                    torch.tensor(v, dtype=dtype, device=self.place.device)[:, None, None]
                    for v in self.normalization
                )
            self.normalizations[dtype] = factor, offset
        return self.normalizations[dtype]

    def least_side(self, layers: tuple[str, ...]) -> int:
        """The least side of a square image that reaches these layers, found by trying small images.

        Raises:
            ValueError: no image of up to 1024 pixels does. ``__cause__`` is the network's error for
                the largest one.
        """
        sides = (8, 32, 64, 128, 224, 256, 512, LARGEST_PROBE)
        enough = next((side for side in sides if self.probe(layers, side) is not None), None)
        if enough is None:
            raise ValueError(
                f"network {self.described} does not run on any square image of up to "
                f"{LARGEST_PROBE} pixels a side"
            )
        small = 0
        while enough - small > 1:
            side = (small + enough) // 2
            small, enough = (
                (small, side) if self.probe(layers, side) is not None else (side, enough)
            )
        return enough

    def probe(self, layers: tuple[str, ...], side: int) -> dict[str, Tensor] | None:
        """Features of a black image, ``None`` where the network cannot run on it."""
        dtype = self.dtype or torch.float32
        image = torch.zeros(1, self.channels, side, side, dtype=dtype, device=self.place.device)
        route, paths = self.route(layers, image.dtype)
        with torch.no_grad():
            try:
                found = route(image)
            except CANNOT_RUN:
                return None
        return {layer: found[paths[layer]] for layer in layers}

    def move(self, change: Callable[[Tensor], Tensor]) -> None:
        """Move the network with the module that holds it, but do not cast it. A model's ``.half()``
        would lower its precision, and ``.to_empty()`` would erase its weights.
        """
        device = device_of(change, self.place)
        if device != self.place.device:
            self.place = self.place.to(device)
            apply_to_tensors(self.network, lambda tensor: tensor.to(device))
            self.forget()

    def forget(self) -> None:
        """Drop derived objects."""
        self.networks: dict[torch.dtype, nn.Module] = {}
        self.layouts: dict[torch.dtype, torch.memory_format] = {}  # of an image in this dtype
        self.routes: dict[tuple[tuple[str, ...], torch.dtype], tuple[Route, dict[str, str]]] = {}
        self.normalizations: dict[torch.dtype, tuple[Tensor, Tensor]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """The state without derived objects."""
        return {name: value for name, value in vars(self).items() if name not in _DERIVED}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Start without derived objects."""
        vars(self).update(state)
        self.forget()

    def _network_in(self, dtype: torch.dtype) -> nn.Module:
        if dtype not in self.networks:
            is_channels_last = self._is_channels_last(dtype)
            self.networks[dtype] = in_dtype(self.network, dtype, channels_last=is_channels_last)
            self.layouts[dtype] = torch.channels_last if is_channels_last else torch.preserve_format
        return self.networks[dtype]

    def _is_channels_last(self, dtype: torch.dtype) -> bool:
        """Whether to use ``channels_last``: on request, or on a CPU, where oneDNN would rearrange
        other layouts before and after each convolution.
        """
        by_onednn = (
            _HAS_ONEDNN
            and self.place.device.type == "cpu"
            and dtype in (torch.float32, torch.bfloat16)
        )
        return self.channels_last or (by_onednn and is_plain_chain(self.network))

    def _raise_if_too_small(self, image: Tensor, layers: tuple[str, ...], error: Exception) -> None:
        side = min(image.shape[-2:])
        if (
            torch.compiler.is_compiling()
            or side >= LARGEST_PROBE
            or self.probe(layers, max(side, 1)) is not None
        ):
            return
        try:
            least = self.least_side(layers)
        except ValueError:  # it fails for every size, so the size is not the cause
            return
        if side < least:
            raise _checks.TooSmallError(
                f"image must be at least {least} pixels high and wide to reach "
                f"{', '.join(layers)} of {self.described}, got {tuple(image.shape)}; use "
                "shallower layers or larger images"
            ) from error
