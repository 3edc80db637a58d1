# Written by tests/generate.py from the measures; edit those.
"""Tensors in, tensors out: every equation of the library as a pure function.

Names of losses end in ``_loss``. A distance has both names (``l1`` is ``l1_loss``); a score has its
own loss (``ssim_loss = 1 - ssim``). ``__init__.pyi`` holds types and documentation for editors;
``make generate`` writes it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from torch import Generator, Tensor

from ssimloss.functional.features import gram_matrix as gram_matrix
from ssimloss.functional.frechet import frechet_distance as frechet_distance
from ssimloss.functional.heatmaps import soft_argmax as soft_argmax
from ssimloss.functional.logits import class_logits as class_logits
from ssimloss.functional.penalties import gradient_penalty as gradient_penalty
from ssimloss.functional.penalties import lecam_penalty as lecam_penalty
from ssimloss.functional.penalties import r1_penalty as r1_penalty
from ssimloss.functional.penalties import r2_penalty as r2_penalty
from ssimloss.functional.wavelet import wavelet_guidance as wavelet_guidance
from ssimloss.functional.wavelet import wavelet_transform as wavelet_transform
from ssimloss.resize import imresize as imresize

__all__ = [
    "adists",
    "adversarial_discriminator_loss",
    "adversarial_generator_loss",
    "average",
    "average_loss",
    "charbonnier",
    "charbonnier_loss",
    "ciede2000",
    "ciede2000_loss",
    "class_logits",
    "clipped",
    "clipped_loss",
    "cmmd_loss",
    "color_consistency",
    "color_consistency_loss",
    "contextual_bilateral_loss",
    "contextual_loss",
    "cosine_distance",
    "cosine_distance_loss",
    "cw_ssim",
    "cw_ssim_loss",
    "cycle_consistency_loss",
    "deep_similarity",
    "dists",
    "dss",
    "dss_loss",
    "edge",
    "edge_loss",
    "enhanced_ssim",
    "enhanced_ssim_loss",
    "fdl_loss",
    "feature_matching_loss",
    "fft",
    "fft_loss",
    "flip",
    "flip_loss",
    "focal_frequency",
    "focal_frequency_loss",
    "fourier_magnitude",
    "fourier_magnitude_loss",
    "frechet_distance",
    "fsim",
    "fsim_loss",
    "gmsd",
    "gmsd_loss",
    "gradient_difference",
    "gradient_difference_loss",
    "gradient_penalty",
    "gradient_ssim",
    "gradient_ssim_loss",
    "gradient_variance",
    "gradient_variance_loss",
    "gram_matrix",
    "haarpsi",
    "haarpsi_loss",
    "heatmap_loss",
    "hsluv",
    "hsluv_loss",
    "huber",
    "huber_loss",
    "imresize",
    "iw_ssim",
    "iw_ssim_loss",
    "kernel_distance_loss",
    "l1",
    "l1_loss",
    "l2",
    "l2_loss",
    "laplacian_pyramid",
    "laplacian_pyramid_loss",
    "ldl",
    "ldl_loss",
    "lecam_penalty",
    "lpips",
    "mad",
    "mad_loss",
    "mdsi",
    "mdsi_loss",
    "ms_gmsd",
    "ms_gmsd_loss",
    "ms_ssim",
    "ms_ssim_db",
    "ms_ssim_l1_loss",
    "ms_ssim_loss",
    "ms_swd",
    "ms_swd_loss",
    "ncc",
    "ncc_loss",
    "nlpd",
    "nlpd_loss",
    "perceptual_loss",
    "prior_loss",
    "projected_distribution_loss",
    "psnr",
    "psnr_hvs",
    "psnr_hvs_m",
    "r1_penalty",
    "r2_penalty",
    "sliced_wasserstein_loss",
    "soft_argmax",
    "sr_sim",
    "sr_sim_loss",
    "ssim",
    "ssim_l1_loss",
    "ssim_loss",
    "ssim_map",
    "ssimulacra2",
    "ssimulacra2_loss",
    "structure_correlation",
    "structure_correlation_loss",
    "temporal_difference_loss",
    "texture_loss",
    "total_variation",
    "total_variation_loss",
    "vif",
    "vif_loss",
    "vif_wavelet",
    "vif_wavelet_loss",
    "vsi",
    "vsi_loss",
    "warping_error_loss",
    "wavelet",
    "wavelet_guidance",
    "wavelet_loss",
    "wavelet_transform",
]

def adists(
    pred_features: Mapping[str, Tensor],
    target_features: Mapping[str, Tensor],
    *,
    window_size: int = 21,
    adapts_to: Literal["target", "pred"] = "target",
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """A-DISTS: one minus the mean over positions of ``sum_c w_c ((1 - p) l_c + p s_c)``, the
    similarities ``l`` of texture and ``s`` of structure of each channel under a Gaussian window.

    Features ``x`` and ``y`` are divided by the norm of their channel. With their local moments,
    ``l = (2 mu_x mu_y + c) / (mu_x^2 + mu_y^2 + c)`` and
    ``s = (2 cov_xy + c) / (var_x + var_y + c)``.

    The map ``p``, between 0 and 1, follows from the dispersion ``mean_c var / mu`` of undivided
    features: it is high at edges and low in texture and on flat areas. Each layer's map is
    multiplied by that of the next deeper layer. The weight ``w_c`` of a channel follows from its
    entropy over positions, held within half a standard deviation of the mean.

    In a layer with fewer than two positions of the window, moments are those of the whole image.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``, deepest last. The
            original uses the image on a scale of [0, 1] and five layers of VGG16 with L2 pooling.
        window_size: side of the Gaussian window of local statistics, an odd number of positions of
            each layer; its standard deviation is a third of that.
        adapts_to: the image whose content decides: ``"target"``, or ``"pred"`` as the authors'
            program with the image under test as its first argument.
        reduction: ``"mean"`` and ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    Returns:
        A scalar, or ``(N,)``. Values lie in [0, 2] for features that are not negative, above 1 only
        for opposite structures. Channels of large layers are compared in steps of bounded memory,
        which the backward pass computes again.

    Raises:
        ValueError: layers differ, ``window_size`` is even or below 3, or an option value is
            unknown.
        TypeError: features are not a mapping, or not floating point.

    Source: the authors' code A-DISTS.py, whose map of structure and weights of channels differ
    from those of its older ADISTS(MM21).py. Agrees with it to its rounding where it is finite: it
    is NaN where the window has a single position. On flat images its map is a matter of rounding;
    here it is 0.
    """

def adversarial_discriminator_loss(
    real_logits: Tensor | Sequence[Tensor] | Sequence[Sequence[Tensor]],
    fake_logits: Tensor | Sequence[Tensor] | Sequence[Sequence[Tensor]],
    *,
    kind: Literal["cross_entropy", "least_squares", "hinge", "wasserstein", "softplus"],
    relativistic: Literal["average", "paired"] | None = None,
    targets: tuple[float, float, float] | None = None,
    square_weight: float | None = None,
    scales: Literal["mean", "sum"] = "mean",
    total: Literal["sum", "mean"] = "sum",
    synchronize: bool = False,
    check_finite: bool = False,
    label_smoothing: float = 0.0,
    smoothed: Literal["real", "both"] = "real",
    flip_probability: float = 0.0,
    detach_average: bool = False,
    labels: Tensor | None = None,
    rng: Generator | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """The discriminator's loss, computed from its logits (not probabilities) for real and for
    generated images.

    Detach the generated images before the discriminator, ``discriminator(fake.detach())``; the loss
    cannot do this from the logits.

    Args:
        real_logits, fake_logits: ``(N,)``, ``(N, 1)`` or a map of patches ``(N, 1, H, W)``; or
            lists of such over scales, over discriminators, or over both. Equal shapes and lengths.
        kind: ``"cross_entropy"``, ``"least_squares"``, ``"hinge"``, ``"wasserstein"``, or
            ``"softplus"``, which is cross entropy as in StyleGAN, without labels.
        relativistic: None, ``"average"`` (relative to the mean of the other side, over batch and
            patches of this process) or ``"paired"`` (image by image).
        targets: targets of least squares for fake, real and the generator: ``a, b, c`` of the
            paper. None means ``(0, 1, 1)``, and in relativistic forms ``(-1, 1, 1)``, as published.
        square_weight: factor of the squares. None means 0.5 as in the paper, and 1 in relativistic
            forms; CycleGAN has 1 everywhere.
        scales: ``"mean"`` or ``"sum"`` (pix2pixHD) of the entries of lists.
        total: ``"sum"`` or ``"mean"`` of the parts for real and for fake logits (``"mean"``:
            CycleGAN, ESRGAN). For the generator, only the relativistic average has both parts.
        synchronize: compute the average over all processes of ``torch.distributed`` instead of each
            alone (as other libraries do). All processes need equal batches, and each must call the
            loss and its backward pass.
        check_finite: raise for logits that are not finite. This reads values: it waits for the
            device, and does not compile.
        label_smoothing: how far the label of real moves towards that of fake, at most 0.5; for
            cross entropy and least squares.
        smoothed: smooth the ``"real"`` labels only (one-sided, Salimans et al. 2016), or ``"both"``
            labels.
        flip_probability: probability that the label of an image (in the paired form, of a pair) is
            flipped.
        detach_average: treat the average of the other side as a constant (BasicSR's ESRGAN), unlike
            the paper.
        labels: for class-specific discriminators, integers ``(N,)``; logits are then
            ``(N, K, ...)`` or a list of K, see :func:`class_logits`.
        rng: generator of the flips, on the device of the logits; None is PyTorch's default. Each
            call draws ``2 N`` numbers, ``N`` if paired.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"`` of each tensor of logits;
            ``"none"`` only for a single tensor.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of the logits for ``"none"``.

    Raises:
        ValueError: shapes, lengths or devices differ, labels are out of range (see
            :func:`class_logits`), option values are unknown, or the kind does not have an option.
        TypeError: integers, or something that is neither a tensor nor a list.

    If a logit is NaN, the result is NaN; only ``check_finite`` raises for it.
    """

def adversarial_generator_loss(
    fake_logits: Tensor | Sequence[Tensor] | Sequence[Sequence[Tensor]],
    *,
    kind: Literal["cross_entropy", "least_squares", "hinge", "wasserstein", "softplus"],
    relativistic: Literal["average", "paired"] | None = None,
    targets: tuple[float, float, float] | None = None,
    square_weight: float | None = None,
    scales: Literal["mean", "sum"] = "mean",
    total: Literal["sum", "mean"] = "sum",
    synchronize: bool = False,
    check_finite: bool = False,
    saturating: bool = False,
    detach_real: bool = True,
    real_logits: Tensor | Sequence[Tensor] | Sequence[Sequence[Tensor]] | None = None,
    labels: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """The generator's loss, from the discriminator's logits (not probabilities) for its images.

    Args:
        fake_logits: logits of generated images, with the graph that leads back to the generator:
            ``(N,)``, ``(N, 1)`` or a map of patches ``(N, 1, H, W)``; or lists of such over scales,
            over discriminators, or over both.
        kind: ``"cross_entropy"``, ``"least_squares"``, ``"hinge"``, ``"wasserstein"``, or
            ``"softplus"``, which is cross entropy as in StyleGAN, without labels.
        relativistic: None, ``"average"`` (relative to the mean of the other side, over batch and
            patches of this process) or ``"paired"`` (image by image).
        targets: targets of least squares for fake, real and the generator: ``a, b, c`` of the
            paper. None means ``(0, 1, 1)``, and in relativistic forms ``(-1, 1, 1)``, as published.
        square_weight: factor of the squares. None means 0.5 as in the paper, and 1 in relativistic
            forms; CycleGAN has 1 everywhere.
        scales: ``"mean"`` or ``"sum"`` (pix2pixHD) of the entries of lists.
        total: ``"sum"`` or ``"mean"`` of the parts for real and for fake logits (``"mean"``:
            CycleGAN, ESRGAN). For the generator, only the relativistic average has both parts.
        synchronize: compute the average over all processes of ``torch.distributed`` instead of each
            alone (as other libraries do). All processes need equal batches, and each must call the
            loss and its backward pass.
        check_finite: raise for logits that are not finite. This reads values: it waits for the
            device, and does not compile.
        saturating: for cross entropy and softplus, minimise minus the discriminator's loss (the
            minimax game) instead of the loss with labels exchanged. Its gradient vanishes where the
            discriminator is confident.
        detach_real: treat the real logits as constants (ESRGAN), so that no graph of the
            discriminator is kept for them. This does not change the gradient of a generator,
            unless real logits depend on the generator.
        real_logits: logits of real images, with the same shapes. Relativistic forms need them;
            others ignore them.
        labels: for class-specific discriminators, integers ``(N,)``; logits are then
            ``(N, K, ...)`` or a list of K, see :func:`class_logits`.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"`` of each tensor of logits;
            ``"none"`` only for a single tensor.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of the logits for ``"none"``.

    Raises:
        ValueError: a relativistic form has no real logits; shapes, lengths or devices differ,
            labels are out of range (see :func:`class_logits`), option values are unknown, or the
            kind does not have an option.
        TypeError: integers, or something that is neither a tensor nor a list.

    Labels of real and fake are neither smoothed nor flipped here. If a logit is NaN, the result is
    NaN.
    """

def average_loss(
    pred: Tensor,
    target: Tensor,
    *,
    downscale: int = 4,
    filter: Literal["area", "bilinear", "bicubic"] = "area",
    distance: Literal["l1", "l2", "charbonnier"] = "l1",
    eps: float = 0.001,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Distance of downscaled images: it compares colour and brightness but ignores detail.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range, at least ``downscale`` pixels on the
            short side.
        downscale: the divisor of the sides; results are rounded down.
        filter: ``"area"`` takes means of ``downscale`` x ``downscale`` pixels and drops incomplete
            blocks at the lower and right border. ``"bilinear"`` and ``"bicubic"`` resample with
            antialiasing.
        distance: ``rho``: ``"l1"`` ``|d|``, ``"l2"`` ``d^2``, or ``"charbonnier"``
            ``sqrt(d^2 + eps^2)``.
        eps: ``eps`` of Charbonnier, in the images' own units.
        mask: ``(N, 1 or C, H, W)`` weights, for ``filter="area"`` only: the mean of a block is a
            weighted mean.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"``, ``(N, C, H', W')`` with sides
        divided by ``downscale``.

    Raises:
        ValueError: shapes differ, images are smaller than a block, a mask is given for a filter
            other than ``"area"``, or an option value is unknown.
        TypeError: integer tensors.

    Source: agrees with ``AverageLoss`` and ``BicubicLoss`` of traiNNer-redux to 1e-12, and with
    ``interpolate(antialias=True)`` of PyTorch.
    """

