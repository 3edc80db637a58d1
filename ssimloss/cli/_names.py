"""The names that the command line lists and accepts. They are read from ``names.json``, which
``tests/generate.py`` writes from the registered measures: importing those takes seconds.
"""

import json
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ssimloss._spellings import measure_of
from ssimloss._words import named

_LISTED: Final[Any] = json.loads(Path(__file__).with_name("names.json").read_text("utf-8"))
METRICS: Final[Mapping[str, str]] = _LISTED["metrics"]  # name -> title, of measures of pairs
SET_METRICS: Final[Mapping[str, str]] = _LISTED["sets"]  # of whole sets of images
PROTOCOLS: Final[Mapping[str, str]] = _LISTED["protocols"]  # name -> what it does
_NEED_SCALE: Final[Sequence[str]] = _LISTED["protocols of a scale"]
# The words that options of evaluate accept, as in the library.
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "alpha": ("error", "drop"),
    "orientation": ("apply", "ignore"),
    "frames": ("equal", "shortest"),
    "timestamps": ("compare", "ignore"),
    "on-damaged": ("skip", "stop"),
    "table": ("latex", "markdown", "csv"),
}


WAY_OUT: Final = "ssimloss evaluate --help explains each of them"  # of an unknown name
OWN: Final = "a measure of your own is module:attribute, such as mymeasures:BLOCKS"


def evaluate_help() -> str:
    """The text below the options of ``ssimloss evaluate --help``."""
    lines = [
        f"Metrics: {', '.join(METRICS)}.",
        f"Metrics of whole sets: {', '.join(SET_METRICS)}; ssimloss weights fetch inception "
        "downloads their network.",
        "Protocols:",
        *(f"{name}: {what}." for name, what in PROTOCOLS.items()),
        "Examples:",
        "ssimloss evaluate GT OURS=ours THEIRS=theirs --metrics psnr,lpips --out run",
        "ssimloss evaluate GT ours --suffix x4 --protocol basicsr --scale 4",
        "ssimloss evaluate --compare run1 run2 --table latex > table.tex",
    ]
    return "\n\n".join(lines)


def demand_scale(protocol: str | None, scale: int | None) -> None:
    """Raise if a protocol needs ``--scale`` and it is missing."""
    if scale is None and protocol in _NEED_SCALE:
        raise ValueError(
            f"protocol {protocol!r} needs scale, the factor of enlargement, by which the border is "
            "cut; --scale 4 for x4"
        )


def known_metrics() -> list[str]:
    """Every metric: those of the package, and those registered in this process by a script that
    calls the command line.
    """
    loaded = sys.modules.get("ssimloss.metrics.measures")
    return list(dict.fromkeys([*METRICS, *(loaded.known() if loaded else ()), *SET_METRICS]))


def metric_names(text: str, known: Collection[str]) -> list[str]:
    """The names in ``text``, separated by commas, as the library spells them.

    Raises:
        ValueError: none, or one that is neither known nor ``module:attribute``.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise ValueError(f"--metrics must name at least one metric, got {text!r}")
    return [
        name
        if ":" in name
        else named("--metrics", name, known, advice=measure_of(name), way_out=OWN)
        for name in names
    ]
