"""The interface of a strategy, which computes a factor for each term's weight from the gradients.

A strategy needs ``weights``; one with a memory needs ``state_dict`` and ``load_state_dict`` as
well. Its factors may have a graph to parameters that an optimiser trains. Then it is an
``nn.Module`` or has one as ``module``, which becomes part of the criterion. :class:`Balance` is a
base class for strategies that need more than the four arguments.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn


@runtime_checkable
class Strategy(Protocol):
    """What ``CombinedLoss(balance=...)`` takes."""

    def weights(self, norms: Tensor, cosines: Tensor, values: Tensor, step: int) -> Tensor:
        """Return a factor for the weight of each term, ``(T,)`` in the order of the terms.

        All tensors are on the device of ``pred``, detached, and equal in every process. Do not read
        their values on the host, which would wait for the device. A term that is not evaluated at
        this step, or does not reach ``pred``, has norm 0 and value 0, and its factor is not used.
        Norms and values may be NaN or infinite.

        Args:
            norms: ``(T,)``, norms of the gradients of the unweighted terms at ``pred``.
            cosines: ``(T, T)``, cosines between these gradients.
            values: ``(T,)``, values of the unweighted terms.
            step: the step of the criterion.
        """


class Balance:
    """Base class of the strategies.

    Attributes:
        names: names of the terms, in the order of the tensors.
        base: their weights at this step, from their schedules.
        elements: number of elements of ``pred``, over all processes.
    """

    names: tuple[str, ...] = ()
    base: tuple[float, ...] = ()
    elements: int = 1

    def weights(self, norms: Tensor, cosines: Tensor, values: Tensor, step: int) -> Tensor:
        """Return a factor for the weight of each term; see :class:`Strategy`."""
        raise NotImplementedError

    def attach(self, names: tuple[str, ...]) -> None:
        """Called once, when the criterion is built."""
        if self.names and self.names != names:
            raise ValueError(
                f"this {type(self).__name__} balances the terms {', '.join(self.names)} of another "
                "CombinedLoss; build one for each"
            )
        self.names = names

    def prepare(self, base: tuple[float, ...], elements: int) -> None:
        """Called before every call of :meth:`weights`."""
        self.base, self.elements = base, elements

    def state_dict(self) -> dict[str, Tensor]:
        """The tensors needed to continue."""
        return dict(self._memory())

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Continue from a ``state_dict``."""
        memory = self._memory()
        memory.clear()
        memory.update({name: tensor.clone() for name, tensor in state.items()})

    def recall(self, name: str, like: Tensor, first: float = 0.0) -> Tensor:
        """A tensor of the memory, on the device of ``like`` and in its dtype. The first time, it is
        a new tensor of the same length, filled with one value.
        """
        memory = self._memory()
        if name not in memory:
            return torch.full_like(like, first)
        return memory[name].to(like)

    def keep(self, **tensors: Tensor) -> None:
        """Put tensors into the memory, which becomes part of the criterion's ``state_dict``."""
        self._memory().update({name: tensor.detach() for name, tensor in tensors.items()})

    def _memory(self) -> dict[str, Tensor]:
        memory: dict[str, Tensor] = self.__dict__.setdefault("_kept", {})
        return memory

    def __repr__(self) -> str:
        """The settings."""
        settings = {n: v for n, v in vars(self).items() if n in self._settings()}
        return f"{type(self).__name__}({', '.join(f'{n}={v!r}' for n, v in settings.items())})"

    def _settings(self) -> Iterable[str]:
        return ()


class Fixed(Balance):
    """Leaves the weights as they are: every factor is 1. ``CombinedLoss`` without a strategy does
    the same at no cost.
    """

    def weights(self, norms: Tensor, cosines: Tensor, values: Tensor, step: int) -> Tensor:  # noqa: ARG002
        """Ones."""
        return torch.ones_like(norms)


def module_of(strategy: Strategy | None) -> nn.Module | None:
    """The module with the parameters of a strategy."""
    found = strategy if isinstance(strategy, nn.Module) else getattr(strategy, "module", None)
    return found if isinstance(found, nn.Module) else None


def checked(strategy: Any) -> Strategy | None:
    """Return the strategy passed as ``balance``; None for fixed weights.

    Raises:
        TypeError: ``balance`` is a class, or has no method ``weights``.
    """
    if strategy is None or isinstance(strategy, Fixed) or strategy == "fixed":
        return None
    if isinstance(strategy, type):
        raise TypeError(
            f"balance is the class {strategy.__name__}; build it: balance={strategy.__name__}()"
        )
    if not isinstance(strategy, Strategy):
        raise TypeError(
            "balance must be a strategy such as GradientShare(), with a method "
            f"weights(norms, cosines, values, step), got {strategy!r}"
        )
    return strategy
