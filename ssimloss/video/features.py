"""The elementary features of VMAF, for whole clips and for films that come in chunks."""

import math

import torch
from torch import Tensor

from ssimloss._checks import DataRange
from ssimloss._precision import full_precision, promote
from ssimloss.kernels import Backend, check_backend
from ssimloss.video._planes import check_pair, codes
from ssimloss.video.adm import adm_of
from ssimloss.video.motion import motion2, motion_of
from ssimloss.video.svr import FEATURES, Model, model_of
from ssimloss.video.vif import vif_of


@full_precision
def vmaf_features(
    reference: Tensor,
    distorted: Tensor,
    *,
    model: Model = "v0.6.1",
    data_range: DataRange = 255.0,
    backend: Backend = "auto",
) -> dict[str, Tensor]:
    """Compute the features of each frame: ``vif_scale0`` .. ``vif_scale3``, ``adm2``,
    ``adm_scale0`` .. ``adm_scale3``, ``motion`` and ``motion2``.

    Args:
        reference, distorted: float luma ``(..., T, 1, H, W)`` with values in ``data_range``, at
            least 16 pixels a side.
        model: ``"v0.6.1"``, ``"v0.6.1neg"`` or an :class:`SVR`. Features use its gain limit.
        data_range: 255, 1023, 4095 and 65535 are codes of 8, 10, 12 and 16 bits, which are divided
            by ``2^(bits - 8)`` as in libvmaf; any other range is scaled to 255.
        backend: backend of VIF and ADM: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A dict of name -> ``(..., T)``, in float32 at least.

    Raises:
        ValueError: shapes differ, there is more than one channel, a side has fewer than 16 pixels,
            or the model is unknown.
        TypeError: tensors have integers.

    Source: Li et al., "Toward a practical perceptual video quality metric", 2016. Agrees with the
    float extractors of libvmaf 3: vif 2e-4, adm2 3e-4, adm_scale 1e-3, motion 2e-3.
    """
    check_pair(reference, distorted, frames=True)
    check_backend(backend)
    limit = model_of(model).enhancement_gain_limit
    x, y = promote(
        codes(reference, data_range, "reference"), codes(distorted, data_range, "distorted")
    )
    return features_of(x.reshape(reference.shape), y.reshape(reference.shape), limit, backend)


def features_of(x: Tensor, y: Tensor, limit: float, backend: Backend) -> dict[str, Tensor]:
    """Name -> ``(..., T)`` for clips of codes ``(..., T, 1, H, W)``, the reference first."""
    found = spatial_features(x, y, limit, backend)
    if x.shape[-4] == 1:  # nothing moves
        found["motion"] = torch.zeros_like(found["adm2"])
    else:
        found["motion"] = motion_of(x, backend)
    found["motion2"] = motion2(found["motion"])
    return {name: found[name] for name in FEATURES}


def spatial_features(x: Tensor, y: Tensor, limit: float, backend: Backend) -> dict[str, Tensor]:
    """Name -> ``(...)`` for frames of codes ``(..., 1, H, W)``: all features except motion."""
    leading = x.shape[:-3]
    x, y = (planes.reshape(math.prod(leading), *planes.shape[-3:]) for planes in (x, y))
    found: dict[str, Tensor] = {}
    for names, feature in ((FEATURES[:4], vif_of), (FEATURES[4:9], adm_of)):
        values = feature(x, y, limit, backend).reshape(*leading, len(names))
        found.update(dict(zip(names, values.unbind(-1), strict=True)))
    return found
