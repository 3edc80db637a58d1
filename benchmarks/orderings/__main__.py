"""``python -m benchmarks.orderings``: examine every measure on the held-out photographs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.orderings.held_out import held_out_trials
from benchmarks.orderings.measures import (
    RANDOM_SEEDS,
    Features,
    gram_differences,
    ms_ssim,
    of_network,
    pixel_l2,
    ssim,
    structure_and_texture,
    unit_differences,
)
from benchmarks.orderings.report import Row, markdown, write
from ssimloss import weights
from ssimloss.networks import embedded_network
from ssimloss.study.examination import examine
from ssimloss.study.orderings import Trial

RESULTS = Path(__file__).parents[1] / "results"
DISTANCES: dict[str, Callable[[Features, Features], Tensor]] = {
    "structure and texture": structure_and_texture,  # the network under test
    "unit differences": unit_differences,
    "Gram matrices": gram_differences,
}


def main(arguments: list[str] | None = None) -> list[Row]:
    """Examine all measures on the held-out photographs, print the table, and write it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--weights",
        default="embedded",
        metavar="FILE",
        help="of the embedded network; default those of the package",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", default=RESULTS, help="default benchmarks/results"
    )
    options = parser.parse_args(arguments)
    network = embedded_network()
    network.load_state_dict(weights.load_network("embedded", options.weights))
    table = rows(held_out_trials(), network)
    print(markdown(table))
    for path in write(table, options.out):
        print(f"wrote {path}")
    return table


def rows(
    held_out: Iterable[Trial], network: nn.Sequential, seeds: Iterable[int] = RANDOM_SEEDS
) -> list[Row]:
    """All measures: the trained network, the same with random weights, and measures without a
    network.
    """
    asked, untrained = list(held_out), untrained_networks(seeds)
    found = []
    for name, compare in DISTANCES.items():
        found.append(
            Row(f"embedded, {name}", (examine(of_network("embedded", network, compare), asked),))
        )
        found.append(
            Row(
                f"random weights, {name}",
                tuple(examine(of_network("random", other, compare), asked) for other in untrained),
            )
        )
    return found + [
        Row(measure.name, (examine(measure, asked),)) for measure in (pixel_l2(), ssim(), ms_ssim())
    ]


def untrained_networks(seeds: Iterable[int]) -> list[nn.Sequential]:
    """The network with random weights, one for each seed."""
    found = []
    for seed in seeds:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            found.append(embedded_network())
    return found


if __name__ == "__main__":
    main()
