"""The output of ``ssimloss evaluate``, which is never cut on a terminal of 80 columns."""

import math
from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ssimloss.cli._told import shown

if TYPE_CHECKING:
    from ssimloss.evaluation import Evaluation

_PIPE_WIDTH = 200  # columns where there is no terminal, so that no name is broken
_CLIPS = 10  # that have lines of their own
_NOTES = 10
_LISTED = 5  # of files without a partner and of errors; the report has all


def print_result(result: "Evaluation", console: Console | None = None) -> None:
    """The protocol, the means, intervals, comparisons, and what could not be evaluated."""
    console = console or Console()
    if not console.is_terminal and console.width < _PIPE_WIDTH:
        console = Console(width=_PIPE_WIDTH)
    if result.about.get("protocol"):
        _say(console, f"protocol: {result.about['protocol']}")
    if result.clips:
        console.print(_clip_table(result))
        console.print()
    if len(result.clips) != 1:
        console.print(_summary_table(result))
        _print_means(console, result)
    _print_notes(console, result)
    if len(result.clips) != 1 and any(row.count > 1 for row in result.summaries):
        console.print()
        console.print(_interval_table(result))
    if result.comparisons:
        console.print()
        console.print(_comparison_table(result))
    print_unusable(result, console)


def print_unusable(result: "Evaluation", console: Console) -> None:
    """What has no value or no partner."""
    from ssimloss.evaluation.fairness import part_notes

    failed = [
        (image.name, method, words)
        for image in result.images
        for method, words in image.errors.items()
    ]
    alike: dict[str, list[str]] = {}  # a measure may refuse every image for one reason
    for name, method, words in failed:
        alike.setdefault(words, []).append(f"{name}, {method}")
    for words, whose in list(alike.items())[:_LISTED]:
        more = f" and {len(whose) - 1} more" if len(whose) > 1 else ""
        _say(console, f"{whose[0]}{more}: {words}")
    if len(alike) > _LISTED:
        _say(console, f"{len(alike) - _LISTED} more reasons: in the tables and the report of --out")
    if failed:
        pairs = len(result.images) * len(result.methods)
        _say(console, f"{len(failed)} of {pairs} pairs lack a value and are not in its mean")
    for words in part_notes(result):
        _say(console, words)
    for words in result.unmatched[:_LISTED]:
        _say(console, f"unmatched: {words}")
    if len(result.unmatched) > _LISTED:
        _say(console, f"unmatched: {len(result.unmatched) - _LISTED} more")


def _say(console: Console, text: str) -> None:
    console.print(shown(text), markup=False, highlight=False, soft_wrap=True)


def _table(*heads: str, names: int) -> Table:
    """A table whose first ``names`` columns hold names, which are wrapped and never cut."""
    table = Table(box=None, pad_edge=False)
    for index, head in enumerate(heads):
        table.add_column(
            head,
            overflow="fold",
            no_wrap=index >= names and bool(head),
            justify="left" if index < names or not head else "right",
        )
    return table


def _labels(result: "Evaluation") -> dict[str, str]:
    labels = {one.name: one.label for one in result.metrics}
    return labels | {row.metric: row.label for row in result.sets}


def _summary_table(result: "Evaluation") -> Table:
    """One line for each method and metric."""
    from ssimloss.evaluation.ranking import NO_VALUE, standings
    from ssimloss.evaluation.tables import digits

    found, labels = standings(result), _labels(result)
    table = _table(
        "method", "metric", "mean", "", "std", "clips" if result.clips else "images", names=2
    )
    lines = [(row.method, row.metric, row.std) for row in result.rows]
    lines += [(row.method, row.metric, row.std) for row in result.sets]
    better = {one.name: one.higher_is_better for one in result.metrics}
    better |= {row.metric: row.higher_is_better for row in result.sets}
    for method, metric, std in lines:
        places = max(4, digits([one.mean for (_, name), one in found.items() if name == metric]))
        standing = found.get((method, metric), NO_VALUE)
        mark = ("best*" if standing.is_significant else "best") if standing.is_best else ""
        table.add_row(
            escape(shown(method)),
            f"{escape(labels[metric])} {'↑' if better[metric] else '↓'}",
            "-" if math.isnan(standing.mean) else f"{standing.mean:.{places}f}",
            f"[bold green]{mark}[/]" if mark else "",
            "-" if math.isnan(std) else f"{std:.{places}f}",
            str(standing.count),
        )
    return table


