# Written by tests/generate.py from the measures; edit those.
"""Tensors in, tensors out: every equation of the library as a pure function.

What is to be minimised ends in ``_loss``. A distance has both names (``l1`` is ``l1_loss``), a
score has a loss of its own (``ssim_loss = 1 - ssim``). Types and documentation for editors are in
``__init__.pyi``, which ``make stubs`` writes.
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
from ssimloss.functional.wavelet import wavelet_transform as wavelet_transform
from ssimloss.resize import imresize as imresize

__all__ = [
    "adversarial_discriminator_loss",
    "adversarial_generator_loss",
    "charbonnier",
    "charbonnier_loss",
    "ciede2000",
    "ciede2000_loss",
    "class_logits",
    "cmmd_loss",
    "color_consistency",
    "color_consistency_loss",
    "contextual_loss",
    "cw_ssim",
    "cw_ssim_loss",
    "cycle_consistency_loss",
    "deep_similarity",
    "dists",
    "edge",
    "edge_loss",
    "feature_matching_loss",
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
    "gram_matrix",
    "haarpsi",
    "haarpsi_loss",
    "heatmap_loss",
    "imresize",
    "iw_ssim",
    "iw_ssim_loss",
    "kernel_distance_loss",
    "l1",
    "l1_loss",
    "l2",
    "l2_loss",
    "ldl",
    "ldl_loss",
    "lecam_penalty",
    "lpips",
    "mdsi",
    "mdsi_loss",
    "ms_gmsd",
    "ms_gmsd_loss",
    "ms_ssim",
    "ms_ssim_db",
    "ms_ssim_l1_loss",
    "ms_ssim_loss",
    "nlpd",
    "nlpd_loss",
    "perceptual_loss",
    "prior_loss",
    "psnr",
    "psnr_hvs",
    "psnr_hvs_m",
    "r1_penalty",
    "r2_penalty",
    "soft_argmax",
    "ssim",
    "ssim_l1_loss",
    "ssim_loss",
    "ssim_map",
    "ssimulacra2",
    "ssimulacra2_loss",
    "structure_correlation",
    "structure_correlation_loss",
    "texture_loss",
    "total_variation",
    "total_variation_loss",
    "vif",
    "vif_loss",
    "vsi",
    "vsi_loss",
    "wavelet",
    "wavelet_loss",
    "wavelet_transform",
]

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
    """What a discriminator minimises, of its logits (not probabilities) for real and for generated
    images.

    Detach the generated images before they are judged, ``discriminator(fake.detach())``: logits
    cannot undo it.

    Args:
        real_logits, fake_logits: ``(N,)``, ``(N, 1)`` or a map of patches ``(N, 1, H, W)``; or
            lists of such over scales, over discriminators, or over both. Equal shapes and lengths.
        kind: ``"cross_entropy"``, ``"least_squares"``, ``"hinge"``, ``"wasserstein"``, or
            ``"softplus"``: cross entropy as StyleGAN writes it, without labels.
        relativistic: None, ``"average"`` (against the mean of the other side, over batch and
            patches of this process) or ``"paired"`` (image by image).
        targets: of least squares, for fake, real and the generator: ``a, b, c`` of the paper. None
            means ``(0, 1, 1)``, and in relativistic forms ``(-1, 1, 1)``, as published.
        square_weight: factor of the squares. None means 0.5 as in the paper, and 1 in relativistic
            forms; CycleGAN has 1 everywhere.
        scales: of lists, ``"mean"`` or ``"sum"`` (pix2pixHD) of their entries.
        total: of the part of real and the part of fake logits, ``"sum"``, or ``"mean"`` (half each:
            CycleGAN, ESRGAN). The generator has both parts in the relativistic average only.
        synchronize: take the average over all processes of ``torch.distributed``, which must hold
            equal batches, and not of each alone (as programs do). Every process has to call the
            loss, and its backward pass.
        check_finite: raise for logits that are not finite. Reads the values: it waits for the
            device, and does not compile.
        label_smoothing: how far the label of real moves towards that of fake (of cross entropy and
            least squares), at most 0.5.
        smoothed: ``"real"`` only (one-sided, Salimans et al. 2016), or the labels of ``"both"``.
        flip_probability: probability with which an image (in the paired form, a pair) is taken for
            one of the other side.
        detach_average: take the average of the other side as a constant (BasicSR's ESRGAN); the
            paper does not.
        labels: of class-specific discriminators, integers ``(N,)``; logits are then ``(N, K, ...)``
            or a list of K, see :func:`class_logits`.
        rng: source of the flips, on the device of the logits; None is PyTorch's own. ``2 N``
            numbers are drawn per call, ``N`` if paired.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"`` (of one tensor) of each tensor
            of logits.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of the logits for ``"none"``.

    Raises:
        ValueError: shapes, lengths or devices differ, labels outside their range (see
            :func:`class_logits`), unknown words, options that the kind does not have.
        TypeError: integers, or something that is neither a tensor nor a list.

    NaN in the logits is NaN in the result: nothing hides it, and nothing but ``check_finite`` looks
    for it.
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
    """What a generator minimises, of the discriminator's logits (not probabilities) for its images.

    Args:
        fake_logits: logits of generated images, with the graph that leads back to the generator:
            ``(N,)``, ``(N, 1)`` or a map of patches ``(N, 1, H, W)``; or lists of such over scales,
            over discriminators, or over both.
        kind: ``"cross_entropy"``, ``"least_squares"``, ``"hinge"``, ``"wasserstein"``, or
            ``"softplus"``: cross entropy as StyleGAN writes it, without labels.
        relativistic: None, ``"average"`` (against the mean of the other side, over batch and
            patches of this process) or ``"paired"`` (image by image).
        targets: of least squares, for fake, real and the generator: ``a, b, c`` of the paper. None
            means ``(0, 1, 1)``, and in relativistic forms ``(-1, 1, 1)``, as published.
        square_weight: factor of the squares. None means 0.5 as in the paper, and 1 in relativistic
            forms; CycleGAN has 1 everywhere.
        scales: of lists, ``"mean"`` or ``"sum"`` (pix2pixHD) of their entries.
        total: of the part of real and the part of fake logits, ``"sum"``, or ``"mean"`` (half each:
            CycleGAN, ESRGAN). The generator has both parts in the relativistic average only.
        synchronize: take the average over all processes of ``torch.distributed``, which must hold
            equal batches, and not of each alone (as programs do). Every process has to call the
            loss, and its backward pass.
        check_finite: raise for logits that are not finite. Reads the values: it waits for the
            device, and does not compile.
        saturating: of cross entropy and softplus, minus the discriminator's loss (the minimax game)
            and not the loss with the roles exchanged. Its gradient vanishes where the discriminator
            is sure.
        detach_real: take the real logits as constants (ESRGAN), so that no graph of the
            discriminator is kept for them. The gradient of a generator does not depend on it,
            unless real logits depend on the generator.
        real_logits: logits of real images, of the same shapes, which relativistic forms need and
            others ignore.
        labels: of class-specific discriminators, integers ``(N,)``; logits are then ``(N, K, ...)``
            or a list of K, see :func:`class_logits`.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"`` (of one tensor) of each tensor
            of logits.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of the logits for ``"none"``.

    Raises:
        ValueError: a relativistic form without real logits; shapes, lengths or devices differ,
            labels outside their range (see :func:`class_logits`), unknown words, options that the
            kind does not have.
        TypeError: integers, or something that is neither a tensor nor a list.

    Labels of real and fake are neither smoothed nor flipped here. NaN in the logits is NaN in the
    result.
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
        eps: where the curve turns from L2 to L1, in the images' own units.
        at_zero: value at zero error: ``"eps"`` (the formula as published) or ``"zero"`` (``eps``
            subtracted; same gradient).
        mask: ``(N, 1 or C, ...)`` weights; the mean is taken over the weight.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or one by name, which runs or raises; kernels reduce, and know neither
            masks nor ``at_zero="zero"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of ``pred`` for ``"none"``.

    Raises:
        ValueError: shapes differ, ``eps`` is not positive or its square vanishes in float32,
            unknown words.
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

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the map ``(N, 1, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB, tolerances that are not
            positive.
        TypeError: integer tensors.

    Source: CIE 142-2001; Sharma, Wu & Dalal 2005. Agrees with scikit-image to float64 rounding.
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
    planes: Literal["chroma", "all"] = "chroma",
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
        planes: ``"chroma"`` compares the two colour planes, ``"all"`` the lightness too.
        distance: ``"euclidean"``, the length of the difference of two colours, or ``"l1"``, the
            mean of ``|d|`` over planes.
        downscale: side of the blocks of pixels whose means are compared; incomplete blocks at the
            lower and right border are dropped.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. The mean
            of a block is taken over the weights.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"``, ``(N, 1, H, W)`` for the
        length and ``(N, 2 or 3, H, W)`` for ``"l1"``, with sides divided by ``downscale``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or smaller than a block,
            unknown words.
        TypeError: integer tensors.

    Source: CIE 15; Ottosson 2020; ITU-R BT.601. In CIELAB it agrees with scikit-image to 1e-12, in
    YCbCr with the ``ColorLoss`` of traiNNer-redux to 1e-10.
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

    ``CX_ij`` is ``exp((1 - d_ij / (min_k d_ik + 1e-5)) / h)`` divided by its sum over ``j``: how
    much nearer ``y_j`` is to ``x_i`` than the other features of the target are. Positions play no
    part, so the images need not be aligned.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``.
        layers: weights of the layers to compare; others are not looked at.
        bandwidth: ``h``, how much nearer counts as similar.
        distance: ``"cosine"``: ``(1 - cos) / 2`` between features from which the target's mean over
            positions was subtracted; or ``"l2"``, the squared distance.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, L)`` for ``"none"``: the weighted term
        of each layer. Each is at least 0; of constant features, which are all equally near, it is
        the logarithm of their number.

        Every feature is compared with every other, ``(H W)^2`` pairs, in steps of 2 million which
        are computed again for the gradient: the time grows with the square of the number of
        positions, the memory does not.

    Raises:
        ValueError: a layer that is missing or differs in shape, a bandwidth that is not positive,
            unknown words.
        TypeError: features that are no mapping or not floating point.

    Source: Mechrez et al. 2018, eq. 1-5. Their program takes the mean of the target over the whole
    batch, which is the same for one image.
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

    Source: Sampat et al. 2009. ``conventions.CW_SSIM["matlab"]`` agrees with the authors' program
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

    Source: Sampat et al. 2009. ``conventions.CW_SSIM["matlab"]`` agrees with the authors' program
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
    """Distance of images that went to another domain and back from what they were.

    Args:
        pred: what came back, ``F(G(x))``; or for super-resolution the enlarged image, with
            ``downscale``. ``(N, C, H, W)``, or a list of one such tensor for each direction, whose
            losses are added.
        target: what was sent, ``x``; the image of low resolution. As many as ``pred``.
        data_range: of the images, for ``"ssim"``.
        distance: ``"l1"``, ``"l2"``, ``"charbonnier"``, ``"ssim"`` (``1 - ssim``), or a callable of
            ``(pred, target)``, such as another loss of this library. A callable gets the images as
            they are and reduces by itself.
        identity_weight: of the identity term, beside a reconstruction of weight 1.
        downscale: how ``pred`` is shrunk before it is compared: a factor (antialiased bicubic,
            :func:`imresize`), or a network or another callable from images to images. A network is
            called as it is, in the user's autocast, and gets a gradient unless frozen.
        identity: for the identity term, what the generator *into* the target's domain makes of the
            target, ``F(x)``, which is to leave it alone; not shrunk. As many as ``pred``.
        mask: ``(N, 1 or C, H, W)`` weights of the target's pixels; passed on to a ``distance`` of
            your own. As many as ``pred``.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``, for each direction; the last
            for one direction only.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"`` what the distance gives,
        ``(N, C, H, W)`` of the target's size but for ``"ssim"``, whose windows lie inside the
        image.

    Raises:
        ValueError: shapes, devices or numbers of images differ, options out of range, unknown
            words.
        TypeError: integer tensors, options of another type.

    Source: Zhu et al. 2017; their program weighs it 10, and the identity term half of that.
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
        layers: weights of the layers to compare; others are not looked at.
        distance: between two vectors, the sum over channels of ``"l1"``: ``|p - t|``; ``"l2"``:
            ``(p - t)^2``; ``"normalized_l2"``: the same of unit vectors, as in LPIPS; ``"cosine"``:
            half of that, which is one minus the cosine (0 for two zero vectors).
        heads: one 1-D tensor per layer, in the order of ``layers``: weights of the channels in that
            sum, 1 unless given.
        map_size: ``(H, W)`` of a map of distances, usually of the images: the layers' maps are
            resized to it bilinearly and added.
        mask: ``(N, 1 or C, H, W)`` weights at the resolution of the images, averaged over channels
            and over the area of each position; with ``map_size``, of that size, and weights of the
            map. An image without weight has the distance 0.
        reduction: ``"mean"`` and ``"sum"`` over images, or over the map; ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"`` ``(N,)``, or the map
        ``(N, 1, H, W)``.

    Raises:
        ValueError: a layer that is missing or differs in shape, heads that do not fit, unknown
            words.
        TypeError: features that are no mapping or not floating point.
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

    ``l = (2 mu_x mu_y + c) / (mu_x^2 + mu_y^2 + c)`` is weighed by ``alpha``,
    ``s = (2 cov_xy + c) / (var_x + var_y + c)`` by ``beta``.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``; the original's are
            the image on a scale of [0, 1] and five layers of VGG16 with L2 pooling.
        alpha, beta: one 1-D tensor per layer, in the order of ``pred_features``; divided by the sum
            of all.
        mask: ``(N, 1 or C, H, W)`` weights at the resolution of the images, averaged over channels
            and over the area of each position; means, variances and covariance are weighted. An
            image without weight has the distance 0.
        reduction: ``"mean"`` and ``"sum"`` over images; ``"image"`` and ``"none"`` give ``(N,)``.

    Returns:
        A scalar, or ``(N,)``. Of features that are not negative an image's is in ``[0, 1 + b]``,
        where ``b`` is the share of ``beta`` in the sum of all weights, 0.124 as published: ``s`` is
        negative of opposite structures. ``l`` is so of means of opposite sign.

    Raises:
        ValueError: layers that differ, weights that do not fit, unknown ``reduction``.
        TypeError: features that are no mapping or not floating point.

    Source: Ding et al. 2020, eq. 3-5, c = 1e-6. Agrees with ``DISTS_pytorch`` and torchmetrics to
    their rounding: they subtract from 1, and ``E[xy] - E[x] E[y]``, where differences are taken
    first here.
    """

def edge_loss(
    pred: Tensor,
    target: Tensor,
    *,
    operator: Literal["sobel", "scharr", "laplacian"] = "sobel",
    distance: Literal["charbonnier", "l1", "l2"] = "charbonnier",
    eps: float = 0.001,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
    backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
) -> Tensor:
    """Distance between edge maps: ``(rho(dx pred - dx target) + rho(dy pred - dy target)) / 2``, or
    ``rho`` of the Laplacians' difference.

    The operators are linear and scaled to derivatives per pixel, so that a loss weight and ``eps``
    mean the same under each of them: a ramp of 1 per pixel reads 1 under Sobel (kernel / 8) and
    Scharr (kernel / 32), and the Laplacian (four neighbours, kernel as published) reads the sum of
    the two second derivatives. Channels are taken one by one, the border is replicated.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range.
        operator: ``"sobel"``, ``"scharr"`` or ``"laplacian"``.
        distance: ``rho``: ``"charbonnier"`` ``sqrt(d^2 + eps^2)``, ``"l1"`` ``|d|``, or ``"l2"``
            ``d^2``.
        eps: of Charbonnier, in the images' own units per pixel; the value at equal images is
            ``eps``, not 0.
        mask: ``(N, 1 or C, H, W)`` weights; a position weighs as much as the smallest weight in its
            3x3 neighbourhood, so no gradient that touches an invalid pixel counts.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or one by name, which runs or raises; kernels reduce, and know no mask.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes or devices differ, ``eps`` is not positive or its square vanishes in
            float32, unknown words.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Charbonnier distance of edges as in MPRNet (Zamir et al. 2021), which takes the
    Laplacian of a Gaussian pyramid instead. With ``distance="l1"`` and ``"sobel"`` agrees with the
    L1 of kornia's ``spatial_gradient`` to float64 rounding.
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
        pred, target: maps of the layers, of generated and of real images, ``(N, C, H, W)``, of
            volumes ``(N, C, D, H, W)``, of signals ``(N, C, L)``: a list over layers, or a list
            over scales of such. All are compared: pix2pixHD leaves out the last of each list, which
            are the logits, ``[maps[:-1] for maps in outputs]``.
        scales: ``"mean"`` over scales (the program), or ``"sum"`` (the paper).
        distance: ``"l1"`` or ``"l2"`` (squared).
        layers: ``"sum"`` of the layers' distances (the paper; the program multiplies it by
            ``4 / (n_layers_D + 1)``, which is 1 unless changed), or their ``"mean"``.
        detach_target: take the maps of real images as constants, so that no graph of the
            discriminator is kept for them.
        mask: ``(N, 1 or C, H, W)`` weights at the resolution of the images, averaged over channels
            and over the area of each position of a map. A position sees pixels beside its area: to
            hide them, make them equal in both images before the discriminator sees these. Maps of
            volumes and signals take none.
        reduction: of each map, ``"mean"``, ``"sum"``, ``"image"`` or (of a single map) ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the map for ``"none"``.

    Raises:
        ValueError: shapes, lengths or devices differ, an empty list, unknown words.
        TypeError: no lists of tensors, integers.

    Source: Wang et al. 2018 (pix2pixHD), equation 4.
    """

def flip_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    pixels_per_degree: float = 67.02064327658225,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
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

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the map ``(N, 1, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB, a resolution that is not
            positive.
        TypeError: integer tensors.

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

    The weight turns to the frequencies that are hardest to synthesise; it is held constant, no
    gradient passes through it.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range.
        alpha: how sharply the weight focuses; 0 is the plain mean square.
        patch_factor: each side is cut into this many parts and each patch has its own spectrum;
            must divide H and W.
        spectrum: ``"image"`` compares image by image, ``"batch_mean"`` the spectra averaged over
            the batch.
        weighting: ``"power"`` as above, or ``"log"`` for ``log(1 + |Fp - Ft|^alpha)`` in its place.
        peak: the maximum that the weight is divided by: of each ``"spectrum"`` (image, patch and
            channel) or of the ``"batch"``.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` (not with ``"batch_mean"``) or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"`` (``N = 1`` for
        ``"batch_mean"``): the terms by frequency, the lowest in the upper left corner of each
        patch.

    Raises:
        ValueError: shapes or devices differ, sides that are 0 or that ``patch_factor`` does not
            divide, unknown words.
        TypeError: integer tensors.

    Source: Jiang et al. 2021, eq. 8-9. Agrees with the authors' package ``focal-frequency-loss`` to
    float64 rounding: ``ave_spectrum`` is ``spectrum="batch_mean"``, ``log_matrix`` is
    ``weighting="log"``, ``batch_matrix`` is ``peak="batch"``.
    """

