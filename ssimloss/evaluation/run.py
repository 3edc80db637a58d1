"""``evaluate``: decode in threads ahead of the device, measure batch by batch, keep each batch in a
journal, and summarise.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, get_args

from ssimloss import _checks
from ssimloss._version import __version__
from ssimloss.evaluation import records
from ssimloss.evaluation._orientations import ORIENTATIONS, Orientation
from ssimloss.evaluation._values import info_of
from ssimloss.evaluation.asked import (
    demand_floats,
    demand_no_clip_options,
    demand_no_image_options,
    demand_sets,
    metrics_of,
)
from ssimloss.evaluation.assembly import about, assembled
from ssimloss.evaluation.clips.chunks import ClipOptions, FramePairing, Timestamps
from ssimloss.evaluation.clips.formats import Raw
from ssimloss.evaluation.clips.measuring import OnFrames, clip_infos, measured_clips
from ssimloss.evaluation.clips.plan import make_clip_plan
from ssimloss.evaluation.digests import digests_of
from ssimloss.evaluation.images import Alpha
from ssimloss.evaluation.listing import Source
from ssimloss.evaluation.measuring import decoded, measured
from ssimloss.evaluation.pairs import Sources, find_pairs
from ssimloss.evaluation.plan import Batch, Plan, make_plan
from ssimloss.evaluation.records import Done, Row
from ssimloss.evaluation.report import write_report
from ssimloss.evaluation.result import Evaluation, SetSummary
from ssimloss.evaluation.sets import SetMetrics
from ssimloss.evaluation.sharding import World, joined
from ssimloss.metrics import ImageMeasure, Protocol
from ssimloss.networks import Weights

OnDamaged = Literal["skip", "stop"]
OnProgress = Callable[[int, int], object]


def evaluate(
    reference: Source,
    distorted: Sources | None = None,
    *,
    metrics: Sequence[str | ImageMeasure] = ("psnr", "ssim"),
    protocol: str | Protocol | None = None,
    scale: int | None = None,
    suffix: str = "",
    alpha: Alpha = "error",
    orientation: Orientation = "apply",
    data_range: float | None = None,
    scale_distorted: str | None = None,
    frames: FramePairing = "equal",
    timestamps: Timestamps = "compare",
    size: str | None = None,
    pixel_format: str | None = None,
    device: str = "auto",
    batch_size: int = 16,
    workers: int | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_damaged: OnDamaged = "skip",
    report: bool = True,
    inception: Weights = "imagenet",
    command: str = "",
    on_progress: OnProgress | None = None,
    on_frames: OnFrames | None = None,
) -> Evaluation:
    """Compare files of images or clips with their references.

    Under ``torchrun`` (or any joined ``torch.distributed``) each process takes a share. All return
    the same result, which equals that of a single process to the last digit.

    Args:
        reference, distorted: folders, files, glob patterns or a table, as :func:`find_pairs` takes
            them; several ``distorted`` are several methods.
        metrics: names of ``metrics.MEASURES``, or measures. ``"fid"``, ``"kid"`` and ``"is"``
            compare all images of a method with all references. The features of a file are kept in
            the folder ``features`` of ``SSIMLOSS_CACHE``, by default ``~/.cache/ssimloss``.
        protocol: a name of ``metrics.PROTOCOLS``, with ``scale`` if it needs one, or a protocol.
            ``None`` is ``"plain"``, for measures that do not have their own.
        suffix: the end that names of distorted files have and those of references lack, such as
            ``"x4"``.
        alpha: ``"error"`` refuses images with transparent pixels, ``"drop"`` compares their
            colours.
        orientation: ``"apply"`` rotates images as their orientation tag states, ``"ignore"``
            compares the pixels as stored, for results of programs that dropped the tag.
        data_range: of floating-point files, the value of white, such as 1.0. Integers have 255
            or 65535, by their bit depth.
        scale_distorted: of clips, ``"bicubic"``, ``"bilinear"`` or ``"lanczos"``: FFmpeg scales
            results to the size of the reference. ``None`` refuses other sizes.
        frames: of clips, ``"equal"`` refuses other numbers of frames, ``"shortest"`` compares as
            many as the shorter clip has.
        timestamps: of clips, ``"compare"`` refuses other frame rates, and frames that are shown
            more than half a frame apart; ``"ignore"`` pairs frames by order alone.
        size: ``"1920x1080"``, width and height of raw ``.yuv`` files.
        pixel_format: ``"yuv420p10le"``, the format of raw ``.yuv`` files.
        device: ``"auto"``, or a device of torch that computes in float64. With ``"cuda"`` each
            process takes a GPU of its own.
        batch_size: the most images or frames measured together; fewer if they are large.
        workers: threads that decode; ``None`` for one per processor, at most 8.
        out: a folder for ``per_image.csv``, ``per_image.json``, ``summary.csv``, ``summary.json``,
            the report, and the journal that ``resume`` reads; ``None`` writes nothing. Clips have
            ``per_clip.csv``, ``per_clip.json`` and ``per_frame.csv`` instead of the first two.
        resume: continue the evaluation in ``out``, with any number of processes. Files that have
            changed or could not be read are measured again, with their batches.
        overwrite: discard the evaluation in ``out``.
        on_damaged: ``"skip"`` excludes a file that cannot be compared from every mean and records
            the error, ``"stop"`` raises.
        inception: weights of the network of ``"fid"``, ``"kid"`` and ``"is"``, as
            :class:`InceptionMetrics` takes them.
        report: whether to write ``out/index.html``; an old report is deleted in any case.
        command: the command line, to be kept with the result.
        on_progress: called with the numbers of finished and of all images or clips in this
            process's share.
        on_frames: called with the numbers of finished and of all frames of clips; the latter is 0
            if a container does not state it.

    Returns:
        The result, the same in each process.

    Raises:
        ValueError: arguments that contradict each other or would be ignored, paths that do not
            exist, nothing that matches; ``out`` in use.
        RuntimeError: no image could be measured, a damaged file under ``"stop"``, no room on the
            disk or the device, a process that ended or did not join.
        OSError: the system cannot read files.
        ModuleNotFoundError: PyAV is not installed, and there are clips.
    """
    _checks.choice("on_damaged", on_damaged, get_args(OnDamaged))
    _checks.choice("alpha", alpha, get_args(Alpha))
    _checks.choice("orientation", orientation, ORIENTATIONS)
    if data_range is not None:
        _checks.positive("data_range", data_range)
    _checks.count("batch_size", batch_size)
    measures, of_sets = metrics_of(metrics, protocol, scale, inception)
    clip_options = ClipOptions(
        Raw.parse(size, pixel_format), scale_distorted, frames, timestamps, batch_size
    )
    folder = None if out is None else Path(out).expanduser()
    if resume and (folder is None or overwrite):
        raise ValueError(
            "resume continues what out holds; pass out, and leave overwrite out, which discards it"
        )
    if overwrite and folder is None:
        raise ValueError("overwrite discards what out holds; pass out")
    with (
        joined() as world,
        ThreadPoolExecutor(_workers(workers, world), thread_name_prefix="decode") as pool,
    ):
        place = world.device(device)
        measures = [one.to(place) for one in measures]
        sets = SetMetrics(of_sets, inception, place) if of_sets else None
        pairing = find_pairs(reference, distorted, suffix=suffix)
        if sets is not None:
            demand_sets(sets, pairing, reference)
        if pairing.clips:
            demand_no_image_options(alpha, orientation, data_range, reference)
            plan = make_clip_plan(pairing, clip_options, pool)
            infos = clip_infos(measures)
        else:
            demand_no_clip_options(clip_options, reference)
            plan = make_plan(
                pairing,
                batch_size=batch_size,
                pool=pool,
                orientation=orientation,
                data_range=data_range,
            )
            demand_floats(data_range, plan.bit_depths)
            infos = [info_of(one) for one in measures]
        if plan.damaged and on_damaged == "stop":
            raise RuntimeError(_worded(plan.damaged))
        settings = {
            "version": __version__,
            "metrics": {one.name: one.describe() for one in measures},
            "alpha": alpha,
            "orientation": orientation,
            "batch_size": batch_size,
            "device": place.type,
        }
        if sets is not None:
            settings |= {"sets": [*sets.names, sets.digest]}
        if data_range is not None:
            settings |= {"data_range": data_range}
        if pairing.clips:
            settings |= {"clips": asdict(clip_options)}
        if folder is not None:
            digests = {m.name: digest for m in measures if (digest := m.weights_sha256)}
            settings |= {"weights": digests} if digests else {}
        done = _known(folder, settings, plan, world, resume=resume, overwrite=overwrite)
        todo = [batch for batch in plan.batches if batch.signature not in done]
        fresh: Done = {}
        try:
            with closing(
                records.Journal(folder, world.rank, [info.name for info in infos])
            ) as journal:
                finished, share = 0, todo[world.rank :: world.size]
                source: Iterator[tuple[Batch, list[Row]]]
                if pairing.clips:
                    source = measured_clips(
                        share, plan.records, measures, place, clip_options, pool, on_frames
                    )
                else:
                    source = (
                        (batch, measured(batch, files, plan.records, measures, place))
                        for batch, files in decoded(
                            share, plan.records, alpha, pool, orientation, data_range
                        )
                    )
                for batch, rows in source:
                    errors = [row.error for row in rows if row.error]
                    if errors and on_damaged == "stop":
                        raise RuntimeError(_worded(errors))
                    journal.add(batch, rows, plan.records)
                    fresh[batch.signature] = rows
                    finished += len(batch.images)
                    if on_progress is not None:
                        on_progress(finished, sum(len(batch.images) for batch in share))
            of_references = digests_of((pair.reference for pair in pairing.pairs), pool, world)
            of_methods: list[SetSummary] = []
            if sets is not None:
                of_methods = sets.summaries(
                    pairing.pairs, pairing.methods, pool, world, alpha, orientation, data_range
                )
        finally:
            pool.shutdown(cancel_futures=True)
        for part in world.gather(fresh):
            done |= part
        evaluation = assembled(
            plan,
            done,
            pairing,
            infos,
            of_methods,
            of_references,
            orientation=orientation,
            data_range=data_range,
        )
        evaluation.about |= about(measures, place, world, reference, pairing, command)
        if folder is not None and world.rank == 0:
            _write(evaluation, folder, report=report)
        world.gather(None)  # no process returns before the files are written
    if not evaluation.summaries and all(row.error for row in evaluation.sets):
        errors = [words for image in evaluation.images for words in image.errors.values()]
        errors += [row.error for row in evaluation.sets]
        kind = "set" if not measures else "clip" if pairing.clips else "image"
        raise RuntimeError(_worded(errors, f"no {kind} could be measured: "))
    return evaluation


def _workers(workers: int | None, world: World) -> int:
    if workers is not None:
        return _checks.count("workers", workers)
    return max(1, min(8, (os.cpu_count() or 1) // world.local_size))


def _known(
    folder: Path | None,
    settings: dict[str, Any],
    plan: Plan,
    world: World,
    *,
    resume: bool,
    overwrite: bool,
) -> Done:
    """The rows of earlier runs, after all processes have agreed on the batches.

    An error of one process is raised in all of them.
    """
    refused = None
    if folder is not None and world.rank == 0:
        try:
            records.prepare(folder, settings, resume=resume, overwrite=overwrite)
        except (ValueError, RuntimeError) as error:
            refused = error
    told = world.gather((refused, [batch.signature for batch in plan.batches]))
    if told[0][0] is not None:
        raise told[0][0]
    if any(signatures != told[0][1] for _, signatures in told):
        raise RuntimeError(
            "all processes must see the same files, and these differ under the same paths; give "
            "all of them the same folders"
        )
    done: Done = {}
    for part in world.gather({} if folder is None or not resume else records.read_journal(folder)):
        done |= part
    planned = {batch.signature for batch in plan.batches}
    return {signature: rows for signature, rows in done.items() if signature in planned}


def _write(evaluation: Evaluation, folder: Path, *, report: bool) -> None:
    records.write_tables(folder, evaluation)
    with records.writing(folder / "index.html"):
        (folder / "index.html").unlink(missing_ok=True)  # an old report has other numbers
        if report:
            write_report(evaluation, folder)


def _worded(errors: Sequence[str], before: str = "") -> str:
    several = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{before}{errors[0]}{several}"
