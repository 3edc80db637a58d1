"""The statistics of a study, against scipy, scikit-learn, other searches and planted data."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats

from ssimloss import study
from ssimloss.study import aggregate as aggregates
from ssimloss.study import choices, weighted
from ssimloss.study.aggregate import aggregate, fitness_factors, speed_factors
from ssimloss.study.bootstrap import Draws, mean_interval, paired_p, percentile_interval
from ssimloss.study.correlations import compare_resampled
from ssimloss.study.logistic import CURVES, fit_logistic

pytestmark = pytest.mark.usefixtures("one_thread")


def correlated(n: int, r: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x, noise = random.standard_normal((2, n))
    return x, r * x + math.sqrt(1 - r * r) * noise


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ties", [False, True])
def test_statistics_are_those_of_scipy(ties: bool) -> None:
    x, q = correlated(80, 0.7, 0)
    if ties:
        x, q = np.round(x), np.round(2 * q)
    found = study.opinion_agreement(x, q, resamples=20)
    assert found.srcc.value == pytest.approx(stats.spearmanr(x, q)[0], abs=1e-12)
    assert found.krcc.value == pytest.approx(stats.kendalltau(x, q)[0], abs=1e-12)
    fitted = found.fit(x)
    assert found.plcc.value == pytest.approx(stats.pearsonr(fitted, q)[0], abs=1e-12)
    assert found.rmse.value == pytest.approx(math.sqrt(np.mean((fitted - q) ** 2)), abs=1e-12)
    # A distance and MOS point in opposite directions, which the fit absorbs.
    turned = study.opinion_agreement(-x, q, same_direction=False, resamples=20)
    assert turned.srcc == found.srcc
    assert turned.plcc.value == pytest.approx(found.plcc.value, abs=1e-6)


@pytest.mark.parametrize("rounded", [False, True], ids=["distinct", "ties"])
@pytest.mark.parametrize("scenes", [False, True], ids=["pairs", "scenes"])
def test_a_resample_by_weights_is_one_by_repetition(rounded: bool, scenes: bool) -> None:
    """Also for resamples in which one of the two is constant, which are undefined."""
    for n in (2, 3, 7, 40):
        x, q = correlated(n, 0.5, n)
        if rounded:
            x, q = np.round(x), np.round(q)
        labels = [*range(n // 2 + 1), *range(n - n // 2 - 1)] if scenes else None
        (weights,) = Draws(n, labels, 25, seed=3).weights()
        found = [one(x, q, weights) for one in (weighted.spearman, weighted.kendall)]
        found.append(weighted.pearson(x, q, weights))
        rms = weighted.root_mean_square(x - q, weights)
        for row, counts in enumerate(weights.astype(int)):
            a, b = np.repeat(x, counts), np.repeat(q, counts)
            assert rms[row] == pytest.approx(math.sqrt(np.mean((a - b) ** 2)), abs=1e-12)
            here = [values[row] for values in found]
            if len(set(a)) < 2 or len(set(b)) < 2:
                assert np.isnan(here).all()
                continue
            expected = [one(a, b)[0] for one in (stats.spearmanr, stats.kendalltau, stats.pearsonr)]
            assert here == pytest.approx(expected, abs=1e-9)


def test_draws_do_not_depend_on_how_many_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.concatenate(list(Draws(30, None, 50, seed=1).weights()))
    monkeypatch.setattr("ssimloss.study.bootstrap._ROOM", 200)
    parts = list(Draws(30, None, 50, seed=1).weights())
    assert len(parts) > 5
    assert np.array_equal(np.concatenate(parts), whole)
    assert (whole.sum(1) == 30).all()


@pytest.mark.parametrize("curve", CURVES)
def test_the_fit_finds_a_planted_curve(curve: str) -> None:
    x = np.linspace(0.2, 0.98, 60)
    q = 12 + 70 / (1 + np.exp(-(x - 0.8) / 0.05)) + (8 * x if curve == "logistic5" else 0)
    assert fit_logistic(x, q, curve=curve)(x) == pytest.approx(q, abs=0.05)
    # Also if lower is better, and in any unit.
    assert fit_logistic(-1e4 * x, -q, curve=curve)(-1e4 * x) == pytest.approx(-q, abs=0.05)


@pytest.mark.parametrize("curve", CURVES)
def test_no_other_search_fits_better(curve: str) -> None:
    """A global search of another kind, with the equations written down again."""
    x, q = correlated(50, 0.6, 3)

    def equation(b: np.ndarray) -> np.ndarray:
        if curve == "logistic4":
            return b[1] + (b[0] - b[1]) / (1 + np.exp(-(x - b[2]) / max(abs(b[3]), 0.02)))
        return b[0] * (0.5 - 1 / (1 + np.exp(b[1] * (x - b[2])))) + b[3] * x + b[4]

    bounds = [(-6, 6), (-6, 6), (-3, 3), (-3, 3), (-3, 3)][: 4 if curve == "logistic4" else 5]
    if curve == "monotonic5":  # rising, as the data do
        bounds = [(0, 6), (0, 6), (-3, 3), (0, 3), (-3, 3)]
    end = optimize.differential_evolution(
        lambda b: np.mean((equation(b) - q) ** 2), bounds, seed=0, maxiter=100, popsize=10
    )
    ours = np.mean((fit_logistic(x, q, curve=curve)(x) - q) ** 2)
    assert ours <= 1.005 * end.fun


def test_a_monotonic_fit_does_not_follow_noise() -> None:
    """20 images: the unrestricted curve goes up and down, and its correlation is higher."""
    x, q = correlated(20, 0.6, 2)
    grid = np.linspace(x.min(), x.max(), 400)
    free, rising = (fit_logistic(x, q, curve=curve) for curve in ("logistic5", "monotonic5"))
    assert np.diff(free(grid)).min() < -1e-3
    assert np.diff(rising(grid)).min() >= 0
    assert np.diff(fit_logistic(-x, q, curve="monotonic5")(-grid[::-1])).max() <= 0
    free_r, rising_r = (stats.pearsonr(one(x), q)[0] for one in (free, rising))
    assert rising_r < free_r - 0.01
    assert study.opinion_agreement(x, q, resamples=2).plcc.value == pytest.approx(rising_r)
    # Where the best curve is monotonic, both are the same.
    x = np.linspace(-2, 2, 60)
    q = np.tanh(3 * x) + 0.3 * x + 0.05 * np.sin(40 * x)
    free, rising = (fit_logistic(x, q, curve=curve) for curve in ("logistic5", "monotonic5"))
    assert rising(x) == pytest.approx(free(x), abs=1e-4)


def test_undefined_statistics_say_why() -> None:
    constant = study.opinion_agreement([1.0, 1.0, 1.0], [1.0, 2.0, 3.0])
    assert math.isnan(constant.srcc.value)
    assert constant.note == "scores all the same"
    few = study.opinion_agreement([1.0, 2.0, 3.0], [1.0, 3.0, 2.0], resamples=10)
    assert few.srcc.value == pytest.approx(0.5)
    assert math.isnan(few.plcc.value)
    assert "needs as many pairs" in few.note
    assert study.opinion_agreement([], []).note == "0 judged images"
    with pytest.raises(ValueError, match="opinions must be finite, got nan at index 1"):
        study.opinion_agreement([1.0, 2.0], [1.0, math.nan])
    with pytest.raises(ValueError, match=r"one shape \(n,\)"):
        study.opinion_agreement([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="one label per pair, got 1 for 2"):
        study.correlation("srcc", [1.0, 2.0], [1.0, 2.0], clusters=["a"])


def test_average_precision_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import average_precision_score

    random = np.random.default_rng(0)
    distance, same = np.round(random.random(60), 1), random.random(60)
    labels = np.repeat([1, 0], 60)
    expected = average_precision_score(
        labels, -np.tile(distance, 2), sample_weight=np.concatenate((same, 1 - same))
    )
    assert study.average_precision(distance, same) == pytest.approx(expected, abs=1e-12)
    assert math.isnan(study.average_precision([1.0, 2.0], [0.0, 0.0]))
    # Its resamples repeat pairs.
    draws = Draws(60, None, 20, seed=1)
    (weights,) = draws.weights()
    by_hand = [
        study.average_precision(np.repeat(distance, counts), np.repeat(same, counts))
        for counts in weights.astype(int)
    ]
    value = study.average_precision(distance, same)
    found = percentile_interval(*choices.resampled_precision(distance, same, draws), draws.units)
    expected = percentile_interval(value, np.array(by_hand), 60)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_two_alternative_score_by_hand() -> None:
    # b is nearer and 0.9 prefer it; a is nearer and 0.8 prefer b; a tie.
    score = study.two_alternative_score([2.0, 1.0, 1.0], [1.0, 2.0, 1.0], [0.9, 0.8, 0.3])
    assert score == pytest.approx((0.9 + 0.2 + 0.5) / 3)
    assert choices.human_score([0.5, 1.0]) == pytest.approx(0.75)


# --- intervals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["srcc", "krcc", "plcc", "rmse"])
def test_an_interval_contains_its_estimate(name: str) -> None:
    """Few stimuli, ties, and correlations next to 1, of which resamples are mostly larger."""
    intervals = []
    for seed in range(60):
        n = 3 + seed % 12
        x, q = correlated(n, (0.3, 0.9, 0.999)[seed % 3], seed)
        if seed % 2:
            x = np.round(2 * x)
        found = study.correlation(name, x, q, resamples=40, seed=seed)
        if math.isfinite(found.low):
            assert found.low <= found.value <= found.high, (n, seed)
            intervals.append(found)
    assert len(intervals) > 30
    assert sum(one.low < one.high for one in intervals) > 30


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_images_have_no_comparison(count: int) -> None:
    scores = {"a": np.arange(count), "b": np.ones(count)}
    directions = dict.fromkeys(scores, True)
    (row,) = study.compare(scores, np.ones(count), same_direction=directions, resamples=5)
    assert (row.first, row.second) == ("a", "b")
    assert all(map(math.isnan, (row.difference, row.p, row.p_holm)))


def test_a_perfect_correlation_of_few_stimuli_is_not_certain() -> None:
    """Every resample of it is perfect, so that the bootstrap alone has no width."""
    for n, low in ((4, -0.8), (5, 0.0), (8, 0.8), (15, 0.97)):
        found = study.correlation("srcc", np.arange(n), np.arange(n) ** 3, resamples=50)
        assert (found.value, found.high) == (1.0, 1.0)
        assert found.low < low + 0.2, n
    assert study.correlation("srcc", np.arange(3), np.arange(3), resamples=50).low == -1.0
    # Kendall's next value below 1 is farther away: 0.93 for 8 images, Spearman's is 0.98.
    assert study.correlation("krcc", np.arange(8), np.arange(8), resamples=50).low < 0.9
    # A mean of shares as well: percentiles of a lopsided sample may miss it.
    lopsided = percentile_interval(0.9, np.array([0.1, 0.2, 0.3]), 3)
    assert (lopsided.value, lopsided.high) == (0.9, 0.9)


def thurstone(truth: np.ndarray, observers: int, random: np.random.Generator) -> np.ndarray:
    """Mean scores of observers whose judgements scatter about the truth with deviation 1."""
    return (truth + random.standard_normal((observers, len(truth)))).mean(0)


@pytest.mark.parametrize(
    ("name", "count", "per_scene", "spread", "most"),
    # At few stimuli and near 1 the ranks are discrete: coverage is at least the stated rate.
    [
        ("krcc", 40, 1, 0.6, 0.985),
        ("srcc", 12, 1, 0.3, 1.0),
        ("srcc", 80, 8, 0.7, 0.975),
    ],
)
def test_intervals_cover_the_truth_of_simulated_observers(
    name: str, count: int, per_scene: int, spread: float, most: float
) -> None:
    """500 studies by ten observers each; the truth is that of very many stimuli. Half of the
    variance of a measure's errors is common to the images of a scene.
    """

    def stimuli(n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        truth = random.standard_normal(n)
        error = random.standard_normal(n)
        if per_scene > 1:
            common = np.repeat(random.standard_normal(n // per_scene), per_scene)
            error = math.sqrt(0.5) * (error + common)
        return truth + spread * error, thurstone(truth, 10, random)

    many = stimuli(200_000, np.random.default_rng(1))
    truth = {"srcc": stats.spearmanr, "krcc": stats.kendalltau}[name](*many)[0]
    scenes = [*np.repeat(np.arange(count // per_scene), per_scene)]
    covered = 0
    for seed in range(500):
        x, q = stimuli(count, np.random.default_rng(1000 + seed))
        found = study.correlation(name, x, q, clusters=scenes, resamples=100, seed=seed)
        covered += found.low <= truth <= found.high
    assert 0.925 <= covered / 500 <= most


def test_simulated_observers_give_back_the_planted_order() -> None:
    random = np.random.default_rng(0)
    truth = random.standard_normal(400)
    opinions = thurstone(truth, 20, random)
    noise = {"good": 0.2, "fair": 0.6, "twin": 0.6, "poor": 1.5}
    scores = {n: truth + s * random.standard_normal(400) for n, s in noise.items()}
    found = {
        name: study.correlation("srcc", x, opinions, resamples=2).value
        for name, x in scores.items()
    }
    assert found["good"] > max(found["fair"], found["twin"]) > found["poor"]
    rows = study.compare(
        scores, opinions, same_direction=dict.fromkeys(scores, True), resamples=200
    )
    p = {(row.first, row.second): row.p_holm for row in rows}
    assert p["good", "fair"] < 0.01
    assert p["fair", "poor"] < 0.01
    assert p["twin", "poor"] < 0.01
    assert p["fair", "twin"] > 0.05


def test_measures_are_compared_on_the_same_resamples() -> None:
    """A small difference of two measures with the same errors is real; intervals overlap."""
    random = np.random.default_rng(0)
    truth = random.standard_normal(300)
    first = truth + 0.6 * random.standard_normal(300)
    scores = {"first": first, "second": first + 0.3 * random.standard_normal(300)}
    (row,) = study.compare(scores, truth, same_direction=dict.fromkeys(scores, True), resamples=200)
    assert 0 < row.difference < 0.05
    assert row.p < 0.02
    better, worse = (study.correlation("srcc", x, truth, resamples=200) for x in scores.values())
    assert worse.high > better.value


def test_a_comparison_without_any_spread_is_undefined() -> None:
    """Opposite perfect orders of 5 images: every resample is as perfect."""
    x = np.arange(5.0)
    scores = {"right": x, "twin": x**3, "wrong": -x}
    rows = study.compare(scores, x, same_direction=dict.fromkeys(scores, True), resamples=50)
    found = {(row.first, row.second): (row.p, row.p_holm) for row in rows}
    assert found["right", "twin"] == (1.0, 1.0)
    assert np.isnan(found["right", "wrong"]).all()


def test_choices_are_compared_on_the_same_questions() -> None:
    """A measure, one that errs as often on other questions, and one that is worse in few more."""
    random = np.random.default_rng(0)
    scores = (random.random(200) < 0.8).astype(float)
    worse = np.where(np.arange(200) % 20 == 0, 0.0, scores)
    measures = {"first": scores, "shuffled": random.permutation(scores), "worse": worse}
    draws = Draws(200, None, 400, seed=1)
    drawn = {name: choices.resampled_scores(values, draws) for name, values in measures.items()}
    rows = compare_resampled({n: (value, value, found) for n, (value, found) in drawn.items()}, 200)
    found = {(row.first, row.second): row for row in rows}
    assert found["first", "shuffled"].p == 1.0
    assert found["first", "worse"].difference == pytest.approx((scores - worse).mean())
    expected = stats.ttest_rel(scores, worse).pvalue
    assert found["first", "worse"].p == pytest.approx(expected, rel=0.5)
    assert found["first", "worse"].p_holm == pytest.approx(3 * found["first", "worse"].p)
    intervals = [percentile_interval(*one, 200) for one in drawn.values()]
    assert intervals[2].high > intervals[0].low


def test_resamples_of_few_scenes_lead_to_the_interval_and_p_of_student() -> None:
    """Eight scenes whose images have equal scores: only scenes count, as in Student's test."""
    scenes, other = np.random.default_rng(3).uniform(0.2, 0.9, (2, 8))
    draws = Draws(40, [*np.repeat(range(8), 5)], 4000, seed=1)
    drawn = {
        name: choices.resampled_scores(np.repeat(values, 5), draws)
        for name, values in (("a", scenes), ("b", other))
    }
    found = percentile_interval(*drawn["a"], draws.units)
    low, high = stats.ttest_1samp(scenes, 0).confidence_interval(0.95)
    assert found.high - found.low == pytest.approx(high - low, rel=0.1)
    (row,) = compare_resampled({n: (v, v, spread) for n, (v, spread) in drawn.items()}, draws.units)
    assert row.p == pytest.approx(stats.ttest_rel(scenes, other).pvalue, rel=0.1)
    # One scene shows no variation, however many images it has.
    alone = study.correlation("srcc", scenes, other, clusters=["scene"] * 8, resamples=20)
    assert math.isfinite(alone.value)
    assert math.isnan(alone.low)
    (row,) = study.compare(
        {"a": scenes, "b": -scenes}, other, same_direction={"a": True, "b": True},
        clusters=["scene"] * 8, resamples=20,
    )  # fmt: skip
    assert math.isnan(row.p)


