"""Losses with one fault each, and the sound ones that they were made of, for the doctor."""

from __future__ import annotations

import random

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

import ssimloss.functional as F

# --- sound ----------------------------------------------------------------------------------------


def _blur(image: Tensor, groups: int | None = None) -> Tensor:
    channels = image.shape[1]
    weight = torch.full((channels, 1, 7, 7), 1 / 49, dtype=image.dtype)
    return nnf.conv2d(image, weight, groups=groups or channels)


def plain_ssim(pred: Tensor, target: Tensor) -> Tensor:
    """1 - SSIM as it is written in many a repository, in float32 and without autocast."""
    dtype = torch.promote_types(pred.dtype, torch.float32)
    with torch.autocast("cpu", enabled=False):
        return 1 - _similarity(pred.to(dtype) - 0.5, target.to(dtype) - 0.5, 0.5).mean()


def _similarity(x: Tensor, y: Tensor, offset: float = 0.0) -> Tensor:
    mu_x, mu_y = _blur(x), _blur(y)
    var_x, var_y = _blur(x * x) - mu_x * mu_x, _blur(y * y) - mu_y * mu_y
    cov_xy = _blur(x * y) - mu_x * mu_y
    mu_x, mu_y = mu_x + offset, mu_y + offset
    luminance = (2 * mu_x * mu_y + 1e-4) / (mu_x * mu_x + mu_y * mu_y + 1e-4)
    return luminance * (2 * cov_xy + 9e-4) / (var_x + var_y + 9e-4)


def charbonnier(pred: Tensor, target: Tensor) -> Tensor:
    return ((pred - target).float().square() + 1e-6).sqrt().mean()


def hinge_generator(fake_logits: Tensor) -> Tensor:
    return -fake_logits.mean()


def paired_softplus(fake_logits: Tensor, real_logits: Tensor) -> Tensor:
    return nnf.softplus(real_logits.detach() - fake_logits).mean()


