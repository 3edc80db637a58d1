"""BD-rate and BD-quality: numbers of the package bjontegaard, closed forms, errors, the command."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ssimloss.cli._app import app
from ssimloss.metrics import RateCurve, bd_quality, bd_rate

VIDEO = (
    RateCurve([1129.8, 1780.1, 2907.5, 4988.2], [34.15, 36.02, 38.11, 40.32]),
    RateCurve([1015.4, 1602.7, 2655.0, 4602.6], [34.22, 36.11, 38.15, 40.41]),
)
IMAGE = (
    RateCurve([0.11, 0.2, 0.35, 0.61, 1.1], [0.61, 0.72, 0.81, 0.88, 0.93]),
    RateCurve([0.15, 0.22, 0.4, 0.7, 0.9], [0.68, 0.755, 0.845, 0.905, 0.922]),
)
# bjontegaard 1.3.0 of PyPI: bd_rate and bd_psnr(..., method=method, min_overlap=0).
PRINTED = [
    (VIDEO, "cubic", -10.607477169243207, 0.46180053286519396),
    (VIDEO, "pchip", -10.644069730074722, 0.4636223810295315),
    (VIDEO, "akima", -10.647143050708973, 0.4637437958135585),
    (IMAGE, "cubic", -10.475950502448562, 0.014882302814517216),
    (IMAGE, "pchip", -10.60773784933141, 0.014979379865649962),
    (IMAGE, "akima", -10.525991290298098, 0.014967668964726469),
]


@pytest.mark.parametrize(("curves", "method", "rate", "quality"), PRINTED)
def test_agrees_with_bjontegaard(
    curves: tuple[RateCurve, RateCurve], method: str, rate: float, quality: float
) -> None:
    if method != "cubic":
        pytest.importorskip("scipy")
    assert bd_rate(*curves, method=method) == pytest.approx(rate, abs=1e-9)
    assert bd_quality(*curves, method=method) == pytest.approx(quality, abs=1e-9)


@pytest.mark.parametrize("falling", [False, True])
def test_of_curves_that_are_logarithms(falling: bool) -> None:
    """Of ``Q = s log R``, a third of the rate saved is ``s log(3 / 2)`` gained, in any order."""
    rate = np.array([4.0, 1.0, 2.0, 8.0, 16.0])
    slope = -0.1 if falling else 3.0
    anchor = RateCurve(rate, slope * np.log(rate))
    test = RateCurve(rate * 2 / 3, slope * np.log(rate))
    assert bd_rate(anchor, test) == pytest.approx(-100 / 3, rel=1e-12)
    assert bd_quality(anchor, test) == pytest.approx(slope * np.log(1.5), rel=1e-12)
    assert bd_rate(test, anchor) == pytest.approx(50, rel=1e-12)


@pytest.mark.parametrize(
    ("curve", "message"),
    [
        (RateCurve([1, 2, 3], [1, 2, 3]), "at least 4 points for method='cubic', got 3"),
        (RateCurve([1, 2, 3, 0], [1, 2, 3, 0]), "rates of test must be positive, got 0"),
        (RateCurve([1, 2, 3, 4], [1, 2, 3]), "4 rates and 3 qualities"),
        (RateCurve([1, 2, 3, 4], [1, 3, 2, 4]), "must rise, or fall, all along .*2: 3, 3: 2"),
        (RateCurve([1, 2, 3, 3], [1, 2, 3, 4]), "must rise, or fall, all along"),
        (RateCurve([1, 2, 3, 4], [1, 2, 3, float("inf")]), "quality of test must be .* finite"),
        (RateCurve([1, 2, 3, 4], [60, 61, 62, 63]), "common range of quality, got 34.15 to 40.32"),
    ],
)
def test_errors_say_what_came(curve: RateCurve, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bd_rate(VIDEO[0], curve)


def tables(folder: Path) -> list[str]:
    paths = [folder / "a.csv", folder / "b.csv"]
    for path, curve in zip(paths, VIDEO, strict=True):
        lines = [f"{q},{r},x" for r, q in zip(curve.rate, curve.quality, strict=True)]
        path.write_text("PSNR,kbps,note\n\n" + "\n".join(lines) + "\n\n")
    return list(map(str, paths))


def run(folder: Path, *options: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["bdrate", *tables(folder), *options])
    return found.exit_code, found.output


def test_without_scipy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert bd_rate(*VIDEO) < 0
    with pytest.raises(ModuleNotFoundError, match=r"'pchip' needs SciPy.*pip install scipy"):
        bd_rate(*VIDEO, method="pchip")
    status, words = run(tmp_path, "--rate", "kbps", "--quality", "PSNR", "--method", "pchip")
    assert status == 1, words
    assert "pip install scipy" in words


@pytest.mark.parametrize(
    ("head", "of_b", "options", "message"),
    [
        ("Bitrate (kbps),PSNR (dB)", "kbps,psnr", (), ""),
        ("bpp,anything", "BPP,Anything", (), ""),
        ("Rate,quality,MS-SSIM", "rate,MS SSIM", ("--quality", "ms_ssim"), ""),
        ("kbps,psnr", "mbps,psnr", (), "rates must have one unit, got 'kbps' in"),
        ("kbps,psnr", "kbps,vmaf", (), "the same quality, got 'psnr' in"),
        ("kbps,psnr,vmaf", "kbps,psnr", (), "several columns of quality, got the columns 'psnr', "),
        ("kbps,bpp,psnr", "kbps,psnr", (), "several columns of rate, got the columns 'kbps', 'bpp"),
        ("x,y", "x,y", (), "no column of rate by a usual name, got the columns 'x', 'y'; --rate C"),
        ("psnr,PSNR", "x,y", (), "in its first line, each once, got the columns 'psnr', 'PSNR'"),
        ("kbps", "kbps", (), "in its first line, each once, got the columns 'kbps'"),
    ],
)
def test_columns(
    tmp_path: Path, head: str, of_b: str, options: tuple[str, ...], message: str
) -> None:
    """By their usual names, in any order and case; and what both tables have to agree in."""
    for name, columns, curve in (("a.csv", head, VIDEO[0]), ("b.csv", of_b, VIDEO[1])):
        rows = [columns]
        for r, q in zip(curve.rate, curve.quality, strict=True):
            rows.append(",".join([str(r), *[str(q)] * columns.count(",")]))
        (tmp_path / name).write_text("\n".join(rows))
    paths = [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    found = CliRunner().invoke(app, ["bdrate", *paths, *options])
    assert message in found.output
    assert found.exit_code == (2 if message else 0), found.output
    if not message:
        assert "BD-rate     -10.607 %" in found.stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"kbps,psnr,note\n1,2,\xe9\n", "cannot be read as CSV in UTF-8: 'utf-8' codec can't"),
        (b"kbps,psnr,note\n1,2," + b"9" * 200_000 + b"\n", "cannot be read as CSV in UTF-8: field"),
        (None, "there is no such file"),
    ],
    ids=["latin1", "huge", "missing"],
)
def test_a_file_that_is_no_table(tmp_path: Path, content: bytes | None, message: str) -> None:
    paths = tables(tmp_path)
    bad = Path(paths[1])
    bad.unlink()
    if content is not None:
        bad.write_bytes(content)
    found = CliRunner().invoke(app, ["bdrate", *paths])
    assert found.exit_code == 1
    assert f"error: {bad}" in found.output
    assert message in found.output


def test_command(tmp_path: Path) -> None:
    expected = (0, "BD-rate     -10.607 %\nBD-quality  +0.4618 PSNR\n")
    assert run(tmp_path) == run(tmp_path, "--rate", "KBPS", "--quality", "psnr") == expected
    for options, message in (
        (("--rate", "bpp"), "no column 'bpp' for --rate, got the columns 'PSNR', 'kbps', 'note'"),
        (("--quality", "note"), "line 3 must have numbers under 'kbps' and 'note', got"),
        (("--method", "linear"), "method must be one of 'cubic', 'pchip', 'akima', got 'linear'"),
    ):
        status, words = run(tmp_path, *options)
        assert status == 2
        assert message in words
