"""Reports of users on metrics, image files and the command line, and the correct behaviour: one
test per report, as in ``test_reports.py``.
"""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torchmetrics
from battery import close
from PIL import Image, ImageCms, PngImagePlugin
from torch import Tensor, nn
from torchmetrics import wrappers

import ssimloss.functional as F
from ssimloss import PerceptualLoss, cli, metrics
from ssimloss.evaluation import Evaluation, compare, evaluate

pytestmark = pytest.mark.usefixtures("one_thread")


# --- metrics --------------------------------------------------------------------------------------


def batch(count: int, side: int = 32, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A smoother, darker copy of noise, and the noise."""
    noise = torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.avg_pool2d(noise, 3, 1, 1) * 0.9, noise


def test_wrappers_of_torchmetrics_and_the_wrong_direction() -> None:
    """torchmetrics 2545, 1428, 2574, 1737: a tracker takes the worst epoch for the best where a
    metric does not say what is better; wrappers handle states behind the metric's back.
    """
    batches = [batch(3, seed=seed) for seed in range(4)]
    psnr = [F.psnr(*images, reduction="image").double() for images in batches]
    collection = torchmetrics.MetricCollection([metrics.PSNR(), metrics.GMSD()])
    tracker = wrappers.MetricTracker(collection, maximize=None)
    running, strapped = wrappers.Running(metrics.PSNR(), window=2), []
    for images in batches:
        tracker.increment()
        tracker.update(*images)
        running.update(*images)
        strapped.append(metrics.PSNR(keep_values=True))
        strapped[-1].update(*images)
    best, epochs = tracker.best_metric(return_step=True)
    values = tracker.compute_all()
    assert best["PSNR"] == pytest.approx(values["PSNR"].max().item())
    assert best["GMSD"] == pytest.approx(values["GMSD"].min().item())
    assert epochs["GMSD"] == values["GMSD"].argmin()
    close(running.compute(), torch.cat(psnr[2:]).mean())
    strapped[0].merge_state(strapped[1])
    close(strapped[0].compute(), torch.cat(psnr[:2]).mean())
    close(strapped[0].values().sort().values, torch.cat(psnr[:2]).sort().values)
    spread = wrappers.BootStrapper(metrics.PSNR(), num_bootstraps=4)
    spread.update(*batches[0])
    assert psnr[0].min() <= spread.compute()["mean"] <= psnr[0].max()
    below = 1 - metrics.SSIM()
    close(below(*batches[0]), 1 - metrics.SSIM()(*batches[0]))


class _Measured(torch.utils.data.Dataset[Tensor]):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Tensor:
        images = batch(1, 64, seed=index)
        return torch.stack(
            [F.ssim(*images), F.l1_loss(*images), F.imresize(images[0], scale=0.5).sum()]
        )


def test_worker_of_a_loader_hangs() -> None:
    """pytorch 45198, 130610: kernels have used their threads, then workers are forked and use
    them, too.
    """
    torch.set_num_threads(2)
    try:
        expected = torch.stack([_Measured()[index] for index in range(4)])
        F.ssim(*batch(8, 128))
        loader = torch.utils.data.DataLoader(
            _Measured(), batch_size=2, num_workers=2, multiprocessing_context="fork", timeout=60
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's own: a fork beside threads
            close(torch.cat(list(loader)), expected, 1e-6)
    finally:
        torch.set_num_threads(1)


@pytest.fixture(params=["float16", "bfloat16", "float64", "autocast", "inference_mode"])
def surroundings(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a program sets for its network."""
    if request.param == "autocast":
        with torch.autocast("cpu", torch.bfloat16):
            yield
    elif request.param == "inference_mode":
        with torch.inference_mode():
            yield
    else:
        torch.set_default_dtype(getattr(torch, request.param))
        yield
        torch.set_default_dtype(torch.float32)


IMAGES = batch(1, 192)
NUMBERS = ("psnr", "ssim", "ms_ssim", "gmsd", "edge", "fourier_magnitude", "embedded")


def _numbers() -> list[Tensor]:
    values = [metrics.measure(name)(*IMAGES) for name in NUMBERS]
    deep = PerceptualLoss("embedded", layers={"conv2_1": 1.0})(*IMAGES)
    return [*values, F.ssim(*IMAGES), F.imresize(IMAGES[0], scale=0.5), deep]


EXPECTED = _numbers()


@pytest.mark.usefixtures("surroundings")
def test_number_depends_on_what_surrounds_the_call() -> None:
    """ignite PR 3034, torchmetrics 2365, pytorch-lightning 6383: a default dtype or autocast that
    was set for the network changes a metric, or breaks it.
    """
    for found, expected in zip(_numbers(), EXPECTED, strict=True):
        assert found.dtype is expected.dtype
        assert torch.equal(found, expected)


class _Grid(nn.Module):
    """A network that keeps what it made for a size, as optical flow keeps its grids."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1)
        self.grids: dict[torch.Size, Tensor] = {}

    def forward(self, image: Tensor) -> Tensor:
        if image.shape not in self.grids:
            self.grids[image.shape] = torch.linspace(0, 1, image.shape[-1])
        return self.layer(image) * self.grids[image.shape]


def test_training_fails_after_a_validation() -> None:
    """diffusers 1658, dinov2 472, ArcticTraining PR 265: "Inference tensors cannot be saved for
    backward": what a network keeps for a size was made in ``torch.inference_mode``.
    """
    network = _Grid()
    metrics.Validator(["psnr"]).run(network, [batch(2)])
    network(batch(2)[0]).sum().backward()
    assert network.layer.weight.grad is not None


# --- files ----------------------------------------------------------------------------------------

PIXELS = np.random.default_rng(0).integers(0, 200, (24, 26, 3), dtype=np.uint8)


def save(path: Path, change: int = 0, **options: object) -> Path:
    """One picture, brighter by ``change``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(PIXELS + np.uint8(change)).save(path, **options)
    return path


def measured(root: Path, reference: str = "gt", distorted: str = "out") -> Evaluation:
    return evaluate(root / reference, {"ours": root / distorted}, metrics=["l1"], workers=1)


def means(found: Evaluation) -> dict[str, float]:
    """Brightness that was added, by name."""
    return {image.name: round(255 * image.values["ours"]["l1"], 6) for image in found.images}


@pytest.mark.parametrize("reason", [errno.EACCES, errno.EIO])
def test_folder_that_cannot_be_listed_is_left_out_of_the_mean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    """lightly PR 660: ``os.walk`` and ``glob`` silently skip what they cannot list, and the mean
    covers the rest.
    """
    for folder in ("gt", "out"):
        for name in ("set5/a.png", "set14/b.png"):
            save(tmp_path / folder / name)
    scandir, listdir = os.scandir, os.listdir

    def refusing(real: Callable[..., object]) -> Callable[..., object]:
        def listed(path: object = ".") -> object:
            if str(path).endswith("set14"):
                raise OSError(reason, os.strerror(reason), str(path))
            return real(path)

        return listed

    monkeypatch.setattr(os, "scandir", refusing(scandir))
    monkeypatch.setattr(os, "listdir", refusing(listdir))
    places = [("gt", "out"), ("gt/*/*.png", "out/*/*.png"), ("gt/**/*.png", "out/**/*.png")]
    for reference, distorted in places:
        with pytest.raises(OSError, match="gt/set14") as raised:
            measured(tmp_path, reference, distorted)
        assert raised.value.errno == reason
    assert means(measured(tmp_path, "gt/set5", "out/set5")) == {"a": 0.0}


def test_folder_called_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RandomFileTree 31, knack PR 153: no shell expands ``ours=~/results``, nor a path of a YAML
    file; a folder ``~`` appears with the only copy of a report or a checkpoint.
    """
    home = tmp_path / "home"
    save(home / "gt/a.png")
    save(home / "out/a.png", 3)
    (home / "pairs.csv").write_text("reference,ours\n~/gt/a.png,~/out/a.png\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ("~/gt", {"ours": "~/out"}), ("~/gt/a.png", {"ours": Path("~/out/a.png")}),
        ("~/gt/*.png", {"ours": "~/out/*.png"}), ("~/pairs.csv",),
    ):  # fmt: skip
        found = evaluate(*arguments, metrics=["l1"], out="~/report", overwrite=True, report=False)
        assert list(means(found).values()) == [3.0]
    compare("~/gt/a.png", "~/out/a.png", metrics=["psnr"]).draw("~/picture.png")
    metrics.BestCheckpoint("~/best.pt", "psnr").update({"psnr": 30.0}, nn.Linear(1, 1))
    assert os.listdir(tmp_path) == ["home"]
    assert {"report", "picture.png", "best.pt"} < set(os.listdir(home))


def test_long_text_in_a_png_is_called_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow 8363, 2445, STAMP PR 76: "Decompressed data too large", of the workflow of a generator
    or of a colour profile; other programs open the file.
    """
    save(tmp_path / "gt/text.png")
    save(tmp_path / "gt/profile.png")
    text = PngImagePlugin.PngInfo()
    text.add_text("workflow", "node " * 500_000, zip=True)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    save(tmp_path / "out/text.png", 2, pnginfo=text)
    save(tmp_path / "out/profile.png", 1, icc_profile=profile + bytes(2_000_000))
    before = PngImagePlugin.MAX_TEXT_CHUNK
    assert means(measured(tmp_path)) == {"profile": 1.0, "text": 2.0}
    assert before == PngImagePlugin.MAX_TEXT_CHUNK
    monkeypatch.setattr(PngImagePlugin, "MAX_TEXT_MEMORY", 100_000)
    with pytest.raises(RuntimeError, match=r"out/text.png: holds more text .* without metadata"):
        measured(tmp_path, "gt/text.png", "out/text.png")


def test_pictures_of_a_browser_are_not_found(tmp_path: Path) -> None:
    """upscayl 888: browsers on Windows save JPEG files as ``.jfif``."""
    for number, suffix in enumerate((".jfif", ".JPE", ".PNG", ".JPG")):
        save(tmp_path / f"gt/{number}.png")
        kind = "PNG" if suffix == ".PNG" else "JPEG"
        save(tmp_path / f"out/{number}{suffix}", format=kind)
    found = measured(tmp_path)
    assert list(means(found)) == ["0", "1", "2", "3"]
    assert not found.unmatched


def test_litter_and_names_with_dots(tmp_path: Path) -> None:
    """openneuro 2520, turicreate 644, gluon-cv 1300; tensorlayer/SRGAN 227: systems leave files of
    their own in folders, and a name that is cut at its first dot or underscore is another's.
    """
    names = ["1223822-12020-07-29_23_23.jpg", "noise_0.25.png", "noise_0.5.png", "img.v1.png"]
    for number, name in enumerate(names):
        save(tmp_path / "gt" / name, format="PNG")
        save(tmp_path / "out" / f"{name[:-4]}.PNG", number)
    for folder in ("gt", "out"):
        for litter in ("._noise_0.5.png", ".DS_Store", "Thumbs.db", "__MACOSX/._img.v1.png"):
            (tmp_path / folder / litter).parent.mkdir(exist_ok=True)
            (tmp_path / folder / litter).write_bytes(b"Mac OS X")
    found = measured(tmp_path)
    assert means(found) == {name[:-4]: float(n) for n, name in enumerate(names)}
    assert [words.rpartition(": ")[2] for words in found.unmatched] == [
        "left out 1 of other kinds (.db)"
    ] * 2


def test_names_that_end_differently_in_both_folders(tmp_path: Path) -> None:
    """BasicSR 71, CAMixerSR 6: ``img_001_SRF_4_HR.png`` and ``img_001_SRF_4_SR.png``, perhaps in
    one folder; compared by their order they are compared at random.
    """
    for number in (1, 2, 11):
        save(tmp_path / f"set14/img_{number}_SRF_4_HR.png")
        save(tmp_path / f"set14/img_{number}_SRF_4_SR.png", number)
    found = measured(tmp_path, "set14/*_HR.png", "set14/*_SR.png")
    assert means(found) == {f"img_{number}_SRF_4": number for number in (1, 11, 2)}


def test_empty_file_and_dead_link_pull_the_mean(tmp_path: Path) -> None:
    """IPT 58 and others: one result of a killed job is an empty file, one a link into a disk that
    is gone; the mean is NaN, or counts a black picture.
    """
    for name in "abc":
        save(tmp_path / "gt" / f"{name}.png")
    save(tmp_path / "out/a.png", 4)
    (tmp_path / "out/b.png").touch()
    (tmp_path / "out/c.png").symlink_to("/nowhere/c.png")
    found = measured(tmp_path)
    errors = {image.name: image.errors["ours"] for image in found.images if image.errors}
    assert errors.keys() == {"b", "c"}
    assert errors["b"].endswith("b.png: is empty")
    assert errors["c"].endswith("c.png: there is no such file")
    (summary,) = found.summaries
    assert (summary.count, round(255 * summary.mean, 6)) == (1, 4.0)


def test_console_without_the_characters_of_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aider 4279, rich 2411, codeflash 55: "UnicodeEncodeError: 'charmap' codec can't encode" of a
    table that goes into a pipe on Windows, after all the work is done.
    """
    save(tmp_path / "gt/a.png")
    save(tmp_path / "a→漢/a.png", 5)
    pipe = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", pipe)
    monkeypatch.setenv("MPLBACKEND", "agg")
    folders = [str(tmp_path / "gt"), str(tmp_path / "a→漢")]
    monkeypatch.setattr(sys, "argv", ["ssimloss", "evaluate", *folders, "--metrics", "psnr"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    pipe.flush()
    assert not ended.value.code
    assert rb"a\u2192\u6f22" in pipe.buffer.getvalue()  # type: ignore[attr-defined]


def test_command_in_a_notebook(tmp_path: Path) -> None:
    """textgen 6815, kohya_ss 2521: a notebook's commands inherit ``MPLBACKEND``, the backend is not
    installed where they run, and matplotlib cannot be imported.
    """
    files = [str(save(tmp_path / "a.png")), str(save(tmp_path / "b.png", 5))]
    picture = tmp_path / "picture.png"
    done = subprocess.run(
        [sys.executable, "-m", "ssimloss.cli", "compare", *files, "--metrics", "psnr",
         "--out", str(picture)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "module://matplotlib_inline.backend_inline"},
        capture_output=True,
        text=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert picture.stat().st_size > 1000


def test_result_is_a_few_pixels_smaller_than_its_reference(tmp_path: Path) -> None:
    """KAIR 72, 95, BasicSR 372, SwinIR 39: the reference was not cut to a multiple of the scale
    before it was shrunk. Papers cut it, at the right and the bottom; to resize either is wrong.
    """
    save(tmp_path / "gt/a.png")
    (tmp_path / "out").mkdir()
    Image.fromarray(PIXELS[:24, :24]).save(tmp_path / "out/a.png")
    with pytest.raises(RuntimeError, match="24x24 and 24x26") as raised:
        evaluate(tmp_path / "gt", tmp_path / "out", protocol="basicsr", scale=4)
    assert "resize" not in str(raised.value)
    assert "crop the reference to 24x24, from its top left corner" in str(raised.value)
    Image.fromarray(PIXELS[:20, :24]).save(tmp_path / "gt/a.png")  # and wider, but less high
    with pytest.raises(RuntimeError, match=r"24x24 and 20x24 .*; resize or crop one of them"):
        evaluate(tmp_path / "gt", tmp_path / "out", protocol="basicsr", scale=4)
