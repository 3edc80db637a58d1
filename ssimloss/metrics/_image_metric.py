"""The mean of one number per image as a ``torchmetrics`` metric: what the classes of ``image`` have
in common.
"""

import hashlib
import warnings
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed import ProcessGroup
from torchmetrics import Metric

from ssimloss import _options, _ranges
from ssimloss._checks import DataRange
from ssimloss._precision import in_ieee
from ssimloss.metrics._accumulate import Index, add_rows, are_indexed, once_each, places
from ssimloss.metrics.averages import average, perfect_infinity

TEXTS = {  # on the options of every metric
    "keep_values": "keep the value of each image for ``values()``.",
    "process_group": "of ``torch.distributed``.",
}


class MovedMetric(Metric):
    """A metric whose states and networks go where the model goes, and keep their precision: a sum
    in bfloat16 would be no sum.
    """

    _counts: Tensor | None = None  # see ssimloss._ranges
    _told = False

    def _apply(
        self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = ""
    ) -> nn.Module:
        def moved(tensor: Tensor) -> Tensor:
            return tensor.to(fn(torch.empty(0, device=tensor.device)).device)

        applied: nn.Module = super()._apply(moved, exclude_state)
        return applied

    def reset(self) -> None:
        """Forget all images."""
        super().reset()
        self._counts = None

    def _add_counts(self, counts: Tensor) -> None:
        """Keep counts of pixels. They are no state: each process tells of its own images."""
        if self._counts is not None:
            counts = _ranges.add(self._counts.to(counts.device, non_blocking=True), counts)
        self._counts = counts

    def _tell_range(self, data_range: DataRange, names: Sequence[str]) -> None:
        """Warn once if the images do not fit the range."""
        if self._counts is None or self._told:
            return
        if words := _ranges.describe(self._counts, data_range, names):
            self._told = True
            warnings.warn(f"{type(self).__name__}: {words}; {_ranges.WAY_OUT}", stacklevel=4)


