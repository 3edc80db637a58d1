"""VMAF of a film that comes in chunks; one frame is kept between chunks."""

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._checks import DataRange
from ssimloss._precision import full_precision, promote
from ssimloss.kernels import Backend, check_backend
from ssimloss.video._planes import check_pair, codes
from ssimloss.video.features import spatial_features
from ssimloss.video.motion import motion2, motion_of
from ssimloss.video.svr import FEATURES, Model, model_of
from ssimloss.video.vmaf import POOLINGS, Pooling, pooled


class VMAFStream:
    """VMAF of a clip that is passed in chunks, without a graph::

        stream = VMAFStream()
        for reference, distorted in chunks:
            stream.update(reference, distorted)
        stream.score(), stream.features()

    For any chunks, the results equal those of :func:`vmaf` and :func:`vmaf_features` for the whole
    clip, to float32 rounding. Memory grows by eleven numbers per frame.

    Args:
        model: ``"v0.6.1"``, ``"v0.6.1neg"`` or an :class:`SVR`.
        data_range: 255, 1023, 4095 and 65535 are codes of 8, 10, 12 and 16 bits, which are divided
            by ``2^(bits - 8)`` as in libvmaf; any other range is scaled to 255.
        backend: backend of VIF and ADM: ``"auto"``, or the name of one, which runs or raises.

    Raises:
        ValueError: the model is unknown.
    """

    def __init__(
        self,
        *,
        model: Model = "v0.6.1",
        data_range: DataRange = 255.0,
        backend: Backend = "auto",
    ) -> None:
        """Begin a clip."""
        _checks.data_range(data_range)
        check_backend(backend)
        self.model = model_of(model)
        self.data_range = data_range
        self.backend = backend
        self.frames = 0
        self._size: torch.Size | None = None
        self._last: Tensor | None = None  # the last frame of the reference
        self._found: dict[str, list[Tensor]] = {name: [] for name in FEATURES if name != "motion2"}

    @torch.no_grad()
    def update(self, reference: Tensor, distorted: Tensor) -> None:
        """Add the next frames, float luma ``(T, 1, H, W)`` each.

        Raises:
            ValueError: shapes differ, or frames have another size than earlier ones.
            TypeError: tensors have integers.
        """
        check_pair(reference, distorted, frames=True)
        if reference.ndim != 4:
            raise ValueError(
                f"reference must have shape (T, 1, H, W), got {tuple(reference.shape)}; a stream "
                "is one clip"
            )
        if self._size is not None and reference.shape[1:] != self._size:
            raise ValueError(
                f"reference must have frames of {tuple(self._size[1:])} like earlier ones, got "
                f"{tuple(reference.shape[2:])}; use another VMAFStream for a film of another size"
            )
        self._size = reference.shape[1:]
        if len(reference):
            self._add(reference, distorted)

    @full_precision
    def _add(self, reference: Tensor, distorted: Tensor) -> None:
        x, y = promote(
            codes(reference, self.data_range, "reference"),
            codes(distorted, self.data_range, "distorted"),
        )
        found = spatial_features(x, y, self.model.enhancement_gain_limit, self.backend)
        if self._last is None:
            found["motion"] = motion_of(x, self.backend)
        else:
            found["motion"] = motion_of(torch.cat((self._last, x)), self.backend)[1:]
        self._last = x[-1:].clone()
        self.frames += len(x)
        for name, value in found.items():
            self._found[name].append(value)

    def features(self) -> dict[str, Tensor]:
        """Return name -> ``(T,)`` for all frames so far. ``motion2`` of the last frame depends on
        the next one and may still change.

        Raises:
            ValueError: there was no frame.
        """
        if not self.frames:
            raise ValueError("features() needs at least one frame; call update() first")
        found = {name: torch.cat(values) for name, values in self._found.items()}
        found["motion2"] = motion2(found["motion"])
        return found

    def log(self) -> dict[str, Tensor]:
        """Return the features of the model under libvmaf's names in a log, such as ``adm2``. For a
        gain limit other than 100, VIF and ADM have names such as ``adm2_egl_1``.

        Raises:
            ValueError: there was no frame.
        """
        limit = self.model.enhancement_gain_limit
        ending = "" if limit == 100 else f"_egl_{limit:g}"
        return {
            name if name.startswith("motion") else f"{name}{ending}": values
            for name, values in self.features().items()
        }

    def score(self, *, pooling: Pooling = "mean", clip: bool = True) -> Tensor:
        """VMAF of all frames so far: a scalar, or ``(T,)`` for ``pooling="none"``.

        Args:
            pooling: ``"mean"``, ``"harmonic"`` or ``"none"``.
            clip: clip the score of each frame to the limits of the model.

        Raises:
            ValueError: there was no frame, or ``pooling`` is unknown.
        """
        _checks.choice("pooling", pooling, POOLINGS)
        scores = self.model(self.features())
        return pooled(scores, self.model.limits if clip else None, pooling)

    def describe(self) -> str:
        """A description of the computation."""
        low, high = self.model.limits
        return (
            "divided by 2^(bits - 8); VIF at four scales, ADM and the motion of the reference by "
            f"model {self.model.name}; cut to [{low:g}, {high:g}] (Li et al. 2016)"
        )

    def __repr__(self) -> str:
        """Model and frames."""
        return f"<VMAF {self.model.name} of {self.frames} frames>"
