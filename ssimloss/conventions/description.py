"""Lines in which a convention is described: labelled entries, and the steps of its computation."""

import textwrap
from collections.abc import Sequence

from ssimloss.conventions.attributes import PREPARATION, Attribute, State
from ssimloss.conventions.preparation import Preparation


def steps(attributes: Sequence[Attribute], state: State, preparation: Preparation) -> list[str]:
    """One sentence for each step, in the order of computation."""
    found = [text for each in attributes if (text := each.sentence(state))]
    if preparation:
        found.insert(0, "scale images in data_range to [0, 1]")
        prepared = sum(bool(each.sentence(state)) for each in PREPARATION)
        found.insert(1 + prepared, "go on in float64")
    return found


def entry(label: str, text: str, hanging: int = 0) -> list[str]:
    """A label and a text, wrapped beside it; ``hanging`` columns more from the second line on."""
    first = f"  {label:<10}"
    indent = " " * (len(first) + hanging)
    return textwrap.wrap(
        text, 110, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False
    )
