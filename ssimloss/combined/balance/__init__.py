"""Strategies that set the weights of the terms from their gradients at the output."""

from ssimloss.combined.balance.adaptive_adversarial import AdaptiveAdversarial
from ssimloss.combined.balance.conflicts import CAGrad, PCGrad
from ssimloss.combined.balance.dwa import DWA
from ssimloss.combined.balance.grad_norm import GradNorm
from ssimloss.combined.balance.gradient_share import GradientShare
from ssimloss.combined.balance.protocol import Balance, Fixed, Strategy
from ssimloss.combined.balance.uncertainty import Uncertainty

__all__ = [
    "AdaptiveAdversarial",
    "Balance",
    "CAGrad",
    "DWA",
    "Fixed",
    "GradNorm",
    "GradientShare",
    "PCGrad",
    "Strategy",
    "Uncertainty",
]
