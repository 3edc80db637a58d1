"""Train a small network to raise the VMAF of blurred and compressed frames, and show what that does
to PSNR.

    python examples/train_vmaf_prefilter.py --out outputs/vmaf

Three runs from the same initial weights on the same crops: on L1, on VMAF and L1, and on VMAF-NEG
and L1. The score is limited to 100: ``VMAFLoss`` is not clipped, and more contrast would raise
VMAF without bound, whatever the weight of L1. Writes ``prefilter.md``, ``.csv``, ``.json`` and
``prefilter.png`` into ``--out``. VMAF can be exploited; docs/vmaf.md explains what a higher score
does and does not mean.
"""

import argparse
import copy
import io
import time
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from rich.console import Console
from rich.progress import track
from runs import files, tables
from runs.command_line import (
    Formatter,
    add_device_option,
    choose_device,
    explained,
    machine,
    positive,
)
from super_resolution.network import ResidualBlock
from super_resolution.photographs import load_all, to_float, to_uint8
from torch import Tensor, nn

from ssimloss import CombinedLoss, L1Loss, Term, VMAFLoss, metrics

MODELS = {"VMAF": "v0.6.1", "VMAF-NEG": "v0.6.1neg"}
COLUMNS = [
    tables.Column("trained", "trained on"),
    tables.Column("vmaf", "VMAF", ".1f"),
    tables.Column("vmaf_neg", "VMAF-NEG", ".1f"),
    tables.Column("psnr", "PSNR", ".2f"),
    tables.Column("ssim", "SSIM", ".4f"),
]


class Prefilter(nn.Module):
    """Adds a residual to the frame, ``(N, 3, H, W)`` in [0, 1]; untrained, it changes nothing."""

    def __init__(self, channels: int = 24, blocks: int = 2) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(channels) for _ in range(blocks)))
        self.tail = nn.Conv2d(channels, 3, 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)

    def forward(self, frame: Tensor) -> Tensor:
        return frame + self.tail(self.body(torch.relu(self.head(frame - 0.5))))


class UpTo100(nn.Module):
    """``100 - VMAF`` of each frame, and 0 beyond 100."""

    def __init__(self, model: str) -> None:
        super().__init__()
        self.vmaf = VMAFLoss(model=model, reduction="image")

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return torch.relu(self.vmaf(pred, target)).mean()


def criterion_of(name: str, fidelity: float) -> CombinedLoss:
    """L1 alone, or added to VMAF with the weight ``fidelity``."""
    pixel = Term(L1Loss(), fidelity)
    if name == "L1":
        return CombinedLoss(pixel=pixel)
    return CombinedLoss(vmaf=Term(UpTo100(MODELS[name]), 1.0), pixel=pixel)


def main() -> None:
    arguments = parse()
    with explained(arguments.out):
        run(arguments, Console())


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Train a small network to raise the VMAF of blurred and compressed frames.",
        formatter_class=Formatter,
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for the table and the picture"
    )
    parser.add_argument("--data", type=Path, help="folder of photographs (default: shipped)")
    parser.add_argument("--steps", type=positive, default=400, help="of each run")
    parser.add_argument("--crop", type=positive, default=96, help="pixels, at least 16")
    parser.add_argument("--batch", type=positive, default=4, help="crops per step")
    parser.add_argument("--fidelity", type=positive, default=400, help="weight of L1")
    parser.add_argument("--quality", type=positive, default=40, help="of the JPEG compression")
    add_device_option(parser)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def degraded(frame: Tensor, quality: int) -> Tensor:
    """A uint8 frame ``(3, H, W)`` after a blur of 3 x 3 pixels and JPEG."""
    blurred = nn.functional.avg_pool2d(to_float(frame)[None], 3, 1, 1, count_include_pad=False)[0]
    content = io.BytesIO()
    pixels = to_uint8(blurred).permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(content, "JPEG", quality=quality)
    decoded = torch.frombuffer(bytearray(Image.open(content).tobytes()), dtype=torch.uint8)
    return decoded.view(*pixels.shape).permute(2, 0, 1)


