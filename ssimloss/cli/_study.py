"""``ssimloss study``: which measure to trust, and to train with, on one process or under
``torchrun``.

Exit status: 0 for done; 1 where the machine or a file could not serve; 2 for a command that makes
no sense.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table as Drawn

from ssimloss.cli._told import shown, told

_LISTED = 5  # problems that the terminal shows; the page has all
_TASKS_A_LINE = 100  # where there is no terminal


def study(
    images: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="IMAGES",
            help="Folders or files; without any, photographs inside scikit-image.",
        ),
    ] = None,
    judgements: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A .csv file of judgements, or the folder of TID2013, KADID-10k, LIVE, CSIQ, "
            "PIPAL or BAPPS; may be given several times.",
        ),
    ] = None,
    judged_images: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="What paths in .csv files are relative to."),
    ] = None,
    measures: Annotated[
        str | None,
        typer.Option(help="Names or module:attribute, with commas between them; default all."),
    ] = None,
    weights: Annotated[
        str, typer.Option(help="Of the networks of deep measures: imagenet, random, or a file.")
    ] = "imagenet",
    quick: Annotated[
        bool, typer.Option("--quick", help="One image and few steps: minutes on two processors.")
    ] = False,
    budget: Annotated[
        float | None,
        typer.Option(metavar="MS", help="Milliseconds of a training step, for advice."),
    ] = None,
    aggregate: Annotated[
        str | None,
        typer.Option(
            metavar="WEIGHTS", help="Of the aggregate, such as agreement=2,fitness=1,speed=0.5."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where tables, pictures and the page go.")
    ] = Path("study"),
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue what the folder holds.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Discard what the folder holds.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
) -> None:
    """Examine measures on your images: agreement with people, orderings, fitness as a loss, cost.

    Under torchrun each process takes a share.
    """
    # The profiler, which counts memory, says on every CPU that there is no GPU.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    from ssimloss.study import Study

    leads = os.environ.get("RANK", "0") == "0"
    console = Console(stderr=True, quiet=not leads)
    with told():
        names = None if measures is None else [n.strip() for n in measures.split(",") if n.strip()]
        one = Study(
            images or None,
            judgements or (),
            judged_images,
            names,
            weights,
            quick,
            budget_ms=budget,
            out=out,
            resume=resume,
            overwrite=overwrite,
            seed=seed,
            device=device,
        )
        if aggregate is not None:
            one.aggregate_weights = _weights(aggregate)
        with _progress(console) as show:
            result = one.run(show)
    if not leads:
        return
    from ssimloss.study.table import shown as worded
    from ssimloss.study.tables import tables_of

    overview = tables_of(result)[0]
    drawn = Drawn(box=None, pad_edge=False)
    for column in overview.columns:
        justify: Literal["left", "right"] = "right" if column.format else "left"
        drawn.add_column(column.title, justify=justify, overflow="fold")
    for row in overview.rows:
        drawn.add_row(
            *(
                shown(worded(cell, column))
                for cell, column in zip(row, overview.columns, strict=True)
            )
        )
    output = Console(highlight=False)
    output.print(drawn)
    output.print(overview.note, style="dim")
    for sentence in result.advice:
        output.print(f"- {shown(sentence)}", markup=False)
    for words in result.problems[:_LISTED]:
        typer.echo(shown(words), err=True)
    if len(result.problems) > _LISTED:
        typer.echo(f"{len(result.problems) - _LISTED} more, listed in the page", err=True)
    typer.echo(f"wrote {out / 'index.html'}")


def _weights(text: str) -> dict[str, float]:
    found = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            raise ValueError(
                f"--aggregate must be NAME=NUMBER with commas between them, got {part!r}"
            ) from None
    return found


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[int, int, str], None]]:
    """A bar in a terminal, else a line now and then."""
    if not console.is_terminal:

        def line(done: int, total: int, key: str) -> None:
            del key
            if done % _TASKS_A_LINE == 0 or done == total:
                console.print(f"{done} of {total} tasks", highlight=False)

        yield line
        return
    columns = (BarColumn(), TaskProgressColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(TextColumn("{task.description}"), *columns, console=console) as bar:
        task = bar.add_task("")

        def advance(done: int, total: int, key: str) -> None:
            bar.update(task, completed=done, total=total, description=key.split("/")[0])

        yield advance
