"""``ssimloss doctor``: what runs on this machine, and why the rest does not."""

import typer

from ssimloss.kernels.__main__ import report


def doctor() -> None:
    """Say which fast paths run on this machine, and why the others do not."""
    for line in report():
        typer.echo(line)
