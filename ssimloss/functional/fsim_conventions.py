"""FSIM as implementations compute it."""

from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, YIQ_MATRIX, Attribute, choice
from ssimloss.conventions.convention import Convention, Table
from ssimloss.conventions.details import with_details
from ssimloss.functional.fsim import FSIM, fsim_of

CONVENTIONS = Table(
    "FSIM",
    FSIM,
    (
        *PREPARATION,
        choice(
            "shrinking",
            "blocks",
            {
                "zeros": (
                    "means, zeros beyond",
                    "means of f x f pixels, f = max(1, round(min(H, W) / 256)), zeros beyond the "
                    "border",
                ),
                "drop": (
                    "means, rest dropped",
                    "means of f x f pixels, f = max(1, round(min(H, W) / 256)) with halves rounded "
                    "to even, an incomplete last block dropped",
                ),
            },
        ),
        choice(
            "planes",
            "planes",
            {
                "luma": ("luma", "luma 0.299 R + 0.587 G + 0.114 B of colour images"),
                "yiq": ("Y, I and Q", "Y, I and Q of colour images"),
            },
        ),
        YIQ_MATRIX,
        choice(
            "median of an even number",
            "median",
            {
                "middle": ("mean of the middle two", "noise from the median of the finest scale"),
                "lower": ("the lower", "noise from the median of the finest scale, the lower one"),
            },
        ),
        Attribute(
            "epsilon of the phase",
            ("epsilon",),
            lambda s: f"{s['epsilon']:g}",
            lambda s: f"phase congruency with {s['epsilon']:g} beside the length of the mean phase",
        ),
        choice(
            "angles of the filters",
            "angles",
            {
                "columns": ("from the columns", "filters at angles from the horizontal frequency"),
                "rows": (
                    "from the rows",
                    "filters at angles from the vertical frequency, which counts the highest "
                    "frequency of even sides otherwise",
                ),
            },
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
    Convention(
        "zhang2011",
        "the authors' code: FSIMc of RGB images, FSIM of gray ones",
        "FeatureSIM.m",
        "tests/reference.py",
        1e-10,
    ),
    Convention(
        "zhang2011_luma",
        "the authors' code: FSIM of the luma",
        "FeatureSIM.m",
        "tests/reference.py",
        1e-10,
        options={"planes": "luma"},
    ),
    Convention(
        "matlab",
        "8-bit images in MATLAB: the values of RGB files",
        "FeatureSIM.m on uint8",
        "tests/reference.py",
        1e-10,
        preparation=p.MATLAB_RGB,
    ),
    Convention(
        "piq",
        "piq: FSIMc",
        "piq.fsim(data_range=...)",
        p.PIQ,
        1e-10,
        options={
            "blocks": "drop",
            "yiq": "four digits",
            "median": "lower",
            "negative": "magnitude",
            "epsilon": 2.0**-52,
            "angles": "rows",
        },
        gray="piq_luma",
    ),
    Convention(
        "piq_luma",
        "piq: FSIM of gray images, or of the luma",
        "piq.fsim(data_range=..., chromatic=False)",
        p.PIQ,
        1e-10,
        options={
            "planes": "luma",
            "blocks": "drop",
            "median": "lower",
            "epsilon": 2.0**-52,
            "angles": "rows",
        },
    ),
    function=with_details(FSIM, fsim_of),
)
