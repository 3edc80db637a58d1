"""Weights by name: name -> file, SHA-256, licence.

A named file is searched in the folder ``SSIMLOSS_WEIGHTS``, among the files that come with the
package, and in torchvision's cache. A file that torchvision publishes is downloaded if none of them
has it. A file is read only after its SHA-256 agrees, and nothing in it is executed. An error never
leads to random weights. ``ssimloss weights`` does the same on the command line.
"""

import importlib
from typing import TYPE_CHECKING

from ssimloss.weights._catalogue import (
    BUNDLED,
    IMAGENET,
    INCEPTION,
    WeightsFile,
    bundled,
    catalogue,
    networks,
    published,
    recorded,
    words,
)
from ssimloss.weights._store import (
    VARIABLE,
    cache,
    fetch,
    find,
    folders,
    import_file,
    obtain,
    without_downloads,
)
from ssimloss.weights._verify import demand_whole

if TYPE_CHECKING:
    from ssimloss.weights._load import Weights, bundled_text, load_bundled, load_network
    from ssimloss.weights._read import read
    from ssimloss.weights._write import write_safetensors

__all__ = [
    "Weights",
    "load_network",
    "load_bundled",
    "bundled_text",
    "read",
    "write_safetensors",
    "WeightsFile",
    "BUNDLED",
    "bundled",
    "catalogue",
    "networks",
    "words",
    "published",
    "recorded",
    "IMAGENET",
    "INCEPTION",
    "VARIABLE",
    "folders",
    "cache",
    "find",
    "demand_whole",
    "obtain",
    "fetch",
    "without_downloads",
    "import_file",
]

# They need torch, which is imported when one of them is first used; listing files works without.
_OF_TORCH = {
    **dict.fromkeys(("Weights", "load_network", "load_bundled", "bundled_text"), "_load"),
    "read": "_read",
    "write_safetensors": "_write",
}


def __dir__() -> list[str]:
    """The names in ``__all__`` too, whether they have been imported or not."""
    return sorted({*globals(), *__all__})


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """What reads or writes tensors."""
        if name not in _OF_TORCH:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = importlib.import_module(f"{__name__}.{_OF_TORCH[name]}")
        globals()[name] = getattr(module, name)
        return globals()[name]
