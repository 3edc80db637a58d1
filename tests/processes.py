"""Several processes that meet over gloo, as ``torchrun`` would start them on one machine."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

needs_gloo = pytest.mark.skipif(
    not torch.distributed.is_available() or not torch.distributed.is_gloo_available(),
    reason="needs torch.distributed with gloo",
)


def start(script: str, folder: Path, count: int = 2) -> None:
    """Run ``python script folder rank`` once for each rank, one thread each, and wait for all;
    fails with what they printed.

    They are forked from one process that has the imports done, which take longer than the work.
    """
    started = subprocess.Popen(
        [sys.executable, __file__, script, str(folder), str(count)],
        env={**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = started.communicate(timeout=240)
    finally:
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGKILL)
    assert started.returncode == 0, output


def meet(folder: Path, rank: int, count: int = 2) -> None:
    """Called in each of them: wait for the others."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=count
    )


def _run(script: str, folder: str, rank: str) -> None:
    sys.argv = [script, folder, rank]
    runpy.run_path(script, run_name="__main__")


def _fork(script: str, folder: str, count: int) -> None:
    runpy.run_path(script, run_name="imported")
    fork = multiprocessing.get_context("fork")
    ranks = [fork.Process(target=_run, args=(script, folder, str(rank))) for rank in range(count)]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join()
    sys.exit(str([process.exitcode for process in ranks]) if any(p.exitcode for p in ranks) else 0)


if __name__ == "__main__":
    _fork(sys.argv[1], sys.argv[2], int(sys.argv[3]))
