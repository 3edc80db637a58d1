"""SSIMULACRA 2."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from references.basics import Array, Range, span

# Weights that are not 0, in the order of the original code: plane, scale, norm, map.
_SSIMULACRA2_WEIGHTS = {
    1: 0.0007376606707406586,
    4: 0.0007793481682867309,
    7: 0.0004371155730107379,
    9: 1.1041726426657346,
    10: 0.00066284834129271,
    11: 0.00015231632783718752,
    13: 0.0016406437456599754,
    15: 1.8422455520539298,
    16: 11.441172603757666,
    18: 0.0007989109436015163,
    19: 0.000176816438078653,
    21: 1.8787594979546387,
    22: 10.94906990605142,
    24: 0.0007289346991508072,
    25: 0.9677937080626833,
    27: 0.00014003424285435884,
    28: 0.9981766977854967,
    29: 0.00031949755934435053,
    30: 0.0004550992113792063,
    33: 0.0013648766163243398,
    39: 7.466890328078848,
    41: 17.445833984131262,
    42: 0.0006235601634041466,
    45: 6.683678146179332,
    46: 0.00037724407979611296,
    47: 1.027889937768264,
    48: 225.20515300849274,
    51: 19.213238186143016,
    52: 0.0011401524586618361,
    53: 0.001237755635509985,
    54: 176.39317598450694,
    57: 24.43300999870476,
    58: 0.28520802612117757,
    59: 0.0004485436923833408,
    63: 34.77906344483772,
    64: 44.835625328877896,
    73: 0.0008680556573291698,
    79: 0.0005313191874358747,
    81: 0.00016533814161379112,
    87: 0.0004179171803251336,
    88: 0.0017290828234722833,
    90: 0.0020827005846636437,
    93: 8.826982764996862,
    94: 23.19243343998926,
    96: 95.1080498811086,
    97: 0.9863978034400682,
    98: 0.9834382792465353,
    99: 0.0012286405048278493,
    100: 171.2667255897307,
    101: 0.9807858872435379,
    105: 0.0005130064588990679,
    107: 0.00010854057858411537,
}


def linear_light(encoded: Array) -> Array:
    """sRGB in [0, 1] to linear light (IEC 61966-2-1)."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def recursive_gaussian(sigma: float) -> Array:
    """The response of a recursive Gaussian (Charalampidis 2016): cosines that are 0 at +-N, of sum
    1 and variance sigma^2, with the amplitudes nearest to those of the Gaussian.
    """
    radius = round(3.2795 * sigma + 0.2546)
    t = np.arange(-radius, radius + 1)
    omega = np.pi * np.array([1, 3, 5]) / (2 * radius)
    cosines = np.cos(np.outer(omega, t))  # (3, T)
    amplitudes = np.exp(-((sigma * omega) ** 2) / 2) / radius
    conditions = np.stack([cosines.sum(1), (cosines * t**2).sum(1)])
    missing = np.array([1, sigma**2]) - conditions @ amplitudes
    return (amplitudes + np.linalg.pinv(conditions) @ missing) @ cosines


def ssimulacra2(x: Array, y: Array, *, data_range: Range = 1.0) -> Array:
    """SSIMULACRA 2.1 of each image, as ssimulacra2.cc: ``x`` is the distorted one, ``y`` the
    original.
    """
    lo, length = span(data_range)
    taps_1d = recursive_gaussian(1.5)
    window_2d = np.outer(taps_1d, taps_1d)
    values = []
    for pair in zip(x, y, strict=True):
        dist, orig = (
            linear_light(np.broadcast_to((image - lo) / length, (3, *image.shape[1:])))
            for image in pair
        )
        numbers = np.empty((3, 6, 2, 3))  # plane, scale, norm, map
        for scale in range(6):
            if scale:
                dist, orig = _halved_light(dist), _halved_light(orig)
            for plane, (a, b) in enumerate(zip(_xyb(dist), _xyb(orig), strict=True)):
                maps = _ssimulacra2_maps(a, b, window_2d)
                for norm, power in enumerate((1, 4)):
                    means = [np.mean(m**power) ** (1 / power) for m in maps]
                    numbers[plane, scale, norm] = means
        flat = numbers.ravel()
        s = 0.9562382616834844 * sum(w * flat[i] for i, w in _SSIMULACRA2_WEIGHTS.items())
        s = 2.326765642916932 * s - 0.020884521182843837 * s**2 + 6.248496625763138e-05 * s**3
        values.append(100 - 10 * max(s, 0) ** 0.6276336467831387)
    return np.array(values)


def _halved_light(planes: Array) -> Array:
    """Means of 2 x 2 pixels; beyond an odd side, the last one counts twice."""
    _, h, w = planes.shape
    rows, columns = np.arange(0, h, 2), np.arange(0, w, 2)
    below, right = np.minimum(rows + 1, h - 1), np.minimum(columns + 1, w - 1)
    corners = [planes[:, r][:, :, c] for r in (rows, below) for c in (columns, right)]
    return sum(corners) / 4


def _xyb(light: Array) -> Array:
    """Linear RGB ``(3, H, W)`` to X, Y and B - Y of XYB, shifted and scaled to about [0, 1]."""
    rows = [(0.3, 0.622, 0.078), (0.23, 0.692, 0.078)]
    rows.append(
        (
            0.24342268924547819,
            0.20476744424496821,
            1 - sum((0.24342268924547819, 0.20476744424496821)),
        )
    )
    bias = 0.0037930732552754493
    cones = np.cbrt(np.maximum(np.einsum("kc,chw->khw", np.array(rows), light) + bias, 0))
    long, medium, short = cones - np.cbrt(bias)
    x, y = (long - medium) / 2, (long + medium) / 2
    return np.stack([14 * x + 0.42, y + 0.01, short - y + 0.55])


def _ssimulacra2_maps(a: Array, b: Array, window_2d: Array) -> tuple[Array, Array, Array]:
    """Errors of structure, added edges and lost edges of a plane, ``a`` the distorted one."""

    def mean(plane: Array) -> Array:
        padded = np.pad(plane, len(window_2d) // 2)
        return np.einsum("hwij,ij->hw", sliding_window_view(padded, window_2d.shape), window_2d)

    mu_a, mu_b = mean(a), mean(b)
    var_a, var_b, cov = mean(a * a) - mu_a**2, mean(b * b) - mu_b**2, mean(a * b) - mu_a * mu_b
    similarity = (1 - (mu_a - mu_b) ** 2) * (2 * cov + 0.0009) / (var_a + var_b + 0.0009)
    edges = (1 + abs(a - mu_a)) / (1 + abs(b - mu_b)) - 1
    return np.maximum(1 - similarity, 0), np.maximum(edges, 0), np.maximum(-edges, 0)
