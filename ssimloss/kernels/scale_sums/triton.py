"""The Triton kernels' ``scale_sums`` and its backward: VMAF's VIF, and VIF in the pixel domain.

Each scale is a walk over planes, which are halved between scales. The gradient goes back in the
reverse order, from the coarsest scale to the planes.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from ssimloss.kernels.comparison import Comparison
from ssimloss.kernels.gpu.launch import (
    Division,
    EquationName,
    Launch,
    Moments,
    empty_gradients,
    prepare,
    prepare_halving,
    prepare_transposed_halving,
)
from ssimloss.kernels.gpu.machine import environment
from ssimloss.kernels.gpu.trials import Setting, Way, flat_variance, results, trial
from ssimloss.kernels.operators import check_images
from ssimloss.kernels.proof import Proof, Results, Trial, Use
from ssimloss.kernels.scale_sums.measured import LEAST_SIDE, LENGTHS, SCALES, SHAPES, Measured

Gradients = tuple[Tensor | None, Tensor | None]
Wanted = tuple[bool, bool]


def scale_sums(
    x: Tensor, y: Tensor, measured: Measured, division: Division | None = None
) -> Tensor:
    """Sums ``(M, 4, 2)`` of planes that are not empty, in float32."""
    walk = _Walk(x, y, measured, division)
    for launch in walk.forward():
        launch.run()
    return walk.sums()


def scale_sums_backward(
    upstream: Tensor,
    x: Tensor,
    y: Tensor,
    measured: Measured,
    want_x: bool,
    want_y: bool,
    division: Division | None = None,
) -> Gradients:
    """The requested gradients, at least one, of ``sum(upstream * sums)``, in float32."""
    walk = _Walk(x, y, measured, division)
    for launch in walk.halvings:
        launch.run()
    for launch in walk.backward(upstream, want_x, want_y):
        launch.run()
    return walk.gradients[0]


class _Walk:
    """The launches of one call, in their order, and their outputs."""

    def __init__(self, x: Tensor, y: Tensor, measured: Measured, division: Division | None) -> None:
        check_images(x, y, LEAST_SIDE[measured.kind])
        self.division = division
        self.moments = list(_scales(measured))
        self.pairs = [(x, y)]  # one per scale
        self.halvings: list[Launch] = []
        self.walks: list[Launch] = []  # compute the sums
        self.gradients: list[Gradients] = []  # one per scale
        for moments in self.moments[1:]:
            halves = [self._halved(image, moments) for image in self.pairs[-1]]
            self.pairs.append((halves[0], halves[1]))

    def _halved(self, fine: Tensor, moments: Moments) -> Tensor:
        rows, columns = _halved_sizes(fine.shape[2:], moments)
        between = fine.new_empty((len(fine), 1, rows, fine.shape[3]), dtype=torch.float32)
        coarse = fine.new_empty((len(fine), 1, rows, columns), dtype=torch.float32)
        fixed = moments.window, moments.padding
        self.halvings += [
            prepare_halving(fine, between, *fixed, 2),
            prepare_halving(between, coarse, *fixed, 3),
        ]
        return coarse

    def forward(self) -> Iterator[Launch]:
        """The launches that compute the sums."""
        self.walks = [
            prepare(
                *pair,
                (None, None),
                moments,
                columns=moments.comparison.map_size(*pair[0].shape[2:])[1],
                division=self.division,
            )
            for pair, moments in zip(self.pairs, self.moments, strict=True)
        ]
        yield from self.halvings
        yield from self.walks

    def sums(self) -> Tensor:
        """The sums, after all launches of ``forward`` have run."""
        # In float32, long sums would lose digits that matter for a ratio near 1.
        found = [walk.result[:, :, 0].double().sum(-1) for walk in self.walks]  # (2, M) each
        return torch.stack(found, 0).permute(2, 0, 1).float()

    def backward(self, upstream: Tensor, want_x: bool, want_y: bool) -> Iterator[Launch]:
        """The launches that compute ``gradients``, after the planes have been halved."""
        for scale, (pair, moments) in enumerate(zip(self.pairs, self.moments, strict=True)):
            gradients = empty_gradients(*pair, want_x, want_y)
            self.gradients.append(gradients)
            yield prepare(
                *pair,
                gradients,
                moments,
                columns=pair[0].shape[3],
                factors=upstream[:, scale].to(torch.float32).contiguous(),
                division=self.division,
            )
        for scale in reversed(range(1, SCALES)):
            moments = self.moments[scale]
            fixed = moments.window, moments.padding
            for fine, coarse in zip(self.gradients[scale - 1], self.gradients[scale], strict=True):
                if fine is None or coarse is None:
                    continue
                shape = (len(fine), 1, coarse.shape[2], fine.shape[3])
                between = fine.new_empty(shape, dtype=torch.float32)
                yield prepare_transposed_halving(between, coarse, *fixed, 3, adds=False)
                yield prepare_transposed_halving(fine, between, *fixed, 2, adds=True)


def _scales(measured: Measured) -> Iterator[Moments]:
    """The equation at each scale. Its window also filters the planes before they are halved."""
    equation: EquationName = measured.kind  # type: ignore[assignment]  # of those with a kernel
    windows, others = measured.parts()
    constants = others or (measured.limit,)
    first = 0
    for length in LENGTHS:
        window = windows[first : first + length]
        yield Moments(equation, window, constants, 0.0, measured.padding)
        first += length


def _halved_sizes(space: Sequence[int], moments: Moments) -> tuple[int, int]:
    """The size of the next scale. VMAF's VIF drops an odd last sample; whole windows keep it."""
    if moments.padding == "reflect":
        return space[0] // 2, space[1] // 2
    rows, columns = moments.comparison.map_size(*space)
    return (rows + 1) // 2, (columns + 1) // 2


