"""Two processes of ``DistributedDataParallel`` over gloo, compared with one process."""

import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ssimloss.doctor import picture
from ssimloss.doctor.records import Verdict, failed, not_applicable, passed
from ssimloss.doctor.subject import Subject

_RANKS = 2
_SECONDS = 240  # a process that takes longer hangs
_ALLOWED = 1e-4
_PAYLOAD = "subject.pickle"
_CHILD = f"import sys; from {__name__} import main; main(sys.argv[1], int(sys.argv[2]))"


def ranks(subject: Subject) -> Verdict:
    """Whether two processes train like one: with equal gradients, the mean of their own."""
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        return not_applicable("this PyTorch has no torch.distributed with gloo")
    pred = torch.cat([subject.start(name, 2) for name in ("noisy", "blurred")])
    target = subject.target(4)
    payload: dict[str, Any] = {
        "pred": pred,
        "target": target,
        "arguments": subject.arguments,
        "spec": subject.spec,
        "options": dict(subject.options),
        "loss": None if subject.spec is not None else subject.loss,
    }
    try:
        packed = pickle.dumps(payload)
    except (pickle.PicklingError, TypeError, AttributeError, RuntimeError) as error:
        return not_applicable(f"it cannot be pickled for another process: {error}")
    halves = [
        _step(subject, _network(pred), pred[i::_RANKS], target[i::_RANKS]) for i in range(_RANKS)
    ]
    if halves[0] is None:
        return not_applicable("no gradient reaches pred")
    whole = _step(subject, _network(pred), pred, target)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / _PAYLOAD).write_bytes(packed)
        problem = _start(Path(folder))
        if problem is not None:
            return problem
        found = [
            torch.load(Path(folder) / f"{rank}.pt", weights_only=True) for rank in range(_RANKS)
        ]
    if not torch.equal(found[0], found[1]):
        return failed("the processes have different gradients, so their networks drift apart")
    mean = sum(half for half in halves if half is not None) / _RANKS
    assert isinstance(mean, Tensor)
    off = {
        "mean_of_halves": _relative(found[0], mean),
        "whole_batch": _relative(found[0], whole) if whole is not None else float("inf"),
    }
    if off["mean_of_halves"] <= _ALLOWED:
        tail = (
            "" if off["whole_batch"] <= 1e-3 else ", which is not the gradient of the whole batch"
        )
        return passed(f"two processes agree with the mean of one process on each half{tail}", **off)
    if off["whole_batch"] <= _ALLOWED:
        return passed("two processes agree with one process on the whole batch", **off)
    return failed(
        f"the gradient of two processes differs from that of one by {min(off.values()):.2g}", **off
    )


def _relative(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm().clamp_min(1e-30))


def _network(like: Tensor) -> nn.Module:
    """A convolution with fixed weights, nearly the identity."""
    width = like.shape[1]
    network = nn.Conv2d(width, width, 3, padding=1)
    with torch.no_grad():
        weight = 0.03 * picture.noise((width, width, 3, 3), 51).float()
        weight[:, :, 1, 1] += torch.eye(width)
        network.weight.copy_(weight)
        nn.init.zeros_(network.bias)  # type: ignore[arg-type]
    return network


def _step(subject: Subject, network: nn.Module, pred: Tensor, target: Tensor) -> Tensor | None:
    """The gradient of all parameters in one vector; None if the loss has none."""
    if subject.role == "discriminator":
        made, other = network(torch.cat([pred, target])).chunk(2)
    else:
        made, other = network(pred), target.clone()
    value = subject(made, other)
    if not value.requires_grad:
        return None
    torch.autograd.backward(value)
    return torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])


def _start(folder: Path) -> Verdict | None:
    """Run both processes, and return a failure, or None if there is none."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    if sys.platform == "linux":
        environment.setdefault("GLOO_SOCKET_IFNAME", "lo")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(folder), str(rank)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(_RANKS)
    ]
    try:
        outputs = [process.communicate(timeout=_SECONDS)[0] for process in processes]
    except subprocess.TimeoutExpired:
        return failed(f"two processes did not finish a step in {_SECONDS} s: one waits for another")
    finally:
        for process in processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
    for process, output in zip(processes, outputs, strict=True):
        if process.returncode:
            lines = output.strip().splitlines() or ["no output"]
            if "cannot be loaded" in lines[-1]:
                return not_applicable(lines[-1])
            return failed(f"a process ended with status {process.returncode}: {lines[-1][:300]}")
    return None


def main(path: str, rank: int) -> None:
    """Run one process: a step on half a batch under DDP. Both share the folder ``path``."""
    folder = Path(path)
    try:
        payload = pickle.loads((folder / _PAYLOAD).read_bytes())
    except (AttributeError, ImportError, pickle.UnpicklingError) as error:
        sys.exit(f"the loss cannot be loaded by another process: {error}")
    loss = payload["loss"]
    if payload["spec"] is not None:
        from ssimloss.doctor.loading import load

        loss = load(payload["spec"], payload["options"])
    subject = Subject(loss, "", payload["arguments"])
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=_RANKS
    )
    network = nn.parallel.DistributedDataParallel(_network(payload["pred"]))
    gradient = _step(
        subject, network, payload["pred"][rank::_RANKS], payload["target"][rank::_RANKS]
    )
    torch.save(gradient, folder / f"{rank}.pt")
    torch.distributed.barrier()  # neither exits while the other still communicates
    del network
    torch.distributed.destroy_process_group()
