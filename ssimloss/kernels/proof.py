"""Whether ``"auto"`` may use a kernel on a device. The verdict is found at the first use and saved
in a file.

A kernel is compiled for one set of options and dtypes, its specialisation. At the first use of a
specialisation, the kernel solves the problems of its operator. The results are compared with the
equation in float64, and the time at two sizes with the eager form. ``"auto"`` uses a kernel only if
it is right and not slower. ``verdicts.py`` keeps verdicts in files.

The caller waits at most ``LIMIT_S`` seconds, once. Compilation runs in a thread that does not use
the device, and may continue while the caller computes with the equation. The problems are solved in
another thread, where none of the caller's modes apply: autocast, inference, ``torch.func``, hooks
on saved tensors. While a graph is captured or a region is compiled, only known verdicts are used.
"""

import contextlib
import statistics
import threading
import time
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar, cast

import torch
from torch import Tensor

from ssimloss._torch import assume_constant_result
from ssimloss.kernels import verdicts
from ssimloss.kernels.verdicts import Key, Verdict

LIMIT_S = 5.0
COMPILATION_S = 3.0  # part of the limit; the rest is for the problems
_NO_LIMIT = 1e6
# Relative L2 error that float32 always has: about eighty roundings.
FLOOR = 1e-5
_RACES = 7  # timed calls of each, in turn

Results = dict[str, Tensor]  # such as "the mean" and "the gradient to pred"
T = TypeVar("T")


class Reference(NamedTuple):
    """The references of a kernel: functions of two images and the operator's options."""

    equation: Callable[..., Tensor]  # in plain PyTorch, in the dtype of the images
    eager: Callable[..., Tensor]  # computes the same without a kernel


class Use(NamedTuple):
    """The properties of an operator's call for which kernels are compiled."""

    options: tuple[Any, ...]
    reference: Reference
    dtypes: tuple[torch.dtype, torch.dtype]
    wanted: tuple[bool, bool]  # whether each image needs a gradient


class Problem(NamedTuple):
    """A problem that is computed in three ways."""

    title: str
    kernel: Callable[[], Results]
    plain: Callable[[], Results]  # the equation in float32
    exact: Callable[[], Results]  # the equation in float64


class Race(NamedTuple):
    """Two functions with the same result, to be timed."""

    title: str
    kernel: Callable[[], object]
    eager: Callable[[], object]


class Trial(NamedTuple):
    """The tests of one specialisation."""

    compile: Callable[[], object]  # compiles everything below without using the device
    problems: Callable[[], Iterable[Problem]]
    races: Callable[[], Iterable[Race]]


class Proof(NamedTuple):
    """The proof of an operator's kernel."""

    # Selects from the operator's options those for which a kernel is compiled.
    specialise: Callable[..., tuple[Hashable, ...]]
    trial: Callable[[Use, torch.device], Trial]
    # Names and versions that a verdict depends on, "device" among them.
    environment: Callable[[torch.device], dict[str, str]]


_OUT_OF_MEMORY = Verdict("unproved", "the device had too little memory left for the problems")
_OUT_OF_TIME = Verdict(
    "unproved", "the time limit was reached; python -m ssimloss.kernels --renew has no limit"
)


PROOFS: dict[str, Proof] = {}  # by operator
_known: dict[Key, Verdict] = {}
_compiling: dict[Key, tuple[Trial, "_Apart[object]"]] = {}
_lock = threading.Lock()
_limits = LIMIT_S, COMPILATION_S


def use(
    x: Tensor, y: Tensor, options: tuple[Any, ...], reference: Reference, *, promoted: bool = False
) -> Use:
    """The call of an operator with these images; with ``promoted``, in their computing dtype."""
    enabled = torch.is_grad_enabled()
    dtypes = (torch.float32, torch.float32) if promoted else (x.dtype, y.dtype)
    wanted = enabled and x.requires_grad, enabled and y.requires_grad
    return Use(options, reference, dtypes, wanted)


