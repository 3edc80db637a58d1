"""Options that several scripts have, the device, and how a script ends after an error."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

import ssimloss
from runs.files import InputError
from runs.values import NonFiniteError


def positive(text: str) -> int:
    """An argparse type: a whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {number}")
    return number


positive.__name__ = "whole number"  # argparse: "invalid whole number value"


def positive_real(text: str) -> float:
    """An argparse type: a number above 0."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be above 0, got {number}")
    return number


positive_real.__name__ = "number"


class Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Help with the default of each option that has one; lists as they are typed."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or action.default is False:
            return action.help
        if isinstance(action.default, list):
            typed = " ".join(map(str, action.default)).replace("%", "%%")
            return f"{action.help} (default: {typed})"
        return super()._get_help_string(action)


def add_file_options(
    parser: argparse.ArgumentParser, title: str, *, data: str, checkpoint_every: int
) -> argparse._ArgumentGroup:
    """``--out``, ``--data``, ``--resume`` and ``--checkpoint-every``, as a group that more options
    can be added to.
    """
    group = parser.add_argument_group(title)
    group.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="where checkpoints, tables and pictures go",
    )
    group.add_argument("--data", type=Path, metavar="FOLDER", help=data)
    group.add_argument(
        "--resume", action="store_true", help="continue from the checkpoints in --out"
    )
    group.add_argument(
        "--checkpoint-every",
        type=positive,
        default=checkpoint_every,
        metavar="STEPS",
        help="a killed run loses at most this many steps",
    )
    return group


def add_device_option(group: argparse._ActionsContainer) -> None:
    """``--device``, as :func:`choose_device` takes it."""
    group.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="auto is CUDA where there is one",
    )


def choose_device(word: str) -> torch.device:
    """``auto`` is CUDA where there is one."""
    if word == "auto":
        word = "cuda" if torch.cuda.is_available() else "cpu"
    if word == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: torch finds no CUDA device; use --device cpu")
    return torch.device(word)


def machine(device: torch.device) -> dict[str, object]:
    """A description of the machine, for the readers of the results."""
    name = (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else f"CPU, {torch.get_num_threads()} threads"
    )
    return {
        "device": name,
        "versions": {"ssimloss": ssimloss.__version__, "torch": torch.__version__},
    }


@contextmanager
def explained(out: Path) -> Iterator[None]:
    """End the script with one line on stderr for errors that the user can fix; other errors keep
    their traceback.
    """
    try:
        yield
    except InputError as error:
        sys.exit(f"error: {error}")
    except NonFiniteError as error:
        sys.exit(
            f"error: {error}. The checkpoint in {out} is from before; a lower --learning-rate "
            "needs a new run"
        )
    except KeyboardInterrupt:
        sys.exit(
            f"stopped. Continue with the same command and --resume: {out} has the last checkpoint"
        )
