"""``ssimloss``: the command line. It needs the extra ``cli``; one line says so where that is
missing.
"""

import sys

__all__ = ["main"]

_EXTRA = ("typer", "rich", "PIL", "matplotlib")


def main() -> None:
    """The console script."""
    try:
        from ssimloss.cli._app import app

        app()
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in _EXTRA:
            raise
        sys.exit(
            f"ssimloss: the command line needs {package}, which is not installed: pip install "
            "'ssimloss[cli]'"
        )
