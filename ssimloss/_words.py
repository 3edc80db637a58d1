"""Arguments that are words."""

from collections.abc import Iterable


def choice(name: str, value: str, options: Iterable[str]) -> None:
    """Demand one of a closed set of words; the error lists them."""
    options = tuple(options)
    if value not in options:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, got {value!r}")
