"""Each case in turn: compare values and gradients, then take times, then memory."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.contenders import OURS, VALUE_TOLERANCE, Shape
from benchmarks.family.cases import COMPILING, Case, Score
from benchmarks.family.inputs import Inputs, inputs
from benchmarks.resident import is_measured, peak_resident_bytes
from benchmarks.timing import Samples, time_interleaved

Row = dict[str, Any]
# Contenders whose call takes longer are called once, outside the turns.
LONG_S = 1.5
# What would take longer is not called at all.
TOO_LONG_S = 30.0


class First(NamedTuple):
    """The first call of a contender."""

    value: float
    gradient: Tensor | None  # None: the library computes none
    seconds: float


class Measured(NamedTuple):
    """A row, and the call whose memory it still lacks."""

    row: Row
    call: Callable[[], object] | None


def measured(
    case: Case, shape: Shape, effort: Mapping[str, Any], long: Mapping[str, float]
) -> list[Measured]:
    """One row per library.

    Args:
        effort: keyword arguments of :func:`time_interleaved`.
        long: libraries that are not called, and the seconds that a call is expected to take.
    """
    of = inputs(case.measure, shape)
    firsts: dict[str, First] = {}
    rows: dict[str, Row] = {}
    for library, score in {OURS: case.ours, **case.peers}.items():
        row = rows[library] = {
            "measure": case.measure.name,
            "definition": case.name,
            "shape": list(of.shape),
            "library": library,
            "peak_bytes": None,  # taken after all times
        }
        if library in long:
            row["too_long_s"] = long[library]
            continue
        try:
            firsts[library] = _first(score, of, again=library == COMPILING)
        # Exceptions of libraries for sizes that they do not accept.
        except (AssertionError, RuntimeError, ValueError) as error:
            if library == OURS:
                raise
            row["refused"] = str(error)
            continue
        row |= compared(firsts[library], firsts[OURS])
    forwards = {
        library: partial(_forward, score, of)
        for library, score in {OURS: case.ours, **case.peers}.items()
        if library in firsts
    }
    both = {
        library: partial(_forward_and_backward, score, of)
        for library, score in {OURS: case.ours, **case.peers}.items()
        if library in firsts and firsts[library].gradient is not None
    }
    once = {library for library, first in firsts.items() if first.seconds > LONG_S}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # once, by the peers
        for mode, calls in (("forward", forwards), ("backward", both)):
            for library, samples in _times(calls, once, effort).items():
                rows[library][mode] = samples.summary()
    return [Measured(row, both.get(library)) for library, row in rows.items()]


def resumed(case: Case, shape: Shape, rows: list[Row]) -> list[Measured]:
    """The rows of the case and shape that an earlier run has timed; none if it has not."""
    of = inputs(case.measure, shape)
    scores = {OURS: case.ours, **case.peers}
    return [
        Measured(
            row,
            partial(_forward_and_backward, scores[row["library"]], of)
            if "backward" in row and row["peak_bytes"] is None
            else None,
        )
        for row in rows
        if row["definition"] == case.name and row["shape"] == list(of.shape)
    ]


def compared(found: First, ours: First) -> Row:
    """How far value and gradient are from ours, and whether the value is within the tolerance.

    The difference of values is relative for values above 1. A library with our value and another
    gradient has dropped a term of the derivative, or has a kink elsewhere: it is a peer.
    """
    difference = abs(found.value - ours.value) / max(1.0, abs(ours.value))
    gradient = None
    if found.gradient is not None and ours.gradient is not None:
        norm = torch.linalg.vector_norm(ours.gradient)
        gradient = float(torch.linalg.vector_norm(found.gradient - ours.gradient) / norm)
    return {
        "value_difference": difference,
        "gradient_difference": gradient,
        "equal": difference <= VALUE_TOLERANCE,
    }


def take_memory(found: list[Measured]) -> None:
    """Add to each row the peak of forward and backward; None where it is not measured."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for row, call in found:
            if call is None or not is_measured():
                continue
            if row["library"] == COMPILING:
                call()  # another shape has been compiled since
            row["peak_bytes"] = peak_resident_bytes(call)


def too_long(shape: Shape, smaller: list[Row]) -> dict[str, float]:
    """Libraries whose call with this shape is expected to take too long to try, and how long.

    Args:
        smaller: rows of the same case with another shape.
    """
    pixels = torch.Size(shape).numel()
    expected = {
        row["library"]: row["backward"]["median_s"] * pixels / torch.Size(row["shape"]).numel()
        for row in smaller
        if "backward" in row
    }
    return {library: seconds for library, seconds in expected.items() if seconds > TOO_LONG_S}


def _first(score: Score, of: Inputs, *, again: bool) -> First:
    """``again``: the first call compiles, so that the time is that of another one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2 if again else 1):
            start = time.perf_counter()
            value = score(*of.arguments, **of.options).sum()
            gradient = torch.autograd.grad(value, of.asking)[0] if value.requires_grad else None
            seconds = time.perf_counter() - start
    return First(
        float(value.detach()), gradient if gradient is None else gradient.double(), seconds
    )


def _forward(score: Score, of: Inputs) -> Tensor:
    with torch.no_grad():
        return score(*of.arguments, **of.options)


def _forward_and_backward(score: Score, of: Inputs) -> Tensor:
    """The gradient to the first image, as in training."""
    return torch.autograd.grad(score(*of.arguments, **of.options).sum(), of.asking)[0]


def _times(
    calls: Mapping[str, Callable[[], object]], once: set[str], effort: Mapping[str, Any]
) -> dict[str, Samples]:
    """Times in turn; of those named in ``once``, the time of one call."""
    in_turn = {name: calls[name] for name in calls if name not in once}
    found = time_interleaved(in_turn, **effort) if in_turn else {}
    for name in calls:
        if name in once:
            found |= time_interleaved(
                {name: calls[name]},
                rounds=1,
                slice_s=0.0,
                least_calls=1,
                tries=1,
                warm_up=name == COMPILING,  # it compiles for each mode
            )
    return found
