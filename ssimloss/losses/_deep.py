"""A loss between features of a frozen network: what the modules over deep
features have in common.
"""

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._checks import DataRange
from ssimloss._precision import native_dtype
from ssimloss._torch import FollowsMoves, device_of
from ssimloss.functional.features import Features, check_precomputed
from ssimloss.losses._bound import ImageLoss
from ssimloss.networks import FeatureExtractor


class FeatureLoss(ImageLoss, FollowsMoves):
    """Owns the ``extractor``, and keeps the keyword options of one function of features as
    attributes, checked when it is built.

    The network has no parameter, and nothing of it is in a state dict. Learned constants (heads)
    are kept likewise, in their own dtype.
    """

    extractor: FeatureExtractor
    data_range: DataRange

    def __init__(
        self,
        extractor: FeatureExtractor,
        settings: Mapping[str, Any],
        check: Callable[..., object],
        **options: Any,
    ) -> None:
        """``settings`` are the extractor's options, for display; ``options`` those of the
        function.
        """
        super().__init__(check, **options)
        self.extractor = extractor
        self.data_range = settings["data_range"]
        self._settings = {
            name: value for name, value in settings.items() if not isinstance(value, Mapping)
        }  # not a state dict
        self._constants: dict[str, list[Tensor]] = {}

    def extract(self, image: Tensor) -> dict[str, Tensor]:
        """Features of a target, to be passed in its place: for a target that is compared with many
        times.

        Args:
            image: ``(N, C, H, W)`` with values in ``data_range``.

        Returns:
            What the loss compares, by name of the layer. It carries a graph only if the image does.
        """
        return self.extractor(image)  # type: ignore[no-any-return]

    def _both(self, pred: Tensor, target: Tensor | Features) -> tuple[Features, Features]:
        """Features of the two; the target's may have been computed before."""
        if isinstance(target, Mapping):
            _checks.image("pred", pred)
            found = self.extract(pred)
            check_precomputed(target, found)
            return found, target
        _checks.images(pred, target)
        return self.extract(pred), self.extract(target)

    def _native(self, values: Tensor, pred: Tensor, target: Tensor | Features) -> Tensor:
        """Unreduced results in the dtype of the images; features of half precision images are
        float32.
        """
        if self.reduction != "none":
            return values
        return values.to(pred.dtype if isinstance(target, Mapping) else native_dtype(pred, target))

    def _moved(self, fn: Callable[[Tensor], Tensor]) -> None:
        """Move constants with the module, without a cast: a model's ``.half()`` would round
        them.
        """
        for name, tensors in self._constants.items():
            self._constants[name] = [tensor.to(device_of(fn, tensor)) for tensor in tensors]

    def extra_repr(self) -> str:
        """Show the options that differ from their defaults, and the extractor's."""
        own = super().extra_repr()
        defaults = _defaults(type(self))
        shown = [
            f"{name}={value!r}"
            for name, value in self._settings.items()
            if name in defaults and _differs(value, defaults[name])
        ]
        return ", ".join([own, *shown] if own else shown)


def counted(layers: Mapping[str, float]) -> dict[str, float]:
    """The layers that weigh something: to the others the network need not run."""
    return {layer: weight for layer, weight in layers.items() if weight}


def extractor_settings(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Those arguments of a module, ``locals()`` at the start of its ``__init__``, that are options
    of the extractor by the same name.
    """
    options = inspect.signature(FeatureExtractor).parameters.values()
    return {
        option.name: arguments[option.name]
        for option in options
        if option.kind is option.KEYWORD_ONLY and option.name in arguments
    }


def _defaults(kind: type) -> dict[str, Any]:
    return {
        name: parameter.default for name, parameter in inspect.signature(kind).parameters.items()
    }


def _differs(value: object, default: object) -> bool:
    return (
        isinstance(value, str | int | float | tuple | torch.dtype | os.PathLike)
        and value != default
    )


def constants(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Copies without a graph, to be trained with even if they were made in inference mode."""
    with torch.inference_mode(False):
        return [tensor.detach().clone() for tensor in tensors]
