"""The picture of one pair: the reference, the distorted image, their difference and their SSIM map,
laid out in whole pixels.

Small images are enlarged by an integer factor, so that pixels stay square. Large images are
reduced, and a second row shows the region around the largest error enlarged. Marks beside the
panels point at the row and the column of the largest error.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from matplotlib import colormaps, font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.patches import Polygon, Rectangle
from PIL import Image as Pillow
from torch import Tensor

from ssimloss import _files
from ssimloss.evaluation._maps import (
    Region,
    cut,
    error_limit,
    similarity,
    tone_words,
    toned,
    tones,
    unit,
)
from ssimloss.evaluation.images import Image

LONGEST = 720  # pixels of a panel's longer side
ENLARGED = 512  # the same for enlarged images
SHORTEST = 260  # pixels: the least width of a panel with its caption and its scale
_GAP, _MARGIN, _HEAD, _CAPTION, _SCALE = 26, 30, 92, 28, 56  # pixels
_DPI = 100
_COMPRESSION = 4  # of PNG: half the time of the default 6; files of noise are a few per cent larger
_INK, _QUIET, _FRAME = "#1b1c1a", "#65645e", "#00b8d9"
_GRIDS = ((1, 4), (2, 2), (4, 1))  # rows, columns of the four panels
_GOOD_SHAPE = 1.6  # width divided by height of the figure
_DETAIL = 2  # magnification of the region around the largest error
_MARK = 7  # pixels: size of the marks that point at it


@dataclass(frozen=True)
class _Panel:
    caption: str
    pixels: Tensor  # (C, H, W) uint8 for pictures, (1, H, W) float for maps
    colors: str | None = None  # the colormap of a map
    scale: tuple[float, float] = (0, 1)
    unit: str = ""
    below: str = ""  # printed before the value at the low end of the scale
    above: str = ""


def draw_panels(
    path: Path,
    images: tuple[Image, Image],
    *,
    names: tuple[str, str],
    caption: str,
    largest: tuple[int, int] | None,
) -> Path:
    """Write the picture of a reference and a distorted image of the same size as PNG.

    Args:
        path: where the picture is written.
        images: the reference and the distorted image.
        names: their names.
        caption: the values of the measures.
        largest: row and column of the largest error; ``None`` if the images are equal.
    """
    reference, distorted = images
    truth, pred, levels = unit(reference), unit(distorted), reference.levels
    shown = tones(reference)
    error = pred.sub(truth).abs_()
    mean = error.mean(0, keepdim=True)
    limit = error_limit([mean], levels)
    map_of_similarity = similarity(pred, truth)
    depths = (
        ("", "")
        if reference.bit_depth == distorted.bit_depth
        else tuple(f", {image.kind}" for image in images)
    )
    panels = [
        _Panel(f"reference{depths[0]}: {names[0]}", toned(reference, shown)),
        _Panel(f"distorted{depths[1]}: {names[1]}", toned(distorted, shown)),
        _Panel(
            f"difference, amplified {levels / limit:.0f} times",
            mean * levels,
            "inferno",
            (0, limit),
            f"mean of the channels, of {levels}",
            "",
            "≥ ",
        ),
    ]
    if map_of_similarity is not None:
        panels.append(
            _Panel(
                "SSIM map",
                map_of_similarity[None],
                "viridis",
                (0, 1),
                "mean of the channels, 1 is equal",
                "≤ ",
            )
        )
    height, width = truth.shape[1:]
    side = max(height, width)
    factor = max(1, ENLARGED // side) if side <= LONGEST else LONGEST / side
    notes = [
        f"{height} × {width} pixels (height × width)",
        tone_words(shown, levels).removesuffix("."),
    ]
    marked = "" if largest is None else f"     largest error (marks) x {largest[1]}, y {largest[0]}"
    if factor > 1:
        notes.append(f"enlarged {factor} times")
    if factor < 1:
        notes.append(
            f"upper row reduced to {100 * factor:.0f} %, lower row the framed region {_DETAIL} "
            "times enlarged"
        )
    figure = _draw(
        panels,
        (height, width),
        factor,
        _around(largest or (height // 2, width // 2), (height, width), factor),
        largest,
        title=f"{names[1]} against its reference {names[0]}",
        lines=(caption + marked, " · ".join(filter(None, notes))),
    )
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", pil_kwargs={"compress_level": _COMPRESSION})
    _files.write(path, lambda file: file.write(buffer.getvalue()))
    return path


def _draw(
    panels: Sequence[_Panel],
    size: tuple[int, int],
    factor: float,
    region: Region,
    largest: tuple[int, int] | None,
    *,
    title: str,
    lines: tuple[str, str],
) -> Figure:
    height, width = (max(1, round(side * factor)) for side in size)
    cell, plain = max(width, SHORTEST), _CAPTION + height
    if factor < 1:
        rows, columns = 2, len(panels)
        tops = [0, plain + _SCALE + _GAP]
    else:
        rows, columns = min(_GRIDS, key=lambda grid: _badness(grid, cell, plain + _SCALE))
        tops = [0]
        for row in range(rows - 1):
            scaled = any(panel.colors for panel in panels[row * columns : (row + 1) * columns])
            tops.append(tops[-1] + plain + scaled * _SCALE + _GAP)
    total = tops[-1] + plain + (factor >= 1) * _SCALE
    whole = (2 * _MARGIN + columns * cell + (columns - 1) * _GAP, 2 * _MARGIN + _HEAD + total)
    figure = Figure(figsize=(whole[0] / _DPI, whole[1] / _DPI), dpi=_DPI, facecolor="white")
    room = whole[0] - 2 * _MARGIN
    _text(figure, whole, _MARGIN, _MARGIN + 6, title, room, size=15, weight="bold")
    _text(figure, whole, _MARGIN, _MARGIN + 34, lines[0], room, size=11.5)
    _text(figure, whole, _MARGIN, _MARGIN + 58, lines[1], room, size=9.5, color=_QUIET)
    for number, panel in enumerate(panels):
        row, column = (0, number) if factor < 1 else divmod(number, columns)
        corner = (_MARGIN + column * (cell + _GAP), _MARGIN + _HEAD + tops[row])
        axes = _place(
            figure,
            whole,
            panel,
            corner,
            (height, width),
            cell,
            _resized(panel.pixels, (height, width)),
            pointed=None if largest is None else _scaled(largest, factor),
        )
        if factor < 1:
            top, left, tall, broad = (side * factor for side in region)
            axes.add_patch(
                Rectangle(
                    (left - 0.5, top - 0.5),
                    broad,
                    tall,
                    fill=False,
                    edgecolor=_FRAME,
                    linewidth=1.5,
                )
            )
            detail = (
                cut(panel.pixels, region)
                .repeat_interleave(_DETAIL, 1)
                .repeat_interleave(_DETAIL, 2)
            )
            below = (corner[0], _MARGIN + _HEAD + tops[1])
            words = (
                f"x {region[1]} to {region[1] + region[3]}, y {region[0]} to "
                f"{region[0] + region[2]}"
            )
            _place(
                figure,
                whole,
                panel,
                below,
                (detail.shape[1], detail.shape[2]),
                cell,
                detail,
                caption=words,
                pointed=None
                if largest is None
                else _scaled((largest[0] - region[0], largest[1] - region[1]), _DETAIL),
            )
    return figure


def _around(place: tuple[int, int], size: tuple[int, int], factor: float) -> Region:
    """The region that a panel shows enlarged: centred on ``place`` where the edges allow it."""
    sides = [max(1, round(side * factor) // _DETAIL) for side in size]
    top, left = (
        min(max(0, at - side // 2), whole - side)
        for at, side, whole in zip(place, sides, size, strict=True)
    )
    return top, left, sides[0], sides[1]


def _scaled(place: tuple[int, int], factor: float) -> tuple[float, float]:
    """The centre of a pixel, in pixels of the resized image."""
    return (place[0] + 0.5) * factor, (place[1] + 0.5) * factor


def _badness(grid: tuple[int, int], width: int, height: int) -> float:
    rows, columns = grid
    return abs(float(np.log(columns * width / (rows * height) / _GOOD_SHAPE)))


def _place(
    figure: Figure,
    whole: tuple[int, int],
    panel: _Panel,
    corner: tuple[int, int],
    size: tuple[int, int],
    cell: int,
    pixels: Tensor,
    caption: str | None = None,
    pointed: tuple[float, float] | None = None,
) -> Axes:
    """Draw a panel with its caption above and its scale below.

    ``corner`` is the x and y of its top left corner, in pixels from the top left of the figure. The
    marks point at the row and the column ``pointed``.
    """
    (x, y), (height, width) = corner, size
    if pointed is not None:
        down, across = y + _CAPTION + pointed[0], x + pointed[1]
        for tip, turned in (((x - 2, down), False), ((across, y + _CAPTION - 2), True)):
            _point_at(figure, whole, tip, turned)
    _text(figure, whole, x, y + 4, panel.caption if caption is None else caption, cell, size=10.5)
    axes = figure.add_axes(_box(whole, x, y + _CAPTION, width, height))
    axes.set_axis_off()
    if panel.colors is None:
        array = pixels.numpy()
        shown = np.repeat(array, 3, 0) if len(array) == 1 else array
        axes.imshow(shown.transpose(1, 2, 0), interpolation="nearest", aspect="auto")
        return axes
    low, high = panel.scale
    axes.imshow(
        pixels[0].numpy(),
        interpolation="nearest",
        aspect="auto",
        cmap=panel.colors,
        vmin=low,
        vmax=high,
    )
    if caption is None:
        under = y + _CAPTION + height
        bar = figure.add_axes(_box(whole, x, under + 8, cell, 10))
        bar.imshow(
            colormaps[panel.colors](np.arange(256))[None], interpolation="nearest", aspect="auto"
        )
        bar.set_axis_off()
        for place, value, align in (
            (0.0, low, "left"),
            (0.5, (low + high) / 2, "center"),
            (1.0, high, "right"),
        ):
            mark = f"{panel.below if place == 0 else panel.above if place == 1 else ''}{value:g}"
            figure.text(
                (x + place * cell) / whole[0],
                1 - (under + 21) / whole[1],
                mark,
                size=8.5,
                color=_INK,
                ha=align,
                va="top",
            )
        _text(figure, whole, x, under + 38, panel.unit, cell, size=8.5, color=_QUIET)
    return axes


def _point_at(figure: Figure, whole: tuple[int, int], tip: tuple[float, float], down: bool) -> None:
    """Draw a triangle whose ``tip``, in pixels from the top left, points right or down."""
    back = ((-_MARK, -_MARK / 2), (-_MARK, _MARK / 2))
    corners = [tip] + [(tip[0] + (b if down else a), tip[1] + (a if down else b)) for a, b in back]
    places = [(x / whole[0], 1 - y / whole[1]) for x, y in corners]
    figure.add_artist(Polygon(places, closed=True, facecolor=_FRAME, transform=figure.transFigure))


def _box(
    whole: tuple[int, int], x: float, y: float, width: float, height: float
) -> tuple[float, float, float, float]:
    """A box, given in pixels from the top left, in the figure coordinates of matplotlib."""
    return x / whole[0], 1 - (y + height) / whole[1], width / whole[0], height / whole[1]


def _text(
    figure: Figure,
    whole: tuple[int, int],
    x: float,
    y: float,
    words: str,
    room: int,
    *,
    size: float,
    color: str = _INK,
    weight: str = "normal",
) -> None:
    """Write one line; if it is wider than ``room`` pixels, its middle is replaced by an ellipsis.

    File names are not parsed as formulas.
    """
    font = _font(weight)
    glyphs = font.get_charmap()
    words = shown = "".join(c if ord(c) in glyphs else "\N{WHITE SQUARE}" for c in words)
    font.set_size(size, _DPI)
    kept = len(words)
    while font.set_text(shown) is not None and font.get_width_height()[0] / 64 > room and kept > 4:
        kept -= 2
        shown = f"{words[: kept // 2]}…{words[-(kept // 2) :]}"
    figure.text(
        x / whole[0],
        1 - y / whole[1],
        shown,
        size=size,
        color=color,
        weight=weight,
        va="top",
        parse_math=False,
    )


@cache
def _font(weight: str) -> FT2Font:
    """The font of figures: it measures a line and lists the characters that can be drawn."""
    return FT2Font(font_manager.findfont(font_manager.FontProperties(weight=weight)))


def _resized(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """Enlarge by repeating pixels, reduce by averaging areas."""
    height, width = size
    if height >= pixels.shape[1] and width >= pixels.shape[2]:
        return pixels.repeat_interleave(height // pixels.shape[1], 1).repeat_interleave(
            width // pixels.shape[2], 2
        )
    planes = [
        Pillow.fromarray(plane.numpy()).resize((width, height), Pillow.Resampling.BOX)
        for plane in pixels
    ]
    return torch.from_numpy(np.stack([np.asarray(plane) for plane in planes]))
