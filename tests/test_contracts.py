"""Contracts between rooms, with the real parts: what follows from one measure agrees with it
wherever it is used, also for a measure that somebody else registers.
"""

from __future__ import annotations

import importlib
import inspect
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import generate
import photographs
import pytest
import torch
from discovery import LOSSES
from torch import Tensor, nn

import ssimloss
import ssimloss.functional as F
from ssimloss import _docstrings, _options, metrics
from ssimloss import measure as measures
from ssimloss.metrics.measures import name_of

pytestmark = pytest.mark.usefixtures("one_thread")

MEASURES = {each.name: each for each in measures.registered()}
MODULES = [name for name, each in MEASURES.items() if each.module]
NAMED = [name for name, each in MEASURES.items() if each.is_named]
WITH_METRIC = [name for name, each in MEASURES.items() if each.metric]
FIXED = ("reduction", "backend")  # options that a metric class sets itself

every_module = pytest.mark.parametrize("name", MODULES)


@pytest.fixture(scope="module")
def pair() -> tuple[Tensor, Tensor]:
    """Two photographs, large enough for five scales."""
    pred, target = photographs.batch(181, 193, dtype=torch.float32)
    return pred[:2], target[:2]


def fitting(name: str, pair: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """MS-SWD sorts each pixel 128 times: smaller images."""
    side = 96 if name == "ms_swd" else None
    return pair[0][..., :side, :side], pair[1][..., :side, :side]


def kinds(signature: inspect.Signature) -> dict[str, Any]:
    return {p.name: p.kind for p in signature.parameters.values() if p.name != "self"}


# --- one measure: function, module, metric --------------------------------------------------------


def positional_are_required(signature: inspect.Signature) -> None:
    for p in signature.parameters.values():
        optional = p.default is not p.empty
        if p.name != "self" and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            assert (p.kind is p.KEYWORD_ONLY) == optional, f"{p} in {signature}"


@every_module
def test_twins_agree_in_kinds(name: str) -> None:
    """Images by position, everything else by keyword: options when the module is built, tensors
    when it is called.
    """
    found = MEASURES[name]
    module = getattr(ssimloss, found.module)
    function = kinds(inspect.signature(found.loss))
    forward = kinds(inspect.signature(module.forward))
    constructor = kinds(inspect.signature(module))
    assert {**forward, **constructor} == function
    by_position = [p for p, kind in function.items() if kind is not inspect.Parameter.KEYWORD_ONLY]
    assert by_position == [image.name for image in found.images]
    assert by_position == [
        p for p, kind in forward.items() if kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    assert set(constructor.values()) <= {inspect.Parameter.KEYWORD_ONLY}
    assert issubclass(module, nn.Module)
    home = sys.modules[found.loss.__module__]
    assert home in (F, ssimloss.video)
    assert getattr(home, found.loss.__name__) is found.loss


@pytest.mark.parametrize("name", LOSSES)
def test_optional_inputs_are_keywords(name: str) -> None:
    """Of ``forward``, and of methods that take images in its place."""
    taken = [LOSSES[name].forward]
    if name == "CombinedLoss":
        pytest.skip("takes what its terms take, see test_combined.py")
    if name == "AdversarialLoss":
        taken = [LOSSES[name].generator_loss, LOSSES[name].discriminator_loss]
    for method in taken:
        positional_are_required(inspect.signature(method))


def test_an_optional_input_by_position_is_found() -> None:
    def forward(self: object, pred: Tensor, mask: Tensor | None = None) -> Tensor:
        raise NotImplementedError(self, pred, mask)

    with pytest.raises(AssertionError, match="mask"):
        positional_are_required(inspect.signature(forward))


@pytest.mark.parametrize("name", WITH_METRIC)
def test_metric_class_is_the_function(name: str, pair: tuple[Tensor, Tensor]) -> None:
    pytest.importorskip("torchmetrics")
    found, pair = MEASURES[name], fitting(name, pair)
    metric = getattr(metrics, found.metric)(keep_values=True)
    metric.update(pair[0][:1], pair[1][:1])
    metric.update(pair[0][1:], pair[1][1:])
    expected = found.score(*pair, reduction="image").double()
    torch.testing.assert_close(metric.values(), expected, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(metric.compute(), expected.mean(), rtol=1e-6, atol=1e-8)
    assert metric.higher_is_better is (found.better == "higher")


@pytest.mark.parametrize("protocol", ["plain", "basicsr"])
@pytest.mark.parametrize("name", NAMED)
def test_named_measure_is_the_function(
    name: str, protocol: str, pair: tuple[Tensor, Tensor]
) -> None:
    """On the images that the protocol prepares. It defines PSNR, SSIM and MS-SSIM itself; the plain
    one as the defaults do, MS-SSIM by adding rows at odd sides.
    """
    found, chosen = MEASURES[name], metrics.protocol(protocol, scale={"basicsr": 2}.get(protocol))
    if protocol != "plain" and name_of(found) in ("psnr", "ssim", "ms_ssim"):
        pytest.skip("of the protocol's own definition, see test_protocol.py")
    pair = fitting(name, pair)
    pred, target = chosen.prepared(*pair, definition=found.definition, color=found.takes_color)
    assert (pred.shape[1] == 1) == (protocol == "basicsr" and not found.takes_color)
    options = {"pooling": "symmetric"} if name == "ms_ssim" else {}
    value = metrics.measure(name_of(found), chosen)(*pair)
    expected = found.score(pred.double(), target.double(), reduction="image", **options)
    torch.testing.assert_close(value, expected, rtol=1e-6, atol=1e-8)
    assert metrics.measure(name_of(found), chosen).higher_is_better is (found.better == "higher")


# --- misspelt options -----------------------------------------------------------------------------


def test_misspelt_option_is_a_type_error() -> None:
    """Which names the option that was meant: in the function, the module and the metric class."""
    image = torch.rand(1, 3, 8, 8)
    for found in MEASURES.values():
        option = next(iter(_options.fields(found.record)))
        wrong = {option + option[-1]: 1}
        expected = rf"no option '{option + option[-1]}'; did you mean '{option}'\?"
        homes = (F, ssimloss.video)
        functions = [
            f
            for f in (found.score, found.loss)
            if any(getattr(home, f.__name__, None) is f for home in homes)
        ]
        assert functions or found.module, found
        for function in functions:
            with pytest.raises(TypeError, match=rf"^{function.__name__}\(\) has {expected}"):
                function(*[image] * len(found.images), **wrong)
        if found.module:
            with pytest.raises(TypeError, match=rf"^{found.module}\(\) has {expected}"):
                getattr(ssimloss, found.module)(**wrong)
    with pytest.raises(TypeError, match=r"SSIMLoss.* did you mean 'window_size'\?"):
        ssimloss.SSIMLoss(window_sizee=7)
    with pytest.raises(TypeError, match=r"SSIMLoss\(\) has no option 'x'; the options are data_ra"):
        ssimloss.SSIMLoss(x=7)


@pytest.mark.parametrize("name", WITH_METRIC)
def test_misspelt_option_of_a_metric_is_a_type_error(name: str) -> None:
    pytest.importorskip("torchmetrics")
    found = MEASURES[name]
    options = _options.without(found.record, FIXED)
    option = next(iter(options), "reduction")
    hint = rf"did you mean '{option}'\?" if options else "the options are "
    with pytest.raises(TypeError, match=rf"^{found.metric}\(\) has no option .*; {hint}"):
        getattr(metrics, found.metric)(**{option + option[-1]: 1})


TYPED = """
    import ssimloss
    import ssimloss.functional as F
    from ssimloss import metrics
    from torch import Tensor

    class Mine(ssimloss.SSIMLoss):
        def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
            return 2 * super().forward(pred, target, mask=mask)

    def build(loss: ssimloss.SSIMLoss, x: Tensor) -> Tensor:
        size: int = loss.window_size
        return loss(x, x, mask=None) + F.ssim(x, x, window_size=size) + Mine(sigma=2.0)(x, x)

    metric: metrics.SSIM = metrics.SSIM(window_size=7)
    ssimloss.SSIMLoss(window_sizee=7)  # error: call-arg
    ssimloss.SSIMLoss(padding="mirror")  # error: arg-type
    ssimloss.SSIMLoss(7)  # error: call-arg
    metrics.SSIM(window_sizee=7)  # error: call-arg
    def wrong(loss: Mine, x: Tensor) -> Tensor:
        F.ssim(x, x, window_sizee=7)  # error: call-arg
        loss(x, x, x)  # error: call-arg
        return F.l1_loss(x, x, x)  # error: call-arg
"""


# Parts of other packages without a type of the file above. To read them takes mypy longest.
UNREAD = [
    *("torch._dynamo", "torch._export", "torch._functorch", "torch._higher_order_ops"),
    *("torch._inductor", "torch._native", "torch._numpy", "torch._subclasses", "torch.ao"),
    *("torch.distributed", "torch.distributions", "torch.export", "torch.fx", "torch.onnx"),
    *("torch.optim", "torch.package", "torch.profiler", "torch.quantization", "torch.testing"),
    *("torch.utils", "torchmetrics.audio", "torchmetrics.classification"),
    *("torchmetrics.functional", "torchmetrics.image", "torchmetrics.regression"),
    *("torchmetrics.retrieval", "torchmetrics.text", "matplotlib", "PIL", "filelock", "urllib3"),
]


@pytest.mark.slow
def test_type_checker_sees_options(tmp_path: Path) -> None:
    """Names and types of options; derived classes are subclassed and annotated with as others."""
    pytest.importorskip("mypy")
    file, settings = tmp_path / "typed.py", tmp_path / "mypy.ini"
    file.write_text(textwrap.dedent(TYPED), encoding="utf-8")
    unread = ",".join(f"{name}.*" for name in UNREAD)
    settings.write_text(
        f"[mypy]\nstrict = true\nfollow_imports = silent\n[mypy-{unread}]\nfollow_imports = skip\n",
        encoding="utf-8",
    )
    lines = file.read_text(encoding="utf-8").splitlines()
    expected = {i: line.split("# error: ")[1] for i, line in enumerate(lines, 1) if "# err" in line}
    command = [sys.executable, "-m", "mypy", "--config-file", str(settings), "--no-pretty"]
    command += ["--hide-error-context", "--no-error-summary", "--cache-dir", os.devnull, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=generate.ROOT)
    found = {}
    for line in done.stdout.splitlines():
        if ": error:" in line:
            assert line.split(":")[0].endswith("typed.py"), line
            found[int(line.split(":")[1])] = line.rsplit("[", 1)[1].rstrip("]")
    assert found == {line: kind.replace(" ", "-") for line, kind in expected.items()}, (
        done.stdout + done.stderr
    )


def test_generated_files_are_up_to_date() -> None:
    pytest.importorskip("ruff")
    assert generate.stale(generate.contents().items()) == [], "run make generate"


def test_a_stale_file_is_found() -> None:
    path = Path("ssimloss/losses/__init__.pyi")
    text = (generate.ROOT / path).read_text(encoding="utf-8")
    assert "window_size: int = 11" in text
    planted = text.replace("window_size: int = 11", "window_size: int = 9")
    assert generate.stale([(path, planted), (path, text)]) == [path]
    assert generate.stale([(Path("ssimloss/none.pyi"), text)]) == [Path("ssimloss/none.pyi")]


# --- a measure from outside -----------------------------------------------------------------------

TOY = '''
    """A measure that knows the package by its public names only."""

    import torch
    from torch import Tensor

    import ssimloss


    def _furthest(pred: Tensor, target: Tensor) -> Tensor:
        """Largest error of a pixel, per image."""
        return (pred - target).abs().amax((1, 2, 3))


    FURTHEST = ssimloss.Measure(
        "furthest", "Largest error", "", "lower", 0.0, (0.0, 1.0), "nobody, 2000", _furthest,
        takes_color=True,
    )


    def agreement(pred: Tensor, target: Tensor) -> Tensor:
        return 1 - (pred - target).abs().mean((1, 2, 3))


    agreement.higher_is_better = True
'''


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The module of somebody else, whose measure is registered as long as the tests run."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "toy_measures.py").write_text(textwrap.dedent(TOY), encoding="utf-8")
    sys.path.insert(0, str(folder))
    before = list(metrics.measures.known())
    try:
        yield importlib.import_module("toy_measures")
    finally:
        sys.path.remove(str(folder))
        del sys.modules["toy_measures"]
        measures.unregister("furthest")
    assert metrics.measures.known() == before


def largest(pair: tuple[Tensor, Tensor]) -> Tensor:
    return (pair[0] - pair[1]).abs().amax((1, 2, 3)).double()


def test_toy_is_a_function(toy: Any, pair: tuple[Tensor, Tensor]) -> None:
    found = toy.FURTHEST.score(*pair, reduction="image")
    torch.testing.assert_close(found.double(), largest(pair), rtol=0, atol=0)
    assert toy.FURTHEST.loss is toy.FURTHEST.score  # a distance is minimised as it is
    assert toy.FURTHEST.score(*pair) == found.mean()
    assert "Largest error of a pixel" in toy.FURTHEST.score.__doc__
    with pytest.raises(TypeError, match=r"furthest_loss\(\) has no option 'reduce'; did you me"):
        toy.FURTHEST.score(*pair, reduce="mean")
    with pytest.raises(ValueError, match="'furthest' exists already"):
        ssimloss.Measure("furthest", "", "", "lower", 0.0, (0.0, 1.0), "", toy._furthest)


@pytest.mark.parametrize("name", ["furthest", "toy_measures:FURTHEST"])
def test_toy_is_a_named_measure(toy: Any, name: str, pair: tuple[Tensor, Tensor]) -> None:
    found = metrics.measure(name)
    torch.testing.assert_close(found(*pair), largest(pair), rtol=1e-6, atol=0)
    assert found.higher_is_better is False
    assert found.title == toy.FURTHEST.title
    small = metrics.measure(name, metrics.protocol("edsr", scale=2))
    inside = [image[..., 8:-8, 8:-8].double().mul(255).round().div(255) for image in pair]
    torch.testing.assert_close(small(*pair), largest((inside[0], inside[1])), rtol=1e-6, atol=0)


@pytest.mark.usefixtures("toy")
def test_toy_is_validated(pair: tuple[Tensor, Tensor]) -> None:
    validator = metrics.Validator(["furthest", "toy_measures:agreement", "psnr"])
    validator.update(*pair)
    scores = validator.compute()
    assert scores["furthest"] == pytest.approx(float(largest(pair).mean()), rel=1e-6)
    expected = 1 - float(F.l1(*(image.double() for image in pair)))
    assert scores["toy_measures:agreement"] == pytest.approx(expected, rel=1e-6)


def test_toy_is_a_metric(toy: Any, pair: tuple[Tensor, Tensor]) -> None:
    pytest.importorskip("torchmetrics")
    for function in (metrics.measure("furthest"), toy.FURTHEST.score):
        metric = metrics.LossMetric(function)
        metric.update(*pair)
        expected = largest(pair).mean()
        torch.testing.assert_close(metric.compute(), expected, rtol=1e-6, atol=0)


def test_measure_of_one_image_by_its_place_is_refused() -> None:
    """By name it is unknown; it compares nothing."""
    path = "ssimloss.functional.total_variation:TOTAL_VARIATION"
    with pytest.raises(ValueError, match="must compare pred with target, but takes pred"):
        metrics.measure(path)


@pytest.mark.usefixtures("toy")
def test_toy_is_evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, and by ``module:attribute`` of a measure and of a function."""
    pytest.importorskip("typer")
    from PIL import Image
    from typer.testing import CliRunner

    from ssimloss.cli._app import app

    monkeypatch.chdir(tmp_path)
    for folder, pixels in zip(("ours", "gt"), photographs.pair("chelsea", 40, 48), strict=True):
        Path(folder).mkdir()
        Image.fromarray(pixels).save(Path(folder, "cat.png"))
    arrays = [photographs.pair("chelsea", 40, 48)[i].astype(float) / 255 for i in range(2)]
    values = {
        "furthest": abs(arrays[0] - arrays[1]).max(),
        "toy_measures:FURTHEST": abs(arrays[0] - arrays[1]).max(),
        "toy_measures:agreement": 1 - abs(arrays[0] - arrays[1]).mean(),
    }
    for name, value in values.items():
        result = CliRunner().invoke(app, ["evaluate", "gt", "ours", "--metrics", name])
        assert result.exit_code == 0, result.output
        assert f"{value:.4f}" in result.output, result.output
        arrow = "↑" if name.endswith("agreement") else "↓"
        row = next(line for line in result.output.splitlines() if line.startswith("ours"))
        assert arrow in row
    for name, message in (("toy_measures:none", "no attribute"), ("nothing:here", "No module")):
        result = CliRunner().invoke(app, ["evaluate", "gt", "ours", "--metrics", name])
        assert result.exit_code != 0
        assert message in result.output


@pytest.mark.parametrize(
    "name", [name for name in F.__all__ if inspect.isroutine(getattr(F, name))]
)
def test_options_are_documented_where_they_are_asked_for(name: str) -> None:
    """Nobody has to open the help of another function."""
    function = getattr(F, name)
    texts = _docstrings.entries(_docstrings.section(function.__doc__, "Args"))
    assert not [text for text in texts.values() if "as for :func:" in text]
    assert texts.keys() >= inspect.signature(function).parameters.keys()
