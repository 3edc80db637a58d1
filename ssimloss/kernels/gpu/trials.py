"""The trials of the Triton kernels: images of several sizes, layouts, ranges and divisions into
strips, equal on every machine.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ssimloss.kernels.comparison import Comparison
from ssimloss.kernels.gpu.launch import LANES, Division, Launch
from ssimloss.kernels.operators import least_size
from ssimloss.kernels.proof import Problem, Race, Results, Trial, Use

_C1, _C2 = 1e-4, 9e-4  # for a data range of length 1
_FLAT = 4 * torch.finfo(torch.float32).eps  # the variance of a flat window, for the same range


class Setting(NamedTuple):
    """Images of one shape, and how they are compared."""

    name: str
    shape: tuple[int, int, int, int]
    comparison: Comparison
    division: Division | None = None
    is_channels_last: bool = False  # layout of the second image
    span: float = 1.0  # length of the data range
    has_flat: bool = False  # whether images have flat patches

    @property
    def title(self) -> str:
        """For people."""
        lanes = f", {self.division.lanes} lanes" if self.division else ""
        return f"{self.name} {'x'.join(map(str, self.shape))}, {self.comparison.padding}{lanes}"

    def images(
        self, dtypes: tuple[torch.dtype, torch.dtype], device: torch.device
    ) -> tuple[Tensor, Tensor]:
        """Two related images without smooth areas, except for flat patches."""
        x, y = self._random(torch.rand), self._random(torch.randn)
        y = (x + 0.2 * y).clamp(0, 1)
        if self.has_flat:
            height, width = self.shape[2:]
            x[..., : height // 3, : width // 2] = 0.25
            y[..., : height // 2, : width // 3] = 0.75
        low = self.comparison.low
        x, y = (
            ((self.span - low) * image + low).to(device, dtype)
            for image, dtype in zip((x, y), dtypes, strict=True)
        )
        return x, y.contiguous(memory_format=torch.channels_last) if self.is_channels_last else y

    def mask(self, device: torch.device) -> Tensor:
        """Weights ``(N, 1, H, W)``, a third of them 0, and one corner without any."""
        mask = self._random(torch.rand)[:, :1]
        mask = torch.where(mask > 1 / 3, mask, 0)
        mask[..., : self.shape[2] // 2, : self.shape[3] // 3] = 0
        return mask.to(device)

    def upstream(self, size: Sequence[int], device: torch.device) -> Tensor:
        """An upstream gradient for the result of an operator, float32."""
        generator = torch.Generator("cpu").manual_seed(sum(size) + 1)
        made = torch.randn(*size, generator=generator, dtype=torch.float32, device="cpu")
        return made.to(device)

    def _random(self, make: Callable[..., Tensor]) -> Tensor:
        generator = torch.Generator("cpu").manual_seed(sum(self.shape))
        if make is torch.randn:
            generator.manual_seed(sum(self.shape) + 1)
        return make(self.shape, generator=generator, dtype=torch.float32, device="cpu")


class Way(NamedTuple):
    """How an operator runs its kernel."""

    # From images, a setting and the requested gradients: every launch, ready to be compiled.
    launches: Callable[[Tensor, Tensor, Setting, tuple[bool, bool]], Sequence[Launch]]
    # From the same and an upstream gradient: the value and the gradients.
    run: Callable[[Tensor, Tensor, Setting, tuple[bool, bool], Tensor | None], Results]
    # From images, the operator's options and the equation: the function that a loss calls.
    differentiable: Callable[..., Tensor]
    # From a setting and a device: the operator's options.
    options: Callable[[Setting, torch.device], tuple[Any, ...]]
    # From a setting: the size of the upstream gradient; None if the upstream gradient is 1.
    size: Callable[[Setting], Sequence[int]] | None = None
    least: int = 1  # rows and columns that an image must have in addition to its window
    is_planar: bool = False  # takes planes, (M, 1, H, W)
    span: float | None = None  # length of the data range from 0; None: both ends vary
    has_flat: bool = False


def trial(used: Comparison, use: Use, device: torch.device, way: Way) -> Trial:
    """The proof for all uses with the number of taps, the part and the border of ``used``."""
    wanted = use.wanted

    def fitted(settings: Iterator[Setting]) -> Iterator[Setting]:
        for setting in settings:
            n, c, h, w = setting.shape
            setting = setting._replace(has_flat=way.has_flat)
            if way.is_planar:
                setting = setting._replace(shape=(n * c, 1, h, w))
            if way.span is not None:
                low = setting.comparison._replace(low=0.0)
                setting = setting._replace(span=way.span, comparison=low)
            yield setting

    least = max(way.least, least_size(used))
    launches = [
        launch
        for setting in fitted(_smallest(used, least))
        for launch in way.launches(*setting.images(use.dtypes, device), setting, wanted)
    ]

    def upstream_of(setting: Setting) -> Tensor | None:
        return None if way.size is None else setting.upstream(way.size(setting), device)

    def problem(setting: Setting) -> Problem:
        x, y = setting.images(use.dtypes, device)
        upstream, options = upstream_of(setting), way.options(setting, device)

        def equation(dtype: torch.dtype) -> Results:
            pair = x.to(dtype), y.to(dtype)
            return differentiated(use.reference.equation, *pair, options, wanted, upstream)

        return Problem(
            setting.title,
            lambda: way.run(x, y, setting, wanted, upstream),
            lambda: equation(torch.float32),
            lambda: equation(torch.float64),
        )

    def race(setting: Setting) -> Race:
        x, y = setting.images(use.dtypes, device)
        given = x, y, way.options(setting, device), wanted, upstream_of(setting)
        fused = partial(way.differentiable, equation=use.reference.equation)
        return Race(
            setting.title,
            lambda: differentiated(fused, *given),
            lambda: differentiated(use.reference.eager, *given),
        )

    return Trial(
        lambda: [launch.compile() for launch in launches],
        lambda: map(problem, fitted(_settings(used, least))),
        lambda: map(race, fitted(_raced(used))),
    )


def _settings(used: Comparison, least: int) -> Iterator[Setting]:
    """Sizes that are and are not multiples of a strip, several strips, the smallest images, another
    range and layout, and the usual division.
    """
    taps = len(used.window)
    comparison = comparison_of(used, 0.0)
    yield Setting("usual strips", (2, 3, 96, taps + 150), comparison)
    for lanes in LANES:
        whole, quarters = Division(lanes, 1), Division(lanes, 4)
        other = comparison_of(used, -1.0)
        ragged = (1, 3, taps + 26, taps + 106)
        yield Setting("aligned", (2, 2, 64, 128), comparison, whole)
        yield Setting("ragged", ragged, other, whole, is_channels_last=True)
        yield Setting("several strips", (1, 1, 131, 2 * lanes + 45), comparison, quarters)
        yield Setting("smallest", (1, 2, least, least + 1), comparison, whole)


def _smallest(used: Comparison, least: int) -> Iterator[Setting]:
    """The images for which everything else here is compiled."""
    for lanes in LANES:
        shape = (1, 1, least, least)
        yield Setting("smallest", shape, comparison_of(used, 0.0), Division(lanes, 1))


def _raced(used: Comparison) -> Iterator[Setting]:
    """A batch of crops and a large image."""
    for name, shape in (("crops", (2, 3, 128, 128)), ("an image", (1, 3, 720, 1280))):
        yield Setting(name, shape, comparison_of(used, 0.0))


def differentiated(
    function: Any,
    x: Tensor,
    y: Tensor,
    options: tuple[Any, ...],
    wanted: tuple[bool, bool],
    upstream: Tensor | None = None,
) -> Results:
    """The value of ``function(x, y, *options)``, and the requested gradients of its sum or of its
    product with ``upstream``.
    """
    pair = [image.detach().requires_grad_(want) for image, want in zip((x, y), wanted, strict=True)]
    with torch.set_grad_enabled(any(wanted)):
        value = function(*pair, *options)
        asking = [image for image in pair if image.requires_grad]
        slope = torch.ones_like(value) if upstream is None else upstream.to(value.dtype)
        found = iter(torch.autograd.grad(value, asking, slope) if asking else ())
    return results(value.detach(), [next(found) if want else None for want in wanted])


def results(value: Tensor, gradients: Sequence[Tensor | None]) -> Results:
    """The results by the names used in a report."""
    names = "the gradient to the first image", "the gradient to the second image"
    made = {
        name: gradient
        for name, gradient in zip(names, gradients, strict=True)
        if gradient is not None
    }
    return {"the value": value, **made}


def comparison_of(used: Comparison, low: float) -> Comparison:
    """A copy of ``used`` with another window, and the constants of a data range ``(low, 1)``."""
    taps = len(used.window)
    # Asymmetric, so that a reversed window is detected.
    weights = [1 + index / taps + min(index, taps - 1 - index) for index in range(taps)]
    window = tuple(weight / sum(weights) for weight in weights)
    span = (1 - low) ** 2
    return Comparison(window, _C1 * span, _C2 * span, low, used.part, used.padding)


def flat_variance(setting: Setting) -> float:
    """The variance below which a window counts as flat."""
    return _FLAT * (setting.span - setting.comparison.low) ** 2