def crops(
    pairs: list[tuple[Tensor, Tensor]], size: int, count: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Random crops of degraded frames and their originals, ``(count, 3, size, size)`` each."""
    chosen = []
    for _ in range(count):
        pair = pairs[int(torch.randint(len(pairs), (), generator=generator))]
        height, width = pair[0].shape[1:]
        top = int(torch.randint(height - size + 1, (), generator=generator))
        left = int(torch.randint(width - size + 1, (), generator=generator))
        chosen.append([to_float(f[:, top : top + size, left : left + size]) for f in pair])
    inputs, truths = zip(*chosen, strict=True)
    return torch.stack(inputs), torch.stack(truths)


def train(
    network: Prefilter,
    name: str,
    pairs: list[tuple[Tensor, Tensor]],
    arguments: argparse.Namespace,
    device: torch.device,
) -> Prefilter:
    """The network after its run."""
    network = copy.deepcopy(network).to(device)
    criterion = criterion_of(name, arguments.fidelity)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, arguments.steps)
    generator = torch.Generator().manual_seed(arguments.seed)
    for _ in track(range(arguments.steps), description=name):
        batch = crops(pairs, arguments.crop, arguments.batch, generator)
        inputs, truths = (images.to(device) for images in batch)
        optimizer.zero_grad()
        criterion(network(inputs), truths).backward()
        optimizer.step()
        schedule.step()
    return network.eval()


@torch.no_grad()
def scores(
    trained: str, outputs: list[Tensor], pairs: list[tuple[Tensor, Tensor]]
) -> dict[str, str | float]:
    """Means over frames that were rounded to 8 bits, as they would be stored."""
    measures = {name: metrics.measure(name) for name in ("vmaf", "vmaf_neg", "psnr", "ssim")}
    row: dict[str, list[float]] = {name: [] for name in measures}
    for output, (_, truth) in zip(outputs, pairs, strict=True):
        pair = to_float(to_uint8(output))[None], to_float(truth)[None]
        for name, measure in measures.items():
            row[name].append(float(measure(*pair)))
    means = {name: sum(values) / len(values) for name, values in row.items()}
    return {"trained": trained, **means}


def run(arguments: argparse.Namespace, console: Console) -> None:
    began = time.perf_counter()
    device, out = choose_device(arguments.device), files.output_folder(arguments.out)
    torch.manual_seed(arguments.seed)
    if arguments.crop < 16:
        raise files.InputError(f"--crop must be at least 16 pixels, got {arguments.crop}")
    training, held_out = (
        [(degraded(photo.truth, arguments.quality), photo.truth) for photo in photographs]
        for photographs in load_all(arguments.data, 1, arguments.crop)
    )
    inputs = [to_float(frame) for frame, _ in held_out]
    rows, shown = [scores("nothing", inputs, held_out)], [held_out[0][1], held_out[0][0]]
    labels = ["truth", "input"]
    first = Prefilter()
    for name in ("L1", *MODELS):
        network = train(first, name, training, arguments, device)
        with torch.no_grad():
            outputs = [network(frame[None].to(device))[0].cpu() for frame in inputs]
        rows.append(scores(name, outputs, held_out))
        shown.append(to_uint8(outputs[0]))
        labels.append(f"trained on {name}")
    title = f"{len(held_out)} frames, blurred by 3 x 3 and JPEG {arguments.quality}"
    console.print(tables.terminal_table(COLUMNS, rows))
    settings = {name: value for name, value in vars(arguments).items() if name != "out"}
    about = {
        **machine(device),
        "settings": {name: str(value) for name, value in settings.items()},
        "seconds": round(time.perf_counter() - began, 1),
    }
    written = tables.write_table(out, "prefilter", title, COLUMNS, rows, about)
    middle = [frame[:, :256, :256] for frame in shown]  # truth, input, then one for each run
    picture = torch.cat(middle, 2).permute(1, 2, 0).contiguous().numpy()
    sheet = Image.fromarray(picture)
    draw = ImageDraw.Draw(sheet)
    side = sheet.width // len(labels)
    for k, label in enumerate(labels):
        draw.text((k * side + 4, 3), label, fill="white", stroke_width=2, stroke_fill="black")
    sheet.save(out / "prefilter.png")
    for path in (*written, out / "prefilter.png"):
        console.print(f"wrote {path}", soft_wrap=True)


if __name__ == "__main__":
    main()
