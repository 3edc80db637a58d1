"""The results of a criterion's last call: values, weights and measured gradients."""

import functools
import textwrap
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from ssimloss.combined.measurement import Measurement, Weight
from ssimloss.combined.plan import Plan

Key = TypeVar("Key", bound=Hashable)
_LINE = 98  # characters of a table's line; a longer last column is wrapped
_LEAST = 30  # least width of that column


class Cosines(dict[str | tuple[str, str], Tensor]):
    """``cosines["pixel"]`` is the cosine with the total, ``cosines["pixel", "ssim"]`` that between
    two terms, in either order.
    """

    def __missing__(self, key: str | tuple[str, str]) -> Tensor:
        """The pair in the other order."""
        if isinstance(key, tuple) and key[::-1] in self:
            return self[key[::-1]]
        raise KeyError(key)


class Diagnosis:
    """A measurement with the weights that were used; results are by name of the measured terms.

    Attributes:
        step: the step that was measured.
        measurement: what was measured.
        weights: ``(T,)``, the weights that were used.
    """

    def __init__(self, names: Sequence[str], measurement: Measurement, weights: Tensor) -> None:
        """``names`` are those of all terms."""
        self.step, self.measurement, self.weights = measurement.step, measurement, weights
        self._at = {n: i for i, n in enumerate(names) if measurement.measured[i]}

    @property
    def names(self) -> list[str]:
        """The terms that reached ``pred``."""
        return list(self._at)

    @property
    def norms(self) -> dict[str, Tensor]:
        """By term, the norm of its unweighted gradient."""
        return self._by_name(self.measurement.norms)

    @property
    def shares(self) -> dict[str, Tensor]:
        """By term, the share of its weighted gradient."""
        return self._by_name(self.measurement.shares(self.weights))

    @property
    def cosines(self) -> Cosines:
        """Cosines of the weighted gradients with their sum, and between each other."""
        total = self._by_name(self.measurement.against_total(self.weights))
        between = self.measurement.between(self.weights)
        found = Cosines({name: cosine for name, cosine in total.items()})
        names = self.names
        for i, first in enumerate(names):
            for second in names[i + 1 :]:
                found[first, second] = between[self._at[first], self._at[second]]
        return found

    def _by_name(self, numbers: Tensor) -> dict[str, Tensor]:
        return {name: numbers[index] for name, index in self._at.items()}


def _product(weight: Weight, value: Tensor) -> Tensor:
    """0 for the weight 0, whatever the value is."""
    product = weight * value
    return torch.where(weight == 0, 0.0, product) if isinstance(weight, Tensor) else product


