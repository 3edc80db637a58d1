"""``ssimloss evaluate``: files compared with their references, in one process or under
``torchrun``; or two finished runs.

Exit status: 0 for success; 1 if a metric has no value of any pair, if a file is missing, if the
machine cannot go on, or for an incomplete result with ``--strict``; 2 for wrong arguments; 130 if
interrupted; 143 if terminated.
"""

import glob
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console

from ssimloss._words import named
from ssimloss.cli._names import (
    CHOICES,
    PROTOCOLS,
    WAY_OUT,
    demand_scale,
    evaluate_help,
    known_metrics,
    metric_names,
)
from ssimloss.cli._options import (
    Alpha,
    Border,
    DataRange,
    Device,
    Orientation,
    Overwrite,
    Protocol,
    Resume,
    Scale,
)
from ssimloss.cli._progress import progress
from ssimloss.cli._result import print_result, print_unusable
from ssimloss.cli._told import stoppable, told

if TYPE_CHECKING:
    from ssimloss.evaluation import Evaluation, images
    from ssimloss.evaluation.clips.chunks import FramePairing, Timestamps
    from ssimloss.evaluation.run import OnDamaged
    from ssimloss.evaluation.tables import TableFormat

EPILOG = evaluate_help()
# The options that --compare does not ignore.
_OF_RUNS = ("compare", "table", "strict")


def evaluate(
    context: typer.Context,
    reference: Annotated[
        str | None,
        typer.Argument(
            metavar="REFERENCE",
            help="A folder, a file, a glob pattern, or a .csv file of pairs.",
            show_default=False,
        ),
    ] = None,
    distorted: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DISTORTED",
            help="The results, of the same kind; one for each method. NAME=PATH names one.",
            show_default=False,
        ),
    ] = None,
    metrics: Annotated[
        str,
        typer.Option(metavar="NAMES", help="Names below or module:attribute, separated by commas."),
    ] = "psnr,ssim",
    protocol: Protocol = None,
    scale: Scale = None,
    crop_border: Border = None,
    suffix: Annotated[
        str,
        typer.Option(help="The end that only names of distorted files have, such as x4."),
    ] = "",
    alpha: Alpha = "error",
    orientation: Orientation = "apply",
    data_range: DataRange = None,
    scale_distorted: Annotated[
        str | None,
        typer.Option(help="Scale clips to the reference's size: bicubic, bilinear, lanczos."),
    ] = None,
    frames: Annotated[
        str, typer.Option(help="Clips of different lengths: equal refuses, shortest cuts them.")
    ] = "equal",
    timestamps: Annotated[
        str, typer.Option(help="Timestamps of frames: compare, or ignore and pair by order.")
    ] = "compare",
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Width and height of raw .yuv files.")
    ] = None,
    pixel_format: Annotated[
        str | None, typer.Option(help="Format of raw .yuv files: yuv420p, yuv420p10le, ...")
    ] = None,
    device: Device = "auto",
    batch_size: Annotated[
        int, typer.Option(help="The most images or frames measured together.")
    ] = 16,
    workers: Annotated[
        int | None,
        typer.Option(help="Threads that decode; by default one per processor, at most 8."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Where tables and report are written; by default nowhere."
        ),
    ] = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    on_damaged: Annotated[
        str, typer.Option(help="A file that cannot be compared: skip and report it, or stop.")
    ] = "skip",
    report: Annotated[
        bool, typer.Option("--report/--no-report", help="Whether to write the page.")
    ] = True,
    inception: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="Weights of the network of fid, kid, is; by default the published ones. random "
            "is for a trial.",
            show_default=False,
        ),
    ] = "imagenet",
    table: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            help="Print a table of methods and metrics for a paper, alone on stdout: latex, "
            "markdown, csv.",
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Exit status 1 if any file or value is missing."),
    ] = False,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="RUN RUN", help="Instead of files, compare the --out of two finished runs."
        ),
    ] = None,
) -> None:
    """Compare images or clips with their references: tables, statistics and a report.

    Under torchrun each process takes a share; the result equals that of one process.
    """
    del crop_border
    with told():
        names = metric_names(metrics, known_metrics())
        if protocol is not None:
            protocol = named("--protocol", protocol, PROTOCOLS, way_out=WAY_OUT)
        demand_scale(protocol, scale)
        given = {"alpha": alpha, "orientation": orientation, "frames": frames, "table": table}
        given |= {"timestamps": timestamps, "on-damaged": on_damaged}
        chosen = {
            name: None
            if value is None
            else named(f"--{name}", value, CHOICES[name], way_out=WAY_OUT)
            for name, value in given.items()
        }
        if compare is not None:
            _demand_runs_only(context)
        elif reference is None:
            raise ValueError(
                "reference is missing: ssimloss evaluate REFERENCE DISTORTED, or --compare RUN RUN "
                "for two finished runs"
            )
    leads = os.environ.get("RANK", "0") == "0"
    console = Console(stderr=True, quiet=not leads)
    if compare is not None:
        from ssimloss.evaluation.runs import compare_runs

        with told():
            result = compare_runs(*compare)
    else:
        from ssimloss import evaluation

        with stoppable(out), progress(console) as show:
            result = evaluation.evaluate(
                cast("str", reference),
                _methods(distorted),
                metrics=names,
                protocol=protocol,
                scale=scale,
                suffix=suffix,
                alpha=cast("images.Alpha", chosen["alpha"]),
                orientation=cast("images.Orientation", chosen["orientation"]),
                data_range=data_range,
                scale_distorted=scale_distorted,
                frames=cast("FramePairing", chosen["frames"]),
                timestamps=cast("Timestamps", chosen["timestamps"]),
                size=size,
                pixel_format=pixel_format,
                device=device,
                batch_size=batch_size,
                workers=workers,
                out=out,
                resume=resume,
                overwrite=overwrite,
                on_damaged=cast("OnDamaged", chosen["on-damaged"]),
                report=report,
                inception=inception,
                # Whatever the file is called that was started.
                command=shlex.join(["ssimloss", *sys.argv[1:]]),
                on_progress=show,
                on_frames=show.frames,
            )
    if leads:
        _tell(result, cast("TableFormat | None", chosen["table"]), console, out, report)
    if result.unmeasured or (strict and not result.is_complete):
        raise typer.Exit(1)


