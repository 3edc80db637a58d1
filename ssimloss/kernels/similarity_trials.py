"""How Triton kernels of the similarity are tried: on images of several sizes, layouts, ranges and
divisions into strips, which are the same on every machine.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ssimloss.kernels.comparison import Comparison
from ssimloss.kernels.operators import least_size
from ssimloss.kernels.proof import Problem, Race, Results, Trial, Use
from ssimloss.kernels.triton_launch import LANES, Division, Launch

_C1, _C2 = 1e-4, 9e-4  # of a data range of length 1


class Setting(NamedTuple):
    """Images of one shape, and what is compared of them."""

    name: str
    shape: tuple[int, int, int, int]
    comparison: Comparison
    division: Division | None = None
    is_channels_last: bool = False  # the second image

    @property
    def title(self) -> str:
        """For people."""
        lanes = f", {self.division.lanes} lanes" if self.division else ""
        return f"{self.name} {'x'.join(map(str, self.shape))}, {self.comparison.padding}{lanes}"

    def images(
        self, dtypes: tuple[torch.dtype, torch.dtype], device: torch.device
    ) -> tuple[Tensor, Tensor]:
        """Two related images that are nowhere smooth."""
        generator = torch.Generator("cpu").manual_seed(sum(self.shape))
        x = torch.rand(self.shape, generator=generator, dtype=torch.float32, device="cpu")
        noise = torch.randn(self.shape, generator=generator, dtype=torch.float32, device="cpu")
        y = (x + 0.2 * noise).clamp(0, 1)
        low = self.comparison.low
        x, y = (
            ((1 - low) * image + low).to(device, dtype)
            for image, dtype in zip((x, y), dtypes, strict=True)
        )
        return x, y.contiguous(memory_format=torch.channels_last) if self.is_channels_last else y

    def upstream(self, device: torch.device) -> Tensor:
        """A gradient for the map of these images, float32."""
        size = (*self.shape[:2], *self.comparison.map_size(*self.shape[2:]))
        generator = torch.Generator("cpu").manual_seed(sum(size) + 1)
        made = torch.randn(size, generator=generator, dtype=torch.float32, device="cpu")
        return made.to(device)


class Way(NamedTuple):
    """How an operator runs its kernel."""

    # Of images, a setting and which gradients are wanted: every launch, ready to be compiled.
    launches: Callable[[Tensor, Tensor, Setting, tuple[bool, bool]], Sequence[Launch]]
    # Of the same and an upstream gradient: the value and the gradients.
    run: Callable[[Tensor, Tensor, Setting, tuple[bool, bool], Tensor | None], Results]
    # Of images, the operator's options and the equation: what a loss calls.
    differentiable: Callable[..., Tensor]
    # Of a setting: the operator's options.
    options: Callable[[Setting], tuple[Any, ...]]
    # Whether the value is a map, whose gradient takes an upstream one.
    is_map: bool


def trial(used: Comparison, use: Use, device: torch.device, way: Way) -> Trial:
    """For everything that has as many taps, the part and the border of ``used``."""
    wanted = use.wanted
    launches = [
        launch
        for setting in _smallest(used)
        for launch in way.launches(*setting.images(use.dtypes, device), setting, wanted)
    ]

    def problem(setting: Setting) -> Problem:
        x, y = setting.images(use.dtypes, device)
        upstream = setting.upstream(device) if way.is_map else None
        options = way.options(setting)

        def equation(dtype: torch.dtype) -> Results:
            pair = x.to(dtype), y.to(dtype)
            return _differentiated(use.reference.equation, *pair, options, wanted, upstream)

        return Problem(
            setting.title,
            lambda: way.run(x, y, setting, wanted, upstream),
            lambda: equation(torch.float32),
            lambda: equation(torch.float64),
        )

    def race(setting: Setting) -> Race:
        x, y = setting.images(use.dtypes, device)
        upstream = setting.upstream(device) if way.is_map else None
        given = x, y, way.options(setting), wanted, upstream
        fused = partial(way.differentiable, equation=use.reference.equation)
        return Race(
            setting.title,
            lambda: _differentiated(fused, *given),
            lambda: _differentiated(use.reference.eager, *given),
        )

    return Trial(
        lambda: [launch.compile() for launch in launches],
        lambda: map(problem, _settings(used)),
        lambda: map(race, _raced(used)),
    )


def _settings(used: Comparison) -> Iterator[Setting]:
    """Sizes that strips divide and that they do not, several strips, the smallest images, another
    range and layout, and the usual division.
    """
    taps, least = len(used.window), least_size(used)
    comparison = _comparison(used, 0.0)
    yield Setting("usual strips", (2, 3, 96, taps + 150), comparison)
    for lanes in LANES:
        whole, quarters = Division(lanes, 1), Division(lanes, 4)
        other = _comparison(used, -1.0)
        yield Setting("aligned", (2, 2, 64, 128), comparison, whole)
        yield Setting("ragged", (1, 3, taps + 26, taps + 106), other, whole, is_channels_last=True)
        yield Setting("several strips", (1, 1, 131, 2 * lanes + 45), comparison, quarters)
        yield Setting("smallest", (1, 2, least, least + 1), comparison, whole)


def _smallest(used: Comparison) -> Iterator[Setting]:
    """What everything else here is compiled with."""
    least = least_size(used)
    for lanes in LANES:
        yield Setting("smallest", (1, 1, least, least), _comparison(used, 0.0), Division(lanes, 1))


def _raced(used: Comparison) -> Iterator[Setting]:
    """A batch of crops and a large image."""
    for name, shape in (("crops", (2, 3, 128, 128)), ("an image", (1, 3, 720, 1280))):
        yield Setting(name, shape, _comparison(used, 0.0))


def _differentiated(
    function: Any,
    x: Tensor,
    y: Tensor,
    options: tuple[Any, ...],
    wanted: tuple[bool, bool],
    upstream: Tensor | None = None,
) -> Results:
    """The value of ``function(x, y, *options)``, and the gradients that are wanted of its sum, or
    of its product with ``upstream``.
    """
    pair = [image.detach().requires_grad_(want) for image, want in zip((x, y), wanted, strict=True)]
    with torch.set_grad_enabled(any(wanted)):
        value = function(*pair, *options)
        asking = [image for image in pair if image.requires_grad]
        slope = torch.ones_like(value) if upstream is None else upstream.to(value.dtype)
        found = iter(torch.autograd.grad(value, asking, slope) if asking else ())
    return results(value.detach(), [next(found) if want else None for want in wanted])


def results(value: Tensor, gradients: Sequence[Tensor | None]) -> Results:
    """By the name that a report uses."""
    names = "the gradient to the first image", "the gradient to the second image"
    made = {
        name: gradient
        for name, gradient in zip(names, gradients, strict=True)
        if gradient is not None
    }
    return {"the value": value, **made}


def _comparison(used: Comparison, low: float) -> Comparison:
    taps = len(used.window)
    # Lopsided, so that a window that is turned round is seen.
    weights = [1 + index / taps + min(index, taps - 1 - index) for index in range(taps)]
    window = tuple(weight / sum(weights) for weight in weights)
    span = (1 - low) ** 2
    return Comparison(window, _C1 * span, _C2 * span, low, used.part, used.padding)
