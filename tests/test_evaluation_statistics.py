"""Mean, interval, permutation test and correction, against other ways to compute them."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ssimloss.evaluation import ImageRecord, MetricInfo
from ssimloss.evaluation.statistics import (
    bootstrap_interval,
    compare_methods,
    holm,
    mean,
    sign_flip_p,
    summarise,
)

PSNR, LPIPS = (
    MetricInfo("psnr", "PSNR", "dB", True, ""),
    MetricInfo("lpips", "LPIPS", "", False, ""),
)


def records(values: dict[str, list[float | None]], metric: str = "psnr") -> list[ImageRecord]:
    """Method -> its values; ``None`` where it has none."""
    count = len(next(iter(values.values())))
    return [
        ImageRecord(
            i,
            f"image{i}",
            Path(),
            {},
            (1, 1),
            {
                m: {} if row[i] is None else {metric: float(row[i] or 0)}
                for m, row in values.items()
            },
        )
        for i in range(count)
    ]


def test_mean_is_the_same_in_any_order() -> None:
    values = np.random.default_rng(0).normal(30, 5, 1000)
    assert mean(values) == mean(values[::-1]) == mean(np.sort(values)) == math.fsum(values) / 1000
    assert mean([1e16, 1.0, -1e16]) == 1 / 3
    assert math.isnan(mean([]))


# A skewed and a symmetric sample, one of two values, one too large for one draw of random numbers.
@pytest.mark.parametrize(
    ("count", "kind"), [(40, "exponential"), (200, "normal"), (2, "normal"), (900, "normal")]
)
def test_interval_agrees_with_scipy(count: int, kind: str) -> None:
    values = getattr(np.random.default_rng(1), kind)(size=count) + 30
    low, high = bootstrap_interval(values)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    noise = 0.05 * values.std() / math.sqrt(count) + 1e-12  # of two estimates from 10,000 resamples
    assert low == pytest.approx(theirs.low, abs=2 * noise)
    assert high == pytest.approx(theirs.high, abs=2 * noise)
    assert bootstrap_interval(values) == (low, high), "seeded"
    assert low < values.mean() < high


def test_interval_covers_as_often_as_it_says() -> None:
    random = np.random.default_rng(3)
    covered = [
        low <= 0 <= high
        for low, high in (
            bootstrap_interval(random.normal(size=50), resamples=400) for _ in range(400)
        )
    ]
    assert 0.90 < np.mean(covered) < 0.98


def test_interval_of_equal_values_is_their_value() -> None:
    assert bootstrap_interval([0.1] * 7) == (0.1, 0.1)


def test_one_value_has_no_interval() -> None:
    assert np.isnan(bootstrap_interval([31.7])).all()
    alone = summarise(records({"a": [31.7, math.inf]}), ["a"], [PSNR])[0]
    assert (alone.mean, alone.std, alone.count) == (31.7, 0, 2)
    assert np.isnan([alone.low, alone.high]).all()
    compared = compare_methods(records({"a": [30.0], "b": [31.0]}), ["a", "b"], [PSNR])[0]
    assert compared.difference == -1
    assert np.isnan([compared.low, compared.high]).all()


def test_permutation_test_agrees_with_scipy() -> None:
    random = np.random.default_rng(4)
    few = random.normal(0.4, 1, 9)
    exact = stats.permutation_test(
        (few,), np.mean, permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert sign_flip_p(few) == pytest.approx(exact, abs=1e-12)
    many = random.normal(0.25, 1, 60)
    drawn = stats.permutation_test(
        (many,), np.mean, permutation_type="samples", n_resamples=20_000, rng=random
    ).pvalue
    assert sign_flip_p(many) == pytest.approx(drawn, abs=0.01)
    assert sign_flip_p(many) == sign_flip_p(-many) == sign_flip_p(1e-6 * many)


def test_permutation_test_at_its_ends() -> None:
    assert sign_flip_p(np.zeros(5)) == sign_flip_p(np.zeros(50)) == 1
    assert sign_flip_p([1.0]) == 1
    assert sign_flip_p(np.ones(10)) == 2 / 2**10
    assert sign_flip_p(np.ones(5000) + 1e-3 * np.arange(5000)) == 1 / 10_001


def test_permutation_test_rejects_as_rarely_as_it_says() -> None:
    random = np.random.default_rng(5)
    p = np.array(
        [
            sign_flip_p(random.exponential(size=20) * random.choice([-1, 1], 20), resamples=300)
            for _ in range(400)
        ]
    )
    assert 0.02 < (p <= 0.05).mean() < 0.09


def test_holm() -> None:
    assert holm([]) == []
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    for p in itertools.permutations([0.001, 0.02, 0.02, 0.6]):
        corrected = holm(p)
        assert sorted(corrected) == [corrected[i] for i in np.argsort(p, kind="stable")]


def test_summary() -> None:
    images = records({"a": [30, 20, None, math.inf, 40], "b": [None] * 5, "c": [math.inf] * 5})
    a, c = summarise(images, ["a", "b", "c"], [PSNR, LPIPS])
    assert (a.method, a.metric, a.count, a.infinite) == ("a", "psnr", 4, 1)
    assert (a.mean, a.std) == (30, pytest.approx(np.std([20, 30, 40])))
    assert 20 <= a.low < 30 < a.high <= 40
    assert (a.best, a.worst) == ("image3", "image1")
    assert (c.mean, c.std, c.low, c.high, c.count, c.infinite) == (
        math.inf,
        0,
        math.inf,
        math.inf,
        5,
        5,
    )
    lpips = summarise(records({"a": [0.3, 0.1, math.inf]}, "lpips"), ["a"], [LPIPS])[0]
    assert (lpips.mean, lpips.high, lpips.infinite) == (math.inf, math.inf, 0)  # no perfect image
    assert math.isnan(lpips.std)
    lpips = summarise(records({"a": [0.3, 0.1, 0.2]}, "lpips"), ["a"], [LPIPS])[0]
    assert (lpips.best, lpips.worst) == ("image1", "image0")


def test_comparison_counts_only_images_good_in_all_methods() -> None:
    """Also an image that only the third method lacks."""
    random = np.random.default_rng(6)
    base = random.normal(30, 3, 30)
    a, b, c = ([*map(float, base + shift + random.normal(0, 0.3, 30))] for shift in (0.5, 0.0, 0.0))
    broken_a: list[float | None] = [*a[:28], None, math.inf]
    broken_c: list[float | None] = [None, *c[1:]]
    rows = compare_methods(
        records({"a": broken_a, "b": [*b], "c": broken_c}), ["a", "b", "c"], [PSNR, LPIPS]
    )
    assert [(row.first, row.second, row.count) for row in rows] == [
        ("a", "b", 27),
        ("a", "c", 27),
        ("b", "c", 27),
    ]
    assert rows[0].difference == pytest.approx(np.mean(np.array(a[1:28]) - b[1:28]))
    assert rows[0].low < rows[0].difference < rows[0].high
    assert rows[0].p < 0.001 < 0.05 < rows[2].p
    assert rows[0].p_holm == pytest.approx(3 * rows[0].p)
    assert compare_methods(records({"a": [*a]}), ["a"], [PSNR]) == []
