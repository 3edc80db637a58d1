"""``ssimloss evaluate``: files compared with their references, on one process or under
``torchrun``.

Exit status: 0 for done; 1 where something could not be evaluated and that was asked to be fatal,
nothing was left, or the machine could not go on; 2 for a command that makes no sense; 130 and 143
when interrupted or told to end.
"""

import glob
import math
import os
import shlex
import signal
import sys
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from ssimloss.cli._told import shown, told

if TYPE_CHECKING:
    from ssimloss.evaluation import Evaluation
    from ssimloss.evaluation.clips.chunks import FramePairing, Timestamps
    from ssimloss.evaluation.images import Alpha, Orientation
    from ssimloss.evaluation.run import OnDamaged

_PIPE_WIDTH = 200  # columns where there is no terminal, so that no name is cut
_QUIET_S = 10.0  # between two lines where there is no terminal
_CLIPS = 10  # that have lines of their own
_NOTES = 10
_LISTED = 5  # of files without a partner and of errors; the report has all


def evaluate(
    reference: Annotated[
        str,
        typer.Argument(
            metavar="REFERENCE", help="A folder, a file, a glob pattern, or a .csv file of pairs."
        ),
    ],
    distorted: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DISTORTED",
            help="The same of what is judged; several are compared; NAME=PATH names one.",
        ),
    ] = None,
    metrics: Annotated[
        str, typer.Option(help="Names or module:attribute, with commas between them.")
    ] = "psnr,ssim",
    protocol: Annotated[
        str,
        typer.Option(
            help="How images are prepared, and which definitions: plain, basicsr, edsr, pyiqa, ..."
        ),
    ] = "plain",
    scale: Annotated[
        int | None, typer.Option(help="Factor of super-resolution, where the protocol asks for it.")
    ] = None,
    suffix: Annotated[
        str,
        typer.Option(
            help="What distorted files have behind the name of the reference, such as x4."
        ),
    ] = "",
    alpha: Annotated[
        str, typer.Option(help="Of images transparent in places: error, or drop.")
    ] = "error",
    orientation: Annotated[
        str, typer.Option(help="Of orientation tags: apply turns images, ignore does not.")
    ] = "apply",
    data_range: Annotated[
        float | None, typer.Option(help="Of floating-point files: the value of white, such as 1.")
    ] = None,
    scale_distorted: Annotated[
        str | None,
        typer.Option(help="Bring clips to the reference's size: bicubic, bilinear, lanczos."),
    ] = None,
    frames: Annotated[
        str, typer.Option(help="Of clips of other lengths: equal refuses, shortest cuts them.")
    ] = "equal",
    timestamps: Annotated[
        str, typer.Option(help="Of frames of clips: compare, or ignore and pair by order alone.")
    ] = "compare",
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Width and height of raw .yuv files.")
    ] = None,
    pixel_format: Annotated[
        str | None, typer.Option(help="Of raw .yuv files: yuv420p, yuv420p10le, ...")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    batch_size: Annotated[
        int, typer.Option(help="The most images or frames measured together.")
    ] = 16,
    workers: Annotated[
        int | None,
        typer.Option(help="Threads that decode; otherwise one per processor, at most 8."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Where tables and report go; otherwise nothing is written."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue what the folder holds.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Discard what the folder holds.")
    ] = False,
    on_damaged: Annotated[
        str, typer.Option(help="A file that cannot be compared: skip (and say so), or stop.")
    ] = "skip",
    report: Annotated[
        bool, typer.Option("--report/--no-report", help="Whether to write the page.")
    ] = True,
) -> None:
    """Compare images or clips with their references: tables, statistics and a page to look at.

    Under torchrun each process takes a share; the result is that of one process to the last digit.
    """
    from ssimloss import evaluation

    leads = os.environ.get("RANK", "0") == "0"
    console = Console(stderr=True, quiet=not leads)
    with _told(out), _shown(console) as show:
        result = evaluation.evaluate(
            reference,
            _methods(distorted),
            metrics=[name.strip() for name in metrics.split(",") if name.strip()],
            protocol=protocol,
            scale=scale,
            suffix=suffix,
            # A word that is none is an error of the library, here and below.
            alpha=cast("Alpha", alpha),
            orientation=cast("Orientation", orientation),
            data_range=data_range,
            scale_distorted=scale_distorted,
            frames=cast("FramePairing", frames),
            timestamps=cast("Timestamps", timestamps),
            size=size,
            pixel_format=pixel_format,
            device=device,
            batch_size=batch_size,
            workers=workers,
            out=out,
            resume=resume,
            overwrite=overwrite,
            on_damaged=cast("OnDamaged", on_damaged),
            report=report,
            # Whatever the file is called that was started.
            command=shlex.join(["ssimloss", *sys.argv[1:]]),
            on_progress=show,
            on_frames=show.frames,
        )
    if leads:
        _print(result)
        if out is not None:
            table = "per_clip.csv" if result.clips else "per_image.csv"
            typer.echo(f"wrote {out / ('index.html' if report else table)}")


