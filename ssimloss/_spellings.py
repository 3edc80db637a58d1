"""Names of options and images in other libraries, for errors about unknown keywords."""

from collections.abc import Collection

from ssimloss._words import folded, near

Advice = tuple[str, str]  # an option here, empty for none; the meaning of the other name
_LEAVE_OUT = "leave it out"
_CHANNELS = "leave it out: channels are dimension 1 of (N, C, H, W)"
_TERM = "weights belong to a sum, CombinedLoss(name=Term(loss, 0.1))"
_GAUSSIAN = "the window is a Gaussian, of window_size and sigma"
_OTHERS = "DeepPerceptualSimilarity takes other networks, poolings and inputs"
_LUMA = (
    "conventions and metrics.SuperResolutionProtocol have it, such as conventions.PSNR['basicsr']"
)
_CALL = "pass it to the call, loss(pred, target, mask=mask), of a loss that takes one"
_PEAK = ("data_range", "a number, or lo and hi")
_SIZE = ("window_size", "")
_SIGMA = ("sigma", "")
_MAP = ("reduction", "'none' returns the map")
_SAMPLE = ("covariance", "'sample' for True, 'population' for False")
_NETWORK = ("network", "")
_LAYERS = ("layers", "weights by name of the layer")
_INPUT = ("normalization", "'imagenet', 'none' or (mean, std)")
_KIND = ("kind", "")
_TARGETS = ("targets", "the labels of real and generated images")

# Keyword -> its counterparts here; the first one whose option the caller has is used. Libraries in
# the order pytorch-msssim, piq, lpips, torchmetrics, kornia, BasicSR, scikit-image, TensorFlow,
# MONAI, torch.
_OPTIONS: dict[str, tuple[Advice, ...]] = {
    "win_size": (_SIZE,),
    "kernel_size": (_SIZE,),
    "filter_size": (_SIZE,),
    "win_sigma": (_SIGMA,),
    "kernel_sigma": (_SIGMA,),
    "filter_sigma": (_SIGMA,),
    "win": (("window", "'gaussian', 'uniform' or a 1-D tensor"), ("", _GAUSSIAN)),
    "kernel_type": (("window", "'gaussian' or 'uniform'"),),
    "gaussian_weights": (("window", "'gaussian' for True, 'uniform' for False"),),
    "gaussian_kernel": (("window", "'gaussian' for True, 'uniform' for False"), ("", _GAUSSIAN)),
    "K": (("k1", "K=(0.01, 0.03) is k1=0.01, k2=0.03"),),
    "K1": (("k1", ""),),
    "K2": (("k2", ""),),
    "C1": (("k1", "C1 is its square times that of L"),),
    "C2": (("k2", "C2 is its square times that of L"),),
    "size_average": (("reduction", "'mean' for True, 'image' for False"),),
    "reduce": (("reduction", "'mean' for True, 'none' for False"),),
    "full": (_MAP,),
    "return_full_image": (_MAP,),
    "return_index_map": (_MAP,),
    "return_map": (_MAP,),
    "retPerLayer": (("", "pass one layer, for example to DeepPerceptualSimilarity"),),
    "nonnegative_ssim": (
        ("negative", "'relu' for True"),
        ("", "clamp the score: ssim(...).clamp(min=0)"),
    ),
    "val_range": (_PEAK,),
    "max_val": (_PEAK,),
    "max_value": (_PEAK,),
    "dynamic_range": (_PEAK,),
    "L": (_PEAK,),
    "channel": (("", _CHANNELS),),
    "channel_axis": (("", _CHANNELS),),
    "multichannel": (("", _CHANNELS),),
    "spatial_dims": (("", _CHANNELS),),
    "use_sample_covariance": (_SAMPLE,),
    "weights": (("scale_weights", "one for each scale"),),
    "betas": (("scale_weights", "one for each scale"),),
    "power_factors": (("scale_weights", "one for each scale"),),
    "normalize": (
        ("negative", "'relu' or 'clamp'"),
        ("data_range", "1.0 for normalize=True, (-1, 1) for False"),
    ),
    "compensation": (("", "multiply the loss, Term(loss, 200.0)"),),
    "convert_to_greyscale": (("", "compute the luma with ssimloss.color, or take conventions"),),
    "net": (_NETWORK,),
    "net_type": (_NETWORK,),
    "vgg_type": (_NETWORK,),
    "backbone": (_NETWORK,),
    "feature_extractor": (_NETWORK,),
    "model": (_NETWORK,),
    "model_path": (("heads", "tensors, one for each layer"), ("weights", "a path")),
    "version": (("heads", "'v0.1'"),),
    "lpips": (("", "DeepPerceptualSimilarity is LPIPS without heads"),),
    "pretrained": (("weights", "'imagenet', or 'random' for False"),),
    "pnet_rand": (("weights", "'random' for True"),),
    "pnet_tune": (("", _LEAVE_OUT + ": the network is frozen"),),
    "use_dropout": (("", _LEAVE_OUT + ": the network is in eval()"),),
    "eval_mode": (("", _LEAVE_OUT + ": the network is in eval()"),),
    "verbose": (("", _LEAVE_OUT),),
    "enable_grad": (("", "call the loss under torch.no_grad() for False"),),
    "layer_weights": (_LAYERS,),
    "layers_weights": (_LAYERS,),
    "replace_pooling": (("pooling", "'average' for True"), ("", _OTHERS)),
    "normalize_features": (("feature_norm", "'unit' for True"),),
    "use_input_norm": (_INPUT,),
    "mean": (_INPUT, ("", _OTHERS)),
    "std": (_INPUT, ("", _OTHERS)),
    "range_norm": (("data_range", "(-1, 1) for True"),),
    "criterion": (("distance", ""),),
    "loss_type": (("distance", ""), _KIND),
    "norm_type": (("norm", ""),),
    "p": (("distance", "'l1' or 'l2'"),),
    "style_weight": (("", "TextureLoss is a separate loss"),),
    "perceptual_weight": (("", _TERM),),
    "loss_weight": (("", _TERM),),
    "weight": (("mask", "weights of pixels"), ("", _TERM)),
    "gan_type": (_KIND,),
    "gan_mode": (_KIND,),
    "real_label_val": (_TARGETS,),
    "fake_label_val": (_TARGETS,),
    "target_real_label": (_TARGETS,),
    "target_fake_label": (_TARGETS,),
    "epsilon": (("eps", ""),),
    "eps": (("k1", "k1 and k2 replace it"),),
    "crop_border": (("border", "pixels cut off every side"), ("", _LUMA)),
    "shave": (("border", "pixels cut off every side"), ("", _LUMA)),
    "test_y_channel": (("luma", "'bt601_studio' for True, None for False"), ("", _LUMA)),
    "only_test_y_channel": (("luma", "'bt601_studio' for True, None for False"), ("", _LUMA)),
    "input_order": (("", _CHANNELS),),
    "base": (("", _LEAVE_OUT + ": PSNR is in dB"),),
    "dim": (("pooling", "'image' for one value per image, 'batch' for one of all"),),
    "mask": (("", _CALL),),
    "valid_mask": (("mask", ""), ("", _CALL)),
}

