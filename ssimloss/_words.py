"""Arguments that are words or names, without torch: closed sets of words, names in any spelling,
and what a misspelt one may mean.
"""

import difflib
import re
from collections.abc import Iterable


def choice(name: str, value: str, options: Iterable[str], *, way_out: str = "") -> None:
    """Check for one of a closed set of strings; the error lists them, guesses which is meant, and
    ends with ``way_out``.
    """
    options = tuple(options)
    if value not in options:
        raise _unknown(name, value, options, "", way_out)


def spelled(given: object, known: Iterable[str]) -> str | None:
    """The known name that ``given`` spells: case does not matter, nor does the choice between
    ``-``, ``_`` and a space. None for no such name, and for several that differ only in spelling.
    """
    if not isinstance(given, str):
        return None
    known = tuple(known)
    if given in known:
        return given
    found = [name for name in known if folded(name) == folded(given)]
    return found[0] if len(found) == 1 else None


def named(
    argument: str, given: str, known: Iterable[str], *, advice: str = "", way_out: str = ""
) -> str:
    """The known name that ``given`` spells, as :func:`spelled` reads it.

    Args:
        argument: as the error calls it.
        advice: what ``given`` means here, in place of a similar name.
        way_out: ends the error, such as a command that lists the names.

    Raises:
        ValueError: there is no such name; the error lists the names and guesses which is meant.
    """
    known = tuple(known)
    found = spelled(given, known)
    if found is not None:
        return found
    raise _unknown(argument, given, known, advice, way_out)


def _unknown(
    argument: str, given: object, known: tuple[str, ...], advice: str, way_out: str
) -> ValueError:
    """The error for a name that is not known."""
    close = near(given, known) if isinstance(given, str) and not advice else []
    guess = f"did you mean {close[0]!r}?" if close else advice
    listed = ", ".join(map(repr, known))
    hints = [hint for hint in (guess, way_out) if hint]
    return ValueError("; ".join([f"{argument} must be one of {listed}, got {given!r}", *hints]))


def near(given: str, known: Iterable[str], count: int = 1, *, cutoff: float = 0.6) -> list[str]:
    """The known names that ``given`` may be a misspelling of, the closest first.

    Args:
        count: the most names returned.
        cutoff: how alike they must be, from 0 to 1.
    """
    by_spelling: dict[str, str] = {}
    for name in known:
        by_spelling.setdefault(folded(name), name)
    close = difflib.get_close_matches(folded(given), by_spelling, count, cutoff)
    return [by_spelling[spelling] for spelling in close]


def folded(name: str) -> str:
    """The spelling by which names are compared."""
    return re.sub(r"[\s_-]+", "_", name.strip()).casefold()
