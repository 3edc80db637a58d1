"""The known files of weights: name, file, SHA-256, size, licence, and the URL of those that do not
come with the package.
"""

import functools
import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssimloss._words import named

EMBEDDED = "embedded"
IMAGENET = "imagenet"
_FIRST_WEIGHTS = "IMAGENET1K_V1"


@dataclass(frozen=True)
class WeightsFile:
    """One file by name.

    The file's SHA-256 must start with ``sha256``: the whole digest for bundled files; for others
    the first eight digits or more, which are part of the published file name. Eight digits detect
    damage; they do not prove the origin.
    """

    name: str  # of the network or of the bundled file
    word: str  # what ``weights`` is set to for it
    file: str
    sha256: str
    size: int  # in bytes; of torchvision's files to about 1 kB
    licence: str
    url: str | None = None  # None: it comes with the package

    @property
    def title(self) -> str:
        """The entry as in a sentence."""
        return (
            f"bundled weights {self.name!r}"
            if self.url is None
            else f"weights {self.word!r} of network {self.name!r}"
        )

    @property
    def fetch_command(self) -> str:
        """The command that downloads the file."""
        option = "" if self.word in (_FIRST_WEIGHTS, IMAGENET) else f" --weights {self.word}"
        return f"ssimloss weights fetch {self.name}{option}"


def _bundled(
    name: str, size: int, sha256: str, licence: str, suffix: str = "safetensors"
) -> WeightsFile:
    return WeightsFile(name, "bundled", f"{name}.{suffix}", sha256, size, licence)


# One line for each file in the folder weights/ of the repository, as in its MANIFEST.toml.
BUNDLED = (
    _bundled(
        "lpips_alexnet_v0.1",
        5032,
        "09add9e8c9188b4655b43140ce994afd6ef2d42a9c9011550b7bd93b876a0b75",
        "BSD-2-Clause",
    ),
    _bundled(
        "lpips_vgg16_v0.1",
        6304,
        "a6d3a8f66c931ba4d6650a578bc6637bd81601044106d21aacf40439328d690c",
        "BSD-2-Clause",
    ),
    _bundled(
        "lpips_squeezenet1_1_v0.1",
        9512,
        "d40d9608c7f0dce352fc00e0e358e88107ff497e15c4f1118fc263dbcad5823d",
        "BSD-2-Clause",
    ),
    _bundled(
        "alexnet_features",
        9879832,
        "e916a7f697b11a89c2de41a7342a1cbd8c873c5f0c5e111860ec4d0f18e327e2",
        "BSD-3-Clause",
    ),
    _bundled(
        "squeezenet1_1_features",
        2894976,
        "b868bf1782c11b38567d2f500b68873b08d1e58348212c1d6711541646682ac5",
        "BSD-3-Clause",
    ),
    _bundled(
        "dists", 12032, "40ec4f7d5a5cd3502f0537a99557986839fabdb633aca8922bd811b820ef06b4", "MIT"
    ),
    _bundled(
        EMBEDDED, 957632, "bc0eb85bbd1de4f90b9b38a86c55a7df863adcabf04b17615d7f7697afdf8f5c", "MIT"
    ),
    _bundled(
        "vmaf_v0.6.1",
        19101,
        "5950d61fa1f861bd45d8149d80539ed9f3376cfc2495b8f0fa8e9f57cb131ee3",
        "BSD-2-Clause-Patent",
        "json",
    ),
    _bundled(
        "vmaf_v0.6.1neg",
        19519,
        "1fcda193aaa2a3136471b7516b3c5dc344546c05fcde2d58609f8c60a2387392",
        "BSD-2-Clause-Patent",
        "json",
    ),
)

# What a bundled file holds of a network with torchvision's first weights: the start of the names of
# its tensors, and the file.
_PARTS = {
    "alexnet": ("features.", "alexnet_features"),
    "squeezenet1_1": ("features.", "squeezenet1_1_features"),
}

