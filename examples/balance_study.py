"""Does it help to balance losses by their gradients? Train with weights by hand, with all weights
1, with each strategy, and with one of the terms in other units.

    python examples/balance_study.py --out outputs/balance                # all parts, in turn
    python examples/balance_study.py --out outputs/balance --part seed1   # one of them
    python examples/balance_study.py --out outputs/balance --quick        # a minute, to try

Parts: ``seed0``, ``seed1``, ``seed2`` (super-resolution, seven variants), ``strategies`` (the other
strategies), ``fine_tuning`` (as ESRGAN, with a discriminator). Every finished run is a file in
``--out``; the same command continues an interrupted study. It writes ``balance.md``,
``balance.csv``, ``balance.json`` and ``balance.png`` from all finished runs.
"""

import argparse
import functools
import json
import time
from pathlib import Path

import torch
from balancing import results, running
from balancing.running import Run
from balancing.variants import ADVERSARIAL, COMPARED, OTHERS
from rich.console import Console
from runs import files, tables
from runs.command_line import Formatter, add_device_option, choose_device, explained, machine
from super_resolution import photographs

SEEDS = (0, 1, 2)
STEPS, FEWER_STEPS, START_STEPS, QUICK_STEPS = 800, 300, 600, 4
PARTS = (*(f"seed{seed}" for seed in SEEDS), "strategies", "fine_tuning")


def main() -> None:
    arguments = parse()
    with explained(arguments.out):
        run(arguments, Console())


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Compare ways to choose the weights of several losses.",
        formatter_class=Formatter,
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="results")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="your photographs")
    parser.add_argument("--part", choices=PARTS, nargs="+", default=list(PARTS), help="which")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_STEPS} steps, small, to try")
    add_device_option(parser)
    return parser.parse_args()


def runs_of(part: str, quick: bool) -> list[Run]:
    """The runs of a part, in order."""
    few = QUICK_STEPS if quick else FEWER_STEPS
    if part == "fine_tuning":
        variants = [*COMPARED, *OTHERS, *ADVERSARIAL]
        return [Run("fine_tuning", "fine_tuning", variant, 0, few) for variant in variants]
    if part == "strategies":
        compared = [*COMPARED[:3], *OTHERS]
        return [Run("strategies", "super_resolution", variant, 0, few) for variant in compared]
    seed, steps = int(part.removeprefix("seed")), QUICK_STEPS if quick else STEPS
    return [Run("super_resolution", "super_resolution", each, seed, steps) for each in COMPARED]


def run(arguments: argparse.Namespace, console: Console) -> None:
    device, out = choose_device(arguments.device), files.output_folder(arguments.out)
    sizes = {"batch": 2, "crop": 48, "channels": 8, "blocks": 1} if arguments.quick else {}
    training, held_out = photographs.load_all(arguments.data, 2, 48)
    if arguments.quick:
        held_out = [_cut(photograph) for photograph in held_out[:1]]
    judge = running.Judge(held_out, device)
    start = functools.partial(
        running.trained_start,
        out,
        training,
        device,
        QUICK_STEPS if arguments.quick else START_STEPS,
        sizes,
    )
    make = running.trainer_of(training, device, start, sizes)
    for part in dict.fromkeys(arguments.part):
        console.rule(part)
        for each in runs_of(part, arguments.quick):
            began = time.perf_counter()
            found = running.result_of(each, out / "runs", make, judge)
            console.print(
                f"{each.variant.name:32} seed {each.seed}  {found['psnr']:.3f} dB  "
                f"LPIPS {found['lpips']:.4f}  {time.perf_counter() - began:.0f} s",
                highlight=False,
                soft_wrap=True,
            )
    report(out, console, {"photographs": len(training), **machine(device)})


def report(out: Path, console: Console, about: dict[str, object]) -> None:
    """Table, picture and answers from all finished runs of all parts."""
    finished = [
        json.loads(path.read_text(encoding="utf-8")) for path in sorted(out.glob("runs/*/*.json"))
    ]
    order = {variant.name: i for i, variant in enumerate((*COMPARED, *OTHERS, *ADVERSARIAL))}
    parts = ("super_resolution", "strategies", "fine_tuning")
    finished.sort(key=lambda r: (parts.index(r["part"]), order[r["variant"]], r["seed"]))
    rows = results.rows_of(finished)
    answers = results.answers(rows)
    title = "Weights of four losses: held-out photographs, x2 super-resolution"
    console.print(tables.terminal_table(results.COLUMNS[:-1], rows))
    for line in answers:
        console.print(line, highlight=False, soft_wrap=True)
    written = tables.write_table(
        out, "balance", title, results.COLUMNS, rows, {"answers": answers, **about}
    )
    results.draw(out / "balance.png", finished)
    for path in (out / "balance.png", *written):
        console.print(f"wrote {path}", soft_wrap=True)


def _cut(photograph: photographs.Photograph) -> photographs.Photograph:
    """A corner of a photograph, which takes less time to score."""
    return photographs.Photograph(
        photograph.name, photograph.truth[:, :128, :128], photograph.low[:, :64, :64]
    )


if __name__ == "__main__":
    torch.set_num_threads(min(2, torch.get_num_threads()))
    main()
