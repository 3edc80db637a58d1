"""The page's data for clips: scores over time, and the worst frames under the slider.

In the page's lists, frames follow the clips, as if they were images.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ssimloss.evaluation.clips.chunks import Planes, agreed
from ssimloss.evaluation.clips.colors import WEIGHTS
from ssimloss.evaluation.clips.files import Frame, frames, inspect
from ssimloss.evaluation.clips.formats import ClipHeader, Raw, Scaled
from ssimloss.evaluation.images import Image, ImageError
from ssimloss.evaluation.report._pictures import characters, picture_of, thumbnail_of
from ssimloss.evaluation.result import ClipRecord, Evaluation, ImageRecord

_POINTS = 1200  # at most, of a curve: more than the columns of most plots
_APART = 10  # frames with pictures are at least a tenth of the clip apart
_SIDE = 160


@dataclass(frozen=True)
class Shot:
    """A frame that the page shows."""

    clip: int  # index in Evaluation.images
    frame: int


def worst_shots(evaluation: Evaluation, worst: int) -> list[Shot]:
    """The ``worst`` frames of each metric and method over all clips: first every worst frame, then
    every second-worst. Neighbouring frames look alike, so only the worst of them is taken.
    """
    ranked: list[list[Shot]] = []
    for metric in evaluation.metrics:
        sign = 1 if metric.higher_is_better else -1
        for method in evaluation.methods:
            standing = sorted(
                (sign * value, place, number)
                for place, clip in enumerate(evaluation.clips)
                for number, value in enumerate(clip.frames.get(method, {}).get(metric.name, []))
                if not math.isnan(value)
            )
            taken: dict[int, list[int]] = defaultdict(list)
            chosen: list[Shot] = []
            for _, place, number in standing:
                if len(chosen) == worst:
                    break
                length = len(evaluation.clips[place].frames[method][metric.name])
                if all(abs(number - other) >= length / _APART for other in taken[place]):
                    taken[place].append(number)
                    chosen.append(Shot(place, number))
            ranked.append(chosen)
    return list(
        dict.fromkeys(shots[rank] for rank in range(worst) for shots in ranked if rank < len(shots))
    )


def shot_record(evaluation: Evaluation, shot: Shot) -> ImageRecord:
    """A record of one frame, with the values of that frame."""
    clip = evaluation.clips[shot.clip]
    values = {
        method: {name: listed[shot.frame] for name, listed in of.items()}
        for method, of in clip.frames.items()
        if all(shot.frame < len(listed) for listed in of.values())
    }
    name = f"{clip.name}, frame {shot.frame}"
    return ImageRecord(-1, name, clip.reference, clip.distorted, clip.size, values=values)


def draw_shots(
    evaluation: Evaluation, shots: Sequence[Shot], most: int
) -> dict[Shot, tuple[str, dict[str, Any]]]:
    """The thumbnail and the pictures of each shot, until they take ``most`` characters. Clips that
    can no longer be read are left out.
    """
    wanted: dict[int, list[Shot]] = defaultdict(list)
    for shot in shots:
        wanted[shot.clip].append(shot)
    drawn: dict[Shot, tuple[str, dict[str, Any]]] = {}
    for place, some in wanted.items():
        record = evaluation.clips[place]
        try:
            found = _decoded(record, sorted({shot.frame for shot in some}))
        except ImageError:
            continue
        for shot in some:
            reference, results = found[shot.frame]
            seen = [results.get(method) for method in evaluation.methods]
            picture = picture_of(reference, seen, evaluation.methods)
            if picture is None:
                continue
            note = f"Frame {shot.frame} of {record.name}, as RGB of 8 bit."
            picture["note"] = f"{note} {picture['note']}".strip()
            thumbnail = thumbnail_of(reference, _SIDE)
            most -= characters(picture) + len(thumbnail)
            if most < 0:
                return drawn
            drawn[shot] = thumbnail, picture
    return drawn


def curves(evaluation: Evaluation) -> list[list[list[list[list[float]]]]]:
    """Points ``[frame, value]`` for each clip, method and metric: all frames, or for a long clip
    the worst frame of each interval.
    """
    return [
        [
            [
                _curve(
                    clip.frames.get(method, {}).get(metric.name, []),
                    1 if metric.higher_is_better else -1,
                )
                for metric in evaluation.metrics
            ]
            for method in evaluation.methods
        ]
        for clip in evaluation.clips
    ]


def _curve(values: Sequence[float], sign: int) -> list[list[float]]:
    step = max(1, math.ceil(len(values) / _POINTS))
    points = []
    for start in range(0, len(values), step):
        number = min(range(start, min(start + step, len(values))), key=lambda n: sign * values[n])
        points.append([number, float(f"{values[number]:.6g}")])
    return points


def _decoded(
    record: ClipRecord, numbers: Sequence[int]
) -> dict[int, tuple[Image, dict[str, Image]]]:
    """Map each frame number to the reference and the result of each method that has values."""
    raw = Raw.parse(record.reading.get("size"), record.reading.get("pixel_format"))
    own = inspect(record.reference, raw)
    headers = {method: inspect(record.distorted[method], raw) for method in record.frames}
    for header in headers.values():
        own, _ = agreed(own, header)
    found: dict[int, tuple[Image, dict[str, Image]]] = {}
    for number, frame in _picked(record.reference, own, numbers, raw, None).items():
        found[number] = _image(frame, own), {}
    for method, header in headers.items():
        scaled = None
        if header.size != own.size:
            scaled = Scaled(*own.size, record.reading["scale_distorted"])
        picked = _picked(record.distorted[method], header, numbers, raw, scaled)
        for number, frame in picked.items():
            found[number][1][method] = _image(frame, agreed(own, header)[1])
    return found


def _picked(
    path: Path,
    header: ClipHeader,
    numbers: Sequence[int],
    raw: Raw | None,
    scaled: Scaled | None,
) -> dict[int, Frame]:
    """The frames with these numbers; decoding stops after the last of them."""
    found: dict[int, Frame] = {}
    last = max(numbers)
    source = frames(path, header, raw, scaled)
    for number, frame in enumerate(source):
        if number in numbers:
            found[number] = frame
        if number == last:
            break
    source.close()
    return found


def _image(frame: Frame, header: ClipHeader) -> Image:
    """The frame in 8 bit: RGB, or gray if the clip has no colour or an unknown matrix."""
    if header.matrix not in WEIGHTS:
        frame = Frame(frame.planes[:1], frame.seconds)
    planes = tuple(torch.from_numpy(plane)[None, None] for plane in frame.planes)
    color = Planes(planes, header).color(torch.device("cpu"))
    return Image((color[0] * 255).round().to(torch.uint8), 8)
