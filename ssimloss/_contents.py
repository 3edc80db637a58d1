"""The table of contents: every name of ``ssimloss``."""

from ssimloss import (
    color,
    combined,
    compat,
    conventions,
    doctor,
    functional,
    losses,
    measure,
    metrics,
    video,
)
from ssimloss._debug import debug
from ssimloss._spellings import no_attribute
from ssimloss._version import __version__
from ssimloss.combined import *  # noqa: F403  # the sum of losses and what it is made of
from ssimloss.losses import *  # noqa: F403  # its __all__ follows from the measures
from ssimloss.measure import Measure

__all__ = [
    "__version__",
    "color",
    "compat",
    "conventions",
    "debug",
    "doctor",
    "functional",
    "metrics",
    "video",
    "Measure",
]
__all__ += combined.__all__
__all__ += losses.__all__  # two statements, because type checkers support only these forms


def of_registered(name: str) -> object:
    """Return the module of a measure that was registered after this import."""
    if not any(each.module == name for each in measure.registered()):
        raise no_attribute("ssimloss", name, __all__)
    return getattr(losses, name)
