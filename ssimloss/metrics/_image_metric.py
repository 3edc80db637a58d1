"""The base class of the ``torchmetrics`` metrics in ``image``: the mean of one value per image."""

import hashlib
import inspect
import typing
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypedDict

import torch
from torch import Tensor, nn
from torch.distributed import ProcessGroup
from torchmetrics import Metric
from typing_extensions import Unpack

from ssimloss import _options, _ranges
from ssimloss._checks import DataRange
from ssimloss._precision import in_ieee, widened, widest_dtype
from ssimloss._warnings import warn
from ssimloss.metrics._rows import (
    Index,
    add_rows,
    are_indexed,
    moved_state,
    no_rows,
    once_each,
    places,
    plain_rows,
    rows_of,
    summed,
)
from ssimloss.metrics.averages import Average, average, exact_sum, perfect_infinity

TEXTS = {  # on the options of every metric
    "keep_values": "keep the value of each image for ``values()``.",
    "process_group": "of ``torch.distributed``.",
}


class OfTorchmetrics(TypedDict, total=False):
    """Keyword arguments of every ``torchmetrics.Metric``, which documents them."""

    compute_on_cpu: bool
    dist_sync_on_step: bool
    dist_sync_fn: Callable[..., Any] | None
    distributed_available_fn: Callable[..., bool] | None
    sync_on_compute: bool
    compute_with_cache: bool


OF_TORCHMETRICS = tuple(typing.get_type_hints(OfTorchmetrics))
# As the last parameter of a class.
TAKES_OF_TORCHMETRICS = inspect.Parameter(
    "of_torchmetrics", inspect.Parameter.VAR_KEYWORD, annotation=Unpack[OfTorchmetrics]
)
TEXTS["of_torchmetrics"] = "keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ..."


class MovedMetric(Metric):
    """A metric whose states and networks move with the model but keep their dtype: sums in bfloat16
    would be wrong.
    """

    def __init__(
        self, *, process_group: ProcessGroup | None, **of_torchmetrics: Unpack[OfTorchmetrics]
    ) -> None:
        for name in of_torchmetrics:
            if name not in OF_TORCHMETRICS:
                raise unknown_option(name, type(self))
        super().__init__(process_group=process_group, **of_torchmetrics)

    def plot(self, val: Any = None, ax: Any = None) -> Any:
        """Plot one value, or several over steps, like other metrics of ``torchmetrics``.

        Args:
            val: a value returned by ``compute`` or ``forward``, or a list of them; by default the
                result of ``compute``.
            ax: axes of matplotlib to draw on instead of a new figure.

        Returns:
            The figure and its axes.

        Raises:
            ModuleNotFoundError: matplotlib is not installed.
        """
        return self._plot(val, ax)

    _counts: Tensor | None = None  # see ssimloss._ranges
    _told = False

    def _apply(
        self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = ""
    ) -> nn.Module:
        def move(tensor: Tensor) -> Tensor:
            probe = torch.empty(0, dtype=torch.float32, device=tensor.device)
            return moved_state(tensor, fn(probe).device)

        applied: nn.Module = super()._apply(move, exclude_state)
        return applied

    def reset(self) -> None:
        """Forget all images."""
        super().reset()
        self._counts = None

    def _add_counts(self, counts: Tensor) -> None:
        """Add counts of pixels. They are not a state: each process reports its own images."""
        if self._counts is not None:
            counts = _ranges.add(self._counts.to(counts.device, non_blocking=True), counts)
        self._counts = counts

    def _tell_range(self, data_range: DataRange, names: Sequence[str]) -> None:
        """Warn once if the images do not fit the range."""
        if self._counts is None or self._told:
            return
        if words := _ranges.describe(self._counts, data_range, names):
            self._told = True
            warn(f"{type(self).__name__}: {words}; {_ranges.WAY_OUT}")


