"""Attributes: in what two conventions of a measure can differ, with descriptions.

An attribute consists of keys of the preparation or of the options, and descriptions of their
values.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

State = Mapping[str, Any]  # a value for every key


@dataclasses.dataclass(frozen=True)
class Attribute:
    """A difference between conventions. ``words`` describes its state in a table, ``sentence`` in a
    description; the sentence is empty if nothing is done.
    """

    name: str
    keys: tuple[str, ...]
    words: Callable[[State], str]
    sentence: Callable[[State], str]


def switch(name: str, key: str, words: str, sentence: str) -> Attribute:
    """An attribute of one key that is True or False, with its text for True."""
    return Attribute(
        name, (key,), lambda s: words if s[key] else "no", lambda s: sentence if s[key] else ""
    )


def choice(name: str, key: str, choices: Mapping[Any, tuple[str, str]]) -> Attribute:
    """An attribute of one key: ``words`` and ``sentence`` for each of its values."""
    return Attribute(name, (key,), lambda s: choices[s[key]][0], lambda s: choices[s[key]][1])


def distance(sentence: str) -> Attribute:
    """The attribute of a distance, whose name is the ``{}`` of the sentence, and of Charbonnier's
    ``eps``.
    """
    return Attribute(
        "distance",
        ("distance", "eps"),
        lambda s: s["distance"],
        lambda s: (
            sentence.format(s["distance"])
            + (f", eps = {s['eps']:g}" if s["distance"] == "charbonnier" else "")
        ),
    )


PREPARATION = (
    switch("clamp", "clamp", "to data_range", "clamp to [0, 1]"),
    switch("8-bit rounding", "quantize", "256 levels", "round to 256 levels, as in an 8-bit file"),
    switch("crop", "crop", "crop_border", "cut crop_border pixels off every side"),
    choice(
        "luma",
        "luma",
        {
            None: ("all channels", ""),
            "bt601_studio": (
                "Y, BT.601 studio range",
                "luma of ITU-R BT.601 in studio range: Y = 65.481 R + 128.553 G + 24.966 B + "
                "16, from 16 to 235 on a scale of 255",
            ),
            "bt601": (
                "Y, BT.601 full range",
                "luma of ITU-R BT.601 in full range (Y of YIQ): 0.299 R + 0.587 G + 0.114 B",
            ),
            "bt601_float32": (
                "Y, BT.601 full range",
                "luma of ITU-R BT.601 in full range (Y of YIQ): 0.299 R + 0.587 G + 0.114 B, the "
                "weights rounded to float32",
            ),
            "matlab": (
                "MATLAB's rgb2gray",
                "gray as MATLAB's rgb2gray: 0.2989 R + 0.5870 G + 0.1140 B, with all its digits",
            ),
        },
    ),
    switch("rounded luma", "round", "whole codes", "round to whole codes on a scale of 255"),
)

OVER_BATCH = choice(
    "over the batch",
    "reduction",
    {
        "mean": ("mean of images", "mean over the images"),
        "sum": ("sum of images", "sum over the images"),
        "image": ("one per image", "one value per image"),
    },
)
PADDING = choice(
    "border",
    "padding",
    {
        "valid": (
            "whole windows only",
            "whole windows only: the map is smaller than the images by window_size - 1",
        ),
        "reflect": ("reflected", "images reflected at the border, and the whole map counts"),
        "replicate": ("replicated", "border pixels repeated, and the whole map counts"),
        "zeros": ("zeros", "zeros beyond the border, and the whole map counts"),
    },
)
YIQ_MATRIX = choice(
    "matrix of I and Q",
    "yiq",
    {
        "three digits": ("three digits", "I = 0.596 R - 0.274 G - 0.322 B and so on"),
        "four digits": ("four digits", "I = 0.5959 R - 0.2746 G - 0.3213 B and so on"),
    },
)
