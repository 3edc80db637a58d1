"""The page of a study: one file that loads no other, with sortable tables, scatter plots, and the
pictures of two losses under one slider.
"""

import base64
import hashlib
import html
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ssimloss import _files
from ssimloss.study.agreement import Agreements, MeasureOfOpinions
from ssimloss.study.result import StudyResult
from ssimloss.study.table import Table, file_name, shown
from ssimloss.study.tables import tables_of

_HERE: Final = Path(__file__).parent
_PLOT: Final = (220, 180)  # width and height of a scatter plot, in pixels
_MARGIN: Final = 8


def write_page(result: StudyResult, folder: Path) -> None:
    """Write ``index.html``, with the pictures in ``folder / "pictures"``."""
    _files.write_text(folder / "index.html", page(result, tables_of(result), folder))


def page(result: StudyResult, tables: Sequence[Table], folder: Path) -> str:
    """The page as HTML, with the pictures in ``folder / "pictures"``."""
    style, script = (
        "\n" + (_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js")
    )
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src "
        f"'{_digest(script)}'; base-uri 'none'"
    )
    image, pictures = _pictures(result, folder)
    first, *rest = tables
    body = [
        "<h1>Which measure to trust, and to train with</h1>",
        _list(result.advice, "advice"),
        _table(first),
        _slider(image, pictures),
        *(_plots(one) for one in result.agreements if one.kind == "opinions"),
        *map(_table, rest),
        "<h2>About</h2>",
        _list([f"{name}: {words}" for name, words in result.about.items()], "about"),
    ]
    if result.problems:
        body += ["<h2>Left out</h2>", _list(result.problems, "problems")]
    # "</" would end the script element.
    data = json.dumps(pictures).replace("</", "<\\/")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>Study of {len(result.measures)} measures</title>\n<style>{style}</style>\n"
        f"</head>\n<body>\n{''.join(f'{part}' + chr(10) for part in body)}"
        f'<script type="application/json" id="pictures">{data}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _list(lines: Sequence[str], name: str) -> str:
    # A number stays on one line with its per cent sign.
    items = "".join(f"<li>{html.escape(line).replace(' %', '&nbsp;%')}</li>" for line in lines)
    return f'<ul class="{name}">{items}</ul>'


def _table(table: Table) -> str:
    best = table.best()
    heads = "".join(
        f'<th scope="col"><button type="button">{html.escape(column.title)}</button></th>'
        for column in table.columns
    )
    rows = []
    for row in table.rows:
        cells = []
        for index, (cell, column) in enumerate(zip(row, table.columns, strict=True)):
            mark = ' class="best"' if table.is_best(row, index, best) else ""
            known = isinstance(cell, (int, float)) and not math.isnan(cell)
            # JavaScript reads Infinity, not inf.
            value = f' data-value="{repr(cell).replace("inf", "Infinity")}"' if known else ""
            word = html.escape(shown(cell, column))
            tag = f'th scope="row"{mark}' if index == 0 else f"td{mark}{value}"
            cells.append(f"<{tag}>{word}</{tag.split(' ')[0].split('>')[0]}>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'<section id="{table.name}"><h2>{html.escape(table.title)}</h2>'
        f"<p>{html.escape(table.note)}</p>"
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></section>"
    )


# --- scatter plots --------------------------------------------------------------------------------


def _plots(one: Agreements) -> str:
    """Opinion against score, with the fit, of every measure."""
    plots = []
    for name, found in one.measures.items():
        if isinstance(found, MeasureOfOpinions) and found.overall.fit is not None:
            plots.append(_plot(name, found, one.answers))
    if not plots:
        return ""
    return (
        f"<section><h2>Scores and opinions: {html.escape(one.name)}</h2><p>Horizontal: score of "
        "the measure. Vertical: opinion score. The line is the logistic fit.</p>"
        f'<div class="plots">{"".join(plots)}</div></section>'
    )


def _plot(name: str, found: MeasureOfOpinions, opinions: Sequence[float]) -> str:
    assert found.overall.fit is not None
    x, q = np.array(found.scores), np.array(opinions)
    width, height = _PLOT
    low, high = float(x.min()), float(x.max())
    bottom, top = float(q.min()), float(q.max())

    def across(values: Any) -> Any:
        return _MARGIN + (values - low) / (high - low or 1) * (width - 2 * _MARGIN)

    def up(values: Any) -> Any:
        return height - _MARGIN - (values - bottom) / (top - bottom or 1) * (height - 2 * _MARGIN)

    dots = "".join(
        f'<circle cx="{a:.1f}" cy="{b:.1f}" r="1.6"/>'
        for a, b in zip(across(x), up(q), strict=True)
    )
    grid = np.linspace(low, high, 60)
    curve = np.clip(found.overall.fit(grid), bottom, top)
    line = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across(grid), up(curve), strict=True))
    srcc = found.overall.srcc.value
    words = html.escape(f"{name}, SRCC {srcc:.3f}")
    return (
        f'<figure><svg viewBox="0 0 {width} {height}" role="img" aria-label="{words}">'
        f'{dots}<polyline points="{line}"/></svg><figcaption>{words}</figcaption></figure>'
    )


# --- pictures -------------------------------------------------------------------------------------


def _pictures(result: StudyResult, folder: Path) -> tuple[str, dict[str, dict[str, str]]]:
    """The first image with pictures: its name, and data URIs by start and name."""
    place = folder / "pictures"
    names = [name for name in result.images if (place / name / "reference.png").exists()]
    if not names:
        return "", {}
    image = place / names[0]
    found: dict[str, dict[str, str]] = {}
    for start in sorted(path.parent for path in image.glob("*/start.png")):
        group = {"reference": _data(image / "reference.png"), "start": _data(start / "start.png")}
        for name in result.measures:
            file = start / f"{file_name(name)}.png"
            if file.exists():
                group[name] = _data(file)
        found[start.name] = group
    return names[0], found


def _data(path: Path) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(path) as image:
        image.save(buffer, format="WEBP", quality=90)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def _slider(image: str, pictures: dict[str, dict[str, str]]) -> str:
    if not pictures:
        return ""
    return (
        '<section id="slider"><h2>Results of each loss</h2>'
        f"<p>A crop of {html.escape(image)} after the descent. All results are in the folder "
        "pictures.</p>"
        '<p><label>from <select id="start"></select></label> '
        '<label>left <select id="left"></select></label> '
        '<label>right <select id="right"></select></label></p>'
        '<div class="pair"><img id="under" alt="right picture"><img id="over" alt="left picture">'
        "</div>"
        '<input id="split" type="range" min="0" max="100" value="50" '
        'aria-label="where the two pictures meet"></section>'
    )
