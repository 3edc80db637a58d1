"""Two finished runs, compared as two methods of one run are: image by image."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ssimloss.evaluation.result import Evaluation, ImageRecord, MetricInfo
from ssimloss.evaluation.statistics import compare_methods, summarise

_FILES = ("per_image.json", "per_clip.json")
_NAMED = 3  # images that lack a partner, in an error


def read_run(folder: str | Path) -> Evaluation:
    """The result that :func:`evaluate` wrote into ``out``.

    Raises:
        ValueError: the folder holds none.
    """
    folder = Path(folder).expanduser()
    for name in _FILES:
        path = folder / name
        if path.is_file():
            try:
                return Evaluation.from_json(path.read_text(encoding="utf-8"))
            except (ValueError, OSError) as error:
                raise ValueError(f"{path} cannot be read: {error}") from error
    raise ValueError(
        f"{folder} holds no finished evaluation ({' or '.join(_FILES)}); "
        "ssimloss evaluate REFERENCE DISTORTED --out FOLDER writes one"
    )


def compare_runs(first: str | Path, second: str | Path) -> Evaluation:
    """One evaluation whose methods are those of two finished runs.

    Runs compare if they have the same images by name, the same references, and metrics of the same
    definition; metrics that only one of them has are left out. A method that both have, such as one
    before and after a change, gets the name of its folder behind its own. Summaries, intervals and
    significance are those of methods within one run.

    Args:
        first, second: folders that ``evaluate(..., out=folder)`` has written.

    Raises:
        ValueError: a folder without a finished run, one run given twice; other images, other
            references, no metric in common, or one of another definition.
    """
    folders = Path(first).expanduser(), Path(second).expanduser()
    if folders[0].resolve() == folders[1].resolve():
        raise ValueError(f"{first} is compared with itself; name two different runs")
    runs = read_run(folders[0]), read_run(folders[1])
    _demand_same_images(folders, runs)
    metrics = _shared_metrics(folders, runs)
    names = _method_names(folders, runs)
    methods = [*names[0].values(), *names[1].values()]
    partners = {image.name: image for image in runs[1].images}
    images = [
        _merged(image, partners[image.name], names, [one.name for one in metrics])
        for image in runs[0].images
    ]
    return Evaluation(
        about={
            "protocol": runs[0].about.get("protocol", ""),
            "reference": runs[0].about.get("reference", ""),
            "methods": ", ".join(methods),
            "runs": f"{folders[0]} and {folders[1]}",
        },
        metrics=metrics,
        methods=methods,
        images=images,
        summaries=summarise(images, methods, metrics),
        comparisons=compare_methods(images, methods, metrics),
        orientation=runs[0].orientation,
        missing=runs[0].missing + runs[1].missing,
        unmatched=[*runs[0].unmatched, *runs[1].unmatched],
        sets=[
            replace(row, method=named[row.method])
            for run, named in zip(runs, names, strict=True)
            for row in run.sets
        ],
    )


_Two = tuple[Evaluation, Evaluation]
_Folders = tuple[Path, Path]


def _demand_same_images(folders: _Folders, runs: _Two) -> None:
    if bool(runs[0].clips) != bool(runs[1].clips):
        raise ValueError(f"{folders[0]} and {folders[1]} must both be of images or both of clips")
    there = [{image.name for image in run.images} for run in runs]
    for own, other in ((0, 1), (1, 0)):
        if lacking := sorted(there[own] - there[other]):
            listed = ", ".join(lacking[:_NAMED]) + (", ..." if len(lacking) > _NAMED else "")
            raise ValueError(
                f"runs must be of the same images: {folders[other]} lacks {len(lacking)} of the "
                f"{len(there[own])} of {folders[own]} ({listed}); evaluate both on the same files"
            )
    partners = {image.name: image for image in runs[1].images}
    for image in runs[0].images:
        partner = partners[image.name]
        if image.size != partner.size or not _is_same_file(image.reference, partner.reference):
            raise ValueError(
                f"runs must have the same references: {image.name!r} is {image.reference} of "
                f"{image.size[0]}x{image.size[1]} in {folders[0]}, {partner.reference} of "
                f"{partner.size[0]}x{partner.size[1]} in {folders[1]}"
            )


def _is_same_file(first: Path, second: Path) -> bool:
    """By content, since one data set may lie in two places. What is gone cannot be told apart."""
    if first == second or not (first.is_file() and second.is_file()):
        return True
    return _digest(first) == _digest(second)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _shared_metrics(folders: _Folders, runs: _Two) -> list[MetricInfo]:
    others = {one.name: one for one in runs[1].metrics}
    shared = [one for one in runs[0].metrics if one.name in others]
    if not shared:
        had = [", ".join(one.name for one in run.metrics) for run in runs]
        raise ValueError(
            f"runs must have a metric in common, got {had[0]} in {folders[0]} and {had[1]} in "
            f"{folders[1]}"
        )
    for one in shared:
        if one.description != others[one.name].description:
            raise ValueError(
                f"runs must have the same definition of {one.name!r}: {folders[0]} has "
                f"{one.description!r}, {folders[1]} has {others[one.name].description!r}; evaluate "
                "both under one protocol"
            )
    if runs[0].orientation != runs[1].orientation:
        raise ValueError(
            f"runs must treat orientation tags alike: {folders[0]} has --orientation "
            f"{runs[0].orientation}, {folders[1]} --orientation {runs[1].orientation}"
        )
    return shared


def _method_names(folders: _Folders, runs: _Two) -> tuple[dict[str, str], dict[str, str]]:
    """For each run, method -> its name beside those of the other."""
    twice = set(runs[0].methods) & set(runs[1].methods)
    labels = [folder.resolve().name for folder in folders]
    if labels[0] == labels[1]:
        labels = [str(folder) for folder in folders]
    first, second = (
        {name: f"{name} ({label})" if name in twice else name for name in run.methods}
        for run, label in zip(runs, labels, strict=True)
    )
    return first, second


def _merged(
    image: ImageRecord,
    partner: ImageRecord,
    names: tuple[Mapping[str, str], Mapping[str, str]],
    metrics: Sequence[str],
) -> ImageRecord:
    distorted: dict[str, Path] = {}
    values: dict[str, dict[str, float]] = {}
    errors: dict[str, str] = {}
    orientations: dict[str, int] = {}
    for record, named in zip((image, partner), names, strict=True):
        distorted |= {named[method]: path for method, path in record.distorted.items()}
        errors |= {named[method]: words for method, words in record.errors.items()}
        orientations |= {named[method]: tag for method, tag in record.orientations.items()}
        values |= {
            named[method]: {name: of[name] for name in metrics if name in of}
            for method, of in record.values.items()
        }
    return ImageRecord(
        index=image.index,
        name=image.name,
        reference=image.reference,
        distorted=distorted,
        size=image.size,
        values=values,
        errors=errors,
        orientation=image.orientation,
        orientations=orientations,
    )