class ImageMetric(MovedMetric):
    """The mean of one number per image; the classes below say which.

    Attributes:
        keep_values: whether ``values()`` can be asked for.
        declared_range: the range that values of images are compared with; ``compute()`` warns once
            if they do not fit it. None if they are not.
    """

    is_differentiable = False
    full_state_update = False
    higher_is_better: bool | None = None
    total: Tensor
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
    ) -> None:
        """Options are documented at the class.

        ``identity`` is equal for metrics that may share their sums in a ``MetricCollection``.
        """
        super().__init__(process_group=process_group)
        self.keep_values = keep_values
        self.declared_range = declared_range
        digest = hashlib.sha256(f"{identity} {keep_values}".encode()).digest()
        # First, and compared by MetricCollection as any state: two measures whose first values
        # happen to be equal are not taken for one.
        self.add_state("identity", torch.tensor(list(digest)), dist_reduce_fx="max")
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state(
            "count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum"
        )  # of images without an index
        # Of these, how many have an infinite value because they are perfect; not in the total.
        self.add_state("perfect", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state(
            "rows", [], dist_reduce_fx="cat"
        )  # (K, 2): index, not a number where there is none, and value

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Show the signature of a subclass that has an ``__init__`` itself."""
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls) and "__signature__" not in vars(cls):
            cls.__signature__ = _options.inherited_signature(cls)

    def __repr__(self) -> str:
        """With the room in front: ``ssimloss`` has losses with the same names."""
        return f"metrics.{super().__repr__()}"

    @abstractmethod
    def measured(self, pred: Tensor, target: Tensor) -> Tensor:
        """One number for each image, ``(N,)``."""

    @in_ieee
    def update(self, pred: Tensor, target: Tensor, index: Index | None = None) -> None:
        """Measure a batch.

        Args:
            pred, target: float images ``(N, C, H, W)``; batches may differ in size.
            index: the place of each image in the dataset, in every update between two resets or in
                none.

        Raises:
            ValueError: what the function does not take; not one index for each image.
            TypeError: integer tensors; an index that is no integer.
        """
        values = self.measured(pred, target).detach().double()
        if self.declared_range is not None:
            self._add_counts(_ranges.count(pred, target, data_range=self.declared_range))
        place = places(index, len(values), values.device)
        infinity = perfect_infinity(self.higher_is_better)
        left_out = values == infinity
        number, total = left_out.sum(), values.masked_fill(left_out, 0).sum()
        if index is None:
            self.total = self.total + total
            self.count = self.count + len(values)
            self.perfect = self.perfect + number
        if len(values) and (self.keep_values or index is not None):
            assert isinstance(self.rows, list)
            add_rows(self.rows, torch.stack([place, values], 1))
        all_left_out = left_out.all() & (len(values) > 0)
        self._batch: Tensor = (total / (len(values) - number)).masked_fill(all_left_out, infinity)

    def forward(self, pred: Tensor, target: Tensor, index: Index | None = None) -> Tensor:
        """``update``, and the mean of this batch in this process."""
        self.update(pred, target, index)
        self._forward_cache = self._batch
        return self._batch

    def compute(self) -> Tensor:
        """The mean over all images, a float64 scalar.

        It leaves out the infinite values of perfect images (the PSNR of equal images), which
        ``infinite`` counts, and is infinite if all values are.

        Raises:
            RuntimeError: there was no image.
            ValueError: some updates had an index and others had not; an index that is negative or
                that of different images.
        """
        if self.declared_range is not None:
            self._tell_range(self.declared_range, ("pred", "target"))
        rows = self._all_rows()
        infinity = perfect_infinity(self.higher_is_better)
        if are_indexed(rows[:, 0], self.count):
            self._kept = once_each(rows)[:, 1]
            mean, self._infinite = average(self._kept.tolist(), infinity)
            return torch.tensor(mean, dtype=torch.float64, device=self.total.device)
        if self.count == 0:
            raise RuntimeError(
                "nothing to average: no image has been measured since the last reset(); call "
                "update() before compute()"
            )
        self._kept = rows[:, 1]
        self._infinite = int(self.perfect)
        rest = self.count - self.perfect
        return (self.total / rest).masked_fill(rest == 0, infinity)

    @property
    def infinite(self) -> int:
        """How many values are infinite because their images are perfect, and in no mean.

        Under ``torch.distributed`` of all processes; all of them have to read it.

        Raises:
            RuntimeError: no image.
        """
        self.compute()
        return self._infinite

    def values(self) -> Tensor:
        """The value of each image, ``(n,)`` float64: in the order of the index, each image once, or
        without one as they came.

        Under ``torch.distributed`` those of all processes; all of them have to call it.

        Raises:
            RuntimeError: without ``keep_values``; no image.
        """
        if not self.keep_values:
            raise RuntimeError("no values are kept; make the metric with keep_values=True")
        self.compute()
        return self._kept

    def sync(
        self,
        dist_sync_fn: Callable[..., Any] | None = None,
        process_group: Any | None = None,
        should_sync: bool = True,
        distributed_available: Callable[..., bool] | None = None,
    ) -> None:
        """As in ``torchmetrics``; a process without rows takes part in the exchange with none, of
        the right shape.
        """
        if not len(self.rows):
            self.rows = [torch.zeros(0, 2, dtype=torch.float64, device=self.total.device)]
        options = (
            {}
            if distributed_available is None
            else {"distributed_available": distributed_available}
        )
        super().sync(dist_sync_fn, process_group, should_sync, **options)

    def _all_rows(self) -> Tensor:
        if isinstance(self.rows, Tensor):
            return self.rows
        return (
            torch.cat(self.rows)
            if self.rows
            else torch.zeros(0, 2, dtype=torch.float64, device=self.total.device)
        )


def exactly(value: object) -> str:
    """A text that is equal for equal options only: the ``repr`` of a tensor leaves digits out, and
    of a long one the middle.
    """
    if isinstance(value, Tensor):
        return f"{value.dtype} {value.tolist()}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {exactly(item)}' for key, item in value.items())}}}"
    return (
        f"[{', '.join(map(exactly, value))}]" if isinstance(value, (list, tuple)) else repr(value)
    )
