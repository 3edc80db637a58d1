"""Frechet distance of two sets of features, differentiable: the formula of FID.

Dowson & Landau 1982; on features of images, Heusel et al. 2017. Which network makes the features is
the caller's choice, and part of the definition: numbers of two networks cannot be compared.
Features on Apple's GPUs, which have no float64, are copied to the host, where the result then is.
"""

import math
from typing import Any

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._keywords import keywords
from ssimloss._precision import to_float64_device
from ssimloss._torch import plain


class _NotFiniteError(ValueError, RuntimeError):
    """A wrong value; also of the type of PyTorch's own error, which callers may catch."""


@keywords()
def frechet_distance(features_a: Tensor, features_b: Tensor) -> Tensor:
    """Squared distance of the Gaussians with the means and covariances of two sets, differentiable.

    ``|mu_a - mu_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2))``, in float64. With
    ``S = X^T X / (N - 1)`` of the centred features ``X``, the trace of the root is the sum of the
    singular values of ``X_a X_b^T`` over ``sqrt((N_a - 1)(N_b - 1))``: no matrix root, which turns
    complex or NaN where a covariance is singular, and no root of an eigenvalue that is zero but for
    rounding.

    The gradient uses the singular vectors of singular values above rounding, and so is finite for
    equal sets, singular covariances and fewer rows than columns. Where the distance has a corner,
    it is the subgradient of least norm. A second derivative raises an error.

    Args:
        features_a, features_b: ``(N_a, D)`` and ``(N_b, D)``, one row per image, any scale. Fewer
            rows than ``D`` are fine; the value is biased upwards all the same, the more the fewer
            rows, so compare sets of equal size only.

    Returns:
        A float64 scalar of at least 0.

    Raises:
        ValueError: not two dimensions, fewer than 2 rows, another ``D`` or device.
            Also, and a ``RuntimeError`` at the same time, features that are not finite.
        TypeError: features that are not floating point.

    Source: agrees with torch-fidelity's and torchmetrics' formula to 1e-6 of the value where their
    root is accurate.
    """
    features_a, features_b = plain(features_a), plain(features_b)
    _checks.feature_sets("features_a", features_a, "features_b", features_b)
    for name, features in (("features_a", features_a), ("features_b", features_b)):
        wrong = int((~features.isfinite()).any(1).sum())
        if wrong:
            raise _NotFiniteError(
                f"{name} must be finite, got non-finite values in {wrong} of {len(features)} rows; "
                "leave these images out, or look for the NaN in them or in the network"
            )
    return _distance(features_a, features_b)


def frechet_or_nan(features_a: Tensor, features_b: Tensor) -> Tensor:
    """The Frechet distance of checked sets; NaN, with a gradient of NaN, if any feature is not
    finite.
    """
    finite = features_a.isfinite().all() & features_b.isfinite().all()
    features_a, features_b = (x.nan_to_num(0.0, 0.0, 0.0) for x in (features_a, features_b))
    distance = _distance(features_a, features_b)
    return distance * torch.where(finite, 1.0, torch.nan).to(distance)


def _distance(features_a: Tensor, features_b: Tensor) -> Tensor:
    (mean_a, centred_a), (mean_b, centred_b) = _gaussian(features_a), _gaussian(features_b)
    traces = centred_a.square().sum() + centred_b.square().sum()
    root: Tensor = _NuclearNorm.apply(centred_a, centred_b)
    distance: Tensor = (mean_a - mean_b).square().sum() + traces - 2 * root
    return distance.clamp_min(0)


def _gaussian(features: Tensor) -> tuple[Tensor, Tensor]:
    """The mean, and ``X`` of ``N`` rows with ``X^T X`` the covariance."""
    features = to_float64_device(features).double()
    mean = features.mean(0)
    return mean, (features - mean) / math.sqrt(len(features) - 1)


class _NuclearNorm(torch.autograd.Function):
    """``|A B^T|_*``, the sum of the singular values, of ``(n, D)`` and ``(m, D)``.

    With ``A B^T = U S V^T`` the gradients are ``U V^T B`` and ``V U^T A``, over the singular values
    above rounding. Sets of more rows than columns are replaced by the triangular factors of their
    QR decompositions, which have the same singular values; the orthogonal factor ``Q_a`` turns the
    gradient back.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        turn_a, factor_a = _compressed(a, ctx.needs_input_grad[0])
        turn_b, factor_b = _compressed(b, ctx.needs_input_grad[1])
        product = factor_a @ factor_b.T
        norm: Tensor
        if not any(ctx.needs_input_grad):
            norm = torch.linalg.svdvals(product).sum()
            return norm
        u, singular, vh = torch.linalg.svd(product, full_matrices=False)
        rounding = torch.finfo(product.dtype).eps * max(*product.shape, a.shape[1])
        above = singular > rounding * factor_a.norm() * factor_b.norm()
        polar = (u * above) @ vh
        to_a = polar @ factor_b if ctx.needs_input_grad[0] else None
        to_b = polar.T @ factor_a if ctx.needs_input_grad[1] else None
        ctx.save_for_backward(a, b, turn_a, to_a, turn_b, to_b)
        norm = singular.sum()
        return norm

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        a, b, turn_a, to_a, turn_b, to_b = ctx.saved_tensors
        found = _turned(turn_a, to_a, gradient), _turned(turn_b, to_b, gradient)
        if not torch.is_grad_enabled():
            return found
        to_a, to_b = (None if to is None else _FirstDerivative.apply(to, a, b) for to in found)
        return to_a, to_b


class _FirstDerivative(torch.autograd.Function):
    """A gradient that depends on both sets, whose own derivative raises an error.

    ``once_differentiable`` would return 0 for it without an error where the incoming gradient is a
    constant.
    """

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, a: Tensor, b: Tensor) -> Tensor:  # noqa: ARG004 - inputs of the graph
        return gradient.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:  # noqa: ARG004 - by its contract
        raise RuntimeError(
            "frechet_distance has no second derivative; a gradient penalty must not contain it"
        )


def _compressed(x: Tensor, needs_turn: bool) -> tuple[Tensor | None, Tensor]:
    """``Q`` (if needed) and ``R`` of at most ``D`` rows with ``x = Q R``; ``Q`` is None for 1."""
    if x.shape[0] <= x.shape[1]:
        return None, x
    if not needs_turn:
        return None, torch.linalg.qr(x, mode="r").R
    turn, factor = torch.linalg.qr(x)
    return turn, factor


def _turned(turn: Tensor | None, to_factor: Tensor | None, gradient: Tensor) -> Tensor | None:
    if to_factor is None:
        return None
    return gradient * (to_factor if turn is None else turn @ to_factor)
