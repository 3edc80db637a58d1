"""Validation during training: measures over an epoch, on the device, with one synchronisation at
its end; the best checkpoint.

::

    validator = Validator(["psnr", "ssim"], SuperResolutionProtocol(scale=4))
    best = BestCheckpoint(Path("best.pt"), "psnr")
    for epoch in range(epochs):
        train(network)
        scores = validator.run(network, loader)  # {"psnr": 28.41, "ssim": 0.8107}
        best.update(scores, network)
"""

import math
import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.distributed import ProcessGroup

from ssimloss import _checks, _files
from ssimloss._checks import DataRange
from ssimloss._torch import plain
from ssimloss.metrics._accumulate import Accumulator, Index
from ssimloss.metrics._functions import takes_target
from ssimloss.metrics.measures import HIGHER_IS_BETTER, ImageMeasure, measure
from ssimloss.metrics.protocol import Prepared, Protocol
from ssimloss.networks import Weights

Existing = Literal["error", "continue", "replace"]
EXISTING: tuple[str, ...] = get_args(Existing)
Metric = str | ImageMeasure | Callable[..., Tensor]


class Validator:
    """Means of measures over the images of an epoch, in a plain loop, under ``torch.distributed``
    or in Lightning.

    ``update`` keeps sums on the device of the images and never waits for it; ``compute`` copies
    once to the host, and exchanges once with the other processes if there are any. No image is
    kept.

    Args:
        metrics: names of :data:`MEASURES`, or a mapping from names of your own to such names, to
            measures of :func:`measure` or to functions ``(pred, target) -> (N,)``. A function whose
            only positional parameter is ``pred`` is called with ``pred`` alone.
        protocol: for the measures that are named, see :func:`protocol`; ``None`` is
            ``protocol("plain")``.
        data_range: of the images, ``L`` for ``[0, L]`` or ``(lo, hi)``. Functions are given the
            images as they are.
        weights: of deep measures that are named, see :func:`measure`.
        process_group: of ``torch.distributed``, whose processes share an epoch; the default group
            unless given.

    Raises:
        ValueError: no metric, an unknown one, one named twice; an empty ``data_range``.
        TypeError: a metric that is neither a name nor callable like that.
        RuntimeError: weights that are not here.
    """

    def __init__(
        self,
        metrics: Sequence[str] | Mapping[str, Metric],
        protocol: Protocol | None = None,
        *,
        data_range: DataRange = 1.0,
        weights: Weights = "imagenet",
        process_group: ProcessGroup | None = None,
    ) -> None:
        if isinstance(metrics, str) or not isinstance(metrics, (Sequence, Mapping)):
            raise TypeError(
                f"metrics must be a list of names or a mapping, got {type(metrics).__name__} "
                f"{metrics!r}; put it into a list"
            )
        if not metrics or len(set(metrics)) != len(metrics):
            raise ValueError(
                f"metrics must name at least one metric, and each once, got {list(metrics)}"
            )
        _checks.data_range(data_range)
        named = metrics if isinstance(metrics, Mapping) else {name: name for name in metrics}
        self.data_range = data_range
        self.metrics: dict[str, ImageMeasure | Callable[..., Tensor]] = {}
        self._takes_target: dict[str, bool] = {}  # of functions
        for name, found in named.items():
            if not isinstance(found, (str, ImageMeasure)) and not callable(found):
                raise TypeError(
                    f"metrics[{name!r}] must be a name, a measure or a function, got "
                    f"{type(found).__name__} {found!r}"
                )
            self.metrics[name] = (
                measure(found, protocol, weights=weights) if isinstance(found, str) else found
            )
            if not isinstance(found, (str, ImageMeasure)):
                self._takes_target[name] = takes_target(f"metrics[{name!r}]", found)
        self._accumulator = Accumulator(len(self.metrics), process_group=process_group)
        self._device: torch.device | None = None

    @torch.no_grad()
    def update(self, pred: Tensor, target: Tensor, index: Index | None = None) -> dict[str, Tensor]:
        """Measure a batch.

        Args:
            pred, target: float images ``(N, C, H, W)`` with values in ``data_range``; batches may
                differ in size.
            index: the place of each image in the whole dataset, in every update of an epoch or in
                none. With it an image counts once, whatever a padded ``DistributedSampler``
                repeated, and the mean of values is the same to the last digit for any number of
                processes; the values are, too, of measures in closed form on a CPU, while those of
                networks may move with the batch.

        Returns:
            The values of this batch by metric, ``(N,)`` each, on the device.

        Raises:
            ValueError: what a measure does not take; a function that does not give one number for
                each image.
        """
        _checks.image("pred", pred)
        if pred.device != self._device:
            self._device = pred.device
            for found in self.metrics.values():
                if isinstance(found, ImageMeasure):
                    found.to(pred.device)
        memory: Prepared = {}
        values = {}
        for name, found in self.metrics.items():
            if isinstance(found, ImageMeasure):
                values[name] = found(pred, target, data_range=self.data_range, memory=memory)
                continue
            of_function = found(pred, target) if self._takes_target[name] else found(pred)
            if not isinstance(of_function, Tensor) or tuple(of_function.shape) != (len(pred),):
                shape = (
                    tuple(of_function.shape)
                    if isinstance(of_function, Tensor)
                    else type(of_function).__name__
                )
                raise ValueError(
                    f"metrics[{name!r}] must give one number for each of {len(pred)} images, got "
                    f"{shape}; reduction='image'"
                )
            values[name] = plain(of_function).double()
        self._accumulator.update(
            torch.stack([value.to(pred.device) for value in values.values()], 1), index
        )
        return values

    def compute(self) -> dict[str, float]:
        """The mean of each metric over the images since the last ``reset``, the same in every
        process, all of which have to call it.

        A mean is infinite or not a number where the value of an image is: equal images have an
        infinite PSNR.

        Raises:
            RuntimeError: there was no image.
            ValueError: an index that is negative, or that of different images, as when each batch
                counts from 0.
        """
        return dict(zip(self.metrics, self._accumulator.compute().means, strict=True))

    def reset(self) -> None:
        """Begin another epoch."""
        self._accumulator.reset()

    def run(self, network: nn.Module, loader: Iterable[Sequence[Tensor]]) -> dict[str, float]:
        """One epoch: ``reset``, measure ``network(input)`` of each batch in evaluation mode,
        ``compute``.

        Args:
            network: takes a batch of inputs to images; its training mode is put back afterwards.
            loader: gives ``(input, target)`` or ``(input, target, index)``.

        Raises:
            ValueError: batches of another form; what ``update`` raises.
        """
        self.reset()
        place = next(
            (tensor.device for tensor in (*network.parameters(), *network.buffers())), None
        )
        modes = [(module, module.training) for module in network.modules()]
        network.eval()
        try:
            with torch.inference_mode():
                for batch in loader:
                    if not isinstance(batch, Sequence) or len(batch) not in (2, 3):
                        found = (
                            f"{len(batch)} items"
                            if isinstance(batch, Sequence)
                            else type(batch).__name__
                        )
                        raise ValueError(
                            "loader must give (input, target) or (input, target, index), got "
                            f"{found}"
                        )
                    inputs, target, *index = batch
                    if place is not None:
                        inputs, target = (
                            tensor.to(place, non_blocking=True) for tensor in (inputs, target)
                        )
                    self.update(network(inputs), target, *index)
        finally:
            for module, training in modes:
                module.training = training
        return self.compute()

    def describe(self) -> str:
        """In words what each metric is, one line each."""
        lines = [
            found.describe() if isinstance(found, ImageMeasure) else f"a function, {found!r}"
            for found in self.metrics.values()
        ]
        return "\n".join(f"{name}: {line}" for name, line in zip(self.metrics, lines, strict=True))


