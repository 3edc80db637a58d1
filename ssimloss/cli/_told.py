"""What the library has to say about files and arguments, on the command line."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

import typer

# Categories of Unicode: control, direction, half a pair, ends of lines.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@contextmanager
def told(who: str = "") -> Iterator[None]:
    """An error goes to stderr as it is, without a traceback.

    The exit status is 2 for arguments that make no sense, 1 for files and machines that cannot
    serve.

    Args:
        who: stands behind the word error.
    """
    try:
        yield
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        typer.echo(f"error{who}: " + "\n".join(map(shown, str(error).split("\n"))), err=True)
        raise typer.Exit(2 if isinstance(error, (ValueError, TypeError)) else 1) from error


def shown(text: str) -> str:
    """One line, with escapes for what cannot be seen: names of files come from anywhere, and
    terminals obey some.
    """
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in _UNSEEN else char
        for char in text
    )
