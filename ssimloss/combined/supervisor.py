"""Balance, diagnosis and alarms of a criterion.

A measured step evaluates the terms, computes their gradients at ``pred``, lets the strategy compute
factors for the weights, and returns a scalar whose gradient is the weighted sum of the terms'.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributed import ProcessGroup

from ssimloss._precision import full_precision
from ssimloss._torch import is_transformed
from ssimloss.combined.alarms import Alarms, OnNonFinite
from ssimloss.combined.balance.protocol import Strategy
from ssimloss.combined.evaluation import name_term
from ssimloss.combined.gradients import Output, Part
from ssimloss.combined.measurement import Measurement, Weight, measure
from ssimloss.combined.plan import Plan
from ssimloss.combined.report import Diagnosis
from ssimloss.combined.timing import Stopwatch
from ssimloss.combined.watch import Watch

CHECK_EVERY = 100
Visit = Callable[[str, Tensor], None]


class Outcome(NamedTuple):
    """The result of a measured step: the sum, and values and weights of the evaluated terms."""

    total: Tensor
    values: dict[str, Tensor]
    weights: dict[str, Weight]
    diagnosis: Diagnosis | None


class Supervisor:
    """See the module.

    Attributes:
        diagnosis: that of the last measured step.
        factors: ``(T,)``, the strategy's last factors, also used in evaluation; None without a
            strategy.
        check_every: number of steps between two readings of the counters.
        times: by term, its fraction of a step's time when the counters were last read.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        strategy: Strategy | None,
        diagnose_every: int | None,
        check_every: int | None,
        on_nonfinite: OnNonFinite,
        alarms: Alarms,
        group: ProcessGroup | None,
    ) -> None:
        """The settings of a :class:`CombinedLoss`, checked."""
        self.names = tuple(names)
        self.strategy, self.on_nonfinite, self.group = strategy, on_nonfinite, group
        self.skips = on_nonfinite in ("skip_term", "skip_step")
        self.diagnose_every, self.asked_check = diagnose_every, check_every
        rounds = diagnose_every or 1
        self.check_every = check_every or rounds * -(-CHECK_EVERY // rounds)
        self.watch = Watch(names, alarms)
        self.interval: int | None = None  # the last interval in which the counters were read
        self.diagnosis: Diagnosis | None = None
        self.stopwatch = Stopwatch() if alarms.timed else None
        self.times: dict[str, float] = {}
        self.factors: Tensor | None = None
        if strategy is not None and hasattr(strategy, "attach"):
            strategy.attach(self.names)

    def measures(self, step: int, has_output: bool) -> bool:
        """Whether this step is measured. Without ``pred``, alarms use the values alone."""
        if self.strategy is not None or self.skips:
            return True
        if self.diagnose_every is not None and step % self.diagnose_every == 0:
            return True
        return has_output and self.asked_check is not None and step % self.asked_check == 0

    def measure(
        self,
        plan: Plan,
        step: int,
        given: Mapping[str, object],
        evaluate: Callable[[Mapping[str, object], Visit], None],
    ) -> Outcome:
        """A measured step.

        Args:
            plan: which terms are evaluated, and their weights.
            step: the step.
            given: the inputs by name.
            evaluate: calls the terms with these inputs, and calls its second argument with the name
                and the value of each term.
        """
        check_output(given)
        output = Output(given)
        parts: dict[str, Part] = {}
        device = output.pred.device
        if self.stopwatch is not None:
            self.stopwatch.begin(device)

        def visit(name: str, value: Tensor) -> None:
            inputs = [output.given[key] for key in plan.terms[name].inputs]
            try:
                parts[name] = output.differentiate(value, inputs, feed_all=self.skips)
            except RuntimeError as error:
                name_term(error, name)
                raise
            if self.stopwatch is not None:
                self.stopwatch.lap(name, device)

        evaluate(output.given, visit)
        base = {name: plan.weight_at(name, step) for name in parts}
        with torch.no_grad():
            measurement = self._measured(step, parts, output)
        self._look_at_graphs(plan, parts, output)
        if measurement is None:
            return self._sum(output, parts, dict(base), self._finite(parts, None), None)
        return self._balanced(output, parts, base, measurement)

    def _measured(self, step: int, parts: Mapping[str, Part], output: Output) -> Measurement | None:
        gradients = [parts[n].at_output if n in parts else None for n in self.names]
        if all(gradient is None for gradient in gradients):
            return None
        return measure(
            gradients,
            [parts[n].value if n in parts else None for n in self.names],
            step=step,
            scale=output.scale,
            group=self.group,
        )

    def _balanced(
        self,
        output: Output,
        parts: Mapping[str, Part],
        base: Mapping[str, float],
        measurement: Measurement,
    ) -> Outcome:
        factors = self._factors(measurement, base)
        weights: dict[str, Weight] = dict(base)
        if factors is not None:
            constant = factors.detach()
            kept = torch.ones_like(constant) if self.factors is None else self.factors.to(constant)
            self.factors = torch.stack(
                [(constant if here else kept)[i] for i, here in enumerate(measurement.measured)]
            )
            for i, name in enumerate(self.names):
                if measurement.measured[i]:
                    weights[name] = base[name] * constant[i]
        finite = self._finite(parts, measurement)
        outcome = self._sum(output, parts, weights, finite, measurement)
        if factors is None or not factors.requires_grad:
            return outcome
        return outcome._replace(
            total=outcome.total + self._of_the_strategy(factors, base, measurement)
        )

    def _factors(self, measurement: Measurement, base: Mapping[str, float]) -> Tensor | None:
        if self.strategy is None:
            return None
        if hasattr(self.strategy, "prepare"):
            in_order = tuple(base.get(name, 0.0) for name in self.names)
            self.strategy.prepare(in_order, measurement.elements)
        here = torch.stack([measurement.norms.new_full((), flag) for flag in measurement.measured])
        values = torch.where(here > 0, measurement.values, 0.0)
        asked = full_precision(self.strategy.weights)
        factors = asked(measurement.norms, measurement.cosines, values, measurement.step)
        if not isinstance(factors, Tensor) or factors.shape != measurement.norms.shape:
            got = tuple(factors.shape) if isinstance(factors, Tensor) else type(factors).__name__
            raise ValueError(
                f"balance.weights must return a tensor of shape {tuple(measurement.norms.shape)}, "
                f"a factor for each term, got {got}"
            )
        return factors.to(measurement.norms)

    def _of_the_strategy(
        self, factors: Tensor, base: Mapping[str, float], measurement: Measurement
    ) -> Tensor:
        """A value that is 0 apart from the strategy's penalty; its gradient trains the strategy."""
        total = factors.new_zeros(())
        for i, name in enumerate(self.names):
            if measurement.measured[i]:
                value = measurement.values[i].nan_to_num(0.0, 0.0, 0.0)
                total = total + base[name] * (factors[i] - factors[i].detach()) * value
        penalty = getattr(self.strategy, "penalty", None)
        return total if penalty is None else total + penalty(measurement.norms)

    def _finite(
        self, parts: Mapping[str, Part], measurement: Measurement | None
    ) -> dict[str, Tensor] | None:
        """For each evaluated term, whether it counts; None if all do."""
        if not self.skips:
            return None
        flags = {}
        for i, name in enumerate(self.names):
            if name in parts and measurement is None:
                flags[name] = parts[name].value.detach().isfinite()
            elif name in parts and measurement is not None:
                flags[name] = measurement.values[i].isfinite() & measurement.norms[i].isfinite()
        if self.on_nonfinite == "skip_step":
            return dict.fromkeys(flags, torch.stack(list(flags.values())).all())
        return flags

    def _sum(
        self,
        output: Output,
        parts: Mapping[str, Part],
        weights: dict[str, Weight],
        finite: Mapping[str, Tensor] | None,
        measurement: Measurement | None,
    ) -> Outcome:
        device = output.pred.device
        entering: list[tuple[Part, Weight]] = []
        flags: list[Tensor | None] = []
        fed: Tensor | None = None
        total: Tensor | None = None
        for name, part in parts.items():
            value = at_least_float32(part.value).to(device)
            ok = None if finite is None else finite[name]
            if ok is not None:
                weight = weights[name]
                value, weight = torch.where(ok, value, 0.0), torch.where(ok, weight, 0.0)
                weights[name] = weight
            weighted = weights[name] * value
            if part.is_fed:
                fed = weighted if fed is None else fed + weighted
                entering.append((part, weights[name]))
                flags.append(ok)
            else:
                total = weighted if total is None else total + weighted
        if fed is not None:
            entered = output.enter(entering, flags, fed)
            total = entered if total is None else total + entered
        if total is None:
            raise AssertionError("a measured step evaluates at least one term")
        values = {name: part.value.detach() for name, part in parts.items()}
        diagnosis = None
        if measurement is not None:
            used = [measurement.norms.new_zeros(()) + weights.get(n, 0.0) for n in self.names]
            diagnosis = Diagnosis(self.names, measurement, torch.stack(used))
            self.diagnosis = diagnosis
            self.watch.add_measured(diagnosis)
        return Outcome(total, values, weights, diagnosis)

    def _look_at_graphs(self, plan: Plan, parts: Mapping[str, Part], output: Output) -> None:
        """Alarms that follow from the graphs, without reading a value."""
        for name, part in parts.items():
            inputs = plan.terms[name].inputs
            if part.at_output is not None:
                self.watch.events.over("unreached", name)
                self.watch.events.over("constant", name)
            elif not part.is_fed and not part.value.requires_grad:
                self.watch.events.report(
                    "constant",
                    name,
                    f"it trains nothing: its value needs no gradient, since none of its inputs "
                    f"({', '.join(inputs)}) does; do not detach them, and do not compute them "
                    "under torch.no_grad()",
                )
            elif any(output.given[key] is output.given["pred"] for key in inputs):
                self.watch.events.report(
                    "unreached",
                    name,
                    "its gradient does not reach pred, although pred is among its inputs; look for "
                    "a detach in it",
                )

    def describe(self) -> str:
        """The settings on one line."""
        parts = [] if self.strategy is None else [f"balance={self.strategy!r}"]
        if self.diagnose_every is not None:
            parts.append(f"measured every {self.diagnose_every} steps")
        parts.append(f"alarms read every {self.check_every} steps")
        return ", ".join([*parts, f"on_nonfinite={self.on_nonfinite!r}"])

    def __getstate__(self) -> dict[str, object]:
        """Copies and pickles drop the last measurement, whose tensors may be on a device."""
        stopwatch = None if self.stopwatch is None else Stopwatch()
        return {**self.__dict__, "diagnosis": None, "stopwatch": stopwatch}

    def follow(self, plan: Plan, step: int, values: Mapping[str, Tensor]) -> Plan:
        """Count a call. Every ``check_every`` steps, read the counters, warn or raise, and start
        the waiting terms whose condition holds.

        Returns:
            The plan of the next call.
        """
        if values:
            self.watch.add_values(step, values)
            if self.stopwatch is not None:
                self.stopwatch.end(next(iter(values.values())).device)
        if step // self.check_every == self.interval:
            return plan
        self.interval = step // self.check_every
        reading = self.watch.read(self.group)
        if self.stopwatch is not None:
            self.times = self.stopwatch.parts()
        self.watch.raise_alarms(reading, self.on_nonfinite, self.times)
        for name in self.names:
            if plan.weight(name) == 0.0 and step >= self.check_every:
                self.watch.events.report(
                    "unused",
                    name,
                    f"its weight is 0, so that it is never evaluated; set one with "
                    f"criterion.set_weight({name!r}, ...), or remove it",
                )
            elif plan.weight(name) != 0.0:
                self.watch.events.over("unused", name)
        for name in plan.waiting():
            condition = plan.terms[name].plan.condition
            if condition is not None and condition.is_met(reading.averages[condition.term]):
                plan = plan.with_reached(name, step + 1)
        return plan

    def factor(self, name: str, weight: float) -> Weight:
        """The weight of a term at a step that is not measured, with the last factor."""
        return weight if self.factors is None else weight * self.factors[self.names.index(name)]


def check_output(given: Mapping[str, object]) -> None:
    """Check that gradients can be measured at ``pred``.

    Raises:
        TypeError: ``pred`` is missing or is not a tensor.
        ValueError: ``pred`` needs no gradient.
        RuntimeError: a transform of ``torch.func`` is active.
    """
    pred = given.get("pred")
    why = "with balance or diagnose_every the gradients of the terms are taken at pred"
    if pred is None:
        raise TypeError(f"pred is missing: {why}; pass the network's output as pred")
    if not isinstance(pred, Tensor):
        raise TypeError(
            f"pred must be one tensor, got {type(pred).__name__}: {why}; pass the output that the "
            "terms have in common as pred, and others by the names in inputs=(...)"
        )
    if not pred.requires_grad:
        raise ValueError(
            f"pred needs no gradient: {why}; pass the network's output itself, not detached; for "
            "validation, call criterion.eval() or use torch.no_grad()"
        )
    if is_transformed():
        raise RuntimeError(
            "gradients of terms cannot be taken inside torch.func or torch.vmap; build the "
            "CombinedLoss without balance, diagnose_every, check_every and on_nonfinite"
        )


def at_least_float32(value: Tensor) -> Tensor:
    """Half precision to float32; float32 and float64 as they are."""
    return value.to(torch.promote_types(value.dtype, torch.float32))
