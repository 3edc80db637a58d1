"""The causes of the difference of two conventions on given images, one attribute at a time."""

import dataclasses
from typing import Any

import torch
from torch import Tensor

from ssimloss._checks import DataRange
from ssimloss._precision import to_float64_device
from ssimloss.conventions.convention import Convention, Table
from ssimloss.conventions.lookup import find


@dataclasses.dataclass(frozen=True)
class Step:
    """One attribute changed from what the first convention has to what the second has."""

    name: str
    before: str
    after: str
    value: float  # after the change
    change: float


@dataclasses.dataclass(frozen=True)
class Difference:
    """The steps from one convention's value to another's. The changes add up to the difference.
    ``print`` shows a table.
    """

    measure: str
    unit: str
    name_a: str
    name_b: str
    value_a: float
    value_b: float
    steps: tuple[Step, ...]

    @property
    def difference(self) -> float:
        """``value_b - value_a``, 0 for two infinite values."""
        return _change(self.value_a, self.value_b)

    def __str__(self) -> str:
        unit = f", {self.unit}" if self.unit else ""
        digits = 4 if self.unit == "dB" else 6
        rows = [(self.name_a, "", _number(self.value_a, digits), "")]
        rows += [
            (
                f"  {s.name}",
                f"{s.before} -> {s.after}",
                _number(s.value, digits),
                _number(s.change, digits, "+"),
            )
            for s in self.steps
        ]
        rows += [
            (self.name_b, "", _number(self.value_b, digits), _number(self.difference, digits, "+"))
        ]
        head = (f"{self.measure}{unit}", "", "value", "change")
        widths = [max(len(row[i]) for row in (head, *rows)) for i in range(4)]
        lines = [
            f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}".rstrip()
            for a, b, c, d in (head, *rows)
        ]
        lines.insert(1, "-" * (sum(widths) + 6))
        if not self.steps:
            lines.append("the two are the same definition")
        return "\n".join(lines)


@torch.no_grad()
def explain_difference(
    a: str | Convention,
    b: str | Convention,
    pred: Tensor,
    target: Tensor | None = None,
    *,
    data_range: DataRange = 1.0,
    crop_border: int | None = None,
) -> Difference:
    """Compute two conventions on your images and split their difference into its causes.

    The attributes of the first convention are replaced by those of the second, one at a time, in
    the order of computation. The change of each attribute depends slightly on this order; the sum
    does not.

    Args:
        a, b: two conventions of one measure, or their names as :func:`describe` takes them.
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``; total variation
            takes ``pred`` alone.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        crop_border: number of pixels to crop at each side, for conventions that crop.

    Returns:
        A :class:`Difference`, computed in float64; conventions with one value per image are
        averaged over the batch.

    Raises:
        ValueError: the conventions belong to different measures, or one of them does not support
            the images.
        TypeError: a convention crops and ``crop_border`` is missing, or it is given and neither
            crops.
        KeyError: a name is unknown or ambiguous.
    """
    first, second = find(a), find(b)
    for each in (first, second):
        if each.table.module:
            raise ValueError(
                f"{each.full_name} holds options of the module {each.table.module}; only two "
                "conventions of one measure can be compared"
            )
    table = first.table
    if second.table is not table:
        raise ValueError(
            f"{first.full_name} and {second.full_name} are different measures, {table.title} "
            f"and {second.table.title}"
        )
    between = f"{first.full_name} against {second.full_name}"
    table.check_arguments(between, pred, target, data_range)
    first.check_luma(pred)
    second.check_luma(pred)
    pred = to_float64_device(pred)
    target = None if target is None else to_float64_device(target)
    cuts = first.preparation.crop or second.preparation.crop
    if cuts and crop_border is None:
        raise TypeError(
            f"{between}: one of them cuts the border off and needs crop_border; papers cut as "
            "many pixels as the scale"
        )
    if crop_border is not None and not cuts:
        raise TypeError(
            f"{between}: neither cuts the border; leave crop_border out, or crop the images before"
        )

    def value(state: dict[str, Any]) -> float:
        return _value(table, state, pred, target, data_range, crop_border)

    before, goal = first.state, second.state
    state, last = dict(before), value(before)
    value_a, steps = last, []
    for attribute in table.attributes:
        changed = {key: goal[key] for key in attribute.keys if goal[key] != state[key]}
        if not changed:
            continue
        words = attribute.words(state)
        state |= changed
        now = value(state)
        steps.append(Step(attribute.name, words, attribute.words(state), now, _change(last, now)))
        last = now
    return Difference(
        table.title, table.unit, first.full_name, second.full_name, value_a, last, tuple(steps)
    )


def _value(
    table: Table,
    state: dict[str, Any],
    pred: Tensor,
    target: Tensor | None,
    data_range: DataRange,
    crop_border: int | None,
) -> float:
    """The value, rounded to 8 bit in the images' own precision if required, and
    otherwise in float64.
    """
    if not state.get("quantize"):
        pred, target = pred.double(), None if target is None else target.double()
    return table.evaluate(state, pred, target, data_range, crop_border).mean().item()


def _change(before: float, after: float) -> float:
    return 0.0 if before == after else after - before


def _number(value: float, digits: int, sign: str = "") -> str:
    if abs(value) >= 1e5:
        return f"{value:{sign}.6g}"
    return f"{value:{sign}.{digits}f}"