def _methods(distorted: list[str] | None) -> list[str] | dict[str, str] | None:
    """``NAME=PATH`` for some or all; a name has no folders in it, and what exists as a whole is a
    path.
    """
    named = []
    for text in distorted or ():
        name, _, path = text.partition("=")
        there = os.path.exists(text) or any(glob.iglob(text))
        is_named = path and "/" not in name and os.sep not in name and not there
        named.append((name, path) if is_named else ("", text))
    if not any(name for name, _ in named):
        return distorted or None
    methods = {name or Path(path).name: path for name, path in named}
    if len(methods) < len(named):
        raise typer.BadParameter(
            "two methods have the same name; NAME=PATH gives one another", param_hint="DISTORTED"
        )
    return methods


@contextmanager
def _told(out: Path | None) -> Iterator[None]:
    """What the library says goes to stderr as it is, without a traceback; being stopped is no error
    of the data.
    """
    is_one = os.environ.get("WORLD_SIZE", "1") == "1" or "RANK" not in os.environ
    rank = "" if is_one else f" (process {os.environ['RANK']})"
    way_on = (
        "" if out is None else f"; what was computed is in {out / 'journal'}, --resume continues"
    )

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise SystemExit(143)

    before = signal.signal(signal.SIGTERM, end)
    try:
        with told(rank):
            yield
    except KeyboardInterrupt as error:
        typer.echo(f"interrupted{rank}{way_on}", err=True)
        raise typer.Exit(130) from error
    except SystemExit as error:
        typer.echo(
            f"told to end{rank}, by the system or because another process ended{way_on}", err=True
        )
        raise typer.Exit(143) from error
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _shown(console: Console) -> Iterator["_Shown"]:
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


class _Shown(ABC):
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


class _Bar(_Shown):
    def __init__(self, bar: Progress) -> None:
        super().__init__()
        self._bar = bar
        self._task = bar.add_task("", total=None, rate="reading headers")

    def show(self, finished: int, total: int, rate: float, what: str) -> None:
        self._bar.update(
            self._task, completed=finished, total=total or None, rate=f"{rate:.1f} {what}/s"
        )


class _Lines(_Shown):
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


