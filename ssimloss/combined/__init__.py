"""Several losses as one: named terms, weights, schedules, and what each of them contributed."""

from ssimloss.combined.combined_loss import CombinedLoss
from ssimloss.combined.term import Term

__all__ = ["CombinedLoss", "Term"]