# The network of FID, KID and Inception score, as torch-fidelity converted it from the original of
# 2015.
INCEPTION = WeightsFile(
    "inception",
    IMAGENET,
    "weights-inception-2015-12-05-6726825d.pth",
    "6726825d",
    95_628_359,
    "Apache-2.0, terms of ImageNet",
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
)


def bundled(name: str) -> WeightsFile:
    """The row of a bundled file; ValueError lists the names there are."""
    rows = {row.name: row for row in BUNDLED}
    return rows[named("name", name, rows)]


def part(network: str, word: str, needed: Collection[str]) -> WeightsFile | None:
    """The bundled file that holds all tensors named in ``needed``; None if there is none."""
    prefix, name = _PARTS.get(network, ("", ""))
    is_held = name and needed and all(key.startswith(prefix) for key in needed)
    return bundled(name) if is_held and word in (IMAGENET, _FIRST_WEIGHTS) else None


def networks() -> list[str]:
    """Every name of a torchvision classification network."""
    import torchvision

    return list(torchvision.models.list_models(module=torchvision.models))


def words(network: str) -> list[str]:
    """torchvision's names of the weights it has for a network, the first one first."""
    import torchvision

    return list(torchvision.models.get_model_weights(network).__members__)


def published(network: str, word: str = IMAGENET) -> WeightsFile:
    """The file behind ``weights=word`` for a torchvision network; ``"imagenet"`` is torchvision's
    ``IMAGENET1K_V1``.

    Raises:
        ValueError: unknown network, or torchvision has no weights of that name for it.
    """
    import torchvision

    network = named("network", network, networks())
    members = torchvision.models.get_model_weights(network).__members__
    wanted = _FIRST_WEIGHTS if word == IMAGENET else word
    if wanted not in members:
        raise unknown_word(
            network, word, ([IMAGENET] if _FIRST_WEIGHTS in members else []) + list(members)
        )
    weights = members[wanted]
    return _from_torchvision(network, weights.name, weights.url, weights.meta)


def unknown_word(network: str, word: str, words: Iterable[str]) -> ValueError:
    """The error for ``weights=word``, which lists the words of this network. ``"random"`` is a word
    of losses, not of files.
    """
    choices = f"for network {network!r} one of {', '.join(map(repr, words))}"
    if word == "random":
        return ValueError(
            f"weights must be a path, a state dict, or {choices}, got 'random', which is in no "
            "file; losses and networks.FeatureExtractor draw random weights"
        )
    return ValueError(f"weights must be a path, a state dict, 'random', or {choices}, got {word!r}")


def _from_torchvision(network: str, word: str, url: str, meta: dict[str, Any]) -> WeightsFile:
    file = url.rsplit("/", 1)[-1]
    digits = re.search(r"-([0-9a-f]{8,64})\.", file)
    if digits is None:
        raise RuntimeError(
            f"torchvision publishes no checksum of {file}, so that damage could not be detected; "
            f"download {url} and pass its path"
        )
    licence = meta.get("license", "BSD-3-Clause, terms of ImageNet")
    return WeightsFile(
        network, word, file, digits[1], round(meta["_file_size"] * 1e6), licence, url
    )


@functools.cache
def recorded() -> tuple[WeightsFile, ...]:
    """What torchvision publishes, from ``torchvision.json``, a copy of its tables: importing
    torchvision takes seconds.
    """
    path = Path(__file__).with_name("torchvision.json")
    return tuple(WeightsFile(**row) for row in json.loads(path.read_text(encoding="utf-8")))


def catalogue() -> list[WeightsFile]:
    """Every named file once: bundled files, the network of FID, then those of torchvision."""
    rows: dict[str, WeightsFile] = {}
    for row in (*BUNDLED, INCEPTION, *recorded()):
        rows.setdefault(row.file, row)
    return list(rows.values())
