"""Constants that are kept: the same tensor again, and a bound on their bytes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ssimloss import _constants
from ssimloss._constants import KEPT_PLANES, Kept, constant, planes


def _square(side: int) -> NDArray[np.float64]:
    return np.full((side, side), float(side))


def test_a_stream_of_sizes_keeps_bounded_bytes() -> None:
    """40 planes of 8 MB, of which the last ones are kept."""
    KEPT_PLANES.clear()
    like = torch.zeros(1, dtype=torch.float64)
    found = [planes(_square, side, like=like) for side in range(1000, 1040)]
    held = sum(plane.nbytes for plane in KEPT_PLANES._tensors.values())
    assert held <= KEPT_PLANES.bytes <= KEPT_PLANES.most == 64 << 20
    assert len(KEPT_PLANES) == KEPT_PLANES.most // (8 * 1040**2)
    assert planes(_square, 1039, like=like) is found[-1]
    assert planes(_square, 1000, like=like) is not found[0]
    KEPT_PLANES.clear()
    assert KEPT_PLANES.bytes == len(KEPT_PLANES) == 0


def test_what_was_used_last_stays() -> None:
    kept = Kept(3 * (1024 + 4000))
    made: list[object] = []

    def get(key: str, numbers: int = 1000) -> torch.Tensor:
        return kept.get(key, lambda: made.append(key) or torch.zeros(numbers))  # type: ignore[func-returns-value]

    for key in ("a", "b", "c", "a", "d", "a", "b"):  # "d" displaces "b", "b" displaces "c"
        get(key)
    assert made == ["a", "b", "c", "d", "b"]
    assert len(kept) == 3
    assert get("a") is get("a")
    assert made == ["a", "b", "c", "d", "b"]


def test_the_last_two_over_the_bound_stay() -> None:
    """One call of FSIM needs two; they displace none of the others."""
    kept = Kept(1024 + 8)
    made: list[object] = []

    def get(key: str, numbers: int = 1000) -> torch.Tensor:
        return kept.get(key, lambda: made.append(key) or torch.zeros(numbers))  # type: ignore[func-returns-value]

    for key in ("filters", "noise", "filters", "noise", "other", "noise", "filters"):
        get("small", 1)
        get(key)
    assert made == ["small", "filters", "noise", "other", "filters"]
    assert kept.bytes == 1024 + 4
    assert len(kept) == 3


def test_what_a_graph_reads_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream of others does not free it, and later captures read the same tensor."""
    kept = Kept(1024 + 8)
    read = kept.get("read", lambda: torch.zeros(1))
    with monkeypatch.context() as capture:
        capture.setattr(_constants, "is_captured", lambda _: True)
        assert kept.get("read", lambda: torch.ones(1)) is read
    for key in ("a", "b"):
        kept.get(key, lambda: torch.ones(1))
    kept.clear()
    assert kept.get("read", lambda: torch.ones(1)) is read


def test_constants_differ_by_dtype_and_are_no_inference_tensors() -> None:
    image = torch.zeros(1)
    with torch.inference_mode():
        taps = constant((0.1, 0.2), image)
        plane = planes(_square, 3, like=image)
    assert not taps.is_inference()
    assert not plane.is_inference()
    assert constant((0.1, 0.2), image) is taps
    assert constant((0.1, 0.2), image, torch.float64).dtype is torch.float64
    assert _constants.KEPT.bytes > 0
