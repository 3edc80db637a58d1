"""The values of a criterion over a training run, collected without waiting for the device."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ssimloss.combined.combined_loss import CombinedLoss
from ssimloss.combined.measurement import Weight
from ssimloss.combined.pictures import Curve, draw_curves
from ssimloss.combined.report import read

PANELS = {"value": "value", "gradient_share": "share of the gradient", "weight": "weight"}
MOST_UNREAD = 500  # calls; each keeps some small tensors on the device


class History:
    """Values, weights and shares of the gradient of each term over the steps.

    ``history.add(criterion)`` after a call keeps its numbers on the device. They are read together,
    every 500 calls and on request. Shares are kept once per measured step, from the latest measured
    step at each ``add``.
    """

    def __init__(self) -> None:
        """Empty."""
        self._curves: dict[str, list[tuple[int, float]]] = {}
        self._unread: list[tuple[int, dict[str, Weight]]] = []
        self._measured_at: int | None = None

    def add(self, criterion: CombinedLoss) -> None:
        """Record the values of the last call."""
        last = criterion.last
        numbers = last.scalars()
        kept = {k: n for k, n in numbers.items() if k.startswith(("value/", "weight/", "total"))}
        self._unread.append((last.step, kept))
        if last.measured_at is not None and last.measured_at != self._measured_at:
            self._measured_at = last.measured_at
            shares = {k: n for k, n in numbers.items() if k.startswith("gradient_share/")}
            self._unread.append((last.measured_at, shares))
        if len(self._unread) >= MOST_UNREAD:
            self._read()

    @property
    def curves(self) -> dict[str, list[tuple[int, float]]]:
        """``(step, number)`` by key: ``total``, ``value/NAME``, ``weight/NAME`` and
        ``gradient_share/NAME``.
        """
        self._read()
        return self._curves

    def draw(self, path: str | os.PathLike[str]) -> None:
        """Draw values, shares and weights into one PNG file. Needs matplotlib.

        Raises:
            ValueError: nothing was added.
            RuntimeError: matplotlib is missing.
        """
        if not self.curves:
            raise ValueError("there is nothing to draw yet; call history.add(criterion) first")
        panels: dict[str, dict[str, Curve]] = {}
        for group, title in PANELS.items():
            curves = {
                key.partition("/")[2]: curve
                for key, curve in self.curves.items()
                if key.startswith(f"{group}/")
            }
            if curves:
                panels[title] = {**curves}
        draw_curves(Path(path), panels)

    def state_dict(self) -> dict[str, Any]:
        """All numbers, as lists."""
        return {key: [list(point) for point in curve] for key, curve in self.curves.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from the values of another history."""
        self._unread = []
        self._curves = {
            key: [(int(step), float(number)) for step, number in curve]
            for key, curve in state.items()
        }

    def _read(self) -> None:
        labelled = {
            (index, key): number
            for index, (_, numbers) in enumerate(self._unread)
            for key, number in numbers.items()
        }
        for (index, key), number in read(labelled).items():
            self._curves.setdefault(key, []).append((self._unread[index][0], number))
        self._unread = []
