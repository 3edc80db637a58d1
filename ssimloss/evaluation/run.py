"""``evaluate``: decode in threads ahead of the device, measure batch by batch, keep every batch at
once, and sum up.
"""

import datetime
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from ssimloss import _checks
from ssimloss._version import __version__
from ssimloss.evaluation import records
from ssimloss.evaluation._depths import depth_note
from ssimloss.evaluation._orientations import (
    ORIENTATIONS,
    UPRIGHT,
    Orientation,
    orientation_note,
)
from ssimloss.evaluation._values import info_of, measures_of
from ssimloss.evaluation.clips.chunks import ClipOptions, FramePairing, Timestamps
from ssimloss.evaluation.clips.files import Raw
from ssimloss.evaluation.clips.measuring import OnFrames, clip_infos, measured_clips, planes_note
from ssimloss.evaluation.clips.plan import clip_note, make_clip_plan
from ssimloss.evaluation.images import Alpha
from ssimloss.evaluation.measuring import decoded, measured
from ssimloss.evaluation.pairs import Pairing, Source, Sources, find_pairs
from ssimloss.evaluation.plan import Batch, Plan, make_plan
from ssimloss.evaluation.records import Done, Row
from ssimloss.evaluation.report import write_report
from ssimloss.evaluation.result import ClipRecord, Evaluation, ImageRecord, MetricInfo, SetSummary
from ssimloss.evaluation.sets import TITLES, SetMetrics
from ssimloss.evaluation.sharding import World, joined
from ssimloss.evaluation.statistics import compare_methods, summarise
from ssimloss.metrics import ImageMeasure, Protocol
from ssimloss.networks import Weights

OnDamaged = Literal["skip", "stop"]
OnProgress = Callable[[int, int], object]


