"""Assembles the page from its parts in ``page/``: style, script and data go into one file.

A content security policy allows only pictures from data URIs, and the style sheet and the script
whose digests it lists. The data are JSON in separate elements, with ``<``, ``>`` and ``&``
escaped. The script inserts them as text, never as markup: a file may be named ``</script>``.
"""

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from ssimloss import _checks, _files
from ssimloss.evaluation.report._clips import curves, draw_shots, shot_record, worst_shots
from ssimloss.evaluation.report._data import page_data, pictures_note, tables_note
from ssimloss.evaluation.report._pictures import (
    PICTURE_CHARACTERS,
    THUMBNAIL_CHARACTERS,
    draw_pictures,
    draw_thumbnails,
    worst_images,
)
from ssimloss.evaluation.result import Evaluation, jsonable

SCRIPTS = (
    "core.js",
    "names.js",
    "result.js",
    "charts.js",
    "curves.js",
    "pane.js",
    "viewer.js",
    "worst.js",
    "table.js",
    "page.js",
)


def write_report(evaluation: Evaluation, folder: str | Path, *, worst: int = 12) -> Path:
    """Write ``index.html`` into ``folder``: tables, distributions, and the worst images under a
    slider with maps of similarity and error.

    For clips, the page shows the scores over time, and the worst frames instead of images.

    The images are read again. An image that can no longer be read is shown without its picture.

    Args:
        evaluation: the result to show.
        folder: created if it is missing. An older page is replaced only once the new one is
            complete.
        worst: how many images per metric and method have full pictures on the page. A page larger
            than about 30 MB has fewer, and states it.

    Returns:
        The path of the page.

    Raises:
        ValueError: ``worst`` is negative.
        OSError: the folder cannot be written.
    """
    _checks.count("worst", worst, least=0)
    path = Path(folder) / "index.html"
    tables = _tables(evaluation, path.parent)
    if evaluation.clips:
        data, pictures = _of_clips(evaluation, worst, tables)
    else:
        thumbnails = draw_thumbnails(evaluation, THUMBNAIL_CHARACTERS)
        pictures = draw_pictures(evaluation, worst_images(evaluation, worst), PICTURE_CHARACTERS)
        data = page_data(
            evaluation, worst=worst, thumbnails=thumbnails, pictures=pictures, tables=tables
        )
    _files.write_text(
        path,
        page(data, pictures, title=f"Evaluation of {', '.join(evaluation.methods)}", tables=tables),
    )
    return path


def _of_clips(
    evaluation: Evaluation, worst: int, tables: Sequence[str]
) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    """The data and pictures of a page for clips. In all lists, frames follow the clips."""
    drawn = draw_shots(
        evaluation, worst_shots(evaluation, worst), THUMBNAIL_CHARACTERS + PICTURE_CHARACTERS
    )
    count = len(evaluation.images)
    pictures = {count + n: picture for n, (_, picture) in enumerate(drawn.values())}
    first: dict[int, str] = {}
    for shot, (thumbnail, _) in drawn.items():
        first.setdefault(shot.clip, thumbnail)
    thumbnails = [first.get(place) for place in range(count)]
    thumbnails += [thumbnail for thumbnail, _ in drawn.values()]
    shown = [*evaluation.images, *(shot_record(evaluation, shot) for shot in drawn)]
    data = page_data(
        replace(evaluation, images=shown),
        worst=worst,
        thumbnails=thumbnails,
        pictures=pictures,
        tables=tables,
    )
    data |= {
        "shots": [[shot.clip, shot.frame] for shot in drawn],
        "curves": jsonable(curves(evaluation)),
        "pictured": sorted(first) + data["pictured"],
        "pictures_note": pictures_note(len(drawn), worst, "frame", "clips"),
    }
    return data, pictures


def _tables(evaluation: Evaluation, folder: Path) -> list[str]:
    """The names of the tables in the folder that were written for this evaluation."""
    try:
        same = (folder / "summary.json").read_text(encoding="utf-8") == evaluation.to_json(
            images=False
        )
    except (OSError, ValueError):
        return []
    return [
        name
        for name in ("summary.json", "per_clip.csv" if evaluation.clips else "per_image.csv")
        if same and (folder / name).is_file()
    ]


def page(
    data: dict[str, Any],
    pictures: dict[int, dict[str, Any]],
    *,
    title: str,
    tables: Sequence[str] = (),
) -> str:
    """The page as text; ``tables`` as in ``page_data``."""
    style, script = (
        _part("page.css"),
        "\n".join(['"use strict";(() => {', *map(_part, SCRIPTS), "})();"]),
    )
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src "
        f"'{_digest(script)}'; base-uri 'none'"
    )
    return Template(_part("page.html")).substitute(
        policy=policy,
        title=html.escape(title).encode("ascii", "xmlcharrefreplace").decode(),
        elsewhere=" ".join(["", *tables_note(tables)]),
        style=style,
        script=script,
        data=_embedded(data),
        pictures=_embedded(pictures),
    )


def _part(name: str) -> str:
    return resources.files(__package__).joinpath("page", name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _embedded(value: object) -> str:
    """JSON in ASCII, without characters that could end its HTML element."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
