"""Weights as tensors: of a network by its name, or of a file that comes with the package."""

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss.weights._catalogue import (
    BUNDLED,
    EMBEDDED,
    IMAGENET,
    INCEPTION,
    WeightsFile,
    bundled,
    networks,
    part,
    published,
    unknown_word,
    words,
)
from ssimloss.weights._read import named_tensors, read
from ssimloss.weights._store import obtain
from ssimloss.weights._verify import demand_whole

Weights = str | os.PathLike[str] | Mapping[str, Tensor]
Layout = Mapping[str, torch.Size]

_MOST_NAMED = 5  # names of a kind in one error


def load_network(
    name: str,
    weights: Weights,
    *,
    layout: Layout | None = None,
    needed: Collection[str] | None = None,
) -> dict[str, Tensor]:
    """The state dict for a network, in torchvision's layout, on the CPU.

    Args:
        name: torchvision's name of a classification network, ``"embedded"``, or ``"inception"``,
            the network of FID.
        weights: ``"imagenet"`` (torchvision's ``IMAGENET1K_V1``), another of torchvision's names
            for this network, the path of a ``.pth`` or ``.safetensors`` file, or a state dict,
            whose tensors are passed through, not copied. ``"embedded"``, which was not trained on
            ImageNet, has one set of weights: ``"embedded"`` and the ``"imagenet"`` that is the
            default everywhere both mean it. The convolutions of ``"alexnet"`` and
            ``"squeezenet1_1"`` travel with the package; nothing is downloaded if ``needed`` names
            tensors of these only.
        layout: name to shape of everything the network holds,
            ``{k: v.shape for k, v in model.state_dict().items()}``. With it, weights of another
            architecture are refused, and the names of old files and the counters they lack are
            brought up to date.
        needed: the names in ``layout`` that must be there, all of them unless given: of a network
            that is not run to its end, weights may lack the rest.

    Raises:
        TypeError: ``weights`` is of another type, or a mapping of something other than tensors.
        ValueError: unknown name, or a mapping that does not fit ``layout``; the message lists what
            is missing, too much or misshapen.
        RuntimeError: there is no file and no network to fetch it, the file is damaged, or does not
            fit ``layout``.
    """
    if isinstance(weights, Mapping):
        return _fitted(
            name,
            named_tensors(weights, "weights", TypeError),
            layout,
            needed,
            "weights",
            ValueError,
        )
    if not isinstance(weights, (str, os.PathLike)):
        raise TypeError(
            f"weights must be a name, a path or a state dict, got {type(weights).__name__}; pass "
            "a module as network="
        )
    if _is_path(weights):
        path = Path(weights).expanduser()
        _demand_known_bytes(name, path)
    else:
        word = os.fspath(weights)
        path = obtain(part(name, word, needed or ()) or _named(name, word))
    return _fitted(name, read(path), layout, needed, f"weights file {path}", RuntimeError)


def load_bundled(name: str) -> dict[str, Tensor]:
    """The tensors of a file that comes with the package.

    ``"lpips_alexnet_v0.1"``, ``"lpips_vgg16_v0.1"``: ``lin0`` .. ``lin4``,
    ``"lpips_squeezenet1_1_v0.1"``: ``lin0`` .. ``lin6``, each of shape ``(C,)``. ``"dists"``:
    ``alpha`` and ``beta`` of shape ``(1475,)``: the image's 3 channels, then those of relu1_2 ..
    relu5_3. ``"alexnet_features"``, ``"squeezenet1_1_features"``: the convolutions of torchvision's
    AlexNet and SqueezeNet 1.1, under its names.

    Raises:
        ValueError: there is no bundled file of tensors of that name.
        RuntimeError: it is missing or damaged.
    """
    tensors = [row.name for row in BUNDLED if row.file.endswith(".safetensors")]
    _checks.choice("name", name, tensors)
    return read(obtain(bundled(name)))


def bundled_text(name: str) -> str:
    """The text of a file that comes with the package: ``"vmaf_v0.6.1"``, ``"vmaf_v0.6.1neg"``.

    Raises:
        ValueError: there is no bundled file of text of that name.
        RuntimeError: it is missing or damaged.
    """
    texts = [row.name for row in BUNDLED if row.file.endswith(".json")]
    _checks.choice("name", name, texts)
    return obtain(bundled(name)).read_text(encoding="utf-8")


def _named(network: str, word: str) -> WeightsFile:
    if network == EMBEDDED:
        if word not in (EMBEDDED, IMAGENET):
            raise unknown_word(network, word, (EMBEDDED, IMAGENET))
        return bundled(EMBEDDED)
    if network == INCEPTION.name:
        if word != IMAGENET:
            raise unknown_word(network, word, (IMAGENET,))
        return INCEPTION
    return published(network, word)


def _is_path(weights: str | os.PathLike[str]) -> bool:
    # No word of torchvision's has a dot or a slash.
    return not isinstance(weights, str) or any(sign in weights for sign in (".", "/", os.sep))


def _demand_known_bytes(network: str, path: Path) -> None:
    """Check that a file with a name of torchvision has the SHA-256 in that name."""
    if network == INCEPTION.name and path.name == INCEPTION.file and path.is_file():
        demand_whole(INCEPTION, path)
    if network not in networks():
        return
    for word in words(network):
        entry = published(network, word)
        if path.name == entry.file and path.is_file():
            demand_whole(entry, path)


def _fitted(
    name: str,
    state: dict[str, Tensor],
    layout: Layout | None,
    needed: Collection[str] | None,
    what: str,
    kind: type[Exception],
) -> dict[str, Tensor]:
    if layout is None:
        return state
    for old in [key for key in state if key not in layout]:
        # torchvision's DenseNet files still have the names of 2017, norm.1 for norm1.
        current = re.sub(r"(denselayer\d+\.(?:norm|relu|conv))\.(\d\.)", r"\1\2", old)
        if current in layout and current not in state:
            state[current] = state.pop(old)
    missing = [key for key in (layout if needed is None else needed) if key not in state]
    for counter in [key for key in missing if key.endswith("num_batches_tracked")]:
        # Older than the counter itself, which nothing reads in evaluation.
        state[counter] = torch.zeros((), dtype=torch.int64, device="cpu")
        missing.remove(counter)
    wrong = [key for key in layout if key in state and state[key].shape != layout[key]]
    faults = (
        ("lacks", missing),
        ("has beyond it", [key for key in state if key not in layout]),
        (
            "has of another shape",
            [f"{key} {tuple(state[key].shape)} instead of {tuple(layout[key])}" for key in wrong],
        ),
    )
    if any(keys for _, keys in faults):
        listed = "; ".join(f"{fault} {_listed(keys)}" for fault, keys in faults if keys)
        raise kind(
            f"{what} does not fit network {name!r}: it {listed}; pass a network of other layers "
            "or classes as network=model"
        )
    return state


def _listed(keys: list[str]) -> str:
    more = f" and {len(keys) - _MOST_NAMED} more" if len(keys) > _MOST_NAMED else ""
    return f"{', '.join(keys[:_MOST_NAMED])}{more}"