def charbonnier_loss(
    pred: Tensor,
    target: Tensor,
    *,
    eps: float = 0.001,
    at_zero: Literal["eps", "zero"] = "eps",
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Charbonnier distance, a smooth L1: ``sqrt((pred - target)^2 + eps^2)``.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        eps: the error at which the curve changes from L2 to L1, in the images' own units.
        at_zero: value at zero error: ``"eps"`` (the formula as published) or ``"zero"`` (``eps``
            subtracted; same gradient).
        mask: ``(N, 1 or C, ...)`` weights; the mean is weighted.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            neither masks nor ``at_zero="zero"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of ``pred`` for ``"none"``.

    Raises:
        ValueError: shapes differ, ``eps`` is not positive or its square vanishes in float32,
            unknown option values.
        RuntimeError: a named backend that cannot run.

    Source: Charbonnier et al. 1994; eps as in LapSRN (Lai et al. 2017). BasicSR's ``eps=1e-12`` is
    eps squared, see ``conventions.CHARBONNIER``.
    """

def ciede2000_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    k_l: float = 1.0,
    k_c: float = 1.0,
    k_h: float = 1.0,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """CIEDE2000 colour difference of pixels, in units of about one just noticeable difference.

    Images are sRGB, converted to CIELAB under D65. A gray image counts as RGB with three equal
    channels. Values beyond the range are converted by the same formulas. The formula jumps where
    hues are opposite or a pixel is gray; its gradient is finite there, and 0 where pixels are
    equal.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        k_l, k_c, k_h: tolerances of lightness, chroma and hue; ``k_l=2`` for textiles.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            no mask.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the map ``(N, 1, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB, or tolerances are not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: CIE 142-2001; Sharma, Wu & Dalal 2005. Agrees with scikit-image to float64 rounding.
    """

def clipped_loss(
    pred: Tensor,
    target: Tensor,
    *,
    distance: Literal["l1", "l2", "charbonnier"] = "l1",
    eps: float = 0.001,
    low: float = 0.00392156862745098,
    high: float | None = None,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Clipped distance: pixels with an error below ``low`` have no gradient.

    For equal images the value is ``low``, not 0.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        distance: ``rho``: ``"l1"`` ``|d|``, ``"l2"`` ``d^2``, or ``"charbonnier"``
            ``sqrt(d^2 + eps^2)``, which neosr calls pseudo-Huber.
        eps: ``eps`` of Charbonnier, in the images' own units.
        low: the smallest value. Pixels below it count as learned and have no gradient. The default
            is one level of 8-bit images in [0, 1].
        high: the largest value. Pixels above it count as noise and have no gradient. By default
            there is no limit, so that every wrong pixel is corrected, infinite errors included.
        mask: ``(N, 1 or C, ...)`` weights; the mean is taken over the weight.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            no mask.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of ``pred`` for ``"none"``.

    Raises:
        ValueError: shapes differ, ``high`` is not larger than ``low``, or an option value is
            unknown.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: ``chc_loss`` of neosr without its cosine term.
    """

def cmmd_loss(
    features_a: Tensor, features_b: Tensor, *, sigma: float = 10.0, scale: float = 1000.0
) -> Tensor:
    """CMMD: the squared maximum mean discrepancy under a Gaussian kernel, differentiable.

    ``scale (mean k(a_i, a_j) + mean k(b_i, b_j) - 2 mean k(a_i, b_j))`` with
    ``k(x, y) = exp(-|x - y|^2 / (2 sigma^2))`` over all pairs, those of a row with itself included,
    in float64. The distance is 0 for equal sets, and biased upwards by at most
    ``scale (1 / N_a + 1 / N_b)``.

    Args:
        features_a, features_b: ``(N_a, D)`` and ``(N_b, D)``, one row per image. The publication
            uses CLIP's image embeddings, scaled to unit length; other features may need another
            ``sigma``.
        sigma: width of the kernel, in the features' own units; positive.
        scale: factor of the result, positive.

    Returns:
        A float64 scalar of at least 0, but for rounding.

    Raises:
        ValueError: not two dimensions, fewer than 2 rows, another ``D`` or device, a ``sigma`` or
            ``scale`` that is not positive.
        TypeError: features that are not floating point.

    Source: Jayasumana et al. 2024; defaults and the pairs on the diagonal as in the authors'
    program.
    """

def color_consistency_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    space: Literal["cielab", "oklab", "ycbcr"] = "cielab",
    planes: Literal["chroma", "lightness", "all"] = "chroma",
    distance: Literal["euclidean", "l1"] = "euclidean",
    downscale: int = 1,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Distance of colours in CIELAB, Oklab or YCbCr, with or without their lightness.

    With ``planes="chroma"`` the value does not depend on the lightness: add a pixel loss. With
    ``planes="all"``, CIELAB is the colour difference of 1976. Images are sRGB; a gray image is
    treated as RGB with three equal channels, and has no chroma. Values beyond the range are
    converted by the same formulas. The gradient is finite at gray, black and white. In Oklab, the
    chroma of dark pixels changes fast, by 0.1 for a step of 0.02; below a response of 1e-4 its cube
    root has the slope at 1e-4. Where colours are equal, the gradient is 0.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            ``downscale`` pixels on the short side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        space: ``"cielab"``, ``"oklab"``, or ``"ycbcr"`` of ITU-R BT.601 in studio range. The value
            is in the units of the space: lightness to 100 in CIELAB, to 1 in Oklab, to 235 / 255 in
            YCbCr.
        planes: ``"chroma"`` compares the two colour planes, ``"lightness"`` the other one,
            ``"all"`` the three.
        distance: ``"euclidean"``, the length of the difference of two colours, or ``"l1"``, the
            mean of ``|d|`` over planes.
        downscale: side of the blocks of pixels whose means are compared; incomplete blocks at the
            lower and right border are dropped.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. The mean
            of a block is taken over the weights.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"``, ``(N, 1, H, W)`` for the
        length and one channel per plane for ``"l1"``, with sides divided by ``downscale``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or smaller than a block, or an
            option value is unknown.
        TypeError: integer tensors.

    Source: CIE 15; Ottosson 2020; ITU-R BT.601. In CIELAB it agrees with scikit-image to 1e-12, in
    YCbCr with the ``ColorLoss`` of traiNNer-redux to 1e-10.
    """

def contextual_bilateral_loss(
    pred_features: Mapping[str, Tensor],
    target_features: Mapping[str, Tensor],
    *,
    layers: Mapping[str, float],
    spatial_weight: float = 0.1,
    distance: Literal["cosine", "l2"] = "cosine",
    form: Literal["nearest", "similarity"] = "nearest",
    bandwidth: float = 0.5,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Contextual bilateral loss (CoBi), ``sum_l w_l mean_i min_j (d_ij + w s_ij)`` over features
    ``x_i`` of the image and ``y_j`` of the target.

    ``d_ij`` is the distance of features. ``s_ij`` is the distance of their positions as a fraction
    of the sides: 1 from the left border to the right one. The images may be slightly misaligned.
    Unlike in the contextual loss, neighbours are matched with neighbours.

    The authors' code computes another formula, ``form="similarity"``:
    ``-log mean_j max_i ((1 - w) CX_ij + w S_ij)``. ``CX`` is the similarity of the contextual loss,
    with ``1e-3`` beside the least distance. ``S`` is that of squared distances of positions, whose
    sides are 255 long: 1 at the same position and 0 elsewhere, up to maps of hundreds of positions
    a side.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``.
        layers: weights of the layers to compare; others are ignored.
        spatial_weight: ``w``, the cost of a match from one border of the image to the opposite one,
            added to the distance of features. With 0, positions do not matter.
        distance: ``"cosine"``: ``(1 - cos) / 2`` between features from which the target's mean over
            positions was subtracted; or ``"l2"``, the squared distance.
        form: ``"nearest"`` as in the paper, or ``"similarity"`` as in the authors' code.
        bandwidth: of ``"similarity"``: ``h``, the scale of relative distances that count as
            similar.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, L)`` for ``"none"``: the weighted term
        of each layer. Equal images have the loss 0 for ``"nearest"``, and one of at least 0 for
        ``"similarity"``.

        Every feature is compared with every other: ``(H W)^2`` pairs, in steps of 2 million, which
        the backward pass computes again. Time grows with the square of the number of positions,
        memory does not.

    Raises:
        ValueError: a layer is missing or differs in shape, a weight is negative, or an option value
            is unknown.
        TypeError: features are not a mapping, or not floating point.

    Source: Zhang et al. 2019, eq. 3; the distances of features are those of the contextual loss.
    The paper does not state the unit of positions. It adds the same distance of RGB patches. The
    differences of the authors' code: ``conventions.CONTEXTUAL_BILATERAL["zoom_learn_zoom"]``.
    """

def contextual_loss(
    pred_features: Mapping[str, Tensor],
    target_features: Mapping[str, Tensor],
    *,
    layers: Mapping[str, float],
    bandwidth: float = 0.5,
    distance: Literal["cosine", "l2"] = "cosine",
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Contextual loss ``-log CX``, with ``CX = mean_j max_i CX_ij`` over features ``x_i`` of the
    image and ``y_j`` of the target.

    ``CX_ij`` is ``exp((1 - d_ij / (min_k d_ik + 1e-5)) / h)`` divided by its sum over ``j``. It
    measures how much nearer ``y_j`` is to ``x_i`` than other features of the target. Positions do
    not matter, so the images need not be aligned.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``.
        layers: weights of the layers to compare; others are ignored.
        bandwidth: ``h``, the scale of relative distances that count as similar.
        distance: ``"cosine"`` is ``(1 - cos) / 2`` between features minus the target's mean over
            positions; ``"l2"`` is the squared distance.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, L)`` for ``"none"``: the weighted term
        of each layer. Each is at least 0. For constant features, which are all equally near, it is
        the logarithm of their number.

        Every feature is compared with every other: ``(H W)^2`` pairs, in steps of 2 million, which
        the backward pass computes again. Time grows with the square of the number of positions,
        memory does not.

    Raises:
        ValueError: a layer is missing or differs in shape, the bandwidth is not positive, or an
            option value is unknown.
        TypeError: features are not a mapping, or not floating point.

    Source: Mechrez et al. 2018, eq. 1-5. Their code takes the mean of the target over the whole
    batch, which is the same for a single image.
    """

def cosine_distance_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    offset: float = 0.01,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Cosine distance of colours: it compares hue and saturation, and ignores brightness.

    Two grays of any brightness have the distance 0: add a pixel loss.

    Args:
        pred, target: float images ``(N, C, H, W)`` of at least two channels, with values in
            ``data_range``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        offset: added to every channel, in units of the range. Black then counts as dark gray, and
            the gradient of dark pixels is bounded, also below the range.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, 1, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images have one channel, ``offset`` is not positive, or
            ``reduction`` is unknown.
        TypeError: integer tensors.

    Source: the cosine term of ExpandNet (Marnerides et al. 2018), computed so that equal colours
    have the distance 0. ``conventions.COSINE_DISTANCE["trainner"]`` is the ``CosimLoss`` of
    traiNNer-redux.
    """

def cw_ssim(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    levels: int = 4,
    orientations: int = 8,
    k: float = 0.0,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Complex wavelet structural similarity: 1 for equal images, lower for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. The value does not depend on brightness,
    on a common contrast, on fine detail or on small shifts: add a pixel loss. Where neither image
    has detail, the similarity is 1.

    Where ``pred`` is flat, the magnitude of a sum has no derivative. The gradient there is that
    towards the phase of ``target``, so that a flat image can learn.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            ``2^(levels + 2)`` pixels on the short side, 64 by default.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        levels: number of levels of the pyramid; the coarsest is compared.
        orientations: number of orientations, from 1 to 16.
        k: ``K``, for images on a scale of 0 to 255; not negative.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, options out of
            range.
        TypeError: integer tensors.

    Source: Sampat et al. 2009. ``conventions.CW_SSIM["matlab"]`` agrees with the authors' code
    on five pairs of TID2013 to the four digits that it printed.
    """

def cw_ssim_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    levels: int = 4,
    orientations: int = 8,
    k: float = 0.0,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """``1 - cw_ssim``, taken before the reduction.

    Complex wavelet structural similarity: 1 for equal images, lower for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. The value does not depend on brightness,
    on a common contrast, on fine detail or on small shifts: add a pixel loss. Where neither image
    has detail, the similarity is 1.

    Where ``pred`` is flat, the magnitude of a sum has no derivative. The gradient there is that
    towards the phase of ``target``, so that a flat image can learn.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            ``2^(levels + 2)`` pixels on the short side, 64 by default.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        levels: number of levels of the pyramid; the coarsest is compared.
        orientations: number of orientations, from 1 to 16.
        k: ``K``, for images on a scale of 0 to 255; not negative.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, options out of
            range.
        TypeError: integer tensors.

    Source: Sampat et al. 2009. ``conventions.CW_SSIM["matlab"]`` agrees with the authors' code
    on five pairs of TID2013 to the four digits that it printed.
    """

def cycle_consistency_loss(
    pred: Tensor | Sequence[Tensor],
    target: Tensor | Sequence[Tensor],
    *,
    data_range: float | tuple[float, float] = 1.0,
    distance: Literal["l1", "l2", "charbonnier", "ssim"] | Callable[..., Tensor] = "l1",
    identity_weight: float = 0.5,
    downscale: float | Callable[[Tensor], Tensor] | None = None,
    identity: Tensor | Sequence[Tensor] | None = None,
    mask: Tensor | Sequence[Tensor] | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Distance between original images and those translated to another domain and back.

    Args:
        pred: the images translated back, ``F(G(x))``; for super-resolution with ``downscale``, the
            enlarged image. ``(N, C, H, W)``, or a list with one tensor per direction, whose losses
            are added.
        target: the originals ``x``; for super-resolution, the image of low resolution. As many as
            ``pred``.
        data_range: data range of the images, for ``"ssim"``.
        distance: ``"l1"``, ``"l2"``, ``"charbonnier"``, ``"ssim"`` (``1 - ssim``), or a callable of
            ``(pred, target)``, such as another loss of this library. A callable gets the images
            unchanged, and reduces by itself.
        identity_weight: weight of the identity term; the reconstruction has the weight 1.
        downscale: shrinks ``pred`` before the comparison: a factor (antialiased bicubic,
            :func:`imresize`), or a network or another callable from images to images. A network is
            called as it is, under the user's autocast, and gets a gradient unless it is frozen.
        identity: for the identity term, ``F(x)``: the target passed through the generator *into*
            its own domain, which should not change it. Not shrunk. As many as ``pred``.
        mask: ``(N, 1 or C, H, W)`` weights of the target's pixels, which are passed on to a
            callable ``distance``. As many as ``pred``.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``, for each direction; ``"none"``
            only for a single direction.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"`` the map of the distance:
        ``(N, C, H, W)`` with the target's size, or smaller for ``"ssim"``, which uses whole
        windows.

    Raises:
        ValueError: shapes, devices or numbers of images differ, or an option is out of range or
            unknown.
        TypeError: integer tensors, options of another type.

    Source: Zhu et al. 2017, whose weight is 10, and half of that for the identity term.
    """

def deep_similarity(
    pred_features: Mapping[str, Tensor],
    target_features: Mapping[str, Tensor],
    *,
    layers: Mapping[str, float],
    distance: Literal["l1", "l2", "cosine", "normalized_l2"] = "normalized_l2",
    heads: Sequence[Tensor] | None = None,
    map_size: tuple[int, int] | None = None,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Distance between the feature vectors at each position, averaged over positions and summed
    over layers.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``.
        layers: weights of the layers to compare; others are ignored.
        distance: between two vectors, summed over channels: ``"l1"`` is ``|p - t|``, ``"l2"`` is
            ``(p - t)^2``, ``"normalized_l2"`` is ``"l2"`` of unit vectors as in LPIPS, and
            ``"cosine"`` is half of that, one minus the cosine (0 for two zero vectors).
        heads: one 1-D tensor per layer, in the order of ``layers``: weights of the channels in that
            sum; 1 by default.
        map_size: size ``(H, W)`` of a map of distances, usually that of the images. The layers'
            maps are resized to it bilinearly and added.
        mask: ``(N, 1 or C, H, W)`` weights at the resolution of the images, averaged over channels
            and over the area of each position. With ``map_size``, the mask must have that size and
            weights the map. An image whose weights are all 0 has the distance 0.
        reduction: ``"mean"`` and ``"sum"`` over images, or over the map; ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"`` ``(N,)``, or the map
        ``(N, 1, H, W)``.

    Raises:
        ValueError: a layer is missing or differs in shape, heads do not fit, or an option value is
            unknown.
        TypeError: features are not a mapping, or not floating point.
    """

def dists(
    pred_features: Mapping[str, Tensor],
    target_features: Mapping[str, Tensor],
    *,
    alpha: Sequence[Tensor],
    beta: Sequence[Tensor],
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """DISTS: one minus a weighted mean of texture and structure similarities of each channel,
    global over the image.

    The weight of ``l = (2 mu_x mu_y + c) / (mu_x^2 + mu_y^2 + c)`` is ``alpha``, that of
    ``s = (2 cov_xy + c) / (var_x + var_y + c)`` is ``beta``.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``. The original uses
            the image on a scale of [0, 1] and five layers of VGG16 with L2 pooling.
        alpha, beta: one 1-D tensor per layer, in the order of ``pred_features``; divided by the sum
            of all.
        mask: ``(N, 1 or C, H, W)`` weights at the resolution of the images, averaged over channels
            and over the area of each position; means, variances and covariance are weighted. An
            image whose weights are all 0 has the distance 0.
        reduction: ``"mean"`` and ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    Returns:
        A scalar, or ``(N,)``. For non-negative features, values lie in ``[0, 1 + b]``, where ``b``
        is the share of ``beta`` in the sum of all weights, 0.124 as published. They exceed 1 only
        for opposite structures, whose ``s`` is negative. For means of opposite signs, ``l`` is
        negative too.

    Raises:
        ValueError: layers differ, weights do not fit, or ``reduction`` is unknown.
        TypeError: features are not a mapping, or not floating point.

    Source: Ding et al. 2020, eq. 3-5, c = 1e-6. Agrees with ``DISTS_pytorch`` and torchmetrics to
    their rounding. They compute ``1 - s`` and ``E[xy] - E[x] E[y]``; differences are taken first
    here.
    """

def dss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    sigma: float = 1.55,
    worst: float = 0.05,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """DCT subband similarity: 1 for equal images, lower for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Rows and columns that do not
    fill a block of 8 x 8 pixels are left out. Only the worst positions of each subband have a
    gradient, so a step improves few blocks: add a pixel loss.

    The deviation of a flat neighbourhood has no slope. There, the gradient of the covariance is
    used, so that a flat image learns the contrast of the other image.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least 8
            pixels on the short side. With fewer than 10 blocks, only the worst one counts.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        sigma: of the Gaussian that weights frequencies, in frequencies of 8 x 8 blocks.
            Frequencies with a weight below 0.01 are left out.
        worst: the share of positions that count in each subband: the worst ones.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small, ``sigma`` leaves
            no frequency, or ``worst`` is outside (0, 1].
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Balanov et al. 2015. Agrees with piq as ``conventions.DSS["piq"]``.
    """

def dss_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    sigma: float = 1.55,
    worst: float = 0.05,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """``1 - dss``, taken before the reduction.

    DCT subband similarity: 1 for equal images, lower for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Rows and columns that do not
    fill a block of 8 x 8 pixels are left out. Only the worst positions of each subband have a
    gradient, so a step improves few blocks: add a pixel loss.

    The deviation of a flat neighbourhood has no slope. There, the gradient of the covariance is
    used, so that a flat image learns the contrast of the other image.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least 8
            pixels on the short side. With fewer than 10 blocks, only the worst one counts.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        sigma: of the Gaussian that weights frequencies, in frequencies of 8 x 8 blocks.
            Frequencies with a weight below 0.01 are left out.
        worst: the share of positions that count in each subband: the worst ones.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small, ``sigma`` leaves
            no frequency, or ``worst`` is outside (0, 1].
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Balanov et al. 2015. Agrees with piq as ``conventions.DSS["piq"]``.
    """

def edge_loss(
    pred: Tensor,
    target: Tensor,
    *,
    operator: Literal["sobel", "scharr", "laplacian"] = "sobel",
    distance: Literal["l1", "l2", "charbonnier"] = "charbonnier",
    eps: float = 0.001,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Distance between edge maps: ``(rho(dx pred - dx target) + rho(dy pred - dy target)) / 2``, or
    ``rho`` of the Laplacians' difference.

    The operators are linear and scaled to derivatives per pixel, so that a loss weight and ``eps``
    have the same meaning for each. A ramp of 1 per pixel has the value 1 for Sobel (kernel / 8) and
    Scharr (kernel / 32). The Laplacian (four neighbours, kernel as published) is the sum of both
    second derivatives. Each channel is filtered separately, and the border is replicated.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range.
        operator: ``"sobel"``, ``"scharr"`` or ``"laplacian"``.
        distance: ``rho``: ``"charbonnier"`` for ``sqrt(d^2 + eps^2)``, ``"l1"`` for ``|d|``, or
            ``"l2"`` for ``d^2``.
        eps: ``eps`` of Charbonnier, in the images' own units per pixel; the value for equal images
            is ``eps``, not 0.
        mask: ``(N, 1 or C, H, W)`` weights. The weight of a position is the smallest one in its 3x3
            neighbourhood, so that gradients next to invalid pixels do not count.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            no mask.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes or devices differ, images of one pixel, ``eps`` is not positive or its
            square vanishes in float32, unknown option values.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Charbonnier distance of edges as in MPRNet (Zamir et al. 2021), which uses the Laplacian
    of a Gaussian pyramid instead. With ``distance="l1"`` and ``"sobel"``, it agrees with the L1
    of kornia's ``spatial_gradient`` to float64 rounding.
    """

def enhanced_ssim_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    k1: float = 0.01,
    k2: float = 0.03,
    window_size: int = 11,
    stride: int = 1,
    viewing_distance: float = 6.0,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Enhanced SSIM, pooled by its coefficient of variation: 0 for equal images, larger for worse
    ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. The value depends on how unevenly images
    differ, not on how much: an image that is equally bad everywhere, such as a black one, is near
    0. Combine it with a pixel loss.

    The quotient jumps to infinity and becomes negative if the mean of SSIM does. Below a mean of
    0.01 its reciprocal continues along the tangent, so that worse images keep larger values. The
    deviation has the slope 0 where it is 0.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``. The shrunken
            image must hold a window: by default, 44 pixels on the short side do.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        k1, k2: the stabilising constants, both above 0.
        window_size: side of the square window, in pixels of the shrunken image.
        stride: distance between windows, in the same pixels.
        viewing_distance: in heights of the image. Images are shrunk by
            ``round(viewing_distance / 1.618)``; up to 2.4 heights they keep their size.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. Statistics
            are normalised convolutions over valid pixels only; the weight of a window is its share
            of valid pixels.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or smaller than a window, or an
            option is not positive.
        TypeError: integer tensors.

    Source: Venkataramanan et al. 2021. Agrees with the authors' code to 3e-6, the rounding of
    its float32 sums.
    """

def fdl_loss(
    pred_features: Mapping[str, Tensor],
    target_features: Mapping[str, Tensor],
    *,
    layers: Mapping[str, float],
    seed: int = 0,
    projections: int = 256,
    patch_size: int = 5,
    stride: int = 1,
    phase_weight: float = 1.0,
    weighted: Literal["both", "amplitude"] = "both",
    directions: Mapping[str, Tensor] | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Frequency distribution loss, ``sum_l w_l (D(A_l, A'_l) + phase_weight D(P_l, P'_l))`` of the
    amplitudes ``A`` and the phases ``P`` of the spectra of features.

    ``D`` is the sliced Wasserstein distance: patches of the spectrum are projected on random unit
    vectors, sorted, and compared by their mean absolute difference. Images need not be aligned.

    If the amplitude of a frequency is below the rounding of the transform, its phase is 0 and has
    no gradient. This also applies if all features are near the smallest normal number. The slope of
    an amplitude of 0 points towards the target.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``.
        layers: weights of the layers to compare; others are ignored.
        seed: seed of the directions, which are the same in every call, process and run.
        projections: random directions for each layer.
        patch_size: sides of the patches of the spectrum that are projected.
        stride: from patch to patch.
        phase_weight: factor of the distance of phases; that of amplitudes has the factor 1.
        weighted: the weights of ``layers`` multiply the distances of ``"both"``, or of the
            ``"amplitude"`` only, which equals multiplying the features.
        directions: unit vectors by layer name, ``(projections, C, patch_size, patch_size)``. By
            default they follow from ``seed``. The library caches up to 64 MiB of such constants.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, L)`` for ``"none"``: the weighted term
        of each layer. Projections are taken in steps of bounded memory.

    Raises:
        ValueError: a layer is missing, differs in shape or is smaller than a patch, the directions
            have another shape, or an option value is unknown.
        TypeError: features are not a mapping, or not floating point.

    Agrees with the formula of the authors' code and of neosr to float64 rounding, see
    ``conventions.FDL``.
    """

def feature_matching_loss(
    pred: Sequence[Tensor] | Sequence[Sequence[Tensor]],
    target: Sequence[Tensor] | Sequence[Sequence[Tensor]],
    *,
    scales: Literal["mean", "sum"] = "mean",
    distance: Literal["l1", "l2"] = "l1",
    layers: Literal["sum", "mean"] = "sum",
    detach_target: bool = True,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Distance between a discriminator's feature maps of generated and of real images, layer by
    layer.

    Args:
        pred, target: feature maps of generated and of real images: ``(N, C, H, W)``, of volumes
            ``(N, C, D, H, W)``, or of signals ``(N, C, L)``, in a list over layers or a list of
            such lists over scales. All maps are compared. pix2pixHD leaves out the last one of each
            list, the logits: ``[maps[:-1] for maps in outputs]``.
        scales: ``"mean"`` over scales (the code), or ``"sum"`` (the paper).
        distance: ``"l1"`` or ``"l2"`` (squared).
        layers: ``"sum"`` of the layers' distances (the paper; the code multiplies it by
            ``4 / (n_layers_D + 1)``, which is 1 by default), or their ``"mean"``.
        detach_target: treat the maps of real images as constants, so that no graph of the
            discriminator is kept for them.
        mask: ``(N, 1 or C, H, W)`` weights at the resolution of the images, averaged over channels
            and over the area of each position of a map. A position also depends on pixels outside
            its area. To hide pixels completely, make them equal in both images before the
            discriminator. Maps of volumes and signals do not support a mask.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"`` of each map; ``"none"`` only for
            a single map.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the map for ``"none"``.

    Raises:
        ValueError: shapes, lengths or devices differ, a list is empty, or an option value is
            unknown.
        TypeError: the inputs are not lists of tensors, or tensors have integers.

    Source: Wang et al. 2018 (pix2pixHD), equation 4.
    """

def fft_loss(
    pred: Tensor,
    target: Tensor,
    *,
    norm: Literal["backward", "ortho"] = "backward",
    onesided: bool = False,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """FFT loss, ``(|Re(Fp - Ft)| + |Im(Fp - Ft)|) / 2`` for each frequency.

    Its gradient is as strong at a frequency with a small error as at one with a large error. The
    usual weight beside a pixel loss is 0.05 to 0.1 for images in [0, 1]. With the default ``norm``
    the value grows with the size of the crops.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range.
        norm: as in ``torch.fft``. ``"backward"`` does not scale the transform, so that the value
            grows with the root of the number of pixels. ``"ortho"`` divides by this root.
        onesided: count the columns of ``torch.fft.rfft2`` alone. By default the whole plane counts,
            in which all columns but the first and, for an even width, the last of these are there
            twice.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``, over frequencies. The value of
            a frequency is the mean of its two parts.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``, or
        ``(N, C, H, W // 2 + 1)`` with ``onesided``, the lowest frequency in the upper left corner.

    Raises:
        ValueError: shapes or devices differ, sides that are 0, unknown ``norm`` or ``reduction``.
        TypeError: integer tensors.

    Source: Cho et al. 2021, eq. 8, at one scale. Agrees with ``L1Loss`` of stacked real and
    imaginary parts, the ``FFTLoss`` of many programs, to 1e-13.
    """

def flip_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    pixels_per_degree: float = 67.02064327658225,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """FLIP of images of low dynamic range: 0 for equal images, at most 1.

    Images are sRGB. A gray image is treated as RGB with three equal channels. Values beyond the
    range are clamped as in the original and have the gradient 0: add a pixel loss. Border pixels
    are repeated.

    Powers below 1 are infinitely steep where colours or features are equal. Below a difference of
    1e-4 (colours) and 1e-6 (features) they have the slope at that difference. The gradient is 0 for
    equal images.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        pixels_per_degree: pixels per degree of visual angle: ``d r pi / (180 w)`` for a display
            ``w`` meters and ``r`` pixels wide, seen from ``d`` meters. The default is a 4K display
            of 0.7 meters, seen from 0.7 meters.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises. The kernel reduces.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the map ``(N, 1, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB, a resolution below one
            pixel per degree.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Andersson et al. 2020. Agrees with flip-evaluator 1.7, which computes in float32, to
    1e-6.
    """

def focal_frequency_loss(
    pred: Tensor,
    target: Tensor,
    *,
    alpha: float = 1.0,
    patch_factor: int = 1,
    spectrum: Literal["image", "batch_mean"] = "image",
    weighting: Literal["power", "log"] = "power",
    peak: Literal["spectrum", "batch"] = "spectrum",
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Focal frequency loss: ``w |Fp - Ft|^2`` over the spectra of the two images, with
    ``w = |Fp - Ft|^alpha / max |Fp - Ft|^alpha``.

    The weight emphasises the frequencies with the largest error. It is a constant: no gradient
    passes through it.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range.
        alpha: how sharply the weight focuses; 0 is the plain mean square.
        patch_factor: number of parts of each side; each patch has its own spectrum. It must divide
            H and W.
        spectrum: ``"image"`` compares image by image, ``"batch_mean"`` compares spectra averaged
            over the batch.
        weighting: ``"power"`` as above, or ``"log"`` for ``log(1 + |Fp - Ft|^alpha)``.
        peak: the weight is divided by the maximum over each ``"spectrum"`` (image, patch and
            channel) or over the ``"batch"``.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` (not with ``"batch_mean"``) or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"`` (``N = 1`` for
        ``"batch_mean"``): the terms by frequency, the lowest in the upper left corner of each
        patch.

    Raises:
        ValueError: shapes or devices differ, sides that are 0 or that ``patch_factor`` does not
            divide, unknown option values.
        TypeError: integer tensors.

    Source: Jiang et al. 2021, eq. 8-9. Agrees with the authors' package ``focal-frequency-loss`` to
    float64 rounding: ``ave_spectrum`` is ``spectrum="batch_mean"``, ``log_matrix`` is
    ``weighting="log"``, ``batch_matrix`` is ``peak="batch"``.
    """

def fourier_magnitude_loss(
    pred: Tensor, target: Tensor, *, reduction: Literal["mean", "sum", "image", "none"] = "mean"
) -> Tensor:
    """L1 distance of Fourier magnitudes, ``| |Fp| - |Ft| |``: the amount of each frequency,
    independent of its position.

    Where a frequency of ``pred`` is 0 to rounding, its magnitude has no derivative. The gradient
    used there points towards the same frequency of ``target``, so that flat images get a gradient.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``, the lowest
        frequency in the upper left corner.

    Raises:
        ValueError: shapes or devices differ, sides that are 0, unknown ``reduction``.
        TypeError: integer tensors.
    """

def fsim(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    planes: Literal["yiq", "luma"] = "yiq",
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Feature similarity index: 1 for equal images, lower for worse ones.

    For RGB images this is FSIMc: luma, I and Q of YIQ, not rounded. Gray images are compared as
    they are. Images of more than 384 pixels on the short side are first shrunk to about 256, as in
    the authors' code. Phase congruency does not depend on contrast, and its gradient is 0 where
    an image is flat; the gradient of a flat image comes from gradients and colours. If both images
    are flat, all positions have equal weights.

    By definition, the gradient is many times as large on faint crops as on others, since phase
    congruency is relative to the amplitude. The similarity of the colours is raised to 0.03, which
    is infinitely steep at 0. Below 1e-4 its slope is that at 1e-4, so gradients of colours that
    differ much are smaller than the derivative.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            16 pixels on the short side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        planes: ``"yiq"`` also compares the colour planes I and Q of RGB images (FSIMc); ``"luma"``
            compares the luma alone.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels compute the shrunk
            luma, I and Q, and phase congruency.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small,
            unknown option values.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Zhang, Zhang, Mou & Zhang 2011. Agrees with the authors' code on five pairs of
    TID2013 to the four digits that it printed. ``conventions.FSIM["piq"]`` agrees with piq to 1e-12
    in float64.
    """

def fsim_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    planes: Literal["yiq", "luma"] = "yiq",
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """``1 - fsim``, taken before the reduction.

    Feature similarity index: 1 for equal images, lower for worse ones.

    For RGB images this is FSIMc: luma, I and Q of YIQ, not rounded. Gray images are compared as
    they are. Images of more than 384 pixels on the short side are first shrunk to about 256, as in
    the authors' code. Phase congruency does not depend on contrast, and its gradient is 0 where
    an image is flat; the gradient of a flat image comes from gradients and colours. If both images
    are flat, all positions have equal weights.

    By definition, the gradient is many times as large on faint crops as on others, since phase
    congruency is relative to the amplitude. The similarity of the colours is raised to 0.03, which
    is infinitely steep at 0. Below 1e-4 its slope is that at 1e-4, so gradients of colours that
    differ much are smaller than the derivative.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            16 pixels on the short side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        planes: ``"yiq"`` also compares the colour planes I and Q of RGB images (FSIMc); ``"luma"``
            compares the luma alone.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels compute the shrunk
            luma, I and Q, and phase congruency.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small,
            unknown option values.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Zhang, Zhang, Mou & Zhang 2011. Agrees with the authors' code on five pairs of
    TID2013 to the four digits that it printed. ``conventions.FSIM["piq"]`` agrees with piq to 1e-12
    in float64.
    """

def gmsd_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    t: float = 170.0,
    deviation: Literal["sample", "population"] = "sample",
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Gradient magnitude similarity deviation: 0 for equal images, larger for worse ones.

    Gray images are compared as they are, RGB images by their luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Images are halved by means of 2 x 2
    pixels, and their Prewitt gradients are compared with zero padding. The value depends on how
    unevenly the gradients differ, not on how much, so combine it with a pixel loss.

    Where ``pred`` is flat, its gradient magnitude has no derivative. The gradient used there points
    towards the image gradient of ``target``, so that flat images get a gradient.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least 3
            pixels on the long side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        t: the constant ``T`` that keeps the similarity finite, for images on a scale of 0 to 255.
        deviation: ``"sample"`` divides by the number of positions minus one, as MATLAB's ``std2``;
            ``"population"`` divides by their number (piq).
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. The weight
            of a position is the smallest one among the pixels that it depends on.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises; kernels support no mask.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small, an option value is
            unknown, or ``t`` is not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Xue et al. 2014. Agrees with the authors' code to float64 rounding, with piq as
    ``conventions.GMSD["piq"]``.
    """

def gradient_difference_loss(
    pred: Tensor,
    target: Tensor,
    *,
    alpha: float = 1.0,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Image gradient difference: ``||dx pred| - |dx target||^alpha`` plus the same for dy, where dx
    and dy are differences of neighbours.

    It compares the strength of gradients, not their sign, and sharpens where L2 blurs. It does not
    depend on brightness, so combine it with a pixel loss. Where a difference of ``pred`` is 0, the
    gradient points towards that of ``target``, so that flat images get a gradient.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range.
        alpha: exponent, at least 1.
        mask: ``(N, 1 or C, H, W)`` weights; the weight of a difference is the product of its two
            pixels' weights.
        reduction: ``"mean"`` and ``"image"`` are the mean over all dx plus the mean over all dy;
            ``"sum"`` is the paper's sum; ``"none"`` is the map.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            neither masks nor an ``alpha`` other than 1 and 2.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``, where each
        pixel holds its differences to the right and lower neighbour and the last column and row
        have no dx and dy.

    Raises:
        ValueError: shapes or devices differ, images of one pixel, ``alpha`` below 1, unknown
            ``reduction``.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Mathieu, Couprie & LeCun 2016, eq. 6.
    """

def gradient_ssim(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    window: Literal["gaussian", "uniform"] | Tensor = "gaussian",
    window_size: int = 11,
    sigma: float = 1.5,
    padding: Literal["valid", "reflect", "replicate", "zeros"] = "valid",
    k1: float = 0.01,
    k2: float = 0.03,
    covariance: Literal["population", "sample"] = "population",
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """G-SSIM: luminance of the images times contrast and structure of their gradient magnitudes.

    The magnitude is ``|Gx| + |Gy|`` of the unnormalised Sobel operator with a replicated border.
    G-SSIM is more sensitive to blur than SSIM. Where an image gradient of ``pred`` is 0, the
    derivative points towards that of ``target``, so that flat images get a gradient.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``; channels are
            compared separately.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: SSIM is not shift invariant, so
            ``lo`` is subtracted first.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; not used with a custom window.
        sigma: standard deviation of the Gaussian in pixels.
        padding: the border: ``"valid"`` uses only whole windows, ``"reflect"`` mirrors without
            repeating the edge, ``"replicate"`` repeats the edge, ``"zeros"`` adds zeros.
        k1, k2: the stabilising constants, both above 0.
        covariance: ``"population"``, or ``"sample"``, which multiplies by ``N / (N - 1)`` with N
            the number of window taps over both axes.
        mask: ``(N, 1 or C, H, W)`` weights. An image gradient counts if its whole 3 x 3
            neighbourhood is valid.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images are smaller than the window, an option value is unknown,
            or constants are not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Chen, Yang & Xie 2006.
    """

def gradient_ssim_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    window: Literal["gaussian", "uniform"] | Tensor = "gaussian",
    window_size: int = 11,
    sigma: float = 1.5,
    padding: Literal["valid", "reflect", "replicate", "zeros"] = "valid",
    k1: float = 0.01,
    k2: float = 0.03,
    covariance: Literal["population", "sample"] = "population",
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """``1 - gradient_ssim``, taken before the reduction.

    G-SSIM: luminance of the images times contrast and structure of their gradient magnitudes.

    The magnitude is ``|Gx| + |Gy|`` of the unnormalised Sobel operator with a replicated border.
    G-SSIM is more sensitive to blur than SSIM. Where an image gradient of ``pred`` is 0, the
    derivative points towards that of ``target``, so that flat images get a gradient.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``; channels are
            compared separately.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: SSIM is not shift invariant, so
            ``lo`` is subtracted first.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; not used with a custom window.
        sigma: standard deviation of the Gaussian in pixels.
        padding: the border: ``"valid"`` uses only whole windows, ``"reflect"`` mirrors without
            repeating the edge, ``"replicate"`` repeats the edge, ``"zeros"`` adds zeros.
        k1, k2: the stabilising constants, both above 0.
        covariance: ``"population"``, or ``"sample"``, which multiplies by ``N / (N - 1)`` with N
            the number of window taps over both axes.
        mask: ``(N, 1 or C, H, W)`` weights. An image gradient counts if its whole 3 x 3
            neighbourhood is valid.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images are smaller than the window, an option value is unknown,
            or constants are not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Chen, Yang & Xie 2006.
    """

def gradient_variance_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    patch_size: int = 8,
    distance: Literal["l1", "l2", "charbonnier"] = "l2",
    eps: float = 0.001,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Distance of the variances of Sobel gradients in patches: it rewards sharp edges.

    RGB images are converted to the luma ``0.2989 R + 0.587 G + 0.114 B``. The border is padded
    with black. A variance is stationary where gradients are constant, so a flat patch has no
    gradient: add a pixel loss.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            ``patch_size`` pixels on the short side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        patch_size: side of the patches; incomplete ones at the lower and right border are dropped.
        distance: distance of variances: ``"l2"`` ``d^2``, ``"l1"`` ``|d|``, or ``"charbonnier"``
            ``sqrt(d^2 + eps^2)``.
        eps: ``eps`` of Charbonnier; for equal images the value is ``2 eps``, not 0.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. A gradient
            has the smallest weight of its 3 x 3 pixels, a patch the mean weight of its gradients.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"``, ``(N, 1, H', W')`` with sides
        divided by ``patch_size``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or smaller than a patch, or an
            option value is unknown.
        TypeError: integer tensors.

    Source: Abrahamyan et al. 2022. Agrees with the authors' code and with the
    ``GradientVarianceLoss`` of traiNNer-redux to 1e-10.
    """

def haarpsi(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    c: float = 30.0,
    alpha: float = 4.2,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Haar wavelet-based perceptual similarity: 1 for equal images, lower for worse ones.

    RGB images are compared in luma, I and Q of YIQ, not rounded. Gray images are compared as they
    are. Images are first halved, as in the authors' code for the usual viewing distance. If both
    images are flat, all positions have equal weights.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            16 pixels on the short side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        c: the constant ``C`` that keeps the similarity finite, for images on a scale of 0 to 255.
        alpha: how much more low similarities count than high ones, at most 40.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. The weight
            of a position is the smallest one among the pixels that it depends on.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises. No kernel supports a mask.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small,
            a constant that is not positive, an ``alpha`` above 40.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Reisenhofer et al. 2018. ``conventions.HAARPSI["piq"]`` agrees with piq to 1e-12 in
    float64.
    """

def haarpsi_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    c: float = 30.0,
    alpha: float = 4.2,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """``1 - haarpsi``, taken before the reduction.

    Haar wavelet-based perceptual similarity: 1 for equal images, lower for worse ones.

    RGB images are compared in luma, I and Q of YIQ, not rounded. Gray images are compared as they
    are. Images are first halved, as in the authors' code for the usual viewing distance. If both
    images are flat, all positions have equal weights.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            16 pixels on the short side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        c: the constant ``C`` that keeps the similarity finite, for images on a scale of 0 to 255.
        alpha: how much more low similarities count than high ones, at most 40.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. The weight
            of a position is the smallest one among the pixels that it depends on.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises. No kernel supports a mask.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small,
            a constant that is not positive, an ``alpha`` above 40.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Reisenhofer et al. 2018. ``conventions.HAARPSI["piq"]`` agrees with piq to 1e-12 in
    float64.
    """

def heatmap_loss(
    pred_heatmaps: Tensor,
    target_heatmaps: Tensor,
    *,
    compare: Literal["heatmaps", "coordinates"] = "heatmaps",
    sharpness: float = 50.0,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Squared distance between landmarks: between their heatmaps, or between the peaks.

    Args:
        pred_heatmaps, target_heatmaps: ``(N, K, H, W)``, one map per landmark.
        compare: ``"heatmaps"`` is the squared difference, averaged over positions.
            ``"coordinates"`` is the squared distance between the :func:`soft_argmax` of both, where
            each side of a map has length 1.
        sharpness: sharpness of the soft-argmax.
        reduction: ``"mean"`` and ``"sum"`` over landmarks and images, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, K)`` for ``"none"``.

    Raises:
        ValueError: shapes or devices differ, the sharpness is not positive, or an option value is
            unknown.
        TypeError: integer tensors.

    Source: Bulat & Tzimiropoulos 2018, eq. 3, with a mean over positions instead of a sum.
    """

def hsluv_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    hue_weight: float = 0.3333333333333333,
    saturation_weight: float = 0.3333333333333333,
    lightness_weight: float = 0.3333333333333333,
    distance: Literal["l1", "l2", "charbonnier"] = "l1",
    eps: float = 0.001,
    edges: Literal["continuous", "thresholds"] = "continuous",
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Distance of hue, saturation and lightness in HSLuv.

    Gray has no hue; black and white have neither hue nor saturation. Therefore the colourfulness,
    the saturation times ``1 - |2 L - 1|``, is compared instead of the saturation, and the hue is
    weighted by the smaller colourfulness of the two pixels. The gradient of a gray pixel points to
    the colour of the target, that of a black or white pixel to its lightness.

    Images are sRGB; a gray image counts as RGB with three equal channels. Values beyond the range
    are clamped and have no gradient: add a pixel loss.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        hue_weight, saturation_weight, lightness_weight: weights of the three parts, each of which
            is in [0, 1].
        distance: distance of saturation and lightness: ``"l1"`` ``|d|``, ``"l2"`` ``d^2``, or
            ``"charbonnier"`` ``sqrt(d^2 + eps^2)``. The hue is compared by the angle.
        eps: ``eps`` of Charbonnier; for equal images, a part is ``eps`` times its weight, not 0.
        edges: ``"continuous"`` lets hue and saturation fade towards gray, black and white.
            ``"thresholds"`` is the form of traiNNer-redux, which jumps at a saturation or lightness
            of 0.1 and 0.9.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, 1, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB, a weight is negative, or an
            option value is unknown.
        TypeError: integer tensors.

    Source: HSLuv 4; CIE 15. ``edges="thresholds"`` agrees with the ``HSLuvLoss`` of traiNNer-redux
    to 1e-8.
    """

def huber_loss(
    pred: Tensor,
    target: Tensor,
    *,
    delta: float = 1.0,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Huber distance: L2 for small errors, L1 for large ones.

    With ``delta=1``, images in [0, 1] have no large errors, and the value is half of L2.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        delta: where the curve turns from L2 to L1, in the images' own units.
        mask: ``(N, 1 or C, ...)`` weights; the mean is taken over the weight.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            no mask.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of ``pred`` for ``"none"``.

    Raises:
        ValueError: shapes differ, ``delta`` is not positive, unknown ``reduction``.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Huber 1964. Agrees with ``huber_loss`` of PyTorch; ``smooth_l1_loss(beta=delta)`` is
    this value divided by ``delta``.
    """

def iw_ssim(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    scale_weights: tuple[float, ...] = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
    noise: float = 0.4,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Information content weighted SSIM: 1 for equal images, lower for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. If neither image holds information, all
    positions have equal weights. The weighted mean of a scale can be negative: below 1e-3 the value
    and its gradient are those of MS-SSIM with ``negative="clamp"``. On a GPU, the host waits for
    the eigenvalues of four small matrices.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            161 pixels on the short side for five scales. The measure is not symmetric.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        scale_weights: ``beta_j``, from the finest scale to the coarsest, divided by their sum;
            their number is the number of scales.
        noise: ``s_n^2``, the variance of the noise of the eye, for images on a scale of 0 to 255.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, weights that
            are negative or all 0, noise that is not positive.
        TypeError: integer tensors.

    Source: Wang & Li 2011. ``conventions.IW_SSIM["piq"]`` and ``["frame_analytics"]`` agree with
    piq and frame-analytics to 1e-12 in float64.
    """

def iw_ssim_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    scale_weights: tuple[float, ...] = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
    noise: float = 0.4,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """``1 - iw_ssim``, taken before the reduction.

    Information content weighted SSIM: 1 for equal images, lower for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. If neither image holds information, all
    positions have equal weights. The weighted mean of a scale can be negative: below 1e-3 the value
    and its gradient are those of MS-SSIM with ``negative="clamp"``. On a GPU, the host waits for
    the eigenvalues of four small matrices.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            161 pixels on the short side for five scales. The measure is not symmetric.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        scale_weights: ``beta_j``, from the finest scale to the coarsest, divided by their sum;
            their number is the number of scales.
        noise: ``s_n^2``, the variance of the noise of the eye, for images on a scale of 0 to 255.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, weights that
            are negative or all 0, noise that is not positive.
        TypeError: integer tensors.

    Source: Wang & Li 2011. ``conventions.IW_SSIM["piq"]`` and ``["frame_analytics"]`` agree with
    piq and frame-analytics to 1e-12 in float64.
    """

def kernel_distance_loss(
    features_a: Tensor,
    features_b: Tensor,
    *,
    degree: int = 3,
    gamma: float | None = None,
    coef0: float = 1.0,
) -> Tensor:
    """KID: the unbiased squared maximum mean discrepancy under
    ``k(x, y) = (gamma x.y + coef0)^degree``, differentiable.

    ``mean_{i != j} k(a_i, a_j) + mean_{i != j} k(b_i, b_j) - 2 mean k(a_i, b_j)`` over all rows, in
    float64. It is not biased by the number of rows and can be slightly negative.

    Args:
        features_a, features_b: ``(N_a, D)`` and ``(N_b, D)``, one row per image, any scale.
        degree: degree of the polynomial, at least 1.
        gamma: factor of the inner product, positive; ``1 / D`` for None.
        coef0: constant that is added to the product.

    Returns:
        A float64 scalar.

    Raises:
        ValueError: not two dimensions, fewer than 2 rows, another ``D`` or device.
        TypeError: features that are not floating point.

    Source: Binkowski et al. 2018; defaults as in the authors' code.
    ``metrics.kernel_distance`` is its mean over random subsets.
    """

def l1_loss(
    pred: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Absolute error ``|pred - target|``.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        mask: ``(N, 1 or C, ...)`` weights; the mean is weighted, and values of weight
            0 are ignored.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            no mask.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of ``pred`` for ``"none"``.

    Raises:
        ValueError: shapes or devices differ, unknown ``reduction``.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.
    """

def l2_loss(
    pred: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Squared error ``(pred - target)^2``; its mean is the MSE.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        mask: ``(N, 1 or C, ...)`` weights; the mean is weighted, and values of weight
            0 are ignored.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            no mask.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of ``pred`` for ``"none"``.

    Raises:
        ValueError: shapes or devices differ, unknown ``reduction``.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.
    """

def laplacian_pyramid_loss(
    pred: Tensor,
    target: Tensor,
    *,
    level_weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0),
    distance: Literal["l1", "l2", "charbonnier"] = "l1",
    eps: float = 0.001,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Distance of Laplacian pyramids: edges count at every scale.

    The paper sums the absolute values of band ``j`` with the weight ``2^(2 j)``. Band ``j`` has
    ``2^(2 j)`` times fewer pixels than the image, so this equals the sum of the means of the bands
    times the number of pixels. The default is the sum of the means.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range, at least
            ``2^(levels - 1) + 1`` pixels on the short side: 17 for five bands.
        level_weights: one weight for each band, finest first; the last band is the low-pass image
            that remains.
        distance: ``rho``: ``"l1"`` ``|d|``, ``"l2"`` ``d^2``, or ``"charbonnier"``
            ``sqrt(d^2 + eps^2)``.
        eps: ``eps`` of Charbonnier, in the images' own units; for equal images, the mean of a band
            is ``eps``, not 0.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are too small, weights are negative or all 0, or an
            option value is unknown.
        TypeError: integer tensors.

    Source: Bojanowski et al. 2018; five bands with halved weights are those of Niklaus & Liu 2018.
    """

def ldl_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    window_size: int = 7,
    exponent: float = 0.2,
    distance: Literal["l1", "l2"] = "l1",
    pred_ema: Tensor | None = None,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Locally discriminative learning: the distance of images, weighted by the variance of their
    residual, which is high at artifacts.

    The weight is the variance of the residual in a window times a power of its variance in the
    image; the residual is the sum of ``|pred - target|`` over channels, mirrored at the border. The
    gradient passes through the weight, as in the authors' code. It is finite where the residual
    is constant, where the power is infinitely steep. The value is small: 1e-5 to 3e-4 for
    degraded photographs.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``, larger than half
            the window on both sides.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        window_size: side of the window of the local variance, odd and at least 3.
        exponent: exponent of the variance of the image, positive; 1/5 in the paper.
        distance: ``"l1"`` ``|w d|``, or ``"l2"`` ``(w d)^2``.
        pred_ema: what the moving average of the network returns for the same input,
            ``(N, C, H, W)``. Where it is farther from the target than ``pred``, the weight is 0:
            ``pred`` improves there. It receives no gradient. Without it, no weight is set to 0.
        mask: ``(N, 1 or C, H, W)`` weights; the variances count each pixel by the smallest weight
            of its channels.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes or devices differ, images are too small to be mirrored, ``window_size``
            is even, ``exponent`` is not positive, or an option value is unknown.
        TypeError: integer tensors.

    Source: Liang, Zeng & Zhang 2022, eq. 3-6. Agrees with BasicSR, neosr and traiNNer-redux to
    1e-14 in float64; neosr has no ``pred_ema``.
    """

def lpips(
    pred_features: Mapping[str, Tensor],
    target_features: Mapping[str, Tensor],
    *,
    heads: Sequence[Tensor],
    map_size: tuple[int, int] | None = None,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """LPIPS: squared differences of unit feature vectors, weighted per channel by learned heads,
    averaged over positions and summed over layers.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``. The layers and
            their order are those of ``pred_features``.
        heads: one 1-D tensor per layer.
        map_size, mask: as in :func:`deep_similarity`.
        reduction: ``"mean"`` and ``"sum"`` over images, or over the map; ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"`` ``(N,)``, or the map
        ``(N, 1, H, W)``.

    Raises:
        ValueError: layers differ, heads do not fit, or ``reduction`` is unknown.
        TypeError: features are not a mapping, or not floating point.

    Source: Zhang et al. 2018, eq. 1. Agrees with the package ``lpips`` to float64 rounding, except
    at zero vectors: their gradient is 0 here and NaN in the package.
    """

def mad_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    pixels_per_degree: float = 64.0,
    blend: tuple[float, float] = (2.55, 3.35),
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Most Apparent Distortion: 0 for equal images, larger for worse ones, about 200 for very bad
    ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. The outermost 16 pixels do not count.
    Errors count where they have more contrast than the target. If no error is visible, as after a
    change of brightness or against a black target, the value and the gradient are 0: add a pixel
    loss. The measure is not symmetric.

    Blocks of a subband that deviate by less than 0.002 codes, which can be rounding in float32,
    count as flat in every dtype. The roots have the slope 0 at 0, and both powers a held slope
    below 1e-4.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least 34
            pixels on the short side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        pixels_per_degree: pixels in one degree of the visual field, for the contrast sensitivity.
        blend: ``t1, t2`` of the mixture, ``b1 = exp(-t1 / t2)`` and ``b2 = 1 / (t2 log 10)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, options that
            are not positive.
        TypeError: integer tensors.

    Source: Larson & Chandler 2010. Agrees with the authors' code under GNU Octave to 1e-12.
    ``conventions.MAD["pyiqa"]`` agrees with the numbers of IQA-PyTorch on five pairs of TID2013 to
    the four digits that it printed.
    """

def mdsi_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    alpha: float = 0.6,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Mean deviation similarity index: 0 for equal images, larger for worse ones.

    A gray image counts as RGB with three equal channels. Images of more than 384 pixels on the
    short side are shrunk to about 256 first, as in the authors' code. The value depends
    on how unevenly the images differ, not on how much, so combine it with a pixel loss.

    The fourth root has an infinite derivative where the similarity is 0. Below 1e-4, the derivative
    at 1e-4 is used; it is 0 for equal images. Where ``pred`` is flat, the gradient points towards
    the image gradient of ``target``.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            3 pixels on the short side. ``pred`` is the distorted image: the measure is not
            symmetric.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        alpha: weight of the gradients, from 0 to 1; the weight of the colours is ``1 - alpha``.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. The weight
            of a position is the smallest one among the pixels that it depends on.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises. No kernel supports a mask.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small, or ``alpha`` is
            outside [0, 1].
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Nafchi et al. 2016. Agrees with piq to float64 rounding.
    """

def ms_gmsd_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    scale_weights: tuple[float, ...] = (0.096, 0.596, 0.289, 0.019),
    t: float = 170.0,
    masking: float = 0.5,
    planes: Literal["luma", "yiq", "yiq_coarsest"] = "luma",
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Gradient magnitude similarity deviation on several scales: 0 for equal images.

    Gray images are compared as they are, RGB images by their luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. The first scale is the image itself; each
    further scale has means of 2 x 2 pixels. As for GMSD, the value depends on how unevenly
    gradients differ, not on how much, so combine it with a pixel loss.

    Where ``pred`` is flat, its gradient magnitude has no derivative. The gradient used there points
    towards the image gradient of ``target``, so that flat images get a gradient.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            ``2^scales`` pixels on the short side, 16 by default.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        scale_weights: ``w_j``, from the images' own size to the coarsest scale, divided by
            their sum.
        t: the constant ``T`` that keeps the similarity finite, for images on a scale of 0 to 255.
        masking: ``a``, how much strong gradients mask differences; 0 is the similarity of GMSD.
        planes: ``"luma"``, or ``"yiq"`` for MS-GMSDc, which adds the difference of the colour
            planes I and Q of RGB images; ``"yiq_coarsest"`` adds it at the last scale (piq).
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. The weight
            of a position is the smallest one among the pixels that it depends on.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises; kernels support no mask.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small, an option value is
            unknown, or ``t`` is not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Zhang, Sander & Bermak 2017. Agrees with piq as ``conventions.MS_GMSD["piq"]``.
    """

def ms_ssim(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    k1: float = 0.01,
    k2: float = 0.03,
    window_size: int = 11,
    sigma: float = 1.5,
    scale_weights: tuple[float, ...] = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
    negative: Literal["clamp", "relu", "relu_map", "shift"] = "clamp",
    min_size: Literal["error", "fewer_scales"] = "error",
    pooling: Literal["floor", "zeros", "replicate", "symmetric"] = "floor",
    combination: Literal["product", "weighted_sum"] = "product",
    channels: Literal["separate", "joint"] = "separate",
    coarsest_padding: Literal["valid", "reflect"] = "valid",
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Multi-scale structural similarity, 1 for equal images.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``. Five scales of an
            11 pixel window need 176 pixels.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        k1, k2: the stabilising constants, both above 0.
        window_size, sigma: the Gaussian window at every scale; ``window_size`` odd unless
            ``coarsest_padding="valid"``.
        scale_weights: exponent of each scale, finest first; their number is the number of scales.
        negative: the treatment of a mean t that is not positive, for which a fractional power is
            not defined. ``"clamp"`` replaces values below 1e-3 by ``1e-6 / (2e-3 - t)``, which is
            positive and rising. This is nearly 0 and nearly flat, so the gradient used there is not
            its derivative, but the gradient at ``2e-3 - t``. ``"relu"`` replaces t by 0; the
            gradient of the whole channel is then 0. ``"relu_map"`` clamps every position at 0
            before the mean, which raises t (pyiqa). ``"shift"`` replaces every t by
            ``(t + 1) / 2``, which is another measure.
        min_size: for images too small for all scales: ``"error"``, or ``"fewer_scales"``, which
            uses the scales that fit, with their weights normalised to sum to 1.
        pooling: halving of odd sizes: ``"floor"`` drops the last row, ``"zeros"`` adds rows of
            zeros and counts them (pytorch-msssim), ``"replicate"`` repeats the first row and column
            if either size is odd (piq), ``"symmetric"`` repeats the last row of an odd size
            (TensorFlow, MATLAB).
        combination: ``"product"`` of powers, or ``"weighted_sum"``, whose weights are divided by
            their sum (``wtd_sum`` of ``msssim.m``).
        channels: ``"separate"`` multiplies per channel and then averages over channels; ``"joint"``
            averages over channels first (torchmetrics, MONAI).
        coarsest_padding: border of the coarsest scale: ``"valid"``, or ``"reflect"``
            (torchmetrics).
        mask: ``(N, 1 or C, H, W)`` weights, pooled along with the images. Images without a valid
            pixel do not count in the mean.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; ``(N, C)`` for ``"none"``, ``(N, 1)`` with
        ``channels="joint"``.

    Raises:
        ValueError: images are too small, shapes differ, or an option value is unknown.
        TypeError: integer tensors.
        RuntimeError: a named backend cannot run.

    Source: Wang, Simoncelli & Bovik 2003. ``ssimloss.conventions.MS_SSIM`` has the options of other
    programs.
    """

def ms_ssim_db(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    k1: float = 0.01,
    k2: float = 0.03,
    window_size: int = 11,
    sigma: float = 1.5,
    scale_weights: tuple[float, ...] = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
    negative: Literal["clamp", "relu", "relu_map", "shift"] = "clamp",
    min_size: Literal["error", "fewer_scales"] = "error",
    pooling: Literal["floor", "zeros", "replicate", "symmetric"] = "floor",
    combination: Literal["product", "weighted_sum"] = "product",
    channels: Literal["separate", "joint"] = "separate",
    coarsest_padding: Literal["valid", "reflect"] = "valid",
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """MS-SSIM of each image in dB, ``-10 log10(1 - MS-SSIM)``: 10 dB for 0.9, 20 dB for 0.99.

    It is infinite for equal images, with gradient 0. The mean is taken over decibels.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``. Five scales of an
            11 pixel window need 176 pixels.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        k1, k2: the stabilising constants, both above 0.
        window_size, sigma: the Gaussian window at every scale; ``window_size`` odd unless
            ``coarsest_padding="valid"``.
        scale_weights: exponent of each scale, finest first; their number is the number of scales.
        negative: the treatment of a mean t that is not positive, for which a fractional power is
            not defined. ``"clamp"`` replaces values below 1e-3 by ``1e-6 / (2e-3 - t)``, which is
            positive and rising. This is nearly 0 and nearly flat, so the gradient used there is not
            its derivative, but the gradient at ``2e-3 - t``. ``"relu"`` replaces t by 0; the
            gradient of the whole channel is then 0. ``"relu_map"`` clamps every position at 0
            before the mean, which raises t (pyiqa). ``"shift"`` replaces every t by
            ``(t + 1) / 2``, which is another measure.
        min_size: for images too small for all scales: ``"error"``, or ``"fewer_scales"``, which
            uses the scales that fit, with their weights normalised to sum to 1.
        pooling: halving of odd sizes: ``"floor"`` drops the last row, ``"zeros"`` adds rows of
            zeros and counts them (pytorch-msssim), ``"replicate"`` repeats the first row and column
            if either size is odd (piq), ``"symmetric"`` repeats the last row of an odd size
            (TensorFlow, MATLAB).
        combination: ``"product"`` of powers, or ``"weighted_sum"``, whose weights are divided by
            their sum (``wtd_sum`` of ``msssim.m``).
        channels: ``"separate"`` multiplies per channel and then averages over channels; ``"joint"``
            averages over channels first (torchmetrics, MONAI).
        coarsest_padding: border of the coarsest scale: ``"valid"``, or ``"reflect"``
            (torchmetrics).
        mask: ``(N, 1 or C, H, W)`` weights, pooled along with the images.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: images too small, shapes differ, unknown option values.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Wang, Simoncelli & Bovik 2003; Balle et al. 2018.
    """

def ms_ssim_l1_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    k1: float = 0.01,
    k2: float = 0.03,
    alpha: float = 0.84,
    sigmas: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0),
    window_size: int = 33,
    padding: Literal["valid", "reflect", "replicate", "zeros"] = "reflect",
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """``alpha * (1 - MS-SSIM) + (1 - alpha) * G |pred - target|``: restores contrast and colour.

    Its MS-SSIM has no pyramid: the scales are Gaussians of growing width at full resolution. It is
    ``luminance_M * prod_j contrast_structure_j`` at every pixel of each channel. G is a blur by the
    widest Gaussian.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``; the L1 part is divided by its
            span.
        k1, k2: the stabilising constants, both above 0.
        alpha: weight of MS-SSIM against L1.
        sigmas: standard deviations of the scales in pixels, finest first.
        window_size: taps of the widest window, odd; narrow Gaussians are truncated at float
            rounding.
        padding: the border: ``"valid"`` uses only whole windows, ``"replicate"`` repeats the edge,
            ``"zeros"`` adds zeros. ``"reflect"`` mirrors without repeating the edge, and needs
            images larger than half a window.
        mask: ``(N, 1 or C, H, W)`` weights, by normalised convolution.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``.

    Raises:
        ValueError: images too small for the window, shapes differ, unknown option values.
        RuntimeError: a named backend that cannot run.

    Source: Zhao, Gallo, Frosio & Kautz 2017. With ``padding="valid"`` and a window the size of an
    odd patch it is the authors' layer.
    """

def ms_ssim_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    k1: float = 0.01,
    k2: float = 0.03,
    window_size: int = 11,
    sigma: float = 1.5,
    scale_weights: tuple[float, ...] = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
    negative: Literal["clamp", "relu", "relu_map", "shift"] = "clamp",
    min_size: Literal["error", "fewer_scales"] = "error",
    pooling: Literal["floor", "zeros", "replicate", "symmetric"] = "floor",
    combination: Literal["product", "weighted_sum"] = "product",
    channels: Literal["separate", "joint"] = "separate",
    coarsest_padding: Literal["valid", "reflect"] = "valid",
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """``1 - ms_ssim``, taken before the reduction.

    Multi-scale structural similarity, 1 for equal images.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``. Five scales of an
            11 pixel window need 176 pixels.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        k1, k2: the stabilising constants, both above 0.
        window_size, sigma: the Gaussian window at every scale; ``window_size`` odd unless
            ``coarsest_padding="valid"``.
        scale_weights: exponent of each scale, finest first; their number is the number of scales.
        negative: the treatment of a mean t that is not positive, for which a fractional power is
            not defined. ``"clamp"`` replaces values below 1e-3 by ``1e-6 / (2e-3 - t)``, which is
            positive and rising. This is nearly 0 and nearly flat, so the gradient used there is not
            its derivative, but the gradient at ``2e-3 - t``. ``"relu"`` replaces t by 0; the
            gradient of the whole channel is then 0. ``"relu_map"`` clamps every position at 0
            before the mean, which raises t (pyiqa). ``"shift"`` replaces every t by
            ``(t + 1) / 2``, which is another measure.
        min_size: for images too small for all scales: ``"error"``, or ``"fewer_scales"``, which
            uses the scales that fit, with their weights normalised to sum to 1.
        pooling: halving of odd sizes: ``"floor"`` drops the last row, ``"zeros"`` adds rows of
            zeros and counts them (pytorch-msssim), ``"replicate"`` repeats the first row and column
            if either size is odd (piq), ``"symmetric"`` repeats the last row of an odd size
            (TensorFlow, MATLAB).
        combination: ``"product"`` of powers, or ``"weighted_sum"``, whose weights are divided by
            their sum (``wtd_sum`` of ``msssim.m``).
        channels: ``"separate"`` multiplies per channel and then averages over channels; ``"joint"``
            averages over channels first (torchmetrics, MONAI).
        coarsest_padding: border of the coarsest scale: ``"valid"``, or ``"reflect"``
            (torchmetrics).
        mask: ``(N, 1 or C, H, W)`` weights, pooled along with the images. Images without a valid
            pixel do not count in the mean.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; ``(N, C)`` for ``"none"``, ``(N, 1)`` with
        ``channels="joint"``.

    Raises:
        ValueError: images are too small, shapes differ, or an option value is unknown.
        TypeError: integer tensors.
        RuntimeError: a named backend cannot run.

    Source: Wang, Simoncelli & Bovik 2003. ``ssimloss.conventions.MS_SSIM`` has the options of other
    programs.
    """

def ms_swd_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    scales: int = 5,
    projections: int = 128,
    patch_size: int = 11,
    seed: int = 0,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Multi-scale sliced Wasserstein distance: 0 for equal images, larger for other colours.

    Images are sRGB. A gray image is treated as RGB with three equal channels. Values beyond the
    range are converted by the same formulas. Patches are compared as sets, so a shift changes the
    value little: add a pixel loss if positions matter. The authors' command shrinks images to 256
    pixels on the short side first; their module and this function do not.

    The order of equal patches is arbitrary, so a flat image learns the colours of the target, not
    their places. Projections are taken in steps of bounded memory.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, more than
            ``patch_size // 2 * 2 ** (scales - 1)`` pixels on the short side: 81 by default.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        scales: number of scales, each half as large as the one before.
        projections: number of random directions at each scale.
        patch_size: side of the patches in pixels, odd.
        seed: seed of the directions, which are the same in every call. The value depends on the
            seed; with more projections, it depends less.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small, ``patch_size`` is
            even, a count is below 1, or ``seed`` is negative.
        TypeError: integer tensors.

    Source: He et al. 2024, without its learned form. Given the same directions, it agrees with the
    authors' code to 1e-7, the rounding of its white point.
    """

def ncc(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    k: float = 0.01,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Normalised cross-correlation of whole planes, in [-1, 1].

    It ignores brightness and contrast: add a pixel loss. The correlation under a
    sliding window is ``structure_correlation``.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``; each channel is
            compared separately.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        k: the constant ``C`` is ``(k L)^2``, which bounds the gradient of flat images. Two flat
            images have the correlation 1.
        mask: ``(N, 1 or C, H, W)`` weights of the pixels.
        reduction: ``"mean"`` or ``"sum"`` over planes; ``"image"`` returns one value per image,
            ``"none"`` one per plane.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images of one pixel, ``k`` is below 1e-12, or ``reduction``
            is unknown.
        TypeError: integer tensors.

    Source: the correlation coefficient; with a small ``k``, that of SciPy and, for one image, of
    ``ncc_loss`` of neosr and ``NCCLoss`` of traiNNer-redux, to 1e-12.
    """

def ncc_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    k: float = 0.01,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """``1 - ncc``, taken before the reduction.

    Normalised cross-correlation of whole planes, in [-1, 1].

    It ignores brightness and contrast: add a pixel loss. The correlation under a
    sliding window is ``structure_correlation``.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``; each channel is
            compared separately.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        k: the constant ``C`` is ``(k L)^2``, which bounds the gradient of flat images. Two flat
            images have the correlation 1.
        mask: ``(N, 1 or C, H, W)`` weights of the pixels.
        reduction: ``"mean"`` or ``"sum"`` over planes; ``"image"`` returns one value per image,
            ``"none"`` one per plane.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images of one pixel, ``k`` is below 1e-12, or ``reduction``
            is unknown.
        TypeError: integer tensors.

    Source: the correlation coefficient; with a small ``k``, that of SciPy and, for one image, of
    ``ncc_loss`` of neosr and ``NCCLoss`` of traiNNer-redux, to 1e-12.
    """

def nlpd_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Normalised Laplacian pyramid distance: 0 for equal images, larger for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Both are scaled to [0, 1]. The last of
    six bands is the low-pass rest.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least 17
            pixels on the short side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small.
        TypeError: integer tensors.

    Source: Laparra et al. 2016. ``conventions.NLPD["matlab"]`` agrees with the authors' code on
    five pairs of TID2013 to the fifteen digits that it printed.
    """

def perceptual_loss(
    pred_features: Mapping[str, Tensor],
    target_features: Mapping[str, Tensor],
    *,
    layers: Mapping[str, float],
    distance: Literal["l1", "l2", "charbonnier", "cosine"] = "l1",
    eps: float = 0.001,
    feature_norm: Literal["none", "unit", "rms"] = "none",
    feature_scale: float = 1.0,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Distance between deep features, ``sum_l w_l mean(d(P_l, T_l))`` over the layers ``l``.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``, or ``(N, C, ...)``
            without a mask.
        layers: weights ``w_l`` of the layers to compare; others are ignored.
        distance: ``"l1"``, ``"l2"`` (squared) or ``"charbonnier"``, averaged over channels and
            positions; or ``"cosine"``: one minus the cosine between the vectors at a position,
            averaged over positions. The cosine distance is 0 for two zero vectors and 1/2 for one.
        eps: ``eps`` of ``"charbonnier"``, in units of the scaled features.
        feature_norm: ``"none"``; ``"unit"`` normalises the vector at each position, as in LPIPS;
            ``"rms"`` divides the features of both images by the root mean square of the target's,
            so that layers of different scale have the same weight. A root mean square below 1e-6,
            as in a layer without activations, is not used.
        feature_scale: factor of the (normalised) features; 1 / 12.75 in SRGAN.
        mask: ``(N, 1 or C, H, W)`` weights at any resolution, averaged over channels and over the
            area of each position.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, L)`` for ``"none"``: the weighted term
        of each layer, in the order of ``layers``. An image whose mask has no valid position has the
        loss 0.

    Raises:
        ValueError: a layer is missing or differs in shape, an option value is unknown, a weight is
            negative, or the mask belongs to another batch.
        TypeError: features are not a mapping, or not floating point.

    Agrees with BasicSR's and piq's content losses to float64 rounding, see ``conventions.CONTENT``.
    """

def prior_loss(
    pred_output: Tensor,
    target_output: Tensor,
    *,
    distance: Literal["l1", "l2", "cosine"] = "l2",
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Distance between a network's outputs for two images: embeddings, logits, maps.

    Args:
        pred_output, target_output: ``(N, C, ...)``.
        distance: ``"l1"`` or ``"l2"`` (squared) of each element, or ``"cosine"``: one minus the
            cosine of two vectors along dimension 1 (0 for two zero vectors, 1/2 for one).
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"`` the shape of the output,
        without its dimension 1 for ``"cosine"``.

    Raises:
        ValueError: shapes or devices differ, outputs have fewer than two dimensions, or an option
            value is unknown.
        TypeError: outputs are not floating point, such as classes instead of logits.
    """

def projected_distribution_loss(
    pred_features: Mapping[str, Tensor],
    target_features: Mapping[str, Tensor],
    *,
    layers: Mapping[str, float],
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Projected distribution loss, ``sum_l w_l mean_c mean_j |x_(j) - y_(j)|`` over the sorted
    values ``x`` and ``y`` of each channel ``c``: the Wasserstein-1 distance of the channels.

    Positions do not matter, and channels are compared one by one. The sliced Wasserstein distance
    compares channels jointly.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``.
        layers: weights of the layers to compare; others are ignored.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, L)`` for ``"none"``: the weighted term
        of each layer. Channels are sorted in steps of bounded memory.

    Raises:
        ValueError: a layer is missing or differs in shape.
        TypeError: features are not a mapping, or not floating point.

    Source: Delbracio et al. 2021, who add up the distances of the channels: multiply the weight of
    a layer by its number of channels. No code of the authors was found. Agrees to 1e-12 with
    HilaManor/Generative-deep-features, which takes the mean over channels, as here, and the sum or,
    at other commits, the mean over positions.
    """

def psnr(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    pooling: Literal["image", "batch"] = "image",
    eps: float = 0.0,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Peak signal-to-noise ratio in dB, ``10 log10(L^2 / (MSE + eps L^2))``.

    It is infinite for equal images, with gradient 0.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)`` with values in
            ``data_range``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        pooling: ``"image"`` computes one PSNR per image and reduces them, so that the result does
            not depend on the batch size. ``"batch"`` computes the PSNR of the MSE over the whole
            batch (torchmetrics, kornia): a single number for any reduction.
        eps: added to the MSE of images with a range of length 1. 0 is the definition; 1e-8 caps
            the PSNR at 80 dB (pyiqa, piq).
        mask: ``(N, 1 or C, ...)`` weights of the MSE; an image without any has the value 0, and
            does not count in the mean.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, unknown option values, an empty ``data_range``.

    Agrees with scikit-image, piq (``eps=1e-8``) and kornia (``"batch"``) to float64 rounding, with
    torchmetrics (``"batch"``) to 2e-6 dB.
    """

def psnr_hvs(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """PSNR weighted by the sensitivity of the eye, in dB: larger for better images.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Rows and columns beyond the last whole
    block of 8 x 8 pixels are ignored. The value is infinite for equal images, with the gradient 0;
    the authors' code returns 100000 there.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least 8
            pixels on the short side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Egiazarian et al. 2006. ``conventions.PSNR_HVS["frame_analytics"]`` agrees with
    frame-analytics, which computes in float32, to 1e-6 dB.
    """

def psnr_hvs_m(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """PSNR weighted by the sensitivity of the eye, without differences that the block masks, in dB:
    larger for better images.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Rows and columns beyond the last whole
    block of 8 x 8 pixels are ignored. The value is infinite if all differences are masked, with the
    gradient 0; the authors' code returns 100000 there. Masked differences have the gradient 0:
    add a pixel loss.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least 8
            pixels on the short side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Ponomarenko et al. 2007. ``conventions.PSNR_HVS_M["frame_analytics"]`` agrees with
    frame-analytics, which computes in float32, to 1e-6 dB.
    """

def sliced_wasserstein_loss(
    pred_features: Mapping[str, Tensor],
    target_features: Mapping[str, Tensor],
    *,
    layers: Mapping[str, float],
    seed: int = 0,
    projections: int | None = None,
    power: int = 2,
    directions: Mapping[str, Tensor] | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Sliced Wasserstein distance of features, ``sum_l w_l mean_k mean_j |x_(j) - y_(j)|^power``:
    it compares texture, at any position.

    ``x`` and ``y`` are the features of all positions, projected on the unit vector ``k`` and
    sorted. Unlike for Gram matrices, the distance is 0 only for equal distributions, in the limit
    of many directions.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``.
        layers: weights of the layers to compare; others are ignored.
        seed: seed of the directions, which are the same in every call, process and run.
        projections: number of random directions for each layer; None takes as many as the layer
            has channels, as in the paper.
        power: exponent of the differences of sorted values: 2, or 1 for the Wasserstein-1 distance.
        directions: unit vectors by layer name, ``(projections, C)``. By default they follow
            from ``seed``. The library caches up to 64 MiB of such constants.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, L)`` for ``"none"``: the weighted term
        of each layer. Projections are taken in steps of bounded memory.

    Raises:
        ValueError: a layer is missing or differs in shape, the directions have another shape, or
            the power is neither 1 nor 2.
        TypeError: features are not a mapping, or not floating point.

    Source: Heitz et al. 2021, eq. 5-8. Their code draws new directions in each call.
    """

def sr_sim(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    planes: Literal["luma", "yiq"] = "luma",
    alpha: float = 0.5,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Spectral residual based similarity: 1 for equal images, lower for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Images of more than 384 pixels on the
    short side are shrunk to about 256 first, as in the authors' code. Saliency is computed at a
    quarter of that size and interpolated, so it may lie slightly outside [0, 1].

    The logarithm of a spectrum is infinite where the spectrum is 0. Magnitudes are therefore
    bounded below by the rounding of a transform in float32, in every dtype. Below a hundredth of a
    code, the slopes of the logarithm and of the division are constant: flat images have a saliency
    and a gradient. A black image has no saliency; for two black images, all positions have equal
    weight.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            16 pixels on the short side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        planes: ``"luma"`` compares the luma only; ``"yiq"`` also compares the colour planes I and Q
            of RGB images, as FSIMc does.
        alpha: exponent of the similarity of gradients.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: computes luma, I and Q of the shrunk images; ``"auto"``, or a name, which runs or
            raises.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small, ``alpha`` is
            outside [0, 1], or an option value is unknown.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Zhang & Li 2012; ``planes="yiq"`` as piq has it. Agrees with piq as
    ``conventions.SR_SIM["piq"]``.
    """

def sr_sim_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    planes: Literal["luma", "yiq"] = "luma",
    alpha: float = 0.5,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """``1 - sr_sim``, taken before the reduction.

    Spectral residual based similarity: 1 for equal images, lower for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Images of more than 384 pixels on the
    short side are shrunk to about 256 first, as in the authors' code. Saliency is computed at a
    quarter of that size and interpolated, so it may lie slightly outside [0, 1].

    The logarithm of a spectrum is infinite where the spectrum is 0. Magnitudes are therefore
    bounded below by the rounding of a transform in float32, in every dtype. Below a hundredth of a
    code, the slopes of the logarithm and of the division are constant: flat images have a saliency
    and a gradient. A black image has no saliency; for two black images, all positions have equal
    weight.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            16 pixels on the short side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        planes: ``"luma"`` compares the luma only; ``"yiq"`` also compares the colour planes I and Q
            of RGB images, as FSIMc does.
        alpha: exponent of the similarity of gradients.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: computes luma, I and Q of the shrunk images; ``"auto"``, or a name, which runs or
            raises.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small, ``alpha`` is
            outside [0, 1], or an option value is unknown.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Zhang & Li 2012; ``planes="yiq"`` as piq has it. Agrees with piq as
    ``conventions.SR_SIM["piq"]``.
    """

def ssim(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    window: Literal["gaussian", "uniform"] | Tensor = "gaussian",
    window_size: int = 11,
    sigma: float = 1.5,
    padding: Literal["valid", "reflect", "replicate", "zeros"] = "valid",
    k1: float = 0.01,
    k2: float = 0.03,
    exponents: tuple[float, float, float] = (1.0, 1.0, 1.0),
    covariance: Literal["population", "sample"] = "population",
    downsample: int | Literal["auto", "matlab"] | None = None,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Structural similarity: 1 for equal images, in [-1, 1] for images of non-negative values.

    ``(2 mu_x mu_y + C1) (2 cov_xy + C2) / ((mu_x^2 + mu_y^2 + C1) (var_x + var_y + C2))`` with
    ``C = (k L)^2``.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)`` with values in
            ``data_range``; channels are compared separately. float16 and bfloat16 are computed in
            float32.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: SSIM is not shift invariant, so
            ``lo`` is subtracted first.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; not used with a custom window.
        sigma: standard deviation of the Gaussian in pixels.
        padding: the border: ``"valid"`` uses only whole windows, ``"reflect"`` mirrors without
            repeating the edge, ``"replicate"`` repeats the edge, ``"zeros"`` adds zeros.
        k1, k2: the stabilising constants, both above 0.
        exponents: ``(alpha, beta, gamma)`` of luminance, contrast and structure (eq. 12 with
            ``C3 = C2 / 2``). A power of a negative term keeps its sign, ``sign(s) |s|^gamma``. An
            exponent of 0 leaves the term out. The gradient of a flat window's deviation is that of
            the covariance.
        covariance: ``"population"``, or ``"sample"``, which multiplies by ``N / (N - 1)`` with N
            the number of window taps over all axes.
        downsample: shrink the images first. An ``int`` averages blocks of that factor, ``"auto"``
            blocks of ``f = max(1, round(min(H, W) / 256))`` (piq). ``"matlab"`` does the same as
            ``ssim.m``: a box filter of that f with symmetric border, then every f-th sample.
        mask: ``(N, 1 or C, H, W)`` weights. Statistics are normalised convolutions over valid
            pixels only; the weight of a window is its share of valid pixels.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images are smaller than the window, an option value is unknown,
            or constants are not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend cannot run.

    Source: Wang et al. 2004. ``ssimloss.conventions.SSIM`` has the options of other libraries, and
    how closely each agrees.
    """

def ssim_l1_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    k1: float = 0.01,
    k2: float = 0.03,
    weight: float = 0.2,
    eps: float | None = None,
    window_size: int = 11,
    sigma: float = 1.5,
    padding: Literal["valid", "reflect", "replicate", "zeros"] = "zeros",
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """``(1 - weight) * L1 + weight * (1 - SSIM)``, the loss of Gaussian splatting, in one pass.

    Each part is reduced separately, as in ``l1_loss`` and ``ssim_loss``. The L1 part is that of
    images whose range has length 1.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        k1, k2: the stabilising constants, both above 0.
        weight: weight of ``1 - SSIM``, in [0, 1].
        eps: ``None`` for L1; with a number, the Charbonnier distance replaces L1, with ``eps`` in
            units of the data range.
        window_size: number of taps of the Gaussian, odd unless ``padding="valid"``.
        sigma: standard deviation of the Gaussian in pixels.
        padding: the border for SSIM: ``"valid"`` uses only whole windows, ``"reflect"`` mirrors
            without repeating the edge, ``"replicate"`` repeats the edge, ``"zeros"`` adds zeros.
        mask: ``(N, 1 or C, H, W)`` weights of both parts.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels compute ``"mean"``
            and ``"image"`` in one pass.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; ``(N, C, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, unknown option values, ``reduction="none"`` with valid borders.
        RuntimeError: a named backend that cannot run.

    Source: Kerbl, Kopanas, Leimkühler & Drettakis, "3D Gaussian splatting for real-time radiance
    field rendering", 2023: weight 0.2.
    """

def ssim_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    window: Literal["gaussian", "uniform"] | Tensor = "gaussian",
    window_size: int = 11,
    sigma: float = 1.5,
    padding: Literal["valid", "reflect", "replicate", "zeros"] = "valid",
    k1: float = 0.01,
    k2: float = 0.03,
    exponents: tuple[float, float, float] = (1.0, 1.0, 1.0),
    covariance: Literal["population", "sample"] = "population",
    downsample: int | Literal["auto", "matlab"] | None = None,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """``1 - ssim``, taken before the reduction.

    Structural similarity: 1 for equal images, in [-1, 1] for images of non-negative values.

    ``(2 mu_x mu_y + C1) (2 cov_xy + C2) / ((mu_x^2 + mu_y^2 + C1) (var_x + var_y + C2))`` with
    ``C = (k L)^2``.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)`` with values in
            ``data_range``; channels are compared separately. float16 and bfloat16 are computed in
            float32.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: SSIM is not shift invariant, so
            ``lo`` is subtracted first.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; not used with a custom window.
        sigma: standard deviation of the Gaussian in pixels.
        padding: the border: ``"valid"`` uses only whole windows, ``"reflect"`` mirrors without
            repeating the edge, ``"replicate"`` repeats the edge, ``"zeros"`` adds zeros.
        k1, k2: the stabilising constants, both above 0.
        exponents: ``(alpha, beta, gamma)`` of luminance, contrast and structure (eq. 12 with
            ``C3 = C2 / 2``). A power of a negative term keeps its sign, ``sign(s) |s|^gamma``. An
            exponent of 0 leaves the term out. The gradient of a flat window's deviation is that of
            the covariance.
        covariance: ``"population"``, or ``"sample"``, which multiplies by ``N / (N - 1)`` with N
            the number of window taps over all axes.
        downsample: shrink the images first. An ``int`` averages blocks of that factor, ``"auto"``
            blocks of ``f = max(1, round(min(H, W) / 256))`` (piq). ``"matlab"`` does the same as
            ``ssim.m``: a box filter of that f with symmetric border, then every f-th sample.
        mask: ``(N, 1 or C, H, W)`` weights. Statistics are normalised convolutions over valid
            pixels only; the weight of a window is its share of valid pixels.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images are smaller than the window, an option value is unknown,
            or constants are not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend cannot run.

    Source: Wang et al. 2004. ``ssimloss.conventions.SSIM`` has the options of other libraries, and
    how closely each agrees.
    """

def ssim_map(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    window: Literal["gaussian", "uniform"] | Tensor = "gaussian",
    window_size: int = 11,
    sigma: float = 1.5,
    padding: Literal["valid", "reflect", "replicate", "zeros"] = "valid",
    k1: float = 0.01,
    k2: float = 0.03,
    exponents: tuple[float, float, float] = (1.0, 1.0, 1.0),
    covariance: Literal["population", "sample"] = "population",
    downsample: int | Literal["auto", "matlab"] | None = None,
    mask: Tensor | None = None,
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """The map of SSIM without reduction, ``(N, C, H', W')``.

    With ``padding="reflect"`` it has the size of the images. Under a mask, it is the similarity at
    each position without the weight, and 0 where the weight is 0. ``ssim(..., reduction="none")``
    is the map times the weight, whose sum is ``"sum"``.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)`` with values in
            ``data_range``; channels are compared separately. float16 and bfloat16 are computed in
            float32.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: SSIM is not shift invariant, so
            ``lo`` is subtracted first.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; not used with a custom window.
        sigma: standard deviation of the Gaussian in pixels.
        padding: the border: ``"valid"`` uses only whole windows, ``"reflect"`` mirrors without
            repeating the edge, ``"replicate"`` repeats the edge, ``"zeros"`` adds zeros.
        k1, k2: the stabilising constants, both above 0.
        exponents: ``(alpha, beta, gamma)`` of luminance, contrast and structure (eq. 12 with
            ``C3 = C2 / 2``). A power of a negative term keeps its sign, ``sign(s) |s|^gamma``. An
            exponent of 0 leaves the term out. The gradient of a flat window's deviation is that of
            the covariance.
        covariance: ``"population"``, or ``"sample"``, which multiplies by ``N / (N - 1)`` with N
            the number of window taps over all axes.
        downsample: shrink the images first. An ``int`` averages blocks of that factor, ``"auto"``
            blocks of ``f = max(1, round(min(H, W) / 256))`` (piq). ``"matlab"`` does the same as
            ``ssim.m``: a box filter of that f with symmetric border, then every f-th sample.
        mask: ``(N, 1 or C, H, W)`` weights. Statistics are normalised convolutions over valid
            pixels only; the weight of a window is its share of valid pixels.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Raises:
        ValueError: shapes differ, images are smaller than the window, an option value is unknown,
            or constants are not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend cannot run.
    """

def ssimulacra2(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    min_size: Literal["error", "fewer_scales"] = "error",
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """SSIMULACRA 2 (version 2.1): 100 for equal images, about 90 if no difference is visible, 70
    for high quality, 50 for medium, 30 for low, and no lower limit.

    Images are sRGB. A gray image is treated as RGB with three equal channels. The filter has the
    response of the original's recursive filter (sigma 1.5, zeros beyond the border). The original
    runs it in float32, whose rounding moves its score by up to 0.02. With the filter replaced by
    its response, the original's score differs from this one by at most 0.001.

    Below black, the curves of the colour space continue as lines. The score is infinitely steep at
    100. Where the weighted error is below 1e-4, it has the slope at 1e-4. The gradient is 0 for
    equal images.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            113 pixels on the short side, or 8 with ``min_size="fewer_scales"``. ``pred`` is the
            distorted image: the measure is not symmetric.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        min_size: for images of fewer than 113 pixels on a side, which have no six scales:
            ``"error"``, or ``"fewer_scales"`` as the original computes them from 8 pixels on. It
            then counts the weights off from the first, so that they belong to other planes and
            scales than those they were fitted to.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Sneyers, ``ssimulacra2.cc`` of cloudinary/ssimulacra2. Agrees with it to 0.02, and with
    frame-analytics to 1e-9 in float64.
    """

def ssimulacra2_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    min_size: Literal["error", "fewer_scales"] = "error",
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """``100 - ssimulacra2``, taken before the reduction.

    SSIMULACRA 2 (version 2.1): 100 for equal images, about 90 if no difference is visible, 70
    for high quality, 50 for medium, 30 for low, and no lower limit.

    Images are sRGB. A gray image is treated as RGB with three equal channels. The filter has the
    response of the original's recursive filter (sigma 1.5, zeros beyond the border). The original
    runs it in float32, whose rounding moves its score by up to 0.02. With the filter replaced by
    its response, the original's score differs from this one by at most 0.001.

    Below black, the curves of the colour space continue as lines. The score is infinitely steep at
    100. Where the weighted error is below 1e-4, it has the slope at 1e-4. The gradient is 0 for
    equal images.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            113 pixels on the short side, or 8 with ``min_size="fewer_scales"``. ``pred`` is the
            distorted image: the measure is not symmetric.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        min_size: for images of fewer than 113 pixels on a side, which have no six scales:
            ``"error"``, or ``"fewer_scales"`` as the original computes them from 8 pixels on. It
            then counts the weights off from the first, so that they belong to other planes and
            scales than those they were fitted to.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Sneyers, ``ssimulacra2.cc`` of cloudinary/ssimulacra2. Agrees with it to 0.02, and with
    frame-analytics to 1e-9 in float64.
    """

def structure_correlation(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    window: Literal["gaussian", "uniform"] | Tensor = "gaussian",
    window_size: int = 11,
    sigma: float = 1.5,
    padding: Literal["valid", "reflect", "replicate", "zeros"] = "valid",
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Structure term without constants, ``r* = cov_xy / (sigma_x sigma_y)``, in [-1, 1].

    It is 1 where both windows are flat, and 0 where only one is. Flat means a variance below
    ``4 eps L^2``, which float rounding can cause (a deviation of 1/1450 of the range in float32).
    Where only one image is flat, the gradient of the definition is infinite; the gradient used
    there is that for a deviation of 0.03 of the range. The measure ignores brightness and contrast,
    so combine it with a pixel loss.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)`` with values in
            ``data_range``; channels are compared separately.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; not used with a custom window.
        sigma: standard deviation of the Gaussian in pixels.
        padding: the border: ``"valid"`` uses only whole windows, ``"reflect"`` mirrors without
            repeating the edge, ``"replicate"`` repeats the edge, ``"zeros"`` adds zeros.
        mask: ``(N, 1 or C, H, W)`` weights, by normalised convolution.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images are smaller than the window, or an option value is
            unknown.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Rouse & Hemami 2008.
    """

def structure_correlation_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    window: Literal["gaussian", "uniform"] | Tensor = "gaussian",
    window_size: int = 11,
    sigma: float = 1.5,
    padding: Literal["valid", "reflect", "replicate", "zeros"] = "valid",
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """``1 - structure_correlation``, taken before the reduction.

    Structure term without constants, ``r* = cov_xy / (sigma_x sigma_y)``, in [-1, 1].

    It is 1 where both windows are flat, and 0 where only one is. Flat means a variance below
    ``4 eps L^2``, which float rounding can cause (a deviation of 1/1450 of the range in float32).
    Where only one image is flat, the gradient of the definition is infinite; the gradient used
    there is that for a deviation of 0.03 of the range. The measure ignores brightness and contrast,
    so combine it with a pixel loss.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)`` with values in
            ``data_range``; channels are compared separately.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; not used with a custom window.
        sigma: standard deviation of the Gaussian in pixels.
        padding: the border: ``"valid"`` uses only whole windows, ``"reflect"`` mirrors without
            repeating the edge, ``"replicate"`` repeats the edge, ``"zeros"`` adds zeros.
        mask: ``(N, 1 or C, H, W)`` weights, by normalised convolution.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images are smaller than the window, or an option value is
            unknown.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Rouse & Hemami 2008.
    """

def temporal_difference_loss(
    pred: Tensor,
    target: Tensor,
    *,
    distance: Literal["l1", "l2", "charbonnier"] = "l1",
    eps: float = 0.001,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Temporal difference, ``d(p_{t+1} - p_t, q_{t+1} - q_t)`` of neighbouring frames: flicker that
    the target does not have, and motion that the prediction lacks.

    An error that is the same in each frame costs nothing, so add a loss on frames. It needs no
    optical flow. As a measure, ``reduction="image"`` returns a value per clip.

    Args:
        pred, target: float clips ``(N, T, C, H, W)``, or one clip ``(T, C, H, W)``, of at least two
            frames, any range.
        distance: per pixel, ``"l1"``, ``"l2"`` (squared) or ``"charbonnier"``.
        eps: of ``"charbonnier"``, in the frames' own units.
        mask: weights ``(N, T - 1, 1 or C, H, W)`` of the pairs of neighbouring frames.
        reduction: ``"mean"`` or ``"sum"`` over all pixels; ``"image"`` the mean of each clip
            ``(N,)``; ``"none"`` a value per pixel of each pair of neighbouring frames.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``, where one clip has ``N = 1``; for ``"none"``
        ``(N, T - 1, C, H, W)``, or ``(T - 1, C, H, W)`` of one clip.

    Raises:
        ValueError: shapes or devices differ, there are fewer than two frames, or an option value is
            unknown.
        TypeError: integer tensors.
    """

def texture_loss(
    pred_features: Mapping[str, Tensor],
    target_features: Mapping[str, Tensor],
    *,
    layers: Mapping[str, float],
    gram: Literal["chw", "hw", "none", "bchw", "gatys"] = "chw",
    distance: Literal["l1", "l2", "frobenius", "squared_frobenius"] = "l1",
    patch_size: int | Mapping[str, int] | None = None,
    stride: int | Mapping[str, int] | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Distance between Gram matrices, ``sum_l w_l d(G(P_l), G(T_l))`` over the layers ``l``. It
    compares texture, independent of the position.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``.
        layers: weights ``w_l`` of the layers to compare; others are ignored.
        gram: normalisation of :func:`gram_matrix`. ``"bchw"`` makes one matrix of the whole batch.
        distance: over the elements of a matrix: mean of ``"l1"`` or ``"l2"`` (squared),
            ``"frobenius"`` (the root of the sum of squares) or ``"squared_frobenius"`` (the sum).
        patch_size: compare patches of this side in positions of the layer: one number for all
            layers, or one per layer. EnhanceNet's patches of 16 x 16 image pixels are
            ``{"relu1_1": 16, "relu2_1": 8, "relu3_1": 4}`` in VGG, whose sides halve between these
            layers. The loss of an image is the mean over its patches.
        stride: distance between patches, ``patch_size`` by default. Positions left over at the far
            borders are in no patch.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` (not with ``"bchw"``); ``(N, L)`` for
        ``"none"``: the weighted term of each layer (``N = 1`` with ``"bchw"``). The memory for
        patches is bounded: if they need more, they are processed in steps, which the backward pass
        computes again.

    Raises:
        ValueError: a layer is missing or differs in shape, a patch is larger than a layer, an
            option value is unknown, or a weight is negative.
        TypeError: features are not a mapping, or not floating point.

    Agrees with BasicSR's (mmagic's) style loss and piq's to float64 rounding, see
    ``conventions.GRAM``.
    """

def total_variation_loss(
    pred: Tensor,
    *,
    norm: Literal["anisotropic", "isotropic", "squared", "image_l2"] = "anisotropic",
    within_image: Literal["mean", "sum"] = "mean",
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Total variation of an image: the differences ``dx``, ``dy`` of each pixel to its right and
    lower neighbour; for a volume, also ``dz`` to the next slice.

    Args:
        pred: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        norm: ``"anisotropic"`` is ``|dx| + |dy|``; ``"isotropic"`` is ``sqrt(dx^2 + dy^2)`` at each
            pixel, with differences of 0 across the far border; ``"squared"`` is ``dx^2 + dy^2``;
            ``"image_l2"`` is the root of the ``"squared"`` total of each image. Volumes add ``dz``.
        within_image: the value of one image. ``"mean"`` is the mean over its dx plus the mean over
            its dy (for ``"isotropic"``, the mean over its pixels), which does not grow with the
            size of the image. ``"sum"`` adds all of them.
        mask: ``(N, 1 or C, ...)`` weights. The weight of a difference is the product of its two
            pixels' weights. For ``"isotropic"``, each pixel has its own weight, and differences to
            invalid pixels are 0. With a mask of a rectangle, the result is the total variation of
            that rectangle.
        reduction: ``"image"`` returns the values of the images ``(N,)``, ``"mean"`` their mean.
            With a mask, the mean of means is weighted over the batch, so that images without valid
            pixels do not count. ``"sum"`` adds all terms of the batch for any ``within_image``
            (for ``"image_l2"``, the values of the images). ``"none"`` is the map.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce images, and
            support neither masks nor volumes.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``. For ``"none"``, the unscaled terms at each
        pixel, with the shape of ``pred``, without dx in the last column and dy in the last row.
        ``norm="image_l2"`` has no map: ``"none"`` returns ``(N,)``.

    Raises:
        ValueError: ``pred`` does not have four or five dimensions, or an option value is unknown.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Rudin, Osher & Fatemi 1992 (``"isotropic"``). Agrees to float64 rounding with BasicSR
    and kornia's mean (``"mean"``); torchmetrics, TensorFlow, piq's ``l1`` and, added over channels,
    kornia (``"sum"``); piq's ``l2_squared`` (``"squared"``, ``"sum"``) and ``l2`` (``"image_l2"``,
    ``"sum"``).
    """

def vif(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    noise: float = 2.0,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Visual information fidelity in the pixel domain: 1 for equal images, lower for worse ones,
    above 1 for an image of more contrast than the reference.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Windows are whole. What is shared rises
    with the square of the shared detail, so a flat image, or the negative of the target, has the
    gradient 0: add a pixel loss. If the target is flat, the score is 1. Windows count as flat if
    rounding can have made their variance. The information of the target is the denominator, so that
    by definition, the gradient against a nearly flat crop can be hundreds of times as large as
    against most crops. In a sum of losses, ``GradientShare`` bounds it.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            41 pixels on the short side. The measure is not symmetric.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        noise: ``N``, the variance of the noise of the eye, for images on a scale of 0 to 255.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, noise that is
            not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Sheikh & Bovik 2006. Agrees with piq as ``conventions.VIF["piq"]``.
    """

def vif_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    noise: float = 2.0,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """``1 - vif``, taken before the reduction.

    Visual information fidelity in the pixel domain: 1 for equal images, lower for worse ones,
    above 1 for an image of more contrast than the reference.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Windows are whole. What is shared rises
    with the square of the shared detail, so a flat image, or the negative of the target, has the
    gradient 0: add a pixel loss. If the target is flat, the score is 1. Windows count as flat if
    rounding can have made their variance. The information of the target is the denominator, so that
    by definition, the gradient against a nearly flat crop can be hundreds of times as large as
    against most crops. In a sum of losses, ``GradientShare`` bounds it.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            41 pixels on the short side. The measure is not symmetric.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        noise: ``N``, the variance of the noise of the eye, for images on a scale of 0 to 255.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, noise that is
            not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Sheikh & Bovik 2006. Agrees with piq as ``conventions.VIF["piq"]``.
    """

def vif_wavelet(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    levels: int = 4,
    noise: float = 0.4,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Visual information fidelity in the wavelet domain: 1 for equal images, lower for worse ones,
    above 1 for an image of more contrast than the reference.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. What is shared rises with the square of
    the shared detail, so a flat image, or the negative of the target, has the gradient 0: add a
    pixel loss. If the target is flat, the score is 1, where the authors' code returns NaN.
    Subbands count as flat if rounding can have made their variance. On a GPU, the host waits for
    the eigenvalues of small matrices, once per level.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            ``9 * 2^(levels - 1)`` pixels on the short side, 72 by default. The measure is not
            symmetric.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        levels: number of levels of the pyramid. Windows double their size from the coarsest to the
            finest.
        noise: ``N``, the variance of the noise of the eye, for images on a scale of 0 to 255.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, options that
            are not positive.
        TypeError: integer tensors.

    Source: Sheikh & Bovik 2006. Agrees with the authors' code under GNU Octave to 1e-12.
    """

def vif_wavelet_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    levels: int = 4,
    noise: float = 0.4,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """``1 - vif_wavelet``, taken before the reduction.

    Visual information fidelity in the wavelet domain: 1 for equal images, lower for worse ones,
    above 1 for an image of more contrast than the reference.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. What is shared rises with the square of
    the shared detail, so a flat image, or the negative of the target, has the gradient 0: add a
    pixel loss. If the target is flat, the score is 1, where the authors' code returns NaN.
    Subbands count as flat if rounding can have made their variance. On a GPU, the host waits for
    the eigenvalues of small matrices, once per level.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            ``9 * 2^(levels - 1)`` pixels on the short side, 72 by default. The measure is not
            symmetric.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        levels: number of levels of the pyramid. Windows double their size from the coarsest to the
            finest.
        noise: ``N``, the variance of the noise of the eye, for images on a scale of 0 to 255.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, options that
            are not positive.
        TypeError: integer tensors.

    Source: Sheikh & Bovik 2006. Agrees with the authors' code under GNU Octave to 1e-12.
    """

def vsi(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    alpha: float = 0.4,
    beta: float = 0.02,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Visual saliency-induced index: 1 for equal images, lower for worse ones.

    RGB images are sRGB; a gray image is treated as RGB with three equal channels. Images of more
    than 384 pixels on the short side are first shrunk to about 256, as in the authors' code.
    Saliency is always computed at 256 x 256 pixels, so that a small crop costs as much as an image
    of that size.

    Saliency is scaled to [0, 1] in each image. It is 0 in an image without detail or without
    differences of colour; the gradient of such an image comes from gradients and colours. If both
    images have no saliency, all positions have equal weights. On crops of low contrast or with
    hardly any saliency, the gradient is by definition many times as large as on most, and nearly
    all of it is at a few pixels. In a sum of losses, ``GradientShare`` bounds it.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            3 pixels on the short side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        alpha: exponent ``a`` of the similarity of gradients, from 0 to 1.
        beta: exponent ``b`` of the similarity of colours, from 0 to 1.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or one by name, which runs or raises: of L, M, N and saliency, shrunk.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, exponents
            outside [0, 1].
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Zhang, Shen & Li 2014, with the constants of the authors' code.
    ``conventions.VSI["piq"]`` agrees with piq to 1e-12 in float64.
    """

def vsi_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    alpha: float = 0.4,
    beta: float = 0.02,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """``1 - vsi``, taken before the reduction.

    Visual saliency-induced index: 1 for equal images, lower for worse ones.

    RGB images are sRGB; a gray image is treated as RGB with three equal channels. Images of more
    than 384 pixels on the short side are first shrunk to about 256, as in the authors' code.
    Saliency is always computed at 256 x 256 pixels, so that a small crop costs as much as an image
    of that size.

    Saliency is scaled to [0, 1] in each image. It is 0 in an image without detail or without
    differences of colour; the gradient of such an image comes from gradients and colours. If both
    images have no saliency, all positions have equal weights. On crops of low contrast or with
    hardly any saliency, the gradient is by definition many times as large as on most, and nearly
    all of it is at a few pixels. In a sum of losses, ``GradientShare`` bounds it.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            3 pixels on the short side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        alpha: exponent ``a`` of the similarity of gradients, from 0 to 1.
        beta: exponent ``b`` of the similarity of colours, from 0 to 1.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or one by name, which runs or raises: of L, M, N and saliency, shrunk.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, exponents
            outside [0, 1].
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Zhang, Shen & Li 2014, with the constants of the authors' code.
    ``conventions.VSI["piq"]`` agrees with piq to 1e-12 in float64.
    """

def warping_error_loss(
    pred: Tensor,
    *,
    distance: Literal["l1", "l2", "charbonnier"] = "l1",
    eps: float = 0.001,
    direction: Literal["backward", "forward"] = "backward",
    flow: Tensor,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Warping error, ``d(p_{t+1}(x, y), p_t(x + u, y + v))`` of neighbouring frames for the flow
    ``(u, v)``: a point should look the same wherever it moves.

    The other frame is interpolated bilinearly. Points that come from outside of it have no weight.
    Without a target, a clip of one colour is perfect: this is a term beside a loss of the frames,
    or, with ``reduction="image"``, a measure of the consistency of a clip.

    Args:
        pred: float clips ``(N, T, C, H, W)``, or one clip ``(T, C, H, W)``, of at least two frames,
            any range.
        distance: per pixel, ``"l1"``, ``"l2"`` (squared) or ``"charbonnier"``.
        eps: of ``"charbonnier"``, in the frames' own units.
        direction: ``"backward"``: the flow of frame ``t + 1`` to frame ``t``, which is warped to
            frame ``t + 1``; ``"forward"``: the flow of frame ``t`` to frame ``t + 1``, which is
            warped to frame ``t``. An estimator called with (first, second) returns the flow of the
            first.
        flow: ``(N, T - 1, 2, H, W)``, or ``(T - 1, 2, H, W)`` of one clip, in pixels: first to the
            right, then down. Usually that of the target, which does not move while training.
        mask: weights ``(N, T - 1, 1 or C, H, W)`` of the pixels of the frame that is not warped; 0
            where something covers or uncovers them.
        reduction: ``"mean"`` or ``"sum"`` over all pixels; ``"image"`` the mean of each clip
            ``(N,)``; ``"none"`` a value per pixel of each pair of neighbouring frames.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``, where one clip has ``N = 1``; for ``"none"``
        ``(N, T - 1, C, H, W)``, or ``(T - 1, C, H, W)`` of one clip, weighted. Means are over the
        weights; the mean over no weight is 0. Gradients reach the frames and the flow.

    Raises:
        ValueError: there are fewer than two frames, the flow or the mask has another shape or
            device, or an option value is unknown.
        TypeError: integer tensors.

    Source: Lai et al. 2018, eq. 2 and 11, who square the differences, ``distance="l2"``, of images
    in [0, 1], and weigh with a mask of occlusions.
    """

def wavelet_loss(
    pred: Tensor,
    target: Tensor,
    *,
    wavelet: Literal["haar", "db2", "db4", "sym7", "sym19", "cdf97"] = "haar",
    transform: Literal["stationary", "decimated"] = "stationary",
    level_weights: tuple[float, ...] = (1.0, 1.0, 1.0),
    band_weights: tuple[float, ...] = (1.0, 1.0, 1.0),
    approximation_weight: float = 1.0,
    distance: Literal["l1", "l2", "charbonnier"] = "charbonnier",
    eps: float = 0.001,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Distance of wavelet coefficients: the weighted sum over levels and sub-bands of the mean
    ``rho(W pred - W target)``.

    Filters of orthonormal wavelets have the norm 1: white noise is equally large in every band,
    smooth errors grow with the level. Each channel is transformed by itself. Images continue
    periodically, as in PyWavelets' ``swt2`` and its mode ``periodization``.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range. With weights for ``K`` levels, both
            sides have more than ``2^(K - 1)`` pixels: smaller images have no details at level
            ``K``.
        wavelet: ``"haar"``, ``"db2"``, ``"db4"`` (Daubechies; their number is that of vanishing
            moments), ``"sym7"``, ``"sym19"`` (the most symmetric of them), or ``"cdf97"``, the
            pair 9/7 of JPEG 2000.
        transform: ``"stationary"`` has a coefficient at every pixel, so that a shifted error costs
            the same; ``"decimated"`` halves each level.
        level_weights: weights of the levels, finest first; their number is the number of levels.
        band_weights: weights of the details of each level: LH (horizontal edges), HL (vertical
            edges) and HH (diagonals). At least one must not be 0.
        approximation_weight: weight of LL, the low-pass rest after the last level.
        distance: ``rho``: ``"charbonnier"`` ``sqrt(d^2 + eps^2)``, ``"l1"`` ``|d|``, or ``"l2"``
            ``d^2``.
        eps: of Charbonnier, in the images' own units; the mean of a band is ``eps``, not 0, at
            equal images.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes or devices differ, images are too small, there are not three band
            weights, all weights are 0, or an option value is unknown.
        TypeError: integer tensors.

    Source: Korkmaz, Tekalp & Dogan 2024, eq. 5, which is ``conventions.WAVELET["korkmaz2024"]``.
    Coefficients agree with PyWavelets 1.9 to 1e-12 in float64.
    """

average = average_loss
charbonnier = charbonnier_loss
ciede2000 = ciede2000_loss
clipped = clipped_loss
color_consistency = color_consistency_loss
cosine_distance = cosine_distance_loss
edge = edge_loss
enhanced_ssim = enhanced_ssim_loss
fft = fft_loss
flip = flip_loss
focal_frequency = focal_frequency_loss
fourier_magnitude = fourier_magnitude_loss
gmsd = gmsd_loss
gradient_difference = gradient_difference_loss
gradient_variance = gradient_variance_loss
hsluv = hsluv_loss
huber = huber_loss
l1 = l1_loss
l2 = l2_loss
laplacian_pyramid = laplacian_pyramid_loss
ldl = ldl_loss
mad = mad_loss
mdsi = mdsi_loss
ms_gmsd = ms_gmsd_loss
ms_swd = ms_swd_loss
nlpd = nlpd_loss
total_variation = total_variation_loss
wavelet = wavelet_loss
