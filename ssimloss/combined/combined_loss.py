"""The weighted sum of named terms: sum over k of weight_k(t) * loss_k(inputs_k), in float32."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torch.distributed import ProcessGroup

from ssimloss import _checks
from ssimloss._torch import HasState, apart, is_in_backward, is_replica
from ssimloss.combined import build, state
from ssimloss.combined.alarms import Alarms, OnNonFinite
from ssimloss.combined.balance.protocol import Strategy, module_of
from ssimloss.combined.calls import Loss, describe
from ssimloss.combined.evaluation import checked_value, evaluate, given_inputs, zero
from ssimloss.combined.measurement import Weight
from ssimloss.combined.pictures import draw_schedule
from ssimloss.combined.plan import Plan
from ssimloss.combined.progress import Progress
from ssimloss.combined.ranges import RangeWatch
from ssimloss.combined.report import LastCall, columns_of
from ssimloss.combined.sharing import SharedNetworks
from ssimloss.combined.supervisor import Supervisor, Visit, at_least_float32
from ssimloss.combined.term import Term, number_text


class NoCallYet(RuntimeError, AttributeError):
    """``CombinedLoss.last`` before the first call."""


class CombinedLoss(HasState):
    """Weighted sum of named losses, each with its own inputs and schedule.

    ``criterion(pred, target, **named)`` returns a scalar on the device of the first evaluated term:
    float64 if a term is float64, otherwise float32. ``pred`` and ``target`` are float images
    ``(N, C, H, W)``, or whatever the terms take. Other inputs are passed by name. Only the inputs
    of the terms evaluated at this step are required. A term that is off at this step is not called.
    If all are off, the result is 0 with a zero gradient to ``pred``.

    Terms whose networks compute the same features (same network, weights and preparation of the
    image) share one pass over each image, up to the deepest layer that any of them needs.

    The step counts from 0 the calls made in training mode with gradients enabled, or optimiser
    steps; see ``accumulate`` and :meth:`advance`. It is part of ``state_dict()``.

    With ``balance``, ``diagnose_every``, ``check_every``, or ``on_nonfinite`` other than
    ``"warn"``, steps are measured. A measured step computes the gradient of each term at ``pred``,
    which must be the network's output; ``backward()`` of the result continues from their weighted
    sum. ``loss.backward()`` is called as always. A measured step has no second derivative.

    Args:
        terms: one :class:`Term` per name, or a bare callable for weight 1. The module behind a term
            is registered under that name.
        balance: a strategy that sets the weights from the gradients, such as ``GradientShare()``.
        diagnose_every: measure every that many steps, for ``last.gradient_shares`` and the like.
        check_every: measure and read the alarms every that many steps, which waits for the device.
            The default is 100 if anything is measured.
        on_nonfinite: what happens if a value or a gradient is NaN or infinite. ``"warn"`` and
            ``"raise"`` act when the alarms are read. ``"skip_term"`` and ``"skip_step"`` leave out
            the term, or all terms, at once: the gradient is 0, and so is the weight in ``last``.
        accumulate: calls per optimiser step; None if only :meth:`advance` counts steps.
        alarms: bounds of the alarms.
        process_group: the processes that share a batch; all processes by default.

    Raises:
        TypeError: when built: a term is neither a :class:`Term` nor a callable, or a bare callable
            needs the ``inputs`` of a :class:`Term`. When called: an input is missing or unknown, or
            a term does not return a tensor.
        ValueError: when built: there are no terms, or a name is not an identifier or is an
            attribute of the module. When called: a term returns more than one number, an integer,
            or a number that needs no gradient although its inputs do.

    A ``TypeError``, ``ValueError`` or ``RuntimeError`` raised by a term is re-raised with the
    term's name in front of the message.
    """

    _is_term = False

    @build.by_name
    def __init__(
        self,
        /,
        *,
        balance: Strategy | str | None = None,
        diagnose_every: int | None = None,
        check_every: int | None = None,
        on_nonfinite: OnNonFinite = "warn",
        accumulate: int | None = 1,
        alarms: Alarms | None = None,
        process_group: ProcessGroup | None = None,
        **terms: Term | Loss,
    ) -> None:
        """Check the names and register the modules behind the terms; see the class."""
        super().__init__()
        self._progress = Progress()
        self.accumulate = accumulate
        built = build.terms(
            terms, taken=lambda name: hasattr(type(self), name) or name in vars(self)
        )
        self._plan = Plan(built)
        self._asked = build.asked(built)  # input -> the terms that ask for it
        for name, term in built.items():
            if term.module is not None:
                self.add_module(name, term.module)
            if isinstance(term.module, CombinedLoss):
                term.module._is_term = True
        self._ranges = RangeWatch(built)
        self._networks = SharedNetworks({name: term.module for name, term in built.items()})
        self._supervisor = build.supervisor(
            built,
            balance=balance,
            diagnose_every=diagnose_every,
            check_every=check_every,
            on_nonfinite=on_nonfinite,
            alarms=alarms,
            group=process_group,
        )
        trained = module_of(self.balance)
        if trained is not None:
            self.add_module("_balance", trained)

    # --- what a trainer sets and reads ------------------------------------------------------------

    @property
    def terms(self) -> Mapping[str, Term]:
        """The terms by name, in order, read-only."""
        return MappingProxyType(self._plan.terms)

    @property
    def balance(self) -> Strategy | None:
        """The strategy that sets the weights, None where they are fixed."""
        return None if self._supervisor is None else self._supervisor.strategy

    @property
    def step(self) -> int:
        """Number of training steps so far, and the step that schedules use in the next call. It may
        be set to any integer of at least 0.
        """
        return self._progress.step

    @step.setter
    def step(self, step: int) -> None:
        self._progress.step = _checks.count("step", step, least=0)

    @property
    def accumulate(self) -> int | None:
        """Calls per optimiser step; None if only :meth:`advance` counts steps. Set it only between
        two steps.
        """
        return self._progress.accumulate

    @accumulate.setter
    def accumulate(self, accumulate: int | None) -> None:
        step = self.step
        if accumulate is not None:
            _checks.count("accumulate", accumulate)
        self._progress.accumulate = accumulate
        self.step = step

    def advance(self) -> None:
        """Count an optimiser step. Call it after every ``optimizer.step()``, beginning with the
        first.

        From then on, calls of the criterion do not count. With ``accumulate`` above 1, it ends a
        step early, for example after the incomplete last accumulation of an epoch. Between two
        steps it does nothing.
        """
        self._progress.advance()

    def set_weight(self, name: str, weight: float) -> None:
        """Replace the full weight of a term from the next call on. Its schedule continues.

        Raises:
            KeyError: there is no such term.
            TypeError: ``weight`` is not a number. A schedule is an argument of :class:`Term`.
            ValueError: ``weight`` is not finite.
        """
        self._plan = self._plan.with_weight(self._known(name), _checks.number("weight", weight))

    def is_active(self, name: str) -> bool:
        """Whether the next call evaluates a term. If not, for example before its ``start``, the
        discriminator of an adversarial term need not run.

        Raises:
            KeyError: there is no such term.
        """
        return self._plan.is_active(self._known(name), self.step)

    def describe(self) -> str:
        """Return a table of the terms: inputs, schedule and current weight of each."""
        return build.description(self._plan, self.step, self._supervisor)

    def plot_schedule(self, path: str | os.PathLike[str], *, steps: int | None = None) -> None:
        """Draw the scheduled weights over ``steps`` steps into a PNG file.

        By default, ``steps`` covers every schedule and a tenth more. Factors of a strategy are not
        known in advance and not drawn.

        Raises:
            RuntimeError: matplotlib is missing.
        """
        draw_schedule(
            self._plan, Path(path), None if steps is None else _checks.count("steps", steps)
        )

    @property
    def last(self) -> LastCall:
        """Values, weights and gradients of the last call, in training or in evaluation."""
        if self._progress.last is None:
            raise NoCallYet(
                "CombinedLoss.last holds the results of the last call, and there was no call yet; "
                "call the criterion first"
            )
        if not torch.compiler.is_compiling():
            self._ranges.warn()
        return self._progress.last

    def log(self, prefix: str = "") -> dict[str, float]:
        """Return the values of :attr:`last` as a flat dict for TensorBoard, W&B or Lightning, read
        with one synchronisation. Keys begin with ``prefix``. See :meth:`LastCall.numbers`.
        """
        numbers = self.last.numbers()
        self._ranges.warn(wait=True)  # does not wait: newer results have just been read
        return {f"{prefix}{key}": number for key, number in numbers.items()}

    # --- the sum ----------------------------------------------------------------------------------

    def forward(
        self, pred: Tensor | None = None, target: Tensor | None = None, **named: object
    ) -> Tensor:
        """The weighted sum at this step; see the class."""
        if is_replica(self) and self._depends_on_steps():
            raise RuntimeError(
                "a CombinedLoss with schedules, balance or measured steps cannot run inside "
                "nn.DataParallel, because each of its threads would count the step; call the "
                "criterion outside of it, or use DistributedDataParallel"
            )
        given = given_inputs(pred, target, named, self._asked)
        counts = self.training and torch.is_grad_enabled()
        supervisor = self._supervisor if counts else None
        if counts and not torch.compiler.is_compiling() and is_in_backward():
            return self._recomputed(supervisor, given)
        step = self._progress.step
        if supervisor is None or not supervisor.measures(step, "pred" in given):
            total = self._plain(step, given)
        elif torch.compiler.is_compiling():
            total = self._measured_apart(supervisor, step, given)
        else:
            total = self._measured(supervisor, step, given)
        if supervisor is not None:
            if torch.compiler.is_compiling():
                self._follow_apart(supervisor, step)
            else:
                self._follow(supervisor, step)
        if counts:
            self._ranges.count(step, given)
            self._progress.count()
        return total

    def _recomputed(self, supervisor: Supervisor | None, given: dict[str, object]) -> Tensor:
        """Repeat the last call, in the backward pass of a checkpointed function."""
        if supervisor is not None:
            raise RuntimeError(
                "a CombinedLoss with balance, diagnose_every or check_every cannot run inside "
                "torch.utils.checkpoint, which would measure each step twice; checkpoint only the "
                "network, and call the criterion outside"
            )
        return self._plain(self._progress.last_step, given)

    def _measured(self, supervisor: Supervisor, step: int, given: dict[str, object]) -> Tensor:
        if not any(self._plan.is_active(name, step) for name in self._plan.terms):
            return self._plain(step, given)
        found = supervisor.measure(
            self._plan, step, given, lambda seen, visit: self._evaluate(step, seen, visit)
        )
        diagnosis = found.diagnosis or supervisor.diagnosis
        last = LastCall(step, found.values, found.total, found.weights, diagnosis)
        self._progress.last = last
        return found.total

    def _follow(self, supervisor: Supervisor, step: int) -> None:
        """Count the call for the alarms, and start waiting terms whose condition holds."""
        self._plan = supervisor.follow(self._plan, step, self.last.values)

    _measured_apart = apart(
        _measured,
        "balance and diagnose_every measure gradients with torch.autograd.grad, which breaks the "
        "graph; compile without fullgraph, or build the CombinedLoss without these options",
    )
    _follow_apart = apart(
        _follow,
        "check_every, balance and alarms read values on the host, which breaks the graph; compile "
        "without fullgraph, or build the CombinedLoss without these options",
    )

    def _plain(self, step: int, given: dict[str, object]) -> Tensor:
        values: dict[str, Tensor] = {}
        self._evaluate(step, given, values.__setitem__)
        weights = {name: self._plan.weight_at(name, step) for name in values}
        used: Mapping[str, Weight] = weights
        is_planned = self._supervisor is None or self._supervisor.factors is None
        if self._supervisor is not None and not is_planned:
            used = {name: self._supervisor.factor(name, w) for name, w in weights.items()}
        total: Tensor | None = None
        for name, value in values.items():
            part = used[name] * at_least_float32(value)
            total = part if total is None else total + part.to(total.device)
        if total is None:
            total = zero(given)
        shown = self._plan if is_planned and torch.compiler.is_compiling() else used
        diagnosis = None if self._supervisor is None else self._supervisor.diagnosis
        self._progress.last = LastCall(step, values, total, shown, diagnosis)
        return total

    def _evaluate(self, step: int, given: Mapping[str, object], visit: Visit) -> None:
        """Call the terms that are active at this step, with their networks shared."""
        active = {n: t for n, t in self._plan.terms.items() if self._plan.is_active(n, step)}
        opened = self._networks.open({name: term.inputs for name, term in active.items()}, given)
        try:
            for name, term in active.items():
                visit(name, checked_value(name, term, evaluate(name, term, given), given))
        finally:
            self._networks.close(opened)

    # --- what is saved and shown ------------------------------------------------------------------

    def get_extra_state(self) -> Tensor:
        """The step, as an integer tensor on the CPU, for ``state_dict()``."""
        return torch.tensor(self.step, dtype=torch.int64, device="cpu")

    def set_extra_state(self, state: Tensor) -> None:
        """Take the step from a state dict."""
        if not isinstance(state, Tensor) or state.ndim != 0 or state.dtype is not torch.int64:
            raise TypeError(
                f"the state of a CombinedLoss is its step, an int64 scalar, got {state!r}"
            )
        self.step = int(state)

    def _save_own(self, destination: dict[str, Any], prefix: str) -> None:
        if prefix and not self._has_memory():
            # There is nothing to restore, and models without a criterion can load the state too.
            destination.pop(f"{prefix}_extra_state", None)
        own = state.of_criterion(self._plan, self._progress, self._supervisor)
        destination.update({prefix + key: tensor for key, tensor in own.items()})

    def _take_own(self, state_dict: dict[str, Any], prefix: str) -> dict[str, Tensor]:
        return state.taken_out(state_dict, prefix)

    def _load_own(self, own: Mapping[str, Tensor], about: Mapping[str, Any]) -> str | None:
        self._plan = state.restore(own, self._plan, self._progress, self._supervisor)
        return state.difference(about, self._about())

    def _about(self) -> dict[str, Any]:
        strategy = None if self.balance is None else type(self.balance).__name__
        return {"terms": list(self._plan.terms), "balance": strategy}

    def _may_lack(self, prefix: str) -> tuple[str, ...]:
        return (f"{prefix}_extra_state",) if prefix else ()

    def _has_memory(self) -> bool:
        """Whether later calls depend on the steps so far, or an enclosing sum saves its state."""
        return self._is_term or self._depends_on_steps()

    def _depends_on_steps(self) -> bool:
        return self._supervisor is not None or self._plan.has_memory

    def __getattr__(self, name: str) -> Any:
        """As in any module, except that ``last`` keeps its own message: before the first call, the
        attribute does not exist.
        """
        if name == "last":
            return type(self).last.fget(self)  # type: ignore[attr-defined]
        return super().__getattr__(name)

    def __setattr__(self, name: str, value: object) -> None:
        """As in any module, except that a term cannot be replaced by assignment."""
        plan = self.__dict__.get("_plan")
        if plan is not None and name in plan.terms:
            raise AttributeError(
                f"term {name!r} is fixed when CombinedLoss is built; build a new CombinedLoss, or "
                "change its weight with set_weight"
            )
        super().__setattr__(name, value)  # type: ignore[arg-type]  # nn.Module declares tensors and modules, and takes all

    def __repr__(self) -> str:
        """A table of the terms."""
        rows = [("name", "weight", "inputs", "schedule", "loss")]
        for name, term in self._plan.terms.items():
            weight = number_text(self._plan.weight(name))
            rows.append((name, weight, ", ".join(term.inputs), term.schedule, describe(term.loss)))
        balance = "" if self.balance is None else f", balance={self.balance!r}"
        lines = columns_of(rows)
        return "\n  ".join([f"{type(self).__name__}(step={self.step}{balance}", *lines]) + "\n)"

    def _known(self, name: str) -> str:
        if name not in self._plan.terms:
            raise KeyError(
                f"there is no term {name!r}; the terms are {', '.join(self._plan.terms)}"
            )
        return name
