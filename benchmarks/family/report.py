"""The table of every measure, after the cases that miss a bar."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.contenders import GRADIENT_TOLERANCE as _MOST
from benchmarks.family.measuring import Row

# Measures whose forward and backward is to take at most a fifth of the time of the fastest peer.
FIVE_TIMES = ("gmsd", "ms_gmsd", "fsim", "iw_ssim", "vif", "haarpsi", "ssimulacra2")
MODES = {"forward": "forward", "backward": "forward + backward"}
MIB = 2**20


def markdown(results: dict[str, Any]) -> str:
    """Missed bars first, then measures that other libraries have, then the others."""
    about, rows = results["metadata"], results["rows"]
    groups = grouped(rows)
    beside = [group for group in groups if len(group) > 1]
    alone = [group[0] for group in groups if len(group) == 1 and "too_long_s" not in group[0]]
    beside += [group for group in groups if len(group) == 1 and "too_long_s" in group[0]]
    lines = [
        f"# Every measure beside other libraries: {about['device']}, threads: {about['threads']}",
        "",
        f"{about['date']}, {about['system']}, {about['instructions']}, Python {about['python']}, "
        + ", ".join(f"{library} {number}" for library, number in about["versions"].items())
        + ".",
        "",
        "Milliseconds per call in float32: median (quartiles) of calls in turn. A star marks times "
        "taken while other processes computed, † a single call. "
        "*Difference*: of the value from ours (relative above 1), and of the gradient (relative "
        "L2). *Ratio*: forward + backward over ours, above 1 where we are faster. *Peak*: most "
        "memory in use at once in forward + backward, beyond the images and what was there "
        "before. Libraries that compute another value are timed, marked ≠, and count in no bar. A "
        f"gradient that differs by more than {_MOST:.0e} is marked ≠, too.",
        "",
        *_section("Another library is faster", slower(groups)),
        *_section("Less than five times as fast as the fastest library", below_five(groups)),
        *_memory(groups),
        *_section("Faster in another definition", elsewhere(groups)),
        "## Measures that other libraries have",
        "",
        "| definition | shape | library | difference | forward | forward + backward | ratio | peak "
        "MiB |",
        "|---|---|---|---|---|---|---|---|",
        *(_line(row, group[0]) for group in beside for row in group),
        "",
        "## Measures that none of these libraries has",
        "",
        "| measure | shape | forward | forward + backward | peak MiB |",
        "|---|---|---|---|---|",
        *(
            f"| {row['definition']} | {_shape(row)} | {' | '.join(_times(row))} | {_peak(row)} |"
            for row in alone
        ),
    ]
    return "\n".join(lines) + "\n"


def grouped(rows: list[Row]) -> list[list[Row]]:
    """Rows of each definition and shape, ours first."""
    found: dict[tuple[str, tuple[int, ...]], list[Row]] = {}
    for row in rows:
        found.setdefault((row["definition"], tuple(row["shape"])), []).append(row)
    return list(found.values())


def slower(groups: list[list[Row]]) -> Iterator[str]:
    """Where a library that computes our value takes less time."""
    for ours, *peers in groups:
        for mode, title in MODES.items():
            for peer in _equal(peers, mode):
                theirs, mine = peer[mode]["median_s"], ours[mode]["median_s"]
                if theirs < mine:
                    yield (
                        f"{_case(ours)}, {title}: {peer['library']} takes {1e3 * theirs:.2f} ms, "
                        f"we take {1e3 * mine:.2f}"
                    )


def below_five(groups: list[list[Row]]) -> Iterator[str]:
    """Where measures of ``FIVE_TIMES`` are not five times as fast as the fastest library."""
    for ours, *peers in groups:
        equal = _equal(peers, "backward")
        if ours["measure"] in FIVE_TIMES and equal:
            fastest = min(equal, key=lambda peer: peer["backward"]["median_s"])
            ratio = fastest["backward"]["median_s"] / ours["backward"]["median_s"]
            if ratio < 5:
                yield f"{_case(ours)}: {ratio:.2f} times as fast as {fastest['library']}"


def heavier(groups: list[list[Row]]) -> Iterator[str]:
    """Where forward and backward takes more than half the memory of the leanest library."""
    for ours, *peers in groups:
        measured = [peer for peer in _equal(peers, "backward") if peer["peak_bytes"] is not None]
        if measured:
            leanest = min(measured, key=lambda peer: peer["peak_bytes"])
            if 2 * ours["peak_bytes"] > leanest["peak_bytes"]:
                yield (
                    f"{_case(ours)}: {_peak(ours)} MiB, {leanest['library']} {_peak(leanest)}; "
                    f"the gradient alone {_gradient(ours):.1f}"
                )


def elsewhere(groups: list[list[Row]]) -> Iterator[str]:
    """Where a library computes another value in less time."""
    for ours, *peers in groups:
        for mode, title in MODES.items():
            for peer in peers:
                if mode in peer and mode in ours and not peer["equal"]:
                    theirs, mine = peer[mode]["median_s"], ours[mode]["median_s"]
                    if theirs < mine:
                        yield (
                            f"{_case(ours)}, {title}: {peer['library']} takes {1e3 * theirs:.2f} "
                            f"ms, we take {1e3 * mine:.2f}"
                        )


def _equal(peers: list[Row], mode: str) -> list[Row]:
    return [peer for peer in peers if mode in peer and peer["equal"]]


def _memory(groups: list[list[Row]]) -> list[str]:
    title = "More than half the memory of the leanest library"
    if all(row["peak_bytes"] is None for group in groups for row in group):
        return [f"**{title}:** not measured.", ""]
    return _section(title, heavier(groups))


def _section(title: str, found: Iterator[str]) -> list[str]:
    lines = [f"- {line}." for line in found]
    return [
        f"**{title}:** {'' if lines else 'nowhere.'}".rstrip(),
        *([""] if lines else []),
        *lines,
        "",
    ]


def _case(row: Row) -> str:
    return f"{row['definition']} {_shape(row)}"


def _shape(row: Row) -> str:
    return "x".join(map(str, row["shape"]))


def _line(row: Row, ours: Row) -> str:
    cells = [row["definition"], _shape(row), row["library"]]
    if "refused" in row:
        reason = row["refused"].partition("\n")[0].replace("|", "\\|")
        return f"| {' | '.join(cells)} | not timed: {reason} | | | | |"
    differences = _differences(row) if row is not ours and "equal" in row else ""
    timed = "backward" in row and "backward" in ours
    ratio = row["backward"]["median_s"] / ours["backward"]["median_s"] if timed else None
    cells += [differences, *_times(row), "" if ratio is None else f"{ratio:.2f}", _peak(row)]
    return f"| {' | '.join(cells)} |"


def _differences(row: Row) -> str:
    gradient = row["gradient_difference"]
    return ", ".join(
        (
            _marked(row["value_difference"], row["equal"]),
            "no gradient" if gradient is None else _marked(gradient, gradient <= _MOST),
        )
    )


def _marked(difference: float, is_equal: bool) -> str:
    return f"{'' if is_equal else '≠ '}{difference:.0e}"


def _times(row: Row) -> list[str]:
    if "too_long_s" in row:
        return ["not called", f"about {row['too_long_s']:.0f} s"]
    return [_time(row[mode]) if mode in row else "" for mode in MODES]


def _time(times: dict[str, Any]) -> str:
    median, low, high = (
        1e3 * times[key] for key in ("median_s", "lower_quartile_s", "upper_quartile_s")
    )
    star = "" if times["quiet"] else "*"
    if times["calls"] == 1:
        return f"{median:.0f}†{star}"
    return f"{median:.2f} ({low:.2f}-{high:.2f}){star}"


def _peak(row: Row) -> str:
    found = row.get("peak_bytes")
    return "" if found is None else f"{found / MIB:.1f}"


def _gradient(row: Row) -> float:
    size = 4
    for side in row["shape"]:
        size *= side
    return size / MIB
