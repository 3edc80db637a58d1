"""Eigenvalues of covariance matrices and factors of their inverses."""

import torch
from torch import Tensor

from ssimloss._precision import product


def principal(covariance: Tensor, flat: float) -> tuple[Tensor, Tensor, Tensor]:
    """Eigenvalues of ``(N, K, K)``, their eigenvectors without a gradient, and ``F`` with
    ``F^T F`` the inverse.

    A direction of a variance up to ``flat`` has the eigenvalue 0; the inverse is finite there.
    """
    # Apple's GPUs have no eigenvalues.
    matrix = covariance.cpu() if covariance.is_mps else covariance
    finite = matrix.isfinite().all(-1, keepdim=True).all(-2, keepdim=True)
    # Eigenvectors have no slope where eigenvalues coincide, so they are used without one.
    variances, vectors = torch.linalg.eigh(torch.where(finite, matrix, 0))
    vectors, largest = vectors.detach(), variances[:, -1:].detach()
    varies = variances > (16 * torch.finfo(matrix.dtype).eps * largest).clamp(min=flat)
    still = torch.where(varies[:, None], 0, vectors)
    whole = matrix + product(still, still.mT) * (1 + largest[..., None])
    lower = torch.linalg.cholesky_ex(whole).L
    unit = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    factor = torch.linalg.solve_triangular(lower, unit.expand_as(lower), upper=False)
    device = covariance.device
    return torch.where(varies, variances, 0).to(device), vectors.to(device), factor.to(device)