class BestCheckpoint:
    """Keeps the checkpoint with the best value of a metric in one file, which is always a whole
    one, the old or the new.

    The file is ``{"metric": name, "value": number, "scores": all of them, "state": the network's
    state dict}`` for ``torch.load``.

    Args:
        path: of the file; missing folders are made.
        metric: its name among the scores.
        higher_is_better: which way is better; ``None`` for the measures of this package, which are
            known.
        existing: what is done with a file that is there already: ``"error"``; ``"continue"``, it
            stays until a value is better than its own; ``"replace"``, it stays until the first
            value. Processes have to see the same file.

    Raises:
        ValueError: a metric of another name without ``higher_is_better``; a file that is of another
            metric or something else.
        FileExistsError: there is a file.
    """

    def __init__(
        self,
        path: str | Path,
        metric: str,
        *,
        higher_is_better: bool | None = None,
        existing: Existing = "error",
    ) -> None:
        _checks.choice("existing", existing, EXISTING)
        if higher_is_better is None and metric not in HIGHER_IS_BETTER:
            raise ValueError(
                f"higher_is_better must be True or False for {metric!r}, of which this package "
                "does not know what is better"
            )
        self.path = Path(path)
        self.metric = metric
        self.higher_is_better = (
            HIGHER_IS_BETTER[metric] if higher_is_better is None else higher_is_better
        )
        self.value: float | None = None
        if existing != "replace" and self.path.exists():
            if existing == "error":
                raise FileExistsError(
                    f"path {str(self.path)!r} is there already, perhaps the best of another "
                    "training; existing='continue' keeps it until a value is better, "
                    "existing='replace' does not"
                )
            self.value = self._value_of_file()

    def update(self, scores: Mapping[str, float], state: nn.Module | Mapping[str, Any]) -> bool:
        """Write the file if the metric is better than ever before.

        Under ``torch.distributed`` process 0 writes, and the others do not wait for it: they need a
        ``torch.distributed.barrier()`` before they read the file.

        Args:
            scores: what ``Validator.compute`` returned, equal in all processes.
            state: a module, whose ``state_dict()`` every process makes and the first saves, or
                anything that ``torch.save`` takes. Of a sharded module give what collects its
                shards, such as ``get_model_state_dict`` with ``full_state_dict=True``.

        Returns:
            Whether it was better. A value that is no number never is.

        Raises:
            ValueError: the metric is not among the scores.
            OSError: the file cannot be written; the old one stays.
        """
        if self.metric not in scores:
            raise ValueError(
                f"scores must hold {self.metric!r}, got {', '.join(map(repr, scores)) or 'none'}"
            )
        value = scores[self.metric]
        if math.isnan(value) or not self._is_better(value):
            return False
        saved = (
            state.state_dict() if isinstance(state, nn.Module) else state
        )  # in every process: it may be a collective
        if (
            not (torch.distributed.is_available() and torch.distributed.is_initialized())
            or torch.distributed.get_rank() == 0
        ):
            content = {
                "metric": self.metric,
                "value": value,
                "scores": dict(scores),
                "state": saved,
            }
            _files.write(self.path, lambda file: torch.save(content, file))
        self.value = value
        return True

    def state_dict(self) -> dict[str, Any]:
        """The best value so far, for the checkpoint of a training that is to be resumed."""
        return {"metric": self.metric, "value": self.value}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state_dict`` returned, or from the file's value where
        ``existing="continue"`` found a better one.

        Raises:
            ValueError: it is of another metric.
        """
        if state["metric"] != self.metric:
            raise ValueError(
                f"state is of metric {state['metric']!r}, and this checkpoint is of {self.metric!r}"
            )
        if state["value"] is not None and self._is_better(state["value"]):
            self.value = state["value"]

    def _value_of_file(self) -> float:
        way_out = "existing='replace' writes over it"
        try:
            content = torch.load(self.path, map_location="cpu", weights_only=True, mmap=True)
        except (RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
            raise ValueError(
                f"path {str(self.path)!r} cannot be continued, for it cannot be read ({error}); "
                f"{way_out}"
            ) from error
        if (
            not isinstance(content, dict)
            or content.get("metric") != self.metric
            or not isinstance(content.get("value"), (float, int))
        ):
            raise ValueError(
                f"path {str(self.path)!r} is not a file of the best {self.metric!r}; {way_out}"
            )
        return float(content["value"])

    def _is_better(self, value: float) -> bool:
        if self.value is None:
            return True
        return value > self.value if self.higher_is_better else value < self.value
