"""Base classes of the losses that compare features of a frozen network."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from ssimloss import _checks, _debug
from ssimloss._keywords import inputs
from ssimloss._options import Options, Reduced
from ssimloss._precision import moved, native_dtype
from ssimloss._references import of_reference
from ssimloss._torch import device_of
from ssimloss.functional.features import Features, check_precomputed, without_masked_pixels
from ssimloss.losses._base import ImageLoss
from ssimloss.measure import Measure
from ssimloss.networks import ExtractorOptions, FeatureExtractor, UsualLayers, Weights
from ssimloss.networks.sources import Digest

OF_MEASURE, OF_EXTRACTOR = 0, 1  # the places of the records of a FeatureLoss
MASK = "mask of the target"  # key among precomputed features; no layer has this name


class FeatureLoss(ImageLoss):
    """A measure of features, and the ``extractor`` that returns them.

    A subclass has two records: that of its ``measure``, then :class:`ExtractorOptions`. It calls
    :meth:`_extract_with` once its options are checked. The options of the extractor cannot be set
    later.

    The network has no parameters and is not part of a state dict. The same holds for learned
    constants (heads), which keep their own dtype.
    """

    measure: ClassVar[Measure]
    extractor: FeatureExtractor
    weights: Weights
    _given: tuple[str, ...] = ()  # names of constants that replace the published ones

    def _extract_with(self, network: str | nn.Module, layers: Sequence[str], **fixed: Any) -> None:
        """Build the extractor; ``fixed`` are the options that a subclass leaves out."""
        options = self._records[OF_EXTRACTOR].as_dict() | fixed
        extractor = FeatureExtractor(network, layers, **options)
        if isinstance(options["weights"], Mapping):
            self.__dict__["weights"] = {}  # the network has them; no second copy is kept
        self._constants: dict[str, list[Tensor]] = {}
        self.extractor = extractor

    def extract(self, image: Tensor) -> dict[str, Tensor]:
        """Compute the features of a target once. Pass them as ``target`` when the same target is
        used in many calls.

        Args:
            image: ``(N, C, H, W)`` with values in ``data_range``.

        Returns:
            What the loss compares, by name of the layer. It carries a graph only if the image does.
        """
        return self._features(image)

    @inputs
    def forward(self, pred: Tensor, target: Tensor | Features) -> Tensor:
        """The loss of images ``(N, C, H, W)``; ``target`` may be what :meth:`extract` returned."""
        return self._measured(self._both(pred, target), pred, target)

    def _features(self, image: Tensor) -> dict[str, Tensor]:
        """The features of an image that the measure compares."""
        return self.extractor(image)

    def _both(self, pred: Tensor, target: Tensor | Features) -> tuple[Any, Any]:
        """Features of both images; those of the target may be precomputed."""
        if _debug.STATE.enabled:
            images = {"pred": pred, "target": target}
            _debug.check(type(self).__name__, images, data_range=self.range_in_use)
        if isinstance(target, Mapping):
            _checks.image("pred", pred)
            found = self._features(pred)
            check_precomputed(target, found)
            return found, target
        _checks.images(pred, target)
        return self._features(pred), of_reference(self._features, target)

    def _measured(
        self, both: tuple[Any, Any], pred: Tensor, target: Tensor | Features, **tensors: Any
    ) -> Tensor:
        """The measure of two features. Unreduced, it has the dtype of the images: features of half
        precision images are float32.
        """
        values = self.measure.evaluate(both, self.record(OF_MEASURE), tensors, True)
        if cast("Reduced", self._records[OF_MEASURE]).reduction != "none":
            return values
        return values.to(pred.dtype if isinstance(target, Mapping) else native_dtype(pred, target))

    def _moved(self, fn: Callable[[Tensor], Tensor]) -> None:
        """Move constants with the module, but do not cast them: ``.half()`` would round them."""
        super()._moved(fn)
        for name, tensors in self._constants.items():
            self._constants[name] = [moved(tensor, device_of(fn, tensor)) for tensor in tensors]

    def _settings(self) -> dict[str, Any]:
        """The options of the measure, and constants that were given, without the extractor's."""
        options = super()._settings()
        own = {k: v for k, v in options.items() if self._places[k] != OF_EXTRACTOR}
        return own | {name: Digest(self._constants[name]) for name in self._given}

    def _record(self, place: int, changed: Mapping[str, Any]) -> Options:
        if place == OF_EXTRACTOR and changed and hasattr(self, "extractor"):
            name = next(iter(changed))
            raise AttributeError(
                f"{name} must be set when {type(self).__name__} is built, because its network is "
                f"built with it; build another one with {name}={changed[name]!r}"
            )
        if "layers" in changed and hasattr(self, "extractor"):
            built = self.extractor.layers
            unknown = [layer for layer in changed["layers"] if layer not in built]
            if unknown:
                raise ValueError(
                    f"layers must be among those that {type(self).__name__} was built with, "
                    f"{list(built)}, got {unknown}; build another one with them"
                )
        return super()._record(place, changed)


