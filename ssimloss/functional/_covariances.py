"""Covariance matrices in the directions of their eigenvectors, and factors of their inverses."""

import torch
from torch import Tensor

from ssimloss._precision import product


def principal(covariance: Tensor, flat: float) -> tuple[Tensor, Tensor]:
    """``V^T C V`` of ``(N, K, K)`` for the eigenvectors ``V``, smallest variance first, and ``F``
    with ``F^T F`` the inverse.

    A direction of a variance up to ``flat`` counts as one without; the inverse is finite there.
    ``V`` is a constant, because it has no slope where eigenvalues coincide. The result is diagonal
    to rounding. Functions of eigenvalues have the right first derivative if they are computed from
    the diagonal; :func:`beside_diagonal` adds what the second derivative of a determinant needs.
    """
    # Apple's GPUs have no eigenvalues.
    matrix = covariance.cpu() if covariance.is_mps else covariance
    finite = matrix.isfinite().all(-1, keepdim=True).all(-2, keepdim=True)
    known = torch.where(finite, matrix, 0)
    variances, vectors = torch.linalg.eigh(known.detach())
    largest = variances[:, -1:]
    varies = variances > (16 * torch.finfo(matrix.dtype).eps * largest).clamp(min=flat)
    rotated = product(vectors.mT, product(known, vectors))
    rotated = torch.where(varies[:, None] & varies[..., None], rotated, 0)
    still = torch.where(varies[:, None], 0, vectors)
    whole = matrix + product(still, still.mT) * (1 + largest[..., None])
    lower = torch.linalg.cholesky_ex(whole).L
    unit = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    factor = torch.linalg.solve_triangular(lower, unit.expand_as(lower), upper=False)
    return rotated.to(covariance.device), factor.to(covariance.device)


def beside_diagonal(rotated: Tensor, rate: Tensor) -> Tensor:
    """What entries beside the diagonal of ``R``, diagonal to rounding, take from ``log |I + r R|``
    for rates ``(N, 1, P)``: ``(N, P)``.

    Values are 0 to rounding, and so are first derivatives; second derivatives are not.
    """
    variances = rotated.diagonal(dim1=-2, dim2=-1)
    parts = (rate / (1 + rate * variances[..., None])).detach()
    beside = rotated - torch.diag_embed(variances)
    return (parts * product(beside.square(), parts)).sum(1) / 2
