"""The weighted sum of named terms: sum over k of weight_k(t) * loss_k(inputs_k), in float32."""

import keyword
from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn

from ssimloss import _checks
from ssimloss._torch import plain
from ssimloss.combined.calls import Loss, describe
from ssimloss.combined.progress import LastCall, Progress
from ssimloss.combined.sharing import SharedNetworks
from ssimloss.combined.term import Term


class CombinedLoss(nn.Module):
    """Weighted sum of named losses, each with its own inputs and schedule.

    ``criterion(pred, target, **named)`` returns a scalar: float32, or float64 where a term is
    float64, on the device of the first evaluated term. ``pred`` and ``target`` are float images
    ``(N, C, H, W)`` or whatever the terms take; the other inputs are passed by the names the terms
    ask for. Only what the terms evaluated at this step ask for needs to be given. A term that is
    off at this step is not called; where all are, the result is a 0 with a zero gradient to
    ``pred``.

    Terms whose networks make the same features (one network, one set of weights, one preparation of
    the image) share one pass over each image, up to the deepest layer that any of them wants.

    The step counts the calls made in training mode with gradients enabled, from 0. It is part of
    ``state_dict()``.

    Args:
        terms: a :class:`Term` or, for weight 1, a bare callable per name. The module behind a term
            is registered under that name.

    Raises:
        TypeError: when built: a term is neither, or a bare callable needs the ``inputs`` of a
            :class:`Term`; when called: an input is missing or unknown, or a term does not return a
            tensor.
        ValueError: when built: no terms, or a name that is not an identifier or is an attribute of
            the module; when called: a term returns more than one number, or integers.

    What a term itself raises as ``TypeError``, ``ValueError`` or ``RuntimeError`` is passed on with
    the term's name in front.
    """

    def __init__(self, /, **terms: Term | Loss) -> None:
        """Check the names and register the modules behind the terms; see the class."""
        super().__init__()
        self._progress = Progress()
        self._terms: dict[str, Term] = {}
        self._asked: dict[str, tuple[str, ...]] = {}  # input -> the terms that ask for it
        if not terms:
            raise ValueError(
                "CombinedLoss needs at least one term, for example "
                "CombinedLoss(pixel=Term(CharbonnierLoss()))"
            )
        for name, term in terms.items():
            self._check_name(name)
            self._terms[name] = _as_term(name, term)
        for name, term in self._terms.items():
            for key in term.inputs:
                self._asked[key] = (*self._asked.get(key, ()), name)
            if term.module is not None:
                self.add_module(name, term.module)
        self._networks = SharedNetworks({name: term.module for name, term in self._terms.items()})

    @property
    def terms(self) -> Mapping[str, Term]:
        """The terms by name, in order, read-only."""
        return MappingProxyType(self._terms)

    @property
    def step(self) -> int:
        """Training steps seen; the schedules are at this step in the next call. May be set, to any
        integer of at least 0.
        """
        return self._progress.step

    @step.setter
    def step(self, step: int) -> None:
        self._progress.step = _checks.count("step", step, least=0)

    @property
    def last(self) -> LastCall:
        """What each term gave in the last call, in training or not."""
        if self._progress.last is None:
            raise RuntimeError(
                "CombinedLoss.last holds what the last call gave, and there was none yet; call "
                "the criterion first"
            )
        return self._progress.last

    def forward(
        self, pred: Tensor | None = None, target: Tensor | None = None, **named: object
    ) -> Tensor:
        """The weighted sum at this step; see the class."""
        given = self._given(pred, target, named)
        step = self._progress.step
        active = {name: term for name, term in self._terms.items() if term.is_active(step)}
        values: dict[str, Tensor] = {}
        opened = self._networks.open({name: term.inputs for name, term in active.items()}, given)
        try:
            for name, term in active.items():
                values[name] = self._value(name, term, given)
        finally:
            self._networks.close(opened)
        total = self._weighted_sum(values, step, given)
        self._progress.last = LastCall(self._terms, step, values, total)
        if self.training and torch.is_grad_enabled():
            self._progress.advance()
        return total

    def get_extra_state(self) -> Tensor:
        """The step, as an integer tensor on the CPU, for ``state_dict()``."""
        return torch.tensor(self.step, dtype=torch.int64, device="cpu")

    def set_extra_state(self, state: Tensor) -> None:
        """Take the step from a state dict."""
        if not isinstance(state, Tensor) or state.ndim != 0 or state.dtype is not torch.int64:
            raise TypeError(
                f"the state of a CombinedLoss is its step, an int64 scalar, got {state!r}"
            )
        self.step = int(state)

    def __setattr__(self, name: str, value: object) -> None:
        """As in any module, except that a term cannot be exchanged by assignment."""
        if name in self.__dict__.get("_terms", ()):
            raise AttributeError(
                f"term {name!r} is fixed when CombinedLoss is built; build a new CombinedLoss"
            )
        super().__setattr__(name, value)  # type: ignore[arg-type]  # nn.Module declares tensors and modules, and takes all

    def __repr__(self) -> str:
        """A table of the terms."""
        header = ("name", "weight", "inputs", "schedule", "loss")
        rows = [
            (name, f"{t.weight:g}", ", ".join(t.inputs), t.schedule, describe(t.loss))
            for name, t in self._terms.items()
        ]
        widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in (header, *rows)
        ]
        return "\n  ".join([f"{type(self).__name__}(step={self.step}", *lines]) + "\n)"

    def _check_name(self, name: str) -> None:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise ValueError(f"a term's name must be an identifier, got {name!r}")
        if hasattr(type(self), name) or name in self.__dict__:
            raise ValueError(
                f"a term cannot be named {name!r}, which is an attribute of every CombinedLoss; "
                "choose another name"
            )

    def _given(
        self, pred: Tensor | None, target: Tensor | None, named: dict[str, object]
    ) -> dict[str, object]:
        given: dict[str, object] = {}
        if pred is not None:
            given["pred"] = pred
        if target is not None:
            given["target"] = target
        for name, value in named.items():
            if name not in self._asked:
                known = ", ".join(
                    f"{key} ({', '.join(terms)})" for key, terms in self._asked.items()
                )
                raise TypeError(
                    f"no term asks for the input {name!r}; the inputs, and the terms that ask for "
                    f"them, are: {known}"
                )
            given[name] = value
        return given

    def _weighted_sum(
        self, values: dict[str, Tensor], step: int, given: dict[str, object]
    ) -> Tensor:
        total: Tensor | None = None
        for name, value in values.items():
            part = self._terms[name].weight_at(step) * _at_least_float32(value)
            total = part if total is None else total + part.to(total.device)
        return _zero(given) if total is None else total

    def _value(self, name: str, term: Term, given: dict[str, object]) -> Tensor:
        for key in term.inputs:
            if key not in given:
                have = ", ".join(given) or "nothing"
                raise TypeError(
                    f"term {name!r} needs the input {key!r}; given: {have}; pass it as "
                    f"criterion(..., {key}=...)"
                )
        value = plain(_named_evaluate(name, term, given))
        if not isinstance(value, Tensor):
            raise TypeError(
                f"term {name!r} must return a scalar tensor, got {type(value).__name__}"
            )
        if value.ndim != 0:
            raise ValueError(
                f"term {name!r} must return a scalar, got shape {tuple(value.shape)}; build its "
                'loss with reduction="mean"'
            )
        if not value.dtype.is_floating_point:
            raise TypeError(f"term {name!r} must return a floating point scalar, got {value.dtype}")
        return value


