"""Weights: bundled files, the safetensors format, files that are refused, downloads, and what
happens without a network.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import os
import pickle
import runpy
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
import torchvision
from torch import Tensor, nn

import ssimloss
from ssimloss import _files, metrics, weights
from ssimloss.networks import FeatureExtractor
from ssimloss.weights import _download, _store, _verify

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parents[1] / "weights"
NETWORK = "squeezenet1_1"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has no weights but the bundled ones; the place of torchvision's
    cache on it.
    """
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("SSIMLOSS_WEIGHTS", raising=False)
    return tmp_path / "torch" / "hub" / "checkpoints"


def equal(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    """Same names, dtypes, shapes and bits."""
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert (tensor.dtype, tensor.shape) == (theirs[name].dtype, theirs[name].shape), name
        assert (
            tensor.contiguous().numpy(force=True).tobytes()
            == theirs[name].contiguous().numpy(force=True).tobytes()
            if (tensor.dtype is not torch.bfloat16)
            else torch.equal(tensor, theirs[name])
        ), name


# What travels with the package


def manifest() -> list[dict[str, Any]]:
    return tomllib.loads((FOLDER / "MANIFEST.toml").read_text(encoding="utf-8"))["weights"]


def test_manifest_table_and_files_agree() -> None:
    rows = manifest()
    table = {(row.name, row.file, row.size, row.sha256, row.licence) for row in weights.BUNDLED}
    assert {
        (row["name"], row["file"], row["size"], row["sha256"], row["license"]) for row in rows
    } == table
    files = [*FOLDER.glob("*.safetensors"), *FOLDER.glob("*.json")]
    assert {row["file"] for row in rows} == {path.name for path in files}
    for row in rows:
        content = (FOLDER / row["file"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (row["size"], row["sha256"])
        assert len((FOLDER / row["license_file"]).read_text(encoding="utf-8")) > 1000, (
            "the licence's full text"
        )
        assert row["source"]["project"]
        assert row["converted"]


def test_conversion_makes_the_same_bytes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SqueezeNet's source is a repository, and one package is built for x86-64 Linux only."""
    monkeypatch.setattr(sys, "argv", ["convert.py", "--out", str(tmp_path)])
    rows = [row for row in manifest() if "package" in row["source"]]
    absent = [row["file"] for row in rows if not is_installed(row["source"]["package"])]
    expected = "its source is missing: .*" + "".join(rf"{file} \(pip install .*" for file in absent)
    with pytest.raises(SystemExit, match=expected) as error:
        runpy.run_path(str(FOLDER / "convert.py"), run_name="__main__")
    assert "squeezenet1_1_features.safetensors (--lpips-torch2tf CHECKOUT at" in str(error.value)
    assert "not as in MANIFEST.toml" not in str(error.value)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {
        row["file"]: (FOLDER / row["file"]).read_bytes()
        for row in rows
        if row["file"] not in absent
    }


def is_installed(package: str) -> bool:
    try:
        importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


@pytest.mark.parametrize(
    ("name", "package", "file", "channels"),
    [
        ("lpips_alexnet_v0.1", "lpips", "lpips/weights/v0.1/alex.pth", [64, 192, 384, 256, 256]),
        ("lpips_vgg16_v0.1", "lpips", "lpips/weights/v0.1/vgg.pth", [64, 128, 256, 512, 512]),
        (
            "lpips_squeezenet1_1_v0.1",
            "lpips",
            "lpips/weights/v0.1/squeeze.pth",
            [64, 128, 256, 384, 384, 512, 512],
        ),
        ("dists", "DISTS_pytorch", "DISTS_pytorch/weights.pt", [1475, 1475]),
    ],
)
def test_bundled_weights_are_those_of_the_package(
    name: str, package: str, file: str, channels: list[int]
) -> None:
    ours = weights.load_bundled(name)
    path = importlib.metadata.distribution(package).locate_file(file)
    theirs = torch.load(str(path), map_location="cpu", weights_only=True)
    assert [len(tensor) for tensor in ours.values()] == channels
    for (our_name, our), (their_name, their) in zip(ours.items(), theirs.items(), strict=True):
        assert their_name.split(".")[0] == our_name
        assert torch.equal(our, their.flatten())
        assert our.min() >= 0


def test_unknown_bundled_name() -> None:
    with pytest.raises(
        ValueError, match=r"name must be one of 'lpips_alexnet_v0\.1', .*, got 'lpips_resnet'"
    ):
        weights.load_bundled("lpips_resnet")


def test_every_digit_of_a_bundled_file_counts() -> None:
    """Eight digits identify a file of torchvision; of a bundled one all 64 are known."""
    entry = weights.bundled("dists")
    path = FOLDER / entry.file
    assert _verify.demand_whole(entry, path) == path
    other = dataclasses.replace(entry, sha256=entry.sha256[:8] + "0" * 56)
    with pytest.raises(RuntimeError, match=r"is damaged or another file: .* is \w{8}0{56};"):
        _verify.demand_whole(other, path)


def test_damaged_bundled_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray((FOLDER / "dists.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "dists.safetensors").write_bytes(content)
    monkeypatch.setattr(_store, "_INSTALLED", tmp_path)
    with pytest.raises(
        RuntimeError,
        match=r"dists\.safetensors is damaged or another file: .* delete it, or install the "
        r"package again",
    ):
        weights.load_bundled("dists")
    (tmp_path / "dists.safetensors").unlink()
    with pytest.raises(RuntimeError, match="comes with the package and is missing"):
        weights.load_bundled("dists")


def test_a_bundled_file_changed_behind_its_time_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same size, same time of modification, in the same process."""
    path = tmp_path / "dists.safetensors"
    content = bytearray((FOLDER / path.name).read_bytes())
    path.write_bytes(content)
    long_ago = (1_000_000_000, 1_000_000_000)
    os.utime(path, long_ago)
    monkeypatch.setattr(_store, "_INSTALLED", tmp_path)
    weights.load_bundled("dists")
    content[-1] ^= 1
    with path.open("r+b") as file:  # the same inode
        file.write(content)
    os.utime(path, long_ago)
    with pytest.raises(RuntimeError, match="is damaged or another file"):
        weights.load_bundled("dists")
    assert all(row.size < _files._LARGE for row in weights.BUNDLED)


# Files of safetensors

EVERY_KIND = {
    "float64": torch.tensor([[1.0, -0.0, float("nan")]], dtype=torch.float64),
    "float32": torch.arange(6.0).reshape(2, 3),
    "float16": torch.tensor([65504.0, 6e-8], dtype=torch.float16),
    "bfloat16": torch.tensor([[3.0e38], [1.0]], dtype=torch.bfloat16),
    "int64": torch.tensor([-(2**63), 2**63 - 1]),
    "int32": torch.tensor([-5], dtype=torch.int32),
    "int16": torch.tensor([-5], dtype=torch.int16),
    "int8": torch.tensor([-128, 127], dtype=torch.int8),
    "uint8": torch.tensor([0, 255, 7], dtype=torch.uint8),
    "bool": torch.tensor([True, False, True]),
    "scalar": torch.tensor(2.5),
    "empty": torch.zeros(0, 3),
    "transposed, ünicode": torch.arange(12.0).reshape(3, 4).t(),
}


def test_written_files_are_read_back_and_by_the_safetensors_package(tmp_path: Path) -> None:
    path, about = tmp_path / "all.safetensors", {word: "a test" for word in "gfedcba"}
    weights.write_safetensors(path, EVERY_KIND, about)
    equal(weights.read(path), EVERY_KIND)
    equal(safetensors.torch.load_file(path), EVERY_KIND)
    with safetensors.safe_open(path, "pt") as file:
        assert file.metadata() == about
    before = path.read_bytes()
    weights.write_safetensors(
        str(path), dict(reversed(EVERY_KIND.items())), dict(reversed(about.items()))
    )
    assert path.read_bytes() == before, "the order of tensors and metadata does not matter"
    assert [file.name for file in tmp_path.iterdir()] == ["all.safetensors"]


def test_tensors_of_a_file_own_their_memory(tmp_path: Path) -> None:
    """Also those that shared memory when they were written."""
    tied, path = torch.arange(4.0), tmp_path / "a.safetensors"
    weights.write_safetensors(path, {"b": tied, "a": tied, "part": tied[1:]})
    before = path.read_bytes()
    state = weights.read(path)
    assert list(state) == ["a", "b", "part"]
    assert all(t.untyped_storage().nbytes() == t.nbytes for t in state.values()), (
        "a tensor that is kept does not keep the others"
    )
    state["a"].add_(1)
    equal({"b": state["b"], "part": state["part"]}, {"b": tied, "part": tied[1:]})
    assert path.read_bytes() == before


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    weights.write_safetensors(
        tmp_path / "whole.safetensors", {"a": torch.rand(3), "b": torch.arange(4)}
    )
    content = (tmp_path / "whole.safetensors").read_bytes()
    path = tmp_path / "cut.safetensors"
    for wrong in [*(content[:length] for length in range(len(content))), content + b"\0"]:
        path.write_bytes(wrong)
        with pytest.raises(
            RuntimeError, match=r"cut\.safetensors is damaged or not a safetensors file"
        ):
            weights.read(path)


def described(shape: object = (1,), offsets: object = (0, 4), dtype: str = "F32") -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    ("header", "length"),
    [
        ({"a": described(), "b": described()}, None),  # they overlap
        ({"a": described(), "b": described(offsets=[8, 12])}, None),  # a gap
        ({"a": described([2])}, None),  # the shape takes more bytes than the offsets
        ({"a": described([1 << 60], [0, 1 << 62])}, None),  # beyond the end of the file
        ({"a": described([2**62, 4])}, None),  # the size overflows 64 bits
        ({"a": described([0, 2**63], [0, 0])}, None),  # a size that PyTorch cannot hold
        ({"a": described(dtype="F5")}, None),
        (b'{"a":' * 20_000, None),  # nested too deeply for a parser that recurses
        ({"a": described()}, (1 << 64) - 1),  # a header longer than memory
        ({"a": described()}, 1 << 20),  # a header longer than the file
    ],
)
def test_hostile_headers_are_refused(tmp_path: Path, header: object, length: int | None) -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    length = len(text) if length is None else length
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + text + bytes(12 if b"8, 12" in text else 4))
    with pytest.raises(RuntimeError, match=r"is damaged or not a safetensors file: .") as caught:
        weights.read(path)
    assert "\n" not in str(caught.value)


def test_writing_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kept.safetensors"
    weights.write_safetensors(path, {"a": torch.ones(1)})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        RuntimeError, match=r"cannot write .*kept\.safetensors: No space left on device"
    ):
        weights.write_safetensors(path, {"a": torch.zeros(1)})
    assert weights.read(path)["a"].item() == 1
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(RuntimeError, match=r"cannot write .*: there is no folder .*nowhere"):
        weights.write_safetensors(tmp_path / "nowhere" / "a.safetensors", {"a": torch.zeros(1)})
    with pytest.raises(
        TypeError,
        match=r"tensors\['a'\] must be a tensor of torch\.float64, .*, got torch\.complex64",
    ):
        weights.write_safetensors(path, {"a": torch.zeros(1, dtype=torch.complex64)})
    with pytest.raises(ValueError, match="__metadata__"):
        weights.write_safetensors(path, {"__metadata__": torch.zeros(1)})


# Files of torch.save

FORMATS = pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])


@FORMATS
def test_state_dicts_of_torch_save_are_read(tmp_path: Path, is_zip: bool) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    torch.save(model.state_dict(), tmp_path / "model.pth", _use_new_zipfile_serialization=is_zip)
    state = weights.read(tmp_path / "model.pth")
    equal(state, dict(model.state_dict()))
    assert state._metadata == model.state_dict()._metadata, "modules with versions need them"  # type: ignore[attr-defined]
    torch.save(
        {"a": nn.Parameter(torch.ones(2))},
        tmp_path / "parameter.pt",
        _use_new_zipfile_serialization=is_zip,
    )
    assert not weights.read(str(tmp_path / "parameter.pt"))["a"].requires_grad


class Malicious:
    """Unpickled, it makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.mkdir, (str(self.marker),)


@FORMATS
def test_code_in_a_pickle_is_not_executed(
    tmp_path: Path, is_zip: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The variable that makes torch.load careless where a caller did not say otherwise.
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    marker, path = tmp_path / "executed", tmp_path / "malicious.pth"
    torch.save(
        {"a": torch.ones(1), "b": Malicious(marker)}, path, _use_new_zipfile_serialization=is_zip
    )
    with pytest.raises(
        RuntimeError,
        match=r"malicious\.pth is refused, and nothing in it was executed: it calls posix\.mkdir",
    ) as caught:
        weights.read(path)
    with pytest.raises(RuntimeError, match="is refused"):
        weights.load_network(NETWORK, path)
    assert "weights_only" not in str(caught.value)
    assert caught.value.__suppress_context__, (
        "PyTorch's own message advises to repeat the call with weights_only=False"
    )
    assert not marker.exists()
    torch.load(path, weights_only=False)
    assert marker.exists(), "the file does what it is said to do, so that this test can fail"


def test_a_pickle_called_safetensors_is_no_pickle(tmp_path: Path) -> None:
    with (tmp_path / "malicious.safetensors").open("wb") as file:
        pickle.dump(Malicious(tmp_path / "executed"), file)
    with pytest.raises(RuntimeError, match="damaged or not a safetensors file"):
        weights.read(tmp_path / "malicious.safetensors")
    assert not (tmp_path / "executed").exists()


@FORMATS
def test_damaged_pickles_are_refused_by_name(tmp_path: Path, is_zip: bool) -> None:
    """Truncated anywhere: refused. Bytes changed: refused, or read; never another error."""
    torch.save(
        OrderedDict(a=torch.ones(5), b=torch.arange(40)),
        tmp_path / "whole.pth",
        _use_new_zipfile_serialization=is_zip,
    )
    content, path, random = (
        (tmp_path / "whole.pth").read_bytes(),
        tmp_path / "damaged.pth",
        np.random.default_rng(0),
    )
    for length in {0, 1, 2, len(content) - 1, *random.integers(0, len(content), 60).tolist()}:
        path.write_bytes(content[:length])
        with pytest.raises(RuntimeError, match=r"damaged\.pth is refused"):
            weights.read(path)
    refused = 0
    for _ in range(600):
        mutated = bytearray(content)
        for place in random.integers(0, len(content), random.integers(1, 9)):
            mutated[place] = random.integers(256)
        path.write_bytes(mutated)
        try:
            weights.read(path)
        except RuntimeError as error:
            assert "damaged.pth" in str(error)  # noqa: PT017 - also the runs without an error count
            refused += 1
    assert refused > 200


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (
            lambda path: path.write_text("<!DOCTYPE html>"),
            r"refused.*starts with b'<!DOCTYPE html>'",
        ),
        (
            lambda path: torch.save({"state_dict": {"a": torch.ones(1)}, "step": 3}, path),
            r"holds 'state_dict': a dict.*pass its \['state_dict'\]",
        ),
        (lambda path: torch.save(torch.ones(2), path), "holds a Tensor, expected a state dict"),
        (lambda path: torch.save({"a": torch.ones(1), "b": 2}, path), "holds 'b': a int"),
        (lambda path: torch.save({}, path), "is empty"),
        (
            lambda path: torch.save({"a": torch.eye(2).to_sparse()}, path),
            "sparse or quantised tensors .'a'.",
        ),
        (
            lambda path: torch.save(nn.Linear(1, 1), path),
            r"it calls torch\.nn\.modules\.linear\.Linear",
        ),
        (lambda path: path.mkdir(), "is not a file"),
        (lambda path: path.parent, r"model\.pth does not exist"),
    ],
)
def test_what_is_no_state_dict_is_refused(
    tmp_path: Path, content: Callable[[Path], object], complaint: str
) -> None:
    content(tmp_path / "model.pth")
    with pytest.raises(RuntimeError, match=complaint):
        weights.read(tmp_path / "model.pth")


# State dicts for networks


def shapes(model: nn.Module) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in model.state_dict().items()}


def test_mappings_pass_through() -> None:
    model = torchvision.models.squeezenet1_1(weights=None)
    state = weights.load_network(NETWORK, model.state_dict(), layout=shapes(model))
    equal(state, model.state_dict())
    assert state["features.0.weight"].data_ptr() == model.features[0].weight.data_ptr(), (
        "not copied"
    )
    assert not next(
        iter(weights.load_network(NETWORK, dict(model.named_parameters())).values())
    ).requires_grad


@pytest.mark.parametrize(
    ("given", "kind", "complaint"),
    [
        (None, TypeError, "weights must be a name, a path or a state dict, got NoneType"),
        (torchvision.models.VGG16_Weights.DEFAULT, TypeError, "got VGG16_Weights"),
        ({"a": 1}, TypeError, "weights holds 'a': a int"),
        ({}, TypeError, "weights is empty"),
        ({"model": {"a": torch.ones(1)}}, TypeError, r"pass its \['model'\]"),
        ({1: torch.ones(1)}, TypeError, "weights holds 1"),
        (
            "IMAGENET1K_V7",
            ValueError,
            r"for network 'squeezenet1_1' one of 'imagenet', 'IMAGENET1K_V1', 'DEFAULT', got "
            r"'IMAGENET1K_V7'",
        ),
        ("nowhere/a.pth", RuntimeError, "does not exist"),
        ("a.safetensors", RuntimeError, "does not exist"),
        (Path("imagenet"), RuntimeError, "imagenet does not exist"),
    ],
)
def test_what_is_given_is_checked(given: Any, kind: type[Exception], complaint: str) -> None:
    with pytest.raises(kind, match=complaint):
        weights.load_network(NETWORK, given)


def test_weights_of_the_embedded_network() -> None:
    """Its own, under its own word and under the default."""
    with pytest.raises(
        ValueError,
        match=r"'random', or for network 'embedded' one of 'embedded', 'imagenet', got "
        r"'IMAGENET1K_V1'",
    ):
        weights.load_network("embedded", "IMAGENET1K_V1")


@pytest.mark.parametrize("network", [NETWORK, "embedded"])
def test_random_is_the_word_of_losses(network: str) -> None:
    with pytest.raises(
        ValueError,
        match=r"a path, a state dict, or for network .*, got 'random', which is in no file; losses",
    ):
        weights.load_network(network, "random")
    with pytest.raises(
        ValueError,
        match=r"weights must be a path, a state dict, 'random', or for network .*, got 'rnd'",
    ):
        ssimloss.PerceptualLoss(network, weights="rnd")


def test_unknown_network() -> None:
    with pytest.raises(ValueError, match=r"network must be one of .*'vgg19'.*, got 'vgg18'"):
        weights.load_network("vgg18", "imagenet")


def test_no_imagenet_weights_where_torchvision_has_none() -> None:
    with pytest.raises(
        ValueError, match=r"for network 'vit_h_14' one of 'IMAGENET1K_SWAG_E2E_V1'.*got 'imagenet'"
    ):
        weights.load_network("vit_h_14", "imagenet")


@pytest.mark.parametrize("as_file", [True, False])
def test_other_architectures_are_refused(tmp_path: Path, as_file: bool) -> None:
    with torch.device("meta"):
        layout = shapes(torchvision.models.vgg13(weights=None))
        other = torchvision.models.vgg11(weights=None, num_classes=10).state_dict()
    state = {
        name: torch.zeros(1).expand(tensor.shape).to(torch.int8) for name, tensor in other.items()
    } | {"extra": torch.zeros(1)}
    state = {name: tensor for name, tensor in state.items() if tensor.numel() < 1e7}
    given: Any = state
    if as_file:
        weights.write_safetensors(tmp_path / "vgg11.safetensors", state)
        given = tmp_path / "vgg11.safetensors"
    with pytest.raises(RuntimeError if as_file else ValueError) as caught:
        weights.load_network("vgg13", given, layout=layout)
    message = str(caught.value)
    assert message.startswith(
        f"weights file {given} does not fit"
        if as_file
        else "weights does not fit network 'vgg13': it lacks "
    )
    for part in (
        "features.2.weight, features.2.bias, features.5.weight, ",
        " and 15 more; has beyond it ",
        "features.11.weight" if as_file else "features.3.weight",
        "has of another shape classifier.6.weight (10, 4096) instead of (1000, 4096), "
        "classifier.6.bias (10,) instead of (1000,); ",
        "network=model",
    ):
        assert part in message, message


def test_old_files_are_brought_up_to_date() -> None:
    """torchvision's own: BatchNorm without counters, DenseNet with dots in its names."""
    model = torchvision.models.densenet121(weights=None)
    state = model.state_dict()
    old: OrderedDict[str, Tensor] = OrderedDict()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):
            parts = name.split(".")
            dotted = [
                f"{part[:-1]}.{part[-1]}"
                if "denselayer" in name and part[:-1] in ("norm", "conv")
                else part
                for part in parts
            ]
            old[".".join(dotted)] = tensor
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    restored = weights.load_network("densenet121", old, layout=shapes(model))
    equal(restored, dict(state))
    model.load_state_dict(restored)


# Names, folders, checksums


def test_every_classification_network_has_a_file_with_a_checksum() -> None:
    rows = weights.catalogue()
    assert weights.INCEPTION in rows
    published = [row for row in rows if row.url is not None and row is not weights.INCEPTION]
    assert len({row.file for row in rows}) == len(rows) > 100
    for row in published:
        enum = torchvision.models.get_model_weights(row.name)[row.word]
        match = torch.hub.HASH_REGEX.search(row.file)
        assert match is not None
        assert (row.url, row.sha256) == (enum.url, match.group(1)), (
            "what torchvision itself compares"
        )
        assert row.size == pytest.approx(enum.meta["_file_size"] * 1e6, abs=1)
    for network in weights.networks():
        for word in weights.words(network):
            assert weights.published(network, word) in rows
    digits = torch.hub.HASH_REGEX.search(weights.INCEPTION.file)
    assert digits is not None
    assert weights.INCEPTION.sha256 == digits.group(1)
    assert weights.INCEPTION.fetch_command == "ssimloss weights fetch inception"
    swag = next(row for row in published if "SWAG" in row.word)
    assert "CC-BY-NC" in swag.licence or "LICENSE" in swag.licence, "not free for every use"


@pytest.fixture
def state() -> dict[str, Tensor]:
    return {"features.0.weight": torch.rand(64, 3, 3, 3), "features.0.bias": torch.rand(64)}


@pytest.fixture
def content(state: dict[str, Tensor], tmp_path: Path) -> bytes:
    torch.save(state, tmp_path / "made.pth")
    return (tmp_path / "made.pth").read_bytes()


class Server(ThreadingHTTPServer):
    """Serve one file as configured."""

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.status = content, 200
        self.requests = 0
        self.sends: int | None = None  # bytes after which the connection closes
        self.wait = threading.Event()
        self.wait.set()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests += 1
        self.server.wait.wait(60)
        if self.server.sends == 0:
            return
        body = self.server.content if self.server.status == 200 else b""
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.sends])

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server(content: bytes) -> Iterator[Server]:
    with Server(content) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.wait.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def entry(server: Server, content: bytes, monkeypatch: pytest.MonkeyPatch) -> weights.WeightsFile:
    """torchvision's table lists the server's file as that of the network."""
    file = f"squeezenet-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    published = torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1.value
    monkeypatch.setattr(published, "url", f"http://127.0.0.1:{server.server_port}/models/{file}")
    monkeypatch.setitem(published.meta, "_file_size", len(content) / 1e6)
    return weights.published(NETWORK)


