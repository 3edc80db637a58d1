"""Does a second loss help? Train one network further with Charbonnier alone, and with one other
loss added, the same share of the gradient for each.

    python examples/added_loss_study.py --out outputs/added                 # all, in turn
    python examples/added_loss_study.py --out outputs/added --seeds 0       # one seed
    python examples/added_loss_study.py --out outputs/added --losses gmsd hsluv
    python examples/added_loss_study.py --out outputs/added --quick         # a few minutes, to try
    python examples/added_loss_study.py --list                              # what can be added

Every finished training is a file in ``--out``; the same command continues an interrupted study.
Writes ``added_losses.md``, ``added_losses.csv``, ``added_losses.json``, ``added_losses.png`` and
``added_losses_details.webp`` from all finished trainings.
"""

import argparse
import statistics
import time
from pathlib import Path

from added_losses import results, running
from added_losses.running import BASE, CROP, Run
from rich.console import Console
from runs import files, tables
from runs.command_line import Formatter, add_device_option, choose_device, explained, machine
from super_resolution import photographs
from super_resolution.losses import SHARE, ListLosses, check, single

SEEDS = (0, 1, 2)
START_STEPS, STEPS, QUICK_STEPS = 800, 200, 2

# The base again is a control: it changes nothing but the rounding.
CONTROL, OLDER = [BASE], ["l2", "ms_ssim", "edge", "perceptual", "texture"]
PIXELS = ["huber", "clipped", "average", "cosine_distance", "ldl"]
COLOR = ["color_cielab", "color_oklab", "hsluv"]
DETAIL = ["gradient_variance", "laplacian_pyramid", "wavelet", "focal_frequency", "fft"]
SIMILARITY = ["ncc", "gmsd", "haarpsi", "fsim", "nlpd", "vif"]
FEATURES = ["contextual", "contextual_bilateral", "fdl"]
FEATURES += ["sliced_wasserstein", "projected_distribution", "frechet", "kernel_distance"]
ADDED = [*CONTROL, *OLDER, *PIXELS, *COLOR, *DETAIL, *SIMILARITY, *FEATURES]


def main() -> None:
    arguments = parse()
    with explained(arguments.out):
        run(arguments, Console())


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=f"Train one network further with {BASE} alone and with each of other losses "
        f"added, which get {SHARE:.0%} of the gradient.".replace("%", "%%"),
        formatter_class=Formatter,
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="results")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="your photographs")
    parser.add_argument(
        "--losses", nargs="+", metavar="NAME", default=list(ADDED), help="which are added, in turn"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS), help="in turn")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_STEPS} steps, small, to try")
    parser.add_argument("--list", action=ListLosses, help="list what can be added, and end")
    add_device_option(parser)
    return parser.parse_args()


def run(arguments: argparse.Namespace, console: Console) -> None:
    device, out = choose_device(arguments.device), files.output_folder(arguments.out)
    names = list(dict.fromkeys(arguments.losses))
    for name in names:
        single(name.partition("@")[0])
        check(f"{BASE}+{name}", CROP)
    training, held_out = photographs.load_all(arguments.data, running.SCALE, CROP)
    sizes = {"batch": 2, "channels": 8, "blocks": 1} if arguments.quick else {}
    judge = running.Judge(held_out[: 1 if arguments.quick else None], running.SIDE, device)
    study = running.Study(files.output_folder(out / "runs"), training, judge, device, sizes)
    steps, start_steps = (QUICK_STEPS,) * 2 if arguments.quick else (STEPS, START_STEPS)
    for seed in dict.fromkeys(arguments.seeds):
        for name in ("", *names):
            began = time.perf_counter()
            found = study.result_of(Run(name, seed, steps, start_steps))
            console.print(
                f"seed {seed}  {name or f'{BASE} alone':24} {found['psnr']:.3f} dB  "
                f"LPIPS {found['lpips']:.4f}  {time.perf_counter() - began:.0f} s",
                highlight=False,
                soft_wrap=True,
            )
    report(study, steps, start_steps, out, console)


def report(study: running.Study, steps: int, start_steps: int, out: Path, console: Console) -> None:
    """Tables and pictures of everything that is finished under these settings."""
    finished = study.finished(steps, start_steps)
    order = {name: place for place, name in enumerate(("", *ADDED))}
    finished.sort(key=lambda found: (order.get(found["added"], len(order)), found["seed"]))
    rows = results.rows_of(finished)
    answers = results.answers(rows)
    title = f"Charbonnier and one more loss with {SHARE:.0%} of the gradient: what it changes"
    console.print(tables.terminal_table(results.COLUMNS, rows))
    for line in (*results.LEGEND, *answers):
        console.print(line, highlight=False, soft_wrap=True)
    about = {
        "answers": answers,
        "start_steps": start_steps,
        "steps": steps,
        "rate": running.RATE,
        "photographs": len(study.training),
        "weights": study.weights(),
        "sizes": study.sizes,
        "base_step_ms": statistics.median(found["base_step_ms"] for found in finished),
        **machine(study.device),
    }
    written = tables.write_table(out, "added_losses", title, results.COLUMNS, rows, about)
    results.draw(out / "added_losses.png", finished)
    shown, captions = study.details(finished)
    results.draw_details(out / "added_losses_details.webp", shown, captions)
    for path in (out / "added_losses.png", out / "added_losses_details.webp", *written):
        console.print(f"wrote {path}", soft_wrap=True)


if __name__ == "__main__":
    main()
