"""Rows of batches put together: the records with their values, summaries and comparisons, and what
the result says about itself.
"""

import datetime
import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from ssimloss._version import __version__
from ssimloss.evaluation._depths import depth_note
from ssimloss.evaluation._orientations import UPRIGHT, Orientation, orientation_note
from ssimloss.evaluation.clips.measuring import planes_note
from ssimloss.evaluation.clips.plan import clip_note
from ssimloss.evaluation.pairs import Pairing
from ssimloss.evaluation.plan import Plan
from ssimloss.evaluation.records import Done
from ssimloss.evaluation.result import (
    ClipRecord,
    Evaluation,
    ImageRecord,
    MetricInfo,
    SetSummary,
)
from ssimloss.evaluation.sharding import World
from ssimloss.evaluation.statistics import compare_methods, summarise
from ssimloss.metrics import ImageMeasure


def assembled(
    plan: Plan,
    done: Done,
    pairing: Pairing,
    metrics: list[MetricInfo],
    sets: list[SetSummary],
    digests: Mapping[Path, str],
    *,
    orientation: Orientation,
    data_range: float | None,
) -> Evaluation:
    """The evaluation of all batches; ``digests`` are the SHA-256 of the references."""
    images = [_without_values(record, digests) for record in plan.records]
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
    tags = (
        (method, image.orientation, image.orientations.get(method, UPRIGHT))
        for image in images
        for method in image.values
    )
    return Evaluation(
        about=depth_note(plan.batches) | clip_note(images) | orientation_note(tags, orientation),
        metrics=metrics,
        methods=pairing.methods,
        images=images,
        summaries=summarise(images, pairing.methods, metrics),
        comparisons=compare_methods(images, pairing.methods, metrics),
        unmatched=pairing.unmatched,
        orientation=orientation,
        missing=pairing.missing,
        sets=sets,
        data_range=data_range,
    )


def _without_values(record: ImageRecord, digests: Mapping[Path, str]) -> ImageRecord:
    digest = digests.get(record.reference, "")
    fresh = replace(record, values={}, errors=dict(record.errors), reference_sha256=digest)
    return replace(fresh, frames={}, pairing={}) if isinstance(fresh, ClipRecord) else fresh


def about(
    measures: Sequence[ImageMeasure],
    device: torch.device,
    world: World,
    reference: object,
    pairing: Pairing,
    command: str,
) -> dict[str, str]:
    """Title -> text: protocol, versions, device, date, command."""
    name = (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else f"{device.type} ({platform.machine()})"
    )
    protocols = dict.fromkeys(one.protocol.title for one in measures)
    found = {
        "protocol": "; ".join(protocols),
        "reference": str(reference),
        "methods": ", ".join(pairing.methods),
        "versions": f"ssimloss {__version__}, PyTorch {torch.__version__}, Python "
        f"{platform.python_version()}",
        "device": name if world.size == 1 else f"{name}, {world.size} processes",
        "date": datetime.datetime.now().astimezone().isoformat(" ", "seconds"),
    }
    if pairing.clips:
        found |= planes_note(measures)
    return found | ({"command": command} if command else {})