class ImageMetric(MovedMetric):
    """The mean of one value per image; subclasses compute the value.

    Attributes:
        keep_values: whether ``values()`` is available.
        declared_range: the expected range of the images; ``compute()`` warns once if they do not
            fit it. ``None`` disables the check.
    """

    is_differentiable = False
    full_state_update = False
    higher_is_better: bool | None = None
    training_loss: ClassVar[str] = ""  # the loss that it measures, for errors; empty for none
    total: Tensor
    lost: Tensor
    count: Tensor
    perfect: Tensor
    rows: list[Tensor] | Tensor  # a tensor once processes have exchanged theirs

    def __init__(
        self,
        identity: str,
        *,
        keep_values: bool,
        process_group: ProcessGroup | None,
        declared_range: DataRange | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None:
        """The class documents the options.

        ``identity`` is equal for metrics that may share their sums in a ``MetricCollection``.
        """
        super().__init__(process_group=process_group, **of_torchmetrics)
        self.keep_values = keep_values
        self.declared_range = declared_range
        digest = hashlib.sha256(f"{identity} {keep_values}".encode()).digest()
        # The first state. MetricCollection compares it like any other, and so does not merge
        # two measures whose first values happen to be equal.
        place = torch.get_default_device()
        if place.type == "meta":  # a sum has no value there
            place = torch.device("cpu")
        self.add_state("identity", torch.tensor(list(digest), device=place), dist_reduce_fx="max")
        for name in ("total", "lost"):  # the sum, and its accumulated rounding error
            zero = torch.zeros((), dtype=widest_dtype(place), device=place)
            self.add_state(name, zero, dist_reduce_fx="sum")
        # The number of images without an index (of their pixels for a metric that pools), and the
        # number of perfect images, whose infinite values are not in the total.
        for name in ("count", "perfect"):
            zero = torch.zeros((), dtype=torch.int64, device=place)
            self.add_state(name, zero, dist_reduce_fx="sum")
        # (K, 2), or (K, 3) for a metric that pools: index or NaN, value, weight.
        self.add_state("rows", [], dist_reduce_fx="cat")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Set the signature of a subclass that defines ``__init__``."""
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls) and "__signature__" not in vars(cls):
            cls.__signature__ = _options.inherited_signature(cls)

    def __repr__(self) -> str:
        """The name with the package ``metrics`` in front: losses have the same names."""
        return f"metrics.{super().__repr__()}"

    @abstractmethod
    def measured(self, pred: Tensor, target: Tensor) -> Tensor:
        """One value for each image, ``(N,)``."""

    @property
    def _pools(self) -> bool:
        """Whether values are averaged over pixels. ``_finished`` then converts the mean into the
        result.
        """
        return False

    def _finished(self, mean: Tensor) -> Tensor:
        """The result, computed from the mean of a metric that pools."""
        return mean

    @in_ieee
    def update(
        self,
        pred: Tensor | None = None,
        target: Tensor | None = None,
        index: Index | None = None,
        *,
        preds: Tensor | None = None,
    ) -> None:
        """Measure a batch.

        Args:
            pred, target: float images ``(N, C, H, W)``; batches may differ in size.
            index: the position of each image in the dataset; pass it in all updates between two
                resets, or in none.
            preds: another name for ``pred``, used by torchmetrics' own classes in a
                ``MetricCollection``.

        Raises:
            ValueError: shapes or values that the function rejects; the number of indices differs
                from the number of images.
            TypeError: integer tensors; an index that is not an integer; a missing image, or both
                ``pred`` and ``preds``.
        """
        pred = given(self, "pred", pred, "preds", preds)
        target = given(self, "target", target, "target", None)
        values = widened(self.measured(pred, target).detach())
        if self.declared_range is not None:
            self._add_counts(_ranges.count(pred, target, data_range=self.declared_range))
        place = places(index, len(values), values.device)
        left_out = values == self._left_out
        number, total = left_out.sum(), values.masked_fill(left_out, 0).sum()
        weight = pred[0].numel() if self._pools and len(pred) else 1
        if index is None:
            self.total, self.lost = summed(self.total, self.lost, total * weight)
            self.count = self.count + len(values) * weight
            self.perfect = self.perfect + number
        if len(values) and (self.keep_values or index is not None):
            assert isinstance(self.rows, list)
            columns = [place, values]
            if self._pools:
                columns.append(torch.full_like(values, weight))
            rows = rows_of(*columns)
            add_rows(self.rows, rows.cpu() if self.compute_on_cpu else rows)
        all_left_out = left_out.all() & (len(values) > 0)
        mean = (total / (len(values) - number)).masked_fill(all_left_out, self._left_out)
        self._batch: Tensor = self._finished(mean)

    def forward(
        self,
        pred: Tensor | None = None,
        target: Tensor | None = None,
        index: Index | None = None,
        *,
        preds: Tensor | None = None,
    ) -> Tensor:
        """Call ``update`` and return the mean of this batch: of this process, or of all processes
        with ``dist_sync_on_step``.
        """
        if self.dist_sync_on_step:
            counts = self._counts
            synced: Tensor = super().forward(pred, target, index, preds=preds)
            if counts is not None:
                self._add_counts(counts)
            return synced
        self.update(pred, target, index, preds=preds)
        self._forward_cache = self._batch
        return self._batch

    def compute(self) -> Tensor:
        """The mean over all images, a float64 scalar (float32 on Apple's GPUs).

        Infinite values of perfect images (the PSNR of equal images) are left out; ``infinite``
        counts them. If all values are infinite, so is the mean.

        It warns once if images lie outside the data range, or use less than a hundredth of it.

        Raises:
            RuntimeError: no image was measured.
            ValueError: only some updates had an index; a negative index; one index for different
                images.
        """
        if self.declared_range is not None:
            self._tell_range(self.declared_range, ("pred", "target"))
        rows = plain_rows(self._all_rows())
        if are_indexed(rows[:, 0], self.count):
            found = once_each(rows)
            self._kept = found[:, 1]
            mean, self._infinite = self._mean_of_rows(found)
            place = self.total.device
            return self._finished(torch.tensor(mean, dtype=widest_dtype(place), device=place))
        if self.count == 0:
            raise RuntimeError(
                "nothing to average: no image has been measured since the last reset(); call "
                "update() before compute()"
            )
        self._kept = rows[:, 1]
        self._infinite = int(self.perfect)
        rest = self.count - self.perfect
        mean_of_rest = (self.total + self.lost) / rest
        return self._finished(mean_of_rest.masked_fill(rest == 0, self._left_out))

    @property
    def _left_out(self) -> float:
        """The value that means leave out, see ``averages``."""
        return perfect_infinity(None if self._pools else self.higher_is_better)

    def _mean_of_rows(self, rows: Tensor) -> Average:
        if not self._pools:
            return average(rows[:, 1].tolist(), self._left_out)
        weighted = exact_sum((rows[:, 1] * rows[:, 2]).tolist())
        return Average(weighted / exact_sum(rows[:, 2].tolist()), 0)

    @property
    def infinite(self) -> int:
        """How many perfect images have an infinite value, which the mean leaves out.

        Under ``torch.distributed``, it counts the images of all processes; all must read it.

        Raises:
            RuntimeError: no image was measured.
        """
        self.compute()
        return self._infinite

    def values(self) -> Tensor:
        """The value of each image, ``(n,)`` float64; on the CPU for images on Apple's GPUs.

        With an index, values are in its order and each image counts once; otherwise they are in
        the order of the updates. Under ``torch.distributed``, it returns the values of all
        processes; all must call it.

        Raises:
            RuntimeError: ``keep_values`` is off, or no image was measured.
        """
        if not self.keep_values:
            raise RuntimeError("no values are kept; build the metric with keep_values=True")
        self.compute()
        return self._kept

    def sync(
        self,
        dist_sync_fn: Callable[..., Any] | None = None,
        process_group: Any | None = None,
        should_sync: bool = True,
        distributed_available: Callable[..., bool] | None = None,
    ) -> None:
        """As in ``torchmetrics``. A process without rows contributes an empty tensor of the right
        shape.
        """
        if not len(self.rows):
            self.rows = [self._no_rows()]
        options = (
            {}
            if distributed_available is None
            else {"distributed_available": distributed_available}
        )
        super().sync(dist_sync_fn, process_group, should_sync, **options)

    def _all_rows(self) -> Tensor:
        if isinstance(self.rows, Tensor):
            return self.rows
        return torch.cat(self.rows) if self.rows else self._no_rows()

    def _no_rows(self) -> Tensor:
        return no_rows(2 if self._pools else 1, self.total.device)


def unknown_option(name: str, metric: type) -> TypeError:
    """The error for an option that a metric does not have."""
    known = [*inspect.signature(metric).parameters, *OF_TORCHMETRICS]
    known.remove("of_torchmetrics")
    return _options.unknown(name, metric.__name__, known)


def given(metric: Metric, name: str, value: Tensor | None, alias: str, other: Any) -> Tensor:
    """The argument of ``update`` that has two names.

    Raises:
        TypeError: it was passed under neither name, or under both.
    """
    if value is not None and other is not None:
        raise TypeError(f"{type(metric).__name__} got both {name} and {alias}, which are the same")
    found: Tensor | None = other if value is None else value
    if found is None:
        raise TypeError(f"{type(metric).__name__}.update() needs {name}")
    return found


def exactly(value: object) -> str:
    """A text that is equal only for equal options. The ``repr`` of a tensor would not do: it rounds
    values and shortens long tensors.
    """
    if isinstance(value, Tensor):
        return f"{value.dtype} {value.tolist()}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {exactly(item)}' for key, item in value.items())}}}"
    return (
        f"[{', '.join(map(exactly, value))}]" if isinstance(value, (list, tuple)) else repr(value)
    )
