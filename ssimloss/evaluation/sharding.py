"""One process or many: the rank of this process, and the exchange of results.

Under ``torchrun``, or in a script that has joined ``torch.distributed`` itself, each process takes
a share of the batches. Only Python objects are exchanged, over gloo, whatever the device.
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist

T = TypeVar("T")

_MEETING = timedelta(minutes=5)  # for all processes of a script or of torchrun to join
# The same without torchrun: usually there is one process, and its environment has variables of an
# earlier job.
_UNANNOUNCED = timedelta(seconds=30)
_MEETINGS = itertools.count()
# Processes finish their shares at different times; one that dies is noticed at once.
_PATIENCE = timedelta(days=2)


@dataclass(frozen=True)
class World:
    """This process among all."""

    rank: int = 0
    size: int = 1
    local_size: int = 1  # processes on this machine
    group: Any = None

    def gather(self, value: T) -> list[T]:
        """The values of all processes in order of rank, the same in each process.

        Raises:
            RuntimeError: another process has ended.
        """
        if self.size == 1:
            return [value]
        everyone: list[T | None] = [None] * self.size
        try:
            dist.all_gather_object(everyone, value, group=self.group)
        except RuntimeError as error:
            raise RuntimeError(
                f"another process than {self.rank} of {self.size} has ended or was killed; its "
                "error is above or in its log. What was computed is kept: resume with any number "
                f"of processes ({error})"
            ) from error
        return everyone  # type: ignore[return-value]  # filled in

    def device(self, name: str) -> torch.device:
        """``"auto"`` is this process's GPU where there is one, else the CPU; ``"cuda"`` is this
        process's GPU.

        Raises:
            ValueError: no such device, or none that computes in float64.
        """
        kind = (
            "cuda" if name == "auto" and torch.cuda.is_available() else name.replace("auto", "cpu")
        )
        try:
            device = torch.device(kind)
            if device.type == "cuda" and not torch.cuda.is_available():
                raise ValueError(
                    f"device must be available, got {name!r}, and torch sees no GPU; 'auto' takes "
                    "the CPU then"
                )
            if device.type == "cuda" and device.index is None:
                device = torch.device(
                    "cuda", int(os.environ.get("LOCAL_RANK", self.rank)) % torch.cuda.device_count()
                )
            torch.ones(1, dtype=torch.float64, device=device).item()
        # "not compiled with" is an assertion of torch.
        except (RuntimeError, TypeError, AssertionError) as error:
            raise ValueError(
                "device must be 'auto', 'cpu', 'cuda', 'cuda:1' or another one of torch that "
                f"computes in float64 here, got {name!r}"
            ) from error
        return device


@contextmanager
def joined() -> Iterator[World]:
    """Join the other processes if the environment announces any; leave the group at the end."""
    local_size = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if dist.is_available() and dist.is_initialized():
        try:
            dist.destroy_process_group(dist.new_group(backend="gloo", timeout=_MEETING))
        except RuntimeError as error:
            raise RuntimeError(
                "every process of this script must call evaluate, and not all "
                f"{dist.get_world_size()} did within {_MEETING}; let all of them call it, or "
                "evaluate in a script of its own"
            ) from error
        group = dist.new_group(backend="gloo", timeout=_PATIENCE)
        try:
            yield World(dist.get_rank(), dist.get_world_size(), local_size, group)
        finally:
            dist.destroy_process_group(group)
    elif (size := _announced()) > 1:
        _meet(size)
        try:
            group = dist.new_group(backend="gloo", timeout=_PATIENCE)
            yield World(dist.get_rank(), dist.get_world_size(), local_size, group)
        finally:
            dist.destroy_process_group()
    else:
        yield World()


def _announced() -> int:
    """How many processes the environment announces."""
    size = os.environ.get("WORLD_SIZE", "1")
    if not size.isdecimal():
        raise RuntimeError(
            f"the environment variable WORLD_SIZE must be the number of processes, got {size!r}; "
            "unset it, or start with torchrun"
        )
    return int(size)


def _meet(size: int) -> None:
    """Join the processes that the environment announces.

    Raises:
        RuntimeError: not all of them join in time.
    """
    way_out = (
        "for one process unset WORLD_SIZE; start several with torchrun --nproc-per-node "
        f"{size} -m ssimloss.cli evaluate ..."
    )
    missing = [n for n in ("RANK", "MASTER_ADDR", "MASTER_PORT") if n not in os.environ]
    if missing:
        raise RuntimeError(
            f"the environment has WORLD_SIZE={size}, but not {', '.join(missing)}; {way_out}"
        )
    patience = _MEETING if "TORCHELASTIC_RUN_ID" in os.environ else _UNANNOUNCED
    try:
        # PyTorch documents both, and does not export them to type checkers.
        meeting = dist.rendezvous("env://", timeout=patience)  # type: ignore[attr-defined]
        store, rank, size = next(meeting)
        # The store of torchrun keeps the addresses of groups that were left, of an earlier call.
        store = dist.PrefixStore(f"ssimloss {next(_MEETINGS)}", store)  # type: ignore[attr-defined]
        dist.init_process_group("gloo", store=store, rank=rank, world_size=size, timeout=patience)
    except (RuntimeError, ValueError) as error:
        raise RuntimeError(
            f"the environment has WORLD_SIZE={size} and RANK={os.environ['RANK']}, but these "
            f"processes did not join within {patience.total_seconds():.0f} s at "
            f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']} "
            f"({str(error).splitlines()[0]}); {way_out}"
        ) from error
