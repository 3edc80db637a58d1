"""Contextual bilateral loss (CoBi): compares each feature of the image with a similar feature of
the target that is not too far away.

Zhang, Chen, Ng & Koltun 2019 ("Zoom to learn, learn to zoom"), on the contextual loss of Mechrez et
al. 2018. The authors' code is zoom-learn-zoom, ``CX/CSFlow.py``.
"""

from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._precision import full_precision
from ssimloss.conventions.convention import Convention, Table
from ssimloss.functional.contextual import (
    CONTEXTUAL_DISTANCES,
    ContextualDistance,
    by_rows,
    compared,
    distances,
)
from ssimloss.functional.features import (
    Features,
    Layered,
    check_features,
    native_dtype,
    reduce_terms,
)
from ssimloss.measure import Measure

Form = Literal["nearest", "similarity"]
FORMS: tuple[str, ...] = get_args(Form)
# Of the authors' code: added to the least distance, and the scale of positions.
LEAST_DISTANCE = 1e-3
POSITIONS = 255.0


class ContextualBilateralOptions(Layered):
    """Options of the contextual bilateral loss.

    Args:
        spatial_weight: ``w``, the cost of a match from one border of the image to the opposite one,
            added to the distance of features. With 0, positions do not matter.
        distance: ``"cosine"``: ``(1 - cos) / 2`` between features from which the target's mean over
            positions was subtracted; or ``"l2"``, the squared distance.
        form: ``"nearest"`` as in the paper, or ``"similarity"`` as in the authors' code.
        bandwidth: of ``"similarity"``: ``h``, the scale of relative distances that count as
            similar.
    """

    spatial_weight: float = 0.1
    distance: ContextualDistance = "cosine"
    form: Form = "nearest"
    bandwidth: float = 0.5

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.non_negative("spatial_weight", self.spatial_weight)
        _checks.choice("distance", self.distance, CONTEXTUAL_DISTANCES)
        _checks.choice("form", self.form, FORMS)
        _checks.positive("bandwidth", self.bandwidth)
        if self.form == "similarity" and self.spatial_weight > 1:
            raise ValueError(
                'spatial_weight must be at most 1 with form="similarity", where the similarity of '
                f"features has the rest of the weight, got {self.spatial_weight}"
            )


def _contextual_bilateral(
    pred_features: Features, target_features: Features, options: ContextualBilateralOptions
) -> Tensor:
    """Contextual bilateral loss (CoBi), ``sum_l w_l mean_i min_j (d_ij + w s_ij)`` over features
    ``x_i`` of the image and ``y_j`` of the target.

    ``d_ij`` is the distance of features. ``s_ij`` is the distance of their positions as a fraction
    of the sides: 1 from the left border to the right one. The images may be slightly misaligned.
    Unlike in the contextual loss, neighbours are matched with neighbours.

    The authors' code computes another formula, ``form="similarity"``:
    ``-log mean_j max_i ((1 - w) CX_ij + w S_ij)``. ``CX`` is the similarity of the contextual loss,
    with ``1e-3`` beside the least distance. ``S`` is that of squared distances of positions, whose
    sides are 255 long: 1 at the same position and 0 elsewhere, up to maps of hundreds of positions
    a side.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, L)`` for ``"none"``: the weighted term
        of each layer. Equal images have the loss 0 for ``"nearest"``, and one of at least 0 for
        ``"similarity"``.

        Every feature is compared with every other: ``(H W)^2`` pairs, in steps of 2 million, which
        the backward pass computes again. Time grows with the square of the number of positions,
        memory does not.

    Raises:
        ValueError: a layer is missing or differs in shape, a weight is negative, or an option value
            is unknown.
        TypeError: features are not a mapping, or not floating point.

    Source: Zhang et al. 2019, eq. 3; the distances of features are those of the contextual loss.
    The paper does not state the unit of positions. It adds the same distance of RGB patches. The
    differences of the authors' code: ``conventions.CONTEXTUAL_BILATERAL["zoom_learn_zoom"]``.
    """
    check_features(pred_features, target_features, options.layers)
    terms = [
        weight * _of_layer(pred_features[layer], target_features[layer], options)
        for layer, weight in options.layers.items()
    ]
    return reduce_terms(
        torch.stack(terms, 1), options.reduction, native_dtype(pred_features, target_features)
    )