def fourier_magnitude_loss(
    pred: Tensor, target: Tensor, *, reduction: Literal["mean", "sum", "image", "none"] = "mean"
) -> Tensor:
    """L1 distance of Fourier magnitudes, ``| |Fp| - |Ft| |``: how much of each frequency there is,
    wherever it sits.

    Where a frequency of ``pred`` is 0, the slope of its magnitude has no direction. It is taken
    towards the same frequency of ``target``, so that a black image learns.

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
    the authors' program. Phase congruency does not depend on contrast, and its gradient is 0 where
    an image is flat; the gradient of a flat image comes from gradients and colours. If both images
    are flat, all positions have equal weights.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            16 pixels on the short side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        planes: ``"yiq"`` compares the colour planes I and Q of RGB images too (FSIMc); ``"luma"``
            the luma alone.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or one by name, which runs or raises: of luma, I and Q, shrunk.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small,
            unknown words.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Zhang, Zhang, Mou & Zhang 2011. Agrees with the authors' program on five pairs of
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
    the authors' program. Phase congruency does not depend on contrast, and its gradient is 0 where
    an image is flat; the gradient of a flat image comes from gradients and colours. If both images
    are flat, all positions have equal weights.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            16 pixels on the short side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        planes: ``"yiq"`` compares the colour planes I and Q of RGB images too (FSIMc); ``"luma"``
            the luma alone.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or one by name, which runs or raises: of luma, I and Q, shrunk.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small,
            unknown words.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Zhang, Zhang, Mou & Zhang 2011. Agrees with the authors' program on five pairs of
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

    Gray images are compared as they are, of RGB images the luma ``0.299 R + 0.587 G + 0.114 B``,
    which is not rounded. Means of 2 x 2 pixels at every second position are compared by their
    Prewitt gradients, with zeros beyond the border. The value of an image depends on how evenly its
    gradients differ, not on how much: weigh it with a pixel loss.

    Where ``pred`` is flat, the slope of its gradient magnitude has no direction. It is taken
    towards the gradient of ``target`` there, so that a flat image learns.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        t: the constant ``T`` that keeps the similarity finite, for images on a scale of 0 to 255.
        deviation: ``"sample"`` divides by the number of positions less one, as MATLAB's ``std2``;
            ``"population"`` by their number (piq).
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. A position
            weighs as much as the smallest weight among the pixels that it depends on.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or one by name, which runs or raises; kernels know no mask.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB, unknown words, a ``t`` that
            is not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Xue et al. 2014. Agrees with the authors' program to float64 rounding, with piq as
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
    """Image gradient difference: ``||dx pred| - |dx target||^alpha`` plus the same of dy, of
    neighbour differences.

    Compares the strength of gradients, not their sign, and sharpens where L2 blurs; it does not see
    brightness, so use it beside a pixel loss. Where a difference of ``pred`` is 0, the slope of its
    absolute value is taken towards that of ``target``, so that a flat image learns.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range.
        alpha: exponent, at least 1.
        mask: ``(N, 1 or C, H, W)`` weights; a difference weighs as the product of its two pixels'
            weights.
        reduction: ``"mean"`` and ``"image"`` are the mean over all dx plus the mean over all dy,
            each over its own count; ``"sum"`` is the paper's sum; ``"none"`` the map.
        backend: ``"auto"``, or one by name, which runs or raises; kernels reduce, and know neither
            masks nor an ``alpha`` other than 1 and 2.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``, where each
        pixel holds its differences to the right and lower neighbour and the last column and row
        have no dx and dy.

    Raises:
        ValueError: shapes or devices differ, ``alpha`` below 1, unknown ``reduction``.
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

    The magnitude is ``|Gx| + |Gy|`` of the unnormalised Sobel operator with replicated border. More
    sensitive to blur than SSIM. Where a gradient of ``pred`` is 0, the slope of its absolute value
    is taken towards that of ``target``, so that a flat image learns.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``; each channel is
            compared by itself.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: SSIM is not shift invariant, so
            ``lo`` is subtracted first.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; a custom window brings its own.
        sigma: standard deviation of the Gaussian in pixels.
        padding: what lies beyond the border: ``"valid"`` uses whole windows only, ``"reflect"``
            mirrors without repeating the edge, ``"replicate"`` repeats it, ``"zeros"``.
        k1, k2: the stabilising constants, both above 0.
        covariance: ``"population"``, or ``"sample"``: times ``N / (N - 1)`` with N the number of
            window taps over both axes.
        mask: ``(N, 1 or C, H, W)`` weights. A gradient counts where its whole 3 x 3 neighbourhood
            is valid.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or one by name, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images smaller than the window, unknown words, constants that are
            not positive.
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

    The magnitude is ``|Gx| + |Gy|`` of the unnormalised Sobel operator with replicated border. More
    sensitive to blur than SSIM. Where a gradient of ``pred`` is 0, the slope of its absolute value
    is taken towards that of ``target``, so that a flat image learns.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``; each channel is
            compared by itself.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: SSIM is not shift invariant, so
            ``lo`` is subtracted first.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; a custom window brings its own.
        sigma: standard deviation of the Gaussian in pixels.
        padding: what lies beyond the border: ``"valid"`` uses whole windows only, ``"reflect"``
            mirrors without repeating the edge, ``"replicate"`` repeats it, ``"zeros"``.
        k1, k2: the stabilising constants, both above 0.
        covariance: ``"population"``, or ``"sample"``: times ``N / (N - 1)`` with N the number of
            window taps over both axes.
        mask: ``(N, 1 or C, H, W)`` weights. A gradient counts where its whole 3 x 3 neighbourhood
            is valid.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or one by name, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images smaller than the window, unknown words, constants that are
            not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Chen, Yang & Xie 2006.
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
    are. Images are first halved, as in the authors' program for the usual viewing distance. If both
    images are flat, all positions have equal weights.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            16 pixels on the short side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        c: the constant ``C`` that keeps the similarity finite, for images on a scale of 0 to 255.
        alpha: how much low similarities count more than high ones.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. A position
            weighs as much as the smallest weight among the pixels that it depends on.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or one by name, which runs or raises: of luma, I and Q at half size.
            Kernels know no mask.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small,
            a constant that is not positive.
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
    are. Images are first halved, as in the authors' program for the usual viewing distance. If both
    images are flat, all positions have equal weights.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            16 pixels on the short side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        c: the constant ``C`` that keeps the similarity finite, for images on a scale of 0 to 255.
        alpha: how much low similarities count more than high ones.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. A position
            weighs as much as the smallest weight among the pixels that it depends on.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or one by name, which runs or raises: of luma, I and Q at half size.
            Kernels know no mask.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small,
            a constant that is not positive.
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
    """Squared distance between landmarks: of their heatmaps, or of where these have their peaks.

    Args:
        pred_heatmaps, target_heatmaps: ``(N, K, H, W)``, one map per landmark.
        compare: ``"heatmaps"``: the squared difference, averaged over positions; ``"coordinates"``:
            the squared distance between the :func:`soft_argmax` of the two, a side of the map being
            1.
        sharpness: of the soft-argmax.
        reduction: ``"mean"`` and ``"sum"`` over landmarks and images, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, K)`` for ``"none"``.

    Raises:
        ValueError: shapes or devices differ, a sharpness that is not positive, unknown words.
        TypeError: integer tensors.

    Source: Bulat & Tzimiropoulos 2018, eq. 3, which sums over positions where this takes the mean.
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

    Source: Binkowski et al. 2018; defaults as in the authors' program.
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
        mask: ``(N, 1 or C, ...)`` weights; the mean is taken over the weight, values under weight
            0 are never looked at.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or one by name, which runs or raises; kernels reduce, and know no mask.

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
        mask: ``(N, 1 or C, ...)`` weights; the mean is taken over the weight, values under weight
            0 are never looked at.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or one by name, which runs or raises; kernels reduce, and know no mask.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of ``pred`` for ``"none"``.

    Raises:
        ValueError: shapes or devices differ, unknown ``reduction``.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.
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
    gradient passes through the weight, as in the authors' program. It is finite where the residual
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
        ValueError: shapes or devices differ, images too small to be mirrored, an even
            ``window_size``, an ``exponent`` that is not positive, unknown words.
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
    """LPIPS: squared distances of unit feature vectors, channels weighed by learned heads, averaged
    over positions, summed over layers.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``; the layers are
            those of ``pred_features``, in its order.
        heads: one 1-D tensor per layer.
        map_size, mask: as in :func:`deep_similarity`.
        reduction: ``"mean"`` and ``"sum"`` over images, or over the map; ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"`` ``(N,)``, or the map
        ``(N, 1, H, W)``.

    Raises:
        ValueError: layers that differ, heads that do not fit, unknown ``reduction``.
        TypeError: features that are no mapping or not floating point.

    Source: Zhang et al. 2018, eq. 1. Agrees with the package ``lpips`` to float64 rounding, except
    that the gradient at a zero vector, NaN there, is 0.
    """

def mdsi_loss(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    alpha: float = 0.6,
    mask: Tensor | None = None,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Mean deviation similarity index: 0 for equal images, larger for worse ones.

    A gray image counts as RGB with three equal channels. Images of more than 384 pixels on the
    short side are shrunk to about 256 first, as in the authors' program. The value tells how
    unevenly the images differ, not by how much: weigh it with a pixel loss.

    The fourth root is infinitely steep where the similarity is 0. Its slope is held below 1e-4, and
    is 0 for equal images. Where ``pred`` is flat, the slope of its gradient magnitude is taken
    towards the gradient of ``target``.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            3 pixels on the short side. ``pred`` is the distorted image: the measure is not
            symmetric.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        alpha: weight of the gradients, from 0 to 1; the rest is that of the colours.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. A position
            weighs as much as the smallest weight among the pixels that it depends on.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, an ``alpha``
            outside [0, 1].
        TypeError: integer tensors.

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

    Gray images are compared as they are, of RGB images the luma ``0.299 R + 0.587 G + 0.114 B``,
    which is not rounded. The first scale is the image itself, each further one the means of 2 x 2
    pixels. Like GMSD it counts how evenly gradients differ, not by how much: weigh it with a pixel
    loss.

    Where ``pred`` is flat, the slope of its gradient magnitude has no direction. It is taken
    towards the gradient of ``target`` there, so that a flat image learns.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            ``2^scales`` pixels on the short side, 16 by default.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        scale_weights: ``w_j``, from the images' own size to the coarsest scale, divided by
            their sum.
        t: the constant ``T`` that keeps the similarity finite, for images on a scale of 0 to 255.
        masking: ``a``, by how much strong gradients mask differences; 0 is the similarity of GMSD.
        planes: ``"luma"``, or ``"yiq"`` for MS-GMSDc, which adds the difference of the colour
            planes I and Q of RGB images; ``"yiq_coarsest"`` takes that at the last scale (piq).
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. A position
            weighs as much as the smallest weight among the pixels that it depends on.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or one by name, which runs or raises; kernels know no mask.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small,
            unknown words, a ``t`` that is not positive.
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
        negative: what becomes of a mean t that is not positive, which a fractional power cannot
            take. ``"clamp"``: below 1e-3 it is replaced by ``1e-6 / (2e-3 - t)``, positive and
            rising. The value is then nearly 0 and nearly flat, so the gradient there is not its
            derivative: it rises with t as it does at ``2e-3 - t``. ``"relu"``: 0, which takes
            the whole channel's gradient with it; ``"relu_map"``: 0 at every position before the
            mean is taken, which raises t (pyiqa); ``"shift"``: every t becomes ``(t + 1) / 2``,
            another measure.
        min_size: for images too small for all scales: ``"error"``, or ``"fewer_scales"``, which
            uses those that fit with their weights renormalised to sum to 1.
        pooling: halving at odd sizes: ``"floor"`` drops the last row, ``"zeros"`` adds rows of
            zeros and counts them (pytorch-msssim), ``"replicate"`` repeats the first row and column
            if either size is odd (piq), ``"symmetric"`` repeats the last row of an odd size
            (TensorFlow, MATLAB).
        combination: ``"product"`` of powers, or ``"weighted_sum"``, whose weights are divided by
            their sum (``wtd_sum`` of ``msssim.m``).
        channels: ``"separate"`` multiplies per channel and then averages; ``"joint"`` averages over
            channels first (torchmetrics, MONAI).
        coarsest_padding: border of the coarsest scale: ``"valid"``, or ``"reflect"``
            (torchmetrics).
        mask: ``(N, 1 or C, H, W)`` weights, pooled along with the images. Images without a valid
            pixel do not count in the mean.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or one by name, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; ``(N, C)`` for ``"none"``, ``(N, 1)`` with
        ``channels="joint"``.

    Raises:
        ValueError: images too small, shapes differ, unknown words.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Wang, Simoncelli & Bovik 2003. The options of other programs are in
    ``ssimloss.conventions.MS_SSIM``.
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

    It is infinite for equal images, with gradient 0. The mean is that of decibels, not the decibels
    of a mean.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``. Five scales of an
            11 pixel window need 176 pixels.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        k1, k2: the stabilising constants, both above 0.
        window_size, sigma: the Gaussian window at every scale; ``window_size`` odd unless
            ``coarsest_padding="valid"``.
        scale_weights: exponent of each scale, finest first; their number is the number of scales.
        negative: what becomes of a mean t that is not positive, which a fractional power cannot
            take. ``"clamp"``: below 1e-3 it is replaced by ``1e-6 / (2e-3 - t)``, positive and
            rising. The value is then nearly 0 and nearly flat, so the gradient there is not its
            derivative: it rises with t as it does at ``2e-3 - t``. ``"relu"``: 0, which takes
            the whole channel's gradient with it; ``"relu_map"``: 0 at every position before the
            mean is taken, which raises t (pyiqa); ``"shift"``: every t becomes ``(t + 1) / 2``,
            another measure.
        min_size: for images too small for all scales: ``"error"``, or ``"fewer_scales"``, which
            uses those that fit with their weights renormalised to sum to 1.
        pooling: halving at odd sizes: ``"floor"`` drops the last row, ``"zeros"`` adds rows of
            zeros and counts them (pytorch-msssim), ``"replicate"`` repeats the first row and column
            if either size is odd (piq), ``"symmetric"`` repeats the last row of an odd size
            (TensorFlow, MATLAB).
        combination: ``"product"`` of powers, or ``"weighted_sum"``, whose weights are divided by
            their sum (``wtd_sum`` of ``msssim.m``).
        channels: ``"separate"`` multiplies per channel and then averages; ``"joint"`` averages over
            channels first (torchmetrics, MONAI).
        coarsest_padding: border of the coarsest scale: ``"valid"``, or ``"reflect"``
            (torchmetrics).
        mask: ``(N, 1 or C, H, W)`` weights, pooled along with the images.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or one by name, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: images too small, shapes differ, unknown words.
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

    Its MS-SSIM has no pyramid: the scales are Gaussians of growing width at full resolution,
    ``luminance_M * prod_j contrast_structure_j`` at every pixel, each channel by itself, and G is
    the widest of them.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``; the L1 part is divided by its
            span.
        k1, k2: the stabilising constants, both above 0.
        alpha: weight of MS-SSIM against L1.
        sigmas: standard deviations of the scales in pixels, finest first.
        window_size: taps of the widest window, odd; narrow Gaussians are cut where they vanish.
        padding: what lies beyond the border: ``"valid"`` uses whole windows only, ``"replicate"``
            repeats the edge, ``"zeros"``; ``"reflect"`` mirrors without repeating the edge, and
            needs images larger than half a window.
        mask: ``(N, 1 or C, H, W)`` weights, by normalised convolution.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or one by name, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``.

    Raises:
        ValueError: images too small for the window, shapes differ, unknown words.
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
        negative: what becomes of a mean t that is not positive, which a fractional power cannot
            take. ``"clamp"``: below 1e-3 it is replaced by ``1e-6 / (2e-3 - t)``, positive and
            rising. The value is then nearly 0 and nearly flat, so the gradient there is not its
            derivative: it rises with t as it does at ``2e-3 - t``. ``"relu"``: 0, which takes
            the whole channel's gradient with it; ``"relu_map"``: 0 at every position before the
            mean is taken, which raises t (pyiqa); ``"shift"``: every t becomes ``(t + 1) / 2``,
            another measure.
        min_size: for images too small for all scales: ``"error"``, or ``"fewer_scales"``, which
            uses those that fit with their weights renormalised to sum to 1.
        pooling: halving at odd sizes: ``"floor"`` drops the last row, ``"zeros"`` adds rows of
            zeros and counts them (pytorch-msssim), ``"replicate"`` repeats the first row and column
            if either size is odd (piq), ``"symmetric"`` repeats the last row of an odd size
            (TensorFlow, MATLAB).
        combination: ``"product"`` of powers, or ``"weighted_sum"``, whose weights are divided by
            their sum (``wtd_sum`` of ``msssim.m``).
        channels: ``"separate"`` multiplies per channel and then averages; ``"joint"`` averages over
            channels first (torchmetrics, MONAI).
        coarsest_padding: border of the coarsest scale: ``"valid"``, or ``"reflect"``
            (torchmetrics).
        mask: ``(N, 1 or C, H, W)`` weights, pooled along with the images. Images without a valid
            pixel do not count in the mean.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or one by name, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; ``(N, C)`` for ``"none"``, ``(N, 1)`` with
        ``channels="joint"``.

    Raises:
        ValueError: images too small, shapes differ, unknown words.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Wang, Simoncelli & Bovik 2003. The options of other programs are in
    ``ssimloss.conventions.MS_SSIM``.
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

    Source: Laparra et al. 2016. ``conventions.NLPD["matlab"]`` agrees with the authors' program on
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
        layers: weights ``w_l`` of the layers to compare; others are not looked at.
        distance: ``"l1"``, ``"l2"`` (squared), ``"charbonnier"``, each averaged over channels and
            positions; or ``"cosine"``: one minus the cosine between the two vectors at a position,
            averaged over positions, 0 for two zero vectors and 1/2 for one.
        eps: of ``"charbonnier"``, in units of the scaled features.
        feature_norm: ``"none"``; ``"unit"`` makes each position's vector a unit vector, as LPIPS
            does; ``"rms"`` divides both images' features by the root mean square of the target's,
            so that layers of different scale weigh alike; by 1 where that is below 1e-6, as of a
            layer in which the target has nothing.
        feature_scale: factor on the (normalised) features; SRGAN has 1 / 12.75.
        mask: ``(N, 1 or C, H, W)`` weights at any resolution, averaged over channels and over the
            area of each position.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, L)`` for ``"none"``: the weighted term
        of each layer, in the order of ``layers``. An image whose mask has no valid position has the
        loss 0.

    Raises:
        ValueError: a layer that is missing or differs in shape, unknown words, a negative weight, a
            mask of another batch.
        TypeError: features that are no mapping or not floating point.

    Agrees with BasicSR's and piq's content losses to float64 rounding, see ``conventions.CONTENT``.
    """

