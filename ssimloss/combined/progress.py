"""What a CombinedLoss remembers from call to call: how many training steps it has seen, and what
the last one gave.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from ssimloss._torch import mark_length_dynamic
from ssimloss.combined.term import Term

# Lengths 0 and 1 are special to torch.compile, and it may tie a length to another of equal size; no
# image side is this long.
_ORIGIN = 1 << 20


class LastCall:
    """What each term gave in one call of a :class:`CombinedLoss`: detached scalars, read without
    synchronising.

    All are views of one small tensor in the dtype and on the device of the returned sum.

    Attributes:
        step: the step of the call.
    """

    def __init__(
        self, terms: Mapping[str, Term], step: int, values: Mapping[str, Tensor], total: Tensor
    ) -> None:
        """Keep ``values`` and ``total`` detached; ``terms`` gives the weights when they are asked
        for.
        """
        self._terms = terms
        self._names = tuple(values)
        # Copied, not only detached: compiled by torch 2.15 (pytorch pull request 195688), a
        # function that returns x * 1 beside x.detach() returns one tensor for both, without a
        # gradient.
        self._numbers = torch.stack(
            [number.detach().to(total) for number in (*values.values(), total)]
        )
        self.step = step

    @property
    def values(self) -> dict[str, Tensor]:
        """Per evaluated term, by name, the value it returned, unweighted."""
        return dict(zip(self._names, self._numbers[:-1].unbind(), strict=True))

    @property
    def weights(self) -> dict[str, float]:
        """Per evaluated term, the weight at this step."""
        return {name: self._terms[name].weight_at(self.step) for name in self._names}

    @property
    def weighted(self) -> dict[str, Tensor]:
        """Per evaluated term, weight times value; they add up to ``total``."""
        weights = self.weights
        return {name: weights[name] * value for name, value in self.values.items()}

    @property
    def total(self) -> Tensor:
        """The weighted sum that the call returned."""
        return self._numbers[-1]

    def __repr__(self) -> str:
        """Name the terms without reading their values."""
        return f"LastCall(step={self.step}, weights={self.weights})"


class Progress:
    """Step counter and last call.

    The step is kept as the length of an empty tensor. torch.compile takes a Python integer that
    hangs off a module for a constant and compiles again at every new value, but follows a length
    from step to step without compiling; reading it never waits for a device.
    """

    def __init__(self) -> None:
        """Start at step 0 with no call made."""
        self.step = 0
        self.last: LastCall | None = None

    @property
    def step(self) -> int:
        """Training steps seen, which is also the number of the step to come."""
        return self._length.shape[0] - _ORIGIN

    @step.setter
    def step(self, step: int) -> None:
        self._length = mark_length_dynamic(_empty(step + _ORIGIN))

    def advance(self) -> None:
        """Count one training step."""
        self._length = _empty(self._length.shape[0] + 1)

    def __getstate__(self) -> dict[str, int]:
        """Copies and pickles carry the step, not the last call: its tensors may live on a
        device.
        """
        return {"step": self.step}

    def __setstate__(self, state: dict[str, int]) -> None:
        """Restore the step."""
        self.step = state["step"]
        self.last = None


def _empty(length: int) -> Tensor:
    return torch.empty(length, 0, dtype=torch.uint8, device="cpu")  # no elements, no memory
