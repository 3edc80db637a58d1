"""Cost of a step: synchronisations with the device, graph breaks, time and memory."""

import copy
import dataclasses
import functools
import inspect
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ssimloss._torch import explain_graph, watching_operations
from ssimloss.combined.calls import signature_of
from ssimloss.doctor.records import Verdict, counted, failed, failed_as, not_applicable, passed
from ssimloss.doctor.subject import Subject, raising

# Operators that hand values or a shape that depends on values to the host.
_WAITS = {
    "_local_scalar_dense", "nonzero", "masked_select", "_unique", "_unique2", "unique_dim",
    "unique_consecutive", "equal", "bincount", "_linalg_check_errors", "is_nonzero", "item",
}  # fmt: skip
_INDEXED = {"index", "index_put", "index_put_", "_index_put_impl_"}  # wait if an index is bool
# Methods that copy to the host; for CPU tensors they call no operator.
_COPIES = {Tensor.cpu, Tensor.numpy, Tensor.tolist, Tensor.__array__}
_RUNS = 7
_SIDE = 256
_SLOWER = 1.25


# --- synchronisations -----------------------------------------------------------------------------


def synchronizations(subject: Subject) -> Verdict:
    """How often the host reads values that depend on the images, in one step after the first.

    On a GPU each of these reads waits for the device. Here they are counted on CPU tensors. Reads
    of the loss's constants do not count.
    """
    pred, target = subject.start(), subject.target()
    subject.gradient(pred, target)  # the first call may build constants
    counts = []
    for backward in (False, True):
        leaf, other = pred.clone().requires_grad_(), target.clone()
        reads = _Reads(leaf, other)
        with reads, watching_operations(reads.after):
            value = subject(leaf.clone(), other)
        if backward and value.requires_grad:
            reads.found.clear()
            reads.mark(value)
            with reads, watching_operations(reads.after), raising():
                torch.autograd.grad(value, leaf, allow_unused=True)
        counts.append(reads.found)
    forward, back = counts
    total = forward.total() + back.total()
    numbers = {
        "forward": forward.total(),
        "backward": back.total(),
        "places": [f"{name} x{count}" for name, count in (forward + back).most_common()],
    }
    if not total:
        return passed("no value of the images is read by the host in a step", **numbers)
    return failed(
        f"the host reads values computed from the images {total} times a step, which waits for the "
        f"GPU each time: {', '.join(numbers['places'][:3])}",  # type: ignore[index]
        **numbers,
    )


class _Reads(TorchFunctionMode):
    """Counts reads of memory with values computed from given tensors."""

    def __init__(self, *tensors: Tensor) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()
        self._kept: list[Tensor] = []  # keeps tensors alive, so that no address is used twice
        self._marked: set[int] = set()
        for tensor in tensors:
            self.mark(tensor)

    def mark(self, tensor: Tensor) -> None:
        """Mark a tensor: values computed from it depend on the images."""
        address = _address(tensor)
        if address:
            self._marked.add(address)
            self._kept.append(tensor.detach())

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        given = kwargs or {}
        # Tensors on devices without constants of the loss are images: on a GPU in training.
        moved = func is Tensor.to and "cpu" in map(_word, (*args[1:], *given.values()))
        if (func in _COPIES or moved) and self._depends(args[:1]):
            self.found[f"{func.__name__}() at {_place()}"] += 1
        return func(*args, **given)

    def after(self, name: str, args: Any, kwargs: Any, result: Any) -> None:
        """Called with each operator that ran."""
        if not self._depends((args, kwargs)):
            return
        base = name.split(".")[1] if "." in name else name
        by_mask = base in _INDEXED and any(
            t.dtype in (torch.bool, torch.uint8) for t in _tensors(args[1:2])
        )
        if base in _WAITS or by_mask:
            self.found[f"{base} at {_place()}"] += 1
        for tensor in _tensors(result):
            self.mark(tensor)

    def _depends(self, values: Any) -> bool:
        return any(_address(tensor) in self._marked for tensor in _tensors(values))


def _address(tensor: Tensor) -> int:
    try:
        return tensor.untyped_storage().data_ptr()
    except (RuntimeError, NotImplementedError):  # no memory: meta and sparse tensors
        return 0


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _place() -> str:
    """File and line of the innermost frame that belongs neither to PyTorch nor to the doctor."""
    frame = sys._getframe(1)
    own = __name__.rpartition(".")[0]
    while frame.f_back is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if not module.startswith(("torch.", own, "ssimloss._torch", "contextlib")) and (
            module != "torch"
        ):
            return f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}"
        frame = frame.f_back
    return "a backward pass"


