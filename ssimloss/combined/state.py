"""The entries of a criterion's ``state_dict`` beside the state of its terms.

``_extra_state`` is the step. Other entries exist only if they are in use. Their names begin with an
underscore. All are tensors, so that formats which only hold tensors can store them.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ssimloss.combined.alarms import KINDS
from ssimloss.combined.plan import Plan
from ssimloss.combined.progress import Progress
from ssimloss.combined.supervisor import Supervisor

GROUPS = ("_weight.", "_reached.", "_count.", "_watch.", "_balanced.")
NONE = -1


def of_criterion(
    plan: Plan, progress: Progress, supervisor: Supervisor | None
) -> dict[str, Tensor]:
    """The entries of a criterion."""
    found = {f"_weight.{name}": _number(weight) for name, weight in plan.weights.items()}
    found |= {f"_reached.{name}": _integer(step) for name, step in plan.reached.items()}
    if progress.accumulate != 1:
        rest = 0 if progress.accumulate is None else progress.calls % progress.accumulate
        found["_count.rest"] = _integer(rest)
        found["_count.advanced"] = _integer(progress.accumulate is None)
    if supervisor is None:
        return found
    watch, interval = supervisor.watch, supervisor.interval
    found["_watch.counts"], found["_watch.numbers"] = watch.counts, watch.numbers
    found["_watch.reported"] = torch.tensor(watch.events.as_numbers(watch.names), device="cpu")
    found["_watch.interval"] = _integer(NONE if interval is None else interval)
    if supervisor.factors is not None:
        found["_balanced.factors"] = supervisor.factors
    for name, value in _memory(supervisor).items():
        found[f"_balanced.memory.{name}"] = torch.as_tensor(value).detach()
    return found


def taken_out(state_dict: dict[str, Any], prefix: str) -> dict[str, Tensor]:
    """Remove the entries of a criterion from ``state_dict`` and return them."""
    found = {}
    for key in list(state_dict):
        own = key.removeprefix(prefix)
        if key.startswith(prefix) and own.startswith(GROUPS):
            found[own] = state_dict.pop(key)
    return found


def difference(saved: Mapping[str, Any], here: Mapping[str, Any]) -> str | None:
    """Describe how the saved criterion differs from this one."""
    for what, own in here.items():
        of_state = saved.get(what, own)
        if of_state != own:
            return f"{what} (saved: {_words(of_state)}; here: {_words(own)})"
    return None


def restore(
    state: Mapping[str, Tensor], plan: Plan, progress: Progress, supervisor: Supervisor | None
) -> Plan:
    """Restore entries, and return the plan that follows from them and ``plan``."""
    weights = {n: float(state[f"_weight.{n}"]) for n in plan.terms if f"_weight.{n}" in state}
    reached = {n: int(state[f"_reached.{n}"]) for n in plan.terms if f"_reached.{n}" in state}
    progress.restore(
        rest=int(state.get("_count.rest", 0)), advanced=bool(state.get("_count.advanced", False))
    )
    if supervisor is not None:
        _restore_watch(state, supervisor)
        _restore_balance(state, supervisor)
    return Plan(plan.terms, weights, reached)


def _restore_watch(state: Mapping[str, Tensor], supervisor: Supervisor) -> None:
    watch = supervisor.watch
    reported = state.get("_watch.reported", torch.empty(0))
    if reported.shape != (len(watch.names), len(KINDS)):
        return  # saved without counters, or by another version: the counts start at 0
    watch.counts, watch.numbers = state["_watch.counts"].clone(), state["_watch.numbers"].clone()
    watch.events.from_numbers(watch.names, reported.tolist())
    interval = int(state["_watch.interval"])
    supervisor.interval = None if interval == NONE else interval


def _restore_balance(state: Mapping[str, Tensor], supervisor: Supervisor) -> None:
    supervisor.factors = state.get("_balanced.factors")
    strategy: Any = supervisor.strategy
    if strategy is None or isinstance(strategy, nn.Module):
        return
    prefix = "_balanced.memory."
    kept = {key.removeprefix(prefix): v for key, v in state.items() if key.startswith(prefix)}
    if hasattr(strategy, "load_state_dict"):
        strategy.load_state_dict(kept)


def _memory(supervisor: Supervisor) -> Mapping[str, Any]:
    """The state of a strategy that is not a module; a module is saved as usual."""
    strategy: Any = supervisor.strategy
    if isinstance(strategy, nn.Module) or not hasattr(strategy, "state_dict"):
        return {}
    memory: Mapping[str, Any] = strategy.state_dict()
    return memory


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _number(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64, device="cpu")


def _integer(value: int) -> Tensor:
    return torch.tensor(int(value), dtype=torch.int64, device="cpu")