def evaluate(
    reference: Source,
    distorted: Sources | None = None,
    *,
    metrics: Sequence[str | ImageMeasure] = ("psnr", "ssim"),
    protocol: str | Protocol = "plain",
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

    Under ``torchrun`` (or any joined ``torch.distributed``) each process takes a share, and all
    return the same, to the last digit the result of a single process.

    Args:
        reference, distorted: folders, files, glob patterns or a table, as :func:`find_pairs` takes
            them; several ``distorted`` are several methods.
        metrics: names of ``metrics.MEASURES``, or measures; ``"fid"``, ``"kid"`` and ``"is"`` of
            the images of a method against all references. The features of a file are kept in the
            folder ``features`` of ``SSIMLOSS_CACHE``, by default ``~/.cache/ssimloss``.
        protocol: a name of ``metrics.PROTOCOLS``, with ``scale`` where it needs one, or a protocol.
        suffix: what names of distorted files have behind those of their references, such as
            ``"x4"``.
        alpha: ``"error"`` refuses images that are transparent in places, ``"drop"`` compares their
            colours.
        orientation: ``"apply"`` turns images upright as their orientation tag says, ``"ignore"``
            compares the pixels as stored, for results of programs that dropped the tag.
        data_range: for floating-point files, the value of white, such as 1.0. Integers have 255
            or 65535, by their bit depth.
        scale_distorted: for clips: ``"bicubic"``, ``"bilinear"`` or ``"lanczos"`` of FFmpeg bring
            results of another size to that of the reference; ``None`` refuses them.
        frames: for clips: ``"equal"`` refuses those of another number of frames, ``"shortest"``
            leaves out what is beyond the shorter one.
        timestamps: for clips: ``"compare"`` refuses other frame rates, and pairs of frames that are
            shown more than half a frame apart; ``"ignore"`` pairs by order alone.
        size: ``"1920x1080"``, width and height of raw ``.yuv`` files.
        pixel_format: ``"yuv420p10le"``, the format of raw ``.yuv`` files.
        device: ``"auto"``, or a device of torch that computes in float64; ``"cuda"`` is for each
            process one of its own.
        batch_size: the most images or frames measured together; large ones are fewer.
        workers: threads that decode; ``None`` for one per processor, at most 8.
        out: a folder for ``per_image.csv``, ``per_image.json``, ``summary.csv``, ``summary.json``,
            the report, and the journal by which ``resume`` continues; ``None`` writes nothing. Of
            clips ``per_clip.csv``, ``per_clip.json`` and ``per_frame.csv`` stand for the first two.
        resume: continue what ``out`` holds, in any number of processes; files that have changed or
            could not be read are measured anew, in their batches.
        overwrite: discard what ``out`` holds.
        on_damaged: what to do about a file that cannot be compared: ``"skip"`` leaves it out of
            every mean and says so in its record, ``"stop"`` raises.
        inception: weights of the network of ``"fid"``, ``"kid"`` and ``"is"``, as
            :class:`InceptionMetrics` takes them.
        report: whether to write ``out/index.html``; an old one goes in any case.
        command: what was typed, to be told with the result.
        on_progress: called with how many images or clips of this process's share are done, and how
            many there are.
        on_frames: the same of the frames of clips; how many there are is 0 where a container does
            not state it.

    Returns:
        Everything that was found, the same in each process.

    Raises:
        ValueError: arguments that make no sense, paths that do not exist, nothing that matches;
            ``out`` in use.
        RuntimeError: no image could be measured, a damaged file under ``"stop"``, no room on the
            disk or the device, a process that was lost or does not come.
        OSError: the system cannot read files.
        ModuleNotFoundError: clips, and PyAV is not installed.
    """
    _checks.choice("on_damaged", on_damaged, get_args(OnDamaged))
    _checks.choice("alpha", alpha, get_args(Alpha))
    _checks.choice("orientation", orientation, ORIENTATIONS)
    if data_range is not None:
        _checks.positive("data_range", data_range)
    _checks.count("batch_size", batch_size)
    named = [] if isinstance(metrics, str) else [one for one in metrics if isinstance(one, str)]
    of_sets = [name for name in named if name in TITLES]
    if len(set(of_sets)) < len(of_sets):
        raise ValueError(f"metrics must name none twice, got {of_sets}")
    of_pairs = metrics if not of_sets else [one for one in metrics if one not in of_sets]
    measures = measures_of(of_pairs, protocol, scale) if of_pairs or not of_sets else []
    clip_options = ClipOptions(
        Raw.parse(size, pixel_format), scale_distorted, frames, timestamps, batch_size
    )
    folder = None if out is None else Path(out).expanduser()
    if resume and (folder is None or overwrite):
        raise ValueError(
            "resume continues what out holds: it needs out, and does not go with overwrite"
        )
    if overwrite and folder is None:
        raise ValueError("overwrite discards what out holds: it needs out")
    with (
        joined() as world,
        ThreadPoolExecutor(_workers(workers, world), thread_name_prefix="decode") as pool,
    ):
        place = world.device(device)
        measures = [one.to(place) for one in measures]
        sets = SetMetrics(of_sets, inception, place) if of_sets else None
        pairing = find_pairs(reference, distorted, suffix=suffix)
        if sets is not None:
            _demand_sets(sets, pairing, reference)
        if pairing.clips:
            _demand_no_image_options(alpha, orientation, data_range, reference)
            plan = make_clip_plan(pairing, clip_options, pool)
            infos = clip_infos(measures)
        else:
            _demand_no_clip_options(clip_options, reference)
            plan = make_plan(
                pairing,
                batch_size=batch_size,
                pool=pool,
                orientation=orientation,
                data_range=data_range,
            )
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
            of_methods: list[SetSummary] = []
            if sets is not None:
                of_methods = sets.summaries(
                    pairing.pairs, pairing.methods, pool, world, alpha, orientation, data_range
                )
        finally:
            pool.shutdown(cancel_futures=True)
        for part in world.gather(fresh):
            done |= part
        evaluation = _summed(plan, done, pairing, infos, orientation, data_range)
        evaluation.sets = of_methods
        evaluation.about |= _about(measures, place, world, reference, pairing)
        if pairing.clips:
            evaluation.about |= planes_note(measures)
        if command:
            evaluation.about["command"] = command
        if folder is not None and world.rank == 0:
            _write(evaluation, folder, report=report)
        world.gather(None)  # nobody leaves before the files are there
    if not evaluation.summaries and not evaluation.sets:
        raise RuntimeError(
            _worded(
                [words for image in evaluation.images for words in image.errors.values()],
                f"no {'clip' if pairing.clips else 'image'} could be measured: ",
            )
        )
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
    """What earlier runs have done, once all processes agree on what there is to do.

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
            "the processes see different files under the same paths; all of them need the same "
            "folders"
        )
    done: Done = {}
    for part in world.gather({} if folder is None or not resume else records.read_journal(folder)):
        done |= part
    planned = {batch.signature for batch in plan.batches}
    return {signature: rows for signature, rows in done.items() if signature in planned}


