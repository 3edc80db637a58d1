"""The conventions that together hold each option of each measure and each kind of preparation, for
tests in which these hardly depend on each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from ssimloss import conventions


def _repeated() -> Iterator[str]:
    seen: set[tuple[str, str, str]] = set()
    for each in (each for table in conventions.TABLES.values() for each in table.values()):
        words = {(each.measure.name, name, repr(word)) for name, word in each.options.items()}
        words |= {("", name, repr(word)) for name, word in vars(each.preparation).items()}
        words.add((each.measure.name, "", ""))
        if words <= seen:
            yield each.full_name
        seen |= words


# Those whose options and preparation, one by one, others have.
REPEATED = set(_repeated())


def one_word_at_a_time(of: Iterable[conventions.Convention]) -> list[Any]:
    """Conventions as parameters: `make sweep` does those that only repeat."""
    return [
        pytest.param(
            each, id=each.full_name, marks=[pytest.mark.sweep] if each.full_name in REPEATED else []
        )
        for each in of
    ]
