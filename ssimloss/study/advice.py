"""Recommendations, derived from the tables by fixed rules and never more certain than the
intervals.

1. Trust: the measure with the highest agreement, and every measure that the judgements do not tell
   apart from it (p of at least 0.05 after Holm's correction for all pairs, or no test). Without
   judgements, the measures with the most correct orderings.
2. Train: the loss whose results the other measures rank best, and every loss that the images do not
   tell apart from it (paired test of the mean ranks on each image, p of at least 0.05 after Holm's
   correction for all pairs of losses, since the best is chosen from the same images, or no test);
   with a budget, also the best loss within it.
3. Warn: about measures that agree with people and are poor losses, about losses without a gradient
   on more than 1 % of the pixels, and about losses that invent high frequencies.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Final

from ssimloss.evaluation.statistics import holm
from ssimloss.study.agreement import FEWEST_SCENES, Agreements, MeasureOfOpinions
from ssimloss.study.bootstrap import paired_p
from ssimloss.study.result import MeasureResult

_ALPHA: Final = 0.05
_DEAD: Final = 0.01
_SAME: Final = 0.005  # shares of correct orderings closer than this are equal when printed
_INVENTED: Final = 0.02
_NAMED: Final = 8  # losses that may be as good, the best of them first
_POOR: Final = 0.25
_SEVERAL: Final = 8  # losses; of fewer, the last is not yet a poor one
_TRUSTED: Final = 0.7

_Pair = frozenset[str]  # two names


def advise(
    measures: Mapping[str, MeasureResult],
    agreements: Sequence[Agreements],
    *,
    budget_ms: float | None = None,
) -> list[str]:
    """The sentences, the most important first.

    Args:
        measures: results of the study.
        agreements: one for each set of judgements; may be empty.
        budget_ms: the longest acceptable time of a training step; None sets no limit.
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
        notes = [
            found.overall.note
            for found in one.measures.values()
            if isinstance(found, MeasureOfOpinions) and found.overall.note
        ]
        why = f" ({notes[0]})" if notes else ""
        return f"On {one.name} no measure has a defined agreement with people{why}."
    best = max(known, key=lambda name: known[name])
    beside = _tied(one, best, known)
    what = {"opinions": "SRCC", "choices": "two-alternative score", "sameness": "average precision"}
    told = f"{best} ({what[one.kind]} {known[best]:.3f})"
    if len(known) == 1:
        return f"On {one.name} only {told} was examined."
    few = (
        f" Only {one.scenes} {'reference was' if one.scenes == 1 else 'references were'} judged; "
        "other scenes may differ."
        if one.kind != "sameness" and one.scenes < FEWEST_SCENES
        else ""
    )
    if not beside:
        return (
            f"On {one.name} {told} agrees best with people, and better than every other measure."
            f"{few}"
        )
    return (
        f"On {one.name} {told} agrees best with people, but {one.count} judgements do not "
        f"distinguish it from {', '.join(beside)}.{few}"
    )


def _tied(one: Agreements, best: str, known: Mapping[str, float]) -> list[str]:
    """Measures that may agree as well as the best."""
    worse = {
        name
        for row in one.comparisons
        if best in (row.first, row.second) and row.p_holm < _ALPHA
        for name in (row.first, row.second)
    }
    return [name for name in known if name != best and name not in worse]


def _orderings(measures: Mapping[str, MeasureResult]) -> list[str]:
    found = {n: m.orderings.get("mean", math.nan) for n, m in measures.items()}
    known = {name: value for name, value in found.items() if math.isfinite(value)}
    if not known:
        return []
    top = max(known.values())
    best = [name for name, value in known.items() if top - value < _SAME]
    images = max(len(measures[name].orderings_by_image) for name in best)
    return [
        f"No human judgements were used. On {images} {'image' if images == 1 else 'images'}, "
        f"{', '.join(best)} {'has' if len(best) == 1 else 'have'} the most correct orderings "
        f"({100 * top:.0f} %); this does not prove agreement where people differ."
    ]


def _train(measures: Mapping[str, MeasureResult], budget_ms: float | None) -> list[str]:
    ranks = _mean_ranks(measures)
    if not ranks:
        return []
    order = sorted(ranks, key=lambda name: ranks[name])
    apart = _corrected(measures, order)
    best = order[0]
    last = len(ranks)
    sentences = [
        f"As a loss, {best} leads to the results that the other measures rank best (mean rank "
        f"{_ranked(measures[best])} of {last}{_priced(measures[best])})"
        f"{_beside(measures, order, apart)}"
        if last > 1
        else f"As a loss, only {best} was examined."
    ]
    if budget_ms is not None:
        affordable = [
            name
            for name in order
            if (price := measures[name].cost) is not None and price.step_ms <= budget_ms
        ]
        if not affordable:
            sentences.append(f"No loss of the study takes at most {budget_ms:g} ms per step.")
        elif affordable[0] != best:
            sentences.append(
                f"Within {budget_ms:g} ms per step, the best is {affordable[0]} (mean rank "
                f"{_ranked(measures[affordable[0]])}{_priced(measures[affordable[0]])})"
                f"{_beside(measures, affordable, apart)}"
            )
    return sentences