class MaskedLoss(FeatureLoss):
    """A measure of features that takes weights of pixels.

    Pixels of weight 0 are set to gray in both images before the network runs, so that they do not
    influence features nearby. The weight of a feature is the mean weight of the pixels of its area.
    """

    @inputs
    def extract(self, image: Tensor, *, mask: Tensor | None = None) -> dict[str, Tensor]:
        """Compute the features of a target once, with its mask if it has one. Pass them as
        ``target``.

        Args:
            image: ``(N, C, H, W)`` with values in ``data_range``.
            mask: weights ``(N, 1 or C, H, W)``, which the features carry along.

        Returns:
            What the loss compares, by name of the layer. It carries a graph only if the image does.
        """
        if mask is None:
            return self._features(image)
        _checks.image("image", image)
        _checks.mask(mask, image)
        return {**self._features(self._without_masked(image, mask)), MASK: mask}

    @inputs
    def forward(
        self, pred: Tensor, target: Tensor | Features, *, mask: Tensor | None = None
    ) -> Tensor:
        """The loss of images ``(N, C, H, W)``; ``target`` may be what :meth:`extract` returned."""
        if isinstance(target, Mapping):
            if mask is not None:
                raise ValueError(
                    "mask must be None with features in place of target; pass it to "
                    "extract(target, mask=mask), which keeps it"
                )
            mask = target.get(MASK)
            target = {layer: features for layer, features in target.items() if layer != MASK}
            _checks.image("pred", pred)
        else:
            _checks.images(pred, target)
        _checks.mask(mask, pred)
        if mask is not None:
            pred = self._without_masked(pred, mask)
            if isinstance(target, Tensor):
                target = self._without_masked(target, mask)
        both = self._both(pred, target)
        return self._measured(both, pred, target, mask=mask, **self._beside(pred))

    def _beside(self, pred: Tensor) -> dict[str, Any]:
        """Further keyword arguments of the measure."""
        del pred
        return {}

    def _without_masked(self, image: Tensor, mask: Tensor) -> Tensor:
        of_extractor = cast("ExtractorOptions", self._records[OF_EXTRACTOR])
        return without_masked_pixels(image, mask, of_extractor.data_range)


class LayeredLoss(FeatureLoss):
    """A measure of features layer by layer. The network runs up to the last layer whose weight is
    not 0.

    A subclass defines in ``usual`` which layers it compares by default.
    """

    usual: ClassVar[UsualLayers]
    layers: Mapping[str, float]
    _is_usual: bool = False  # of pickles of older versions

    def __init_subclass__(
        cls, records: tuple[type[Options], ...] | None = None, **kwargs: Any
    ) -> None:
        """The default of ``layers`` follows from the network."""
        defaults = {"defaults": {"layers": None}} if records else {}
        super().__init_subclass__(records=records, **defaults, **kwargs)

    def __init__(self, network: str | nn.Module = "vgg19", **options: Any) -> None:
        is_named = options.get("layers") is not None
        if not is_named:  # layers of a VGG until the other options are checked
            options["layers"] = dict.fromkeys(self.usual.of_vgg, 1.0)
        super().__init__(**options)
        layers = self.layers if is_named else self.usual.weights(network)
        self.layers = {layer: weight for layer, weight in layers.items() if weight}
        self._is_usual = not is_named
        self._extract_with(network, list(self.layers))

    def _settings(self) -> dict[str, Any]:
        """The options, without layers that follow from the network; the extractor shows those."""
        options = super()._settings()
        follow = self._is_usual and self.layers == dict.fromkeys(self.extractor.layers, 1.0)
        return {k: v for k, v in options.items() if k != "layers" or not follow}


def constants(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Copies without a graph. Training can use them even if they were made in inference mode."""
    with torch.inference_mode(False):
        return [tensor.detach().clone() for tensor in tensors]
