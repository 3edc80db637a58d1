"""Counters of a criterion, on the device: for how many steps a gradient has been zero, small or
opposed to the total, the first step that was not finite, and moving averages of the values.

They are read with one synchronisation every ``check_every`` steps.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, distributed
from torch.distributed import ProcessGroup

from ssimloss.combined.alarms import Alarms, Events, OnNonFinite
from ssimloss.combined.report import Diagnosis

DECAY = 0.98  # of the moving average of a value, per call
NEVER = -1
ZERO, AGAINST, SMALL, BAD_VALUE, BAD_GRADIENT = range(5)
ROWS = 5


class Reading:
    """The counters at one reading, by term.

    Attributes:
        counts: the five counters, each by term.
        averages: moving averages of the values; NaN for a term that has not been evaluated.
        shares: shares of the gradient at the last measured step.
    """

    def __init__(
        self, names: Sequence[str], counts: list[list[int]], numbers: list[list[float]]
    ) -> None:
        """Lists in the order of the terms."""
        self.counts = [dict(zip(names, row, strict=True)) for row in counts]
        self.averages, self.shares = (dict(zip(names, row, strict=True)) for row in numbers)


class Watch:
    """The counters of one criterion."""

    def __init__(self, names: Sequence[str], alarms: Alarms) -> None:
        """Start all counters at 0."""
        self.names, self.alarms, self.events = tuple(names), alarms, Events()
        counts = torch.zeros(ROWS, len(names), dtype=torch.int64, device="cpu")
        counts[BAD_VALUE:] = NEVER
        self.counts = counts
        # Moving averages of the values, and the last shares.
        self.numbers = torch.full((2, len(names)), torch.nan, dtype=torch.float32, device="cpu")

    def add_values(self, step: int, values: Mapping[str, Tensor]) -> None:
        """Count the values of a call."""
        like = next(iter(values.values()))
        self._move(like.device)
        missing = torch.full((), torch.nan, dtype=torch.float32, device=like.device)
        now = torch.stack(
            [values[n].detach().to(missing) if n in values else missing for n in self.names]
        )
        evaluated = self._flags(tuple(n in values for n in self.names), like.device)
        finite = now.isfinite()
        before = self.numbers[0]
        mixed = torch.where(before.isnan(), now, DECAY * before + (1.0 - DECAY) * now)
        self.numbers = torch.stack([torch.where(finite, mixed, before), self.numbers[1]])
        self._first(BAD_VALUE, evaluated & ~finite, step)

    def add_measured(self, diagnosis: Diagnosis) -> None:
        """Count a measured step."""
        measurement, weights = diagnosis.measurement, diagnosis.weights
        self._move(weights.device)
        here = self._flags(measurement.measured, weights.device)
        shares = measurement.shares(weights).float()
        conditions = torch.stack(
            [
                measurement.norms == 0,
                measurement.against_total(weights) < self.alarms.cosine,
                shares < self.alarms.share,
            ]
        )
        conditions = conditions & (weights != 0)
        runs = torch.where(conditions, self.counts[:BAD_VALUE] + 1, 0)
        self.counts = torch.cat(
            [torch.where(here, runs, self.counts[:BAD_VALUE]), self.counts[BAD_VALUE:]]
        )
        self.numbers = torch.stack([self.numbers[0], torch.where(here, shares, self.numbers[1])])
        self._first(BAD_GRADIENT, here & ~measurement.norms.isfinite(), measurement.step)

    def read(self, group: ProcessGroup | None) -> Reading:
        """Read all counters, equal in every process, and reset those of non-finite steps."""
        counts, numbers = self.counts, self.numbers
        if distributed.is_available() and distributed.is_initialized():
            count = distributed.get_world_size(group)
            if count > 1:
                counts, numbers = counts.clone(), numbers / count
                distributed.all_reduce(counts, distributed.ReduceOp.MAX, group=group)
                distributed.all_reduce(numbers, group=group)
        as_integers = numbers.view(torch.int32).long()
        rows = torch.cat([counts, as_integers]).tolist()  # the synchronisation
        bits = torch.tensor(rows[ROWS:], dtype=torch.int32, device="cpu")
        self.counts = torch.cat(
            [self.counts[:BAD_VALUE], torch.full_like(self.counts[BAD_VALUE:], NEVER)]
        )
        return Reading(self.names, rows[:ROWS], bits.view(torch.float32).tolist())

    def raise_alarms(
        self, found: Reading, on_nonfinite: OnNonFinite, times: Mapping[str, float]
    ) -> None:
        """Warn of what a reading found, or raise.

        Raises:
            RuntimeError: a value or a gradient was not finite, and ``on_nonfinite`` is ``"raise"``.
        """
        for name in self.names:
            self._not_finite(name, found, on_nonfinite)
            zero, against, small = (found.counts[row][name] for row in (ZERO, AGAINST, SMALL))
            bounds = self.alarms
            if zero >= bounds.zero_steps:
                self.events.report(
                    "zero",
                    name,
                    f"it trains nothing: its gradient at pred was exactly 0 in the last {zero} "
                    "measured steps; look for a clamp, a rounding or a detach in it",
                )
            if against >= bounds.cosine_steps:
                self.events.report(
                    "against",
                    name,
                    f"its gradient opposed the sum of all terms, with a cosine below "
                    f"{bounds.cosine:g}, in the last {against} measured steps; lower its weight, "
                    "or reconcile the terms with balance=PCGrad()",
                )
            if small >= bounds.share_steps:
                cost = ""
                if name in times:
                    cost = f"; it takes {100 * times[name]:.0f} % of the time of a step"
                self.events.report(
                    "small",
                    name,
                    f"its share of the gradient is {100 * found.shares[name]:.2g} %, below "
                    f"{100 * bounds.share:g} % for {small} measured steps{cost}; raise its weight, "
                    "remove it, or let balance=GradientShare() set the weights",
                )
            for kind, count in (("zero", zero), ("against", against), ("small", small)):
                if count == 0:
                    self.events.over(kind, name)  # type: ignore[arg-type]

    def _not_finite(self, name: str, reading: Reading, on_nonfinite: OnNonFinite) -> None:
        rows = (BAD_VALUE, "value", "value"), (BAD_GRADIENT, "gradient", "gradient at pred")
        for row, kind, what in rows:
            since = reading.counts[row][name]
            if since == NEVER:
                self.events.over(kind, name)  # type: ignore[arg-type]
                continue
            found = f"its {what} was NaN or infinite at step {since}"
            if on_nonfinite == "raise":
                raise RuntimeError(f"term {name!r}: {found}")
            done = {"skip_term": "; the term was left out", "skip_step": "; the step was left out"}
            self.events.report(kind, name, found + done.get(on_nonfinite, ""))  # type: ignore[arg-type]

    def _first(self, row: int, broken: Tensor, step: int) -> None:
        """Keep the first step at which a term was broken."""
        now = torch.where(broken & (self.counts[row] == NEVER), step, self.counts[row])
        self.counts = torch.cat([self.counts[:row], now.unsqueeze(0), self.counts[row + 1 :]])

    def _flags(self, flags: tuple[bool, ...], device: torch.device) -> Tensor:
        """Flags as a tensor, made on the device without waiting for it."""
        return torch.stack([torch.full((), flag, device=device) for flag in flags])

    def _move(self, device: torch.device) -> None:
        self.counts, self.numbers = self.counts.to(device), self.numbers.to(device)
