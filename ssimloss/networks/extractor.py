"""A frozen network that returns the features of an image at the requested layers and stops after
the deepest one.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor, nn

from ssimloss import _checks, _debug, _options
from ssimloss._checks import DataRange
from ssimloss._options import Options, takes
from ssimloss._precision import computing_dtype, full_precision
from ssimloss._torch import FollowsMoves, plain
from ssimloss.networks._backbone import Backbone
from ssimloss.networks.pooling import POOLINGS, Pooling, replace_max_pools
from ssimloss.networks.sources import Digest, layers_of, source_of
from ssimloss.weights import Weights

Gray = Literal["repeat", "error"]
GRAY: tuple[str, ...] = get_args(Gray)
Normalization = Literal["imagenet", "none"] | tuple[Sequence[float], Sequence[float]]
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class ExtractorOptions(Options):
    """Options of :class:`FeatureExtractor`.

    Args:
        weights: ``"imagenet"``, another of torchvision's names, a path, a state dict in
            torchvision's layout, or ``"random"``, which is the same random numbers every time and
            leaves the global random generators alone. For ``"embedded"`` the default loads its own
            weights. Leave it out if ``network`` is a module.
        data_range: the range of the image's values: ``L`` for ``[0, L]``, or ``(lo, hi)``. The
            image is scaled to [0, 1] first.
        normalization: applied to the image in [0, 1]. ``"imagenet"`` subtracts ImageNet's mean and
            divides by its standard deviation, ``"none"`` does nothing. ``(mean, std)`` has one
            number per channel, which sets the number of channels.
        gray: ``"repeat"`` repeats a one-channel image for every channel of the network,
            ``"error"`` raises for it.
        pooling: replaces the network's ``nn.MaxPool2d``: ``"max"`` keeps it, ``"average"`` averages
            the same windows, ``"l2"`` pools as DISTS does.
        dtype: dtype of the convolutions, for example ``torch.bfloat16``. ``None`` means float64 for
            float64 images and float32 otherwise. ``torch.float16`` raises, because small gradients
            underflow in it.
        channels_last: whether the convolutions run in this memory format.
        checkpoint: whether to keep no activations. The backward pass then runs the network again.

    Raises:
        TypeError, ValueError: arguments have a wrong type, names or layers are unknown, or weights
            belong to another architecture.
        RuntimeError: a weight file is missing or damaged. The error names it and how to get it.
    """

    weights: Weights = "imagenet"
    data_range: DataRange = 1.0
    normalization: Normalization = "imagenet"
    gray: Gray = "repeat"
    pooling: Pooling = "max"
    dtype: torch.dtype | None = None
    channels_last: bool = False
    checkpoint: bool = False

    def __post_init__(self) -> None:
        """Check the options that do not depend on the network."""
        super().__post_init__()
        _checks.choice("gray", self.gray, GRAY)
        _checks.choice("pooling", self.pooling, POOLINGS)
        if self.dtype is not None and not (
            isinstance(self.dtype, torch.dtype) and self.dtype.is_floating_point
        ):
            raise TypeError(
                f"dtype must be a floating point torch.dtype or None, got {self.dtype!r}"
            )
        if self.dtype is torch.float16:
            raise ValueError(
                "dtype must not be torch.float16, in which the gradient of a loss with a small "
                "weight underflows to 0; use torch.bfloat16"
            )
        _checks.data_range(self.data_range)
        mean_and_std(self.normalization)

    @property
    def scaling(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Factor and offset per channel that map ``data_range`` to the network's input."""
        lo, span = _checks.data_range(self.data_range)
        mean, std = mean_and_std(self.normalization)
        return (
            tuple(1 / (span * s) for s in std),
            tuple(-(lo / span + m) / s for m, s in zip(mean, std, strict=True)),
        )


def _defaults() -> dict[str, Any]:
    """The defaults of the options."""
    parameters = _options.without(ExtractorOptions, ())
    return {name: parameter.default for name, parameter in parameters.items()}


