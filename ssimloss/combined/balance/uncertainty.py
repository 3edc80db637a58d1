"""Homoscedastic uncertainty: sum over k of L_k / (2 sigma_k^2) + log sigma_k, minimised over sigma
as well.

Kendall, Gal and Cipolla 2018, "Multi-task learning using uncertainty to weigh losses", eq. 7.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ssimloss.combined.balance.norms import is_usable
from ssimloss.combined.balance.protocol import Balance


class Uncertainty(Balance):
    """Trains an uncertainty for each term. The term's weight is multiplied by ``1 / (2 sigma^2)``.

    The criterion adds the sum of ``log sigma`` to its result. Its ``parameters()`` contain
    ``log_variance``, which is ``log sigma^2`` in the order of the terms, ``(T,)``, initially 0.
    Pass ``criterion.balance.parameters()`` to your optimiser, without weight decay.
    """

    def __init__(self) -> None:
        """The parameter is made when the criterion is built."""
        self.module = nn.Module()

    def attach(self, names: tuple[str, ...]) -> None:
        """Called once, when the criterion is built."""
        super().attach(names)
        if not hasattr(self.module, "log_variance"):
            self.module.log_variance = nn.Parameter(torch.zeros(len(names)))

    def parameters(self) -> Iterator[nn.Parameter]:
        """The parameters for the optimiser."""
        return self.module.parameters()

    @property
    def log_variance(self) -> nn.Parameter:
        """``(T,)``: log sigma^2 of each term."""
        parameter = self.module.log_variance
        assert isinstance(parameter, nn.Parameter)
        return parameter

    def weights(self, norms: Tensor, cosines: Tensor, values: Tensor, step: int) -> Tensor:  # noqa: ARG002
        """Return the factors, with a graph to ``log_variance``."""
        return 0.5 * torch.exp(-self.log_variance.to(norms))

    def penalty(self, norms: Tensor) -> Tensor:
        """The sum of log sigma over the measured terms, which is added to the sum of the terms."""
        log_sigma = 0.5 * self.log_variance.to(norms)
        return torch.where(is_usable(norms), log_sigma, 0.0).sum()
