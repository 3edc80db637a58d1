"""The result of an evaluation: values of images, summaries and comparisons; as JSON and back to the
last digit.
"""

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class MetricInfo:
    """What one metric is."""

    name: str  # in options and values, such as "ms_ssim"
    title: str  # such as "MS-SSIM"
    unit: str  # "dB", or empty
    higher_is_better: bool
    description: str  # everything that decides the number, in words

    @property
    def label(self) -> str:
        """The heading of a column in every table: the title with its unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


@dataclass
class ImageRecord:
    """One reference and the results of each method."""

    index: int  # place in the order of evaluation, from 0
    name: str
    reference: Path
    # By method; a method that has no file for this image is missing here and has an error below.
    distorted: dict[str, Path]
    size: tuple[int, int]  # (H, W) of the reference; (0, 0) where it cannot be read
    # Method -> metric -> value, without those that failed.
    values: dict[str, dict[str, float]] = field(default_factory=dict)
    # Method -> why a value is missing; methods without errors are missing here.
    errors: dict[str, str] = field(default_factory=dict)
    # Orientation tags, 1 (upright or none) to 8: of the reference, and by method those of results
    # that are not 1.
    orientation: int = 1
    orientations: dict[str, int] = field(default_factory=dict)
    reference_sha256: str = ""  # of the file's bytes; empty if it cannot be read


@dataclass
class ClipRecord(ImageRecord):
    """A clip and the results of each method; ``values`` are means over frames."""

    # Options that raw files and results of another size were read with.
    reading: dict[str, str] = field(default_factory=dict)
    # "reference" or method -> what the file states.
    streams: dict[str, str] = field(default_factory=dict)
    # Method -> how frames were paired.
    pairing: dict[str, str] = field(default_factory=dict)
    # Method -> metric, or feature that one logs -> value of each frame.
    frames: dict[str, dict[str, list[float]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """One metric of one method over all images that have a value.

    Mean, deviation and interval exclude the ``infinite`` infinite values of perfect images (the
    PSNR of equal images). If all values are infinite, or one is infinite in the worse direction,
    mean and interval are infinite.
    """

    method: str
    metric: str
    count: int  # images with a value
    mean: float
    std: float  # over the images, divided by their number
    # 95 % bootstrap interval of the mean; NaN if only one image has a finite value
    low: float
    high: float
    best: str = ""  # name of the image
    worst: str = ""
    infinite: int = 0


@dataclass(frozen=True)
class Comparison:
    """One metric of two methods over the images that all methods have: ``first - second``."""

    metric: str
    first: str
    second: str
    count: int  # images with a finite value of both
    difference: float  # mean
    low: float  # 95 % bootstrap interval of the mean difference
    high: float
    p: float  # two-sided sign-flip permutation test
    p_holm: float  # corrected for the number of comparisons (Holm)


@dataclass(frozen=True)
class SetSummary:
    """One metric of a whole set of images: FID, KID or Inception score of one method.

    A file that cannot be read has no substitute: the value is then NaN, and ``error`` names which
    file it is. A method without a file for each reference has a value over a part of the set, which
    no table ranks.
    """

    method: str
    metric: str  # "fid", "kid" or "is"
    title: str
    higher_is_better: bool
    value: float
    std: float  # over the subsets of KID or the splits of the Inception score; NaN for FID
    count: int  # images of the method
    reference_count: int
    description: str
    error: str = ""  # why there is no value

    @property
    def label(self) -> str:
        """The heading of a column in every table."""
        return self.title

    @property
    def is_part(self) -> bool:
        """Whether the method has fewer images than there are references."""
        return self.count < self.reference_count


@dataclass
class Evaluation:
    """Everything that was measured; tables and the report are made from it."""

    about: dict[str, str]  # title -> text: protocol, versions, device, date, command
    metrics: list[MetricInfo]
    methods: list[str]
    images: list[ImageRecord]
    summaries: list[Summary] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)  # files without a partner, in words
    orientation: Literal["apply", "ignore"] = "apply"  # how orientation tags were treated
    missing: int = 0  # pairs of a reference and a method without a file
    sets: list[SetSummary] = field(default_factory=list)
    data_range: float | None = None  # of floating-point files, as given

    @property
    def clips(self) -> list[ClipRecord]:
        """The records, if they are those of clips; empty for still images."""
        return [image for image in self.images if isinstance(image, ClipRecord)]

    @property
    def rows(self) -> list[Summary]:
        """The summary of each method and metric: those of ``summaries``, and rows of NaN with the
        count 0 where no image has a value.
        """
        found = {(row.metric, row.method): row for row in self.summaries}
        nan = math.nan
        return [
            found.get((metric.name, method), Summary(method, metric.name, 0, nan, nan, nan, nan))
            for metric in self.metrics
            for method in self.methods
        ]

    @property
    def unmeasured(self) -> list[str]:
        """Names of the metrics that have no value of any method."""
        values = [(row.metric, row.count) for row in self.rows]
        values += [(row.metric, int(not row.error)) for row in self.sets]
        measured = {metric for metric, count in values if count}
        return list(dict.fromkeys(metric for metric, _ in values if metric not in measured))

    @property
    def failures(self) -> int:
        """How many pairs lack at least one value."""
        return sum(len(image.errors) for image in self.images)

    @property
    def is_complete(self) -> bool:
        """Whether every pair has its file and all values, and every set its metrics."""
        return not (self.failures or self.missing or any(row.error for row in self.sets))

    def to_json(self, *, images: bool = True) -> str:
        """JSON in ASCII, one image per line. Numbers that JSON cannot hold are the strings
        ``"inf"``, ``"-inf"`` and ``"nan"``.

        Args:
            images: whether to include the images; ``False`` leaves the summary.
        """
        data = asdict(self)
        listed = data.pop("images")
        if images:
            data["images"] = listed  # the longest part comes last
        parts = [
            f"{json.dumps(key)}: {_lines(value) if isinstance(value, list) else _line(value)}"
            for key, value in data.items()
        ]
        return "{\n" + ",\n".join(parts) + "\n}\n"

    @classmethod
    def from_json(cls, text: str) -> "Evaluation":
        """The inverse of :meth:`to_json`.

        Raises:
            ValueError: the text is not the JSON of an evaluation.
        """
        try:
            data = json.loads(text)
            return cls(
                about=dict(data["about"]),
                metrics=[MetricInfo(**row) for row in data["metrics"]],
                methods=list(data["methods"]),
                images=[_image(row) for row in data.get("images", [])],
                summaries=[
                    Summary(**_floats(row, "mean", "std", "low", "high"))
                    for row in data["summaries"]
                ],
                comparisons=[
                    Comparison(**_floats(row, "difference", "low", "high", "p", "p_holm"))
                    for row in data["comparisons"]
                ],
                unmatched=list(data["unmatched"]),
                orientation=data.get("orientation", "apply"),
                missing=data.get("missing", 0),
                sets=[SetSummary(**_floats(row, "value", "std")) for row in data.get("sets", [])],
                data_range=data.get("data_range"),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(
                "text must be the JSON of an Evaluation, as to_json() writes it, got something "
                f"else ({error!r})"
            ) from error


def jsonable(value: Any) -> Any:
    """``value`` with strings for paths, and for numbers that JSON cannot hold, which ``float()``
    reads.
    """
    if isinstance(value, dict):
        return {key: jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _line(value: Any) -> str:
    return json.dumps(jsonable(value), allow_nan=False)


def _lines(rows: list[Any]) -> str:
    return "[\n" + ",\n".join(_line(row) for row in rows) + "\n]" if rows else "[]"


def _floats(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {**row, **{name: float(row[name]) for name in names}}


def _image(row: dict[str, Any]) -> ImageRecord:
    height, width = row["size"]
    record = ImageRecord(
        index=row["index"],
        name=row["name"],
        reference=Path(row["reference"]),
        distorted={method: Path(path) for method, path in row["distorted"].items()},
        size=(height, width),
        values={method: _floats(values, *values) for method, values in row["values"].items()},
        errors=dict(row["errors"]),
        orientation=row.get("orientation", 1),
        orientations=dict(row.get("orientations", {})),
        reference_sha256=row.get("reference_sha256", ""),  # older versions kept none
    )
    if "frames" not in row:
        return record
    return ClipRecord(
        **vars(record),
        reading=dict(row["reading"]),
        streams=dict(row["streams"]),
        pairing=dict(row["pairing"]),
        frames={
            method: {name: list(map(float, listed)) for name, listed in values.items()}
            for method, values in row["frames"].items()
        },
    )