@takes(ExtractorOptions)
class FeatureExtractor(FollowsMoves):
    """Features of a frozen network: image ``(N, C, H, W)`` -> ``{layer: (N, C_l, H_l, W_l)}``.

    The network has no parameters and no entry in a ``state_dict()``, and stays in ``eval()`` under
    ``.train()``. It follows ``.to(device)`` of the model that holds the extractor, and keeps its
    precision under ``.half()`` and ``.double()``. Gradients reach the image; for an image without
    ``requires_grad``, no graph is made.

    Args:
        network: a name of torchvision's classification models (``"vgg19"``, ``"alexnet"``,
            ``"resnet50"``, ...), ``"embedded"``, or any ``nn.Module`` that takes an image, of which
            a frozen copy is made.
        layers: readable names (``conv5_4``, ``relu3_3``, ``fire7``) or module paths
            (``features.28``, ``layer3.1.conv2``); :meth:`available_layers` lists them. The features
            of a convolution are those before its activation, even if that works in place.
    """

    layers: tuple[str, ...]
    gray: Gray
    pooling: Pooling
    data_range: DataRange = 1.0
    shared: Callable[[Tensor], dict[str, Tensor]] | None
    # Shown by extra_repr; a pickle of an older version has neither.
    _shown: Mapping[str, Any] = MappingProxyType({})
    _has_own_weights = False

    @torch.inference_mode(False)
    def __init__(  # noqa: D107 - the class has the arguments
        self, network: str | nn.Module, layers: Sequence[str], **options: Any
    ) -> None:
        super().__init__()
        self.layers = layer_names(layers)
        made = ExtractorOptions.make(options, type(self).__name__)
        source = source_of(network, self.layers, made.weights)
        self.gray, self.pooling, self.data_range = made.gray, made.pooling, made.data_range
        self.shared = None
        self._backbone = Backbone(
            replace_max_pools(source.network, made.pooling),
            source.described,
            source.names,
            made.scaling,
            made.dtype,
            made.channels_last,
            made.checkpoint,
        )
        options = made.as_dict()
        own = isinstance(network, nn.Module) or isinstance(made.weights, Mapping)
        if own or source.described == "embedded":  # "embedded" has its own weights
            options.pop("weights")
        self._shown = _options.telling(options, _defaults())
        self._has_own_weights = own
        self.prepare(self.layers)

    @staticmethod
    def available_layers(network: str | nn.Module) -> tuple[str, ...]:
        """List every layer of a network: readable names first, then module paths."""
        return layers_of(network)

    @property
    def network(self) -> nn.Module:
        """The frozen network; for a chain such as VGG, the part that contains the layers."""
        return self._backbone.network

    @property
    def sharing_key(self) -> Hashable:
        """Equal for extractors that compute the same features of the same image. The layers that
        they return and their device do not matter.
        """
        return self.gray, self._backbone.key

    def adopt(self, other: "FeatureExtractor") -> None:
        """Hold the network of an extractor with equal ``sharing_key`` instead of a copy of it. If
        either checkpoints, both do.
        """
        if other.sharing_key != self.sharing_key:
            raise ValueError(
                "other must have the network, weights and input of this extractor, got one with "
                "another sharing_key"
            )
        other._backbone.serve(self._backbone)
        self._backbone = other._backbone

    def prepare(self, layers: Sequence[str]) -> None:
        """Do in advance what :meth:`features` does once for each new set of layers: look them up
        and trace the network.

        Raises:
            ValueError: a layer is unknown.
        """
        self._backbone.prepare(layer_names(layers), torch.float32)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Return the features at ``layers``: float64 for float64 images, otherwise float32.

        Raises:
            TypeError: the image has integers.
            ValueError: the image has another number of channels (for example an alpha channel), is
                on another device, or is too small for the deepest layer.
        """
        if self.shared is not None:
            found = self.shared(image)
            return {layer: found[layer] for layer in self.layers}
        return self.features(image, self.layers)

    @full_precision
    def features(self, image: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        """Return the features at any layers of the network, regardless of ``layers`` and
        ``shared``.
        """
        self._check(image)
        if _debug.STATE.enabled:
            _debug.check(type(self).__name__, {"image": image}, data_range=self.data_range)
        image = plain(image)
        image = image.to(computing_dtype(image))
        return self._backbone.run(image.expand(-1, self._backbone.channels, -1, -1), layers)

    def channels(self) -> dict[str, int]:
        """Channels of the features at each of ``layers``, found with a small image."""
        found = self._backbone.probe(self.layers, self.least_side())
        assert found is not None
        return {layer: values.shape[1] for layer, values in found.items()}

    def least_side(self) -> int:
        """The least side of a square image that reaches the deepest of ``layers``, found by trying
        small ones.
        """
        return self._backbone.least_side(self.layers)

    def extra_repr(self) -> str:
        """Show the network, the layers and all other settings that affect the features. Weights
        without a name are shown by their digest.
        """
        shown = [f"{self._backbone.described!r}", f"layers={self.layers!r}"]
        if self._has_own_weights:
            shown.append(f"weights={Digest(self.network.buffers())!r}")
        return ", ".join([*shown, *(f"{name}={value!r}" for name, value in self._shown.items())])

    def _check(self, image: Tensor) -> None:
        _checks.image("image", image)
        channels, expected, device = (
            image.shape[1],
            self._backbone.channels,
            self._backbone.place.device,
        )
        if channels == 1 and expected > 1 and self.gray == "error":
            raise ValueError(
                f"image must have {expected} channels, got 1; gray='repeat' repeats it"
            )
        if channels not in (1, expected):
            alpha = (
                f"; remove an alpha channel by image[:, :{channels - 1}]"
                if channels in (2, expected + 1)
                else ""
            )
            raise ValueError(f"image must have {expected} channels, got {channels}{alpha}")
        if image.device != device:
            raise ValueError(
                f"image must be on the device of the network ({device}), got {image.device}; move "
                "one of them with .to()"
            )

    def _moved(self, fn: Callable[[Tensor], Tensor]) -> None:
        """Move the network, but never cast it."""
        self._backbone.move(fn)
        self._backbone.prepare_again()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state, and trace the network again, because pickles do not hold its graph."""
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._backbone.prepare_again()


