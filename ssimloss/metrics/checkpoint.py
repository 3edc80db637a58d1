"""The checkpoint with the best value of a metric, in one file that is always complete."""

import math
import numbers
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from ssimloss import _checks, _files
from ssimloss._keywords import keywords
from ssimloss._warnings import warn
from ssimloss.metrics.averages import average, perfect_infinity
from ssimloss.metrics.measures import HIGHER_IS_BETTER
from ssimloss.metrics.scores import EpochScores

Existing = Literal["error", "continue", "replace"]
EXISTING: tuple[str, ...] = get_args(Existing)


@dataclass(frozen=True, eq=False)
class _Standing:
    """A value, and the values of the images that it averages, if they have an index."""

    value: float
    is_clear: bool = True  # False for an infinite value that may hide finite ones
    index: Tensor | None = None
    images: Tensor | None = None

    @classmethod
    def of(cls, scores: Mapping[str, Any], metric: str) -> "_Standing":
        """From the scores of an epoch."""
        value = _number(metric, scores[metric])
        if not isinstance(scores, EpochScores):
            return cls(value, math.isfinite(value))
        if scores.images is None or scores.index is None:
            return cls(value)
        return cls(value, True, scores.index, scores.images.get(metric))

    @classmethod
    def read(cls, saved: Mapping[str, Any]) -> "_Standing":
        """From the result of :meth:`saved`; older files contain only the value."""
        value, images = float(saved["value"]), saved.get("images")
        return cls(value, math.isfinite(value) or images is not None, saved.get("index"), images)

    def saved(self) -> dict[str, Any]:
        """For a file."""
        return {"value": self.value, "index": self.index, "images": self.images}

    def compared(self, other: "_Standing", higher_is_better: bool) -> tuple[float, float]:
        """This value and that of ``other``, over the same images if their perfect images differ.

        Otherwise an image that is perfect in one epoch only would count in one of the two means.
        The means are over the images whose values are finite in both epochs. If they are equal, or
        there is no such image, the numbers of perfect images are compared.
        """
        perfect = perfect_infinity(higher_is_better)
        if self.images is None or other.images is None or self.index is None or other.index is None:
            return self.value, other.value
        own, others = self.images == perfect, other.images == perfect
        if torch.equal(own, others) or not torch.equal(self.index, other.index):
            return self.value, other.value
        rest = ~(own | others)
        means = [
            average(images[rest].tolist(), perfect).mean if rest.any() else math.nan
            for images in (self.images, other.images)
        ]
        if rest.any() and means[0] != means[1]:
            return means[0], means[1]
        more, fewer = own.double().mean().item(), others.double().mean().item()
        return (more, fewer) if higher_is_better else (-more, -fewer)


def _plain(value: Any) -> Any:
    """A Python number for a tensor of one element or a NumPy scalar. With its defaults,
    ``torch.load`` loads neither NumPy scalars nor, on machines without a GPU, tensors of a GPU.
    """
    if isinstance(value, np.generic) or (isinstance(value, Tensor) and value.numel() == 1):
        return value.item()
    return value


def _number(metric: str, value: Any) -> float:
    """A score as a Python number, also of a tensor or an array of one element.

    Raises:
        TypeError: it is not a number.
    """
    single = isinstance(value, (Tensor, np.ndarray)) and math.prod(value.shape) == 1
    if not single and not isinstance(value, numbers.Real):
        raise TypeError(
            f"scores[{metric!r}] must be a number, got {type(value).__name__} {value!r}; take the "
            "mean of several values"
        )
    return float(value.item() if single else value)


