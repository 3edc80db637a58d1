"""A recommendation in words, derived from the tables by rules that stand here, and never more
certain than the intervals.

1. Trust: among the measures of the highest agreement, all that the test does not tell apart from
   the first (corrected p above 0.05) are named, not the first alone. Without judgements the
   orderings stand for it, and the sentence says so.
2. Train: the loss whose pictures the other measures rank first; if it is not also the best of the
   affordable ones, the best within the budget.
3. Warn: of measures that agree with people and make a poor loss; of losses without a gradient on
   more than 1 % of the pixels; of losses that invent high frequencies.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from ssimloss.study.agreement import Agreements, MeasureOfOpinions
from ssimloss.study.result import MeasureResult

_ALPHA: Final = 0.05
_DEAD: Final = 0.01
_SAME: Final = 0.005  # of shares of right orderings, which are printed in per cent
_INVENTED: Final = 0.02
_POOR: Final = 0.25
_TRUSTED: Final = 0.7


def advise(
    measures: Mapping[str, MeasureResult],
    agreements: Sequence[Agreements],
    *,
    budget_ms: float | None = None,
) -> list[str]:
    """The sentences, the most important first.

    Args:
        measures: of the study.
        agreements: of its judgements; may be empty.
        budget_ms: of a step; None names the cost and rules nothing out.
    """
    return [
        *(sentence for one in agreements if (sentence := _trust(one))),
        *([] if agreements else _orderings(measures)),
        *_train(measures, budget_ms),
        *_warnings(measures),
    ]


def _trust(one: Agreements) -> str:
    scores = {
        name: found.overall.srcc.value
        if isinstance(found, MeasureOfOpinions)
        else found.score.value
        for name, found in one.measures.items()
    }
    known = {name: value for name, value in scores.items() if math.isfinite(value)}
    if not known:
        return f"On {one.name} no measure has a defined agreement with people."
    best = max(known, key=lambda name: known[name])
    beside = _tied(one, best, known)
    what = {"opinions": "SRCC", "choices": "two-alternative score", "sameness": "average precision"}
    told = f"{best} ({what[one.kind]} {known[best]:.3f})"
    if len(known) == 1:
        return f"On {one.name} only {told} was examined."
    if not beside:
        return f"On {one.name} {told} agrees best with people; every other measure is behind."
    return (
        f"On {one.name} {told} agrees best with people, but {one.count} judgements do not tell it "
        f"apart from {', '.join(beside)}."
    )


def _tied(one: Agreements, best: str, known: Mapping[str, float]) -> list[str]:
    """Measures that could be as good as the best."""
    if one.kind == "opinions":
        return [
            other
            for row in one.comparisons
            if best in (row.first, row.second) and not row.p_holm < _ALPHA
            for other in (row.first, row.second)
            if other != best and other in known
        ]
    # Intervals that overlap: cautious, since the same triplets were asked of both.
    low = {name: found.score for name, found in one.measures.items()}  # type: ignore[union-attr]
    return [name for name in known if name != best and not low[name].high < low[best].low]


def _orderings(measures: Mapping[str, MeasureResult]) -> list[str]:
    found = {n: m.orderings.get("mean", math.nan) for n, m in measures.items()}
    known = {name: value for name, value in found.items() if math.isfinite(value)}
    if not known:
        return []
    top = max(known.values())
    best = [name for name, value in known.items() if top - value < _SAME]
    return [
        f"Nobody's judgements were given. Of the orderings that everybody agrees on, "
        f"{', '.join(best)} {'gets' if len(best) == 1 else 'get'} {100 * top:.0f} % right, the "
        "most of all; that is no proof of agreement where people differ."
    ]


def _train(measures: Mapping[str, MeasureResult], budget_ms: float | None) -> list[str]:
    ranks = {
        name: m.fitness.mean_rank
        for name, m in measures.items()
        if m.fitness is not None and math.isfinite(m.fitness.mean_rank)
    }
    if not ranks:
        return []
    order = sorted(ranks, key=lambda name: ranks[name])
    best = order[0]
    sentences = [
        f"As a loss, {best} leads to the pictures that the other measures rank highest (mean place "
        f"{ranks[best]:.1f} of {len(ranks)}{_priced(measures[best])}), before "
        f"{' and '.join(order[1:3])}."
        if len(order) > 1
        else f"As a loss only {best} was examined."
    ]
    if budget_ms is not None:
        affordable = [
            name
            for name in order
            if (price := measures[name].cost) is not None and price.step_ms <= budget_ms
        ]
        if not affordable:
            sentences.append(f"No loss of the study fits into {budget_ms:g} ms a step.")
        elif affordable[0] != best:
            sentences.append(
                f"Within {budget_ms:g} ms a step the best is {affordable[0]} (mean place "
                f"{ranks[affordable[0]]:.1f}{_priced(measures[affordable[0]])})."
            )
    return sentences


def _priced(measure: MeasureResult) -> str:
    if measure.cost is None or not math.isfinite(measure.cost.step_ms):
        return ""
    return f", {measure.cost.step_ms:.1f} ms a step"


def _warnings(measures: Mapping[str, MeasureResult]) -> list[str]:
    sentences = []
    invented: dict[str, float] = {}
    for name, one in measures.items():
        factors = one.aggregate.factors if one.aggregate is not None else {}
        if factors.get("agreement", 0.0) >= _TRUSTED and factors.get("fitness", 1.0) < _POOR:
            sentences.append(
                f"Do not train with {name} because it agrees with people: as a loss it is among "
                "the last."
            )
        if one.fitness is None or one.fitness.why_none:
            continue
        if one.fitness.dead > _DEAD:
            sentences.append(
                f"{name} has no gradient on {100 * one.fitness.dead:.0f} % of the pixels of a "
                "start; combine it with a pixel loss."
            )
        if one.fitness.invented > _INVENTED:
            invented[name] = one.fitness.invented
    if invented:
        order = sorted(invented, key=lambda name: -invented[name])
        listed = ", ".join(f"{name} {100 * invented[name]:.0f} %" for name in order)
        sentences.append(
            "As the only loss, these invent high frequencies (new energy above a quarter of a "
            f"cycle per pixel, in parts of the reference's): {listed}. Combine them with a pixel "
            "loss."
        )
    return sentences