# --- compilation ----------------------------------------------------------------------------------


def graph_breaks(subject: Subject) -> Verdict:
    """How often ``torch.compile`` has to leave the graph."""
    args, named = subject.passed(subject.start().requires_grad_(), subject.target())
    with raising():
        breaks = explain_graph(subject.loss, args, named)
    if not breaks:
        return passed("torch.compile sees one graph", breaks=0)
    return failed(
        f"torch.compile breaks the graph {len(breaks)} times: {breaks[0]}",
        breaks=len(breaks),
        reasons=breaks,
    )


# --- time and memory ------------------------------------------------------------------------------


def cost(subject: Subject) -> Verdict:
    """Time and memory of a step, compared with the same definition in eager form if it is known."""
    eager = _eager(subject)
    large = subject
    if (
        subject.of_images
        and max(subject.sides) < _SIDE
        and (subject.image is None or min(subject.image.shape[-2:]) >= _SIDE)
    ):
        large = dataclasses.replace(subject, sides=(_SIDE, _SIDE))
    pred, target = large.start(), large.target()
    yardstick = dataclasses.replace(large, loss=_l1)
    forms = {"loss": large, "l1": yardstick}
    if eager is not None:
        forms["eager"] = dataclasses.replace(large, loss=eager)
    times = _times(forms, pred, target)
    saved = {name: _saved(form, pred, target) for name, form in forms.items()}
    numbers: dict[str, Any] = {
        "milliseconds": {name: 1e3 * seconds for name, seconds in times.items()},
        "saved_images": saved,
    }
    threads = counted(torch.get_num_threads(), "thread")
    own = (
        f"{1e3 * times['loss']:.1f} ms for {list(pred.shape)} on {threads}, "
        f"{times['loss'] / times['l1']:.1f} times torch's L1, {saved['loss']:.1f} images "
        "are kept for the backward pass"
    )
    if eager is None:
        return not_applicable(
            f"no eager form of the same definition is known; pass eager=. This loss: {own}",
            **numbers,
        )
    one, other = large.value(pred, target), forms["eager"].value(pred, target)
    numbers["values"] = [one, other]
    if abs(one - other) > 1e-4 * max(abs(one), abs(other)) + 1e-7:
        return failed_as(
            "error", f"the value {one:.6g} differs from the eager form's, {other:.6g}", **numbers
        )
    ratio = times["loss"] / times["eager"]
    beside = (
        f"{ratio:.2f} times the time and {saved['loss']:.1f} instead of {saved['eager']:.1f} "
        "kept images of the eager form"
    )
    if ratio > _SLOWER:
        return failed(f"slower than its eager form: {beside} ({own})", **numbers)
    return passed(f"{beside} ({own})", **numbers)


def _l1(*inputs: Tensor) -> Tensor:
    """The reference for times: an L1 loss of one input or two."""
    return inputs[0].abs().mean() if len(inputs) == 1 else (inputs[0] - inputs[1]).abs().mean()


def _eager(subject: Subject) -> Callable[..., Any] | None:
    """The same definition in eager form: the given one, or the loss with ``backend="eager"``."""
    if subject.eager is not None:
        return subject.eager
    loss = subject.loss
    if isinstance(loss, nn.Module):
        if getattr(loss, "backend", None) not in ("auto", "cpu", "triton"):
            return None
        copied = copy.deepcopy(loss)
        copied.backend = "eager"  # type: ignore[assignment]
        return copied
    signature = signature_of(loss)
    takes = signature is not None and "backend" in signature.parameters
    is_ours = inspect.unwrap(getattr(loss, "func", loss)).__module__.startswith("ssimloss.")
    return functools.partial(loss, backend="eager") if takes and is_ours else None


def _times(forms: dict[str, Subject], pred: Tensor, target: Tensor) -> dict[str, float]:
    """Median seconds of a step; the functions run in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in forms}
    for run in range(_RUNS + 1):
        for name, form in forms.items():
            began = time.perf_counter()
            form.gradient(pred, target)
            if run:  # the first one warms up
                seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(each) for name, each in seconds.items()}


def _saved(subject: Subject, pred: Tensor, target: Tensor) -> float:
    """Memory that autograd keeps for the backward pass, in images of the size of pred."""
    leaf, other = pred.clone().requires_grad_(), target.clone()
    own = {_address(leaf), _address(other)}
    if subject.module is not None:
        own |= {_address(t) for t in (*subject.module.parameters(), *subject.module.buffers())}
    sizes: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        address = _address(tensor)
        if address and address not in own:
            sizes[address] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        value = subject(leaf, other)
    del value
    return sum(sizes.values()) / (pred.numel() * pred.element_size())
