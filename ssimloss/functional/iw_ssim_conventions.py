"""IW-SSIM as implementations compute it."""

from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute, choice
from ssimloss.conventions.convention import Convention, Table
from ssimloss.conventions.details import with_details
from ssimloss.functional.iw_ssim import IW_SSIM, iw_ssim_of

CONVENTIONS = Table(
    "IW_SSIM",
    IW_SSIM,
    (
        *PREPARATION,
        choice(
            "channels",
            "channels",
            {
                "luma": ("luma", "luma 0.299 R + 0.587 G + 0.114 B of colour images"),
                "each": ("each alone", "each channel by itself, then the mean over channels"),
            },
        ),
        choice(
            "odd sides of the pyramid",
            "border",
            {
                "reflect": (
                    "mirrored at the last sample",
                    "bands of a Laplacian pyramid, mirrored at their outermost samples",
                ),
                "reflect_even": (
                    "mirrored beyond it",
                    "bands of a Laplacian pyramid, mirrored at an even size and cut to odd ones",
                ),
            },
        ),
        Attribute(
            "noise",
            ("noise",),
            lambda s: f"{s['noise']:g}",
            lambda s: (
                "contrast and structure weighted by the information of 3 x 3 neighbourhoods and "
                f"their parent, noise of {s['noise']:g} on a scale of 255"
            ),
        ),
        Attribute(
            "flat",
            ("flat",),
            lambda s: f"{s['flat']:.1g}",
            lambda s: f"variances below {s['flat']:.1g} count as 0",
        ),
        Attribute(
            "exponents",
            ("scale_weights", "exponents"),
            lambda s: f"{len(s['scale_weights'])} scales, {s['exponents']}",
            lambda s: (
                "product over scales with the exponents "
                f"{', '.join(f'{weight:g}' for weight in s['scale_weights'])}, {s['exponents']}"
            ),
        ),
        choice(
            "negative means",
            "negative",
            {
                "clamp": ("led to 0", "means below 1e-3 led to 0 along a hyperbola"),
                "magnitude": ("magnitude", "the magnitude of negative means"),
                "zero": ("0", "0 for negative means"),
            },
        ),
        OVER_BATCH,
    ),
    Convention(
        "wang2011",
        "the authors' code on gray images, or on the unrounded luma of RGB",
        "iwssim.m",
        "tests/reference.py",
        1e-10,
        notes=("The original refuses images below 176 pixels, and is complex for negative means.",),
    ),
    Convention(
        "matlab",
        "gray 8-bit images in MATLAB",
        "iwssim.m on rgb2gray(uint8)",
        "tests/reference.py",
        1e-10,
        preparation=p.MATLAB_GRAY,
        gray="wang2011",
    ),
    Convention(
        "piq",
        "piq with its defaults",
        "piq.information_weighted_ssim(data_range=...)",
        p.PIQ,
        1e-10,
        options={"border": "reflect_even", "negative": "magnitude", "flat": 2.0**-52},
        notes=(
            "The original code fails for a target without detail, and where detail is weaker than "
            "rounding its last digits differ: 2e-10 on a photograph with black areas.",
        ),
    ),
    Convention(
        "frame_analytics",
        "frame-analytics: every channel by itself",
        "frame_analytics.iw_ssim(target, pred, data_range=...)",
        p.FRAME_ANALYTICS,
        1e-10,
        options={
            "channels": "each",
            "border": "reflect_even",
            "exponents": "as given",
            "negative": "zero",
            "flat": 255**2 * 2.0**-52,
        },
        notes=(
            "The original takes the reference first. Its weights sum to 1.0001. Where detail is "
            "weaker than rounding its last digits differ: 5e-9 on a photograph with black areas.",
        ),
    ),
    function=with_details(IW_SSIM, iw_ssim_of),
)
