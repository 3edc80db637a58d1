"""Which terms are evaluated at a step, and their weights, from schedules and later changes."""

from collections.abc import Mapping

from ssimloss.combined.schedule import Number
from ssimloss.combined.term import Term


class Plan:
    """The terms, the weights set by :meth:`CombinedLoss.set_weight`, and the steps at which the
    conditions of waiting terms were met. It is immutable: a change returns a new plan.
    """

    def __init__(
        self,
        terms: Mapping[str, Term],
        weights: Mapping[str, float] | None = None,
        reached: Mapping[str, int] | None = None,
    ) -> None:
        """``weights`` replace those of the terms. ``reached`` maps a term to the step at which its
        condition was met.
        """
        self.terms = dict(terms)
        self.weights = dict(weights or {})
        self.reached = dict(reached or {})

    def with_weight(self, name: str, weight: float) -> "Plan":
        """Return the plan with another weight."""
        return Plan(self.terms, {**self.weights, name: weight}, self.reached)

    def with_reached(self, name: str, step: int) -> "Plan":
        """Return the plan with one term that no longer waits."""
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
        """Whether results depend on the step: a schedule, a weight that was set, a condition."""
        return bool(self.weights) or not all(t.plan.is_constant for t in self.terms.values())
