"""Tables for papers: values, the best in bold, significance, and names with characters that
LaTeX and Markdown take for commands.
"""

from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path

import numpy as np
import pytest

from ssimloss.evaluation import Comparison, Evaluation, ImageRecord, MetricInfo, paper_table
from ssimloss.evaluation.ranking import standings, wins
from ssimloss.evaluation.statistics import compare_methods, summarise
from ssimloss.evaluation.tables import digits

ODD = r"r\e_s%u&l#t$ {x}~^<|>*`[1]" + "\n" + "b"
METRICS = [
    MetricInfo("psnr", "PSNR", "dB", True, "PSNR"),
    MetricInfo("my_l1", "l_1 & more", "", False, "L1"),
]


def evaluation_of(values: dict[str, dict[str, list[float]]]) -> Evaluation:
    """Of method -> metric -> values; one that is NaN is missing."""
    methods = list(values)
    count = len(next(iter(values[methods[0]].values())))
    images = [
        ImageRecord(
            i,
            str(i),
            Path(f"{i}.png"),
            {},
            (8, 8),
            values={
                method: {n: v[i] for n, v in of.items() if not math.isnan(v[i])}
                for method, of in values.items()
            },
        )
        for i in range(count)
    ]
    return Evaluation(
        about={"protocol": "plain_100%"},
        metrics=METRICS,
        methods=methods,
        images=images,
        summaries=summarise(images, methods, METRICS),
        comparisons=compare_methods(images, methods, METRICS),
    )


@pytest.fixture
def three() -> Evaluation:
    """``ours`` is better in PSNR without doubt, the odd one in L1 by chance."""
    noise = np.random.default_rng(0).normal(size=(3, 12))
    return evaluation_of(
        {
            "ours": {"psnr": [31 + x / 10 for x in noise[0]], "my_l1": [0.05] * 12},
            ODD: {"psnr": [28 + x / 10 for x in noise[1]], "my_l1": [0.03] + [0.05] * 11},
            "theirs": {"psnr": [27 + x / 10 for x in noise[2]], "my_l1": [0.06] * 12},
        }
    )


def test_best_and_significant(three: Evaluation) -> None:
    found = standings(three)
    marks = {key: (one.is_best, one.is_significant) for key, one in found.items() if one.is_best}
    assert marks == {("ours", "psnr"): (True, True), (ODD, "my_l1"): (True, False)}
    by_pair = {(row.metric, row.first, row.second): wins(three, row) for row in three.comparisons}
    assert by_pair["psnr", "ours", ODD] == (12, 0)
    assert by_pair["my_l1", "ours", ODD] == (0, 1)
    assert by_pair["my_l1", "ours", "theirs"] == (12, 0)


@pytest.mark.parametrize(
    ("order", "difference", "p_holm", "significant"),
    [
        (("ours", "theirs"), 4.0, 0.04, True),
        (("theirs", "ours"), -4.0, 0.04, True),
        (("ours", "theirs"), 4.0, 0.06, False),
        (("ours", "theirs"), -4.0, 0.04, False),  # the means that are compared say otherwise
    ],
)
def test_the_corrected_p_value_decides(
    order: tuple[str, str], difference: float, p_holm: float, significant: bool
) -> None:
    """Whichever method comes first in the comparison, if it is the better one there too."""
    found = evaluation_of({"ours": {"psnr": [31.0, 32.0]}, "theirs": {"psnr": [27.0, 28.0]}})
    found.comparisons = [Comparison("psnr", *order, 2, difference, 0, 0, 0.01, p_holm)]
    assert standings(found)["ours", "psnr"].is_significant is significant


def test_the_mean_over_common_images_decides() -> None:
    """The second is better on each image that both have, and its mean is lower."""
    nan = math.nan
    uneven = evaluation_of(
        {
            "first": {"psnr": [20.0, 21.0, 40.0, 41.0], "my_l1": [0.1] * 4},
            "second": {"psnr": [22.0, 23.0, nan, nan], "my_l1": [0.1, 0.1, nan, nan]},
        }
    )
    found = standings(uneven)
    assert (found["first", "psnr"].mean, found["second", "psnr"].mean) == (20.5, 22.5)
    assert [found[name, "psnr"].is_best for name in ("first", "second")] == [False, True]
    assert "mean of the images that all methods have" in paper_table(uneven, "latex")
    alone = evaluation_of({"first": {"psnr": [20.0, 21.0], "my_l1": [0.1] * 2}})
    assert not any(one.is_best for one in standings(alone).values())


def test_csv_has_all_digits(three: Evaluation) -> None:
    rows = list(csv.DictReader(io.StringIO(paper_table(three, "csv"))))
    assert [row["method"] for row in rows] == three.methods
    means = {(row.method, row.metric): row.mean for row in three.summaries}
    for row in rows:
        assert float(row["PSNR (dB)"]) == means[row["method"], "psnr"]
    assert [row["PSNR (dB) mark"] for row in rows] == ["best*", "", ""]
    assert [row["l_1 & more mark"] for row in rows] == ["", "best", ""]


def test_latex(three: Evaluation) -> None:
    """Whatever the names: no command but those of the table, and as many cells in each row."""
    text = paper_table(three, "latex")
    lines = [line for line in text.splitlines() if not line.startswith("%")]
    rows = [line for line in lines if line.endswith(r" \\")]
    assert lines == [
        r"\begin{tabular}{lrr}",
        r"\toprule",
        rows[0],
        r"\midrule",
        *rows[1:],
        r"\bottomrule",
        r"\end{tabular}",
    ]
    assert len(rows) == 4
    known = r"\\(textbf|uparrow|downarrow|text(backslash|ascii(tilde|circum)|less|greater)\{\})"
    for row in rows:
        body = re.sub(r"\\[_%&#${}]", "", row.removesuffix(r" \\"))
        assert body.count("&") == 2
        body = re.sub(known, "", body).replace(r"$^{*}$", "").replace("$$", "")
        assert not set(body) & set("\\%#$_~^<>\n"), body
        assert body.count("{") == body.count("}")
    assert r"\textbf{31.0" in rows[1]
    assert rows[1].count("$^{*}$") == 1
    assert r"r\textbackslash{}e\_s\%u\&l\#t\$ \{x\}\textasciitilde{}" in rows[2]
    assert r"\textbf{0.0483} \\" in rows[2]
    assert r"l\_1 \& more $\downarrow$" in rows[0]
    assert "% plain_100%" in text


def test_markdown(three: Evaluation) -> None:
    lines = paper_table(three, "markdown").splitlines()
    cells = [re.split(r"(?<!\\)\|", line) for line in lines[:5]]
    assert {len(row) for row in cells} == {5}
    assert lines[0] == r"| method | PSNR (dB) ↑ | l\_1 & more ↓ |"
    assert re.fullmatch(r"\| ours \| \*\*31\.\d\d\*\*\\\* \| 0\.0500 \|", lines[2])
    assert "\\`\\[1\\] b" in lines[3]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([31.2, 9.0], 2), ([0.93, 0.8], 4), ([0.0], 4), ([0.0021], 6), ([math.inf], 4)],
)
def test_digits(values: list[float], expected: int) -> None:
    assert digits(values) == expected
