"""Progress of ``evaluate`` and ``study``: a bar on a terminal, a line now and then elsewhere."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

_QUIET_S = 10.0  # between two lines where there is no terminal


@contextmanager
def progress(
    console: Console, *, unit: str = "images", first: str = "reading headers"
) -> Iterator["Shown"]:
    """Show progress on the console.

    Args:
        console: where.
        unit: of what is counted, in the plural.
        first: shown on a terminal until the first unit is done.
    """
    if console.is_terminal:
        bar = Progress(
            TextColumn("{task.fields[rate]}"),
            BarColumn(),
            TaskProgressColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        with bar:
            yield _Bar(bar, unit, first)
    else:
        yield _Lines(console, unit)


class Shown(ABC):
    """Called with the number of finished units and of all units; for clips also with frames."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._began = time.monotonic()
        self._of_clips = False

    def __call__(self, finished: int, total: int, *_: object) -> None:
        if not self._of_clips:  # whose progress is counted in frames
            self._show(finished, total, self._unit)

    def frames(self, finished: int, total: int) -> None:
        """How many frames of how many, 0 where that is not known."""
        self._of_clips = True
        self._show(finished, total, "frames")

    def _show(self, finished: int, total: int, what: str) -> None:
        self.show(finished, total, finished / max(time.monotonic() - self._began, 1e-9), what)

    @abstractmethod
    def show(self, finished: int, total: int, rate: float, what: str) -> None:
        """How many of how many, how many a second, and of what."""


class _Bar(Shown):
    def __init__(self, bar: Progress, unit: str, first: str) -> None:
        super().__init__(unit)
        self._bar = bar
        self._task = bar.add_task("", total=None, rate=first)

    def show(self, finished: int, total: int, rate: float, what: str) -> None:
        self._bar.update(
            self._task, completed=finished, total=total or None, rate=f"{rate:.1f} {what}/s"
        )


class _Lines(Shown):
    """A line now and then, for logs."""

    def __init__(self, console: Console, unit: str) -> None:
        super().__init__(unit)
        self._console = console
        self._last = self._began

    def show(self, finished: int, total: int, rate: float, what: str) -> None:
        now = time.monotonic()
        if (finished and finished == total) or now - self._last >= _QUIET_S:
            self._last = now
            of_all = f" of {total}" if total else ""
            left = f", {(total - finished) / rate:.0f} s left" if finished < total else ""
            self._console.print(
                f"{finished}{of_all} {what}, {rate:.1f} {what}/s{left}",
                highlight=False,
                soft_wrap=True,
            )