def earned(operator: str, call: Use, device: torch.device) -> bool:
    """Whether ``"auto"`` may use the kernel of this operator for this call.

    The first use of a specialisation proves it, which takes at most ``LIMIT_S`` seconds.
    """
    specialisation = PROOFS[operator].specialise(*call.options)
    if torch.compiler.is_compiling():
        return _earned_before(operator, specialisation, call.dtypes, call.wanted, device)
    key = Key(operator, specialisation, call.dtypes, call.wanted, device)
    verdict = _known.get(key)
    if verdict is None:
        verdict = _first_use(key, call)
    return verdict is not None and verdict.is_taken


@assume_constant_result
def _earned_before(*fields: Any) -> bool:
    key = Key(*fields)
    verdict = _known.get(key) or _remembered(key)
    return verdict is not None and verdict.is_taken


def _first_use(key: Key, call: Use) -> Verdict | None:
    """The verdict; None while there is none."""
    pending = _compiling.get(key)
    if pending is not None and not pending[1].wait(0):
        return None
    # Another thread may be proving a kernel; do not wait for it.
    if not _lock.acquire(blocking=False):
        return None
    try:
        verdict = _remembered(key) if pending is None else None
        if verdict is None and _may_prove(key.device):
            verdict = _prove(key, call, *_limits)
        return verdict
    finally:
        _lock.release()


def _remembered(key: Key) -> Verdict | None:
    """The verdict of an earlier process."""
    verdict = verdicts.remembered(key, environment(key.operator, key.device))
    if verdict is not None:
        _known[key] = verdict
    return verdict


def environment(operator: str, device: torch.device) -> dict[str, str]:
    """The environment on which a verdict depends, beside the specialisation."""
    return verdicts.versions() | PROOFS[operator].environment(device)


def forget(environments: Sequence[dict[str, str]]) -> None:
    """Remove the verdicts for these environments from the folder, and all from this process.

    Raises:
        OSError: a file cannot be removed.
    """
    _known.clear()
    verdicts.forget(environments)


@contextlib.contextmanager
def without_limit() -> Iterator[None]:
    """A context in which a first use has no time limit."""
    global _limits
    before, _limits = _limits, (_NO_LIMIT, _NO_LIMIT)
    try:
        yield
    finally:
        _limits = before


def _may_prove(device: torch.device) -> bool:
    """Whether problems may be solved now. They may not while a graph is captured, or if waiting for
    the device raises or warns.
    """
    return device.type != "cuda" or not (
        torch.cuda.is_current_stream_capturing() or torch.cuda.get_sync_debug_mode()
    )


def _prove(key: Key, call: Use, limit_s: float, compilation_s: float) -> Verdict | None:
    """Find the verdict and keep it. None while the kernel is being compiled."""
    began = time.monotonic()
    is_first = key not in _compiling
    if is_first:
        # The tensors of a trial are allocated before, so that the thread only compiles.
        made = _Apart(lambda: PROOFS[key.operator].trial(call, key.device))
        made.wait()
        if made.error is not None:
            return _settle(key, _unproved(made.error))
        trial = made.value()
        _compiling[key] = trial, _Apart(trial.compile)
    trial, compilation = _compiling[key]
    if not compilation.wait(compilation_s):
        return None
    del _compiling[key]
    left = limit_s - (time.monotonic() - began if is_first else compilation_s)
    return _settle(key, _judged(trial, compilation, key.device, time.monotonic() + left))


def _settle(key: Key, verdict: Verdict) -> Verdict:
    """Keep a verdict, and warn of an unexpected one."""
    _known[key] = verdict
    if verdict.outcome != "unproved":
        verdicts.keep(key, environment(key.operator, key.device), verdict)
    if verdict.outcome not in ("taken", "slower") and verdict not in (_OUT_OF_MEMORY, _OUT_OF_TIME):
        warnings.warn(
            f"backend='auto' does not use a kernel of ssimloss on this device, and computes with "
            f"PyTorch instead: {key.words()}: {verdict.reason}. Please report this warning with "
            "the output of python -m ssimloss.kernels",
            stacklevel=2,
        )
    return verdict


