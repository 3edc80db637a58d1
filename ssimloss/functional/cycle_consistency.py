"""Cycle consistency: an image translated to the other domain and back equals the original.

sum over domains of d(F(G(x)), x) + w d(F(x), x), and for super-resolution d(shrunk(SR(y)), y).
Zhu et al. 2017 (CycleGAN, eq. 2 and section 5.2); Yuan et al. 2018 (CinCGAN) for super-resolution.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import full_precision, native_dtype
from ssimloss.functional.charbonnier import charbonnier_loss
from ssimloss.functional.l1 import l1_loss
from ssimloss.functional.l2 import l2_loss
from ssimloss.functional.ssim import ssim_loss
from ssimloss.measure import Measure
from ssimloss.resize import resampled

DistanceWord = Literal["l1", "l2", "charbonnier", "ssim"]
DISTANCE_WORDS: tuple[str, ...] = get_args(DistanceWord)
Images = Tensor | Sequence[Tensor]
_OF_WORD: dict[str, Callable[..., Tensor]] = {
    "l1": l1_loss,
    "l2": l2_loss,
    "charbonnier": charbonnier_loss,
}


class CycleConsistencyOptions(Reduced, Ranged):
    """Options of cycle consistency.

    Args:
        distance: ``"l1"``, ``"l2"``, ``"charbonnier"``, ``"ssim"`` (``1 - ssim``), or a callable of
            ``(pred, target)``, such as another loss of this library. A callable gets the images
            unchanged, and reduces by itself.
        identity_weight: weight of the identity term; the reconstruction has the weight 1.
        downscale: shrinks ``pred`` before the comparison: a factor (antialiased bicubic,
            :func:`imresize`), or a network or another callable from images to images. A network is
            called as it is, under the user's autocast, and gets a gradient unless it is frozen.
        data_range: data range of the images, for ``"ssim"``.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``, for each direction; ``"none"``
            only for a single direction.
    """

    distance: DistanceWord | Callable[..., Tensor] = "l1"
    identity_weight: float = 0.5
    downscale: float | Callable[[Tensor], Tensor] | None = None

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _check_distance(self.distance)
        _checks.non_negative("identity_weight", self.identity_weight)
        _check_downscale(self.downscale)
        if callable(self.distance) and self.reduction != "mean":
            raise ValueError(
                'reduction must be "mean" with a callable distance, which reduces by itself, '
                f"got {self.reduction!r}; set it in that distance"
            )

    @property
    def range_in_use(self) -> None:
        """None: any range is accepted; SSIM checks its images itself."""


def _check_distance(distance: object) -> None:
    if isinstance(distance, type):
        raise TypeError(
            f"distance is the class {distance.__name__}, not a loss; build it: "
            f"distance={distance.__name__}()"
        )
    if isinstance(distance, str):
        _checks.choice("distance", distance, DISTANCE_WORDS)
    elif not callable(distance):
        words = ", ".join(map(repr, DISTANCE_WORDS))
        raise TypeError(
            f"distance must be one of {words} or a callable of (pred, target), got "
            f"{type(distance).__name__}"
        )
    elif getattr(distance, "is_differentiable", None) is False:  # a metric of torchmetrics
        kind = type(distance)
        raise TypeError(
            f"distance must have a gradient, and the metric {kind.__module__}.{kind.__name__} has "
            "none; pass a loss, such as ssimloss.LPIPS() for ssimloss.metrics.LPIPS()"
        )


def _check_downscale(downscale: object) -> None:
    if isinstance(downscale, type):
        raise TypeError(
            f"downscale is the class {downscale.__name__}, not a network; build it: "
            f"downscale={downscale.__name__}(...)"
        )
    if downscale is None or callable(downscale):
        return
    if isinstance(downscale, bool) or not isinstance(downscale, (int, float)):
        raise TypeError(
            "downscale must be a factor such as 4, or a network, got "
            f"{type(downscale).__name__} {downscale!r}"
        )
    if _checks.number("downscale", downscale) < 1:
        raise ValueError(
            f"downscale must be at least 1, got {downscale!r}; 4 makes each side a fourth"
        )


def _cycle_consistency(
    pred: Images,
    target: Images,
    options: CycleConsistencyOptions,
    *,
    identity: Images | None = None,
    mask: Images | None = None,
) -> Tensor:
    """Distance between original images and those translated to another domain and back.

    Args:
        pred: the images translated back, ``F(G(x))``; for super-resolution with ``downscale``, the
            enlarged image. ``(N, C, H, W)``, or a list with one tensor per direction, whose losses
            are added.
        target: the originals ``x``; for super-resolution, the image of low resolution. As many as
            ``pred``.
        identity: for the identity term, ``F(x)``: the target passed through the generator *into*
            its own domain, which should not change it. Not shrunk. As many as ``pred``.
        mask: ``(N, 1 or C, H, W)`` weights of the target's pixels, which are passed on to a
            callable ``distance``. As many as ``pred``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"`` the map of the distance:
        ``(N, C, H, W)`` with the target's size, or smaller for ``"ssim"``, which uses whole
        windows.

    Raises:
        ValueError: shapes, devices or numbers of images differ, or an option is out of range or
            unknown.
        TypeError: integer tensors, options of another type.

    Source: Zhu et al. 2017, whose weight is 10, and half of that for the identity term.
    """
    directions = _directions(pred, target, identity, mask)
    if options.reduction == "none" and len(directions) > 1:
        raise ValueError(
            f'reduction="none" needs a single direction, got {len(directions)}; call the loss for '
            "each of them"
        )
    total: Tensor | None = None
    for back, sent, same, weight in directions:
        shrunk = back if options.downscale is None else _shrunk(back, sent, options.downscale)
        value = _distance(shrunk, sent, weight, options)
        if same is not None:
            _checks.same_shape("identity", same, "target", sent)
            value = value + options.identity_weight * _distance(same, sent, weight, options)
        if options.reduction == "none":
            value = value.to(native_dtype(back, sent))
        if total is not None and total.shape != value.shape:
            raise ValueError(
                "pred must hold batches of one size for one value per image, got values of "
                f"{total.shape} and {value.shape}"
            )
        total = value if total is None else total + value
    assert total is not None
    return total


CYCLE_CONSISTENCY = Measure(
    "cycle_consistency",
    "cycle consistency",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Zhu et al. 2017",
    _cycle_consistency,
    CycleConsistencyOptions,
    role="loss",
    module="CycleConsistencyLoss",
    advice="A network given as ``downscale`` or ``distance`` is registered under that name and\n"
    "used as it is, neither copied nor frozen. Freeze it with ``network.requires_grad_(False)``\n"
    "if this loss must not train it.",
    autocast=True,
)
cycle_consistency_loss = CYCLE_CONSISTENCY.loss


def _directions(
    pred: Images, target: Images, identity: Images | None, mask: Images | None
) -> list[tuple[Tensor, Tensor, Tensor | None, Tensor | None]]:
    """``(pred, target, identity, mask)`` of each direction; a tensor is a list of one."""
    several = isinstance(pred, (list, tuple))
    count = len(pred) if several else 1
    if not count:
        raise ValueError("pred must hold one tensor for each direction, got an empty list")
    columns: list[Sequence[Any]] = []
    for name, images in (
        ("pred", pred),
        ("target", target),
        ("identity", identity),
        ("mask", mask),
    ):
        if images is None and name in ("identity", "mask"):
            columns.append([None] * count)
        elif isinstance(images, (list, tuple)) is not several:
            one, other = ("pred", name) if several else (name, "pred")
            raise TypeError(
                f"{one} must be a torch.Tensor like {other}, got list; or pass lists for both, "
                "with one tensor per direction"
            )
        elif not isinstance(images, (list, tuple)):
            columns.append([images])
        elif len(images) != count:
            raise ValueError(
                f"{name} must hold {count} tensors as pred does, one for each direction, got "
                f"{len(images)}"
            )
        else:
            columns.append(images)
    directions = list(zip(*columns, strict=True))
    for index, tensors in enumerate(directions):
        for name, image in zip(("pred", "target", "identity"), tensors[:3], strict=True):
            if name != "identity" or image is not None:
                _checks.image(f"{name}[{index}]" if several else name, image)
    return directions


def _shrunk(image: Tensor, target: Tensor, downscale: float | Callable[[Tensor], Tensor]) -> Tensor:
    """The image at the target's resolution."""
    if callable(downscale):
        shrunk = downscale(image)
        if not isinstance(shrunk, Tensor):
            raise TypeError(
                f"downscale must return a tensor, got {type(shrunk).__name__}; pass a function "
                "that picks the image"
            )
    else:
        shrunk = _bicubic(image, 1 / downscale)
    if shrunk.shape != target.shape:
        raise ValueError(
            f"target must have the shape {tuple(shrunk.shape)} of the pred that downscale "
            f"shrinks, got {tuple(target.shape)}; pass the image of low resolution"
        )
    return shrunk


@full_precision
def _bicubic(image: Tensor, scale: float) -> Tensor:
    """The shrunk image in float32, since storing it in half precision would round it."""
    return resampled(image, scale, None, antialias=True)


def _distance(
    pred: Tensor, target: Tensor, mask: Tensor | None, options: CycleConsistencyOptions
) -> Tensor:
    distance, reduction = options.distance, options.reduction
    if callable(distance):
        value = distance(pred, target) if mask is None else distance(pred, target, mask=mask)
        if not isinstance(value, Tensor):
            raise TypeError(f"distance must return a tensor, got {type(value).__name__}")
        return value
    if distance == "ssim":
        data_range = options.data_range
        return ssim_loss(pred, target, data_range=data_range, mask=mask, reduction=reduction)
    return _OF_WORD[distance](pred, target, mask=mask, reduction=reduction)
