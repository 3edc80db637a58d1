"""The page ``docs/study_of_measures.md`` and its picture, from the output of ``ssimloss study``.

``python docs/pictures/study.py STUDY`` replaces the tables of the page by those in ``STUDY`` and
draws a sheet of the pictures that result from the losses. The text above the tables is written by
hand: check it afterwards.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image, ImageDraw

DOCS = Path(__file__).parents[1]
PAGE, SHEET = DOCS / "study_of_measures.md", DOCS / "pictures" / "study.webp"
FIRST_TABLE = "## Overview\n"
SHOWN = ("start", "reference", "l1", "ssim", "ms_ssim", "nlpd", "gmsd", "fsim", "lpips", "vmaf")
ACROSS, LABEL = 5, 18  # pictures in a row; pixels of height for a name


def sheet(folder: Path, start: str) -> Image.Image:
    """Rows of named pictures of one photograph."""
    files = [
        folder / "reference.png" if name == "reference" else folder / start / f"{name}.png"
        for name in SHOWN
    ]
    pictures = [Image.open(file).convert("RGB") for file in files]
    width, height = pictures[0].size
    rows = -(-len(pictures) // ACROSS)
    whole = Image.new("RGB", (ACROSS * width, rows * (height + LABEL)), "white")
    draw = ImageDraw.Draw(whole)
    for place, (name, picture) in enumerate(zip(SHOWN, pictures, strict=True)):
        left, top = place % ACROSS * width, place // ACROSS * (height + LABEL)
        draw.text((left + 4, top + 3), name, fill="black")
        whole.paste(picture, (left, top + LABEL))
    return whole


def with_tables(page: str, study: str) -> str:
    """The page with the tables of ``study.md`` in place of its own."""
    above = page[: page.index(FIRST_TABLE)]
    tables, _, _ = study[study.index(FIRST_TABLE) :].partition("\n## Left out\n")
    return above + tables.rstrip() + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path, help="the folder that ssimloss study has written")
    parser.add_argument("--photograph", default="chelsea", help="for the sheet of pictures")
    parser.add_argument("--start", default="compression", help="for the sheet of pictures")
    options = parser.parse_args()
    sheet(options.study / "pictures" / options.photograph, options.start).save(
        SHEET, quality=85, method=6
    )
    found = (options.study / "study.md").read_text(encoding="utf-8")
    page = with_tables(PAGE.read_text(encoding="utf-8"), found)
    PAGE.write_text(page, encoding="utf-8")
    print(f"wrote {PAGE} and {SHEET}")