class BestCheckpoint:
    """Keep the checkpoint with the best value of a metric in one file. The file always contains a
    complete checkpoint, the old or the new one.

    ``torch.load`` returns ``{"metric": name, "value": number, "scores": all scores, "state": the
    network's state dict}``, and the ``index`` and the values of ``images`` if the scores have them.

    If some images are perfect and their values infinite, epochs are compared by the other images
    (see :class:`EpochScores`). With scores of a :class:`Validator` and the index of each image, the
    same images are compared for both epochs.

    Args:
        path: path of the file; missing folders are created.
        metric: the name of the metric in the scores.
        higher_is_better: which direction is better; not needed for measures of this package.
        existing: what to do with an existing file: ``"error"`` raises, ``"continue"`` keeps it
            until a value is better than the stored one, ``"replace"`` keeps it until the first
            value. All processes must see the same file.

    Raises:
        ValueError: the metric is not one of this package and ``higher_is_better`` is missing, or
            the existing file is not a checkpoint of this metric.
        FileExistsError: the file exists.
    """

    @keywords()
    def __init__(
        self,
        path: str | Path,
        metric: str,
        *,
        higher_is_better: bool | None = None,
        existing: Existing = "error",
    ) -> None:
        _checks.choice("existing", existing, EXISTING)
        if higher_is_better is None and metric not in HIGHER_IS_BETTER:
            raise ValueError(
                f"higher_is_better must be True or False for {metric!r}, which is no measure of "
                "this package"
            )
        self.path = Path(path).expanduser()
        self.metric = metric
        self.higher_is_better = (
            HIGHER_IS_BETTER[metric] if higher_is_better is None else higher_is_better
        )
        self._best: _Standing | None = None
        self._told = False
        if existing != "replace" and self.path.exists():
            if existing == "error":
                raise FileExistsError(
                    f"path {str(self.path)!r} is there already, perhaps the best of another "
                    "training; existing='continue' keeps it until a value is better, "
                    "existing='replace' does not"
                )
            self._best = self._of_file()

    @property
    def value(self) -> float | None:
        """The best value so far; None before the first value."""
        return None if self._best is None else self._best.value

    def update(self, scores: Mapping[str, float], state: nn.Module | Mapping[str, Any]) -> bool:
        """Write the file if the value of the metric is the best so far.

        Under ``torch.distributed``, process 0 writes and the other processes do not wait. Call
        ``torch.distributed.barrier()`` before they read the file.

        Args:
            scores: the result of ``Validator.compute``, equal in all processes.
            state: a module, or anything that ``torch.save`` accepts. All processes call
                ``state_dict()`` of a module. For a sharded module, pass the collected state, such
                as ``get_model_state_dict`` with ``full_state_dict=True``.

        Returns:
            Whether the value is the best so far; False for NaN.

        Raises:
            ValueError: ``scores`` does not contain the metric.
            TypeError: the score is not a number.
            OSError: the file cannot be written; the old file remains.
        """
        if self.metric not in scores:
            raise ValueError(
                f"scores must hold {self.metric!r}, got {', '.join(map(repr, scores)) or 'none'}"
            )
        found = _Standing.of(scores, self.metric)
        if math.isnan(found.value) or not self._is_better(found):
            return False
        saved = (
            state.state_dict() if isinstance(state, nn.Module) else state
        )  # in every process: it may be a collective
        if (
            not (torch.distributed.is_available() and torch.distributed.is_initialized())
            or torch.distributed.get_rank() == 0
        ):
            content = {
                "metric": self.metric,
                **found.saved(),
                "scores": {name: _plain(score) for name, score in scores.items()},
                "state": saved,
            }
            _files.write(self.path, lambda file: torch.save(content, file))
        self._best = found
        return True

    def state_dict(self) -> dict[str, Any]:
        """The best value so far, to be saved in a training checkpoint."""
        best = _Standing(math.nan) if self._best is None else self._best
        return {"metric": self.metric, **best.saved(), "value": self.value}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from the result of ``state_dict``, or from the value in the file if that is
        better and ``existing="continue"``.

        Raises:
            ValueError: the state belongs to another metric.
        """
        if state["metric"] != self.metric:
            raise ValueError(
                f"state is of metric {state['metric']!r}, and this checkpoint is of {self.metric!r}"
            )
        if state["value"] is not None:
            found = _Standing.read(state)
            if self._is_better(found):
                self._best = found

    def _of_file(self) -> _Standing:
        way_out = "existing='replace' writes over it"
        try:
            content = torch.load(self.path, map_location="cpu", weights_only=True, mmap=True)
        except (RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
            raise ValueError(
                f"path {str(self.path)!r} cannot be continued, for it cannot be read ({error}); "
                f"{way_out}"
            ) from error
        if (
            not isinstance(content, dict)
            or content.get("metric") != self.metric
            or not isinstance(content.get("value"), (float, int, Tensor))
        ):
            raise ValueError(
                f"path {str(self.path)!r} is not a file of the best {self.metric!r}; {way_out}"
            )
        return _Standing.read(content)

    def _is_better(self, found: _Standing) -> bool:
        if self._best is None:
            return True
        value, best = found.compared(self._best, self.higher_is_better)
        if value > best if self.higher_is_better else value < best:
            return True
        if not self._best.is_clear and math.isinf(best) and not self._told:
            self._told = True
            warn(
                f"the best {self.metric} is {best}, so that no later value is better and "
                f"{self.path} stays as it is; the infinite value of one perfect image hides all "
                "other values: average the finite values, as Validator does"
            )
        return False
