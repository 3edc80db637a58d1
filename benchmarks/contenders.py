"""The functions timed for each definition: ours, and that of each library that computes the same
value.

Libraries differ in borders and in how they halve odd sizes. A definition groups libraries whose
options allow the same computation. If a detail of a library cannot be changed, ``ours_alike`` is
our function with that detail, and the library's output must equal it.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

import ssimloss.functional as F
from ssimloss.kernels import scratch_bytes, why_not

Score = Callable[[Tensor, Tensor], Tensor]
Shape = tuple[int, int, int, int]

OURS = "ssimloss"


@dataclass(frozen=True)
class Peer:
    """One library's score, and ours with the details that the library fixes (``None``: ours as
    timed).
    """

    score: Score
    ours_alike: Score | None = None


@dataclass(frozen=True)
class Definition:
    """A definition and the libraries that compute it."""

    name: str
    title: str
    ours: Score
    peers: dict[str, Peer] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)  # library -> why it is not timed here
    taps: int = 11
    scales: int = 1


def installed(library: str) -> bool:
    """Whether the library can be imported; ``pip install 'ssimloss[bench]'`` installs all."""
    return importlib.util.find_spec(library.replace("-", "_")) is not None


def version(library: str) -> str:
    """The installed version of a distribution."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def definitions(shape: Shape, *, compiled: bool = False) -> list[Definition]:
    """SSIM, MS-SSIM and distances per pixel in the definitions that the libraries share, for images
    of this shape.
    """
    found = [_ssim_valid(), _ssim_reflect(), *_ms_ssim(shape), _l1(), _charbonnier(), _mixed()]
    return [_with_compiled(definition) for definition in found] if compiled else found


def _ssim_valid() -> Definition:
    peers: dict[str, Peer] = {}
    if installed("pytorch-msssim"):
        from pytorch_msssim import ssim

        peers["pytorch-msssim"] = Peer(partial(ssim, data_range=1.0))
    if installed("piq"):
        import piq

        peers["piq"] = Peer(partial(piq.ssim, data_range=1.0, downsample=False))
    if installed("kornia"):
        import kornia

        peers["kornia"] = Peer(
            lambda pred, target: kornia.metrics.ssim(
                pred, target, 11, max_val=1.0, padding="valid"
            ).mean()
        )
    return Definition(
        "ssim",
        "SSIM, Gaussian 11 taps, sigma 1.5, whole windows only, population covariance",
        F.ssim,
        peers,
        {"torchmetrics": "has mirrored borders only, see below"},
    )


def _ssim_reflect() -> Definition:
    peers: dict[str, Peer] = {}
    if installed("torchmetrics"):
        from torchmetrics.functional.image import structural_similarity_index_measure

        peers["torchmetrics"] = Peer(partial(structural_similarity_index_measure, data_range=1.0))
    if installed("kornia"):
        import kornia

        peers["kornia"] = Peer(
            lambda pred, target: kornia.metrics.ssim(
                pred, target, 11, max_val=1.0, padding="same"
            ).mean()
        )
    return Definition(
        "ssim_reflect",
        "SSIM as above with mirrored borders, the map as large as the images",
        partial(F.ssim, padding="reflect"),
        peers,
        {"pytorch-msssim": "has whole windows only", "piq": "has whole windows only"},
    )


def _ms_ssim(shape: Shape) -> list[Definition]:
    weights: tuple[float, ...] = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    while min(shape[2:]) < 11 * 2 ** (len(weights) - 1):
        weights = weights[:-1]
    scales = len(weights)
    # As the other libraries must be configured: without the scales that do not fit.
    if scales < 5:
        total = sum(weights)
        weights = tuple(weight / total for weight in weights)
    ours = partial(F.ms_ssim, scale_weights=weights)

    peers: dict[str, Peer] = {}
    absent = {
        "kornia": "has MS-SSIM only as part of a mixed loss",
        "torchmetrics": "multiplies over all channels at once, see below",
    }
    if min(shape[2:]) <= 160:
        absent["pytorch-msssim"] = (
            "refuses images of up to 160 pixels, whatever the number of scales"
        )
    elif installed("pytorch-msssim"):
        from pytorch_msssim import ms_ssim

        peers["pytorch-msssim"] = Peer(
            partial(ms_ssim, data_range=1.0, weights=list(weights)),
            partial(ours, pooling="zeros", negative="relu"),
        )
    if installed("piq"):
        import piq

        peers["piq"] = Peer(
            lambda pred, target: piq.multi_scale_ssim(
                pred, target, data_range=1.0, scale_weights=torch.tensor(weights)
            ),
            partial(ours, pooling="replicate", negative="relu"),
        )
    separate = Definition(
        "ms_ssim",
        "MS-SSIM, five scales (of 128 pixels: the four that fit), the product taken per channel",
        ours,
        peers,
        absent,
        scales=scales,
    )
    if not installed("torchmetrics"):
        return [separate]
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

    joint = partial(ours, channels="joint", coarsest_padding="reflect", negative="relu")
    score = partial(multiscale_structural_similarity_index_measure, data_range=1.0, betas=weights)
    return [
        separate,
        Definition(
            "ms_ssim_joint",
            "MS-SSIM, five scales (of 128 pixels: the four that fit), the product over all "
            "channels at once, coarsest scale mirrored",
            joint,
            {"torchmetrics": Peer(score)},
            scales=scales,
        ),
    ]