# Their names of the images.
_IMAGES = {
    **dict.fromkeys(("preds", "X", "x", "input", "in0", "img0", "sr", "img"), "pred"),
    **dict.fromkeys(("img1", "im1", "image1", "image_test", "output", "image"), "pred"),
    **dict.fromkeys(("prediction", "y_pred"), "pred"),
    **dict.fromkeys(("targets", "Y", "y", "in1", "gt", "hr", "label", "y_true"), "target"),
    **dict.fromkeys(("img2", "im2", "image2", "image_true", "reference"), "target"),
}

# Other libraries' names of measures, and what is measured here instead.
_Y = "of the luma: 'psnr' or 'ssim' with protocol='basicsr', on the command line --protocol basicsr"
_NO_REFERENCE = "this library has no measures without a reference"
_SETS = (
    "a measure of whole sets: metrics.InceptionMetrics, on the command line --metrics fid,kid,is"
)
_MEASURES = {
    "mse": "did you mean 'l2'?",
    "mae": "did you mean 'l1'?",
    "rmse": "'l2' is its square",
    **dict.fromkeys(("psnr_y", "psnry", "y_psnr", "ssim_y", "ssimy", "y_ssim"), _Y),
    **dict.fromkeys(("vifp", "vif_p"), "did you mean 'vif'?"),
    **dict.fromkeys(("lpips_alex", "lpips_alexnet"), "did you mean 'lpips'?"),
    "lpips_vgg16": "did you mean 'lpips_vgg'?",
    **dict.fromkeys(("fid", "kid", "is", "inception_score"), _SETS),
    **dict.fromkeys(("niqe", "brisque", "piqe", "ilniqe", "nima", "musiq"), _NO_REFERENCE),
    **dict.fromkeys(("maniqa", "clipiqa", "topiq_nr", "dbcnn", "hyperiqa"), _NO_REFERENCE),
    **dict.fromkeys(("tv", "total_variation"), "total variation compares no two images"),
}

