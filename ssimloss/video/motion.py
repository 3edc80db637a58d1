"""Motion as VMAF measures it: how much the blurred reference changes from frame to frame.

``motion_t = mean |B_t - B_(t-1)|`` and ``motion2_t = min(motion_t, motion_(t+1))``, which hides the
jump of a single cut. Only the reference counts. Described in ``docs/vmaf.md``.
"""

import torch
from torch import Tensor

from ssimloss._checks import DataRange
from ssimloss._precision import full_precision
from ssimloss.video._planes import check_planes, codes, mirrored

WINDOW = (0.054488685, 0.244201342, 0.402619947, 0.244201342, 0.054488685)


@full_precision
def motion(reference: Tensor, *, data_range: DataRange = 255.0) -> Tensor:
    """Change of each frame from the one before, on the scale of 8-bit codes.

    Args:
        reference: float luma ``(..., T, 1, H, W)`` with values in ``data_range``, at least 16
            pixels a side.
        data_range: 255, 1023, 4095 and 65535 are codes of 8, 10, 12 and 16 bits, which are divided
            by ``2^(bits - 8)`` as in libvmaf; any other range is scaled to 255.

    Returns:
        ``(..., T)``: 0 for the first frame. :func:`motion2` makes VMAF's feature of it.

    Raises:
        ValueError: no clip of luma planes, less than 16 pixels a side.
        TypeError: integer tensors.

    Source: libvmaf 3, whose border is mirrored without the edge at all sides. Agrees with its float
    extractor to 2e-3.
    """
    check_planes("reference", reference)
    if reference.ndim < 4:
        raise ValueError(
            f"reference must have shape (T, 1, H, W), got {tuple(reference.shape)}; one frame is "
            "reference.unsqueeze(0)"
        )
    blurred = blurred_frames(codes(reference, data_range, "reference"))
    return changes(blurred.reshape(reference.shape))


def motion2(motion: Tensor) -> Tensor:
    """The smaller change of each frame from the one before and to the one after, ``(..., T)``; 0
    for the first frame, and the change itself for the last.
    """
    if motion.shape[-1] < 2:
        return torch.zeros_like(motion)
    inner = torch.minimum(motion[..., 1:-1], motion[..., 2:])
    return torch.cat((torch.zeros_like(motion[..., :1]), inner, motion[..., -1:]), -1)


def blurred_frames(planes: Tensor) -> Tensor:
    """Planes of codes ``(M, 1, H, W)`` under the window."""
    wide = mirrored(planes, len(WINDOW) // 2)
    return _along(_along(wide, -2), -1)


def _along(planes: Tensor, axis: int) -> Tensor:
    """The window along one axis; on CPUs, a convolution of one channel takes 20 times as long."""
    length = planes.shape[axis] - len(WINDOW) + 1
    first, second, middle, fourth, fifth = (
        planes.narrow(axis, k, length) for k in range(len(WINDOW))
    )
    total = torch.add(WINDOW[0] * (first + fifth), second + fourth, alpha=WINDOW[1])
    return torch.add(total, middle, alpha=WINDOW[2])


def changes(blurred: Tensor) -> Tensor:
    """Mean absolute differences ``(..., T)`` of frames ``(..., T, 1, H, W)``, 0 first."""
    steps = (blurred[..., 1:, :, :, :] - blurred[..., :-1, :, :, :]).abs()
    means = steps.mean(-1).mean(-1).squeeze(-1)
    first = blurred.new_zeros((*blurred.shape[:-4], min(blurred.shape[-4], 1)))
    return torch.cat((first, means), -1)
