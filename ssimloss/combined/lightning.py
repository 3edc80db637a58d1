"""A callback of Lightning that logs the terms of a criterion and counts its steps.

``from ssimloss.combined.lightning import CombinedLossLogger``; needs ``pip install lightning``.
"""

from collections.abc import Iterable
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import nn

from ssimloss import _checks
from ssimloss.combined.combined_loss import CombinedLoss


class CombinedLossLogger(Callback):
    """Log values, weights and shares of every :class:`CombinedLoss` of the module.

    Under gradient accumulation, the criteria count optimiser steps: the callback calls
    :meth:`CombinedLoss.advance` whenever ``trainer.global_step`` has advanced.

    Args:
        every: number of batches between two entries; reading the values waits for the device.
        prefix: prefix of the keys. If the module has several criteria, the criterion's name
            follows it.
    """

    def __init__(self, *, every: int = 50, prefix: str = "train/") -> None:
        """Check the settings; see the class."""
        self.every, self.prefix = _checks.count("every", every), prefix
        self._seen = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start counting at the step of the trainer."""
        self._seen = trainer.global_step
        if trainer.accumulate_grad_batches > 1:
            for _, criterion in _criteria(pl_module):
                criterion.accumulate = None

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """Log the values, and count the optimiser's step."""
        criteria = dict(_criteria(pl_module))
        if batch_idx % self.every == 0:
            for name, criterion in criteria.items():
                if hasattr(criterion, "last"):
                    prefix = self.prefix if len(criteria) == 1 else f"{self.prefix}{name}/"
                    pl_module.log_dict(criterion.log(prefix))
        if trainer.accumulate_grad_batches > 1 and trainer.global_step > self._seen:
            for criterion in criteria.values():
                criterion.advance()
        self._seen = trainer.global_step


def _criteria(module: nn.Module) -> Iterable[tuple[str, CombinedLoss]]:
    """The criteria in a module that are not terms of another criterion."""
    for name, child in module.named_children():
        if isinstance(child, CombinedLoss):
            yield name, child
        else:
            for inner, criterion in _criteria(child):
                yield f"{name}.{inner}", criterion