def test_folders_are_searched_in_order(
    entry: weights.WeightsFile,
    content: bytes,
    server: Server,
    state: dict[str, Tensor],
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert weights.find(entry) is None
    for folder in (home, tmp_path / "mine"):
        folder.mkdir(parents=True)
        (folder / entry.file).write_bytes(content)
    assert list(weights.folders()) == ["bundled", "cache"]
    assert weights.find(entry) == home / entry.file
    monkeypatch.setenv("SSIMLOSS_WEIGHTS", str(tmp_path / "mine"))
    assert list(weights.folders()) == ["SSIMLOSS_WEIGHTS", "bundled", "cache"]
    assert weights.find(entry) == tmp_path / "mine" / entry.file
    equal(weights.load_network(NETWORK, "imagenet"), state)
    equal(weights.load_network(NETWORK, "IMAGENET1K_V1"), state)
    equal(weights.load_network(NETWORK, str(home / entry.file)), state)
    assert server.requests == 0
    monkeypatch.setenv("SSIMLOSS_WEIGHTS", str(tmp_path / "misspelt"))
    with pytest.raises(RuntimeError, match=r"SSIMLOSS_WEIGHTS must name a folder, got .*misspelt"):
        weights.load_network(NETWORK, "imagenet")


def test_a_damaged_named_file_is_refused_wherever_it_lies(
    entry: weights.WeightsFile,
    content: bytes,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also one whose pickle is fine: a bit of a weight; also by its path; and the next folder is
    not tried silently.
    """
    damaged = bytearray(content)
    damaged[
        content.index(weights.read(tmp_path / "made.pth")["features.0.weight"].numpy().tobytes())
        + 40
    ] ^= 1
    for folder in (home, tmp_path / "mine"):
        folder.mkdir(parents=True)
    (home / entry.file).write_bytes(content)
    (tmp_path / "mine" / entry.file).write_bytes(damaged)
    monkeypatch.setenv("SSIMLOSS_WEIGHTS", str(tmp_path / "mine"))
    complaint = (
        rf"mine/{entry.file} is damaged or another file.*starts with {entry.sha256}; "
        rf"delete it and run: ssimloss weights fetch {NETWORK}"
    )
    with pytest.raises(RuntimeError, match=complaint):
        weights.load_network(NETWORK, "imagenet")
    with pytest.raises(RuntimeError, match=complaint):
        weights.load_network(NETWORK, tmp_path / "mine" / entry.file)
    (tmp_path / "mine" / "renamed.pth").write_bytes(damaged)
    # Of the user's own making, for all that is known.
    weights.load_network(NETWORK, tmp_path / "mine" / "renamed.pth")


# Downloads


def test_download_goes_into_torchvisions_cache(
    entry: weights.WeightsFile, server: Server, state: dict[str, Tensor], home: Path
) -> None:
    equal(weights.load_network(NETWORK, "imagenet"), state)
    assert [path.name for path in home.iterdir()] == [entry.file]
    equal(weights.load_network(NETWORK, "imagenet"), state)
    theirs = torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1.get_state_dict(
        progress=False, check_hash=True
    )
    equal(theirs, state)
    assert server.requests == 1, "torchvision finds what was downloaded here, and asks no more"


@pytest.mark.usefixtures("entry")
def test_what_torchvision_downloaded_is_found(server: Server, state: dict[str, Tensor]) -> None:
    torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1.get_state_dict(
        progress=False, check_hash=True
    )
    equal(weights.load_network(NETWORK, "imagenet"), state)
    assert server.requests == 1


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ({"status": 404}, "the server answers 404 Not Found"),
        ({"sends": 1000}, "sent other bytes, or the connection was lost"),
        ({"sends": 0}, "the connection was lost: .*closed connection without response"),
        ({"content": b"<!DOCTYPE html>"}, "sent other bytes, or the connection was lost"),
    ],
)
def test_failed_downloads_leave_no_file(
    entry: weights.WeightsFile,
    server: Server,
    content: bytes,
    home: Path,
    fault: dict[str, Any],
    complaint: str,
) -> None:
    for name, value in fault.items():
        setattr(server, name, value)
    with pytest.raises(RuntimeError, match=complaint) as caught:
        weights.load_network(NETWORK, "imagenet")
    assert f"ssimloss weights import {entry.file}" in str(caught.value), "what to do by hand"
    assert list(home.iterdir()) == []
    server.content, server.status, server.sends = content, 200, None
    assert weights.obtain(entry) == home / entry.file
    assert [path.name for path in home.iterdir()] == [entry.file]


def test_the_checksum_is_compared_before_the_file_gets_its_name(
    entry: weights.WeightsFile, server: Server, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed = []
    monkeypatch.setattr(os, "replace", lambda _, to: renamed.append(to))
    server.content = b"other bytes"
    with pytest.raises(RuntimeError, match=f'expected "{entry.sha256}"'):
        weights.obtain(entry)
    assert renamed == []
    assert list(home.iterdir()) == []


def test_processes_download_once_and_outlive_a_killed_one(
    entry: weights.WeightsFile,
    server: Server,
    content: bytes,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As the ranks of a distributed training do: another process downloads "a", is killed while it
    downloads "b", and this process asks for both in the meantime.
    """
    code = (
        "import sys\nfrom pathlib import Path\nfrom ssimloss.weights import _download\n"
        "for name in 'ab':\n"
        "    _download.download(sys.argv[1], Path(sys.argv[2], name), sys.argv[3], size=1)\n"
        "    input()\n"
    )
    folder = tmp_path / "shared"
    environment = {**os.environ, "PYTHONPATH": str(FOLDER.parent), "OMP_NUM_THREADS": "1"}
    server.wait.clear()

    def until(is_true: Callable[[], object]) -> None:
        while not is_true():
            assert other.poll() is None
            time.sleep(0.01)

    def obtain(name: str) -> None:
        _download.download(str(entry.url), folder / name, entry.sha256, size=len(content))

    with (
        subprocess.Popen(
            [sys.executable, "-c", code, str(entry.url), str(folder), entry.sha256],
            env=environment,
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        until(lambda: server.requests == 1)
        mine = pool.submit(obtain, "a")
        until(lambda: "waiting for another process" in capsys.readouterr().err)
        server.wait.set()
        mine.result(60)
        assert (folder / "a").read_bytes() == content
        server.wait.clear()
        print(file=other.stdin, flush=True)
        until(lambda: server.requests == 2)
        mine = pool.submit(obtain, "b")
        until(lambda: "waiting for another process" in capsys.readouterr().err)
        other.kill()
        other.wait()
        server.wait.set()
        mine.result(60)
    assert server.requests == 3, "one for each download that was not found complete"
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]
    assert (folder / "b").read_bytes() == content


def test_threads_at_once_download_once(
    entry: weights.WeightsFile, server: Server, home: Path
) -> None:
    """Many, so that some find the lock's file deleted."""
    for repeat in range(1, 4):
        server.wait.clear()
        with ThreadPoolExecutor(12) as pool:
            results = [pool.submit(weights.obtain, entry) for _ in range(12)]
            while server.requests < repeat:
                time.sleep(0.01)
            server.wait.set()
        assert {result.result() for result in results} == {home / entry.file}
        assert server.requests == repeat
        assert [path.name for path in home.iterdir()] == [entry.file]
        (home / entry.file).unlink()


def test_file_systems_without_locks(
    entry: weights.WeightsFile, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    assert weights.obtain(entry) == home / entry.file
    assert [path.name for path in home.iterdir()] == [entry.file]


def test_full_disks_and_forbidden_folders(
    entry: weights.WeightsFile, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(
            RuntimeError,
            match=r"could not be downloaded: cannot write .*: No space left on device; the file "
            r"takes 0 MB",
        ):
            weights.load_network(NETWORK, "imagenet")
    assert not (home / entry.file).exists()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "file"))
    with pytest.raises(RuntimeError, match=rf"cannot write {tmp_path}/file.*: Not a directory"):
        weights.load_network(NETWORK, "imagenet")


def test_progress_is_shown(
    entry: weights.WeightsFile,
    content: bytes,
    home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = f"downloading {entry.file}, {len(content) / 1e6:.1f} MB\n"
    weights.obtain(entry)
    assert capsys.readouterr() == ("", line)
    (home / entry.file).unlink()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    weights.obtain(entry)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(line)
    assert "100%" in err
    (home / entry.file).unlink()
    monkeypatch.setattr(sys, "stderr", None)  # as under pythonw
    weights.obtain(entry)


# No network


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr(socket, "socket", refused)


@pytest.mark.usefixtures("no_sockets")
@pytest.mark.parametrize(
    ("network", "word", "file", "digits", "command"),
    [
        ("vgg19", "imagenet", "vgg19-dcbb9e9d.pth", "dcbb9e9d", "fetch vgg19"),
        ("alexnet", "imagenet", "alexnet-owt-7be5be79.pth", "7be5be79", "fetch alexnet"),
        (
            "resnet50",
            "IMAGENET1K_V2",
            "resnet50-11ad3fa6.pth",
            "11ad3fa6",
            "fetch resnet50 --weights IMAGENET1K_V2",
        ),
    ],
)
def test_without_network_the_error_says_everything(
    network: str,
    word: str,
    file: str,
    digits: str,
    command: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    with pytest.raises(RuntimeError) as caught:
        weights.load_network(network, word)
    lines = str(caught.value).splitlines()
    assert lines[0].endswith(
        f"of network {network!r} are not on this machine and could not be downloaded: no "
        "connection: [Errno 101] Network is unreachable"
    )
    assert f"  file      {file} (" in str(caught.value)
    assert f"  URL       https://download.pytorch.org/models/{file}" in lines
    assert (
        f"  SHA-256   starts with {digits} (these digits are published, in the file's name)"
        in lines
    )
    assert f"  put it in {home}, or in a folder named by SSIMLOSS_WEIGHTS (not set)" in lines
    assert any(line.startswith(f"  command   ssimloss weights {command}    ") for line in lines)
    assert lines[-3].strip() == f"ssimloss weights import {file}"
    assert lines[-2].startswith("  offline   network='embedded' in a loss that takes a network;")
    printed = "".join(traceback.format_exception(caught.value))
    assert printed.count("Traceback") == 1, "without the errors of sockets and urllib behind it"
    assert list(home.iterdir()) == []
    monkeypatch.setenv("SSIMLOSS_WEIGHTS", str(tmp_path))
    with pytest.raises(RuntimeError, match=rf"SSIMLOSS_WEIGHTS \(now {tmp_path}\)"):
        weights.load_network(network, word)


@pytest.mark.usefixtures("no_sockets")
def test_without_network_everything_else_works(
    state: dict[str, Tensor], content: bytes, tmp_path: Path, home: Path
) -> None:
    for row in weights.BUNDLED:
        load = weights.bundled_text if row.file.endswith(".json") else weights.load_bundled
        assert load(row.name)
    with pytest.raises(ValueError, match=r"name must be one of 'vmaf_v0\.6\.1', .* got 'dists'"):
        weights.bundled_text("dists")
    equal(weights.load_network(NETWORK, tmp_path / "made.pth"), state)
    equal(weights.load_network(NETWORK, state), state)
    home.mkdir(parents=True)
    (home / "squeezenet1_1-b8a52dc0.pth").write_bytes(content)
    with pytest.raises(
        RuntimeError, match=r"squeezenet1_1-b8a52dc0\.pth is damaged or another file"
    ):
        weights.load_network(NETWORK, "imagenet")


@pytest.mark.usefixtures("no_sockets")
def test_lpips_needs_no_download(home: Path) -> None:
    """Whatever asks for the convolutions of AlexNet only; each has torchvision's numbers."""
    pred, target = torch.rand(2, 1, 3, 64, 64)
    builders: dict[str, Callable[[], Any]] = {
        "loss": ssimloss.LPIPS,
        "short name": lambda: ssimloss.LPIPS("alex"),
        "measure": lambda: metrics.measure("lpips"),
        "torchmetrics": metrics.LPIPS,
        "other word": lambda: ssimloss.LPIPS(weights="IMAGENET1K_V1"),
        "file": lambda: ssimloss.LPIPS(weights=FOLDER / "alexnet_features.safetensors"),
    }
    found = {name: float(build()(pred, target)) for name, build in builders.items()}
    assert found["loss"] > 0.1
    assert found == pytest.approx(dict.fromkeys(found, found["loss"]), rel=1e-5)
    features = FeatureExtractor("alexnet", ["relu1", "pool5"])(pred)
    state = weights.load_bundled("alexnet_features")
    assert sum(tensor.numel() for tensor in state.values()) == 2_469_696
    network = torchvision.models.AlexNet().features.eval()
    network.load_state_dict({name.removeprefix("features."): t for name, t in state.items()})
    mean, std = (
        torch.tensor(values)[:, None, None]
        for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    with torch.no_grad():
        expected = network((pred - mean) / std)
    torch.testing.assert_close(features["pool5"], expected, rtol=1e-4, atol=1e-4)
    assert not home.exists(), "nothing was downloaded"


@pytest.mark.usefixtures("no_sockets")
def test_lpips_on_squeezenet_needs_no_download(home: Path) -> None:
    """Its digits in the documentation of torchmetrics, for a seeded pair."""
    pred, target = torch.rand(2, 2, 3, 100, 100, generator=torch.Generator().manual_seed(42))
    found = ssimloss.LPIPS("squeezenet1_1", reduction="image")(pred, target)
    torch.testing.assert_close(found, torch.tensor([0.1024, 0.0938]), rtol=0, atol=5e-5)
    assert metrics.measure("lpips_squeeze")(pred, target).tolist() == pytest.approx(found.tolist())
    assert not home.exists(), "nothing was downloaded"


def test_importing_reads_no_file() -> None:
    code = (
        "import sys, torch\nopened = []\nsys.addaudithook(lambda event, arguments: "
        "opened.append(str(arguments[0])) if event == 'open' else None)\nimport "
        "ssimloss.weights\nprint([path for path in opened if not path.endswith(('.py', '.pyc', "
        "'.so'))])\nprint('torchvision' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(FOLDER.parent)}
    run = subprocess.run(
        [sys.executable, "-B", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert run.stdout == "[]\nFalse\n"


@pytest.mark.usefixtures("no_sockets")
@pytest.mark.parametrize(
    ("build", "file"),
    [
        (lambda: ssimloss.PerceptualLoss(), "vgg19-dcbb9e9d.pth"),
        (lambda: ssimloss.TextureLoss("vgg16", layers={"relu2_2": 1.0}), "vgg16-397923af.pth"),
        (lambda: FeatureExtractor("alexnet", ["classifier.1"]), "alexnet-owt-7be5be79.pth"),
        (
            lambda: FeatureExtractor("squeezenet1_1", ["classifier.1"]),
            "squeezenet1_1-b8a52dc0.pth",
        ),
        (lambda: ssimloss.DISTS(), "vgg16-397923af.pth"),
    ],
    ids=["content", "texture", "alexnet", "squeezenet", "DISTS"],
)
def test_losses_without_network_say_which_file(
    build: Callable[[], object], file: str, home: Path
) -> None:
    with pytest.raises(
        RuntimeError,
        match=rf"could not be downloaded: no connection(.|\n)*file      {file}(.|\n)*put it in "
        rf"{home}",
    ):
        build()


@pytest.mark.usefixtures("no_sockets")
def test_losses_refuse_files_that_are_not_theirs(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(torchvision.models.squeezenet1_0(weights=None).state_dict(), path)
    with pytest.raises(
        RuntimeError,
        match=r"weights\.pth does not fit network 'squeezenet1_1': it lacks "
        r"features\.6\.squeeze\.weight",
    ):
        ssimloss.LPIPS("squeezenet1_1", weights=path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(RuntimeError, match=r"weights\.pth is refused"):
        ssimloss.LPIPS("squeezenet1_1", weights=path)
    torch.save({"features.0.weight": Malicious(tmp_path / "executed")}, path)
    with pytest.raises(
        RuntimeError, match=r"refused, and nothing in it was executed: it calls posix\.mkdir"
    ):
        ssimloss.LPIPS("squeezenet1_1", weights=path)
    assert not (tmp_path / "executed").exists()