def _tell(
    result: "Evaluation",
    table: "TableFormat | None",
    console: Console,
    out: Path | None,
    report: bool,
) -> None:
    """Print the result, or the table alone on stdout and the rest on stderr."""
    if table is None:
        print_result(result)
    else:
        from ssimloss.evaluation.tables import paper_table

        typer.echo(paper_table(result, table), nl=False)
        print_unusable(result, console)
    if out is not None:
        values = "per_clip.csv" if result.clips else "per_image.csv"
        typer.echo(f"values: {out / values}", err=table is not None)
        if report:
            typer.echo(f"report: {out / 'index.html'}", err=table is not None)


def _demand_runs_only(context: typer.Context) -> None:
    """Raise for what --compare would ignore."""
    given = [
        name
        for name in context.params
        if str(getattr(context.get_parameter_source(name), "name", "")) == "COMMANDLINE"
    ]
    if ignored := [name for name in given if name not in _OF_RUNS]:
        raise ValueError(
            f"--compare takes two finished runs as they are, not {', '.join(ignored)}; leave "
            f"{'them' if len(ignored) > 1 else 'it'} out"
        )


def _methods(distorted: list[str] | None) -> list[str] | dict[str, str] | None:
    """Methods by name where some are NAME=PATH. A name has no folders; text that exists as a file,
    folder or pattern is a path.
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
            "two methods have the same name; NAME=PATH names one of them", param_hint="DISTORTED"
        )
    return methods
