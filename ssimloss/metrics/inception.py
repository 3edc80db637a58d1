"""FID, KID and Inception score from one pass of one network: the Inception of 2015, as
torch-fidelity runs it.

8-bit images are resized to 299 as TensorFlow 1 did, bilinearly and without antialiasing. The
metric keeps the network's 2048 pooled features and computes all three numbers from them in float64.
"""

import io
from collections.abc import Sequence
from typing import Any, Literal, cast, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributed import ProcessGroup
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torchmetrics.utilities.distributed import gather_all_tensors
from typing_extensions import Unpack

from ssimloss import _checks, _ranges
from ssimloss._checks import DataRange
from ssimloss._keywords import keywords
from ssimloss._precision import full_precision, in_ieee, to_float64_device
from ssimloss._torch import plain
from ssimloss._words import named
from ssimloss.metrics._image_metric import OF_TORCHMETRICS, MovedMetric, OfTorchmetrics, given
from ssimloss.metrics._rows import (
    SAME,
    Index,
    add_rows,
    are_indexed,
    check_repeated,
    in_order,
    no_rows,
    places,
    plain_rows,
    rows_of,
)
from ssimloss.metrics.distributions import frechet_distance, inception_score, kernel_distance
from ssimloss.networks import Weights
from ssimloss.networks.sources import Digest, load_inception, own_copy

SetMeasure = Literal["fid", "kid", "is"]
SET_MEASURES: tuple[str, ...] = get_args(SetMeasure)
FEATURES = 2048
SETS = ("real", "fake")


class _Unloaded(FeatureExtractorInceptionV3):
    """torch-fidelity's network before it has weights, which its own constructor would download."""

    def __init__(self) -> None:
        nothing = io.BytesIO()
        torch.save({}, nothing)
        nothing.seek(0)
        super().__init__("inception-v3-compat", ["2048"], feature_extractor_weights_path=nothing)

    def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> Any:
        return (
            super().load_state_dict(state_dict, strict=strict, assign=assign)
            if state_dict
            else None
        )