def _named_evaluate(name: str, term: Term, given: dict[str, object]) -> Tensor:
    """Evaluate, with the term's name in the message of what it raises; type and traceback stay."""
    try:
        return term.evaluate(given)
    except (TypeError, ValueError, RuntimeError) as error:
        _name(error, name)
        raise


def _name(error: Exception, term: str) -> None:
    """Put the term's name in front of the message."""
    message, *rest = error.args or ("",)
    error.args = (f"term {term!r}: {message}", *rest)


def _as_term(name: str, term: Term | Loss) -> Term:
    if isinstance(term, Term):
        return term
    if not callable(term):
        raise TypeError(f"term {name!r} must be a Term or a callable, got {type(term).__name__}")
    try:
        return Term(term)
    except TypeError as error:
        _name(error, name)
        raise


def _zero(given: dict[str, object]) -> Tensor:
    """A 0 connected to pred, or to the first tensor given: the sum of none of its elements, so
    infinities do not matter.
    """
    for value in (given.get("pred"), *given.values()):
        if isinstance(value, Tensor):
            return _at_least_float32(plain(value).unsqueeze(0)[:0]).sum()
    raise TypeError(
        "no term is evaluated at this step, and no tensor was given to connect the zero to; pass "
        "pred"
    )


def _at_least_float32(value: Tensor) -> Tensor:
    """Half precision to float32; float32 and float64 as they are."""
    return value.to(torch.promote_types(value.dtype, torch.float32))
