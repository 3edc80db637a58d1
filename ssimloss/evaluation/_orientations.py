"""Orientation tags: a file records how the camera was held, and stores the pixels as the sensor
returned them. Some software applies the tag, and some drops it.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Literal, get_args

from torch import Tensor

Orientation = Literal["apply", "ignore"]
ORIENTATIONS: tuple[str, ...] = get_args(Orientation)
UPRIGHT = 1
_TURNED = 5  # from here on height and width change places
_WORDS = {
    2: "mirrored",
    3: "turned by 180 degrees",
    4: "mirrored upside down",
    5: "mirrored and turned by 270 degrees clockwise",
    6: "turned by 90 degrees clockwise",
    7: "mirrored and turned by 90 degrees clockwise",
    8: "turned by 270 degrees clockwise",
}
_INVERSE = {6: 8, 8: 6}  # all others undo themselves
_WAY_OUT = "orientation='{0}', on the command line --orientation {0}"


def upright(pixels: Tensor, tag: int) -> Tensor:
    """Turn pixels ``(C, H, W)`` as stored upright, by the tag."""
    if tag >= _TURNED:
        pixels = pixels.transpose(1, 2)
    flipped = {2: (2,), 3: (1, 2), 4: (1,), 6: (2,), 7: (1, 2), 8: (1,)}.get(tag)
    return pixels.flip(flipped) if flipped else pixels


def as_stored(pixels: Tensor, tag: int) -> Tensor:
    """The inverse of :func:`upright`."""
    return upright(pixels, _INVERSE.get(tag, tag))


def turned_size(size: tuple[int, int], tag: int) -> tuple[int, int]:
    """Height and width after, or before, the tag is applied."""
    height, width = size
    return (width, height) if tag >= _TURNED else (height, width)


def orientation_words(reference: int, distorted: int, option: Orientation) -> str:
    """A sentence on the tags of one pair; empty if neither file has one."""
    if reference == distorted == UPRIGHT:
        return ""
    if reference == distorted:
        done = "applied to both" if option == "apply" else "ignored in both"
        return f"reference and result have orientation tag {_shown(reference)}, {done}"
    both = f"reference has {_tag(reference)}, result has {_tag(distorted)}"
    if option == "ignore":
        return f"{both}; pixels are compared as they are stored"
    return (
        f"{both}; images were turned upright. If a program dropped the tag but did not turn the "
        f"pixels, compare the pixels as stored: {_WAY_OUT.format('ignore')}"
    )


def size_way_out(
    sizes: tuple[tuple[int, int], tuple[int, int]], tags: tuple[int, int], option: Orientation
) -> str:
    """What to do about a reference and a result whose sizes differ because of their tags; empty if
    the tags have nothing to do with it.
    """
    first, second = (turned_size(size, tag) for size, tag in zip(sizes, tags, strict=True))
    if tags[0] == tags[1] or first != second:
        return ""
    other = "ignore" if option == "apply" else "apply"
    done = "turned upright" if option == "apply" else "compared as stored"
    return (
        f"reference has {_tag(tags[0])}, result has {_tag(tags[1])}, and images are {done}: with "
        f"{_WAY_OUT.format(other)} their sizes are equal"
    )


def orientation_note(pairs: Iterable[tuple[str, int, int]], option: Orientation) -> dict[str, str]:
    """The note on orientation tags: an entry of ``Evaluation.about``, or none.

    Args:
        pairs: method, and the tags of reference and result, of each pair that was compared.
        option: what was done with the tags.
    """
    found = Counter(
        (method, words)
        for method, reference, distorted in pairs
        if (words := orientation_words(reference, distorted, option))
    )
    lines = [
        f"{method}, {number} image{'' if number == 1 else 's'}: {words}"
        for (method, words), number in found.items()
    ]
    return {"orientation": "\n".join(lines)} if lines else {}


def _tag(tag: int) -> str:
    return "no orientation tag" if tag == UPRIGHT else f"orientation tag {_shown(tag)}"


def _shown(tag: int) -> str:
    return f"{tag} ({_WORDS[tag]})"
