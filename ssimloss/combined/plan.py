"""Which terms are evaluated at a step, and their weights: the schedules, and what was changed."""

from collections.abc import Mapping

from ssimloss.combined.schedule import Number
from ssimloss.combined.term import Term


class Plan:
    """The terms, with the weights that :meth:`CombinedLoss.set_weight` set and the steps at which
    the conditions of waiting terms were met. It does not change; what changes it makes another.
    """

    def __init__(
        self,
        terms: Mapping[str, Term],
        weights: Mapping[str, float] | None = None,
        reached: Mapping[str, int] | None = None,
    ) -> None:
        """``weights`` replace those of the terms; ``reached`` says since when a term waits no
        more.
        """
        self.terms = dict(terms)
        self.weights = dict(weights or {})
        self.reached = dict(reached or {})

    def with_weight(self, name: str, weight: float) -> "Plan":
        """The plan with another weight."""
        return Plan(self.terms, {**self.weights, name: weight}, self.reached)

    def with_reached(self, name: str, step: int) -> "Plan":
        """The plan with a term that waits no more."""
        return Plan(self.terms, self.weights, {**self.reached, name: step})

    def waiting(self) -> list[str]:
        """The terms that wait for the value of another one."""
        return [n for n, t in self.terms.items() if t.plan.condition and n not in self.reached]

    def weight(self, name: str) -> Number:
        """The full weight of a term: a number or a callable of the step."""
        return self.weights.get(name, self.terms[name].weight)

    def is_active(self, name: str, step: int) -> bool:
        """Whether the term is evaluated at ``step``."""
        schedule = self.terms[name].plan
        if schedule.condition is None:
            return schedule.is_active(step, self.weights.get(name))
        if name not in self.reached:
            return False
        return schedule.is_active(step - self.reached[name], self.weights.get(name))

    def weight_at(self, name: str, step: int) -> float:
        """The weight at ``step``; 0 where the term is not evaluated."""
        schedule = self.terms[name].plan
        if schedule.condition is None:
            return schedule.at(step, self.weights.get(name))
        if name not in self.reached:
            return 0.0
        return schedule.at(step - self.reached[name], self.weights.get(name))

    @property
    def has_memory(self) -> bool:
        """Whether the step matters: a schedule, a weight that was set, a condition."""
        return bool(self.weights) or not all(t.plan.is_constant for t in self.terms.values())
