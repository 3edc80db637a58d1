"""Consistency of another network's output: embeddings, logits, maps, or anything else."""

from typing import Literal, get_args

from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss.functional._distance import distance_of
from ssimloss.functional.features import check_features, unit_vectors
from ssimloss.measure import Measure

OutputDistance = Literal["l1", "l2", "cosine"]
OUTPUT_DISTANCES: tuple[str, ...] = get_args(OutputDistance)


class PriorOptions(Reduced):
    """Options of the distance between outputs.

    Args:
        distance: ``"l1"`` or ``"l2"`` (squared) of each element, or ``"cosine"``: one minus the
            cosine of two vectors along dimension 1 (0 for two zero vectors, 1/2 for one).
    """

    distance: OutputDistance = "l2"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.choice("distance", self.distance, OUTPUT_DISTANCES)


def _prior(pred_output: Tensor, target_output: Tensor, options: PriorOptions) -> Scores:
    """Distance between a network's outputs for two images: embeddings, logits, maps.

    Args:
        pred_output, target_output: ``(N, C, ...)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"`` the shape of the output,
        without its dimension 1 for ``"cosine"``.

    Raises:
        ValueError: shapes or devices differ, outputs have fewer than two dimensions, or an option
            value is unknown.
        TypeError: outputs are not floating point, such as classes instead of logits.
    """
    check_features({"output": pred_output}, {"output": target_output}, ("output",), spatial=False)
    dtype = native_dtype(pred_output, target_output)
    pred, target = promote(pred_output, target_output)
    if options.distance == "cosine":
        values = (unit_vectors(pred) - unit_vectors(target)).square().sum(1) / 2
    else:
        values = distance_of(pred - target, options.distance, 0.0)
    return Scores(values, dtype=dtype)


PRIOR = Measure(
    "prior",
    "distance of outputs",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "another network, in place of the pixels",
    _prior,
    PriorOptions,
    role="loss",
)
prior_loss = PRIOR.loss