def _print(result: "Evaluation") -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PIPE_WIDTH)
    if result.clips:
        console.print(_clip_table(result))
    if len(result.clips) != 1:
        console.print(_summary_table(result))
    _print_notes(console, result)
    if result.comparisons:
        console.print(_comparison_table(result))
    failed = [
        (image.name, method, words)
        for image in result.images
        for method, words in image.errors.items()
    ]
    for name, method, words in failed[:_LISTED]:
        console.print(
            shown(f"{name}, {method}: {words}"), markup=False, highlight=False, soft_wrap=True
        )
    if failed:
        pairs = len(result.images) * len(result.methods)
        console.print(
            f"{len(failed)} of {pairs} pairs lack a value and are in no mean of it",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    for words in result.unmatched[:_LISTED]:
        console.print(shown(f"unmatched: {words}"), markup=False, highlight=False, soft_wrap=True)
    if len(result.unmatched) > _LISTED:
        console.print(f"unmatched: {len(result.unmatched) - _LISTED} more", highlight=False)


def _summary_table(result: "Evaluation") -> Table:
    from ssimloss.evaluation.fairness import fair_means

    fair = {found.metric: found for found in fair_means(result)}
    names = [
        "method",
        "metric",
        "mean",
        *(["mean of common images"] if fair else []),
        "95 % interval",
        "std",
        "best",
        "worst",
        "clips" if result.clips else "images",
        "better",
    ]
    table = Table(*names, box=None, pad_edge=False)
    titles = {
        metric.name: f"{metric.title}{f' ({metric.unit})' if metric.unit else ''}"
        for metric in result.metrics
    }
    better = {
        metric.name: "high" if metric.higher_is_better else "low" for metric in result.metrics
    }
    for row in result.summaries:
        images = f"{row.count} ({row.infinite} infinite)" if row.infinite else str(row.count)
        interval = "-" if math.isnan(row.low) else f"{row.low:.4f} .. {row.high:.4f}"
        found = fair.get(row.metric)
        common = (
            f"{found.means[row.method]:.4f} ({found.count})"
            if found is not None and found.means
            else "-"
            if found
            else ""
        )
        numbers = f"{row.mean:.4f}", *([common] if fair else []), interval, f"{row.std:.4f}"
        method, best, worst = (escape(shown(name)) for name in (row.method, row.best, row.worst))
        table.add_row(method, titles[row.metric], *numbers, best, worst, images, better[row.metric])
    notes = [
        shown(f"{what}: {line}")
        for what in ("bit depths", "orientation")
        for line in result.about.get(what, "").splitlines()
    ]
    if fair:
        notes.append(
            f"Means of {', '.join(titles[name] for name in fair)} are over unequal sets of images "
            "and cannot be compared; those over the images of which all methods have a finite "
            "value can."
        )
    if notes:
        table.caption, table.caption_justify = escape("\n".join(notes)), "left"
    return table


def _clip_table(result: "Evaluation") -> Table:
    """The mean of each clip and its worst frame."""
    from ssimloss.metrics.averages import perfect_infinity

    several = len(result.methods) > 1
    heads = ["clip", *(["method"] if several else []), "metric", "mean", "worst frame", "its value"]
    table = Table(*heads, box=None, pad_edge=False)
    for clip in result.clips[:_CLIPS]:
        for method, values in clip.values.items():
            for metric in result.metrics:
                if metric.name not in values:
                    continue
                worst, value = "", ""
                listed = clip.frames.get(method, {}).get(metric.name, [])
                if listed:
                    pick = min if metric.higher_is_better else max
                    number = pick(range(len(listed)), key=listed.__getitem__)
                    worst, value = str(number), f"{listed[number]:.4f}"
                perfect = perfect_infinity(metric.higher_is_better)
                infinite = sum(value == perfect for value in listed)
                left_out = f" ({infinite} infinite)" if infinite else ""
                title = f"{metric.title}{f' ({metric.unit})' if metric.unit else ''}"
                table.add_row(
                    escape(shown(clip.name)),
                    *([escape(shown(method))] if several else []),
                    title,
                    f"{values[metric.name]:.4f}{left_out}",
                    worst,
                    value,
                )
    if len(result.clips) > _CLIPS:
        table.caption = f"and {len(result.clips) - _CLIPS} clips more, in the tables of --out"
        table.caption_justify = "left"
    return table


def _print_notes(console: Console, result: "Evaluation") -> None:
    """What the files of clips state, and how their frames were paired."""
    lines = result.about.get("clips", "").splitlines()
    if len(result.clips) == 1:
        clip = result.clips[0]
        files = {"reference": clip.reference, **clip.distorted}
        one = len(result.methods) == 1
        lines = [
            f"{name if name == 'reference' or not one else 'distorted'} {files[name]}: {words}"
            for name, words in clip.streams.items()
        ]
    pairings = Counter(words for clip in result.clips for words in clip.pairing.values())
    lines += [
        words if len(result.clips) == 1 else f"{count} clips: {words}"
        for words, count in pairings.items()
    ]
    if "planes" in result.about:
        lines.append(result.about["planes"])
    for line in lines[:_NOTES]:
        console.print(shown(line), markup=False, highlight=False, soft_wrap=True)
    if len(lines) > _NOTES:
        console.print(f"and {len(lines) - _NOTES} notes more, in the tables of --out")


def _comparison_table(result: "Evaluation") -> Table:
    table = Table(
        "compared",
        "metric",
        "mean difference",
        "95 % interval",
        "p (Holm)",
        "clips" if result.clips else "images",
        box=None,
        pad_edge=False,
    )
    titles = {metric.name: metric.title for metric in result.metrics}
    for row in result.comparisons:
        interval = "-" if math.isnan(row.low) else f"{row.low:+.4f} .. {row.high:+.4f}"
        methods = escape(shown(f"{row.first} - {row.second}"))
        table.add_row(
            methods,
            titles[row.metric],
            f"{row.difference:+.4f}",
            interval,
            f"{row.p_holm:.4f}",
            str(row.count),
        )
    return table