@full_precision
def _of_layer(pred: Tensor, target: Tensor, options: ContextualBilateralOptions) -> Tensor:
    """The loss of one layer, ``(N,)``."""
    x, y, factor = compared(pred, target, options.distance)
    places = _places(pred, x)
    weight = options.spatial_weight

    def apart(places_of_x: Tensor) -> list[Tensor]:
        """Along rows and along columns, ``(1, rows, HW)`` each."""
        return [places_of_x[:, :, i, None] - places[:, None, :, i] for i in range(2)]

    def nearest(x: Tensor, places_of_x: Tensor, y: Tensor) -> Tensor:
        """``min_j (d_ij + w s_ij)`` of some rows, ``(N, rows)``."""
        d = distances(x, y, factor)
        if weight:
            d = d + weight * torch.hypot(*apart(places_of_x))
        return d.amin(2)

    def similar(x: Tensor, places_of_x: Tensor, y: Tensor) -> Tensor:
        """``max_i ((1 - w) CX_ij + w S_ij)`` over some rows, ``(N, HW)``."""
        d = distances(x, y, factor)
        relative = d / (d.amin(2, keepdim=True) + LEAST_DISTANCE)
        similarity = (1 - weight) * torch.softmax(-relative / options.bandwidth, 2)
        if weight:
            dy, dx = apart(places_of_x)
            squared = POSITIONS**2 * (dy.square() + dx.square())
            near = torch.softmax(-squared / (LEAST_DISTANCE * options.bandwidth), 2)
            similarity = similarity + weight * near
        return similarity.amax(1)

    if options.form == "nearest":
        return torch.cat(by_rows(nearest, (x, places), y), 1).mean(1)
    best = torch.stack(by_rows(similar, (x, places), y)).amax(0)
    return -best.mean(1).log()


def _places(features: Tensor, like: Tensor) -> Tensor:
    """The position of each feature as a fraction of the sides, ``(1, HW, 2)``."""
    height, width = features.shape[2:]
    rows = torch.arange(height, device=like.device, dtype=like.dtype) / height
    columns = torch.arange(width, device=like.device, dtype=like.dtype) / width
    grid = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1)
    return grid.flatten(0, 1).unsqueeze(0)


CONTEXTUAL_BILATERAL = Measure(
    "contextual_bilateral",
    "contextual bilateral loss",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Zhang, Chen, Ng & Koltun 2019",
    _contextual_bilateral,
    ContextualBilateralOptions,
    role="loss",
    autocast=True,
)
contextual_bilateral_loss = CONTEXTUAL_BILATERAL.loss

# --- conventions ----------------------------------------------------------------------------------

CONVENTIONS = Table(
    "CONTEXTUAL_BILATERAL",
    "ContextualBilateralLoss",
    (),
    Convention(
        "zhang2019",
        "the paper's formula",
        "Zhang et al. 2019, eq. 3",
        exact="its equation",
        options={"network": "vgg19", "layers": {"relu1_2": 1.0, "relu2_2": 1.0, "relu3_2": 0.5}},
        notes=("The paper does not state the unit of positions; here it is the side.",),
    ),
    Convention(
        "zoom_learn_zoom",
        "the authors' code: the contextual loss, a part of whose similarity is that of position",
        "compute_contextual_loss, zoom-learn-zoom 1e5ac31",
        exact="float64 rounding, of its formula for the same features",
        options={
            "network": "vgg19",
            "layers": {"relu1_2": 1.0, "relu2_2": 1.0, "relu3_2": 0.5},
            "form": "similarity",
            "pooling": "average",
        },
        notes=(
            "It compares 63 x 63 positions of larger layers, drawn anew in each step.",
            "Its VGG19 is that of MatConvNet, on colours of 0 to 255 less their mean.",
            "It takes the mean of the target over the batch, which is the same for one image.",
            "It adds the same loss of RGB patches of 5 x 5 pixels, by squared distances.",
        ),
    ),
)
