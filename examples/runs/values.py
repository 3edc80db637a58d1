"""The values of the terms during training: read from the device together, checked, and kept for the
curves.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor


class NonFiniteError(Exception):
    """A value became NaN or infinite; the message names the step and the terms."""


@dataclass
class History:
    """What the curves show: per unweighted term ``(step, mean of the steps before)``, and the
    scores measured on the way.
    """

    terms: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    score_steps: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def add_terms(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self.terms.setdefault(name, []).append((step, value))

    def add_score(self, step: int, score: float) -> None:
        self.score_steps.append(step)
        self.scores.append(score)


class Unread:
    """The terms of each step since the last reading, still on the device."""

    def __init__(self) -> None:
        self._steps: list[dict[str, Tensor]] = []

    def add(self, values: Mapping[str, Tensor]) -> None:
        self._steps.append({name: value.detach() for name, value in values.items()})

    def read(self, step: int, weights: Iterable[Tensor]) -> dict[str, float]:
        """The mean of each term over the steps up to ``step``, read at once.

        Raises:
            NonFiniteError: a term was not finite, or one of the ``weights`` is not.
        """
        first = step - len(self._steps) + 1
        labels = [(first + i, name) for i, values in enumerate(self._steps) for name in values]
        numbers = torch.stack(
            [value.float() for values in self._steps for value in values.values()]
        ).tolist()
        weights_finite = torch.stack([weight.isfinite().all() for weight in weights]).all()
        self._steps = []

        broken = [
            label
            for label, number in zip(labels, numbers, strict=True)
            if not math.isfinite(number)
        ]
        if broken:
            at = broken[0][0]
            names = [name for place, name in broken if place == at]
            raise NonFiniteError(
                f"step {at}: the loss is not finite in the term{'s' * (len(names) > 1)} "
                f"{', '.join(names)}"
            )
        if not weights_finite:
            raise NonFiniteError(
                f"step {step}: every term is finite but the network is not: the gradient of a "
                "term or the step was too large"
            )

        by_name: dict[str, list[float]] = {}
        for (_, name), number in zip(labels, numbers, strict=True):
            by_name.setdefault(name, []).append(number)
        return {name: math.fsum(values) / len(values) for name, values in by_name.items()}