def _judged(
    trial: Trial, compilation: "_Apart[object]", device: torch.device, until: float
) -> Verdict:
    if isinstance(compilation.error, OSError):  # a disk that is full, for example
        return _unproved(compilation.error)
    if compilation.error is not None:
        return Verdict("fails", _of_error("it does not compile", compilation.error))
    examination = _Apart(lambda: _examined(trial, device, until))
    examination.wait()
    return examination.value() if examination.error is None else _unproved(examination.error)


def _unproved(error: Exception) -> Verdict:
    """The verdict for an error that the kernel did not cause."""
    if isinstance(error, torch.OutOfMemoryError):
        return _OUT_OF_MEMORY
    return Verdict("unproved", _of_error("the attempt to prove it raises", error))


def _examined(trial: Trial, device: torch.device, until: float) -> Verdict:
    _wait(device)  # for errors of the caller's own kernels
    for problem in trial.problems():
        if time.monotonic() > until:
            return _OUT_OF_TIME
        try:
            found = problem.kernel()
            _wait(device)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # any error of a kernel is its verdict
            return Verdict("fails", _of_error(f"at {problem.title} it raises", error))
        difference = difference_of(found, problem.plain(), problem.exact())
        if difference is not None:
            return Verdict("wrong", f"at {problem.title} {difference}")
    milliseconds = {}
    for race in trial.races():
        if time.monotonic() > until:
            return _OUT_OF_TIME
        milliseconds[race.title] = _raced(race, device)
    slower = {title: times for title, times in milliseconds.items() if times[0] > times[1]}
    told = "; ".join(
        f"{kernel:.3g} ms, PyTorch {eager:.3g} at {title}"
        for title, (kernel, eager) in (slower or milliseconds).items()
    )
    return Verdict("slower" if slower else "taken", told, milliseconds)


def difference_of(found: Results, plain: Results, exact: Results) -> str | None:
    """Describe a result whose error exceeds twice the plain one plus ``FLOOR``, else None."""
    for name, expected in exact.items():
        result = found[name]
        if result.shape != expected.shape:
            return f"{name} has shape {tuple(result.shape)} instead of {tuple(expected.shape)}"
        error, allowed = error_of(result, expected), error_of(plain[name], expected)
        if not error <= 2 * allowed + FLOOR:  # also NaN
            return (
                f"{name} is off by {error:.1e} of its norm, where PyTorch in float32 is off by "
                f"{allowed:.1e}"
            )
    return None


def error_of(result: Tensor, expected: Tensor) -> float:
    """The relative error in the L2 norm."""
    norm = expected.norm().clamp(min=torch.finfo(torch.float32).tiny)
    return float((result.double() - expected).norm() / norm)


def _raced(race: Race, device: torch.device) -> tuple[float, float]:
    """Median milliseconds of both functions, which run in turns."""
    ways = race.kernel, race.eager
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(_RACES + 1):
        for way, taken in zip(ways, seconds, strict=True):
            _wait(device)
            began = time.perf_counter()
            way()
            _wait(device)
            if turn:  # the first one warms up
                taken.append(time.perf_counter() - began)
    kernel, eager = (1e3 * statistics.median(taken) for taken in seconds)
    return kernel, eager


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _of_error(what: str, error: BaseException) -> str:
    return f"{what} {type(error).__name__}: {' '.join(str(error).split())[:300]}"


class _Apart(Generic[T]):
    """A call in its own thread."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._finished = threading.Event()
        self._result: T | None = None
        self.error: Exception | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self._result = self._function()
        except Exception as error:  # raised again, or judged, by the thread that waits
            self.error = error
        finally:
            self._finished.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the call to end, at most so many seconds; return whether it has ended."""
        return self._finished.wait(seconds)

    def value(self) -> T:
        """The result of the call after it has ended; re-raises its exception."""
        if self.error is not None:
            raise self.error
        return cast(T, self._result)
