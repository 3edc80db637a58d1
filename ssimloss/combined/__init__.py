"""Several losses as one: named terms with weights and schedules, what each term contributes to the
value and to the gradient, and strategies that balance them.
"""

from ssimloss.combined.alarms import Alarms, LossWarning
from ssimloss.combined.balance import (
    DWA,
    AdaptiveAdversarial,
    Balance,
    CAGrad,
    Fixed,
    GradientShare,
    GradNorm,
    PCGrad,
    Uncertainty,
)
from ssimloss.combined.combined_loss import CombinedLoss
from ssimloss.combined.history import History
from ssimloss.combined.schedule import Reached, Schedule
from ssimloss.combined.term import Term

__all__ = [
    "CombinedLoss",
    "Term",
    "Schedule",
    "Reached",
    "Alarms",
    "LossWarning",
    "History",
    "Balance",
    "Fixed",
    "GradientShare",
    "Uncertainty",
    "GradNorm",
    "DWA",
    "AdaptiveAdversarial",
    "PCGrad",
    "CAGrad",
]
