"""``python -m ssimloss.kernels``: which kernels run on this machine, why others do not, and the
verdicts on kernels that must prove themselves.

``--renew`` deletes the verdicts and finds those of the usual losses again, without a time limit.
"""

import argparse
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

import ssimloss.functional as F
from ssimloss._version import __version__
from ssimloss.kernels import describe, proof, verdicts
from ssimloss.kernels.backends import AUTOMATIC, MACHINE
from ssimloss.video import vif as vmaf_vif

# The losses whose kernels --renew proves, in every dtype, with and without a gradient.
_USUAL: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "ssim": F.ssim,
    "ssim, padding='reflect'": lambda x, y: F.ssim(x, y, padding="reflect"),
    "ssim_map": F.ssim_map,
    "ms_ssim": F.ms_ssim,
    "ssim_l1_loss": F.ssim_l1_loss,
    "ssim, mask=...": lambda x, y: F.ssim(x, y, mask=torch.ones_like(x[:, :1])),
    "structure_correlation": F.structure_correlation,
    "vif": F.vif,
    "video.vif": lambda x, y: vmaf_vif(y[:, :1], x[:, :1], data_range=1.0),
}
_DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def report() -> list[str]:
    """One line per backend, then one per verdict on this machine."""
    lines = [
        f"ssimloss {__version__}, torch {torch.__version__}, {torch.get_num_threads()} threads",
        "eager   runs: any device",
    ]
    for backend, why_not in MACHINE.items():
        reason = why_not()
        if reason is not None:
            lines.append(f"{backend:<7} does not run: {reason}")
        elif backend == "cpu":
            lines.append(f"{backend:<7} runs: {describe()}")
        else:
            lines += [f"{backend:<7} runs: {_devices()}", *_verdicts()]
    return lines


def _devices() -> str:
    if not torch.cuda.is_available():
        return "on the CPU, interpreted (TRITON_INTERPRET=1), if it is named"
    return ", ".join(torch.cuda.get_device_name(device) for device in _gpus())


def _gpus() -> list[torch.device]:
    return [torch.device("cuda", index) for index in range(torch.cuda.device_count())]


def _environments() -> list[dict[str, str]]:
    return [proof.environment(name, device) for name in proof.PROOFS for device in _gpus()]


def _verdicts() -> Iterator[str]:
    """The known verdicts for this machine's GPUs and these versions."""
    here = _environments()
    everything = verdicts.records()
    known = [record for record in everything if record.environment in here]
    yield (
        f"backend='auto' takes a kernel where its verdict is \"taken\"; {len(known)} verdicts for "
        f"this machine, {len(everything) - len(known)} for others, in {verdicts.folder()}"
    )
    for record in known:
        outcome, reason, _ = record.verdict
        yield f"  {outcome:<8} {record.environment['device']}: {record.kernel}: {reason}"


def renew() -> None:
    """Prove the kernels of the usual losses again, on every GPU."""
    if MACHINE[AUTOMATIC["cuda"]]() is not None:
        return
    proof.forget(_environments())
    for device in _gpus():
        for name, function in _USUAL.items():
            for dtype in _DTYPES:
                print(f"{device} {name} {str(dtype).removeprefix('torch.')}", flush=True)
                x, y = torch.rand(2, 1, 3, 192, 192, device=device).to(dtype)
                with proof.without_limit():
                    function(x, y)
                    function(x.requires_grad_(), y)


def main(given: list[str] | None = None) -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(prog="python -m ssimloss.kernels", description=__doc__)
    parser.add_argument("--renew", action="store_true", help="find the verdicts again")
    if parser.parse_args(given).renew:
        renew()
    print("\n".join(report()))


if __name__ == "__main__":
    main()
