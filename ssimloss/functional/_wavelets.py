"""Filters of wavelets: the low-pass and high-pass taps of the analysis.

Orthonormal ones are those of Daubechies, "Ten lectures on wavelets", 1992; the biorthogonal pair is
that of JPEG 2000 (Cohen, Daubechies & Feauveau 1992).
"""

import math
from typing import Literal, get_args

WaveletName = Literal["haar", "db2", "db4", "sym7", "sym19", "cdf97"]
WAVELETS: tuple[str, ...] = get_args(WaveletName)

_ROOT_3 = math.sqrt(3)

# Scaling filters h of orthonormal wavelets, of sum sqrt(2): Daubechies, "Ten lectures on wavelets",
# 1992, tables 6.1 and 6.3, with the digits of PyWavelets 1.9.
_SCALING: dict[str, tuple[float, ...]] = {
    "haar": (math.sqrt(0.5),) * 2,
    "db2": tuple(
        value / math.sqrt(32) for value in (1 + _ROOT_3, 3 + _ROOT_3, 3 - _ROOT_3, 1 - _ROOT_3)
    ),
    "db4": (
        0.2303778133088965,
        0.7148465705529157,
        0.6308807679298589,
        -0.027983769416859854,
        -0.18703481171909309,
        0.030841381835560764,
        0.0328830116668852,
        -0.010597401785069032,
    ),
    "sym7": (
        0.010268176708511255,
        0.004010244871533663,
        -0.10780823770381774,
        -0.14004724044296152,
        0.2886296317515146,
        0.767764317003164,
        0.5361019170917628,
        0.017441255086855827,
        -0.049552834937127255,
        0.0678926935013727,
        0.03051551316596357,
        -0.01263630340325193,
        -0.0010473848886829163,
        0.002681814568257878,
    ),
    "sym19": (
        1.7509367995348687e-06,
        2.0623170632395688e-06,
        -2.8151138661550245e-05,
        -1.6821387029373716e-05,
        0.0002762187768573407,
        0.00012930767650701415,
        -0.0017049602611649971,
        -0.0006179223277983108,
        0.008262236955528255,
        0.004319351874894969,
        -0.02770989693131125,
        -0.016908234861345205,
        0.08407267627924504,
        0.09363084341589714,
        -0.11624173010739675,
        -0.17659686625203097,
        0.2582661692372836,
        0.7195555257163943,
        0.578144945338605,
        0.10902582508127781,
        -0.06752505804029409,
        0.008954591173043624,
        0.0070155738571741596,
        -0.046635983534938946,
        -0.02265199337824595,
        0.01579743929567463,
        0.007968438320613306,
        -0.005122205002583014,
        -0.0011607032572062486,
        0.0021214250281823303,
        0.00015915804768084938,
        -0.000635764515004334,
        -4.612039600210587e-05,
        0.0001155392333357879,
        8.873312173729286e-06,
        -1.1880518269823984e-05,
        -6.463651303345963e-07,
        5.487732768215838e-07,
    ),
}
# The biorthogonal pair of JPEG 2000: Cohen, Daubechies & Feauveau 1992, table 6.2. Both are
# symmetric; the zeros bring them to one even length.
_CDF97_LOW = (0.03782845550726404, -0.023849465019556843, -0.11062440441843718, 0.37740285561283066)
_CDF97_HIGH = (-0.06453888262869706, 0.04068941760916406, 0.41809227322161724)


def filters(wavelet: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Low-pass and high-pass taps, as they are correlated with the image."""
    if wavelet == "cdf97":
        symmetric = (*_CDF97_LOW, 0.8526986790088938, *_CDF97_LOW[::-1], 0.0)
        return symmetric, (0.0, 0.0, *_CDF97_HIGH, -0.7884856164055829, *_CDF97_HIGH[::-1], 0.0)
    low = _SCALING[wavelet]
    return low, tuple([-tap if t % 2 else tap for t, tap in enumerate(reversed(low))])
