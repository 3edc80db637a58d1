"""Motion as in VMAF: how much the blurred reference changes from frame to frame.

``motion_t = mean |B_t - B_(t-1)|`` and ``motion2_t = min(motion_t, motion_(t+1))``, which ignores
a single cut. Motion depends on the reference alone. ``docs/vmaf.md`` describes it.
"""

import torch
from torch import Tensor

from ssimloss._checks import DataRange
from ssimloss._precision import full_precision
from ssimloss.kernels import SCALE_SUMS, Backend, Measured, check_backend, scale_sums, select
from ssimloss.video._planes import check_planes, codes, mirrored

WINDOW = (0.054488685, 0.244201342, 0.402619947, 0.244201342, 0.054488685)


@full_precision
def motion(
    reference: Tensor, *, data_range: DataRange = 255.0, backend: Backend = "auto"
) -> Tensor:
    """Mean change of each frame from the previous one, on the scale of 8-bit codes.

    Args:
        reference: float luma ``(..., T, 1, H, W)`` with values in ``data_range``, at least 16
            pixels a side.
        data_range: 255, 1023, 4095 and 65535 are codes of 8, 10, 12 and 16 bits, which are divided
            by ``2^(bits - 8)`` as in libvmaf; any other range is scaled to 255.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels have no gradient.

    Returns:
        ``(..., T)``: 0 for the first frame. :func:`motion2` converts it to VMAF's feature.

    Raises:
        ValueError: the tensor is not a clip of luma planes, or a side has fewer than 16 pixels.
        TypeError: the tensor has integers.

    Source: libvmaf 3, which pads all sides by reflection without the edge. Agrees with its float
    extractor to 2e-3.
    """
    check_planes("reference", reference)
    if reference.ndim < 4:
        raise ValueError(
            f"reference must have shape (T, 1, H, W), got {tuple(reference.shape)}; one frame is "
            "reference.unsqueeze(0)"
        )
    check_backend(backend)
    return motion_of(codes(reference, data_range, "reference").reshape(reference.shape), backend)


def motion2(motion: Tensor) -> Tensor:
    """The smaller of each frame's changes from the previous and to the next frame, ``(..., T)``. It
    is 0 for the first frame; for the last one, it is the change from the previous frame.
    """
    if motion.shape[-1] < 2:
        return torch.zeros_like(motion)
    inner = torch.minimum(motion[..., 1:-1], motion[..., 2:])
    return torch.cat((torch.zeros_like(motion[..., :1]), inner, motion[..., -1:]), -1)


def motion_of(clips: Tensor, backend: Backend) -> Tensor:
    """Motion ``(..., T)`` of clips of codes ``(..., T, 1, H, W)``; 0 for the first frame."""
    first = clips.new_zeros((*clips.shape[:-4], min(clips.shape[-4], 1)))
    later, earlier = clips[..., 1:, :, :, :], clips[..., :-1, :, :, :]
    changed = _changes(later.flatten(0, -4), earlier.flatten(0, -4), backend)
    return torch.cat((first, changed.reshape(*later.shape[:-3])), -1)


def _changes(x: Tensor, y: Tensor, backend: Backend) -> Tensor:
    """Mean change ``(M,)`` between two sets of planes ``(M, 1, H, W)``."""
    chosen = select(backend, x, y, SCALE_SUMS["change"])
    if chosen == "eager" or (torch.is_grad_enabled() and x.requires_grad):
        return changes(x - y)
    measured = Measured("change", 0.0, WINDOW)
    sums = scale_sums(x, y, measured, backend=chosen, equation=_sums)
    return sums.squeeze(-1) / (x.shape[-2] * x.shape[-1])


def _sums(x: Tensor, y: Tensor) -> Tensor:
    """The sums of the kernel, ``(M, 1)``."""
    return changes(x - y).unsqueeze(-1) * (x.shape[-2] * x.shape[-1])


def changes(difference: Tensor) -> Tensor:
    """Mean magnitudes ``(M,)`` of differences ``(M, 1, H, W)`` under the window."""
    wide = mirrored(difference, len(WINDOW) // 2)
    blurred = _along(_along(wide, -2), -1)
    return blurred.abs().mean(-1).mean(-1).squeeze(-1)


def _along(planes: Tensor, axis: int) -> Tensor:
    """Filter along one axis. On CPUs, a convolution of one channel takes 20 times as long."""
    length = planes.shape[axis] - len(WINDOW) + 1
    first, second, middle, fourth, fifth = (
        planes.narrow(axis, k, length) for k in range(len(WINDOW))
    )
    total = torch.add(WINDOW[0] * (first + fifth), second + fourth, alpha=WINDOW[1])
    return torch.add(total, middle, alpha=WINDOW[2])
