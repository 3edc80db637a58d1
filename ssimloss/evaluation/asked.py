"""What a call of ``evaluate`` asks for, checked before files are read: its metrics, and options
that would be ignored.
"""

from collections.abc import Collection, Sequence
from dataclasses import fields

from ssimloss._words import spelled
from ssimloss.evaluation._image_kinds import FLOAT
from ssimloss.evaluation._orientations import Orientation
from ssimloss.evaluation._values import measures_of
from ssimloss.evaluation.clips.chunks import ClipOptions
from ssimloss.evaluation.images import Alpha
from ssimloss.evaluation.pairs import Pairing
from ssimloss.evaluation.sets import TITLES, SetMetrics
from ssimloss.metrics import ImageMeasure, Protocol
from ssimloss.metrics.protocols import resolved
from ssimloss.networks import Weights


def metrics_of(
    metrics: Sequence[str | ImageMeasure],
    protocol: str | Protocol | None,
    scale: int | None,
    inception: Weights,
) -> tuple[list[ImageMeasure], list[str]]:
    """The measures of pairs, and the names of metrics of whole sets.

    Raises:
        ValueError: an unknown name, one twice, none; a scale, a protocol or weights that would be
            ignored.
        TypeError: ``metrics`` is one string.
    """
    pairs: list[str | ImageMeasure] = []
    sets: list[str] = []
    for one in () if isinstance(metrics, str) else metrics:
        of_set = spelled(one, TITLES)
        if of_set is None:
            pairs.append(one)
        else:
            sets.append(of_set)
    if len(set(sets)) < len(sets):
        raise ValueError(f"metrics must name none twice, got {sets}")
    if not sets and not (isinstance(inception, str) and inception == "imagenet"):
        raise ValueError(
            f"inception is the network of {', '.join(TITLES)}, and metrics names none of them; "
            "leave it out"
        )
    if pairs or not sets:
        return measures_of(metrics if isinstance(metrics, str) else pairs, protocol, scale), sets
    if resolved(protocol, scale) != resolved("plain"):
        raise ValueError(
            f"protocol={protocol!r} is for measures of pairs, and metrics names "
            f"{', '.join(sets)} alone, which take the files as they are; leave it out"
        )
    return [], sets


def demand_sets(sets: SetMetrics, pairing: Pairing, reference: object) -> None:
    """Check for still images, and for as many of each method as the metrics of sets need.

    Raises:
        ValueError: clips, or too few images.
    """
    if pairing.clips:
        raise ValueError(
            f"{', '.join(sets.names)} compare sets of still images, but {reference} holds clips; "
            "leave them out of metrics"
        )
    for method in pairing.methods:
        sets.demand_enough(sum(method in pair.distorted for pair in pairing.pairs))


def demand_no_image_options(
    alpha: Alpha, orientation: Orientation, data_range: float | None, reference: object
) -> None:
    """Refuse what clips would ignore.

    Raises:
        ValueError: an option that is not the default.
    """
    for name, given, default in (
        ("alpha", alpha, "error"),
        ("orientation", orientation, "apply"),
        ("data_range", data_range, None),
    ):
        if given != default:
            raise ValueError(
                f"{name}={given!r} is for still images, but {reference} holds clips; leave it out"
            )


def demand_no_clip_options(options: ClipOptions, reference: object) -> None:
    """Refuse what still images would ignore.

    Raises:
        ValueError: an option that is not the default.
    """
    plain = ClipOptions(at_once=options.at_once)
    names = {"raw": "size and pixel_format"}
    for field in fields(ClipOptions):
        if getattr(options, field.name) != getattr(plain, field.name):
            raise ValueError(
                f"{names.get(field.name, field.name)} is for clips, but {reference} holds still "
                "images; leave it out"
            )


def demand_floats(data_range: float | None, bit_depths: Collection[int]) -> None:
    """Refuse a data range that integer files would ignore.

    Raises:
        ValueError: ``data_range``, and files of integers alone.
    """
    if data_range is not None and bit_depths and FLOAT not in bit_depths:
        raise ValueError(
            f"data_range={data_range:g} is for floating-point files, and these hold integers, "
            "whose range is that of their bit depth; leave it out"
        )