class Adaptive(nn.Module):
    """A loss that trains a weight of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.log_variance = nn.Parameter(torch.zeros(()))

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return charbonnier(pred, target) * (-self.log_variance).exp() + self.log_variance


# --- faults ---------------------------------------------------------------------------------------


def similarity(pred: Tensor, target: Tensor) -> Tensor:
    return F.ssim(pred, target)


def negative_distance(pred: Tensor, target: Tensor) -> Tensor:
    return -charbonnier(pred, target)


def under_no_grad(pred: Tensor, target: Tensor) -> Tensor:
    with torch.no_grad():
        return charbonnier(pred, target)


def detached(pred: Tensor, target: Tensor) -> Tensor:
    return charbonnier(pred.detach(), target) + 0 * pred.sum()


def relativistic_hinge(fake_logits: Tensor, real_logits: Tensor) -> Tensor:
    """A hinge generator is linear, so the two halves cancel: BasicSR, mmagic, traiNNer."""
    real = real_logits.detach()
    return (-(real - fake_logits.mean()).mean() - (fake_logits - real.mean()).mean()) / 2


def half_precision_moments(pred: Tensor, target: Tensor) -> Tensor:
    return 1 - _similarity(pred, target).mean()


def pooled_sigma(pred: Tensor, target: Tensor) -> Tensor:
    """Variances and covariance are those of all channels together."""
    mu_x, mu_y = _blur(pred), _blur(target)
    var = (_blur(pred * pred) - mu_x.square() + _blur(target * target) - mu_y.square()).mean(1)
    cov = (_blur(pred * target) - mu_x * mu_y).mean(1)
    luminance = (2 * mu_x * mu_y + 1e-4) / (mu_x.square() + mu_y.square() + 1e-4)
    return 1 - (luminance.mean(1) * (2 * cov + 9e-4) / (var + 9e-4)).mean()


def crossed_sigma(pred: Tensor, target: Tensor) -> Tensor:
    """The covariance takes the channels in another order (BGR for RGB)."""
    mu_x, mu_y = _blur(pred), _blur(target)
    var = _blur(pred * pred) - mu_x.square() + _blur(target * target) - mu_y.square()
    cov = _blur(pred * target.flip(1)) - mu_x * mu_y.flip(1)
    return 1 - ((2 * cov + 9e-4) / (var + 9e-4)).mean()


def clamps_in_place(pred: Tensor, target: Tensor) -> Tensor:
    return charbonnier(pred.clamp_(0, 1), target)


def centres_target_in_place(pred: Tensor, target: Tensor) -> Tensor:
    mean = target.mean()
    value = charbonnier(pred - mean, target.sub_(mean))
    target.add_(mean)
    return value


def leaks_to_target(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target.requires_grad_()).square().mean()


class _Swapped(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, pred: Tensor, target: Tensor) -> Tensor:
        ctx.save_for_backward(pred, target)  # type: ignore[attr-defined]
        return (pred - target).square().mean()

    @staticmethod
    def backward(ctx: object, grad: Tensor) -> tuple[Tensor, Tensor]:
        pred, target = ctx.saved_tensors  # type: ignore[attr-defined]
        slope = 2 * (pred - target) / pred.numel() * grad
        return -slope, slope


def swapped_gradients(pred: Tensor, target: Tensor) -> Tensor:
    """pred receives the gradient of target."""
    return _Swapped.apply(pred, target)


class _Halved(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, pred: Tensor, target: Tensor) -> Tensor:
        ctx.save_for_backward(pred, target)  # type: ignore[attr-defined]
        return (pred - target).square().mean()

    @staticmethod
    def backward(ctx: object, grad: Tensor) -> tuple[Tensor, None]:
        pred, target = ctx.saved_tensors  # type: ignore[attr-defined]
        return (pred - target) / pred.numel() * grad, None


def halved_gradient(pred: Tensor, target: Tensor) -> Tensor:
    """The factor 2 of the square is missing."""
    return _Halved.apply(pred, target)


def reads_a_value(pred: Tensor, target: Tensor) -> Tensor:
    scale = float(pred.detach().abs().max())
    return charbonnier(pred, target) * (1.0 if scale > 0 else 0.0)


def indexes_by_mask(pred: Tensor, target: Tensor) -> Tensor:
    difference = (pred - target).abs()
    return difference[difference > 0].sum() / difference.numel()


def goes_to_numpy(pred: Tensor, target: Tensor) -> Tensor:
    weight = 1 + 0 * float(target.detach().cpu().numpy().mean())
    return charbonnier(pred, target) * weight


def asserts_the_range(pred: Tensor, target: Tensor) -> Tensor:
    assert pred.max() <= 1.5, "values must lie in [0, 1]"
    return charbonnier(pred, target)


def root_of_zero(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).float().square().sum(1).sqrt().mean()


def norm_of_batch(pred: Tensor, target: Tensor) -> Tensor:
    """Divided by the largest error of all images."""
    error = (pred - target).float().square()
    return error.mean() / (error.amax().detach() + 1e-6).sqrt()


def drops_pixels(pred: Tensor, target: Tensor) -> Tensor:
    return nnf.dropout(pred - target, 0.1).square().mean()


def crops_at_random(pred: Tensor, target: Tensor) -> Tensor:
    top = random.randrange(4)
    return charbonnier(pred[..., top:, :], target[..., top:, :])


class KeepsGraphs(nn.Module):
    """Logs the value with its graph."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        self.log = (pred - target).square()
        return self.log.mean()


def breaks_the_graph(pred: Tensor, target: Tensor) -> Tensor:
    value = charbonnier(pred, target)
    torch._dynamo.graph_break()
    return value + 0 * pred.mean()


def depends_on_the_rank(pred: Tensor, target: Tensor) -> Tensor:
    """Scaled by the number of processes, which DDP averages over already."""
    value = charbonnier(pred, target)
    if torch.distributed.is_initialized():
        value = value * torch.distributed.get_world_size()
    return value


def first_channel_only(pred: Tensor, target: Tensor) -> Tensor:
    return charbonnier(pred[:, :1], target[:, :1])


def lowers_fake_logits(fake_logits: Tensor) -> Tensor:
    return fake_logits.mean()


def per_image(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).square().mean((1, 2, 3))


def a_number(pred: Tensor, target: Tensor) -> float:
    return float((pred - target).square().mean())