# --- what they have to pass before "auto" takes them ----------------------------------------------


def _specialise(measured: Measured) -> tuple[str]:
    return (measured.kind,)


def _trial(use: Use, device: torch.device) -> Trial:
    (used,) = use.options
    first = next(_scales(used))
    compared = Comparison(first.window, 0.0, 0.0, 0.0, "ssim", first.padding)
    limit = min(used.limit, 1.2)  # some gains exceed it

    def options(setting: Setting, _: torch.device) -> tuple[Measured]:
        windows, others = used.parts()
        if used.kind == "shared_information":
            noise, _, epsilon = others
            others = (noise, flat_variance(setting), epsilon)
        return (Measured(used.kind, limit, (*windows, *others)),)

    def launches(x: Tensor, y: Tensor, setting: Setting, wanted: Wanted) -> Sequence[Launch]:
        walk = _Walk(x, y, *options(setting, device), setting.division)
        found = list(walk.forward())
        if any(wanted):
            upstream = x.new_empty((len(x), *SHAPES[used.kind]), dtype=torch.float32)
            found += walk.backward(upstream, *wanted)
        return found

    def run(
        x: Tensor, y: Tensor, setting: Setting, wanted: Wanted, upstream: Tensor | None
    ) -> Results:
        (measured,) = options(setting, device)
        sums = scale_sums(x, y, measured, setting.division)
        gradients: Gradients = (None, None)
        if any(wanted):
            assert upstream is not None
            gradients = scale_sums_backward(upstream, x, y, measured, *wanted, setting.division)
        return results(sums, gradients)

    def differentiable(
        x: Tensor, y: Tensor, measured: Measured, equation: Callable[..., Tensor]
    ) -> Tensor:
        # Imported here, because that module imports this one.
        from ssimloss.kernels.scale_sums.operator import scale_sums as operator

        fixed = partial(equation, measured=measured)
        return operator(x, y, measured, backend="triton", equation=fixed)

    def size(setting: Setting) -> Sequence[int]:
        return setting.shape[0], *SHAPES[used.kind]

    way = Way(
        launches,
        run,
        differentiable,
        options,
        size,
        least=LEAST_SIDE[used.kind],
        is_planar=True,
        span=255.0,
        has_flat=True,
    )
    return trial(compared, use, device, way)


PROOF = Proof(_specialise, _trial, environment)
