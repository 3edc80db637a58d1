"""``ssimloss bdrate``: the mean difference of two rate-distortion curves.

Exit status: 0 for success, 1 for files that cannot be read, 2 for tables that cannot be compared.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from ssimloss._words import folded, spelled
from ssimloss.cli._names import METRICS
from ssimloss.cli._told import told

if TYPE_CHECKING:
    from ssimloss.metrics.rate_distortion import CurveMethod, RateCurve

# Names of columns of rates -> their unit, empty for any.
_RATES: Final = {
    **dict.fromkeys(("rate", "bitrate", "bit_rate", "size", "file_size"), ""),
    **dict.fromkeys(("bpp", "bits_per_pixel"), "bpp"),
    **dict.fromkeys(("kbps", "kb/s", "kbit/s", "kbits/s"), "kbps"),
    **dict.fromkeys(("mbps", "mb/s", "mbit/s", "mbits/s"), "mbps"),
    "bps": "bps",
    "bits": "bits",
    "bytes": "bytes",
}
_QUALITIES: Final = frozenset({*METRICS, "quality", "score", "mos", "psnr_y", "y_psnr"})
_UNIT = re.compile(r"\s*[(\[](.*)[)\]]$")


@dataclass(frozen=True)
class _Table:
    curve: "RateCurve"
    rate: str  # name of the column
    quality: str


def bdrate(
    anchor: Annotated[Path, typer.Argument(metavar="A.csv", help="The curve to compare with.")],
    test: Annotated[Path, typer.Argument(metavar="B.csv", help="The curve that is compared.")],
    rate: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column of rates; by default rate, bpp, kbps..."),
    ] = None,
    quality: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="The column of qualities; by default quality, psnr, vmaf..."
        ),
    ] = None,
    method: Annotated[
        str, typer.Option(metavar="cubic|pchip|akima", help="The curve through the points.")
    ] = "cubic",
) -> None:
    """Compare two rate-distortion tables: the rate that B saves, and the quality that it gains.

    Each table is a CSV file with a line of column names and one point per line. Columns are found
    by their usual names, in any case. Negative rates are savings.

    Exit status: 0 for success, 1 for files that cannot be read, 2 for tables that cannot be
    compared.
    """
    from ssimloss.metrics import bd_quality, bd_rate

    with told():
        first, second = (_read(path, rate, quality) for path in (anchor, test))
        _demand_alike(anchor, first, test, second)
        chosen = cast("CurveMethod", method)
        try:
            saved = bd_rate(first.curve, second.curve, method=chosen)
            gained = bd_quality(first.curve, second.curve, method=chosen)
        except ModuleNotFoundError as error:  # SciPy, which no extra of the command line has
            raise RuntimeError(str(error)) from error
    typer.echo(f"BD-rate     {saved:+.3f} %")
    typer.echo(f"BD-quality  {gained:+.4f} {first.quality}")


def _read(path: Path, rate: str | None, quality: str | None) -> _Table:
    from ssimloss.evaluation.csv_files import read_csv
    from ssimloss.metrics import RateCurve

    try:
        records = read_csv(path)
    except ValueError as error:
        raise RuntimeError(str(error)) from error
    rows = [(number, row) for number, row in records if any(cell.strip() for cell in row)]
    head = [cell.strip() for cell in rows[0][1]] if rows else []
    if len(head) < 2 or len({folded(name) for name in head}) < len(head):
        raise ValueError(
            f"{path} must name two columns or more in its first line, each once, got "
            f"{_listed(head)}"
        )
    names = [_named(path, head, "rate", rate, _RATES)]
    others = [name for name in head if name != names[0]]
    known = [folded(others[0])] if len(others) == 1 else _QUALITIES
    names.append(_named(path, others, "quality", quality, known))
    places = [head.index(name) for name in names]
    points = []
    for number, row in rows[1:]:
        try:
            points.append([float(row[place]) for place in places])
        except (ValueError, IndexError) as error:
            raise ValueError(
                f"{path}, line {number} must have numbers under {names[0]!r} and {names[1]!r}, got "
                f"{row}"
            ) from error
    return _Table(RateCurve([r for r, _ in points], [q for _, q in points]), *names)


def _named(
    path: Path, head: list[str], what: str, given: str | None, known: Collection[str]
) -> str:
    """The column that is named, or else the only one with a usual name."""
    if given is not None:
        found = spelled(given, head)
        if found is None:
            raise ValueError(f"{path} has no column {given!r} for --{what}, got {_listed(head)}")
        return found
    usual = [name for name in head if {folded(name), _base(name)} & set(known)]
    if len(usual) != 1:
        lacks = f"several columns of {what}" if usual else f"no column of {what} by a usual name"
        raise ValueError(
            f"{path} has {lacks}, got {_listed(usual or head)}; --{what} COLUMN chooses one"
        )
    return usual[0]


def _demand_alike(anchor: Path, first: _Table, test: Path, second: _Table) -> None:
    """Raise for rates of two units, or two qualities."""
    units = [_unit(table.rate) for table in (first, second)]
    if all(units) and units[0] != units[1]:
        raise ValueError(
            f"rates must have one unit, got {first.rate!r} in {anchor} and {second.rate!r} in "
            f"{test}; convert one of them"
        )
    if _base(first.quality) != _base(second.quality):
        raise ValueError(
            f"both tables must have the same quality, got {first.quality!r} in {anchor} and "
            f"{second.quality!r} in {test}; --quality COLUMN chooses a column of both"
        )


def _base(name: str) -> str:
    """The name of a column without its unit in brackets."""
    return folded(_UNIT.sub("", name))


def _unit(name: str) -> str:
    """The unit of a column of rates, empty if its name has none."""
    inside = _UNIT.search(name)
    told = folded(inside[1]) if inside else _base(name)
    return _RATES.get(told, told if inside else "")


def _listed(head: list[str]) -> str:
    return f"the columns {', '.join(map(repr, head))}" if head else "nothing"
