"""What several tests of metrics share: small photographs, and values that tell images apart; run as
a script, one process of several.
"""

from __future__ import annotations

import gc
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

import photographs
import processes
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torchmetrics import Metric  # here: imported once, before the processes are forked

from ssimloss import metrics
from ssimloss.metrics import SuperResolutionProtocol, Validator

COUNT = 11  # images, which neither 2 nor 3 processes share evenly


class Watch(TorchDispatchMode):
    """Counts what makes the host wait for a device: values read, copies away from it, shapes that
    depend on values.
    """

    WAITING = (
        "_local_scalar_dense",
        "nonzero",
        "masked_select",
        "equal",
        "is_nonzero",
        "unique",
        "item",
    )

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if any(word in name for word in self.WAITING):
            self.waits.append(name)
        return func(*args, **(kwargs or {}))


def images(count: int = COUNT) -> tuple[Tensor, Tensor]:
    """Crops of 40x48 pixels of photographs, float32."""
    pred, target = photographs.batch(176, 208, dtype=torch.float32)
    corners = [(i % 2, 8 * i, 13 * i) for i in range(count)]
    return tuple(
        torch.stack([image[n, :, y : y + 40, x : x + 48] for n, y, x in corners])
        for image in (pred, target)
    )  # type: ignore[return-value]


def shard(rank: int, world: int, *, padded: bool) -> list[int]:
    """The images of a process: as ``DistributedSampler`` deals them, with the first ones again
    where they do not come out even.
    """
    indices = list(range(COUNT))
    if padded:
        indices += indices[: math.ceil(COUNT / world) * world - COUNT]
    return indices[rank::world]


def validator(**options: object) -> Validator:
    own = {"psnr": "psnr", "ssim": "ssim", "l2": lambda p, t: (p - t).square().mean((1, 2, 3))}
    return Validator(own, SuperResolutionProtocol(2), **options)  # type: ignore[arg-type]


def kept_values(rank: int, world: int, group: object = None) -> dict[str, list[float]]:
    """Of every process's own images, kept without an index."""
    pred, target = images()
    found = validator(process_group=group, keep_values=True)
    mine = shard(rank, world, padded=False)
    found.update(pred[mine], target[mine])
    return {name: values.tolist() for name, values in found.values().items()}


def metric_collection(group: object = None) -> dict[str, Metric]:
    options = {"process_group": group}
    return {
        "psnr": metrics.PSNR(protocol=SuperResolutionProtocol(2), keep_values=True, **options),
        "ssim": metrics.SSIM(padding="reflect", **options),
        "plain": metrics.SSIM(padding="reflect", **options),
    }


def counted(name: str, calls: list[str]) -> Callable[..., object]:
    """A collective that leaves its name."""
    function = getattr(torch.distributed, name)
    return lambda *arguments, **options: calls.append(name) or function(*arguments, **options)


def main(folder: Path, rank: int) -> None:
    processes.meet(folder, rank, 3)
    calls: list[str] = []
    for name in (
        "all_gather",
        "all_reduce",
        "broadcast",
        "all_gather_object",
        "barrier",
        "gather",
        "all_gather_into_tensor",
    ):
        setattr(torch.distributed, name, counted(name, calls))
    pair = torch.distributed.new_group([0, 1])
    pred, target = images()
    report: dict[str, object] = {}
    for world, group in ((3, None), (2, pair)):
        if rank >= world:
            break
        for padded in (False, True):
            mine = shard(rank, world, padded=padded)
            found = validator(process_group=group)
            torchmetrics = metric_collection(group)
            for start in range(0, len(mine), 2):
                some = mine[start : start + 2]
                found.update(pred[some], target[some], some)
                torchmetrics["psnr"].update(pred[some], target[some], torch.tensor(some))
                torchmetrics["ssim"].update(pred[some], target[some], index=some)
            if rank:  # the first process has no image at all
                torchmetrics["plain"].update(pred[mine], target[mine])
            calls.clear()
            report[f"{world} {padded}"] = found.compute()
            report[f"{world} {padded} collectives"] = list(calls)
            report[f"{world} {padded} psnr"] = torchmetrics["psnr"].compute().item()
            report[f"{world} {padded} values"] = torchmetrics["psnr"].values().tolist()
            report[f"{world} {padded} ssim"] = torchmetrics["ssim"].compute().item()
            report[f"{world} {padded} plain"] = torchmetrics["plain"].compute().item()
    report["kept values"] = kept_values(rank, 3)
    plain = validator()
    if rank != 1:  # which has no image at all
        plain.update(pred[rank::2][:3], target[rank::2][:3])
    report["no index"] = plain.compute()
    many = metrics._accumulate.Accumulator(1)
    index = torch.arange(rank * 3000, rank * 3000 + 4000 + 1000 * rank)
    many.update(torch.sin(index.double())[:, None], index)
    calls.clear()
    totals = many.compute()
    report["many"] = [*totals.means, totals.count]
    report["many collectives"] = list(calls)
    try:
        many.reset()
        many.update(torch.ones(1, 1), [rank] if rank else None)
        many.compute()
    except ValueError as error:
        report["mixed"] = str(error)
    (folder / f"{rank}.json").write_text(json.dumps(report))
    torch.distributed.barrier()  # nobody leaves while another still exchanges
    del torchmetrics, found, pair, group
    # metrics are cycles and hold their group, whose threads must not outlive the interpreter
    gc.collect()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