def prior_loss(
    pred_output: Tensor,
    target_output: Tensor,
    *,
    distance: Literal["l1", "l2", "cosine"] = "l2",
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """Distance between what a network says of two images: embeddings, logits, maps.

    Args:
        pred_output, target_output: ``(N, C, ...)``.
        distance: ``"l1"`` or ``"l2"`` (squared) of each element, or ``"cosine"``: one minus the
            cosine of two vectors along dimension 1 (0 for two zero vectors, 1/2 for one).
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"`` the shape of the output,
        without its dimension 1 for ``"cosine"``.

    Raises:
        ValueError: shapes or devices differ, fewer than two dimensions, unknown words.
        TypeError: outputs that are not floating point, such as classes instead of logits.
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
        pooling: ``"image"`` takes one PSNR per image and reduces those, so that the result does not
            depend on the batch size; ``"batch"`` takes the PSNR of the MSE of the whole batch
            (torchmetrics, kornia): one number, whatever the reduction.
        eps: added to the MSE of images scaled to span 1. 0 is the definition; 1e-8 caps at 80 dB
            (pyiqa, piq).
        mask: ``(N, 1 or C, ...)`` weights of the MSE.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, unknown words, an empty ``data_range``.

    Agrees with scikit-image, piq (``eps=1e-8``) and kornia (``"batch"``) to float64 rounding, with
    torchmetrics (``"batch"``) to 2e-6 dB.
    """

def psnr_hvs(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """PSNR weighted by the sensitivity of the eye, in dB: larger for better images.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Rows and columns beyond the last whole
    block of 8 x 8 pixels are ignored. The value is infinite for equal images, with the gradient 0;
    the authors' program returns 100000 there.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least 8
            pixels on the short side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small.
        TypeError: integer tensors.

    Source: Egiazarian et al. 2006. ``conventions.PSNR_HVS["frame_analytics"]`` agrees with
    frame-analytics, which computes in float32, to 1e-6 dB.
    """

def psnr_hvs_m(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
) -> Tensor:
    """PSNR weighted by the sensitivity of the eye, without differences that the block masks, in dB:
    larger for better images.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Rows and columns beyond the last whole
    block of 8 x 8 pixels are ignored. The value is infinite if all differences are masked, with the
    gradient 0; the authors' program returns 100000 there. Masked differences have the gradient 0:
    add a pixel loss.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least 8
            pixels on the short side.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small.
        TypeError: integer tensors.

    Source: Ponomarenko et al. 2007. ``conventions.PSNR_HVS_M["frame_analytics"]`` agrees with
    frame-analytics, which computes in float32, to 1e-6 dB.
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
            ``data_range``; each channel is compared by itself. float16 and bfloat16 are computed in
            float32.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: SSIM is not shift invariant, so
            ``lo`` is subtracted first.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; a custom window brings its own.
        sigma: standard deviation of the Gaussian in pixels.
        padding: what lies beyond the border: ``"valid"`` uses whole windows only, ``"reflect"``
            mirrors without repeating the edge, ``"replicate"`` repeats it, ``"zeros"``.
        k1, k2: the stabilising constants, both above 0.
        exponents: ``(alpha, beta, gamma)`` of luminance, contrast and structure (eq. 12 with
            ``C3 = C2 / 2``). A negative term to a power keeps its sign, ``sign(s) |s|^gamma``; an
            exponent of 0 leaves the term out. The deviation of a flat window has the slope of the
            covariance.
        covariance: ``"population"``, or ``"sample"``: times ``N / (N - 1)`` with N the number of
            window taps over all axes.
        downsample: shrink first: an ``int`` averages blocks of that factor, ``"auto"`` those of
            ``f = max(1, round(min(H, W) / 256))`` (piq), ``"matlab"`` does as ``ssim.m``: the same
            f, a box filter with symmetric border, then every f-th sample.
        mask: ``(N, 1 or C, H, W)`` weights. Statistics are normalised convolutions over valid
            pixels only; a window counts as much as the mask leaves of it.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or one by name, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images smaller than the window, unknown words, constants that are
            not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Wang et al. 2004. The options of other programs, and how closely each is met, are in
    ``ssimloss.conventions.SSIM``.
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

    Each part is reduced by itself, as ``l1_loss`` and ``ssim_loss`` do; the difference is taken of
    images whose range has length 1.

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        k1, k2: the stabilising constants, both above 0.
        weight: of ``1 - SSIM``, in [0, 1].
        eps: ``None`` for L1; a number puts the Charbonnier distance in its place, ``eps`` in units
            of the data range.
        window_size: number of taps of the Gaussian, odd unless ``padding="valid"``.
        sigma: standard deviation of the Gaussian in pixels.
        padding: of SSIM, what lies beyond the border: ``"valid"`` uses whole windows only,
            ``"reflect"`` mirrors without repeating the edge, ``"replicate"`` repeats it,
            ``"zeros"``.
        mask: ``(N, 1 or C, H, W)`` weights of both parts.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or one by name, which runs or raises; one pass serves ``"mean"`` and
            ``"image"``.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; ``(N, C, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, unknown words, ``reduction="none"`` with valid borders.
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
            ``data_range``; each channel is compared by itself. float16 and bfloat16 are computed in
            float32.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: SSIM is not shift invariant, so
            ``lo`` is subtracted first.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; a custom window brings its own.
        sigma: standard deviation of the Gaussian in pixels.
        padding: what lies beyond the border: ``"valid"`` uses whole windows only, ``"reflect"``
            mirrors without repeating the edge, ``"replicate"`` repeats it, ``"zeros"``.
        k1, k2: the stabilising constants, both above 0.
        exponents: ``(alpha, beta, gamma)`` of luminance, contrast and structure (eq. 12 with
            ``C3 = C2 / 2``). A negative term to a power keeps its sign, ``sign(s) |s|^gamma``; an
            exponent of 0 leaves the term out. The deviation of a flat window has the slope of the
            covariance.
        covariance: ``"population"``, or ``"sample"``: times ``N / (N - 1)`` with N the number of
            window taps over all axes.
        downsample: shrink first: an ``int`` averages blocks of that factor, ``"auto"`` those of
            ``f = max(1, round(min(H, W) / 256))`` (piq), ``"matlab"`` does as ``ssim.m``: the same
            f, a box filter with symmetric border, then every f-th sample.
        mask: ``(N, 1 or C, H, W)`` weights. Statistics are normalised convolutions over valid
            pixels only; a window counts as much as the mask leaves of it.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or one by name, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images smaller than the window, unknown words, constants that are
            not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Wang et al. 2004. The options of other programs, and how closely each is met, are in
    ``ssimloss.conventions.SSIM``.
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

    ``padding="reflect"`` keeps it the size of the images. Under a mask it is the similarity at each
    position whatever its weight, and 0 where the weight is 0; ``ssim(..., reduction="none")`` is
    the map times the weight, which adds up to ``"sum"``.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)`` with values in
            ``data_range``; each channel is compared by itself. float16 and bfloat16 are computed in
            float32.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: SSIM is not shift invariant, so
            ``lo`` is subtracted first.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; a custom window brings its own.
        sigma: standard deviation of the Gaussian in pixels.
        padding: what lies beyond the border: ``"valid"`` uses whole windows only, ``"reflect"``
            mirrors without repeating the edge, ``"replicate"`` repeats it, ``"zeros"``.
        k1, k2: the stabilising constants, both above 0.
        exponents: ``(alpha, beta, gamma)`` of luminance, contrast and structure (eq. 12 with
            ``C3 = C2 / 2``). A negative term to a power keeps its sign, ``sign(s) |s|^gamma``; an
            exponent of 0 leaves the term out. The deviation of a flat window has the slope of the
            covariance.
        covariance: ``"population"``, or ``"sample"``: times ``N / (N - 1)`` with N the number of
            window taps over all axes.
        downsample: shrink first: an ``int`` averages blocks of that factor, ``"auto"`` those of
            ``f = max(1, round(min(H, W) / 256))`` (piq), ``"matlab"`` does as ``ssim.m``: the same
            f, a box filter with symmetric border, then every f-th sample.
        mask: ``(N, 1 or C, H, W)`` weights. Statistics are normalised convolutions over valid
            pixels only; a window counts as much as the mask leaves of it.
        backend: ``"auto"``, or one by name, which runs or raises.

    Raises:
        ValueError: shapes differ, images smaller than the window, unknown words, constants that are
            not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.
    """

def ssimulacra2(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: float | tuple[float, float] = 1.0,
    min_size: Literal["error", "fewer_scales"] = "error",
    reduction: Literal["mean", "sum", "image", "none"] = "mean",
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

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small.
        TypeError: integer tensors.

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

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small.
        TypeError: integer tensors.

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

    1 where both windows are flat, 0 where only one is; flat means a variance that float rounding
    could have made, below ``4 eps L^2`` (a deviation of 1/1450 of the range in float32). The
    gradient of a window where only one image is flat is that of a deviation of 0.03 of the range,
    not the infinite one of the definition. Blind to brightness and contrast: weigh it with a pixel
    loss.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)`` with values in
            ``data_range``; each channel is compared by itself.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; a custom window brings its own.
        sigma: standard deviation of the Gaussian in pixels.
        padding: what lies beyond the border: ``"valid"`` uses whole windows only, ``"reflect"``
            mirrors without repeating the edge, ``"replicate"`` repeats it, ``"zeros"``.
        mask: ``(N, 1 or C, H, W)`` weights, by normalised convolution.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or one by name, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images smaller than the window, unknown words.
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

    1 where both windows are flat, 0 where only one is; flat means a variance that float rounding
    could have made, below ``4 eps L^2`` (a deviation of 1/1450 of the range in float32). The
    gradient of a window where only one image is flat is that of a deviation of 0.03 of the range,
    not the infinite one of the definition. Blind to brightness and contrast: weigh it with a pixel
    loss.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)`` with values in
            ``data_range``; each channel is compared by itself.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; a custom window brings its own.
        sigma: standard deviation of the Gaussian in pixels.
        padding: what lies beyond the border: ``"valid"`` uses whole windows only, ``"reflect"``
            mirrors without repeating the edge, ``"replicate"`` repeats it, ``"zeros"``.
        mask: ``(N, 1 or C, H, W)`` weights, by normalised convolution.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or one by name, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images smaller than the window, unknown words.
        TypeError: integer tensors.

        RuntimeError: a named backend that cannot run.

    Source: Rouse & Hemami 2008.
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
    """Distance between Gram matrices, ``sum_l w_l d(G(P_l), G(T_l))`` over the layers ``l``: like
    texture, wherever it sits.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``.
        layers: weights ``w_l`` of the layers to compare; others are not looked at.
        gram: normalisation of :func:`gram_matrix`. ``"bchw"`` makes one matrix of the whole batch.
        distance: over the elements of a matrix: mean of ``"l1"`` or ``"l2"`` (squared),
            ``"frobenius"`` (the root of the sum of squares) or ``"squared_frobenius"`` (the sum).
        patch_size: compare patch by patch, in positions of the layer: one number for all layers, or
            one per layer. The patches of 16 x 16 image pixels of EnhanceNet are
            ``{"relu1_1": 16, "relu2_1": 8, "relu3_1": 4}`` in VGG, whose sides halve between these.
            The loss of an image is the mean over its patches.
        stride: from patch to patch, ``patch_size`` unless given; what is left over at the far
            borders is in no patch.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` (not with ``"bchw"``); ``(N, L)`` for
        ``"none"``: the weighted term of each layer (``N = 1`` with ``"bchw"``). The memory for
        patches is bounded: where more would be needed they are taken in steps, and computed again
        for the gradient.

    Raises:
        ValueError: a layer that is missing or differs in shape, a patch larger than a layer,
            unknown words, a negative weight.
        TypeError: features that are no mapping or not floating point.

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
    lower neighbour; of a volume, ``dz`` to the next slice too.

    Args:
        pred: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        norm: ``"anisotropic"`` ``|dx| + |dy|``; ``"isotropic"`` ``sqrt(dx^2 + dy^2)`` at each
            pixel, a difference across the far border being 0; ``"squared"`` ``dx^2 + dy^2``;
            ``"image_l2"`` one root per image, of the ``"squared"`` total. Volumes add ``dz``.
        within_image: the number of one image: ``"mean"`` is the mean over its dx plus the mean over
            its dy, each over its own count (``"isotropic"``: the mean over its pixels), which does
            not grow with the image; ``"sum"`` adds all of them.
        mask: ``(N, 1 or C, ...)`` weights; a difference weighs as the product of its two pixels'
            weights (``"isotropic"``: a pixel weighs as itself, its differences to invalid pixels
            are 0). Masking all but a rectangle is the total variation of that rectangle.
        reduction: ``"image"`` returns the images' numbers ``(N,)``, ``"mean"`` their mean; under a
            mask the mean of means is taken over the weight of the batch, so that an image without
            valid pixels does not count. ``"sum"`` adds all terms of the batch, whatever
            ``within_image`` (``"image_l2"``: the images' numbers). ``"none"`` is the map.
        backend: ``"auto"``, or one by name, which runs or raises; kernels reduce images, and know
            neither masks nor volumes.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of ``pred`` for ``"none"``: the
        unscaled terms at each pixel, no dx in the last column and no dy in the last row. With
        ``norm="image_l2"`` there is no map: ``"none"`` returns ``(N,)``.

    Raises:
        ValueError: not four or five dimensions, unknown words.
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

    Gray images are compared as they are, of RGB images the luma ``0.299 R + 0.587 G + 0.114 B``,
    which is not rounded. Windows are whole. What is shared rises with the square of the shared
    detail, so a flat image, or the negative of the target, has the gradient 0: add a pixel loss.
    A flat target has no information, and counts 1. Windows count as flat if rounding can have
    made their variance.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            41 pixels on the short side. The measure is not symmetric.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        noise: ``N``, the variance of the noise of the eye, for images on a scale of 0 to 255.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or one by name, which runs or raises.

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

    Gray images are compared as they are, of RGB images the luma ``0.299 R + 0.587 G + 0.114 B``,
    which is not rounded. Windows are whole. What is shared rises with the square of the shared
    detail, so a flat image, or the negative of the target, has the gradient 0: add a pixel loss.
    A flat target has no information, and counts 1. Windows count as flat if rounding can have
    made their variance.

    Args:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            41 pixels on the short side. The measure is not symmetric.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        noise: ``N``, the variance of the noise of the eye, for images on a scale of 0 to 255.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or one by name, which runs or raises.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, noise that is
            not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Sheikh & Bovik 2006. Agrees with piq as ``conventions.VIF["piq"]``.
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
    than 384 pixels on the short side are first shrunk to about 256, as in the authors' program.
    Saliency is always computed at 256 x 256 pixels, so that a small crop costs as much as an image
    of that size.

    Saliency is scaled to [0, 1] in each image. It is 0 in an image without detail or without
    differences of colour; the gradient of such an image comes from gradients and colours. If both
    images have no saliency, all positions have equal weights.

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

    Source: Zhang, Shen & Li 2014, with the constants of the authors' program.
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
    than 384 pixels on the short side are first shrunk to about 256, as in the authors' program.
    Saliency is always computed at 256 x 256 pixels, so that a small crop costs as much as an image
    of that size.

    Saliency is scaled to [0, 1] in each image. It is 0 in an image without detail or without
    differences of colour; the gradient of such an image comes from gradients and colours. If both
    images have no saliency, all positions have equal weights.

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

    Source: Zhang, Shen & Li 2014, with the constants of the authors' program.
    ``conventions.VSI["piq"]`` agrees with piq to 1e-12 in float64.
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
        ValueError: shapes or devices differ, images too small, other than three band weights,
            weights that are all 0, unknown words.
        TypeError: integer tensors.

    Source: Korkmaz, Tekalp & Dogan 2024, eq. 5, which is ``conventions.WAVELET["korkmaz2024"]``.
    Coefficients agree with PyWavelets 1.9 to 1e-12 in float64.
    """

charbonnier = charbonnier_loss
ciede2000 = ciede2000_loss
color_consistency = color_consistency_loss
edge = edge_loss
flip = flip_loss
focal_frequency = focal_frequency_loss
fourier_magnitude = fourier_magnitude_loss
gmsd = gmsd_loss
gradient_difference = gradient_difference_loss
l1 = l1_loss
l2 = l2_loss
ldl = ldl_loss
mdsi = mdsi_loss
ms_gmsd = ms_gmsd_loss
nlpd = nlpd_loss
total_variation = total_variation_loss
wavelet = wavelet_loss