class LastCall:
    """Results of each term in one call of a :class:`CombinedLoss`, as detached scalars.

    All are views of small tensors on the device of the returned sum. Access does not synchronise.

    Attributes:
        step: the step of the call.
    """

    def __init__(
        self,
        step: int,
        values: Mapping[str, Tensor],
        total: Tensor,
        weights: Plan | Mapping[str, Weight],
        diagnosis: Diagnosis | None = None,
    ) -> None:
        """Keep ``values`` and ``total`` detached. ``weights`` are the weights that were used, or
        the plan that computes them.
        """
        self._names = tuple(values)
        # Copied, not only detached: compiled by torch 2.15 (pytorch pull request 195688), a
        # function that returns x * 1 beside x.detach() returns one tensor for both, without a
        # gradient.
        self._numbers = torch.stack(
            [number.detach().to(total) for number in (*values.values(), total)]
        )
        self._weights = weights
        self._diagnosis = diagnosis
        self.step = step

    @property
    def values(self) -> dict[str, Tensor]:
        """Per evaluated term, by name, the value it returned, unweighted."""
        return dict(zip(self._names, self._numbers[:-1].unbind(), strict=True))

    @property
    def weights(self) -> dict[str, Weight]:
        """Per evaluated term, the weight that was used: a number, or a scalar on the device if a
        strategy or ``on_nonfinite`` set it.
        """
        if isinstance(self._weights, Plan):
            return {name: self._weights.weight_at(name, self.step) for name in self._names}
        return dict(self._weights)

    @property
    def weighted(self) -> dict[str, Tensor]:
        """Per evaluated term, weight times value; they add up to ``total``. The entry is 0 for a
        term that was left out because its value is not finite.
        """
        weights = self.weights
        return {name: _product(weights[name], value) for name, value in self.values.items()}

    @property
    def total(self) -> Tensor:
        """The weighted sum that the call returned."""
        return self._numbers[-1]

    @property
    def measured_at(self) -> int | None:
        """The step whose gradients are shown: this one, or the last measured one before it. None if
        no step was measured.
        """
        return None if self._diagnosis is None else self._diagnosis.step

    @property
    def gradient_norms(self) -> dict[str, Tensor]:
        """Per term, the norm of its unweighted gradient at ``pred``, over the whole batch. Empty
        before the first measured step; terms that do not reach ``pred`` are absent.
        """
        return {} if self._diagnosis is None else self._diagnosis.norms

    @property
    def gradient_shares(self) -> dict[str, Tensor]:
        """Per term, the norm of its weighted gradient divided by the sum of these norms."""
        return {} if self._diagnosis is None else self._diagnosis.shares

    @property
    def cosines(self) -> Cosines:
        """Cosines of weighted gradients: ``["pixel"]`` of a term with the sum,
        ``["pixel", "ssim"]`` of two terms with each other.
        """
        return Cosines() if self._diagnosis is None else self._diagnosis.cosines

    def scalars(self) -> dict[str, Weight]:
        """Return everything as a flat dict of numbers and of scalars on the device.

        The keys are ``total``, ``value/NAME``, ``weight/NAME``, ``weighted/NAME``, and after a
        measured step ``gradient_norm/NAME``, ``gradient_share/NAME``, ``cosine/NAME`` and
        ``cosine/NAME,OTHER``.
        """
        found: dict[str, Weight] = {"total": self.total}
        for title, of_terms in (
            ("value", self.values),
            ("weight", self.weights),
            ("weighted", self.weighted),
            ("gradient_norm", self.gradient_norms),
            ("gradient_share", self.gradient_shares),
        ):
            found.update({f"{title}/{name}": number for name, number in of_terms.items()})
        for key, cosine in self.cosines.items():
            found[f"cosine/{key if isinstance(key, str) else ','.join(key)}"] = cosine
        return found

    def numbers(self) -> dict[str, float]:
        """Return :meth:`scalars` as numbers, read from the device with one synchronisation."""
        return read(self.scalars())

    def __str__(self) -> str:
        """A table with the values."""
        numbers = self.numbers()
        measured = [] if self._diagnosis is None else self._diagnosis.names
        header = ["term", "value", "weight", "weighted"]
        columns = ["value", "weight", "weighted"]
        if measured:
            header += ["gradient", "share", "cosine", *(f"with {name}" for name in measured[:-1])]
        rows = [header]
        for name in dict.fromkeys([*self._names, *measured]):
            row = [name, *(_number(numbers.get(f"{c}/{name}")) for c in columns)]
            if name in measured:
                row += [
                    f"{numbers[f'gradient_norm/{name}']:.2e}",
                    f"{100 * numbers[f'gradient_share/{name}']:.2f} %",
                    f"{numbers[f'cosine/{name}']:+.2f}",
                    *(_cosine(numbers, name, other) for other in measured[:-1]),
                ]
            elif measured and self.measured_at == self.step:
                row.append("does not reach pred")
            rows.append(row)
        at = self.measured_at
        when = "" if at in (None, self.step) else f"; gradients of step {at}"
        return "\n".join(
            [f"step {self.step}, total {numbers['total']:.6g}{when}", *columns_of(rows)]
        )

    def __repr__(self) -> str:
        """Name the terms without reading their values."""
        weights = {
            n: w if isinstance(w, float) else "on the device" for n, w in self.weights.items()
        }
        return f"LastCall(step={self.step}, weights={weights})"


def read(numbers: Mapping[Key, Weight]) -> dict[Key, float]:
    """All numbers; those on a device are read together."""
    there = {key: number for key, number in numbers.items() if isinstance(number, Tensor)}
    if not there:
        return {key: float(number) for key, number in numbers.items()}
    like = next(iter(there.values()))
    dtype = functools.reduce(torch.promote_types, (number.dtype for number in there.values()))
    stacked = torch.stack([n.detach().to(like.device, dtype) for n in there.values()])
    found = dict(zip(there, stacked.tolist(), strict=True))
    return {key: found[key] if key in found else float(n) for key, n in numbers.items()}


def columns_of(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table, its columns two spaces apart. A last column that is too long is wrapped."""
    length = max(len(row) for row in rows)
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(length)]
    left = sum(widths[:-1]) + 2 * (length - 1)
    lines = []
    for row in rows:
        *cells, last = row
        head = "".join(f"{cell.ljust(width)}  " for cell, width in zip(cells, widths, strict=False))
        parts = textwrap.wrap(
            last, max(_LINE - left, _LEAST), subsequent_indent="  ", break_long_words=False,
            break_on_hyphens=False,
        )  # fmt: skip
        first, *rest = parts or [""]
        lines += [(head + first).rstrip(), *(" " * len(head) + part for part in rest)]
    return lines


def _number(number: float | None) -> str:
    return "" if number is None else f"{number:.4g}"


def _cosine(numbers: Mapping[str, float], name: str, other: str) -> str:
    if name == other:
        return ""
    for pair in ((name, other), (other, name)):
        if f"cosine/{','.join(pair)}" in numbers:
            return f"{numbers['cosine/' + ','.join(pair)]:+.2f}"
    return ""
