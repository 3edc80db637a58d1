"""A sheet of the pictures that a study's losses lead to, for ``docs/study_of_measures.md``:

``python docs/pictures/study.py STUDY``, where ``ssimloss study ... --out STUDY`` has written.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw

IMAGE, START = "chelsea", "compression"
SHOWN = ("start", "reference", "l1", "ssim", "ms_ssim", "nlpd", "gmsd", "fsim", "lpips", "vmaf")
ACROSS, LABEL = 5, 18  # pictures in a row; pixels of height for a name


def sheet(folder: Path) -> Image.Image:
    """Rows of named pictures."""
    files = [
        folder / "reference.png" if name == "reference" else folder / START / f"{name}.png"
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


if __name__ == "__main__":
    target = Path(__file__).parent / "study.webp"
    sheet(Path(sys.argv[1]) / "pictures" / IMAGE).save(target, quality=85, method=6)
    print(f"wrote {target}")
