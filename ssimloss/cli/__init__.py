"""``ssimloss``: the command line. It needs the extra ``cli``; without it, one line states how to
install it.
"""

import io
import os
import sys

__all__ = ["main"]

# Package -> the extra that has it, and what needs it.
_EXTRA = dict.fromkeys(("typer", "rich", "PIL", "matplotlib"), ("cli", "the command line needs"))
_EXTRA["av"] = ("video", "reading clips needs")
_EXTRA |= dict.fromkeys(
    ("torchmetrics", "torch_fidelity"), ("metrics", "FID, KID and the Inception score need")
)


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        # The encoding of a pipe or an old console may lack characters of file names.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Commands of a notebook inherit its backend. Where that is not installed, matplotlib cannot
    # be imported; nothing is shown in a window here.
    os.environ["MPLBACKEND"] = "agg"
    try:
        from ssimloss.cli._app import app

        app()
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in _EXTRA:
            raise
        extra, needs = _EXTRA[package]
        sys.exit(
            f"ssimloss: {needs} {package}, which is not installed: pip install 'ssimloss[{extra}]'"
        )
