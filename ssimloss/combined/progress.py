"""The number of training steps of a criterion, and the results of its last call."""

import torch

from ssimloss._torch import mark_length_dynamic
from ssimloss.combined.report import LastCall

# torch.compile specialises on lengths 0 and 1, and may assume that two equal lengths stay equal. No
# side of an image is this long.
_ORIGIN = 1 << 20


class Progress:
    """Step counter and last call.

    The length of an empty tensor counts the calls. torch.compile treats a Python integer on a
    module as a constant and would recompile at every new value. It follows a length without
    recompiling, and reading a length never waits for a device.
    """

    def __init__(self) -> None:
        """Nothing was counted."""
        self.accumulate: int | None = 1  # calls per step; None: only :meth:`advance` counts
        self.calls = 0
        self.first = 0  # the count when counting began, or when the step was last set
        self.last: LastCall | None = None

    @property
    def calls(self) -> int:
        """Calls counted; ``accumulate`` calls are one step."""
        return self._length.shape[0] - _ORIGIN

    @calls.setter
    def calls(self, calls: int) -> None:
        self._length = mark_length_dynamic(_empty(calls + _ORIGIN))

    @property
    def step(self) -> int:
        """Number of training steps so far, which is also the number of the next step."""
        if self.accumulate is None or self.accumulate == 1:
            return self.calls
        return self.calls // self.accumulate

    @step.setter
    def step(self, step: int) -> None:
        self.calls = self.first = step * (self.accumulate or 1)

    @property
    def last_step(self) -> int:
        """The step of the call that was counted last."""
        return self.step if self.accumulate is None else max(self.calls - 1, 0) // self.accumulate

    def count(self) -> None:
        """Count one call."""
        if self.accumulate is not None:
            self._length = _empty(self._length.shape[0] + 1)

    def advance(self) -> None:
        """Count a step of the optimiser."""
        if self.accumulate == 1:
            # All calls so far belong to one step.
            self.accumulate = None
            self.step = self.first + 1
        elif self.accumulate is None:
            self.step = self.calls + 1
        elif self.calls % self.accumulate:
            self.step = self.calls // self.accumulate + 1

    def restore(self, *, rest: int, advanced: bool) -> None:
        """Continue within a step, after ``step`` was set."""
        self.calls += rest
        if advanced:
            self.accumulate = None

    def __getstate__(self) -> dict[str, int | None]:
        """Copies and pickles keep the step. They drop the last call, whose tensors may be on a
        device.
        """
        return {"calls": self.calls, "accumulate": self.accumulate, "first": self.first}

    def __setstate__(self, state: dict[str, int]) -> None:
        """Restore the step."""
        self.accumulate, self.last = state.get("accumulate", 1), None
        self.calls = state.get("calls", state.get("step", 0))
        self.first = state.get("first", self.calls)


def _empty(length: int) -> torch.Tensor:
    return torch.empty(length, 0, dtype=torch.uint8, device="cpu")  # no elements, no memory
