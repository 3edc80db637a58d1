"""Builds the parts of a criterion: its checked terms and its supervisor."""

import functools
import keyword
from collections.abc import Callable, Mapping
from typing import ParamSpec, get_args

from torch.distributed import ProcessGroup

from ssimloss import _checks
from ssimloss._words import near
from ssimloss.combined.alarms import Alarms, OnNonFinite
from ssimloss.combined.balance.protocol import Strategy, checked
from ssimloss.combined.calls import Loss, describe
from ssimloss.combined.plan import Plan
from ssimloss.combined.report import columns_of
from ssimloss.combined.supervisor import Supervisor
from ssimloss.combined.term import Term, number_text

P = ParamSpec("P")
OPTIONS = (
    "balance",
    "diagnose_every",
    "check_every",
    "on_nonfinite",
    "accumulate",
    "alarms",
    "process_group",
)


def by_name(initialise: Callable[P, None]) -> Callable[P, None]:
    """Decorate ``__init__`` of a criterion so that terms by position raise an error."""

    @functools.wraps(initialise)
    def checked(*args: P.args, **given: P.kwargs) -> None:
        if len(args) > 1:
            raise TypeError(
                "CombinedLoss() takes its terms by name, CombinedLoss(pixel=..., ssim=...), or "
                f"CombinedLoss(**terms) for a dict, got {type(args[1]).__name__} by position"
            )
        initialise(*args, **given)

    return checked


def terms(given: Mapping[str, Term | Loss], *, taken: Callable[[str], bool]) -> dict[str, Term]:
    """The terms by name, in order.

    Args:
        given: by name, a term, or a callable of weight 1.
        taken: returns whether a name is already an attribute of the criterion.
    """
    if not given:
        raise ValueError(
            "CombinedLoss needs at least one term, for example "
            "CombinedLoss(pixel=Term(CharbonnierLoss()))"
        )
    found = {}
    for name, term in given.items():
        if not name.isidentifier() or keyword.iskeyword(name):
            raise ValueError(f"a term's name must be an identifier, got {name!r}")
        if name.startswith("_") or taken(name):
            raise ValueError(
                f"a term cannot be named {name!r}: the name is an attribute of every CombinedLoss "
                "or begins with an underscore; choose another name"
            )
        found[name] = _as_term(name, term)
    for name, term in found.items():
        condition = term.plan.condition
        if condition is not None and (condition.term not in found or condition.term == name):
            others = [other for other in found if other != name]
            raise ValueError(
                f"term {name!r} waits for the value of the term {condition.term!r}; name another "
                f"term of the criterion: {', '.join(others) or 'there is none'}"
            )
    return found


def asked(built: Mapping[str, Term]) -> dict[str, tuple[str, ...]]:
    """For each input, the terms that take it."""
    found: dict[str, tuple[str, ...]] = {}
    for name, term in built.items():
        for key in term.inputs:
            found[key] = (*found.get(key, ()), name)
    return found


def supervisor(
    built: Mapping[str, Term],
    *,
    balance: Strategy | str | None,
    diagnose_every: int | None,
    check_every: int | None,
    on_nonfinite: OnNonFinite,
    alarms: Alarms | None,
    group: ProcessGroup | None,
) -> Supervisor | None:
    """The supervisor, which balances, diagnoses and warns; None if no option asks for it."""
    strategy = checked(balance)
    for name, every in (("diagnose_every", diagnose_every), ("check_every", check_every)):
        if every is not None:
            _checks.count(name, every)
    _checks.choice("on_nonfinite", on_nonfinite, get_args(OnNonFinite))
    if alarms is not None and not isinstance(alarms, Alarms):
        raise TypeError(f"alarms must be an Alarms, got {alarms!r}; build it: Alarms(...)")
    waits = any(term.plan.condition is not None for term in built.values())
    asked_for = (strategy, diagnose_every, check_every, alarms)
    if all(setting is None for setting in asked_for) and on_nonfinite == "warn" and not waits:
        return None
    return Supervisor(
        tuple(built),
        strategy=strategy,
        diagnose_every=diagnose_every,
        check_every=check_every,
        on_nonfinite=on_nonfinite,
        alarms=alarms or Alarms(),
        group=group,
    )


def description(plan: Plan, step: int, watching: Supervisor | None) -> str:
    """Each term with its inputs, its schedule and its weight now."""
    rows = [["term", "weight", "now", "schedule", "inputs", "loss"]]
    for name, term in plan.terms.items():
        now = f"{plan.weight_at(name, step):g}" if plan.is_active(name, step) else "off"
        if name in plan.waiting():
            now = "waits"
        weight = number_text(plan.weight(name))
        inputs = ", ".join(term.inputs)
        rows.append([name, weight, now, term.schedule, inputs, describe(term.loss)])
    lines = [f"step {step}", *columns_of(rows)]
    if watching is not None:
        lines.append(watching.describe())
    return "\n".join(lines)


def _as_term(name: str, term: Term | Loss) -> Term:
    if isinstance(term, Term):
        return term
    if not callable(term):
        close = near(name, OPTIONS)
        meant = f"; did you mean the option {close[0]!r}?" if close else ""
        got = type(term).__name__
        if _checks.is_sequence(term) and len(term) == 2:
            meant = "; write Term(loss, weight)"
        elif callable(getattr(term, "loss", None)):
            meant = "; pass its loss, which is the attribute loss"
        raise TypeError(f"term {name!r} must be a Term or a callable, got {got}{meant}")
    try:
        return Term(term)
    except TypeError as error:
        message, *rest = error.args or ("",)
        error.args = (f"term {name!r}: {message}", *rest)
        raise
