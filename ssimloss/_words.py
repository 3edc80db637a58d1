"""Arguments with a closed set of strings."""

from collections.abc import Iterable


def choice(name: str, value: str, options: Iterable[str]) -> None:
    """Check for one of a closed set of strings; the error lists them."""
    options = tuple(options)
    if value not in options:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, got {value!r}")