def layer_names(layers: Sequence[str]) -> tuple[str, ...]:
    """Check that ``layers`` is a non-empty sequence of different names."""
    if isinstance(layers, str) or not isinstance(layers, Sequence):
        raise TypeError(
            f"layers must be a sequence of names, got {type(layers).__name__} {layers!r}; pass a "
            "list"
        )
    for layer in layers:
        if not isinstance(layer, str):
            raise TypeError(f"layers must hold names, got {type(layer).__name__} {layer!r}")
    if not layers or len(set(layers)) != len(layers):
        raise ValueError(
            f"layers must name at least one layer, and each once, got {tuple(layers)!r}"
        )
    return tuple(layers)


def mean_and_std(normalization: Normalization) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation, with one number per channel each.

    Raises:
        ValueError: a name is unknown, the numbers differ in count, or ``std`` is not positive.
    """
    if isinstance(normalization, str):
        _checks.choice("normalization", normalization, ("imagenet", "none"))
        return (
            (IMAGENET_MEAN, IMAGENET_STD)
            if normalization == "imagenet"
            else ((0.0,) * 3, (1.0,) * 3)
        )
    if (
        not isinstance(normalization, Sequence)
        or len(normalization) != 2
        or len(normalization[0]) != len(normalization[1])
    ):
        raise ValueError(
            "normalization must be 'imagenet', 'none' or (mean, std) with one number per channel, "
            f"got {normalization!r}"
        )
    mean, std = cast("tuple[Sequence[float], Sequence[float]]", normalization)
    if not mean:
        raise ValueError("normalization must have one number per channel, got empty sequences")
    means = tuple(_checks.number(f"normalization[0][{i}]", value) for i, value in enumerate(mean))
    return means, tuple(
        _checks.positive(f"normalization[1][{i}]", value) for i, value in enumerate(std)
    )