def _summed(
    plan: Plan,
    done: Done,
    pairing: Pairing,
    metrics: list[MetricInfo],
    orientation: Orientation,
    data_range: float | None,
) -> Evaluation:
    images = [_emptied(record) for record in plan.records]
    for batch in plan.batches:
        for row in done[batch.signature]:
            image = images[batch.images[row.image]]
            if row.values:
                image.values[row.method] = row.values
            if row.error:
                image.errors[row.method] = row.error
            if isinstance(image, ClipRecord) and row.frames:
                image.frames[row.method] = row.frames
                image.pairing[row.method] = row.pairing
    return Evaluation(
        about=depth_note(plan.batches)
        | clip_note(images)
        | orientation_note(
            (
                (method, image.orientation, image.orientations.get(method, UPRIGHT))
                for image in images
                for method in image.values
            ),
            orientation,
        ),
        metrics=metrics,
        methods=pairing.methods,
        images=images,
        summaries=summarise(images, pairing.methods, metrics),
        comparisons=compare_methods(images, pairing.methods, metrics),
        unmatched=pairing.unmatched,
        orientation=orientation,
        missing=pairing.missing,
        data_range=data_range,
    )


def _emptied(record: ImageRecord) -> ImageRecord:
    """The record without values, to be filled in."""
    fresh = replace(record, values={}, errors=dict(record.errors))
    return replace(fresh, frames={}, pairing={}) if isinstance(fresh, ClipRecord) else fresh


def _demand_sets(sets: SetMetrics, pairing: Pairing, reference: Source) -> None:
    """Raise for what has no FID, before anything is measured."""
    if pairing.clips:
        raise ValueError(
            f"{', '.join(sets.names)} are of still images, but {reference} holds clips; leave them "
            "out of metrics"
        )
    for method in pairing.methods:
        sets.demand_enough(sum(method in pair.distorted for pair in pairing.pairs))


def _demand_no_image_options(
    alpha: Alpha, orientation: Orientation, data_range: float | None, reference: Source
) -> None:
    """Raise for what clips would ignore."""
    for name, given, default in (
        ("alpha", alpha, "error"),
        ("orientation", orientation, "apply"),
        ("data_range", data_range, None),
    ):
        if given != default:
            raise ValueError(
                f"{name}={given!r} is for still images, but {reference} holds clips; leave it out"
            )


def _demand_no_clip_options(options: ClipOptions, reference: Source) -> None:
    """Raise for what still images would ignore."""
    plain = ClipOptions(at_once=options.at_once)
    names = {"raw": "size and pixel_format"}
    for field in fields(ClipOptions):
        if getattr(options, field.name) != getattr(plain, field.name):
            raise ValueError(
                f"{names.get(field.name, field.name)} is for clips, but {reference} holds still "
                "images; leave it out"
            )


def _about(
    measures: Sequence[ImageMeasure],
    device: torch.device,
    world: World,
    reference: Source,
    pairing: Pairing,
) -> dict[str, str]:
    name = (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else f"{device.type} ({platform.machine()})"
    )
    protocols = dict.fromkeys(one.protocol.title for one in measures)
    return {
        "protocol": "; ".join(protocols),
        "reference": str(reference),
        "methods": ", ".join(pairing.methods),
        "versions": f"ssimloss {__version__}, PyTorch {torch.__version__}, Python "
        f"{platform.python_version()}",
        "device": name if world.size == 1 else f"{name}, {world.size} processes",
        "date": datetime.datetime.now().astimezone().isoformat(" ", "seconds"),
    }


def _write(evaluation: Evaluation, folder: Path, *, report: bool) -> None:
    records.write_tables(folder, evaluation)
    with records.writing(folder / "index.html"):
        (folder / "index.html").unlink(missing_ok=True)  # one of before would tell other numbers
        if report:
            write_report(evaluation, folder)


def _worded(errors: Sequence[str], before: str = "") -> str:
    several = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{before}{errors[0]}{several}"
