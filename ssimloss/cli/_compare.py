"""``ssimloss compare``: one pair of images, a table and a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ssimloss.cli._told import told

if TYPE_CHECKING:
    from ssimloss.evaluation.images import Alpha, Orientation


def compare(
    reference: Annotated[
        Path, typer.Argument(metavar="REFERENCE", help="The image that counts as right.")
    ],
    distorted: Annotated[
        Path,
        typer.Argument(metavar="DISTORTED", help="The image compared with it, of the same size."),
    ],
    metrics: Annotated[
        str, typer.Option(metavar="NAMES", help="Measures, separated by commas.")
    ] = "psnr,ssim",
    protocol: Annotated[
        str, typer.Option(metavar="NAME", help="What is cut, rounded and converted before.")
    ] = "plain",
    scale: Annotated[
        int | None,
        typer.Option(metavar="N", help="The factor of enlargement, where the protocol takes one."),
    ] = None,
    explain: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="NAME NAME", help="Two conventions whose values are to be told apart."
        ),
    ] = None,
    alpha: Annotated[
        str,
        typer.Option(
            metavar="error|drop", help="What to do with images that are transparent in places."
        ),
    ] = "error",
    orientation: Annotated[
        str,
        typer.Option(
            metavar="apply|ignore", help="Of orientation tags: turn images, or compare as stored."
        ),
    ] = "apply",
    data_range: Annotated[
        float | None,
        typer.Option(metavar="WHITE", help="The value of white in floating-point files."),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The picture, as PNG.")] = Path(
        "comparison.png"
    ),
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite the picture if it exists.")
    ] = False,
) -> None:
    """Compare two images: what each measure says, where the largest error is, and a picture of it.

    Exit status: 0 for done, 1 for files that cannot be compared, 2 for a command that makes no
    sense.
    """
    from ssimloss.evaluation import compare as compared
    from ssimloss.evaluation.compare import picture_path

    with told():
        # An error before anything is computed.
        picture_path(out, reference, distorted, overwrite=force)
        found = compared(
            reference,
            distorted,
            metrics=[name.strip() for name in metrics.split(",") if name.strip()],
            protocol=protocol,
            scale=scale,
            explain=explain,
            # A word that is none is an error of the library, here and below.
            alpha=cast("Alpha", alpha),
            orientation=cast("Orientation", orientation),
            data_range=data_range,
        )
        typer.echo(str(found))
        typer.echo(f"\nwrote {found.draw(out, overwrite=force)}")
