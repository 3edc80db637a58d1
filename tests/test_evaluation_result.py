"""The result of an evaluation, as JSON and back."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from ssimloss.evaluation import Comparison, Evaluation, ImageRecord, MetricInfo, Summary


def result() -> Evaluation:
    """Two methods, three images: fine, equal images, one without a file and with a name that is no
    Unicode.
    """
    return Evaluation(
        about={"protocol": "as it is", "date": "2026-11-26"},
        metrics=[
            MetricInfo("psnr", "PSNR", "dB", True, "10 log10"),
            MetricInfo("lpips", "LPIPS", "", False, "deep"),
        ],
        methods=["a", "b"],
        images=[
            ImageRecord(
                0,
                "x",
                Path("r/x.png"),
                {"a": Path("a/x.png"), "b": Path("b/x.png")},
                (3, 4),
                {"a": {"psnr": 0.1 + 0.2}, "b": {}},
            ),
            ImageRecord(
                1,
                'y",\n',
                Path("r/y.png"),
                {"a": Path("a/y.png")},
                (5, 6),
                {"a": {"psnr": math.inf, "lpips": 1e-300}},
            ),
            ImageRecord(
                2,
                "z?",
                Path("r/\udcff.png"),
                {},
                (0, 0),
                errors={"a": "is damaged", "b": "has no file"},
            ),
        ],
        summaries=[Summary("a", "psnr", 2, 0.1 + 0.2, 0.0, 0.3, 0.3, "y", "x", 1)],
        comparisons=[Comparison("psnr", "a", "b", 0, math.nan, math.nan, math.nan, 1.0, 1.0)],
        unmatched=["b/other.png"],
    )


def test_round_trip_is_exact() -> None:
    written = result().to_json()
    read = Evaluation.from_json(written)
    assert read.to_json() == written
    assert read.images == result().images
    assert read.summaries == result().summaries
    assert read.metrics == result().metrics
    assert math.isnan(read.comparisons[0].difference)
    assert read.failures == 2


def test_is_strict_ascii_json() -> None:
    """JavaScript and other parsers accept neither ``Infinity`` nor half a surrogate pair."""

    def refuse(word: str) -> None:
        raise AssertionError(word)

    text = result().to_json()
    text.encode("ascii")
    data = json.loads(text, parse_constant=refuse)
    assert data["images"][1]["values"]["a"]["psnr"] == "inf"
    assert "images" not in json.loads(result().to_json(images=False))
    assert Evaluation.from_json(result().to_json(images=False)).images == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"about": 1}',
        result().to_json()[:-30],
        result().to_json().replace('"mean"', '"average"'),
    ],
)
def test_something_else_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="text must be the JSON of an Evaluation"):
        Evaluation.from_json(text)
