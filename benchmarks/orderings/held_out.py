"""The photographs that the embedded network is not trained on, and the battery on them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from ssimloss.study.orderings import CROPS, Trial, trials

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
from embedded_network import photographs

UNSEEN = ("motion blur", "impulse noise", "posterisation", "sharpening")  # not used in training


def held_out_trials(crops: int = CROPS) -> Iterator[Trial]:
    """The battery."""
    images = {name: photographs.read(path) for name, path in photographs.HELD_OUT.items()}
    cut = {
        name: photographs.cut(texture, images[texture.photograph])
        for name, texture in photographs.HELD_OUT_TEXTURES.items()
    }
    return trials(images, cut, crops)
