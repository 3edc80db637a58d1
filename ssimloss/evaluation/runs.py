"""Two finished runs, compared image by image as the methods of one run are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ssimloss.evaluation.result import Evaluation, ImageRecord, MetricInfo
from ssimloss.evaluation.statistics import compare_methods, summarise

_FILES = ("per_image.json", "per_clip.json")
_NAMED = 3  # images in an error
_DIGITS = 12  # of a SHA-256, in an error


def read_run(folder: str | Path) -> Evaluation:
    """The result that :func:`evaluate` wrote into ``out``.

    Raises:
        ValueError: the folder holds no result that can be read.
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

    Both runs must have images of the same names, whose references are the same files by their
    SHA-256, wherever they are stored. Metrics in both must have the same definition; a metric in
    one run only is left out. A method in both, such as one before and after a change, gets the name
    of its folder behind its own. Summaries, intervals and significance are those of one run.

    Args:
        first, second: folders that ``evaluate(..., out=folder)`` has written.

    Raises:
        ValueError: a folder holds no finished run, or both are the same; images, references,
            definitions of a metric, the data range, the treatment of orientation tags or the
            reading of clips differ; no metric is in both; a run of an older version.
    """
    folders = Path(first).expanduser(), Path(second).expanduser()
    if folders[0].resolve() == folders[1].resolve():
        raise ValueError(f"{first} would be compared with itself; name two different runs")
    runs = read_run(folders[0]), read_run(folders[1])
    _demand_same_images(folders, runs)
    _demand_same_reading(folders, runs)
    metrics = _shared_metrics(folders, runs)
    sets = {row.metric for row in runs[0].sets} & {row.metric for row in runs[1].sets}
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
            if row.metric in sets
        ],
        data_range=runs[0].data_range,
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
    for folder, run in zip(folders, runs, strict=True):
        # An image that has values could be read.
        if any(one.values and not one.reference_sha256 for one in run.images):
            raise ValueError(
                f"{folder} was written by an older version, which kept no SHA-256 of references; "
                "evaluate it again"
            )
    partners = {image.name: image for image in runs[1].images}
    both = [(image, partners[image.name]) for image in runs[0].images]
    changed = [(x, y) for x, y in both if x.reference_sha256 != y.reference_sha256]
    if changed:
        listed = "; ".join(
            f"{x.name!r} is {_file(x)} in {folders[0]}, {_file(y)} in {folders[1]}"
            for x, y in changed[:_NAMED]
        )
        raise ValueError(
            f"runs must have the same references: {len(changed)} of {len(both)} differ ({listed}"
            f"{'; ...' if len(changed) > _NAMED else ''}); evaluate both on the same files"
        )


def _file(image: ImageRecord) -> str:
    digest = image.reference_sha256
    told = f"SHA-256 {digest[:_DIGITS]}..." if digest else "which could not be read"
    return f"{image.reference} ({told})"


def _demand_same_reading(folders: _Folders, runs: _Two) -> None:
    """Check that options that affect the pixels are equal."""
    first, second = (
        {
            "orientation": run.orientation,
            "data_range": run.data_range,
            **(run.clips[0].reading if run.clips else {}),  # one for all clips of a run
        }
        for run in runs
    )
    for name in first | second:
        values = first.get(name), second.get(name)
        if values[0] != values[1]:
            told = ["none" if value is None else value for value in values]
            raise ValueError(
                f"runs must have the same {name} (--{name.replace('_', '-')}), got {told[0]} in "
                f"{folders[0]} and {told[1]} in {folders[1]}; evaluate one of them again"
            )


def _shared_metrics(folders: _Folders, runs: _Two) -> list[MetricInfo]:
    """The metrics of pairs that both runs have."""
    words, others = map(_definitions, runs)
    shared = [name for name in words if name in others]
    if not shared:
        raise ValueError(
            f"runs must have a metric in common, got {', '.join(words)} in {folders[0]} and "
            f"{', '.join(others)} in {folders[1]}"
        )
    for name in shared:
        if words[name] != others[name]:
            raise ValueError(
                f"runs must have the same definition of {name!r}: {folders[0]} has "
                f"{words[name]!r}, {folders[1]} has {others[name]!r}; evaluate both under one "
                "protocol, with the same weights"
            )
    return [one for one in runs[0].metrics if one.name in shared]


def _definitions(run: Evaluation) -> dict[str, str]:
    """Metric, of pairs or of whole sets, -> its definition."""
    sets = {row.metric: row.description for row in run.sets}
    return {one.name: one.description for one in run.metrics} | sets


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
        reference_sha256=image.reference_sha256,
    )
