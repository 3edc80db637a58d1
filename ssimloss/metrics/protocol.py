"""Protocols: how two images are prepared before they are compared, and by which definitions.

The PSNR of the same two images is 25.0 or 26.3 dB depending on the luma; border and rounding change
the other digits. A protocol fixes all of it, on batches and on the device of the images, and
describes it in words. Its definitions are those of ``ssimloss.conventions``; the module
``protocols`` holds the protocols in use.
"""

import dataclasses
import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks, _debug
from ssimloss._checks import DataRange
from ssimloss.conventions.attributes import PREPARATION
from ssimloss.conventions.convention import Convention
from ssimloss.conventions.preparation import Preparation
from ssimloss.functional.psnr import decibel
from ssimloss.metrics.batches import one_by_one

Definition = Literal["psnr", "ssim", "ms_ssim"]
DEFINITIONS: tuple[Definition, ...] = get_args(Definition)
# Prepared images of one pair of batches, by preparation, border and data range.
Prepared = dict[Hashable, tuple[Tensor, Tensor]]


class Protocol(ABC):
    """The preparation of two images, and the definitions of PSNR, SSIM and MS-SSIM.

    Images are ``(N, C, H, W)``, floating point of any precision or uint8, with values in
    ``data_range``: ``L`` for ``[0, L]``, or ``(lo, hi)``. The default is ``[0, 1]``, and
    ``[0, 255]`` for uint8. All values are computed in float64, without a graph, and separately for
    each image.
    """

    @property
    @abstractmethod
    def title(self) -> str:
        """The protocol in a few words."""

    @property
    def crop_border(self) -> int:
        """Number of pixels that are cropped at each side."""
        return 0

    @abstractmethod
    def convention(self, definition: Definition, *, gray: bool = False) -> Convention:
        """The definition with its preparation, for gray images if ``gray``."""

    def prepare(
        self, pred: Tensor, target: Tensor, *, data_range: DataRange | None = None
    ) -> tuple[Tensor, Tensor]:
        """Both images as prepared for PSNR: float64 on a scale of [0, 1], ``(N, 1 or C, H', W')``.

        Raises:
            ValueError: shapes differ, images are neither gray nor RGB and the protocol needs a
                luma, or nothing remains after the crop.
            TypeError: integer tensors.
        """
        return self.prepared(pred, target, data_range=data_range)

    def prepare_color(
        self, pred: Tensor, target: Tensor, *, data_range: DataRange | None = None
    ) -> tuple[Tensor, Tensor]:
        """Both images as prepared for PSNR, but with all channels: ``(N, C, H', W')``."""
        return self.prepared(pred, target, data_range=data_range, color=True)

    @torch.no_grad()
    def prepared(
        self,
        pred: Tensor,
        target: Tensor,
        *,
        data_range: DataRange | None = None,
        definition: Definition = "psnr",
        color: bool = False,
        memory: Prepared | None = None,
        dtype: torch.dtype | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Both images as prepared for a definition.

        Args:
            color: keep all channels instead of the luma.
            memory: a cache of prepared images; use a new one for each pair of batches.
            dtype: dtype of the result; None for float64.
        """
        prepare = self._preparing(pred, target, data_range, definition, color, dtype)
        if memory is None:
            return prepare(pred, target)
        key = prepare.func, tuple(prepare.keywords.items())
        if key not in memory:
            memory[key] = prepare(pred, target)
        return memory[key]

    def _preparing(
        self,
        pred: Tensor,
        target: Tensor,
        data_range: DataRange | None,
        definition: Definition,
        color: bool,
        dtype: torch.dtype | None,
    ) -> "functools.partial[tuple[Tensor, Tensor]]":
        """A function that prepares these images, or a part of the batch. It checks the images
        first.
        """
        preparation, data_range = self._checked(pred, target, data_range, definition, color)
        return functools.partial(
            preparation,
            data_range=data_range,
            crop_border=self.crop_border,
            dtype=dtype,
        )

    def _checked(
        self,
        pred: Tensor,
        target: Tensor,
        data_range: DataRange | None,
        definition: Definition,
        color: bool = False,
    ) -> tuple[Preparation, DataRange]:
        """Check the images; return their preparation and their data range."""
        data_range = range_in_use(pred, target, data_range)
        preparation = self.convention(definition, gray=pred.shape[1] == 1).preparation
        if color:
            preparation = dataclasses.replace(preparation, luma=None, round=False)
        self._check_values(preparation, pred, target, data_range)
        return preparation, data_range

    def _check_values(
        self, preparation: Preparation, pred: Tensor, target: Tensor, data_range: DataRange
    ) -> None:
        """Check the number of channels and, under ``ssimloss.debug()``, the values."""
        channels = pred.shape[1]
        if preparation.luma is not None and channels != 3:
            raise ValueError(
                f"{self.title} takes the luma of RGB images (N, 3, H, W) or of gray ones (N, 1, "
                f"H, W), got {channels} channels; drop an alpha channel with [:, :{channels - 1}]"
            )
        if _debug.STATE.enabled:
            _debug.check(self.title, {"pred": pred, "target": target}, data_range=data_range)

    @torch.no_grad()
    def compared(
        self,
        function: Callable[[Tensor, Tensor], Tensor],
        pred: Tensor,
        target: Tensor,
        *,
        data_range: DataRange | None = None,
        definition: Definition = "psnr",
        color: bool = False,
        memory: Prepared | None = None,
        dtype: torch.dtype | None = None,
    ) -> Tensor:
        """The result of ``function`` for the prepared images, ``(N,)``.

        Without ``memory``, images on a CPU are prepared and compared one by one, so that a prepared
        image is still in the cache when it is compared.

        Args:
            definition, color, memory, dtype: as in :meth:`prepared`.
        """
        if memory is None:
            prepare = self._preparing(pred, target, data_range, definition, color, dtype)
            room: list[Tensor] = []

            def value(x: Tensor, y: Tensor) -> Tensor:
                # A copy: the value may be a view of memory that the next image overwrites.
                return function(*prepare(x, y, room=room)).clone()

            return one_by_one(value, pred, target)
        x, y = self.prepared(
            pred,
            target,
            data_range=data_range,
            definition=definition,
            color=color,
            memory=memory,
            dtype=dtype,
        )
        return one_by_one(function, x, y)

    @torch.no_grad()
    def compute(
        self,
        definition: Definition,
        pred: Tensor,
        target: Tensor,
        *,
        data_range: DataRange | None = None,
        memory: Prepared | None = None,
        dtype: torch.dtype | None = None,
    ) -> Tensor:
        """One of the definitions, ``(N,)`` on the device of the images.

        Args:
            memory, dtype: as in :meth:`prepared`; the computation is in that dtype. PSNR needs
                neither: it is computed in float64, in one pass over the images.
        """
        _checks.choice("definition", definition, DEFINITIONS)
        in_use = range_in_use(pred, target, data_range)
        convention = self.convention(definition, gray=pred.shape[1] == 1)
        state = convention.state
        if definition == "psnr" and state["pooling"] == "image":
            self._check_values(convention.preparation, pred, target, in_use)
            errors = convention.preparation.squared_errors(
                pred, target, data_range=in_use, crop_border=self.crop_border
            )
            return decibel(errors + state["eps"] if state["eps"] else errors)
        options = {**convention.options, "data_range": 1.0, "reduction": "image"}
        return self.compared(
            functools.partial(convention.table.function, **options),
            pred,
            target,
            data_range=data_range,
            definition=definition,
            memory=memory,
            dtype=dtype,
        )

    def psnr(self, pred: Tensor, target: Tensor, *, data_range: DataRange | None = None) -> Tensor:
        """PSNR of each image in dB, ``(N,)`` float64; infinite for equal images unless the protocol
        caps it.
        """
        return self.compute("psnr", pred, target, data_range=data_range)

    def ssim(self, pred: Tensor, target: Tensor, *, data_range: DataRange | None = None) -> Tensor:
        """SSIM of each image, ``(N,)`` float64. Images smaller than the window raise ValueError."""
        return self.compute("ssim", pred, target, data_range=data_range)

    def ms_ssim(
        self, pred: Tensor, target: Tensor, *, data_range: DataRange | None = None
    ) -> Tensor:
        """MS-SSIM of each image, ``(N,)`` float64. Images too small for five scales (161 to 176
        pixels) raise ValueError.
        """
        return self.compute("ms_ssim", pred, target, data_range=data_range)

    def steps(self, definition: Definition, *, color: bool = False) -> list[str]:
        """A description of each step of the preparation for this definition."""
        state = self._state(definition)
        if color:
            state |= {"luma": None, "round": False}
        steps = [sentence for attribute in PREPARATION if (sentence := attribute.sentence(state))]
        if not steps:
            return ["the images as they are, in float64"]
        steps = [
            step.replace(
                "crop_border pixels",
                f"{self.crop_border} pixel{'s' if self.crop_border != 1 else ''}",
            )
            for step in steps
        ]
        gray = ["gray images are their own luma"] if state["luma"] is not None else []
        return [step for step in steps if step != "cut 0 pixels off every side"] + gray

    def formula(self, definition: Definition) -> list[str]:
        """A description of each step of the computation from the prepared images."""
        state = self._state(definition)
        attributes = self.convention(definition).table.attributes
        return [
            sentence
            for attribute in attributes
            if attribute not in PREPARATION and (sentence := attribute.sentence(state))
        ]

    def describe(self) -> str:
        """A description of everything that affects the values: one line each for the protocol, the
        preparation of the images, and each definition.
        """
        steps = {definition: "; ".join(self.steps(definition)) for definition in DEFINITIONS}
        alike = len(set(steps.values())) == 1
        lines = [self.title, *([f"images: {steps['psnr']}"] if alike else [])]
        for definition in DEFINITIONS:
            words = "; ".join(self.formula(definition))
            lines.append(
                f"{self.convention(definition).table.title}: "
                f"{words if alike else f'{steps[definition]}; {words}'}"
            )
        return "\n".join(lines)

    def _state(self, definition: Definition) -> dict[str, object]:
        return self.convention(definition).state | {"reduction": "image"}


def range_in_use(pred: Tensor, target: Tensor, given: DataRange | None) -> DataRange:
    """The data range of two images: ``given``, or the default for their dtype.

    Raises:
        ValueError: shapes differ, or one image is gray and the other in colour.
        TypeError: integer tensors other than uint8, or one uint8 and one floating point image.
    """
    _checks.stored_images(pred, target)
    stored = pred.dtype is torch.uint8
    if stored != (target.dtype is torch.uint8):
        raise TypeError(
            f"pred and target must both be floating point or both uint8, got {pred.dtype} and "
            f"{target.dtype}; divide the one of uint8 by 255 if the other lies in [0, 1]"
        )
    if {pred.shape[1], target.shape[1]} == {1, 3} and pred.shape[2:] == target.shape[2:]:
        gray, colour = ("pred", "target") if pred.shape[1] == 1 else ("target", "pred")
        raise ValueError(
            f"{gray} is gray and {colour} in colour, which no protocol compares; make both gray, "
            f"or {gray}.expand(-1, 3, -1, -1)"
        )
    _checks.same_shape("target", target, "pred", pred)
    if given is None:
        return 255.0 if stored else 1.0
    low, span = _checks.data_range(given)
    return (low, low + span) if low else span
