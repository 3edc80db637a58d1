"""``python -m benchmarks.deep_features``: the cost of losses on deep features in a training step,
alone and together.

A step runs the network over pred, with a graph, and over target, without one. It then computes the
distance and the gradient to pred. All networks have the same random weights, which cost the same as
trained ones. Values and gradients are compared before anything is timed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks import report
from benchmarks.timing import time_interleaved
from ssimloss import LPIPS, CombinedLoss, PerceptualLoss, TextureLoss
from ssimloss._memory import peak_bytes

Loss = Callable[[Tensor, Tensor], Tensor]
CONTENT_SHAPES = ((4, 3, 128, 128), (1, 3, 512, 512))
SHARED_SHAPE = (4, 3, 128, 128)
# available in every library: in piq and in a loop, the in-place activation overwrites the features
# before it
LAYER = "relu5_4"
# Relative, in float32 after 16 convolutions; the gradient of an absolute value changes sign where
# two features hardly differ.
AGREES = {"value": 1e-4, "gradient": 1e-2}


def main() -> None:
    """Print the tables, and write them with ``--out``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="folder for deep_features.json and deep_features.md (default: not written)",
    )
    options = parser.parse_args()
    tables = {
        f"Content loss, VGG19 {LAYER}, L1, {_text(shape)}": measured(
            content_losses(), shape, options.rounds
        )
        for shape in CONTENT_SHAPES
    }
    tables[f"Losses on VGG16, alone and in one sum, {_text(SHARED_SHAPE)}"] = measured(
        shared_losses(), SHARED_SHAPE, options.rounds
    )
    about = report.metadata(torch.device("cpu"))
    text = markdown(about, tables)
    print(text)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "deep_features.md").write_text(text, encoding="utf-8")
        (options.out / "deep_features.json").write_text(
            json.dumps({"metadata": about, "tables": tables}, indent=1) + "\n", encoding="utf-8"
        )


def content_losses() -> dict[str, Loss]:
    """Ours, piq's, and the loop over layers that training frameworks have."""
    import piq
    import torchvision

    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = torchvision.models.vgg19(weights=None).state_dict()
    features = vgg19_features(state)
    mean, std = (
        torch.tensor(values)[:, None, None]
        for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    last = 35  # index of relu5_4

    def features_of(image: Tensor) -> Tensor:
        x: Tensor = (image - mean) / std
        for module in features[: last + 1]:
            x = module(x)
        return x

    # It sums over channels.
    piqs = piq.ContentLoss(
        feature_extractor=vgg19_features(state),
        layers=[str(last)],
        weights=[1 / 512],
        distance="mae",
    )
    losses: dict[str, Loss] = {
        "ssimloss": PerceptualLoss("vgg19", layers={LAYER: 1.0}, weights=state),
        "piq": piqs,
        "loop over layers": lambda pred, target: torch.nn.functional.l1_loss(
            features_of(pred), features_of(target.detach())
        ),
    }
    check_agreement(losses, CONTENT_SHAPES[0])
    return losses


def vgg19_features(state: dict[str, Tensor]) -> nn.Sequential:
    """Torchvision's own layers, frozen."""
    import torchvision

    network = torchvision.models.vgg19(weights=None)
    network.load_state_dict(state)
    features: nn.Sequential = network.features.eval().requires_grad_(False)
    return features


def shared_losses() -> dict[str, Loss]:
    """Three losses on VGG16, each alone, and their sum, which runs the network once per image."""
    content = PerceptualLoss("vgg16", layers={"relu5_3": 1.0}, weights="random")
    # Johnson's.
    texture = TextureLoss(
        "vgg16",
        layers=dict.fromkeys(("relu1_2", "relu2_2", "relu3_3", "relu4_3"), 1.0),
        weights="random",
    )
    lpips = LPIPS("vgg16", weights="random")
    return {
        "content + texture + LPIPS": CombinedLoss(content=content, texture=texture, lpips=lpips),
        "content": content,
        "texture": texture,
        "LPIPS": lpips,
    }


def step(loss: Loss, pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Value and gradient."""
    value = loss(pred, target)
    return value.detach(), torch.autograd.grad(value, pred)[0]


def images(shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Noise in [0, 1]: the time does not depend on the content."""
    pred, target = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
    return pred.requires_grad_(), target


def check_agreement(losses: dict[str, Loss], shape: tuple[int, ...]) -> None:
    """Raise if a contender computes another value or gradient."""
    pred, target = images(shape)
    found = {name: step(loss, pred, target) for name, loss in losses.items()}
    ours = found["ssimloss"]
    for name, theirs in found.items():
        for what, one, other in zip(AGREES, ours, theirs, strict=True):
            distance = float((one - other).norm() / other.norm())
            if not distance <= AGREES[what]:
                raise RuntimeError(f"{name} computes another {what}: {distance:.1e} from ours")


def measured(
    losses: dict[str, Loss], shape: tuple[int, ...], rounds: int
) -> dict[str, dict[str, float]]:
    """Seconds (median and quartiles) and peak bytes of each."""
    pred, target = images(shape)
    calls: dict[str, Callable[[], object]] = {
        name: partial(step, loss, pred, target) for name, loss in losses.items()
    }
    samples = time_interleaved(calls, rounds=rounds, slice_s=0.1, least_calls=1, tries=2)
    peaks = {name: peak_bytes(call, torch.device("cpu")) for name, call in calls.items()}
    return {name: {**samples[name].summary(), "peak_bytes": peaks[name]} for name in losses}


def markdown(about: dict[str, Any], tables: dict[str, dict[str, dict[str, float]]]) -> str:
    """A table for each, relative to the first line."""
    lines = [
        f"# Deep features: {about['device']}, {about['threads']} threads",
        "",
        f"{about['date']}, {about['system']}, {about['instructions']}, "
        + ", ".join(
            f"{library} {about['versions'][library]}" for library in ("torch", "ssimloss", "piq")
        )
        + ". Float32, median (quartiles) of forward + backward; a star marks times taken while "
        "other processes computed.",
    ]
    for title, rows in tables.items():
        first = next(iter(rows.values()))
        lines += [
            "",
            f"## {title}",
            "",
            "| loss | ms | first line's share | peak MiB | first line's share |",
            "|---|---|---|---|---|",
        ]
        for name, row in rows.items():
            low, middle, high = (
                1e3 * row[key] for key in ("lower_quartile_s", "median_s", "upper_quartile_s")
            )
            star = "" if row["quiet"] else "*"
            lines.append(
                f"| {name} | {middle:.0f} ({low:.0f}-{high:.0f}){star} | "
                f"{first['median_s'] / row['median_s']:.2f} | {row['peak_bytes'] / 2**20:.0f} | "
                f"{first['peak_bytes'] / row['peak_bytes']:.2f} |"
            )
    return "\n".join(lines) + "\n"


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


if __name__ == "__main__":
    main()
