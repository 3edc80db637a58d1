"""Clips: headers of files, pairing of frames, and values compared with libvmaf and FFmpeg."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import libvmaf
import numpy as np
import pytest
import torch
from clips import FORMATS, luma, y4m
from torch import Tensor
from typer.testing import CliRunner

from ssimloss import measure as measures
from ssimloss import video
from ssimloss.cli._app import app
from ssimloss.evaluation import ClipRecord, Evaluation, compare_runs, evaluate
from ssimloss.evaluation.clips import chunks as clip_chunks
from ssimloss.evaluation.clips.colors import rgb
from ssimloss.evaluation.clips.files import Frame, inspect
from ssimloss.evaluation.clips.formats import ClipHeader

av = pytest.importorskip("av")
pytestmark = pytest.mark.usefixtures("one_thread")

Array = np.ndarray
needs_ffmpeg = pytest.mark.skipif(
    libvmaf.ffmpeg() is None, reason="needs the wheel imageio-ffmpeg, whose ffmpeg has libvmaf"
)


# --- files ----------------------------------------------------------------------------------------


def encoded(
    path: Path,
    frames: Array,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    times: list[int] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """A clip of gray frames in a container; ``times`` in frames of 1/25 s."""
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = frames.shape[1:]
        stream.pix_fmt = pixel_format
        stream.time_base = Fraction(1, 25)
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame.astype(np.uint8), format="gray")
            picture = picture.reformat(format=pixel_format)
            picture.pts = number if times is None else times[number]
            picture.time_base = Fraction(1, 25)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    x, y = luma()
    return y4m(tmp_path / "truth.y4m", x), y4m(tmp_path / "seen.y4m", y)


def clip_of(found: Evaluation) -> ClipRecord:
    (clip,) = found.clips
    return clip


def refused(reference: Path, distorted: Path, **options: object) -> str:
    """Why a pair is not compared."""
    with pytest.raises(RuntimeError, match="no clip could be measured") as error:
        evaluate(reference, distorted, metrics=["psnr"], **options)
    return str(error.value)


def of_ffmpeg(reference: Path, distorted: Path, graph: str) -> str:
    """What FFmpeg prints about two files."""
    files = ["-i", str(distorted), "-i", str(reference)]
    command = [libvmaf.ffmpeg(), "-hide_banner", *files, "-lavfi", graph, "-f", "null", "-"]
    done = subprocess.run(command, cwd=reference.parent, capture_output=True, text=True, check=True)
    return done.stderr


def of_libvmaf(
    reference: Path, distorted: Path, before: str = "", model: str = "version=vmaf_v0.6.1"
) -> list[dict[str, float]]:
    """What libvmaf itself reports for each frame, with its PSNR."""
    options = f"model={model}:feature=name=psnr:log_fmt=json:log_path=log.json"
    of_ffmpeg(reference, distorted, f"{before}libvmaf={options}")
    log = json.loads((reference.parent / "log.json").read_text())
    return [frame["metrics"] for frame in log["frames"]]


# --- numbers --------------------------------------------------------------------------------------


@needs_ffmpeg
@pytest.mark.parametrize("kind", ["420p10", "422p10", "444"])
def test_scores_are_those_of_libvmaf_and_ffmpeg(tmp_path: Path, kind: str) -> None:
    """10-bit codes are not scaled twice or divided by 255, and 4:4:4 is not read as 4:2:0."""
    name, _, _, bits = FORMATS[kind]
    x, y = luma(bits=bits)
    files = y4m(tmp_path / "x.y4m", x, kind), y4m(tmp_path / "y.y4m", y, kind)
    found = clip_of(evaluate(*files, metrics=["vmaf", "psnr"]))
    expected = of_libvmaf(*files)
    frames = found.frames["y"]
    assert len(frames["vmaf"]) == len(expected) == len(x)
    assert np.abs(np.subtract(frames["vmaf"], [e["vmaf"] for e in expected])).max() < 0.1
    assert np.abs(np.subtract(frames["psnr"], [e["psnr_y"] for e in expected])).max() < 1e-4
    printed = of_ffmpeg(*files, "psnr")
    pooled = float(re.search(r"PSNR y:([\d.]+)", printed)[1])
    assert abs(found.values["y"]["psnr_pooled"] - pooled) < 1e-3
    assert f"{name} (chroma" in found.streams["y"]
    assert f"peak {2**bits - 1}" in found.streams["y"]


@needs_ffmpeg
def test_tables_of_frames_hold_what_libvmaf_logs(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """Features under libvmaf's names, of both models; the mean of a clip is of scores alone."""
    names = ["vmaf", "vmaf_neg"]
    found = evaluate(*pair, metrics=names, out=tmp_path / "out", batch_size=4)
    models = (
        r"version=vmaf_float_v0.6.1\:name=vmaf",
        r"version=vmaf_float_v0.6.1neg\:name=vmaf_neg",
    )
    expected = of_libvmaf(*pair, model=f"'{'|'.join(models)}'")
    with (tmp_path / "out" / "per_frame.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    features = [name for name in libvmaf.FEATURES if "motion" not in name]
    of_neg = [f"{name}_egl_1" for name in features]
    columns = [*names, *libvmaf.FEATURES, *of_neg]
    assert list(rows[0]) == ["name", "method", "frame", *columns]
    for row, frame in zip(rows, expected, strict=True):
        for name in columns:
            allowed = 0.03 if name in names else 2e-3 if "motion" in name else 1e-3
            assert abs(float(row[name]) - frame[name]) < allowed, (row["frame"], name)
    assert float(rows[1]["adm2"]) > float(rows[1]["adm2_egl_1"])
    assert set(found.clips[0].values["seen"]) == {*names, "vmaf_harmonic", "vmaf_neg_harmonic"}
    text = (tmp_path / "out" / "per_clip.json").read_text()
    assert Evaluation.from_json(text).clips[0].frames == found.clips[0].frames


@needs_ffmpeg
def test_a_smaller_result_is_refused_and_can_be_scaled_as_ffmpeg_does(tmp_path: Path) -> None:
    x, y = luma(size=(64, 96))
    files = y4m(tmp_path / "x.y4m", x), y4m(tmp_path / "y.y4m", y[:, ::2, ::2])
    words = refused(*files)
    assert "are 48x32 and 96x64 (width x height); --scale-distorted bicubic" in words
    found = clip_of(evaluate(*files, metrics=["vmaf"], scale_distorted="bicubic"))
    expected = of_libvmaf(*files, "[0]scale=96:64:flags=bicubic[d];[d][1]")
    off = np.subtract(found.frames["y"]["vmaf"], [e["vmaf"] for e in expected])
    assert np.abs(off).max() < 0.1


def test_values_are_those_of_the_functions(pair: tuple[Path, Path]) -> None:
    """However the clip is cut into chunks."""
    x, y = (torch.tensor(frames, dtype=torch.float32).unsqueeze(1) for frames in luma())
    expected = video.vmaf(x, y, pooling="none")
    for batch_size in (1, 4, 16):
        found = clip_of(evaluate(*pair, metrics=["vmaf", "psnr", "ssim"], batch_size=batch_size))
        frames = found.frames["seen"]
        torch.testing.assert_close(torch.tensor(frames["vmaf"]), expected, rtol=1e-5, atol=0)
        mse = ((x - y) / 255).double().square().flatten(1).mean(1)
        torch.testing.assert_close(
            torch.tensor(frames["psnr"], dtype=torch.float64), -10 * mse.log10()
        )
        means = found.values["seen"]
        assert means["vmaf"] == pytest.approx(float(expected.mean()), rel=1e-6)
        harmonic = video.vmaf(x, y, pooling="harmonic")
        assert means["vmaf_harmonic"] == pytest.approx(float(harmonic), rel=1e-5)
        assert means["psnr_pooled"] == pytest.approx(float(-10 * mse.mean().log10()))
        assert means["psnr_pooled"] < means["psnr"]


def test_colours_come_from_the_planes() -> None:
    """Of every matrix and range, against ITU-T H.273's forward equations; chroma is enlarged."""
    header = headers()
    colours = torch.rand(2, 3, 4, 6, dtype=torch.float64)
    weights = {"BT.709": (0.2126, 0.0722), "BT.601": (0.299, 0.114), "BT.2020": (0.2627, 0.0593)}
    for matrix, (of_red, of_blue) in weights.items():
        for luma_range, bits in (("limited", 10), ("full", 8), ("", 8)):
            red, green, blue = colours.unbind(1)
            y = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
            chroma = (blue - y) / (2 - 2 * of_blue), (red - y) / (2 - 2 * of_red)
            step, full = 2 ** (bits - 8), luma_range == "full"
            gains = (2**bits - 1,) * 2 if full else (219 * step, 224 * step)
            codes = (0 if full else 16 * step) + gains[0] * y
            planes = torch.stack([128 * step + gains[1] * c for c in chroma], 1)
            stated = header(matrix=matrix, luma_range=luma_range, bit_depth=bits)
            torch.testing.assert_close(rgb(codes.unsqueeze(1), planes, stated), colours)
    flat = torch.full((1, 2, 2, 3), 128.0)
    assert rgb(torch.full((1, 1, 4, 6), 235.0), flat, header()).allclose(torch.ones(1))


def headers() -> Callable[..., ClipHeader]:
    """Makes headers of clips of 4 x 6 pixels."""
    size = {"height": 4, "width": 6, "channels": 3, "bit_depth": 8}
    stated = {"pixel_format": "yuv444p", "subsampling": "4:4:4", "matrix": "BT.709"}
    rest = {"luma_range": "limited", "rate": None, "frames": 0, "rotation": 0, "interlaced": False}
    return lambda **given: ClipHeader(**(size | stated | rest | given))


def test_an_unknown_matrix_is_not_guessed(tmp_path: Path) -> None:
    """Luma does not need it; what neither file states, the reference's size decides for both."""
    x, _ = luma(2)
    truth, odd = y4m(tmp_path / "x.y4m", x), tmp_path / "odd.mkv"
    with av.open(str(odd), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width = x.shape[1:]
        stream.pix_fmt, stream.codec_context.colorspace = "yuv420p", 7
        for number, frame in enumerate(x):
            picture = av.VideoFrame.from_ndarray(frame.astype(np.uint8), format="gray")
            picture = picture.reformat(format="yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    found = clip_of(evaluate(truth, odd, metrics=["psnr", "lpips"]))
    assert "SMPTE 240M" in found.streams["odd"]
    assert "LPIPS: SMPTE 240M is not converted to RGB, only BT.709" in found.errors["odd"]
    assert set(found.values["odd"]) == {"psnr", "psnr_pooled"}
    large, small = headers()(height=1080, width=1920, matrix=""), headers()(matrix="")
    assert [h.matrix for h in clip_chunks.agreed(large, small)] == ["BT.709"] * 2
    assert [h.matrix for h in clip_chunks.agreed(small, large)] == ["BT.601"] * 2


def test_measures_of_colour_see_chroma(tmp_path: Path) -> None:
    """Two clips of one luma: PSNR does not see what LPIPS sees."""
    x, _ = luma(2)
    reference = y4m(tmp_path / "x.y4m", x)
    content = bytearray(reference.read_bytes())
    content[-x[0].size // 2 :] = bytes(x[0].size // 2)
    (tmp_path / "y.y4m").write_bytes(content)
    found = clip_of(evaluate(reference, tmp_path / "y.y4m", metrics=["psnr", "lpips"]))
    assert found.frames["y"]["psnr"] == [np.inf, np.inf]
    equal, other = found.frames["y"]["lpips"]
    assert equal == 0 < 0.01 < other


class Brightness:
    """A measure of clips: how much brighter the reference has become since the first frame."""

    def __init__(self, *, data_range: float) -> None:
        self.seen: list[Tensor] = []
        self.data_range = data_range

    def update(self, reference: Tensor, distorted: Tensor) -> None:
        assert reference.shape == distorted.shape
        self.seen.append(reference.flatten(1).mean(1) / self.data_range)

    def score(self, *, pooling: str) -> Tensor:
        assert pooling == "none"
        means = torch.cat(self.seen)
        return means - means[0]

    def describe(self) -> str:
        return "brightness of the reference"


def test_a_registered_measure_of_clips_needs_nothing_more(pair: tuple[Path, Path]) -> None:
    def equation(pred: Tensor, target: Tensor) -> Tensor:
        return (pred - target).flatten(1).mean(1)

    measures.Measure(
        "brighter", "Brighter", "", "lower", 0.0, (-1, 1), "", equation, stream=Brightness
    )
    try:
        found = evaluate(*pair, metrics=["brighter"], batch_size=2)
        x = torch.tensor(luma()[0], dtype=torch.float64).flatten(1).mean(1) / 255
        assert clip_of(found).frames["seen"]["brighter"] == pytest.approx(
            (x - x[0]).tolist(), abs=1e-6
        )
        assert "brightness of the reference; mean over frames" in found.metrics[0].description
    finally:
        measures.unregister("brighter")


# --- edges ----------------------------------------------------------------------------------------


def test_one_frame_has_no_motion(tmp_path: Path) -> None:
    x, y = luma(1)
    files = y4m(tmp_path / "x.y4m", x), y4m(tmp_path / "y.y4m", y)
    found = clip_of(evaluate(*files, metrics=["vmaf"]))
    tensors = (torch.tensor(frames, dtype=torch.float32).unsqueeze(1) for frames in (x, y))
    stream = video.VMAFStream()
    stream.update(*tensors)
    assert stream.features()["motion2"].tolist() == [0]
    assert found.values["y"]["vmaf"] == pytest.approx(float(stream.score()))
    assert found.pairing["y"].startswith("1 frame paired")


def test_a_clip_too_small_for_vmaf_still_has_its_psnr(tmp_path: Path) -> None:
    files = [y4m(tmp_path / f"{n}.y4m", frames) for n, frames in enumerate(luma(2, (12, 40)))]
    found = clip_of(evaluate(*files, metrics=["vmaf", "psnr"]))
    assert set(found.values["1"]) == {"psnr", "psnr_pooled"}
    assert "VMAF: reference must have at least 16 pixels a side" in found.errors["1"]


def test_nan_frames_stay_nan() -> None:
    """In the frame itself and, through motion, in its neighbours; no clamp hides them."""
    x, y = (torch.tensor(frames, dtype=torch.float32).unsqueeze(1) for frames in luma())
    y[4, 0, 20, 20] = torch.nan
    assert video.vmaf(x, y, pooling="none").isnan().tolist() == [False] * 4 + [True, False]
    x[2, 0, 20, 20] = torch.nan
    stream = video.VMAFStream()
    for chunk in zip(x.split(3), y.split(3), strict=True):
        stream.update(*chunk)
    scores = stream.score(pooling="none")
    assert scores[2:5].isnan().all()
    assert scores[[0, 5]].isfinite().all()
    assert stream.score().isnan()


def test_exchanged_clips_give_another_number_and_are_named(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pair[0].parent)
    told = {}
    for names in (("truth.y4m", "seen.y4m"), ("seen.y4m", "truth.y4m")):
        result = CliRunner().invoke(app, ["evaluate", *names, "--metrics", "vmaf,psnr"])
        assert result.exit_code == 0, result.output
        assert f"reference {names[0]}: 64x48, yuv420p (chroma 4:2:0, 8 bit, peak" in result.stdout
        assert f"distorted {names[1]}: 64x48, yuv420p (chroma 4:2:0, 8 bit, peak" in result.stdout
        assert "6 frames paired by their order, shown at the same times" in result.stdout
        assert re.search(r"6 of 6 frames, [\d.]+ frames/s", result.stderr)
        told[names[0]] = [line.split()[2] for line in result.stdout.splitlines()[2:5:2]]
    (vmaf, psnr), (other, same) = told.values()
    assert vmaf != other
    assert psnr == same


def test_what_cannot_be_compared_is_said_with_the_way_out(tmp_path: Path) -> None:
    x, y = luma()
    truth = y4m(tmp_path / "truth.y4m", x)
    short, fast = y4m(tmp_path / "short.y4m", y[:4]), y4m(tmp_path / "fast.y4m", y, rate="30:1")
    words = refused(truth, short)
    assert f"short.y4m: has 4 frames, and its reference {truth} has 6; --frames shortest" in words
    found = clip_of(evaluate(truth, short, metrics=["vmaf"], frames="shortest"))
    assert len(found.frames["short"]["vmaf"]) == 4
    assert "the reference is longer, and its last frames are not compared" in found.pairing["short"]
    assert "have 30 and 25 frames per second" in refused(truth, fast)
    found = clip_of(evaluate(truth, fast, metrics=["psnr"], timestamps="ignore"))
    assert "shown up to 0.033 s apart" in found.pairing["fast"]
    deep = y4m(tmp_path / "deep.y4m", luma(bits=10)[1], "420p10")
    assert "have 10 and 8 bit; ffmpeg -i deep.y4m -pix_fmt yuv420p" in refused(truth, deep)
    full, limited = (
        y4m(tmp_path / f"{name}.y4m", x, more=f" XCOLORRANGE={name}")
        for name in ("FULL", "LIMITED")
    )
    assert "have luma in limited and in full range" in refused(full, limited)
    other = y4m(tmp_path / "other.y4m", y, "444")  # Y is what it is
    found = clip_of(evaluate(truth, other, metrics=["psnr"]))
    assert "chroma 4:4:4" in found.streams["other"]
    assert "chroma 4:2:0" in found.streams["reference"]


def test_timestamps_are_compared(tmp_path: Path) -> None:
    """A frame that was dropped, and another one at the end: the counts agree, the pairs do not."""
    x, y = luma()
    truth = encoded(tmp_path / "truth.mkv", x, "ffv1")
    late = encoded(tmp_path / "late.mkv", y, "ffv1", times=[0, 1, 2, 4, 5, 6])
    words = refused(truth, late)
    assert "frame 3 is shown at 0.160 s, and that of its reference" in words
    assert "dropped or repeated frames; --timestamps ignore" in words
    found = clip_of(evaluate(late, truth, metrics=["psnr"], timestamps="ignore"))
    assert "variable frame rate (0.040 to 0.080 s)" in found.pairing["truth"]


def test_formats_without_a_y_plane_are_refused(tmp_path: Path) -> None:
    x, _ = luma(2)
    truth = encoded(tmp_path / "truth.mkv", x, "ffv1")
    for name, codec, pixel_format, words in (
        ("alpha.mkv", "ffv1", "yuva420p", "has alpha (yuva420p)"),
        ("rgb.mkv", "ffv1", "bgr0", "is RGB (bgr0)"),
        ("palette.avi", "msvideo1", "rgb555le", "is RGB ("),
    ):
        other = encoded(tmp_path / name, x, codec, pixel_format)
        assert words in (told := refused(truth, other))
        assert "compare a Y plane; ffmpeg -i" in told


@needs_ffmpeg
def test_rotation_is_stated_or_refused(tmp_path: Path) -> None:
    truth = encoded(tmp_path / "truth.mp4", luma()[0])
    turned = tmp_path / "turned.mp4"
    command = [libvmaf.ffmpeg(), "-v", "error", "-display_rotation", "90", "-i", str(truth)]
    subprocess.run([*command, "-c", "copy", str(turned)], check=True)
    assert "are rotated by 90 and 0 degrees" in refused(truth, turned)
    assert "rotated by 90 degrees, compared as stored" in inspect(turned).words()


def test_damaged_files_are_errors(tmp_path: Path) -> None:
    """Also where FFmpeg silently decodes the rest, as for y4m and Matroska."""
    x, _ = luma(8)
    truth = y4m(tmp_path / "truth.y4m", x)
    (tmp_path / "none.mp4").write_bytes(b"")
    assert "none.mp4: is empty" in refused(truth, tmp_path / "none.mp4")
    (tmp_path / "text.mp4").write_text("no clip")
    assert "is damaged, truncated or not a clip" in refused(truth, tmp_path / "text.mp4")
    head = y4m(tmp_path / "head.y4m", x[:0])
    assert refused(truth, head).count("head.y4m") == 1
    for path in (
        y4m(tmp_path / "a.y4m", x),
        encoded(tmp_path / "a.mkv", x, "ffv1"),
        encoded(tmp_path / "a.mp4", x, options={"movflags": "faststart"}),
    ):
        assert clip_of(evaluate(truth, path, metrics=["psnr"])).values
        content = path.read_bytes()
        for share in (0.6, 0.98):
            cut = tmp_path / f"cut{path.suffix}"
            cut.write_bytes(content[: int(len(content) * share)])
            assert re.search("truncated|damaged", refused(truth, cut)), (path, share)


def test_raw_files_need_size_and_format(tmp_path: Path) -> None:
    x, y = luma(bits=10)
    truth, stated = y4m(tmp_path / "x.y4m", x, "420p10"), y4m(tmp_path / "y.y4m", y, "420p10")
    raw = tmp_path / "y.yuv"
    raw.write_bytes(stated.read_bytes().split(b"\n", 1)[1].replace(b"FRAME\n", b""))
    assert "states neither size nor format: --size 1920x1080" in refused(truth, raw)
    options = {"size": "64x48", "pixel_format": "yuv420p10le"}
    found = evaluate(truth, raw, metrics=["vmaf", "psnr"], **options)
    assert (
        clip_of(found).values == clip_of(evaluate(truth, stated, metrics=["vmaf", "psnr"])).values
    )
    assert "without timestamps" in clip_of(found).pairing["y"]
    words = refused(truth, raw, size="64x64", pixel_format="yuv420p10le")
    assert "holds 4.50 frames of 64x64 yuv420p10le (12288 bytes each)" in words
    for wrong, told in (
        ({"size": "64x48"}, "describe raw .yuv files together"),
        ({"size": "64 48", "pixel_format": "gray"}, "size must be WIDTHxHEIGHT"),
        ({"size": "64x48", "pixel_format": "yuv"}, "pixel_format must be a name of FFmpeg"),
        ({"scale_distorted": "cubic"}, "scale_distorted must be one of 'bicubic'"),
        ({"alpha": "drop"}, "alpha='drop' is for still images"),
    ):
        with pytest.raises(ValueError, match=told):
            evaluate(truth, raw, metrics=["psnr"], **wrong)


def test_without_pyav_the_error_names_the_extra(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'ssimloss\[video\]'"):
        evaluate(*pair)


def test_a_film_is_never_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of clips without an end, two chunks each are decoded ahead, and none once nobody asks."""
    made: Counter[str] = Counter()

    def endless(path: Path, *_: object) -> Generator[Frame, None, None]:
        while True:
            made[path.name] += 1
            yield Frame((np.zeros((4, 6), np.uint8),), made[path.name] / 25)

    monkeypatch.setattr(clip_chunks, "frames", endless)
    files = [(Path(name), headers()(rate=Fraction(25))) for name in ("x", "y")]
    with ThreadPoolExecutor(2) as pool:
        source = clip_chunks.chunks(
            *files, clip_chunks.ClipOptions(at_once=3), pool, clip_chunks.Alignment()
        )
        taken = [next(source) for _ in range(5)]
        source.close()
    assert [chunk.first for chunk in taken] == [0, 3, 6, 9, 12]
    assert all(15 <= number <= 18 for number in made.values())


# --- folders, tables, journal ---------------------------------------------------------------------


def test_folders_are_paired_by_name_and_tables_hold_every_frame(tmp_path: Path) -> None:
    for seed, folder in enumerate(("truth", "ours")):
        (tmp_path / folder).mkdir()
        for name in ("a", "b"):
            y4m(tmp_path / folder / f"{name}.y4m", luma(3 if name == "a" else 5)[seed])
    encoded(tmp_path / "truth" / "lost.mkv", luma(2)[0], "ffv1")
    out = tmp_path / "out"
    files, options = (tmp_path / "truth", tmp_path / "ours"), {"metrics": ["psnr", "ssim"]}
    seen: list[tuple[int, int]] = []
    found = evaluate(*files, **options, out=out, report=False, on_frames=lambda *n: seen.append(n))
    assert [clip.name for clip in found.clips] == ["a", "b"]
    assert seen[0] == (0, 8)
    assert seen[-1] == (8, 8)
    assert "lost.mkv has no file of ours" in found.unmatched[0]
    rows = list(csv.DictReader((out / "per_frame.csv").read_text().splitlines()))
    assert [(row["name"], row["frame"]) for row in rows[2:4]] == [("a", "2"), ("b", "0")]
    assert [float(row["psnr"]) for row in rows[:3]] == found.clips[0].frames["ours"]["psnr"]
    assert Evaluation.from_json((out / "per_clip.json").read_text()) == found
    means = {row.metric: row.mean for row in found.summaries}
    assert means["psnr"] == pytest.approx(
        np.mean([clip.values["ours"]["psnr"] for clip in found.clips])
    )
    again = evaluate(*files, **options, out=out, report=False, resume=True, on_progress=pytest.fail)
    assert again.clips == found.clips
    with pytest.raises(ValueError, match="clips was"):
        evaluate(*files, **options, out=out, resume=True, frames="shortest")


def test_runs_read_clips_alike(pair: tuple[Path, Path], tmp_path: Path) -> None:
    for name, scaler in (("one", None), ("two", "bicubic"), ("three", "lanczos")):
        options = {"metrics": ["psnr"], "scale_distorted": scaler, "report": False}
        evaluate(*pair, out=tmp_path / name, **options)
    for first, words in (("one", "none"), ("three", "lanczos")):
        with pytest.raises(
            ValueError,
            match=rf"same scale_distorted \(--scale-distorted\), got {words} in .* and bicubic in",
        ):
            compare_runs(tmp_path / first, tmp_path / "two")


def test_images_and_clips_are_not_mixed(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    from PIL import Image

    Image.new("L", (64, 48)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"must hold clips like .*, got images"):
        evaluate(pair[0], tmp_path / "a.png")
    Image.new("L", (64, 48), 3).save(tmp_path / "b.png")
    with pytest.raises(ValueError, match=r"frames is for clips, but .* holds still images"):
        evaluate(tmp_path / "a.png", tmp_path / "b.png", frames="shortest")
    with pytest.raises(ValueError, match=r"describe raw [.]yuv files, and none is compared"):
        evaluate(*pair, size="64x48", pixel_format="yuv420p")
    table = tmp_path / "pairs.csv"
    table.write_text("reference,ours\ntruth.y4m,seen.y4m\na.png,b.png\n")
    with pytest.raises(ValueError, match=r"must name images or clips .*, got both"):
        evaluate(table)
