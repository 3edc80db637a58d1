"""The progress bar of a training run: steps per second, progress, and the values of the terms."""

import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class TrainingBar:
    """``with TrainingBar(...) as bar: bar.show(step, values)``."""

    def __init__(self, console: Console, *, steps: int, first_step: int, digits: int = 4) -> None:
        self._progress = Progress(
            TextColumn("{task.fields[rate]}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[terms]}"),
            console=console,
            transient=True,
        )
        self._first_step, self._digits = first_step, digits
        self._began = time.perf_counter()
        self._task = self._progress.add_task(
            "training", total=steps, completed=first_step, rate="", terms=""
        )

    def __enter__(self) -> "TrainingBar":
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def rate(self, step: int) -> float:
        """Steps per second since the bar was made."""
        return (step - self._first_step) / (time.perf_counter() - self._began)

    def show(self, step: int, values: Mapping[str, float]) -> None:
        terms = self.worded(values)
        self._progress.update(
            self._task, completed=step, rate=f"{self.rate(step):.1f} steps/s", terms=terms
        )

    def worded(self, values: Mapping[str, float]) -> str:
        return "  ".join(f"{name} {value:.{self._digits}f}" for name, value in values.items())
