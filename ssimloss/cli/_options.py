"""Options that several commands have, with one help text each."""

from typing import Annotated

import typer

Protocol = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="How images are cropped, rounded and converted; default: plain."
    ),
]
Scale = Annotated[
    int | None,
    typer.Option(metavar="N", help="Factor of super-resolution, if the protocol needs it."),
]


def _refuse_border(value: str | None) -> None:
    if value is not None:
        raise typer.BadParameter(
            "protocols cut the border off: --protocol basicsr --scale 4 cuts 4 pixels off every "
            "side and compares luma, --protocol basicsr_rgb --scale 4 compares colours"
        )


# Of other programs.
Border = Annotated[
    str | None,
    typer.Option("--crop-border", "--shave", hidden=True, callback=_refuse_border),
]
Alpha = Annotated[
    str, typer.Option(metavar="error|drop", help="Transparent pixels: refuse, or drop alpha.")
]
Orientation = Annotated[
    str,
    typer.Option(
        metavar="apply|ignore", help="Orientation tags: turn images, or compare as stored."
    ),
]
DataRange = Annotated[
    float | None,
    typer.Option(metavar="WHITE", help="The value of white in floating-point files, such as 1."),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")]
Resume = Annotated[bool, typer.Option("--resume", help="Continue what the folder holds.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is already there.")]
