"""The instruction sets that this processor and the native library have, and fixtures for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch

from ssimloss.kernels import library
from ssimloss.kernels.library import use_instructions


def _has(instructions: str) -> bool:
    try:
        use_instructions(instructions)
    except ValueError:
        return False
    use_instructions("")
    return True


# The fastest first.
INSTRUCTIONS = (
    [name for name in ("avx512", "avx2", "baseline") if _has(name)]
    if library.why_not() is None
    else []
)


@pytest.fixture(params=INSTRUCTIONS)
def instructions(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every instruction set that this processor has, one for each test."""
    use_instructions(request.param)
    yield request.param
    use_instructions("")


@pytest.fixture
def every_set() -> Iterator[list[str]]:
    """All of them, for a test that changes between them; the best again at the end."""
    yield INSTRUCTIONS
    use_instructions("")


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    """Sets the number of threads; as before at the end."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)
