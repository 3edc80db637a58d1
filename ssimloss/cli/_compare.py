"""``ssimloss compare``: one pair of images, a table and a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from ssimloss.cli._options import Alpha, Border, DataRange, Orientation, Overwrite, Protocol, Scale
from ssimloss.cli._told import told

if TYPE_CHECKING:
    from ssimloss.evaluation import images

_DEFAULT: Final = Path("comparison.png")  # in the current folder


def compare(
    reference: Annotated[
        Path, typer.Argument(metavar="REFERENCE", help="The image that is taken as correct.")
    ],
    distorted: Annotated[
        Path,
        typer.Argument(metavar="DISTORTED", help="The image compared with it, of the same size."),
    ],
    metrics: Annotated[
        str, typer.Option(metavar="NAMES", help="Metrics, separated by commas.")
    ] = "psnr,ssim",
    protocol: Protocol = None,
    scale: Scale = None,
    crop_border: Border = None,
    explain: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="NAME NAME", help="Two conventions; explain why their values differ."),
    ] = None,
    alpha: Alpha = "error",
    orientation: Orientation = "apply",
    data_range: DataRange = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The picture, as PNG; by default comparison.png, unless it exists already.",
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Compare two images: the value of each metric, the largest error, and a picture of both.

    Exit status: 0 for success, 1 for files that cannot be compared, 2 for wrong arguments.
    """
    del crop_border
    from ssimloss.evaluation import compare as compared
    from ssimloss.evaluation.compare import picture_path

    with told():
        # An error before anything is computed.
        picture = out or _DEFAULT
        is_kept = out is None and not overwrite and picture.exists()
        picture_path(picture, reference, distorted, overwrite=overwrite or is_kept)
        found = compared(
            reference,
            distorted,
            metrics=[name.strip() for name in metrics.split(",") if name.strip()],
            protocol=protocol,
            scale=scale,
            explain=explain,
            # The library refuses unknown words.
            alpha=cast("images.Alpha", alpha),
            orientation=cast("images.Orientation", orientation),
            data_range=data_range,
        )
        typer.echo(str(found))
        if is_kept:
            way_out = "--out FILE chooses another name, --overwrite replaces it"
            typer.echo(f"\nno picture: {picture} exists already; {way_out}")
        else:
            typer.echo(f"\nwrote {found.draw(picture, overwrite=overwrite)}")
