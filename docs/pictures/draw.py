"""Draws the pictures of the README and of the reference: ``make pictures``.

    python docs/pictures/draw.py [measures] [restored]

``restored.webp`` shows a photograph restored by gradient descent on its pixels under six losses.
``measures/NAME.webp`` shows the map and the gradient of a measure on a degraded copy. The
photograph is the cat of scikit-image. Everything is computed on the CPU from a fixed seed.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import skimage.data
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

import ssimloss
import ssimloss.functional as F
from ssimloss import measure

FOLDER = Path(__file__).parent
SIDE = 200
GAP = 8
LABEL = 36
PAPER, INK, FAINT = (255, 255, 255), (32, 32, 36), (110, 110, 118)
LOWER, HIGHER = np.array([30, 100, 200.0]), np.array([225, 110, 20.0])  # blue, orange
STEPS, RATE = 30, 0.003

Loss = Callable[[Tensor, Tensor], Tensor]
# Six different losses: two on pixels and frequencies, three on structure, one on deep features.
RESTORED: dict[str, Loss] = {
    "L2": ssimloss.L2Loss(),
    "SSIM": ssimloss.SSIMLoss(padding="reflect"),
    "MS-SSIM": ssimloss.MSSSIMLoss(),
    "GMSD": ssimloss.GMSDLoss(),
    "focal frequency": ssimloss.FocalFrequencyLoss(),
    "LPIPS": ssimloss.LPIPS(),
}


def photograph() -> Tensor:
    """The face of the cat, ``(1, 3, 200, 200)`` in [0, 1]."""
    pixels = skimage.data.chelsea()[20 : 20 + SIDE, 115 : 115 + SIDE]
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 255


def degraded(image: Tensor) -> Tensor:
    """A blurred copy with noise and less contrast."""
    generator = torch.Generator().manual_seed(0)
    x = torch.arange(9) - 4.0
    line = torch.exp(-(x**2) / (2 * 1.6**2))
    window = (line[:, None] * line / line.sum() ** 2).expand(3, 1, 9, 9)
    around = torch.nn.functional.pad(image, (4, 4, 4, 4), mode="reflect")
    blurred = torch.nn.functional.conv2d(around, window, groups=3)
    noise = 0.06 * torch.randn(image.shape, generator=generator)
    return (0.08 + 0.85 * blurred + noise).clamp(0, 1)


def step_of(loss: Callable[..., Tensor], *images: Tensor) -> Tensor:
    """The direction of descent at the first image, summed over the channels, ``(H, W)``."""
    pred = images[0].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(pred, *images[1:]), pred)
    return -gradient[0].sum(0)


def restored(loss: Loss, start: Tensor, target: Tensor) -> Tensor:
    """Minimise the loss over the pixels with Adam."""
    pred = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([pred], RATE)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss(pred, target).backward()
        optimizer.step()
    return pred.detach().clamp(0, 1)


# --- panels ---------------------------------------------------------------------------------------


def picture(image: Tensor) -> Image.Image:
    """The image as an RGB picture."""
    levels = (image[0].permute(1, 2, 0) * 255).round().byte()
    return Image.fromarray(levels.numpy())


def signed(values: Tensor) -> Image.Image:
    """White at 0, orange above, blue below; the largest 0.5 % saturate."""
    values = values.double().numpy()
    scale = np.quantile(np.abs(values), 0.995) or 1.0
    share = np.clip(values / scale, -1, 1)[..., None]
    color = np.where(share > 0, HIGHER, LOWER)
    return Image.fromarray((255 + (color - 255) * np.abs(share) ** 0.7).round().astype(np.uint8))


def gray(values: Tensor) -> tuple[Image.Image, str]:
    """A map in gray, and the values that black and white stand for."""
    low, high = np.quantile(values.double().numpy(), [0.005, 0.995])
    share = ((values - low) / max(high - low, 1e-12)).clamp(0, 1)
    image = Image.fromarray((share * 255).round().byte().numpy())
    return image.convert("RGB"), f"black {low:.2g}, white {high:.2g}"


def sheet(rows: list[list[tuple[Image.Image | None, str, str]]]) -> Image.Image:
    """Panels, each with a title and a line below it, on white: readable on light and dark pages."""
    columns = max(map(len, rows))
    labels = [LABEL if any(title for _, title, _ in row) else LABEL // 2 for row in rows]
    tops = [GAP + sum(labels[:i]) + i * (SIDE + GAP) for i in range(len(rows) + 1)]
    page = Image.new("RGB", (GAP + columns * (SIDE + GAP), tops[-1]), PAPER)
    draw = ImageDraw.Draw(page)
    large, small = (ImageFont.load_default(points) for points in (15, 12))
    for i, row in enumerate(rows):
        for j, (panel, title, line) in enumerate(row):
            left, top = GAP + j * (SIDE + GAP), tops[i] + labels[i]
            draw.text((left, tops[i]), title, INK, large)
            draw.text((left, top - 18), line, FAINT, small)
            if panel is not None:
                inset = ((SIDE - panel.width) // 2, (SIDE - panel.height) // 2)
                page.paste(panel, (left + inset[0], top + inset[1]))
    return page


# --- pictures -------------------------------------------------------------------------------------


def draw_restored(target: Tensor, start: Tensor) -> None:
    """The picture of the README: a restored image over the first step of each loss."""

    def scores(image: Tensor) -> str:
        return f"PSNR {F.psnr(image, target):.1f}, SSIM {F.ssim(image, target):.2f}"

    cells = {"degraded": (start, (target - start)[0].sum(0), scores(start), "the change wanted")}
    for name, loss in RESTORED.items():
        image = restored(loss, start, target)
        cells[name] = (image, step_of(loss, start, target), scores(image), "its first step")
    cells["photograph"] = (target, None, "", "orange: brighter, blue: darker")
    rows: list[list[tuple[Image.Image | None, str, str]]] = []
    names = list(cells)
    for half in (names[:4], names[4:]):
        rows.append([(picture(cells[n][0]), n, cells[n][2]) for n in half])
        rows.append(
            [(None if cells[n][1] is None else signed(cells[n][1]), "", cells[n][3]) for n in half]
        )
    save(sheet(rows), FOLDER / "restored.webp", quality=52)


def draw_measures(target: Tensor, start: Tensor) -> None:
    """A picture for each registered measure of images."""
    for each in measure.registered():
        if not all(image.annotation is Tensor for image in each.images):
            continue
        if each.images[0].name != "pred" or each.clips:
            continue
        images = (start, target)[: len(each.images)]
        first = [(picture(target), "photograph", ""), (picture(start), "degraded copy", "")]
        value = f"{each.score(*images).item():.4g} {each.unit}".strip()
        values = each.score(*images, reduction="none")
        # An index has no loss: the gradient shown is that of its negative.
        step = step_of(
            each.loss if each.role != "index" else lambda *p, e=each: -e.score(*p), *images
        )
        if values.dim() == 4 and min(values.shape[2:]) > 100:
            shown, scale = gray(values[0].mean(0))
            second = (shown, f"map, mean {value}", scale)
        else:
            second = (signed((target - start)[0].sum(0)), "the change wanted", f"value {value}")
        third = (signed(step), "step of descent", "orange: brighter, blue: darker")
        save(sheet([first, [second, third]]), FOLDER / "measures" / f"{each.name}.webp", quality=70)


def save(page: Image.Image, path: Path, quality: int) -> None:
    """Write the picture and print its size."""
    path.parent.mkdir(exist_ok=True)
    page.save(path, quality=quality, method=6)
    print(f"wrote {path.relative_to(FOLDER)}, {path.stat().st_size // 1024} KiB")


def main() -> None:
    """Draw the pictures that are named, or all."""
    drawings = {"restored": draw_restored, "measures": draw_measures}
    wanted = sys.argv[1:] or list(drawings)
    if unknown := [name for name in wanted if name not in drawings]:
        sys.exit(f"pictures are {', '.join(drawings)}, got {', '.join(unknown)}")
    target = photograph()
    start = degraded(target)
    for name in wanted:
        drawings[name](target, start)


if __name__ == "__main__":
    main()
