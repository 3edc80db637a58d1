"""One pair of files: the numbers, the words, the picture, and the command ``ssimloss compare``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import photographs
import pytest
import reference
from evaluations import noisy, save
from matplotlib import colormaps
from PIL import Image
from torch import Tensor
from typer.testing import CliRunner

from ssimloss.cli._app import app
from ssimloss.conventions.preparation import Preparation
from ssimloss.evaluation import ImageError, compare
from ssimloss.evaluation.compare import told_apart

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, np.ndarray, np.ndarray]:
    """A landscape photograph with a fault, and names that are no formula and not ASCII."""
    folder = tmp_path_factory.mktemp("pair")
    truth = photographs.photograph("chelsea")[:96, :131].copy()
    seen = noisy(truth, 5, 0)
    seen[40, 60] = 255 - truth[40, 60]
    return save(folder / "a $x_1^2$ 漢.png", truth), save(folder / "b.png", seen), truth, seen


def test_numbers_are_those_of_the_reference(
    pair: tuple[Path, Path, np.ndarray, np.ndarray],
) -> None:
    a, b, truth, seen = pair
    found = compare(a, b)
    x, y = (image.transpose(2, 0, 1)[None] / 255 for image in (seen, truth))
    assert found.values["psnr"] == pytest.approx(reference.psnr(x, y)[0], abs=1e-10)
    assert found.values["ssim"] == pytest.approx(reference.ssim(x, y), abs=1e-10)
    error = np.abs(seen.astype(float) - truth).mean(2)
    assert found.mean_error == pytest.approx(error.mean(), rel=1e-6)
    assert (found.largest.x, found.largest.y) == (60, 40)
    assert found.largest.error == pytest.approx(error[40, 60], rel=1e-6)
    assert found.largest.reference == tuple(truth[40, 60])
    assert found.largest.distorted == tuple(seen[40, 60])
    assert found.equal == pytest.approx((error == 0).mean())


def test_protocol_and_explanation(pair: tuple[Path, Path, np.ndarray, np.ndarray]) -> None:
    a, b, truth, seen = pair
    found = compare(a, b, protocol="basicsr", scale=4, explain=("PSNR/pyiqa_y", "PSNR/basicsr"))
    x, y = reference.super_resolution_pair(seen, truth, crop_border=4)
    assert found.values["psnr"] == pytest.approx(reference.psnr(x, y, data_range=255)[0], abs=1e-10)
    assert found.explanation is not None
    assert found.explanation.value_b == pytest.approx(found.values["psnr"], abs=1e-10)
    text = str(found)
    assert str(a) in text
    assert "(96 x 131 (height x width), RGB, 8 bit)" in text
    assert f"PSNR           {found.values['psnr']:.4f} dB" in text
    assert "at x 60, y 40" in text
    assert "Y, BT.601 full range -> Y, BT.601 studio range" in text


def test_equal_images(pair: tuple[Path, Path, np.ndarray, np.ndarray], tmp_path: Path) -> None:
    found = compare(pair[0], pair[0])
    assert math.isinf(found.values["psnr"])
    assert "none: every pixel is equal" in str(found)
    assert found.draw(tmp_path / "equal.png").is_file()


def test_measure_that_cannot_serve_says_so(pair: tuple[Path, Path, np.ndarray, np.ndarray]) -> None:
    found = compare(*pair[:2], metrics=("ms_ssim", "psnr"))
    assert found.values.keys() == {"psnr"}
    assert "161" in found.errors["ms_ssim"]
    assert found.errors["ms_ssim"].endswith(
        "; it takes larger images, or metrics without 'ms_ssim'"
    )
    assert "min_size" not in found.errors["ms_ssim"], (
        "an option that neither compare() nor the command has"
    )
    assert "no value: " in str(found)


def test_images_are_prepared_once_for_all_measures(
    pair: tuple[Path, Path, np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    prepare = Preparation.__call__

    def counted(self: Preparation, *images: Tensor, **options: Any) -> tuple[Tensor, Tensor]:
        calls.append(self)
        return prepare(self, *images, **options)

    monkeypatch.setattr(Preparation, "__call__", counted)
    assert (
        len(
            compare(
                *pair[:2], metrics=("psnr", "ssim", "l1", "g_ssim"), protocol="basicsr_rgb", scale=2
            ).values
        )
        == 4
    )
    assert len(calls) == 1


def test_errors(pair: tuple[Path, Path, np.ndarray, np.ndarray], tmp_path: Path) -> None:
    a, _, truth, _ = pair
    other = save(tmp_path / "other.png", truth[:50, :40])
    sizes = (
        r"other.png: its size and that of its reference .* differ, 50 x 40 \(height x width\) "
        r"and 96 x 131 \(height x width\); "
    )
    with pytest.raises(ImageError, match=f"{sizes}resize or crop one of them"):
        compare(a, other)
    gray = save(tmp_path / "gray.png", truth[..., :1])
    with pytest.raises(
        ImageError, match=r"gray.png: its kind and that of its reference .* differ, gray and RGB"
    ):
        compare(a, gray)
    with pytest.raises(ValueError, match=rf"{tmp_path} must be a file, .*ssimloss evaluate"):
        compare(tmp_path, tmp_path)
    with pytest.raises(ImageError, match=r"gone.png: there is no such file"):
        compare(a, tmp_path / "gone.png")
    with pytest.raises(
        TypeError, match="metrics must be a sequence of names, got the string 'psnr'"
    ):
        compare(a, a, metrics="psnr")
    for names in ((), ("psnr", "psnr")):
        with pytest.raises(ValueError, match="at least one metric and none twice"):
            compare(a, a, metrics=names)
    with pytest.raises(ValueError, match="protocol must be one of"):
        compare(a, a, protocol="papers")
    with pytest.raises(ValueError, match="data_range=1 is for floating-point files, and these"):
        compare(a, a, data_range=1.0)
    with pytest.raises(ValueError, match="explain: no convention"):
        compare(a, a, explain=("PSNR/basicsr", "nobody"))
    with pytest.raises(ValueError, match=r"crops the border; choose a protocol"):
        compare(a, a, explain=("PSNR/pyiqa_y", "PSNR/basicsr"))
    with pytest.raises(ValueError, match="different measures"):
        compare(a, a, explain=("PSNR/pyiqa_y", "SSIM/skimage"))


def test_picture_takes_the_place_of_nothing_compared(tmp_path: Path) -> None:
    truth = photographs.photograph("chelsea")[:32, :32]
    a, b = save(tmp_path / "a.png", truth), save(tmp_path / "b.png", noisy(truth, 5, 0))
    (tmp_path / "link.png").symlink_to(a)
    before = {path: path.read_bytes() for path in (a, b)}
    found = compare(a, b)
    for out in (a, b, tmp_path / "link.png", tmp_path / ".." / tmp_path.name / "b.png"):
        with pytest.raises(ValueError, match=r"must not replace .*choose another name"):
            found.draw(out)
        refused = CliRunner().invoke(app, ["compare", str(a), str(b), "--out", str(out)])
        assert refused.exit_code == 2
        assert "PSNR" not in refused.output, "told before anything is computed"
    for name in ("c.jpg", "c", "png"):
        with pytest.raises(ValueError, match=r"name of the picture must end in .png, got .*"):
            found.draw(tmp_path / name)
    assert {path: path.read_bytes() for path in (a, b)} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png", "link.png"]
    assert found.draw(tmp_path / "C.PNG").is_file()


def test_exit_status_is_that_of_evaluate(
    pair: tuple[Path, Path, np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    """2 for a command that makes no sense, 1 for files that cannot be compared."""
    other = save(tmp_path / "other.png", pair[2][:50])
    for command in ("compare", "evaluate"):
        for arguments, status in (
            ([str(pair[0]), str(pair[1]), "--metrics", "snr"], 2),
            ([str(pair[0]), str(pair[1]), "--metrics", "psnr,psnr"], 2),
            ([str(pair[0]), str(other)], 1),
            ([str(pair[0]), str(tmp_path / "gone.png")], 1),
            ([str(pair[0]), str(other), "--crop-border", "4"], 2),
        ):
            result = CliRunner().invoke(app, [command, *arguments])
            assert result.exit_code == status, (command, arguments, result.output)
            assert "error: " in result.output or "--protocol basicsr" in result.output
    gone = str(tmp_path / "gone")
    study = ["study", gone, "--measures", "l1", "--out", str(tmp_path / "study")]
    for command in (study, ["bdrate", gone, gone], ["evaluate", gone + ".csv"]):
        assert CliRunner().invoke(app, command).exit_code == 1, command
    assert CliRunner().invoke(app, ["compare", str(tmp_path), str(tmp_path)]).exit_code == 2


def find(picture: np.ndarray, part: np.ndarray) -> tuple[int, int]:
    """Where ``part`` lies in the picture, exactly; the test fails where it does not."""
    rows, columns = np.nonzero((picture == part[0, 0]).all(2))
    for top, left in zip(rows, columns, strict=True):
        if np.array_equal(picture[top : top + len(part), left : left + part.shape[1]], part):
            return int(top), int(left)
    raise AssertionError("it is nowhere in the picture")


def drawn(path: Path) -> np.ndarray:
    return np.array(Image.open(path).convert("RGB"))


def test_small_images_are_drawn_by_whole_pixels(tmp_path: Path) -> None:
    truth = photographs.photograph("astronaut")[80:112, 200:232]
    seen = noisy(truth, 8, 1)
    found = compare(save(tmp_path / "a.png", truth), save(tmp_path / "b.png", seen))
    picture = drawn(found.draw(tmp_path / "made" / "c.png"))
    places = [find(picture, image.repeat(16, 0).repeat(16, 1)) for image in (truth, seen)]
    error = np.abs(seen.astype(float) - truth).mean(2)
    limit = 16
    assert limit / 2 < np.quantile(error, 0.995) <= limit
    colored = colormaps["inferno"](error / limit, bytes=True)[..., :3]
    top = places[0][0] + 16 * 32 + 26 + 28
    block = picture[top : top + 16 * 32 : 16, places[0][1] : places[0][1] + 16 * 32 : 16].astype(
        int
    )
    assert np.abs(block - colored).max() <= 6, "float32 may choose the neighbouring colour"


def test_large_image_shows_its_fault_at_full_resolution(tmp_path: Path) -> None:
    truth = photographs.photograph("coffee").repeat(2, 0).repeat(2, 1)  # 800 x 1200
    seen = truth.copy()
    seen[600:620, 900:930] = 255 - seen[600:620, 900:930]
    picture = drawn(
        compare(save(tmp_path / "a.png", truth), save(tmp_path / "b.png", seen)).draw(
            tmp_path / "c.png"
        )
    )
    find(picture, seen[560:660, 860:970].repeat(2, 0).repeat(2, 1))
    assert picture.shape[1] < 3200


def test_zoom_shows_the_largest_error_not_the_noisiest_part(tmp_path: Path) -> None:
    truth = photographs.photograph("coffee").repeat(2, 0).repeat(2, 1)  # 800 x 1200
    seen = truth.copy()
    seen[:300, :400] = noisy(truth[:300, :400], 20, 0)
    seen[700, 1100] = np.where(truth[700, 1100] > 127, 0, 255)
    found = compare(save(tmp_path / "a.png", truth), save(tmp_path / "b.png", seen))
    assert (found.largest.x, found.largest.y) == (1100, 700)
    find(drawn(found.draw(tmp_path / "c.png")), seen[690:710, 1090:1110].repeat(2, 0).repeat(2, 1))


def test_names_that_are_equal_have_their_folders() -> None:
    assert told_apart(Path("x/a.png"), Path("y/b.png")) == ("a.png", "b.png")
    assert told_apart(Path("x/a.png"), Path("y/a.png")) == ("x/a.png", "y/a.png")
    assert told_apart(Path("/d/x/4/a.png"), Path("/d/y/4/a.png")) == ("x/4/a.png", "y/4/a.png")
    assert told_apart(Path("/a.png"), Path("/x/a.png")) == ("/a.png", "x/a.png")
    assert told_apart(Path("x/a.png"), Path("x/../x/a.png")) == ("a.png", "a.png")


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (700, 9), (720, 721)], ids=str)
def test_any_shape_is_drawn(tmp_path: Path, size: tuple[int, int]) -> None:
    truth = np.resize(np.arange(251, dtype=np.uint8), (*size, 1))
    found = compare(
        save(tmp_path / "a.png", truth), save(tmp_path / "b.png", 255 - truth), metrics=["psnr"]
    )
    picture = drawn(found.draw(tmp_path / "c.png"))
    assert picture.std() > 0


def test_sixteen_bit(tmp_path: Path) -> None:
    truth = np.arange(400, 400 + 64 * 64, dtype=np.uint16).reshape(64, 64)
    found = compare(save(tmp_path / "a.png", truth), save(tmp_path / "b.png", truth + 7))
    assert found.bit_depths == (16, 16)
    assert found.mean_error == pytest.approx(7, rel=1e-3)
    assert found.values["psnr"] == pytest.approx(20 * math.log10(65535 / 7), abs=1e-9)
    assert "of 65535" in str(found)
    shown = drawn(found.draw(tmp_path / "c.png"))
    assert (shown == 0).all(2).any(), "black is the smallest value of the image"


def test_other_bit_depth_is_noted(tmp_path: Path) -> None:
    truth = (np.arange(64 * 64, dtype=np.uint16) * 16).reshape(64, 64)
    seen = np.round(truth / 257).astype(np.uint8)
    found = compare(save(tmp_path / "a.png", truth), save(tmp_path / "b.png", seen))
    assert found.note.startswith(
        "reference of 16 bit, result of 8 bit: each counts over its own range, 65535 and 255"
    )
    assert found.note.endswith(f"about {found.values['psnr']:.0f} dB")
    assert f"bit depths     {found.note}" in str(found)
    assert compare(tmp_path / "b.png", tmp_path / "b.png").note == ""
    assert found.draw(tmp_path / "c.png").is_file()


def test_floating_point_is_compared_over_the_named_range(tmp_path: Path) -> None:
    truth = np.arange(64 * 64 * 3, dtype=np.float32).reshape(64, 64, 3) / 3072  # up to 4
    seen = truth.copy()
    seen[10, 20] += 0.5
    np.save(tmp_path / "a.npy", truth)
    np.save(tmp_path / "b.npy", seen)
    found = compare(tmp_path / "a.npy", tmp_path / "b.npy", data_range=4.0)
    assert found.values["psnr"] == pytest.approx(20 * math.log10(4 / (0.5 / 64)), abs=1e-5)
    assert (found.largest.x, found.largest.y) == (20, 10)
    assert found.largest.error == pytest.approx(0.5, rel=1e-6)
    assert found.largest.reference == tuple(truth[10, 20].tolist())
    assert found.largest.distorted == tuple(seen[10, 20].tolist())
    assert "RGB, floating point" in str(found)
    assert "largest error  0.5 of 4 at x 20, y 10" in str(found)
    shown = drawn(found.draw(tmp_path / "c.png"))
    levels = np.quantile(truth / 4, (0.001, 0.999))
    tones = ((truth / 4 - levels[0]) * (255 / (levels[1] - levels[0]))).round().clip(0, 255)
    find(shown, tones.astype(np.uint8)[:4].repeat(8, 0).repeat(8, 1))


def test_command(pair: tuple[Path, Path, np.ndarray, np.ndarray], tmp_path: Path) -> None:
    out = tmp_path / "c.png"
    arguments = [
        "compare",
        *map(str, pair[:2]),
        "--out",
        str(out),
        "--metrics",
        "psnr, l1",
        "--protocol",
        "basicsr",
        "--scale",
        "2",
    ]
    result = CliRunner().invoke(app, [*arguments, "--explain", "PSNR/pyiqa_y", "PSNR/basicsr"])
    assert result.exit_code == 0, result.output
    assert "L1 " in result.output
    assert "PSNR/pyiqa_y" in result.output
    assert result.output.rstrip().endswith(str(out))
    assert drawn(out).shape[0] > 200
    before = out.read_bytes()
    again = CliRunner().invoke(app, [*arguments[:5], "--metrics", "l1"])
    assert again.exit_code == 2
    assert f"{out} exists already; choose another name (--out), or replace it (--overwrite)" in (
        again.output
    )
    assert out.read_bytes() == before
    for option in ("--overwrite", "--force"):
        out.write_bytes(before)
        replaced = CliRunner().invoke(app, [*arguments[:5], "--metrics", "l1", option])
        assert replaced.exit_code == 0, replaced.output
        assert out.read_bytes() != before
    gone = CliRunner().invoke(app, ["compare", str(pair[0]), str(tmp_path / "gone.png")])
    assert gone.exit_code == 1
    assert "error: " in gone.output
    assert "there is no such file" in gone.output
    wrong = CliRunner().invoke(app, ["compare", *map(str, pair[:2]), "--alpha", "keep"])
    assert wrong.exit_code == 2
    assert "alpha must be one of 'error', 'drop'" in wrong.output


def test_a_second_comparison_prints_its_values_and_keeps_the_picture(
    pair: tuple[Path, Path, np.ndarray, np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["compare", *map(str, pair[:2]), "--metrics", "l1"]
    assert "wrote comparison.png" in CliRunner().invoke(app, arguments).output
    before = Path("comparison.png").read_bytes()
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 0, again.output
    assert "L1 " in again.output
    assert "no picture: comparison.png exists already; --out FILE" in again.output
    assert Path("comparison.png").read_bytes() == before
    missing = CliRunner().invoke(app, ["compare", "nope.png", *arguments[2:]])
    assert missing.exit_code == 1
    assert "nope.png: there is no such file" in missing.output
