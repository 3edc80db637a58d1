"""Lookup of a convention by its name, and its description."""

from ssimloss._words import spelled
from ssimloss.conventions.convention import TABLES, Convention, tables
from ssimloss.measure import complete


def find(name: str | Convention) -> Convention:
    """The convention of this name: ``"SSIM/basicsr"``, or ``"skimage_gaussian"`` if only one
    measure has it.

    Raises:
        KeyError: the name is unknown or ambiguous; the error lists the names.
        TypeError: ``name`` is neither a string nor a convention.
    """
    if isinstance(name, Convention):
        return name
    if not isinstance(name, str):
        raise TypeError(
            "a convention is named by a string such as 'SSIM/basicsr', or given as it is, got "
            f"{type(name).__name__} {name!r}"
        )
    key, slash, bare = name.rpartition("/")
    complete()
    every_table = tables()
    if slash:
        title = spelled(key, every_table)
        if title is None:
            raise KeyError(f"no measure {key!r} in {name!r}; there are {', '.join(every_table)}")
        table = every_table[title]
        return table[spelled(bare, table) or bare]
    found = [table[own] for table in TABLES.values() if (own := spelled(name, table))]
    if len(found) == 1:
        return found[0]
    if not found:
        if title := spelled(name, every_table):
            raise KeyError(
                f"{name!r} is a measure, not a convention; name one of "
                f"{', '.join(each.full_name for each in every_table[title].values())}"
            )
        every = ", ".join(c.full_name for table in TABLES.values() for c in table.values())
        raise KeyError(f"no convention {name!r}; there are {every}")
    raise KeyError(
        f"several conventions are called {name!r}: {', '.join(c.full_name for c in found)}; name "
        "the one you mean"
    )


def describe(name: str | Convention) -> str:
    """Describe what is computed, step by step, by which program, and how closely it agrees.

    Args:
        name: a convention, ``"SSIM/basicsr"``, or a bare name that only one measure of two images
            has.

    Raises:
        KeyError: the name is unknown or ambiguous; the error lists the names.
    """
    return str(find(name))
