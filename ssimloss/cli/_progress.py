"""How far ``ssimloss evaluate`` is: a bar on a terminal, a line now and then elsewhere."""

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
def progress(console: Console) -> Iterator["Shown"]:
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
            yield _Bar(bar)
    else:
        yield _Lines(console)


class Shown(ABC):
    """Called with how many images or clips are done of how many, and for clips with frames."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._of_clips = False

    def __call__(self, finished: int, total: int) -> None:
        if not self._of_clips:  # whose progress is told by frames
            self._show(finished, total, "images")

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
    def __init__(self, bar: Progress) -> None:
        super().__init__()
        self._bar = bar
        self._task = bar.add_task("", total=None, rate="reading headers")

    def show(self, finished: int, total: int, rate: float, what: str) -> None:
        self._bar.update(
            self._task, completed=finished, total=total or None, rate=f"{rate:.1f} {what}/s"
        )


class _Lines(Shown):
    """A line now and then, for logs."""

    def __init__(self, console: Console) -> None:
        super().__init__()
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
