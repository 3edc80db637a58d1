"""Checkpoints that continue exactly: never incomplete, and used only with the same settings."""

import dataclasses
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from rich.console import Console

from runs import files
from runs.files import InputError


def write(path: Path, settings: Any, state: Mapping[str, Any]) -> None:
    """Write ``state`` and the dataclass ``settings`` in place of the checkpoint before."""
    everything = {"settings": dataclasses.asdict(settings), **state}
    files.write(path, lambda file: torch.save(everything, file))


def read(path: Path, settings: Any, *, option: str = "--resume") -> dict[str, Any]:
    """Read what ``write`` wrote.

    Raises:
        InputError: there is no checkpoint, it cannot be read, or it was made with other settings.
    """
    state = read_any(path, option=option)
    wanted, found = dataclasses.asdict(settings), state["settings"]
    differing = [
        f"--{name.replace('_', '-')} was {found.get(name)}, now {value}"
        for name, value in wanted.items()
        if found.get(name) != value
    ]
    if differing:
        raise InputError(
            f"{option}: {path} is of other settings ({'; '.join(differing)}); give those, or "
            f"leave out {option}"
        )
    return state


def read_any(path: Path, *, option: str) -> dict[str, Any]:
    """A file with ``settings`` in it, of whichever these are."""
    if not path.is_file():
        raise InputError(f"{option}: there is no {path}; leave out {option} to start a new run")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise InputError(
            f"{option}: {path} cannot be read ({error}); leave out {option} to start a new run"
        ) from error
    if not isinstance(state, dict) or "settings" not in state:
        raise InputError(f"{option}: {path} is not a checkpoint of this program")
    return state


class Resumable(Protocol):
    """A trainer, as far as its checkpoint is concerned."""

    settings: Any
    step: int

    def load(self, path: Path) -> None:
        """Continue from a checkpoint."""


def begin(trainer: Resumable, console: Console, path: Path, *, resume: bool) -> None:
    """Load the checkpoint, or begin a new run and move one that is in the way aside."""
    if resume:
        trainer.load(path)
        console.print(
            f"continuing {path} at step {trainer.step} of {trainer.settings.steps}", soft_wrap=True
        )
    else:
        set_aside(path, console)


def set_aside(path: Path, console: Console) -> None:
    """Make room for a new run: rename the checkpoint of the previous run."""
    if path.exists():
        aside = path.with_name("previous_" + path.name)
        path.replace(aside)
        console.print(f"a new run; the checkpoint of the one before is now {aside}", soft_wrap=True)