def _print_means(console: Console, result: "Evaluation") -> None:
    """Notes on the marks and on means that are not over all images."""
    from ssimloss.evaluation.fairness import fair_means
    from ssimloss.evaluation.ranking import LEVEL, standings

    labels = _labels(result)
    if any(one.is_significant for one in standings(result).values()):
        _say(console, f"* better than each other method, p < {LEVEL:g} (sign flips, Holm)")
    for words in dict.fromkeys(
        f"{row.description}, {row.count} images against {row.reference_count}"
        for row in result.sets
    ):
        _say(console, words)
    infinite = [row for row in result.summaries if row.infinite]
    for row in infinite:
        _say(
            console,
            f"{row.method}, {labels[row.metric]}: {row.infinite} of {row.count} values are "
            "infinite (equal images) and not in the mean",
        )
    for found in fair_means(result):
        what = f"{labels[found.metric]}: methods have values of different images"
        _say(
            console,
            f"{what}; means are over the {found.count} that all methods have, std and intervals "
            "over those of each"
            if found.means
            else f"{what}, and no image has all; the means cannot be compared",
        )
    for about in ("bit depths", "orientation"):
        for line in result.about.get(about, "").splitlines():
            _say(console, f"{about}: {line}")


def _interval_table(result: "Evaluation") -> Table:
    labels = _labels(result)
    table = _table("method", "metric", "95 % interval", "best", "worst", names=2)
    for column in table.columns[3:]:
        column.no_wrap, column.justify = False, "left"
    for row in result.summaries:
        table.add_row(
            escape(shown(row.method)),
            escape(labels[row.metric]),
            "-" if math.isnan(row.low) else f"{row.low:.4f} .. {row.high:.4f}",
            escape(shown(row.best)),
            escape(shown(row.worst)),
        )
    return table


def _comparison_table(result: "Evaluation") -> Table:
    from ssimloss.evaluation.ranking import wins

    labels = _labels(result)
    what = "clips" if result.clips else "images"
    table = _table(
        "compared", "metric", "difference", "95 % interval", "p (Holm)", "wins", what, names=2
    )
    for row in result.comparisons:
        first, second = wins(result, row)
        table.add_row(
            escape(shown(f"{row.first} - {row.second}")),
            escape(labels[row.metric]),
            f"{row.difference:+.4f}",
            "-" if math.isnan(row.low) else f"{row.low:+.4f} .. {row.high:+.4f}",
            f"{row.p_holm:.4f}",
            f"{first}:{second}",
            str(row.count),
        )
    return table


def _clip_table(result: "Evaluation") -> Table:
    """The mean of each clip and its worst frame."""
    from ssimloss.metrics.averages import perfect_infinity

    several = len(result.methods) > 1
    heads = ["clip", *(["method"] if several else []), "metric", "mean", "worst frame", "its value"]
    table = _table(*heads, names=len(heads) - 3)
    for clip in result.clips[:_CLIPS]:
        for method, values in clip.values.items():
            for metric in result.metrics:
                if metric.name not in values:
                    continue
                worst, value = "", ""
                listed = clip.frames.get(method, {}).get(metric.name, [])
                if listed:
                    pick = min if metric.higher_is_better else max
                    number = pick(range(len(listed)), key=listed.__getitem__)
                    worst, value = str(number), f"{listed[number]:.4f}"
                perfect = perfect_infinity(metric.higher_is_better)
                infinite = sum(value == perfect for value in listed)
                left_out = f" ({infinite} infinite)" if infinite else ""
                table.add_row(
                    escape(shown(clip.name)),
                    *([escape(shown(method))] if several else []),
                    metric.label,
                    f"{values[metric.name]:.4f}{left_out}",
                    worst,
                    value,
                )
    if len(result.clips) > _CLIPS:
        table.caption = f"and {len(result.clips) - _CLIPS} more clips, in the tables of --out"
        table.caption_justify = "left"
    return table


def _print_notes(console: Console, result: "Evaluation") -> None:
    """The properties that files of clips state, and how frames were paired."""
    lines = result.about.get("clips", "").splitlines()
    if len(result.clips) == 1:
        clip = result.clips[0]
        files = {"reference": clip.reference, **clip.distorted}
        one = len(result.methods) == 1
        lines = [
            f"{name if name == 'reference' or not one else 'distorted'} {files[name]}: {words}"
            for name, words in clip.streams.items()
        ]
    pairings = Counter(words for clip in result.clips for words in clip.pairing.values())
    lines += [
        words if len(result.clips) == 1 else f"{count} clips: {words}"
        for words, count in pairings.items()
    ]
    if "planes" in result.about:
        lines.append(result.about["planes"])
    for line in lines[:_NOTES]:
        _say(console, line)
    if len(lines) > _NOTES:
        console.print(f"and {len(lines) - _NOTES} more notes, in the tables of --out")
