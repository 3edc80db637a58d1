"""Features of VMAF, and its regression."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from references.basics import Array, window

# Feature windows, wavelet and viewing conditions of VMAF v0.6.1; codes of 8 bits.
_DB2_LOW = (0.482962913144690, 0.836516303737469, 0.224143868041857, -0.129409522550921)


_DB2_HIGH = (-0.129409522550921, -0.224143868041857, 0.836516303737469, -0.482962913144690)


_MOTION_WINDOW = (0.054488685, 0.244201342, 0.402619947, 0.244201342, 0.054488685)


# Amplitudes of the 9-7 basis functions (Watson, Yang, Solomon & Villasenor 1997): H and V, D.
_AMPLITUDES = (
    (0.67234, 0.72709),
    (0.41317, 0.49428),
    (0.22727, 0.28688),
    (0.11792, 0.15214),
)


def _mirrored(length: int, before: int, after: int, far: str) -> Array:
    """Indices of an axis extended by mirroring: without the edge at the near end, and at the far
    end without ("reflect") or with it ("symmetric").
    """
    indices = []
    for i in range(-before, length + after):
        if i < 0:
            indices.append(min(-i, length - 1))
        elif i >= length:
            indices.append(2 * length - 2 - i if far == "reflect" else 2 * length - 1 - i)
        else:
            indices.append(i)
    return np.array(indices)


def _weighted(image: Array, taps: Sequence[float]) -> Array:
    """Separable window over ``(H, W)``, mirrored without the edge at all sides."""
    half = len(taps) // 2
    rows = _mirrored(image.shape[0], half, half, "reflect")
    columns = _mirrored(image.shape[1], half, half, "reflect")
    wide = image[np.ix_(rows, columns)]
    h, w = image.shape
    total = np.zeros_like(image)
    for i, a in enumerate(taps):
        for j, b in enumerate(taps):
            total += a * b * wide[i : i + h, j : j + w]
    return total


def vmaf_vif(ref: Array, dist: Array, gain_limit: float = 100.0) -> list[float]:
    """VIF of one frame ``(H, W)`` at four scales, as VMAF defines it."""
    x, y = ref - 128.0, dist - 128.0
    found = []
    for scale in range(4):
        size = 2 ** (4 - scale) + 1
        taps = window("gaussian", size, size / 5)
        if scale:
            half = tuple(side // 2 for side in x.shape)
            x, y = (_weighted(i, taps)[::2, ::2][: half[0], : half[1]] for i in (x, y))
        mu_x, mu_y = _weighted(x, taps), _weighted(y, taps)
        var_x = np.maximum(_weighted(x * x, taps) - mu_x**2, 0)
        var_y = np.maximum(_weighted(y * y, taps) - mu_y**2, 0)
        cov = _weighted(x * y, taps) - mu_x * mu_y
        num = np.zeros_like(x)
        den = np.zeros_like(x)
        for at in np.ndindex(x.shape):
            s1, s2, s12 = var_x[at], var_y[at], cov[at]
            if s1 < 2.0:
                num[at], den[at] = 1 - s2 * 4 / 65025, 1.0
                continue
            g, noise = s12 / (s1 + 1e-10), 0.0
            noise = s2 - g * s12
            if s2 < 1e-10:
                g, noise = 0.0, 0.0
            if g < 0:
                g, noise = 0.0, s2
            noise, g = max(noise, 1e-10), min(g, gain_limit)
            num[at] = 0.0 if s12 < 0 else math.log2(1 + g * g * s1 / (noise + 2.0))
            den[at] = math.log2(1 + s1 / 2.0)
        found.append(float(num.sum() / den.sum()))
    return found


def _db2(image: Array) -> tuple[Array, Array, Array, Array]:
    """One level of the wavelet: approximation, then bands H (rows high), V (columns high), D."""
    h, w = image.shape
    rows = _mirrored(h, 1, 2, "symmetric")
    columns = _mirrored(w, 1, 2, "symmetric")
    bands = []
    for down, across in (
        (_DB2_LOW, _DB2_LOW),
        (_DB2_HIGH, _DB2_LOW),
        (_DB2_LOW, _DB2_HIGH),
        (_DB2_HIGH, _DB2_HIGH),
    ):
        lines = np.stack(
            [sum(down[k] * image[rows[2 * i + k]] for k in range(4)) for i in range((h + 1) // 2)]
        )
        bands.append(
            np.stack(
                [
                    sum(across[k] * lines[:, columns[2 * i + k]] for k in range(4))
                    for i in range((w + 1) // 2)
                ],
                axis=1,
            )
        )
    return tuple(bands)


def vmaf_adm(ref: Array, dist: Array, gain_limit: float = 100.0) -> tuple[float, list[float]]:
    """ADM of one frame ``(H, W)``: ``adm2``, and the values of its four scales."""
    x, y = ref - 128.0, dist - 128.0
    distance = 3.0 * 1080 * math.pi / 180  # pixels per degree
    nums, dens = [], []
    for scale in range(4):
        (x, *of_x), (y, *of_y) = _db2(x), _db2(y)
        weights = []
        for band in range(3):
            orientation = 0.534 if band == 2 else 1.0
            octave = math.log10(2 ** (scale + 1) * 0.401 * orientation / distance)
            quantum = 2 * 0.495 * 10 ** (0.466 * octave**2) / _AMPLITUDES[scale][band == 2]
            weights.append(1 / quantum)
        h, w = x.shape
        restored = [
            np.clip(t, np.minimum(o, 0), np.maximum(o, 0)) for o, t in zip(of_x, of_y, strict=True)
        ]
        dot = of_x[0] * of_y[0] + of_x[1] * of_y[1]
        norms = (of_x[0] ** 2 + of_x[1] ** 2) * (of_y[0] ** 2 + of_y[1] ** 2)
        same = (dot >= 0) & (dot**2 >= math.cos(math.pi / 180) ** 2 * norms)
        for r, t in zip(restored, of_y, strict=True):
            for at in zip(*np.nonzero(same), strict=True):
                if r[at] > 0:
                    r[at] = min(gain_limit * r[at], t[at])
                elif r[at] < 0:
                    r[at] = max(gain_limit * r[at], t[at])
        added = sum(f * np.abs(t - r) for f, t, r in zip(weights, of_y, restored, strict=True))
        wide = added[np.ix_(_mirrored(h, 1, 1, "symmetric"), _mirrored(w, 1, 1, "symmetric"))]
        threshold = added / 30
        for i, j in itertools.product(range(3), range(3)):
            threshold = threshold + wide[i : i + h, j : j + w] / 30
        top, left = int(h * 0.1 - 0.5), int(w * 0.1 - 0.5)
        inside = (slice(top, h - top), slice(left, w - left))
        constant = ((h - 2 * top) * (w - 2 * left) / 32) ** (1 / 3)
        num = den = 0.0
        for f, o, r in zip(weights, of_x, restored, strict=True):
            masked = np.maximum(np.abs(f * r) - threshold, 0)[inside]
            num += (masked**3).sum() ** (1 / 3) + constant
            den += (np.abs(f * o)[inside] ** 3).sum() ** (1 / 3) + constant
        nums.append(num)
        dens.append(den)
    return sum(nums) / sum(dens), [n / d for n, d in zip(nums, dens, strict=True)]


def vmaf_motion(frames: Array) -> tuple[list[float], list[float]]:
    """``motion`` and ``motion2`` of reference frames ``(T, H, W)``."""
    blurred = [_weighted(frame - 128.0, _MOTION_WINDOW) for frame in frames]
    motion = [0.0]
    motion += [float(np.abs(b - a).mean()) for a, b in itertools.pairwise(blurred)]
    later = [*motion[1:], motion[-1]]
    return motion, [0.0] + [min(one, two) for one, two in zip(motion[1:], later[1:], strict=True)]


def vmaf_svr(model: dict, features: dict[str, float]) -> float:
    """The unclipped score of a model file of libvmaf for the features of one frame."""
    parts = model["model_dict"]
    lines = parts["model"].split("\n")
    head = dict(line.split(" ", 1) for line in lines[: lines.index("SV")])
    slopes, intercepts = parts["slopes"], parts["intercepts"]
    x = [
        slopes[i + 1] * features[name.rsplit("feature_", 1)[1].removesuffix("_score")]
        + intercepts[i + 1]
        for i, name in enumerate(parts["feature_names"])
    ]
    y = -float(head["rho"])
    for line in lines[lines.index("SV") + 1 :]:
        if not line.strip():
            continue
        coefficient, *entries = line.split()
        vector = [0.0] * len(x)
        for entry in entries:
            index, value = entry.split(":")
            vector[int(index) - 1] = float(value)
        distance = sum((a - b) ** 2 for a, b in zip(vector, x, strict=True))
        y += float(coefficient) * math.exp(-float(head["gamma"]) * distance)
    return (y - intercepts[0]) / slopes[0]


def vmaf_features(ref: Array, dist: Array, gain_limit: float = 100.0) -> dict[str, list[float]]:
    """Every feature of clips ``(T, H, W)`` of 8-bit codes, a list over frames each."""
    motion, motion2 = vmaf_motion(ref)
    found: dict[str, list[float]] = {"motion": motion, "motion2": motion2}
    for x, y in zip(ref, dist, strict=True):
        adm2, adm_scales = vmaf_adm(x, y, gain_limit)
        row = {"adm2": adm2}
        row |= {f"adm_scale{s}": value for s, value in enumerate(adm_scales)}
        row |= {f"vif_scale{s}": v for s, v in enumerate(vmaf_vif(x, y, gain_limit))}
        for name, value in row.items():
            found.setdefault(name, []).append(value)
    return found
