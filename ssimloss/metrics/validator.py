"""Validation during training: measures over an epoch, on the device, with one synchronisation at
its end.

::

    validator = Validator(["psnr", "ssim"], SuperResolutionProtocol(scale=4))
    best = BestCheckpoint(Path("best.pt"), "psnr")
    for epoch in range(epochs):
        train(network)
        scores = validator.run(network, loader)  # {"psnr": 28.41, "ssim": 0.8107}
        best.update(scores, network)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed import ProcessGroup

from ssimloss import _checks, _ranges
from ssimloss._checks import DataRange
from ssimloss._keywords import keywords
from ssimloss._precision import in_ieee, widened
from ssimloss._torch import plain
from ssimloss._warnings import warn
from ssimloss._words import spelled
from ssimloss.combined.calls import named as named_loss
from ssimloss.metrics._accumulate import Accumulator
from ssimloss.metrics._functions import takes_target
from ssimloss.metrics._rows import Index
from ssimloss.metrics.averages import perfect_infinity
from ssimloss.metrics.batches import Unpacking, unpacked
from ssimloss.metrics.deep_features import DISTANCES
from ssimloss.metrics.image_measure import ImageMeasure, values_of
from ssimloss.metrics.measures import known, measure
from ssimloss.metrics.protocol import Protocol, range_in_use
from ssimloss.metrics.protocols import resolved
from ssimloss.metrics.scores import EpochScores
from ssimloss.networks import Weights

Metric = str | ImageMeasure | Callable[..., Tensor]


def _name_of(metric: Metric) -> str:
    """The name of a metric that is listed without one."""
    if isinstance(metric, str):
        return spelled(metric, known()) or metric
    return metric.name if isinstance(metric, ImageMeasure) else named_loss(metric)


class Validator:
    """Means of measures over the images of an epoch, in a plain loop, under ``torch.distributed``
    or in Lightning.

    ``update`` keeps sums on the device of the images and does not wait for it. ``compute`` copies
    to the host once and communicates once with the other processes. Images are not stored.

    Args:
        metrics: names of :data:`MEASURES`, in any spelling that :func:`measure` accepts; results
            have the names of :data:`MEASURES`. A loss in the list has the name of its class or
            function. Or a mapping from your own names to such names,
            measures of :func:`measure`, or functions ``(pred, target) -> (N,)``. A function whose
            only positional parameter is ``pred`` is called with ``pred`` alone. Its attribute
            ``higher_is_better`` determines which infinity is perfect; without it, the mean includes
            all infinite values.
        protocol: protocol of the named measures: a name of :data:`PROTOCOLS`, with ``scale`` if it
            needs one, or a protocol. ``None`` means ``"plain"``.
        scale: the upscaling factor, for a protocol given by name.
        data_range: data range of the images, ``L`` for ``[0, L]`` or ``(lo, hi)``. None means 1 for
            floating point images and 255 for uint8. Functions receive the images unchanged.
        weights: weights of the named deep measures, see :func:`measure`.
        keep_values: keep the value of each image for :meth:`values`, even without an index.
        process_group: the processes of ``torch.distributed`` that share an epoch; None means the
            default group.

    Raises:
        ValueError: there is no metric, a metric is unknown or named twice, ``data_range`` is empty,
            or ``weights`` is given without a named deep measure.
        TypeError: a metric is neither a name nor such a function.
        RuntimeError: weights are not installed.
    """

    @keywords()
    def __init__(
        self,
        metrics: Sequence[Metric] | Mapping[str, Metric],
        protocol: str | Protocol | None = None,
        *,
        scale: int | None = None,
        data_range: DataRange | None = None,
        weights: Weights = "imagenet",
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
    ) -> None:
        if isinstance(metrics, str) or not isinstance(metrics, (Sequence, Mapping)):
            raise TypeError(
                f"metrics must be a list of names or a mapping, got {type(metrics).__name__} "
                f"{metrics!r}; put it into a list"
            )
        named = metrics if isinstance(metrics, Mapping) else {_name_of(one): one for one in metrics}
        if not metrics or len(named) != len(metrics):
            raise ValueError(
                f"metrics must name at least one metric, and each once, got {list(metrics)}"
            )
        if data_range is not None:
            _checks.data_range(data_range)
        _checks.flag("keep_values", keep_values)
        rules = None if protocol is None and scale is None else resolved(protocol, scale)
        self.data_range = data_range
        self.metrics: dict[str, ImageMeasure | Callable[..., Tensor]] = {}
        self._takes_target: dict[str, bool] = {}  # of functions
        is_used = isinstance(weights, str) and weights == "imagenet"
        for name, found in named.items():
            if not isinstance(found, (str, ImageMeasure)) and not callable(found):
                raise TypeError(
                    f"metrics[{name!r}] must be a name, a measure or a function, got "
                    f"{type(found).__name__} {found!r}"
                )
            deep: dict[str, Any] = {"weights": weights} if spelled(found, DISTANCES) else {}
            is_used = is_used or bool(deep)
            self.metrics[name] = measure(found, rules, **deep) if isinstance(found, str) else found
            if not isinstance(found, (str, ImageMeasure)):
                self._takes_target[name] = takes_target(f"metrics[{name!r}]", found)
        if not is_used:
            raise ValueError(
                "weights are of the networks of deep measures, and metrics names none of "
                f"{', '.join(DISTANCES)}; leave them out"
            )
        perfect = [
            perfect_infinity(getattr(found, "higher_is_better", None))
            for found in self.metrics.values()
        ]
        self._accumulator = Accumulator(
            len(self.metrics), perfect=perfect, keep=keep_values, process_group=process_group
        )
        # Functions get images as they are, whatever their range.
        self._looks_at_ranges = any(isinstance(f, ImageMeasure) for f in self.metrics.values())
        self._told = False
        self._range_in_use: DataRange = 1.0 if data_range is None else data_range
        self._device: torch.device | None = None

    @torch.no_grad()
    @in_ieee
    def update(self, pred: Tensor, target: Tensor, index: Index | None = None) -> dict[str, Tensor]:
        """Measure a batch.

        Args:
            pred, target: images ``(N, C, H, W)`` with values in ``data_range``, both floating
                point or both uint8; batches may differ in size.
            index: the position of each image in the dataset; pass it in all updates of an epoch,
                or in none. Each image then counts once, even if a padded ``DistributedSampler``
                repeats it, and the mean of given values is bitwise equal for any number of
                processes. On a CPU, so are the values of measures in closed form; those of networks
                may depend on the batch.

        Returns:
            The values of this batch by metric, ``(N,)`` each, on the device.

        Raises:
            ValueError: a measure does not support these images, or a function does not return one
                value per image.
        """
        _checks.stored_image("pred", pred)
        if pred.device != self._device:
            self._device = pred.device
            for found in self.metrics.values():
                if isinstance(found, ImageMeasure):
                    found.to(pred.device)
        measures = {n: one for n, one in self.metrics.items() if isinstance(one, ImageMeasure)}
        values = values_of(measures, pred, target, data_range=self.data_range)
        for name, found in self.metrics.items():
            if isinstance(found, ImageMeasure):
                continue
            of_function = found(pred, target) if self._takes_target[name] else found(pred)
            if not isinstance(of_function, Tensor) or tuple(of_function.shape) != (len(pred),):
                shape = (
                    tuple(of_function.shape)
                    if isinstance(of_function, Tensor)
                    else type(of_function).__name__
                )
                raise ValueError(
                    f"metrics[{name!r}] must return one value for each of {len(pred)} images, "
                    f"got {shape}; losses do with reduction='image'"
                )
            values[name] = widened(plain(of_function))
        ranges = None
        if self._looks_at_ranges:
            self._range_in_use = range_in_use(pred, target, self.data_range)
            ranges = _ranges.count(pred, target, data_range=self._range_in_use)
        table = torch.stack([values[name].to(pred.device) for name in self.metrics], 1)
        self._accumulator.update(table, index, ranges=ranges)
        return {name: values[name] for name in self.metrics}

    def compute(self) -> EpochScores:
        """The mean of each metric over the images since the last ``reset``. All processes must call
        it, and all get the same result.

        The mean leaves out the infinite values of perfect images (the PSNR of equal images);
        ``infinite`` of the result counts them. The mean is infinite if all values are, or if one
        value is infinite in the worse direction. It is NaN if a value is NaN.

        It warns once if images lie outside ``data_range``, or use less than a hundredth of it.

        Raises:
            RuntimeError: no image was measured.
            ValueError: an index is negative, or different images have the same index, for example
                because each batch counts from 0.
        """
        found = self._accumulator.compute()
        words = "" if self._told else _ranges.describe(found.ranges, self._range_in_use)
        if words:
            self._told = True
            warn(f"Validator: {words}; {_ranges.WAY_OUT}")
        images = index = None
        if found.rows is not None:
            images = dict(zip(self.metrics, found.rows[:, 1:].unbind(1), strict=True))
            index = None if found.rows[:, 0].isnan().any() else found.rows[:, 0]
        return EpochScores(
            dict(zip(self.metrics, found.means, strict=True)),
            count=found.count,
            infinite=dict(zip(self.metrics, found.infinite, strict=True)),
            images=images,
            index=index,
        )

    def values(self) -> dict[str, Tensor]:
        """The value of each image by metric, ``(count,)`` float64 on the CPU.

        With an index, values are in its order and each image counts once; otherwise they are in the
        order of the updates. Under ``torch.distributed``, it returns the values of all processes;
        all must call it.

        Raises:
            RuntimeError: there is neither an index nor ``keep_values``, or no image was measured.
        """
        found = self.compute().images
        if found is None:
            raise RuntimeError(
                "no values are kept; build the Validator with keep_values=True, or give update() "
                "the index of each image"
            )
        return found

    def reset(self) -> None:
        """Begin another epoch."""
        self._accumulator.reset()

    def run(
        self, network: nn.Module, loader: Iterable[Any], *, unpack: Unpacking | None = None
    ) -> EpochScores:
        """Measure one epoch: ``reset``, ``update`` with ``network(input)`` of each batch in
        evaluation mode, ``compute``.

        Args:
            network: maps a batch of inputs to images; its training mode is restored afterwards.
            loader: yields ``(input, target)``, ``(input, target, index)``, or a dict with ``"lq"``
                and ``"gt"`` as in BasicSR, and optionally ``"index"``.
            unpack: for other batches: the keys of a dict, ``("low", "high")`` or ``("low", "high",
                "index")``; or a function of the batch that returns ``(input, target)`` or
                ``(input, target, index)``.

        Raises:
            ValueError: a batch has another form, or ``update`` raises an error.
            TypeError: ``unpack`` is neither keys nor a function; ``network`` is not a module.
        """
        if not isinstance(network, nn.Module):
            raise TypeError(
                "network must be a torch.nn.Module, which run switches to evaluation mode, got "
                f"{type(network).__name__}; for a function, call update in a loop of your own"
            )
        self.reset()
        place = next(
            (tensor.device for tensor in (*network.parameters(), *network.buffers())), None
        )
        modes = [(module, module.training) for module in network.modules()]
        network.eval()
        try:
            with torch.no_grad():
                for batch in loader:
                    inputs, target, *index = unpacked(batch, unpack)
                    if place is not None:
                        inputs, target = (
                            tensor.to(place, non_blocking=True) for tensor in (inputs, target)
                        )
                    self.update(network(inputs), target, *index)
        finally:
            for module, training in modes:
                module.training = training
        return self.compute()

    def __repr__(self) -> str:
        """Show each metric with everything that its values depend on."""
        lines = [f"{type(self).__name__}(data_range={self.data_range!r}"]
        return "\n  ".join([*lines, *self.describe().splitlines()]) + "\n)"

    def describe(self) -> str:
        """A description of each metric, one per line."""
        lines = [
            found.describe() if isinstance(found, ImageMeasure) else f"a function, {found!r}"
            for found in self.metrics.values()
        ]
        return "\n".join(f"{name}: {line}" for name, line in zip(self.metrics, lines, strict=True))