def _ranked(measure: MeasureResult) -> str:
    assert measure.fitness is not None
    interval = measure.fitness.interval
    known = math.isfinite(interval.low)
    between = f", 95 % interval {interval.low:.1f} to {interval.high:.1f}," if known else ""
    return f"{measure.fitness.mean_rank:.1f}{between}"


def _beside(
    measures: Mapping[str, MeasureResult], order: Sequence[str], apart: Mapping[_Pair, float]
) -> str:
    """The end of a sentence about the first of these losses: which others may be as good."""
    best, *others = order
    images = len(_by_image(measures[best]))
    if not others:
        return "."
    if images < 2:
        return f", followed by {' and '.join(others[:2])}; a single image proves no order."
    tied = [name for name in others if not apart.get(frozenset((best, name)), 1.0) < _ALPHA]
    if not tied:
        return f", and better than those of every other loss on these {images} images."
    more = f" and {len(tied) - _NAMED} more" if len(tied) > _NAMED else ""
    return f"; {images} images do not distinguish it from {', '.join(tied[:_NAMED])}{more}."


def _corrected(measures: Mapping[str, MeasureResult], names: Sequence[str]) -> dict[_Pair, float]:
    """p-values that two losses differ, by pair, after Holm's correction for all pairs with a test.

    Correcting the pairs of the best alone is not enough: it is the best because of the same images.
    """
    tests = {
        frozenset(pair): _apart(*(measures[name] for name in pair))
        for pair in itertools.combinations(names, 2)
    }
    known = {pair: p for pair, p in tests.items() if math.isfinite(p)}
    return dict(zip(known, holm(list(known.values())), strict=True))


def _apart(first: MeasureResult, second: MeasureResult) -> float:
    a, b = _by_image(first), _by_image(second)
    return paired_p([a[name] - b[name] for name in a if name in b])


def _by_image(measure: MeasureResult) -> dict[str, float]:
    found = {} if measure.fitness is None else measure.fitness.by_image
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _priced(measure: MeasureResult) -> str:
    if measure.cost is None or not math.isfinite(measure.cost.step_ms):
        return ""
    return f", {measure.cost.step_ms:.1f} ms per step"


def _warnings(measures: Mapping[str, MeasureResult]) -> list[str]:
    sentences = []
    last = len(_mean_ranks(measures))
    dead: dict[str, float] = {}
    invented: dict[str, float] = {}
    for name, one in measures.items():
        factors = one.aggregate.factors if one.aggregate is not None else {}
        if factors.get("agreement", 0.0) >= _TRUSTED and _is_poor(one, last):
            sentences.append(
                f"{name} agrees with people, but is among the last as a loss. Do not train with it "
                "alone."
            )
        if one.fitness is None or one.fitness.why_none:
            continue
        if one.fitness.dead > _DEAD:
            dead[name] = one.fitness.dead
        if one.fitness.invented > _INVENTED:
            invented[name] = one.fitness.invented
    if dead:
        sentences.append(
            "These have no gradient on many pixels of an initial image (share of the pixels, worst "
            f"case): {_listed(dead)}. Combine them with a pixel loss."
        )
    if invented:
        sentences.append(
            "As the only loss, these invent high frequencies (energy above a quarter of a cycle "
            f"per pixel, relative to the energy of the reference): {_listed(invented)}. Combine "
            "them with a pixel loss."
        )
    return sentences


def _mean_ranks(measures: Mapping[str, MeasureResult]) -> dict[str, float]:
    return {
        name: one.fitness.mean_rank
        for name, one in measures.items()
        if one.fitness is not None and math.isfinite(one.fitness.mean_rank)
    }


def _is_poor(measure: MeasureResult, last: int) -> bool:
    """Among the last of several losses, and in the worse half for every rank of the interval."""
    factors = measure.aggregate.factors if measure.aggregate is not None else {}
    if measure.fitness is None or last < _SEVERAL or not factors.get("fitness", 1.0) < _POOR:
        return False
    low = measure.fitness.interval.low
    return math.isnan(low) or low > (last + 1) / 2


def _listed(shares: Mapping[str, float]) -> str:
    order = sorted(shares, key=lambda name: -shares[name])
    return ", ".join(f"{name} {100 * shares[name]:.0f} %" for name in order)