def test_means_over_images_are_those_of_scipy() -> None:
    values, other = np.random.default_rng(0).normal(3, 1, (2, 6))
    found = mean_interval(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(tuple(expected), rel=1e-12)
    assert paired_p(values - other) == pytest.approx(stats.ttest_rel(values, other).pvalue)
    assert math.isnan(mean_interval([2.0]).low)
    assert math.isnan(mean_interval([]).value)
    assert math.isnan(paired_p([0.3]))
    assert math.isnan(paired_p([0.1 + 0.2, 0.3, 0.3]))
    assert paired_p([0.0, 0.0]) == 1.0


def test_images_of_one_scene_are_drawn_together() -> None:
    """Copies of one stimulus tell nothing new: intervals must not shrink."""
    x, q = correlated(20, 0.7, 5)
    alone = study.correlation("srcc", x, q, resamples=400)
    copies = study.correlation(
        "srcc", np.tile(x, 9), np.tile(q, 9), clusters=[*range(20)] * 9, resamples=400
    )
    assert copies.high - copies.low == pytest.approx(alone.high - alone.low, rel=0.15)
    fooled = study.correlation("srcc", np.tile(x, 9), np.tile(q, 9), resamples=400)
    assert fooled.high - fooled.low < 0.6 * (alone.high - alone.low)


# --- aggregate ------------------------------------------------------------------------------------


def test_aggregate_and_its_sensitivity() -> None:
    factors = {
        "good": {"orderings": 0.9, "speed": 0.2},
        "fast": {"orderings": 0.1, "speed": 1.0},
        "never": {"orderings": 0.1, "speed": 0.1},
        "without": {"orderings": 0.9, "speed": math.nan},
    }
    found = aggregate(factors, {"orderings": 1.0, "speed": 1.0})
    assert found["good"].value == pytest.approx((0.9 + 0.2) / 2)
    assert math.isnan(found["without"].value)
    assert found["without"].first == 0
    # good wins where its weight w has 0.9 w + 0.2 (1 - w) > 0.1 w + (1 - w), w above 1/2.
    assert found["good"].first == pytest.approx(0.5, abs=0.02)
    assert found["never"].first == 0
    assert sum(one.first for one in found.values()) == pytest.approx(1)


def test_random_weightings_are_centred_on_the_chosen_one() -> None:
    proportions = np.array([0.6, 0.3, 0.1])
    drawn = aggregates.random_weightings(proportions, 10_000, seed=0)
    assert drawn.shape == (aggregates.WEIGHTINGS, 3)
    assert drawn.sum(1) == pytest.approx(1)
    assert drawn.mean(0) == pytest.approx(proportions, abs=0.01)
    # Beta distribution of one weight of a Dirichlet distribution with parameters 1.8 and 1.2.
    assert stats.kstest(drawn[:, 0], stats.beta(1.8, 1.2).cdf).pvalue > 0.01
    even = aggregates.random_weightings(np.full(3, 1 / 3), 10_000, seed=0)
    assert stats.kstest(even[:, 0], stats.beta(1, 2).cdf).pvalue > 0.01
    # So the measure that is first under the chosen weighting is first more often than under equal
    # ones, and measures that tie share.
    factors = {
        "good": {"orderings": 0.9, "speed": 0.2},
        "twin": {"orderings": 0.9, "speed": 0.2},
        "fast": {"orderings": 0.1, "speed": 1.0},
    }
    found = aggregate(factors, {"orderings": 3.0, "speed": 1.0})
    # w > 1/2 of a Beta distribution with parameters 1.5 and 0.5
    share = stats.beta(1.5, 0.5).sf(0.5)
    assert found["good"].first == found["twin"].first == pytest.approx(share / 2, abs=0.01)
    assert sum(one.first for one in found.values()) == pytest.approx(1)


def test_a_factor_without_weight_is_not_needed() -> None:
    factors = {
        "slow": {"orderings": 0.9, "speed": math.nan},
        "fast": {"orderings": 0.5, "speed": 1.0},
    }
    found = aggregate(factors, {"speed": 0.0})
    assert found["slow"].value == pytest.approx(0.9)
    assert (found["slow"].first, found["fast"].first) == (1, 0)
    assert found["fast"].factors["speed"] == 1.0  # it is still shown
    nothing = aggregate({"a": {"speed": math.nan}})
    assert math.isnan(nothing["a"].value)
    assert nothing["a"].first == 0


def test_factors_run_from_0_to_1() -> None:
    assert speed_factors({"a": 1.0, "b": 10.0, "c": 100.0}) == pytest.approx(
        {"a": 1.0, "b": 0.5, "c": 0.0}
    )
    assert speed_factors({"alone": 2.0, "unknown": math.nan})["alone"] == 1.0
    assert math.isnan(speed_factors({"alone": 2.0, "unknown": math.nan})["unknown"])
    assert fitness_factors({"a": 1.0, "b": 2.0, "c": 3.0}) == {"a": 1.0, "b": 0.5, "c": 0.0}
