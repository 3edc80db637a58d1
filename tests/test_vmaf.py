"""VMAF: features and scores compared with libvmaf and the NumPy reference, clips in chunks, models
from files, gradients, and edge cases.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import libvmaf
import numpy as np
import pytest
import reference
import torch
from torch import Tensor

from ssimloss import video
from ssimloss.video import SVR, VMAFStream, vmaf, vmaf_features

ROOT = Path(__file__).parents[1]
CLIPS = list(libvmaf.clips())
# Of every frame, from libvmaf's float extractors.
TOLERANCE = dict.fromkeys(libvmaf.FEATURES, 1e-3)
TOLERANCE |= {f"vif_scale{s}": 2e-4 for s in range(4)}
TOLERANCE |= {"adm2": 3e-4, "motion": 2e-3, "motion2": 2e-3}
# Of the score, from each model.
SCORES = dict(zip(libvmaf.MODELS, (0.03, 0.10, 0.03, 0.20), strict=True))

needs_libvmaf = pytest.mark.skipif(
    libvmaf.ffmpeg() is None, reason="needs the wheel imageio-ffmpeg, whose ffmpeg has libvmaf"
)


@functools.cache
def clip(name: str, dtype: torch.dtype = torch.float32, depth: int = 8) -> tuple[Tensor, Tensor]:
    """Reference and distorted luma ``(T, 1, H, W)``."""
    return tuple(
        torch.tensor(frames, dtype=dtype).unsqueeze(1) for frames in libvmaf.clips(depth)[name]
    )


def goldens(name: str, model: str) -> dict[str, list[float]]:
    return json.loads(libvmaf.GOLDENS.read_text(encoding="utf-8"))["clips"][name][model]


def name_of(model: str) -> str:
    return "v0.6.1neg" if model.endswith("neg") else "v0.6.1"


def off(found: Tensor, expected: list[float]) -> float:
    """The largest difference of a frame."""
    assert found.shape == (len(expected),)
    return float((found.double() - torch.tensor(expected, dtype=torch.float64)).abs().max())


# --- libvmaf --------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["vmaf_float_v0.6.1", "vmaf_float_v0.6.1neg"])
@pytest.mark.parametrize("name", CLIPS)
def test_features_equal_libvmaf(name: str, model: str) -> None:
    found = vmaf_features(*clip(name), model=name_of(model))
    assert list(found) == list(libvmaf.FEATURES)
    for feature, expected in goldens(name, model).items():
        if feature != "vmaf":
            assert off(found[feature], expected) <= TOLERANCE[feature], feature


@pytest.mark.parametrize("model", libvmaf.MODELS)
@pytest.mark.parametrize("name", CLIPS)
def test_scores_equal_libvmaf(name: str, model: str) -> None:
    expected = goldens(name, model)["vmaf"]
    found = vmaf(*clip(name), model=name_of(model), pooling="none")
    assert off(found, expected) <= SCORES[model]
    mean = vmaf(*clip(name), model=name_of(model))
    assert abs(float(mean) - np.mean(expected)) <= SCORES[model]


def test_goldens_are_of_forty_frames_and_of_motion_that_counts() -> None:
    assert sum(len(pair[0]) for pair in libvmaf.clips().values()) >= 40
    assert max(goldens("pan, blurred", "vmaf_float_v0.6.1")["motion2"]) > 5


@needs_libvmaf
def test_libvmaf_live() -> None:
    """Sizes and depths that the goldens do not have, odd ones among them."""
    for height, width, depth in ((18, 19, 8), (31, 47, 8), (54, 33, 10)):
        frames = [libvmaf.texture(height, width, seed) for seed in (21, 22, 23)]
        pair = np.stack(frames), np.stack([libvmaf.blurred(frame, 1) for frame in frames])
        pair = tuple(frames * 2 ** (depth - 8) for frames in pair)
        luma = [torch.tensor(frames, dtype=torch.float32).unsqueeze(1) for frames in pair]
        expected = libvmaf.measured(*pair, depth=depth)
        found = vmaf_features(*luma, data_range=2**depth - 1)
        for feature in libvmaf.FEATURES:
            assert off(found[feature], [row[feature] for row in expected]) <= TOLERANCE[feature]
        scores = vmaf(*luma, data_range=2**depth - 1, pooling="none")
        assert off(scores, [row["vmaf"] for row in expected]) <= 0.03


def test_ten_bits_equal_libvmaf() -> None:
    """1023 codes are divided by 4, as libvmaf does; of 255/1023 the score would differ."""
    pair = clip("pan, blurred", depth=10)
    expected = json.loads(libvmaf.GOLDENS.read_text(encoding="utf-8"))["10 bit"]
    assert off(vmaf(*pair, data_range=1023.0, pooling="none"), expected) <= 0.03
    quarter = [frames / 4 for frames in pair]
    torch.testing.assert_close(vmaf(*pair, data_range=1023.0), vmaf(*quarter))
    unit = [frames / 255 for frames in quarter]
    torch.testing.assert_close(vmaf(*unit, data_range=1.0), vmaf(*quarter), rtol=1e-5, atol=0)


# --- the NumPy reference --------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [100.0, 1.0])
def test_features_equal_the_reference(limit: float) -> None:
    x, y = (frames[:3, :, :47, :38].double() for frames in clip("noise and contrast"))
    expected = reference.vmaf_features(x[:, 0].numpy(), y[:, 0].numpy(), limit)
    found = vmaf_features(x, y, model="v0.6.1" if limit == 100 else "v0.6.1neg")
    for feature, values in expected.items():
        assert off(found[feature], values) <= 1e-9, feature
    vif = video.vif(x, y, enhancement_gain_limit=limit)
    adm = video.adm(x, y, enhancement_gain_limit=limit)
    assert torch.equal(vif[:, 2], found["vif_scale2"])
    assert torch.equal(adm[:, 0], found["adm2"])
    assert torch.equal(adm[:, 4], found["adm_scale3"])
    moved = video.motion(x)
    assert torch.equal(moved, found["motion"])
    assert torch.equal(video.motion2(moved), found["motion2"])


def test_score_equals_the_reference() -> None:
    model = json.loads((ROOT / "weights/vmaf_v0.6.1.json").read_text(encoding="utf-8"))
    features = goldens("sharpened", "vmaf_float_v0.6.1")
    expected = [
        reference.vmaf_svr(model, {k: v[t] for k, v in features.items()})
        for t in range(len(features["vmaf"]))
    ]
    assert max(expected) > 100  # which libvmaf cuts
    tensors = {k: torch.tensor(v, dtype=torch.float64) for k, v in features.items()}
    assert off(SVR.named("v0.6.1")(tensors), expected) <= 1e-9
    pair = clip("sharpened", torch.float64)
    assert off(vmaf(*pair, pooling="none", clip=False), expected) <= 0.03
    assert vmaf(*pair, pooling="none").max() == 100


# --- clips ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [[10], [1] * 10, [3, 0, 1, 6]], ids=str)
def test_chunks_equal_the_whole(sizes: list[int]) -> None:
    pair = clip("odd size, black frames, a cut", torch.float64)
    stream = VMAFStream(model="v0.6.1neg")
    for chunk in zip(*(frames.split(sizes) for frames in pair), strict=True):
        stream.update(*chunk)
    for feature, values in vmaf_features(*pair, model="v0.6.1neg").items():
        torch.testing.assert_close(stream.features()[feature], values, rtol=1e-12, atol=1e-12)
    for pooling in ("mean", "harmonic", "none"):
        expected = vmaf(*pair, model="v0.6.1neg", pooling=pooling)
        torch.testing.assert_close(stream.score(pooling=pooling), expected, rtol=1e-12, atol=0)
    assert stream.frames == 10
    assert repr(stream) == "<VMAF v0.6.1neg of 10 frames>"
    assert not stream.score().requires_grad


def test_a_stream_refuses_another_size() -> None:
    stream = VMAFStream()
    with pytest.raises(ValueError, match="needs at least one frame"):
        stream.score()
    stream.update(*clip("static"))
    with pytest.raises(
        ValueError, match=r"frames of \(64, 96\) like earlier ones, got \(96, 128\)"
    ):
        stream.update(*clip("pan, blurred"))
    with pytest.raises(ValueError, match="a stream is one clip"):
        stream.update(*(frames[None] for frames in clip("static")))


def test_leading_dimensions_are_clips_of_their_own() -> None:
    pairs = [clip("pan, blurred"), clip("sharpened")]
    batch = [torch.stack([pair[k][:4, :, :64, :96] for pair in pairs]) for k in (0, 1)]
    found = vmaf(*batch, pooling="none")
    assert found.shape == (2, 4)
    for row, pair in zip(found, pairs, strict=True):
        alone = vmaf(*(frames[:4, :, :64, :96] for frames in pair), pooling="none")
        torch.testing.assert_close(row, alone, rtol=1e-6, atol=1e-4)
    assert vmaf(*batch).shape == (2,)
    assert video.vif(batch[0][:, 0], batch[1][:, 0]).shape == (2, 4)


def test_pooling() -> None:
    pair = clip("odd size, black frames, a cut", torch.float64)
    frames = vmaf(*pair, pooling="none")
    torch.testing.assert_close(vmaf(*pair), frames.mean())
    torch.testing.assert_close(vmaf(*pair, pooling="harmonic"), 1 / (1 / (frames + 1)).mean() - 1)


def test_special_frames() -> None:
    """Facts of libvmaf: identical static frames, black frames, one frame."""
    same = clip("identical")[0]
    assert abs(float(vmaf(same, same)) - 97.428) < 1e-3
    assert abs(float(vmaf(same[:1], same[:1])) - 97.428) < 1e-3
    assert vmaf_features(same[:1], same[:1])["motion2"] == 0
    black = torch.zeros(2, 1, 48, 64)
    for other in (black, black + 2):
        found = vmaf_features(black, other)
        assert all((found[f] == 1).all() for f in libvmaf.FEATURES if "motion" not in f)
    noise = 128 + torch.randn(2, 1, 48, 64, generator=torch.Generator().manual_seed(0)) * 90
    assert (vmaf_features(black, noise)["vif_scale0"] < 1).all()
    reversed_ = vmaf(*reversed(clip("sharpened")))
    assert abs(float(reversed_ - vmaf(*clip("sharpened")))) > 1  # the order counts


@pytest.mark.parametrize("which", [0, 1])
def test_nan_stays_nan(which: int) -> None:
    """In the frame itself, and in the motion of its neighbours for the reference."""
    pair = [frames[:4].clone() for frames in clip("pan, blurred")]
    pair[which][1, 0, 40, 40] = torch.nan
    scores = vmaf(*pair, pooling="none")
    assert scores[1].isnan()
    assert scores[3].isfinite()
    assert vmaf(*pair).isnan()


# --- models ---------------------------------------------------------------------------------------


def changed(change: Callable[[dict[str, Any]], object]) -> str:
    model = json.loads((ROOT / "weights/vmaf_v0.6.1.json").read_text(encoding="utf-8"))
    change(model["model_dict"])
    return json.dumps(model)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(feature_names=["Cambi_feature_cambi_score"] * 6), "features cambi"),
        (lambda m: m.update(norm_type="none"), "linear_rescale features, got nu_svr, rbf, none"),
        (lambda m: m.update(model=m["model"].replace("nu_svr", "c_svc")), "got c_svc, rbf"),
        (lambda m: m.pop("slopes"), "not a JSON file of libvmaf .* KeyError 'slopes'"),
        (lambda m: m["slopes"].pop(), "must have one slope and intercept per feature"),
        (lambda m: m["intercepts"].pop(), "must have one slope and intercept per feature"),
        (
            lambda m: m.update(feature_opts_dicts=[{"adm_norm_view_dist": 5.0}]),
            "options .*adm_norm_view_dist",
        ),
    ],
)
def test_other_models_are_refused(
    change: Callable[[dict[str, Any]], object], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "other.json"
    path.write_text(changed(change), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        SVR.read(path)


def test_a_model_of_a_file(tmp_path: Path) -> None:
    """A model with fewer features in another order computes its own definition."""

    def fewer(parts: dict[str, Any]) -> None:
        parts["feature_names"] = ["VMAF_feature_vif_scale2_score", "VMAF_feature_adm2_score"]
        parts["slopes"], parts["intercepts"] = [0.01, 2.0, 1.5], [0.1, -0.5, -0.25]
        head = parts["model"].split("SV\n")[0]
        parts["model"] = f"{head}SV\n1.5 1:0.25 2:0.75\n-0.5 2:0.5\n"
        parts.pop("score_clip")

    path = tmp_path / "mine.json"
    path.write_text(changed(fewer), encoding="utf-8")
    model = SVR.read(path)
    assert repr(model) == "SVR('mine', of vif_scale2, adm2)"
    pair = clip("pan, blurred", torch.float64)
    features = vmaf_features(*pair)
    parts = json.loads(path.read_text(encoding="utf-8"))
    expected = [
        reference.vmaf_svr(parts, {k: float(v[t]) for k, v in features.items()}) for t in range(10)
    ]
    assert off(vmaf(*pair, model=model, pooling="none"), expected) <= 1e-9
    with pytest.raises(RuntimeError, match=r"nowhere\.json cannot be read"):
        SVR.read(tmp_path / "nowhere.json")


# --- gradients ------------------------------------------------------------------------------------


@pytest.mark.parametrize("feature", [*libvmaf.FEATURES, "vmaf", "neg"])
def test_gradient_is_the_derivative(feature: str) -> None:
    """Along a random direction, to both clips."""
    pair = [
        frames[:3, :, :33, :40] + 0.3 * torch.rand(3, 1, 33, 40, dtype=torch.float64)
        for frames in clip("noise and contrast", torch.float64)
    ]

    def value(x: Tensor, y: Tensor) -> Tensor:
        if feature in ("vmaf", "neg"):
            model = "v0.6.1neg" if feature == "neg" else "v0.6.1"
            return vmaf(x, y, model=model, clip=False)
        return vmaf_features(x, y)[feature].sum()

    for k in (0, 1):
        images = [image.clone().requires_grad_(i == k) for i, image in enumerate(pair)]
        result = value(*images)
        if not result.requires_grad:
            assert feature.startswith("motion")
            assert k == 1
            continue
        (gradient,) = torch.autograd.grad(result, images[k])
        direction = gradient.sign() * (0.5 + torch.rand_like(gradient))
        ahead, behind = (
            value(*(im + s * 1e-6 * direction if i == k else im for i, im in enumerate(pair)))
            for s in (1, -1)
        )
        along = (ahead - behind) / 2e-6
        torch.testing.assert_close((gradient * direction).sum(), along, rtol=1e-5, atol=1e-9)


@needs_libvmaf
def test_ascent_raises_the_score_of_libvmaf() -> None:
    reference_frame, blurred = (frames[:1].clone() for frames in clip("pan, blurred"))
    before = libvmaf.measured(*(f[:, 0].numpy() for f in (reference_frame, blurred)))[0]["vmaf"]
    frame = blurred
    for _ in range(25):
        frame = frame.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(vmaf(reference_frame, frame, clip=False), frame)
        frame = (frame + 0.5 * gradient / gradient.abs().mean()).clamp(0, 255)
    rounded = frame.detach().round()
    after = libvmaf.measured(*(f[:, 0].numpy() for f in (reference_frame, rounded)))[0]["vmaf"]
    assert after >= before + 5


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda x: x[..., :15, :], ValueError, r"reference must have at least 16 pixels .*15, 96"),
        (lambda x: x.byte(), TypeError, "reference must be floating point, got torch.uint8"),
        (
            lambda x: x.expand(-1, 3, -1, -1),
            ValueError,
            r"planes, got \(6, 3, 64, 96",
        ),
        (lambda x: x[0], ValueError, r"reference must have shape \(T, 1, H, W\), got \(1, 64, 96"),
        (lambda x: x[0, 0], ValueError, "reference must have shape"),
    ],
)
def test_bad_clips_are_named(
    change: Callable[[Tensor], Tensor], error: type[Exception], message: str
) -> None:
    pair = [change(frames) for frames in clip("static")]
    with pytest.raises(error, match=message):
        vmaf(*pair)


def test_bad_pairs_and_words_are_named() -> None:
    x, y = clip("static")
    cases = [
        (lambda: vmaf(x, y[:3]), r"distorted must have the shape of reference \(6, 1, 64, 96\)"),
        (lambda: vmaf(x, y.to("meta")), "distorted must be on the device of reference, cpu"),
        (lambda: vmaf(x, y, model="v1"), "model must be one of 'v0.6.1', 'v0.6.1neg', got 'v1'"),
        (lambda: vmaf(x, y, pooling="max"), "pooling must be one of 'mean', 'harmonic', 'none'"),
        (lambda: vmaf(x[:0], y[:0]), "reference must have at least one frame"),
        (lambda: video.vif(x, y, enhancement_gain_limit=0.5), "at least 1, .* got 0.5"),
    ]
    for call, message in cases:
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="model must be a name or an SVR, got int"):
        vmaf(x, y, model=1)
    assert vmaf(x[:0], y[:0], pooling="none").shape == (0,)
