"""VSI as implementations compute it."""

from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute, choice
from ssimloss.conventions.convention import Convention, Table
from ssimloss.conventions.details import with_details
from ssimloss.functional.vsi import VSI, vsi_of

_FACTOR = "f = max(1, round(min(H, W) / 256))"
CONVENTIONS = Table(
    "VSI",
    VSI,
    (
        *PREPARATION,
        choice(
            "size of the saliency",
            "resizing",
            {
                "smooth": (
                    "256 x 256, imresize",
                    "saliency at 256 x 256 pixels, resized as MATLAB's imresize(..., 'bilinear')",
                ),
                "points": (
                    "256 x 256, two nearest pixels",
                    "saliency at 256 x 256 pixels, resized between the nearest pixels, and back "
                    "with the corners upon each other",
                ),
                "none": (
                    "that of the images",
                    "saliency at the size of the images, its centre one pixel farther",
                ),
            },
        ),
        choice(
            "CIELAB",
            "white",
            {
                "d50": ("white of D50", "CIELAB of sRGB over the white (0.9642, 1, 0.8251)"),
                "d50_long": ("white of D50, long", "CIELAB of sRGB over D50 of all digits"),
                "d65_inverse": (
                    "times the white of D65",
                    "CIELAB of sRGB with X and Z times 0.950456 and 1.088754",
                ),
            },
        ),
        choice(
            "shrinking",
            "blocks",
            {
                "zeros": (
                    "means, zeros beyond",
                    f"means of f x f pixels, {_FACTOR}, zeros beyond the border",
                ),
                "replicate": (
                    "means, border repeated",
                    f"means of f x f pixels, {_FACTOR} with halves rounded to even, border pixels "
                    "repeated, an incomplete last block dropped",
                ),
                "drop": (
                    "means, rest dropped",
                    f"means of f x f pixels, {_FACTOR} with halves rounded to even, an incomplete "
                    "last block dropped",
                ),
            },
        ),
        Attribute(
            "similarity",
            ("alpha", "beta"),
            lambda s: f"alpha = {s['alpha']:g}, beta = {s['beta']:g}",
            lambda s: (
                "similarity of saliency (C1 = 1.27), of Scharr gradients (C2 = 386) to the power "
                f"{s['alpha']:g} and of M and N (C3 = 130) to the power {s['beta']:g}"
            ),
        ),
        choice(
            "negative similarity of colours",
            "negative",
            {
                "real": ("real part", "the real part of powers of negative similarities"),
                "magnitude": ("magnitude", "powers of the magnitude of similarities"),
            },
        ),
        OVER_BATCH,
    ),
    Convention("zhang2014", "the authors' code", "VSI.m", "tests/reference.py", 1e-10),
    Convention(
        "matlab",
        "8-bit images in MATLAB: the values of RGB files",
        "VSI.m on uint8",
        "tests/reference.py",
        1e-10,
        preparation=p.MATLAB_RGB,
    ),
    Convention(
        "piq",
        "piq with its defaults",
        "piq.vsi(data_range=...)",
        p.PIQ,
        1e-10,
        options={"resizing": "points", "white": "d50_long", "blocks": "replicate"},
    ),
    Convention(
        "iqa_optimization",
        "IQA-optimization (IQA_pytorch), colour images",
        "IQA_pytorch.VSI()(pred, target, as_loss=False)",
        "IQA-optimization 6b46c3b",
        1e-6,
        exact="the original code computes in float32",
        options={
            "resizing": "none",
            "white": "d65_inverse",
            "blocks": "drop",
            "negative": "magnitude",
        },
        notes=("It multiplies X and Z by the white of D65, where CIELAB divides by it.",),
    ),
    function=with_details(VSI, vsi_of),
)
