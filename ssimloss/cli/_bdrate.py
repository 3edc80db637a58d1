"""``ssimloss bdrate``: two rate-distortion curves, and how far apart they are."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ssimloss.cli._told import told

if TYPE_CHECKING:
    from ssimloss.metrics.rate_distortion import CurveMethod, RateCurve


def bdrate(
    anchor: Annotated[Path, typer.Argument(metavar="A.csv", help="The curve compared with.")],
    test: Annotated[Path, typer.Argument(metavar="B.csv", help="The curve in question.")],
    rate: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column of rates; otherwise the first."),
    ] = None,
    quality: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column of qualities; otherwise the second."),
    ] = None,
    method: Annotated[
        str, typer.Option(metavar="cubic|pchip|akima", help="The curve through the points.")
    ] = "cubic",
) -> None:
    """Compare two rate-distortion tables: how much rate B saves, how much quality it gains.

    Each table is a CSV file with a head and one point per line. Negative rates are savings.

    Exit status: 0 for done, 1 for files that cannot be read, 2 for tables that cannot be compared.
    """
    from ssimloss.metrics import bd_quality, bd_rate

    with told():
        (first, name), (second, _) = (_curve(path, rate, quality) for path in (anchor, test))
        chosen = cast("CurveMethod", method)
        try:
            saved = bd_rate(first, second, method=chosen)
            gained = bd_quality(first, second, method=chosen)
        except ModuleNotFoundError as error:  # SciPy, which no extra of the command line has
            raise RuntimeError(str(error)) from error
    typer.echo(f"BD-rate     {saved:+.3f} %")
    typer.echo(f"BD-quality  {gained:+.4f} {name}")


def _curve(path: Path, rate: str | None, quality: str | None) -> tuple["RateCurve", str]:
    """The points of a table, and the name of its quality."""
    from ssimloss.metrics import RateCurve

    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    head = [cell.strip() for cell in rows[0][1]] if rows else []
    if len(head) < 2:
        raise ValueError(f"{path} must have a head of two columns or more, got {head}")
    places = [_place(path, head, rate, 0), _place(path, head, quality, 1)]
    points = []
    for number, row in rows[1:]:
        try:
            points.append([float(row[place]) for place in places])
        except (ValueError, IndexError) as error:
            raise ValueError(
                f"{path}, line {number} must have numbers under {head[places[0]]!r} and "
                f"{head[places[1]]!r}, got {row}"
            ) from error
    return RateCurve([r for r, _ in points], [q for _, q in points]), head[places[1]]


def _place(path: Path, head: list[str], name: str | None, otherwise: int) -> int:
    if name is None:
        return otherwise
    if name not in head:
        raise ValueError(f"{path} has no column {name!r}; its columns are {', '.join(head)}")
    return head.index(name)
