"""What the library has to say about files and arguments, on the command line."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def told() -> Iterator[None]:
    """An error about files, names or values goes to stderr as it is, without a traceback; the exit status is 1."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
