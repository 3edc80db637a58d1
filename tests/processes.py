"""Several processes that meet over gloo, as ``torchrun`` would start them on one machine."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest
import torch

needs_gloo = pytest.mark.skipif(
    not torch.distributed.is_available() or not torch.distributed.is_gloo_available(),
    reason="needs torch.distributed with gloo",
)


def start(
    script: str, folder: Path, count: int = 2, *, first: Callable[[], None] | None = None
) -> None:
    """Run ``python script folder rank`` once for each rank, one thread each, and wait for all;
    fails with what they printed. ``first`` is what rank 0 does here, where all is imported already.
    """
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    threads = torch.get_num_threads()
    processes = [
        subprocess.Popen(
            [sys.executable, script, str(folder), str(rank)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(0 if first is None else 1, count)
    ]
    try:
        if first is not None:
            with mock.patch.dict(os.environ, environment), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # PyTorch's own, as in the other processes
                first()
        outputs = [process.communicate(timeout=240)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
        torch.set_num_threads(threads)
        if first is not None and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
    assert not any(process.returncode for process in processes), "\n".join(outputs)


def meet(folder: Path, rank: int, count: int = 2) -> None:
    """Called in each of them: wait for the others."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo",
        init_method=f"file://{folder}/meeting",
        rank=rank,
        world_size=count,
        timeout=timedelta(seconds=240),
    )
