"""Names of measures, protocols, networks and conventions: one spelling for all, and guesses at
misspelt ones.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ssimloss
from ssimloss import conventions, metrics, video, weights
from ssimloss._words import named, near, spelled
from ssimloss.conventions.lookup import find
from ssimloss.evaluation import evaluate
from ssimloss.evaluation._values import measures_of
from ssimloss.networks.heads import lpips_network
from ssimloss.networks.sources import named_network
from ssimloss.study.subjects import subjects


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (lambda: metrics.measure("MS-SSIM").name, "ms_ssim"),
        (lambda: metrics.measure("ms ssim dB").name, "ms_ssim_db"),
        (lambda: list(metrics.Validator(["PSNR", "G-SSIM"]).metrics), ["psnr", "g_ssim"]),
        (lambda: metrics.protocol("BasicSR", scale=4), metrics.protocol("basicsr", scale=4)),
        (lambda: metrics.BestCheckpoint(Path("no.pt"), "LPIPS VGG").higher_is_better, False),
        (lambda: video.SVR.named("V0.6.1NEG").name, "v0.6.1neg"),  # type: ignore[arg-type]
        (lambda: named_network("VGG19-BN"), "vgg19_bn"),
        (lambda: lpips_network("AlexNet"), "alexnet"),
        (lambda: weights.bundled("Alexnet-Features").name, "alexnet_features"),
        (lambda: weights.published("ResNet50").name, "resnet50"),
        (lambda: find("ssim/BasicSR"), conventions.SSIM["basicsr"]),
        (lambda: find("Skimage-Gaussian"), conventions.SSIM["skimage_gaussian"]),
    ],
)
def test_every_spelling_of_a_name(found: Callable[[], Any], expected: object) -> None:
    assert found() == expected


def test_one_name_in_two_spellings_is_named_twice() -> None:
    with pytest.raises(ValueError, match="each once"):
        metrics.Validator(["psnr", "PSNR"])


def test_spelled() -> None:
    """Exact names first; an ambiguous spelling and a value that is not a string match no name."""
    assert spelled("a b", ("a-b", "a b")) == "a b"
    assert spelled("A_b", ("a-b", "a b")) is None
    assert spelled(3, ("3",)) is None


def test_misspelt_names() -> None:
    assert near("MSSSIM", ("psnr", "ms_ssim", "ssim")) == ["ms_ssim"]
    with pytest.raises(ValueError, match=r"'ms_ssim', .*got 'MSSSIM'; did you mean 'ms_ssim'\?$"):
        metrics.measure("MSSSIM")
    with pytest.raises(ValueError, match=r"^p must be one of 'x', got 'q'; help lists them$"):
        named("p", "q", ["x"], way_out="help lists them")
    with pytest.raises(ValueError, match=r"^p must be one of 'x', got 3$"):
        named("p", 3, ["x"])  # type: ignore[arg-type]


def test_one_file_alone_looks_for_names_that_are_alike() -> None:
    root = Path(ssimloss.__file__).parent
    importing = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import) and any(a.name == "difflib" for a in node.names)
    }
    assert importing == {"_words.py"}


@pytest.mark.parametrize("room", [weights, metrics])
def test_names_that_are_imported_when_asked_for_are_listed(room: Any) -> None:
    assert set(room.__all__) <= set(dir(room))
    assert dir(room) == sorted(set(dir(room)))


OWN = metrics.measure("psnr", "pyiqa")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: metrics.measure("psnr", weights="random"), "'psnr' has none; leave them out"),
        (lambda: metrics.Validator(["psnr"], weights="random"), "metrics names none of lpips,"),
        (lambda: metrics.measure(f"{__name__}:OWN", "skimage"), "has its own, .*; leave it out"),
        (lambda: metrics.measure(f"{__name__}:OWN", "plain"), "has its own, .*; leave it out"),
        (lambda: metrics.Validator([f"{__name__}:OWN"], "plain"), "has its own, .*; leave it out"),
        (lambda: evaluate("x", "y", metrics=[f"{__name__}:OWN"], protocol="plain"), "has its own"),
        (lambda: evaluate("x", "y", metrics=[OWN], protocol="plain"), "measures have their own"),
        (lambda: subjects(["l1"], weights="random"), "measures names none of lpips,"),
    ],
)
def test_options_that_would_be_ignored(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
    assert metrics.measure(f"{__name__}:OWN", "pyiqa") is metrics.measure(f"{__name__}:OWN") is OWN
    assert metrics.Validator([f"{__name__}:OWN"]).metrics == {f"{__name__}:OWN": OWN}
    assert measures_of([f"{__name__}:OWN"], None) == [OWN]
