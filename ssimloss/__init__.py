"""Differentiable image losses for super-resolution, restoration and GAN training.

``_contents.py`` has the names and is imported at the first access to one of them. Commands that
compute nothing thus start without importing torch.
"""

import importlib
import importlib.util
from typing import TYPE_CHECKING

from ssimloss._version import __version__ as __version__

if TYPE_CHECKING:
    from ssimloss._contents import *  # noqa: F403
    from ssimloss.combined import *  # noqa: F403
    from ssimloss.losses import *  # noqa: F403
else:  # type checkers would take any name for one of these

    def __getattr__(name: str) -> object:
        """Return a subpackage, a name of the table of contents, or a module registered later."""
        if (name.startswith("_") and name != "__all__") or "." in name:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if importlib.util.find_spec(f"{__name__}.{name}") is not None:
            return importlib.import_module(f"{__name__}.{name}")
        contents = importlib.import_module(f"{__name__}._contents")
        globals().update({each: getattr(contents, each) for each in (*contents.__all__, "__all__")})
        return globals()[name] if name in globals() else contents.of_registered(name)

    def __dir__() -> list[str]:
        """The table of contents."""
        return sorted({*globals(), *importlib.import_module(f"{__name__}._contents").__all__})
