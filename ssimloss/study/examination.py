"""How often a distance orders two distorted images correctly."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final

import torch
from torch import Tensor

from ssimloss.study.orderings import GROUPS, Trial

# Distances with a smaller relative difference tie; equal errors are equal to 1e-3.
TIE: Final = 2e-3


@dataclass(frozen=True)
class Distance:
    """A distance in two steps: ``describe`` maps images ``(N, 3, H, W)`` in [0, 1] to features, and
    ``compare`` maps two of those to distances ``(N,)``.
    """

    name: str
    describe: Callable[[Tensor], Any]
    compare: Callable[[Any, Any], Tensor]


@dataclass
class Tally:
    """Number of correct answers, where a tie counts half, and of all answers."""

    right: float = 0.0
    asked: int = 0

    @property
    def accuracy(self) -> float:
        """The share of correct answers; NaN without any answer."""
        return self.right / self.asked if self.asked else math.nan


Tallies = dict[str, dict[str, Tally]]  # by group, and in it by comparison


def examine(measure: Distance, trials: Iterable[Trial]) -> Tallies:
    """Count the correct orderings of the measure, by group and comparison."""
    tallies: Tallies = {group: {} for group in GROUPS}
    for trial in trials:
        described = measure.describe(trial.reference)
        distances = {
            name: measure.compare(described, measure.describe(images))
            for name, images in trial.candidates.items()
        }
        for near, far in trial.order:
            exists = torch.ones(len(trial.reference), dtype=torch.bool)
            for name in (near, far):
                exists = exists & trial.exists.get(name, exists)
            tally = tallies[trial.group].setdefault(f"{near} < {far}", Tally())
            tally.right += float(_right(distances[near], distances[far])[exists].sum())
            tally.asked += int(exists.sum())
    return tallies


def _right(near: Tensor, far: Tensor) -> Tensor:
    """1 where ``near`` is smaller, 1/2 for a tie, 0 elsewhere and for NaN.

    Infinite distances, such as those of PSNR for equal images, tie only if they are equal.
    """
    finite = near.isfinite() & far.isfinite()
    close = (far - near).abs() <= TIE * torch.maximum(far.abs(), near.abs())
    return torch.where((near == far) | (finite & close), 0.5, (near < far).double())


def accuracies(tallies: Tallies) -> dict[str, float]:
    """The accuracy of each group, and their ``"mean"``; a group without answers does not count."""
    by_group = {
        group: Tally(
            sum(t.right for t in found.values()), sum(t.asked for t in found.values())
        ).accuracy
        for group, found in tallies.items()
    }
    asked = [accuracy for accuracy in by_group.values() if not math.isnan(accuracy)]
    return {**by_group, "mean": fmean(asked) if asked else math.nan}