def _l1() -> Definition:
    plain = torch.nn.functional.l1_loss
    return Definition("l1", "L1, mean over all pixels", F.l1_loss, {"torch": Peer(plain)}, taps=0)


def _charbonnier() -> Definition:
    def plain(pred: Tensor, target: Tensor) -> Tensor:
        return torch.sqrt((pred - target) ** 2 + 1e-6).mean()

    return Definition(
        "charbonnier",
        "Charbonnier, eps 1e-3, mean over all pixels",
        partial(F.charbonnier_loss, eps=1e-3),
        {"torch": Peer(plain)},
        taps=0,
    )


def _mixed() -> Definition:
    peers: dict[str, Peer] = {}
    if installed("pytorch-msssim"):
        from pytorch_msssim import ssim

        def mixed(pred: Tensor, target: Tensor) -> Tensor:
            similarity: Tensor = ssim(pred, target, data_range=1.0)
            return 0.8 * torch.nn.functional.l1_loss(pred, target) + 0.2 * (1 - similarity)

        peers["pytorch-msssim"] = Peer(mixed)
    return Definition(
        "ssim_l1",
        "0.8 L1 + 0.2 (1 - SSIM), whole windows only, as in Gaussian splatting",
        partial(F.ssim_l1_loss, padding="valid"),
        peers,
    )


def native_bytes(definition: Definition, shape: Shape) -> int:
    """The most memory of our native library during a call, besides PyTorch's allocations: working
    memory of each thread and, for a pyramid, the coarser scales of as many planes as fit into 768
    KiB per thread, or of one large plane."""
    if why_not("cpu") is not None or definition.taps == 0:
        return 0
    threads = torch.get_num_threads()
    # x, y and the gradient from scale 2 on, 1/12 of the plane each.
    plane = 4 * shape[2] * shape[3] // 4
    coarser = max(threads * (3 << 18), plane) if definition.scales > 1 else 0
    return scratch_bytes() * threads + coarser


def _with_compiled(definition: Definition) -> Definition:
    """The same with ``torch.compile`` applied to pytorch-msssim and to ours, for each shape."""
    torch.compiler.reset()
    compile_for_shape = partial(torch.compile, dynamic=False)
    peers = dict(definition.peers)
    peers[f"{OURS} (compiled)"] = Peer(compile_for_shape(definition.ours))
    for library in ("pytorch-msssim", "torch"):
        if library in peers:
            plain = peers[library]
            peers[f"{library} (compiled)"] = Peer(compile_for_shape(plain.score), plain.ours_alike)
    return Definition(**{**vars(definition), "peers": peers})


def images(shape: Shape, device: torch.device, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Two float32 images in [0, 1] with structure at all scales, one the degraded copy of the
    other.
    """
    generator = torch.Generator().manual_seed(seed)
    n, c, height, width = shape

    def clouds() -> Tensor:
        total = torch.zeros(shape)
        for octave in range(2, 9):
            coarse = torch.rand(n, c, 2**octave, 2**octave, generator=generator) - 0.5
            total += (
                torch.nn.functional.interpolate(
                    coarse, size=(height, width), mode="bilinear", antialias=True
                )
                / octave
            )
        return total

    target = (0.5 + 0.5 * clouds()).clamp(0, 1)
    pred = (
        0.95 * target + 0.02 + 0.1 * clouds() + 0.02 * torch.randn(shape, generator=generator)
    ).clamp(0, 1)
    return pred.to(device), target.to(device)


# float32 in both: libraries that do not centre before squaring lose a few digits, and
# pytorch-msssim's window is built in float32.
VALUE_TOLERANCE = 2e-5
GRADIENT_TOLERANCE = 5e-3  # relative L2


def difference(peer: Peer, ours: Score, pred: Tensor, target: Tensor) -> tuple[float, float]:
    """How far a library's value and gradient are from ours with the same details: absolute, and
    relative L2.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values, gradients = zip(
            *(
                _value_and_gradient(score, pred, target)
                for score in (peer.score, peer.ours_alike or ours)
            ),
            strict=True,
        )
    norm = torch.linalg.vector_norm(gradients[1])
    return abs(float(values[0] - values[1])), float(
        torch.linalg.vector_norm(gradients[0] - gradients[1]) / norm
    )


def _value_and_gradient(score: Score, pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    pred = pred.detach().requires_grad_()
    value = score(pred, target)
    return value.detach().double(), torch.autograd.grad(value, pred)[0].double()
