"""MAD as implementations compute it."""

from typing import Any

from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute, choice
from ssimloss.conventions.convention import Convention, Table
from ssimloss.conventions.details import with_details
from ssimloss.functional.mad import MAD, mad_of

_PYIQA: dict[str, Any] = {"blocks": "pyiqa", "filters": "pyiqa"}
CONVENTIONS = Table(
    "MAD",
    MAD,
    (
        *PREPARATION,
        choice(
            "colours",
            "channels",
            {
                "luma": ("luma", "luma 0.299 R + 0.587 G + 0.114 B of colour images"),
                "each": ("each channel", "each channel by itself, mean over channels"),
            },
        ),
        Attribute(
            "sensitivity",
            ("pixels_per_degree",),
            lambda s: f"{s['pixels_per_degree']:g} pixels per degree",
            lambda s: f"contrast sensitivity at {s['pixels_per_degree']:g} pixels per degree",
        ),
        Attribute(
            "lightness",
            ("white",),
            lambda s: f"codes up to {s['white']:g}",
            lambda s: (
                ""
                if s["white"] == 255
                else f"the lightness of codes above {s['white']:g} is that of {s['white']:g}"
            ),
        ),
        choice(
            "blocks",
            "blocks",
            {
                "larson": (
                    "inside, N - 1",
                    "blocks of 16 x 16 pixels at every fourth position, without the outermost 16 "
                    "pixels; deviations over N - 1; contrast of the target is the least of four "
                    "parts of 8 x 8",
                ),
                "pyiqa": (
                    "all, N",
                    "blocks of 16 x 16 pixels at every fourth position; deviations over N; "
                    "contrast of the target is half the least of the block and the three before "
                    "it; those of three channels are stored by position and read by channel",
                ),
            },
        ),
        choice(
            "filters",
            "filters",
            {
                "larson": ("weighted by scale", "log-Gabor subbands weighted by their scale"),
                "pyiqa": (
                    "weighted by orientation",
                    "log-Gabor subbands weighted by their orientation, 0.5, 0.75, 1 and 5 of "
                    "13.25; the sensitivity is stored transposed, which mixes frequencies unless "
                    "H = W",
                ),
            },
        ),
        Attribute(
            "mixture",
            ("blend",),
            lambda s: "blend = {:g}, {:g}".format(*s["blend"]),
            lambda s: "both parts mixed with blend = {:g}, {:g}".format(*s["blend"]),
        ),
        OVER_BATCH,
    ),
    Convention(
        "larson2010",
        "the authors' code on gray images, or on the unrounded luma of RGB",
        "MAD_index.m, version of September 2011, on doubles",
        p.OCTAVE,
        1e-10,
    ),
    Convention(
        "matlab",
        "gray 8-bit images in MATLAB",
        "MAD_index.m on rgb2gray(uint8)",
        p.OCTAVE,
        1e-10,
        options={"white": 254.0},
        preparation=p.MATLAB_GRAY,
        notes=("uint8(255) + 1 is 255, so that the authors' table gives white the value of 254.",),
    ),
    Convention(
        "pyiqa",
        "IQA-PyTorch's 'mad': each channel",
        "MAD(); create_metric('mad')",
        p.PYIQA,
        1e-6,
        "its sensitivity is float32",
        options=_PYIQA | {"channels": "each"},
        notes=("Its gradient is not finite where a block is flat.",),
    ),
    function=with_details(MAD, mad_of),
)
