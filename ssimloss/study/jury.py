"""The jury of measures that ranks the results of losses: measures that say the same have one vote.

PSNR ranks images exactly as the squared error does, and L1 nearly as Charbonnier. If each had a
vote, the jury would prefer pixel losses because many of them exist, and PSNR would judge the
results of its twin. Measures form a family if any two of them order all results of all losses with
a rank correlation above 0.98 (complete linkage). A family has one vote, the mean of its members,
and does not judge the results of its own members.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from ssimloss.study.bootstrap import scipy_stats

ALIKE: Final = 0.98  # Spearman's correlation of two members of a family, at least
FEWEST: Final = 30  # results; of fewer, high correlations arise by chance, and nobody has family


def families(distances: Mapping[str, Sequence[float]]) -> list[list[str]]:
    """Groups of measures that order the results alike; most have a single member.

    Args:
        distances: of the results from their references, by measure; smaller is closer. NaN, of a
            measure that failed, counts as farther than every number.

    Raises:
        ModuleNotFoundError: scipy is not installed.
    """
    names = list(distances)
    table = np.array([distances[name] for name in names], dtype=np.float64)
    if len(names) < 2 or table.shape[1] < FEWEST:
        return [[name] for name in names]
    rankdata = scipy_stats().rankdata
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    ranks = rankdata(np.where(np.isnan(table), np.inf, table), axis=1)
    ranks -= ranks.mean(1, keepdims=True)
    length = np.sqrt((ranks**2).sum(1))
    unit = ranks / np.where(length > 0, length, 1.0)[:, None]  # constant values are like no others
    apart = np.clip(1.0 - unit @ unit.T, 0.0, 2.0)
    np.fill_diagonal(apart, 0.0)
    tree = linkage(squareform((apart + apart.T) / 2), "complete")
    found: dict[int, list[str]] = {}
    for name, label in zip(names, fcluster(tree, 1.0 - ALIKE, "distance"), strict=True):
        found.setdefault(int(label), []).append(name)
    return list(found.values())


def vote(ranks: Mapping[str, float], loss: str, groups: Sequence[Sequence[str]]) -> float:
    """The mean rank of a loss: over its judges in each family, then over the other families.

    Args:
        ranks: of the results of the loss, by judge.
        loss: the measure that was minimised; its family has no vote.
        groups: from :func:`families`.

    Returns:
        A rank, 1 for the best; NaN without a judge.
    """
    votes = [
        float(np.mean(known))
        for group in groups
        if loss not in group and (known := [ranks[name] for name in group if name in ranks])
    ]
    return float(np.mean(votes)) if votes else float("nan")
