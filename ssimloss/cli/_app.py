"""The commands: each in a file of its own, added here by one line."""

from typing import Annotated

import typer

from ssimloss._version import __version__
from ssimloss.cli import _weights
from ssimloss.cli._bdrate import bdrate
from ssimloss.cli._compare import compare
from ssimloss.cli._doctor import doctor
from ssimloss.cli._evaluate import EPILOG, evaluate
from ssimloss.cli._study import study

_SPELLINGS = {"force": "overwrite"}

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Image losses and metrics for PyTorch.",
    # Options in other spellings, for all commands: --force is --overwrite.
    context_settings={"token_normalize_func": lambda name: _SPELLINGS.get(name, name)},
)
app.add_typer(_weights.app, name="weights")
app.command()(doctor)
app.command()(compare)
app.command(epilog=EPILOG)(evaluate)
app.command()(study)
app.command()(bdrate)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"ssimloss {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    """What stands before a command."""
