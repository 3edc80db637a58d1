"""``python -m ssimloss.kernels``: what runs on this machine, and why the rest does not."""

import torch

from ssimloss._version import __version__
from ssimloss.kernels import describe
from ssimloss.kernels.backends import MACHINE


def report() -> list[str]:
    """One line per backend."""
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
            lines.append(
                f"{backend:<7} runs: {_devices()}; only where it is named, see docs/kernels.md"
            )
    return lines


def _devices() -> str:
    if not torch.cuda.is_available():
        return "on the CPU, interpreted (TRITON_INTERPRET=1)"
    return ", ".join(
        torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())
    )


def main() -> None:
    """Print the report."""
    print("\n".join(report()))


if __name__ == "__main__":
    main()
