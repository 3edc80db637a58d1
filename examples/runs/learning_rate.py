"""The learning rate as a function of progress, so that checkpoints need not store it."""

import math

from torch.optim import Optimizer

WARM_UP = 0.05  # the share of the steps in which it rises


def learning_rate_factor(done: float) -> float:
    """A linear rise over the first ``WARM_UP`` of the training, then half a cosine down to 0;
    ``done`` goes from 0 to 1.
    """
    if done < WARM_UP:
        return (done + 0.1 * WARM_UP) / (1.1 * WARM_UP)
    return 0.5 * (1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP)))


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
