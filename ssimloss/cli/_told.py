"""Errors of the library on the command line: one message on stderr, and an exit status."""

import os
import signal
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import typer

# Categories of Unicode: control, direction, half a pair, ends of lines.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@contextmanager
def told(who: str = "") -> Iterator[None]:
    """Print the message of an error on stderr, without a traceback.

    The exit status is 2 for wrong arguments, 1 for files and machines that cannot serve.

    Args:
        who: printed after the word error.
    """
    try:
        yield
    except (OSError, RuntimeError, ValueError, TypeError, ImportError) as error:
        typer.echo(f"error{who}: " + "\n".join(map(shown, str(error).split("\n"))), err=True)
        is_wrong = isinstance(error, (ValueError, TypeError)) and not isinstance(error, OSError)
        raise typer.Exit(2 if is_wrong else 1) from error


@contextmanager
def stoppable(out: Path | None) -> Iterator[None]:
    """Print errors as :func:`told` does, and how to continue if the command is interrupted or
    terminated.
    """
    is_one = os.environ.get("WORLD_SIZE", "1") == "1" or "RANK" not in os.environ
    rank = "" if is_one else f" (process {os.environ['RANK']})"
    way_on = (
        "" if out is None else f"; what was computed is in {out / 'journal'}, --resume continues"
    )

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise SystemExit(143)

    before = signal.signal(signal.SIGTERM, end)
    try:
        with told(rank):
            yield
    except KeyboardInterrupt as error:
        typer.echo(f"interrupted{rank}{way_on}", err=True)
        raise typer.Exit(130) from error
    except SystemExit as error:
        typer.echo(
            f"terminated{rank}, by the system or because another process ended{way_on}", err=True
        )
        raise typer.Exit(143) from error
    finally:
        signal.signal(signal.SIGTERM, before)


def shown(text: str) -> str:
    """One line, with escapes for invisible characters: terminals execute some, and names of files
    may contain any.
    """
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in _UNSEEN else char
        for char in text
    )
