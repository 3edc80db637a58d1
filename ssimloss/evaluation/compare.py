"""One pair of files: the value of each metric, the largest error, and a picture of both."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from ssimloss.conventions.difference import Difference, explain_difference
from ssimloss.conventions.lookup import find
from ssimloss.evaluation._depths import depth_words
from ssimloss.evaluation._maps import unit
from ssimloss.evaluation._orientations import Orientation, orientation_words, size_way_out
from ssimloss.evaluation._panels import draw_panels
from ssimloss.evaluation._values import info_of, measures_of, values_of
from ssimloss.evaluation.asked import demand_floats
from ssimloss.evaluation.images import Alpha, Image, ImageError, read
from ssimloss.evaluation.result import MetricInfo
from ssimloss.metrics.protocols import resolved

_DIGITS = {"dB": 4}  # after the point; others have no unit, and six


@dataclass(frozen=True)
class LargestError:
    """The pixel whose channels differ most on average."""

    x: int
    y: int
    error: float  # mean of the channels, in the reference's own units
    reference: tuple[float, ...]  # values of the channels, as stored
    distorted: tuple[float, ...]


@dataclass(frozen=True)
class PairComparison:
    """What :func:`compare` found. ``print`` shows a table, :meth:`draw` writes a picture."""

    reference: Path
    distorted: Path
    size: tuple[int, int]  # (H, W)
    channels: int
    bit_depths: tuple[int, int]  # 32 for floating point
    protocol: str  # in words
    metrics: tuple[MetricInfo, ...]
    values: dict[str, float]  # by name of the metric, without those that failed
    errors: dict[str, str]  # by name of the metric, why there is no value
    mean_error: float  # in the reference's own units
    largest: LargestError
    equal: float  # part of the pixels that are equal in all channels
    explanation: Difference | None = None
    orientation: Orientation = "apply"  # what was done with the files' orientation tags
    images: tuple[Image, Image] = field(repr=False, compare=False, kw_only=True)

    @property
    def note(self) -> str:
        """How different bit depths affect the values; empty if they are the same."""
        return depth_words(*self.bit_depths)

    @property
    def orientation_note(self) -> str:
        """How orientation tags affect the values; empty if there are none."""
        first, second = self.images
        return orientation_words(first.orientation, second.orientation, self.orientation)

    def __str__(self) -> str:
        """A table: the files, the protocol, a line per metric, and the largest error."""
        kind = "gray" if self.channels == 1 else "RGB"
        levels = self.images[0].data_range
        rows = [
            (title, f"{path}  ({_sized(self.size)}, {kind}, {image.kind})")
            for title, path, image in zip(
                ("reference", "distorted"),
                (self.reference, self.distorted),
                self.images,
                strict=True,
            )
        ]
        rows.append(("protocol", self.protocol))
        if self.note:
            rows.append(("bit depths", self.note))
        if self.orientation_note:
            rows.append(("orientation", self.orientation_note))
        rows += [(metric.title, self._value(metric)) for metric in self.metrics]
        rows.append(("mean error", f"{self.mean_error:.4g} of {levels:g}"))
        if self.equal == 1:
            rows.append(("largest error", "none: every pixel is equal"))
        else:
            worst = self.largest
            words = (
                f"{worst.error:.4g} of {levels:g} at x {worst.x}, y {worst.y}: "
                f"{_pixel(worst.reference)} became {_pixel(worst.distorted)}"
            )
            rows += [("largest error", words), ("equal pixels", f"{100 * self.equal:.4g} %")]
        label = max(len(title) for title, _ in rows)
        lines = [f"{title:<{label}}  {text}" for title, text in rows]
        return "\n".join(lines if self.explanation is None else [*lines, "", str(self.explanation)])

    def draw(self, path: str | Path, *, overwrite: bool = True) -> Path:
        """Write a PNG with both images, their difference and their SSIM map, each with its scale;
        large images with the region around the largest error too.

        Args:
            path: ends in ``.png``; missing folders are made.
            overwrite: ``False`` raises an error if there is a file of this name.

        Raises:
            ValueError: ``path`` does not end in ``.png``, is one of the two files, or exists and
                may not be overwritten.
            OSError: the file cannot be written.
        """
        path = picture_path(path, self.reference, self.distorted, overwrite=overwrite)
        caption = "     ".join(
            f"{metric.title} {self._value(metric)}"
            for metric in self.metrics
            if metric.name in self.values
        )
        worst = self.largest
        return draw_panels(
            path,
            self.images,
            names=told_apart(self.reference, self.distorted),
            caption=caption,
            largest=None if self.equal == 1 else (worst.y, worst.x),
        )

    def _value(self, metric: MetricInfo) -> str:
        if metric.name in self.errors:
            return f"no value: {self.errors[metric.name]}"
        return f"{self.values[metric.name]:.{_DIGITS.get(metric.unit, 6)}f} {metric.unit}".rstrip()


def told_apart(first: Path, second: Path) -> tuple[str, str]:
    """The names of two files, with as many folders as make them different."""
    parts = [Path(os.path.abspath(path)).parts for path in (first, second)]
    number = 1
    while parts[0][-number:] == parts[1][-number:] and number < max(map(len, parts)):
        number += 1
    if parts[0] == parts[1]:
        number = 1
    names = (os.path.join(*part[-number:]) for part in parts)
    return next(names), next(names)


def picture_path(path: str | Path, *files: Path, overwrite: bool = True) -> Path:
    """Where a picture of ``files`` may be written.

    Raises:
        ValueError: another ending than ``.png``; one of the files themselves, under whatever name;
            or, without ``overwrite``, a file that exists.
    """
    path = Path(path).expanduser()
    if path.suffix.lower() != ".png":
        raise ValueError(f"the name of the picture must end in .png, got {path}")
    for file in files:
        if path.exists() and file.exists() and path.samefile(file):
            raise ValueError(
                f"the picture must not replace {file}, which is compared; choose another name "
                "(--out)"
            )
    if not overwrite and path.exists():
        raise ValueError(
            f"{path} exists already; choose another name (--out), or replace it (--overwrite)"
        )
    return path


def compare(
    reference: str | Path,
    distorted: str | Path,
    *,
    metrics: Sequence[str] = ("psnr", "ssim"),
    protocol: str | None = None,
    scale: int | None = None,
    explain: tuple[str, str] | None = None,
    alpha: Alpha = "error",
    orientation: Orientation = "apply",
    data_range: float | None = None,
) -> PairComparison:
    """Compare two image files of one size.

    Args:
        reference, distorted: files; see :func:`ssimloss.evaluation.read` for the kinds.
        metrics: names of ``ssimloss.metrics.MEASURES``.
        protocol: a name of ``ssimloss.metrics.PROTOCOLS``: how images are cropped, rounded and
            converted. ``None`` is ``"plain"``, for measures that do not have their own.
        scale: the factor of enlargement, where the protocol takes one.
        explain: two conventions such as ``("PSNR/pyiqa_y", "PSNR/basicsr")``; the result explains
            why their values differ. A convention that crops takes the border of the protocol.
        alpha: ``"drop"`` compares the colours of images with transparent pixels.
        orientation: ``"apply"`` rotates images as their orientation tag states, ``"ignore"``
            compares the pixels as stored.
        data_range: of floating-point files, the value of white, such as 1.0.

    Returns:
        A :class:`PairComparison`. A metric that these images are too small for has an error instead
        of a value.

    Raises:
        ImageError: a file cannot be read, or the second has another size or other channels than the
            first.
        ValueError: folders, unknown names, the same name twice, a scale that is missing; a scale or
            a data range that would be ignored.
        TypeError: ``metrics`` is one string.
        RuntimeError: weights that are not on this machine.
    """
    rules = resolved(protocol, scale)
    measures = measures_of(metrics, protocol, scale)
    paths = Path(reference).expanduser(), Path(distorted).expanduser()
    for path in paths:
        if path.is_dir():
            raise ValueError(
                f"{path} must be a file, got a folder; evaluate compares folders (ssimloss "
                "evaluate)"
            )
    first, second = (
        read(path, alpha=alpha, orientation=orientation, data_range=data_range) for path in paths
    )
    demand_floats(data_range, (first.bit_depth, second.bit_depth))
    _check_alike(paths, first, second, orientation)
    target, pred = (image.pixels.double().div_(image.data_range)[None] for image in (first, second))
    found = {
        judge.name: value
        for judge, (value,) in zip(measures, values_of(measures, pred, target), strict=True)
    }
    apart = unit(second).sub_(unit(first)).abs_().mean(0).mul_(first.data_range)
    return PairComparison(
        *paths,
        size=(first.pixels.shape[1], first.pixels.shape[2]),
        channels=len(first.pixels),
        bit_depths=(first.bit_depth, second.bit_depth),
        protocol=rules.describe().splitlines()[0],
        metrics=tuple(map(info_of, measures)),
        values={name: value for name, value in found.items() if not isinstance(value, str)},
        errors={name: value for name, value in found.items() if isinstance(value, str)},
        mean_error=apart.mean(dtype=torch.float64).item(),
        largest=_largest(apart, first, second),
        equal=(apart == 0).double().mean().item(),
        explanation=None
        if explain is None
        else _explained(explain, pred, target, rules.crop_border),
        orientation=orientation,
        images=(first, second),
    )


def _check_alike(
    paths: tuple[Path, Path], first: Image, second: Image, orientation: Orientation
) -> None:
    sizes = tuple((image.pixels.shape[1], image.pixels.shape[2]) for image in (first, second))
    turned = size_way_out(
        (sizes[0], sizes[1]), (first.orientation, second.orientation), orientation
    )
    for what, a, b, way_out in (
        (
            "size",
            _sized(first.pixels.shape[1:]),
            _sized(second.pixels.shape[1:]),
            turned or "resize or crop one of them",
        ),
        ("kind", _kind(first), _kind(second), "save both as the same kind"),
    ):
        if a != b:
            raise ImageError(
                paths[1],
                f"its {what} and that of its reference {paths[0]} differ, {b} and {a}; {way_out}",
            )


def _sized(size: Sequence[int]) -> str:
    return f"{size[0]} x {size[1]} (height x width)"


def _kind(image: Image) -> str:
    return "gray" if len(image.pixels) == 1 else "RGB"


def _largest(apart: Tensor, first: Image, second: Image) -> LargestError:
    y, x = divmod(int(apart.argmax()), apart.shape[1])
    before, after = (tuple(image.pixels[:, y, x].tolist()) for image in (first, second))
    return LargestError(x, y, apart[y, x].item(), before, after)


def _pixel(values: tuple[float, ...]) -> str:
    shown = [f"{value:.6g}" for value in values]
    return shown[0] if len(shown) == 1 else f"({', '.join(shown)})"


def _explained(
    names: tuple[str, str], pred: Tensor, target: Tensor, crop_border: int
) -> Difference:
    try:
        first, second = map(find, names)
    except KeyError as error:
        raise ValueError(f"explain: {error.args[0]}") from error
    cuts = first.preparation.crop or second.preparation.crop
    if cuts and not crop_border:
        raise ValueError(
            f"explain: {' or '.join(names)} crops the border; choose a protocol that states its "
            "width: 'basicsr' with scale=4 (--protocol basicsr --scale 4)"
        )
    return explain_difference(
        first, second, pred, target, crop_border=crop_border if cuts else None
    )
