"""Sentences on results whose bit depth differs from that of their references."""

import math
from collections import Counter
from collections.abc import Iterable

from ssimloss.evaluation._image_kinds import FLOAT, kind_words
from ssimloss.evaluation.plan import Batch


def depth_words(reference: int, distorted: int) -> str:
    """A sentence on one pair; empty if both have the same bit depth."""
    if reference == distorted:
        return ""
    kinds = f"reference of {kind_words(reference)}, result of {kind_words(distorted)}"
    low = min(reference, distorted)
    # The error of rounding has a variance of 1/12.
    limit = 20 * math.log10((1 << low) - 1) + 10 * math.log10(12)
    ranges = (
        ""
        if FLOAT in (reference, distorted)
        else f", {(1 << reference) - 1} and {(1 << distorted) - 1}"
    )
    return (
        f"{kinds}: each counts over its own range{ranges}; rounding to {low} bit alone leaves a "
        f"PSNR of about {limit:.0f} dB"
    )


def depth_note(batches: Iterable[Batch]) -> dict[str, str]:
    """The note on pairs of two bit depths: an entry of ``Evaluation.about``, or
    none.
    """
    found: Counter[tuple[str, str]] = Counter()
    for batch in batches:
        for method, header in zip(batch.methods, batch.distorted, strict=True):
            found[method, depth_words(batch.header.bit_depth, header.bit_depth)] += len(
                batch.images
            )
    lines = [
        f"{method}, {number} image{'' if number == 1 else 's'}: {words}"
        for (method, words), number in found.items()
        if words
    ]
    return {"bit depths": "\n".join(lines)} if lines else {}
