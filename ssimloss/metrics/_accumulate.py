"""Values of images, collected over an epoch and over processes: each image counts once, and the
mean is exact.

Without indices, only sums are kept. With the index of each image in the dataset, its values are
kept as well: 8 bytes for the index and 8 for each measure. Repeated images then count once. The
mean is rounded once, from the exact sum, and does not depend on batches or processes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributed import ProcessGroup

from ssimloss import _ranges
from ssimloss._precision import to_float64_device, widened, widest_dtype
from ssimloss.metrics._rows import (
    MIXED,
    Index,
    add_rows,
    are_indexed,
    no_rows,
    once_each,
    places,
    plain_rows,
    rows_of,
    summed,
)
from ssimloss.metrics.averages import average, exact_sum

# Images of each process that fit into the first exchange, the only one unless a process has more.
BLOCK = 4096


@dataclass(frozen=True, eq=False)
class Totals:
    """The results over all images of all processes.

    ``rows`` are ``(count, 1 + columns)``: the index (NaN without an index) and the values. With an
    index, they are in its order and each image occurs once. None if rows are not kept.
    """

    means: tuple[float, ...]
    infinite: tuple[int, ...]  # how many values each mean leaves out
    count: int
    rows: Tensor | None
    ranges: Tensor  # of pred and target, see ssimloss._ranges


class Accumulator:
    """Means of ``columns`` values per image.

    ``update`` does not wait for the device. ``compute`` copies to the host once and communicates
    once with the other processes.

    Args:
        columns: the number of values per image.
        perfect: for each column, the infinity that its mean leaves out, see :mod:`averages`; by
            default, no value is left out.
        keep: keep the values of images even without an index.
        process_group: the processes of ``torch.distributed``.
    """

    def __init__(
        self,
        columns: int,
        *,
        perfect: Sequence[float] = (),
        keep: bool = False,
        process_group: ProcessGroup | None = None,
    ) -> None:
        self.columns = columns
        self.perfect = tuple(perfect) or (math.nan,) * columns
        self.keep = keep
        self.process_group = process_group
        self.reset()

    def reset(self) -> None:
        """Forget all images."""
        # (2, columns) each: sums of the values and numbers of left out values; their rounding.
        self._sums: tuple[Tensor, Tensor] | None = None
        self._count = 0  # of images without an index
        self._indexed = False
        self._rows: list[Tensor] = []
        self._ranges: Tensor | None = None

    @torch.no_grad()
    def update(
        self, values: Tensor, index: Index | None = None, *, ranges: Tensor | None = None
    ) -> None:
        """Add ``(N, columns)`` float64 values of N images, the position of each image in the
        dataset, and the counts of their pixels.

        Raises:
            ValueError: the number of indices differs from the number of images, or only some
                updates have an index.
            TypeError: an index is not an integer.
        """
        if (index is None and self._indexed) or (index is not None and self._count):
            raise ValueError(MIXED)
        values = widened(values.detach())
        if ranges is not None:
            known = ranges if self._ranges is None else _ranges.add(self._ranges.to(ranges), ranges)
            self._ranges = known
        if index is not None or self.keep:
            place = places(index, len(values), values.device)
            if len(values):
                add_rows(self._rows, rows_of(place, *values.unbind(1)))
        if index is not None:
            self._indexed |= len(values) > 0
            return
        left_out = torch.stack(
            [column == perfect for column, perfect in zip(values.T, self.perfect, strict=True)], 1
        )
        number = left_out.sum(0).to(values.dtype)
        total = torch.stack([values.masked_fill(left_out, 0).sum(0), number])
        before = self._sums or (torch.zeros_like(total), torch.zeros_like(total))
        sums, lost = (part.to(total.device) for part in before)
        self._sums = summed(sums, lost, total)
        self._count += len(values)

    @torch.no_grad()
    def compute(self) -> Totals:
        """The means over all images so far. All processes must call it, and all get the same
        result.

        Raises:
            RuntimeError: no process has measured an image.
            ValueError: only some processes passed an index, an index is negative, or different
                images have the same index.
        """
        found = self._gathered()
        rows = torch.cat([part for _, part in found])
        end = 2 + 2 * self.columns
        sums = torch.stack([head[2:end] for head, _ in found]).view(-1, 2, self.columns)
        ranges = _ranges.combine(
            torch.stack([head[end:].view(2, _ranges.COLUMNS) for head, _ in found])
        )
        count = sum(int(head[0]) for head, _ in found)
        if are_indexed(rows[:, 0], count):
            rows = once_each(rows)
            found_means = [
                average(column, perfect)
                for column, perfect in zip(rows[:, 1:].T.tolist(), self.perfect, strict=True)
            ]
            means, infinite = zip(*found_means, strict=True)
            return Totals(means, infinite, len(rows), rows, ranges)
        if not count:
            raise RuntimeError(
                "nothing to average: no image has been measured since the last reset(); call "
                "update() before compute()"
            )
        numbers = [int(number) for number in sums[:, 1].sum(0)]
        of_rest = [
            exact_sum(column) / (count - left_out) if left_out < count else perfect
            for column, left_out, perfect in zip(
                sums[:, 0].T.tolist(), numbers, self.perfect, strict=True
            )
        ]
        kept = rows if self.keep else None
        return Totals(tuple(of_rest), tuple(numbers), count, kept, ranges)

    def _gathered(self) -> list[tuple[Tensor, Tensor]]:
        """For each process, on the host: ``(count without index, count of rows, sums ..., counts
        of pixels ...)`` and its rows.
        """
        device = self._device()
        rows = plain_rows(torch.cat(self._rows or [no_rows(self.columns, device)])).to(device)
        sums = torch.zeros(2, self.columns, dtype=torch.float64, device=device)
        if self._sums is not None:
            total, lost = (to_float64_device(part).double().to(device) for part in self._sums)
            sums = total + lost
        counts = [
            torch.full((1,), float(count), dtype=torch.float64, device=device)
            for count in (self._count, len(rows))
        ]
        ranges = _ranges.nothing(2, device) if self._ranges is None else self._ranges.to(device)
        head = torch.cat([*counts, sums.flatten(), ranges.double().flatten()])
        if not _is_distributed():
            flat = torch.cat([head, rows.flatten()]).cpu()
            return [(flat[: len(head)], flat[len(head) :].view(-1, 1 + self.columns))]
        first = self._exchanged(torch.cat([head, _padded(rows[:BLOCK], BLOCK).flatten()]))
        heads = first[:, : len(head)]
        blocks = first[:, len(head) :].view(len(first), BLOCK, 1 + self.columns)
        most = int(heads[:, 1].max())
        if most > BLOCK:
            rest = self._exchanged(_padded(rows[BLOCK:], most - BLOCK))
            blocks = torch.cat([blocks, rest.view(len(first), most - BLOCK, 1 + self.columns)], 1)
        return [(own, block[: int(own[1])]) for own, block in zip(heads, blocks, strict=True)]

    def _exchanged(self, own: Tensor) -> Tensor:
        """The tensors of all processes, stacked, on the host: one collective and one copy."""
        own = own.contiguous()
        parts = [
            torch.empty_like(own)
            for _ in range(torch.distributed.get_world_size(self.process_group))
        ]
        torch.distributed.all_gather(parts, own, group=self.process_group)
        return torch.stack(parts).cpu()

    def _device(self) -> torch.device:
        """The device on which values are collected: that of the values, or under
        ``torch.distributed`` one that its backend supports.
        """
        own = (
            self._rows[0].device
            if self._rows
            else self._sums[0].device
            if self._sums is not None
            else None
        )
        if own is not None and widest_dtype(own) is not torch.float64:
            own = torch.device("cpu")
        if not _is_distributed():
            return own or torch.device("cpu")
        if "nccl" in torch.distributed.get_backend(self.process_group):
            return (
                own
                if own is not None and own.type == "cuda"
                else torch.device("cuda", torch.cuda.current_device())
            )
        return torch.device("cpu")


def _padded(rows: Tensor, length: int) -> Tensor:
    return torch.cat([rows, rows.new_zeros(length - len(rows), rows.shape[1])])


def _is_distributed() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()