class InceptionMetrics(MovedMetric):
    """FID, KID and Inception score of generated images.

    Args:
        measures: which of ``"fid"``, ``"kid"``, ``"is"``; the network runs once over each image
            for all of them.
        weights: ``"imagenet"``, the weights of published FIDs
            (``ssimloss weights fetch inception``), a path, a state dict in torch-fidelity's layout,
            or ``"random"``.
        network: a network to use instead: a module from images ``(N, 3, H, W)``, float32 in [0, 1],
            to features ``(N, D)``. A frozen copy is made. The module must resize and normalise
            images itself. Values of two networks cannot be compared.
        head: for ``"is"`` with a ``network``: a module from its features to logits ``(N, K)`` of
            classes.
        data_range: data range of float images, which are clamped to it and rounded to 8 bit; uint8
            images are used unchanged.
        subsets, subset_size: subsets of KID, see :func:`kernel_distance`.
        splits: splits of the Inception score, see :func:`inception_score`.
        shuffle: shuffle the images for the splits of the Inception score, the same way every time.
        seed: seed of that order and of the subsets of KID; 2020 is torch-fidelity's.
        process_group: the processes of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...

    Call ``update(images, real=True)`` for images of the data set and ``update(images, real=False)``
    for generated images, with the ``index`` of each image in its set if a sampler may repeat
    images. ``compute()`` returns ``{"fid": ..., "kid": ..., "kid_std": ..., "is": ..., "is_std":
    ...}``. The metric stores 8 kB per image.

    Raises:
        ValueError: a measure is unknown, a number is out of its range, ``weights`` is given with a
            network, or ``"is"`` has a network but no head.
        TypeError: ``network`` or ``head`` is not a module.
        RuntimeError: the weights are not installed; the error states how to get them.

    Source: agrees with torch-fidelity 0.4 on the same images to 1e-6 of the value, except where
    that is inexact (see docs/metrics.md). Subsets and splits use the images in the order of their
    indices, or of the updates without an index.
    """

    is_differentiable = False
    full_state_update = False
    higher_is_better = None

    @keywords(beside=OF_TORCHMETRICS)
    def __init__(
        self,
        measures: Sequence[SetMeasure] = ("fid", "kid", "is"),
        *,
        weights: Weights = "imagenet",
        network: nn.Module | None = None,
        head: nn.Module | None = None,
        data_range: DataRange = 1.0,
        subsets: int = 100,
        subset_size: int = 1000,
        splits: int = 10,
        shuffle: bool = True,
        seed: int = 2020,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None:
        super().__init__(process_group=process_group, **of_torchmetrics)
        wanted = () if isinstance(measures, str) else tuple(measures)
        found = tuple(cast("SetMeasure", named("measures", w, SET_MEASURES)) for w in wanted)
        if not found or len(set(found)) != len(found):
            raise ValueError(
                f"measures must be a list that names each measure once, got {measures!r}"
            )
        _checks.data_range(data_range)
        self.measures = found
        self.data_range = data_range
        self.subsets = _checks.count("subsets", subsets)
        self.subset_size = _checks.count("subset_size", subset_size, least=2)
        self.splits = _checks.count("splits", splits)
        self.shuffle = shuffle
        self.seed = _checks.count("seed", seed, least=0)
        self.head: nn.Module | None = None
        self._weights = weights if network is None and isinstance(weights, str) else None
        self.features: int | None = FEATURES  # None before the first images of another network
        if network is None:
            if head is not None:
                raise ValueError("head must be None without a network, whose features it takes")
            self.network: nn.Module = load_inception(_Unloaded, weights)
        else:
            self._take(network, head, weights)
        for name in SETS:
            self.add_state(f"{name}_features", [], dist_reduce_fx="cat")
            self.add_state(f"{name}_index", [], dist_reduce_fx="cat")  # rows (K, 1) without values

    def _take(self, network: nn.Module, head: nn.Module | None, weights: Weights) -> None:
        """Use copies of a network of the caller's own and of its head."""
        for name, module in (("network", network), ("head", head)):
            if module is not None and (
                not isinstance(module, nn.Module) or isinstance(module, type)
            ):
                raise TypeError(
                    f"{name} must be a torch.nn.Module, got {type(module).__name__} {module!r}"
                )
        if not isinstance(weights, str) or weights != "imagenet":
            raise ValueError(
                "weights must be left out with a network, which has its own, got "
                f"{weights if isinstance(weights, str) else type(weights).__name__!r}"
            )
        if "is" in self.measures and head is None:
            raise ValueError(
                "measures with 'is' need head, a module that returns logits of classes of the "
                "network's features: head=network.fc of a ResNet, for example"
            )
        self.features = None
        self.network = own_copy(network)
        self.head = None if head is None else own_copy(head)

    def extra_repr(self) -> str:
        """Show the options; weights that have no name are shown by their digest."""
        tensors = (*self.network.parameters(), *self.network.buffers())
        shown = {
            "measures": self.measures,
            "weights": self._weights or Digest(tensor.detach() for tensor in tensors),
            "data_range": self.data_range,
        }
        names = {"kid": ("subsets", "subset_size", "seed"), "is": ("splits", "shuffle", "seed")}
        used = [name for wanted in self.measures for name in names.get(wanted, ())]
        shown |= {name: getattr(self, name) for name in used}
        return ", ".join(f"{name}={value!r}" for name, value in shown.items())

    @torch.no_grad()
    def extract(self, images: Tensor) -> Tensor:
        """The features, float32 ``(N, 2048)``, or ``(N, D)`` of another network.

        A gray image is used for all three channels. If an image contains NaN, its features are NaN.

        Args:
            images: ``(N, 3, H, W)`` or ``(N, 1, H, W)``, uint8 or, in ``data_range``, floating
                point.

        Raises:
            ValueError: the shape is another one.
            TypeError: integer tensors other than uint8.
        """
        images, spoilt = plain(images), None
        if not isinstance(images, Tensor) or images.dtype is not torch.uint8:
            _checks.image("images", images)
            spoilt = images.isnan().flatten(1).any(1)  # and would be black in 8 bit
            lo, span = _checks.data_range(self.data_range)
            unit = (images.to(torch.promote_types(images.dtype, torch.float32)) - lo) / span
            images = (unit.clamp(0, 1) * 255).round().to(torch.uint8)
        if images.ndim != 4 or images.shape[1] not in (1, 3):
            raise ValueError(
                "images must have shape (N, 3, H, W) or, gray, (N, 1, H, W), got "
                f"{tuple(images.shape)}"
            )
        features = self._run(images.expand(-1, 3, -1, -1))
        return features if spoilt is None else features.masked_fill(spoilt[:, None], torch.nan)

    @full_precision
    @in_ieee
    def _run(self, images: Tensor) -> Tensor:
        if not len(images):
            width = self.features or 1
            return torch.zeros(0, width, dtype=torch.float32, device=images.device)
        if isinstance(self.network, _Unloaded):
            features: Tensor = self.network(images)[0]
            return features
        return self._checked(self.network(images.float() / 255), len(images))

    def _checked(self, features: Any, count: int) -> Tensor:
        """Check the features of the caller's network."""
        if not isinstance(features, Tensor) or features.ndim != 2 or len(features) != count:
            found = tuple(features.shape) if isinstance(features, Tensor) else type(features)
            raise ValueError(
                f"network must return features (N, D) of {count} images, got {found}; pool and "
                "flatten them in the module"
            )
        if self.features not in (None, features.shape[1]):
            raise ValueError(
                f"network must return as many features for all images, got {features.shape[1]} "
                f"after {self.features}"
            )
        self.features = features.shape[1]
        return features.float()

    def update(
        self,
        images: Tensor | None = None,
        real: bool | None = None,
        index: Index | None = None,
        *,
        imgs: Tensor | None = None,
    ) -> None:
        """Add images of the data set or generated ones.

        Args:
            images: uint8 or, in ``data_range``, floating point ``(N, 3, H, W)``; batches may differ
                in size.
            real: whether they are images of the data set.
            index: the position of each image in its set; pass it in all updates, or in none.
            imgs: another name for ``images``, used by torchmetrics' own classes in a
                ``MetricCollection``.

        Raises:
            ValueError, TypeError: as in :meth:`extract`; ``index`` is not one integer per image.
        """
        images = given(self, "images", images, "imgs", imgs)
        if not isinstance(real, bool):
            raise TypeError(f"real must be True or False, got {real!r}")
        name = "real" if real else "fake"
        features = self.extract(images)
        if images.dtype is not torch.uint8:
            found = _ranges.nothing(len(SETS), images.device)
            found[SETS.index(name)] = _ranges.count(images, data_range=self.data_range)[0]
            self._add_counts(found)
        place = rows_of(places(index, len(features), features.device))
        if len(features):
            add_rows(getattr(self, f"{name}_features"), features)
            add_rows(getattr(self, f"{name}_index"), place)

    def compute(self) -> dict[str, Tensor]:
        """The measures, float64 scalars; NaN if an image of their sets contains NaN.

        Raises:
            RuntimeError: there are too few images.
            ValueError: there are fewer images than ``subset_size`` or ``splits``, only some updates
                have an index, an index is negative, or different images have the same index.
        """
        self._tell_range(self.data_range, SETS)
        compares = bool(set(self.measures) - {"is"})
        fake = self._set("fake", least=2 if compares else 1)
        return self.of_features(self._set("real", least=2) if compares else fake[:0], fake)

    @torch.no_grad()
    def of_features(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """The measures of two sets of features, as :meth:`extract` returns them.

        Args:
            real, fake: ``(N, D)`` and ``(M, D)`` on one device; the Inception score uses ``fake``
                only.

        Raises:
            ValueError: there are fewer images than ``subset_size`` or ``splits``.
        """
        found = {}
        no_number = to_float64_device(fake.new_full((), torch.nan)).double()
        if "fid" in self.measures or "kid" in self.measures:
            known = bool(real.isfinite().all() and fake.isfinite().all())
            if "fid" in self.measures:
                found["fid"] = frechet_distance(real, fake) if known else no_number
            if "kid" in self.measures:
                options = {
                    "subsets": self.subsets,
                    "subset_size": self.subset_size,
                    "seed": self.seed,
                }
                of_subsets = kernel_distance(fake, real, **options)
                found["kid"], found["kid_std"] = (
                    of_subsets if known else (no_number, no_number)
                )  # no subset may hold the image
        if "is" in self.measures:
            if len(fake) < self.splits:
                raise ValueError(
                    f"splits must be at most the number of generated images, {len(fake)}, got "
                    f"{self.splits}; gather more images, or use splits={len(fake)}, which no other "
                    "value can be compared with"
                )
            logits = self._logits(fake)
            if self.shuffle:
                logits = logits[
                    torch.from_numpy(np.random.RandomState(self.seed).permutation(len(logits))).to(
                        logits.device
                    )
                ]
            found["is"], found["is_std"] = inception_score(logits, splits=self.splits)
        return found

    @full_precision
    @in_ieee
    def _logits(self, features: Tensor) -> Tensor:
        """Without the bias, as in the original implementation."""
        if self.head is not None:
            of_head: Tensor = self.head(features)
            return of_head
        logits: Tensor = features @ self.network.get_submodule("fc").get_buffer("weight").T
        return logits

    def _set(self, name: str, least: int) -> Tensor:
        """The features of each image once, in the order of the index."""
        features, index = (
            self._joined(getattr(self, f"{name}_{what}"), width)
            for what, width in (("features", self.features), ("index", 1))
        )
        if len(features) < least:
            which = (
                "images of the data set: update(images, real=True)"
                if name == "real"
                else "generated images: update(images, real=False)"
            )
            raise RuntimeError(
                f"{', '.join(self.measures)} need at least {least} {which}; there were "
                f"{len(features)} since the last reset()"
            )
        place = plain_rows(index).flatten()
        if not are_indexed(place):
            return features
        order, again = in_order(place)
        features = features[order.to(features.device)]
        distance = (features[1:] - features[:-1]).norm(dim=1).to(place.device)
        allowed = SAME[0] * features[1:].norm(dim=1).to(place.device)
        check_repeated(place[order], again, distance, allowed)
        return features[~again.to(features.device)]

    def _joined(self, rows: list[Tensor] | Tensor, width: int | None) -> Tensor:
        if isinstance(rows, Tensor):
            return rows
        if rows:
            return torch.cat(rows)
        if width == 1:
            return no_rows(0, self.device)
        # Nobody knows how many features another network has.
        return torch.zeros(0, width or 1, dtype=torch.float32, device=self.device)

    def sync(self, dist_sync_fn: Any = None, *arguments: Any, **options: Any) -> None:
        """As in ``torchmetrics``; a process without images takes part in the exchange with none."""
        for name in SETS:
            for what, width in (("features", self.features), ("index", 1)):
                rows = getattr(self, f"{name}_{what}")
                if not len(rows):
                    setattr(self, f"{name}_{what}", [self._joined(rows, width)])
        gather = dist_sync_fn or gather_all_tensors

        def gathered(state: Tensor, group: Any = None) -> list[Tensor]:
            # Without those of no image, whose number of features may be unknown.
            parts: list[Tensor] = gather(state, group=group)
            return [part for part in parts if len(part)] or [state]

        super().sync(gathered, *arguments, **options)