# Other libraries' names of classes, and the expression here.
_CLASSES = {
    "SSIM": "SSIMLoss, or metrics.SSIM",
    "MS_SSIM": "MSSSIMLoss, or metrics.MSSSIM",
    "MultiScaleSSIMLoss": "MSSSIMLoss",
    "PSNR": "metrics.PSNR",
    "MSELoss": "L2Loss",
    "MAELoss": "L1Loss",
    "GANLoss": "AdversarialLoss",
    "TVLoss": "TotalVariationLoss",
    "WeightedTVLoss": "TotalVariationLoss",
    "LPIPSLoss": "LPIPS",
    "DISTSLoss": "DISTS",
    "ContentLoss": "PerceptualLoss",
    "VGGLoss": "PerceptualLoss",
    "StyleLoss": "TextureLoss",
    "GramLoss": "TextureLoss",
    "FID": "metrics.InceptionMetrics(['fid'])",
    "KID": "metrics.InceptionMetrics(['kid'])",
    "FrechetInceptionDistance": "metrics.InceptionMetrics(['fid'])",
    "KernelInceptionDistance": "metrics.InceptionMetrics(['kid'])",
    "InceptionScore": "metrics.InceptionMetrics(['is'])",
    "PeakSignalNoiseRatio": "metrics.PSNR",
    "StructuralSimilarityIndexMeasure": "metrics.SSIM",
    "MultiScaleStructuralSimilarityIndexMeasure": "metrics.MSSSIM",
    "LearnedPerceptualImagePatchSimilarity": "metrics.LPIPS",
}


# Names that are not functions here: of other libraries, and of measures that are elsewhere.
_VIDEO = "ssimloss.video.vmaf, or ssimloss.VMAFLoss"
_INCEPTION = "ssimloss.metrics.InceptionMetrics"
_FUNCTIONS = {
    **dict.fromkeys(("mse", "mse_loss", "mean_squared_error"), "l2"),
    **dict.fromkeys(("mae", "mae_loss", "mean_absolute_error"), "l1"),
    **dict.fromkeys(("smooth_l1", "smooth_l1_loss"), "huber"),
    **dict.fromkeys(("tv", "tv_loss"), "total_variation"),
    **dict.fromkeys(("vmaf", "vmaf_loss", "vmaf_neg"), _VIDEO),
    **dict.fromkeys(("fid", "kid", "inception_score"), _INCEPTION),
    **dict.fromkeys(("lpips_loss", "learned_perceptual_image_patch_similarity"), "ssimloss.LPIPS"),
    "dists_loss": "ssimloss.DISTS",
    "adists_loss": "ssimloss.ADISTS",
    "embedded": "ssimloss.metrics.measure('embedded')",
    "psnr_loss": "l2, whose logarithm it is",
    "peak_signal_noise_ratio": "psnr",
    **dict.fromkeys(("structural_similarity", "structural_similarity_index_measure"), "ssim"),
    **dict.fromkeys(("multi_scale_ssim", "msssim", "multiscale_ssim"), "ms_ssim"),
    "multi_scale_gmsd": "ms_gmsd",
    "vif_p": "vif",
    "gan_loss": "adversarial_generator_loss, or ssimloss.AdversarialLoss",
    **dict.fromkeys(("adversarial_loss", "adversarial"), "adversarial_generator_loss"),
    **dict.fromkeys(("perceptual", "vgg_loss", "content_loss"), "ssimloss.PerceptualLoss"),
    **dict.fromkeys(("style_loss", "gram_loss"), "texture_loss"),
    "delta_e": "ciede2000",
    "contextual": "contextual_loss",
}
# Functions of features -> the module that takes images.
_OF_IMAGES = {"lpips": "LPIPS", "dists": "DISTS", "adists": "ADISTS"}


def of_images(function: str) -> str:
    """The way out of a call of a function of features with images; empty for other functions."""
    module = _OF_IMAGES.get(function)
    return f"; it takes features: of images, ssimloss.{module}()(pred, target)" if module else ""


def measure_of(name: str) -> str:
    """What another library's name of a measure means here; empty for other names."""
    return _MEASURES.get(folded(name), "")


def no_attribute(module: str, name: str, known: Collection[str]) -> AttributeError:
    """The error for a name that a module does not have, with another library's name translated."""
    close = near(name, known, cutoff=0.75)
    meant = (_FUNCTIONS if module.endswith(".functional") else _CLASSES).get(name) or (
        close[0] if close else ""
    )
    told = f"; did you mean {meant}?" if meant else ""
    return AttributeError(f"module {module!r} has no attribute {name!r}{told}")


def image_of(name: str) -> str:
    """``"pred"`` or ``"target"`` for another library's name of it; empty for other names."""
    return _IMAGES.get(name, "")


def nearest(name: str) -> str:
    """Another library's keyword that is similar to this one; empty if there is none."""
    return next(iter(near(name, _OPTIONS, cutoff=0.75)), "")


def advice(name: str, known: Collection[str]) -> str:
    """The replacement here for another library's keyword; empty if the keyword is not known.

    Args:
        known: the keywords of the caller.
    """
    if image_of(name) in known:
        return f"did you mean {image_of(name)!r}?"
    for option, meaning in _OPTIONS.get(name, ()):
        if not option:
            return meaning
        if option in known:
            return f"did you mean {option!r}{f' ({meaning})' if meaning else ''}?"
    return ""
