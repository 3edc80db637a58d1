"""A training step with losses on a frozen network, on two processes with half of the batch each, is
the step of one process.
"""

from __future__ import annotations

import sys
from pathlib import Path

import processes
import pytest
import torch
import torchvision.models  # noqa: F401 - once, before the processes are forked
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ssimloss import CombinedLoss, PerceptualLoss, Term, TextureLoss

N = 4  # images in all
INSIDE = [False, True]  # whether the criterion is part of what DistributedDataParallel wraps


class Restorer(nn.Module):
    """A network, and the criterion it is trained with if that is part of it."""

    def __init__(self, criterion: nn.Module | None) -> None:
        super().__init__()
        self.network = nn.Conv2d(3, 3, 3, padding=1)
        self.criterion = criterion

    def forward(self, low: Tensor, target: Tensor) -> Tensor:
        restored: Tensor = self.network(low)
        return restored if self.criterion is None else self.criterion(restored, target)


def criterion() -> CombinedLoss:
    """Two terms that share a network, of random weights which have to be the same in
    every process.
    """
    return CombinedLoss(
        content=Term(PerceptualLoss("vgg11", layers={"relu2_1": 1.0}, weights="random"), 1.0),
        texture=Term(TextureLoss("vgg11", layers={"relu1_1": 1.0}, weights="random"), 2.0),
    )


def step(
    inside: bool, images: tuple[Tensor, Tensor], *, distributed: bool
) -> tuple[Tensor, list[Tensor]]:
    """Loss and gradients; DistributedDataParallel finds unused parameters and buffers out of step
    itself, and complains.
    """
    torch.manual_seed(0)
    loss_of = criterion()
    model = Restorer(loss_of if inside else None).double()
    called = DistributedDataParallel(model) if distributed else model
    for _ in range(2):  # of a parameter that got no gradient it complains in the second step
        model.zero_grad()
        found = called(*images)
        loss = found if inside else loss_of(found, images[1])
        loss.backward()
    assert all(
        name.startswith("network.") or name == "criterion._extra_state"
        for name in model.state_dict()
    ), list(model.state_dict())
    return loss.detach(), [parameter.grad.clone() for parameter in model.parameters()]


def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    low, target = torch.rand(2, N, 3, 24, 20, generator=generator, dtype=torch.float64)
    return low, target


def worker(rank: int, folder: Path) -> None:
    processes.meet(folder, rank)
    part = slice(rank * N // 2, (rank + 1) * N // 2)
    for inside in INSIDE:
        low, target = batch()
        torch.save(
            step(inside, (low[part], target[part]), distributed=True), folder / f"{inside}.{rank}"
        )
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two processes")
    processes.start(__file__, folder)
    return folder


@processes.needs_gloo
@pytest.mark.parametrize("inside", INSIDE)
def test_two_processes_take_the_step_of_one(found: Path, inside: bool) -> None:
    loss, gradients = step(inside, batch(), distributed=False)
    results = [torch.load(found / f"{inside}.{rank}") for rank in range(2)]
    torch.testing.assert_close(
        torch.stack([result[0] for result in results]).mean(), loss, rtol=1e-10, atol=0
    )
    assert all(gradient.norm() > 1e-6 for gradient in gradients)
    for _, averaged in results:
        for ours, theirs in zip(averaged, gradients, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-14)


if __name__ == "__main__":
    worker(int(sys.argv[2]), Path(sys.argv[1]))
