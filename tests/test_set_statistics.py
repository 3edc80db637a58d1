"""Frechet distance, kernel distance and Inception score: closed forms, the NumPy reference, other
programs, invariances, errors.
"""

from __future__ import annotations

import math

import battery
import numpy as np
import pytest
import reference
import torch
from torch import Tensor

from ssimloss.metrics import frechet_distance, inception_score, kernel_distance


def features(rows: int, columns: int, seed: int = 0) -> Tensor:
    """Correlated columns of unequal scale and an offset, as activations of a network have."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(
        columns, columns, generator=generator, dtype=torch.float64
    ) * torch.logspace(0, -2, columns, dtype=torch.float64)
    return torch.randn(
        rows, columns, generator=generator, dtype=torch.float64
    ) @ mixing + torch.rand(columns, generator=generator)


def gaussian(mean: Tensor, covariance: Tensor) -> Tensor:
    """Rows whose mean and covariance over ``N - 1`` are exactly these."""
    rows = torch.randn(
        200, len(mean), generator=torch.Generator().manual_seed(3), dtype=torch.float64
    )
    centred = rows - rows.mean(0)
    whitened = torch.linalg.solve_triangular(
        torch.linalg.cholesky(centred.T @ centred / 199), centred.T, upper=False
    ).T
    return whitened @ torch.linalg.cholesky(covariance).T + mean


# --- Frechet distance -----------------------------------------------------------------------------


def test_frechet_distance_of_two_gaussians_in_closed_form() -> None:
    """Diagonal covariances commute, so the distance is that of the means and of the standard
    deviations.
    """
    mean_a, mean_b = torch.tensor([1.0, -2.0, 0.5]).double(), torch.tensor([0.0, 1.0, 0.5]).double()
    deviation_a, deviation_b = (
        torch.tensor([1.0, 2.0, 0.1]).double(),
        torch.tensor([3.0, 0.5, 0.1]).double(),
    )
    a, b = (
        gaussian(mean_a, torch.diag(deviation_a**2)),
        gaussian(mean_b, torch.diag(deviation_b**2)),
    )
    battery.close(frechet_distance(a, b), (1 + 9 + 0) + (4 + 2.25 + 0))
    battery.close(frechet_distance(a[:, :1], b[:, :1]), 1 + 4)


def test_frechet_distance_of_covariances_that_do_not_commute() -> None:
    """The root of a 2x2 matrix has the trace sqrt(tr + 2 sqrt(det))."""
    cov_a, cov_b = (
        torch.tensor([[2.0, 0.8], [0.8, 1.0]]).double(),
        torch.tensor([[1.0, -0.6], [-0.6, 3.0]]).double(),
    )
    mean, product = torch.zeros(2).double(), cov_a @ cov_b
    root = (product.trace() + 2 * torch.linalg.det(product).sqrt()).sqrt()
    battery.close(
        frechet_distance(gaussian(mean, cov_a), gaussian(mean, cov_b)),
        cov_a.trace() + cov_b.trace() - 2 * root,
    )


@pytest.mark.parametrize(
    ("rows_a", "rows_b", "columns"),
    [(200, 150, 7), (30, 40, 33), (5, 4, 20), (2, 3, 1), (60, 6, 16)],
)
def test_frechet_distance_equals_the_reference(rows_a: int, rows_b: int, columns: int) -> None:
    """More rows than columns, about as many, fewer (singular covariances), the fewest of all, and
    one of each.
    """
    a, b = features(rows_a, columns), features(rows_b, columns, seed=1) * 1.5
    expected = reference.frechet(
        *(
            s
            for x in (a, b)
            for s in (x.mean(0).numpy(), np.cov(x.numpy(), rowvar=False).reshape(columns, columns))
        )
    )
    # The reference takes roots of eigenvalues that are zero but for rounding.
    battery.close(frechet_distance(a, b), expected, 1e-6)


def test_frechet_distance_equals_torchmetrics() -> None:
    fid = pytest.importorskip("torchmetrics.image.fid")
    a, b = features(300, 24), features(260, 24, seed=1)
    battery.close(
        frechet_distance(a, b), fid._compute_fid(a.mean(0), a.T.cov(), b.mean(0), b.T.cov()), 1e-9
    )


def test_frechet_distance_of_singular_covariances_is_exact() -> None:
    """Sets in planes at right angles: nothing of the covariances overlaps. A root of rounded
    eigenvalues would leave 1e-8 here.
    """
    a, b = torch.zeros(9, 40).double(), torch.zeros(8, 40).double()
    a[:, :3], b[:, 20:23] = features(9, 3), features(8, 3)
    battery.close(
        frechet_distance(a, b),
        (a.mean(0) - b.mean(0)).square().sum() + a.var(0).sum() + b.var(0).sum(),
        1e-13,
    )


def test_frechet_distance_of_a_set_to_itself_is_zero() -> None:
    for rows, columns in ((100, 8), (6, 30)):
        a = features(rows, columns)
        assert 0 <= frechet_distance(a, a.flip(0)) <= 1e-12 * a.var(0).sum()
    assert frechet_distance(torch.ones(4, 3), torch.ones(5, 3)) == 0


def test_frechet_distance_is_symmetric_and_knows_no_axes() -> None:
    a, b = features(50, 12), features(40, 12, seed=1)
    value, rotation = frechet_distance(a, b), torch.linalg.qr(features(12, 12, seed=2)).Q
    battery.close(frechet_distance(b, a), value, 1e-10)
    battery.close(frechet_distance(a @ rotation + 7, b @ rotation + 7), value, 1e-10)
    battery.close(frechet_distance(3 * a, 3 * b), 9 * value, 1e-10)
    battery.close(
        frechet_distance(a.repeat(2, 1)[torch.randperm(100)], b),
        frechet_distance(a.repeat(2, 1), b),
        1e-10,
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_statistics_are_float64_whatever_comes(dtype: torch.dtype) -> None:
    """A large offset, which float32 moments would lose; under autocast as well."""
    a, b = (features(40, 6, seed).add(100).to(dtype) for seed in (0, 1))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        values = frechet_distance(a, b), *inception_score(a, splits=4)
    expected = frechet_distance(a.double(), b.double()), *inception_score(a.double(), splits=4)
    for value, exact in zip(values, expected, strict=True):
        assert value.dtype is torch.float64
        battery.close(value, exact)


@pytest.mark.parametrize("spoilt", [math.nan, math.inf])
@pytest.mark.parametrize("error", [ValueError, RuntimeError])  # the latter as PyTorch's own
def test_frechet_distance_of_what_is_not_finite_names_it(
    spoilt: float, error: type[Exception]
) -> None:
    """Never a finite distance, and never the message of a matrix decomposition."""
    good = features(5, 3)
    wrong = good.index_fill(0, torch.tensor([1, 4]), spoilt)
    for name, sets in (("features_a", (wrong, good)), ("features_b", (good, wrong))):
        with pytest.raises(error, match=f"{name} must be finite, got non-finite values in 2 of 5"):
            frechet_distance(*sets)


@pytest.mark.parametrize(
    ("rows_a", "rows_b", "columns"),
    [(12, 9, 5), (5, 7, 9), (4, 12, 6)],  # both above D, both below, one of each
)
def test_gradient_of_frechet_distance(rows_a: int, rows_b: int, columns: int) -> None:
    """Against central differences of the value, in every element; a column is constant, so the
    covariances are singular. The graph has one derivative only, and a second one raises an error.
    """
    constant = torch.arange(columns) != 2
    a, b = (
        (features(rows, columns, seed) * constant + 1).requires_grad_()
        for seed, rows in enumerate((rows_a, rows_b))
    )
    value = frechet_distance(a, b)
    gradients = torch.autograd.grad(value, (a, b), create_graph=True)
    step = 1e-5
    for place, (x, gradient) in enumerate(zip((a, b), gradients, strict=True)):
        differences = torch.zeros_like(x)
        for index in (x.detach() * constant).nonzero().tolist():
            moved = [[a.detach(), b.detach()] for _ in range(2)]
            for sets, sign in zip(moved, (1, -1), strict=True):
                sets[place] = sets[place].clone()
                sets[place][tuple(index)] += sign * step
            ahead, behind = (frechet_distance(*sets) for sets in moved)
            differences[tuple(index)] = (ahead - behind) / (2 * step)
        battery.close(gradient * constant, differences, 1e-6)
        alone = x.detach().requires_grad_()
        sets = [a.detach(), b.detach()]
        sets[place] = alone
        battery.close(torch.autograd.grad(frechet_distance(*sets), alone)[0], gradient, 1e-12)
    with pytest.raises(RuntimeError, match="no second derivative"):
        gradients[0].sum().backward()


@pytest.mark.parametrize("rows", [4, 30])
def test_gradient_of_frechet_distance_at_its_edges(rows: int) -> None:
    """Of equal sets it vanishes; of constant ones and of covariances that do not overlap, where the
    root has a corner, it is what the rest of the formula has.
    """
    a = features(rows, 8).requires_grad_()
    (gradient,) = torch.autograd.grad(frechet_distance(a, a.detach().flip(0)), a)
    assert gradient.norm() <= 1e-6 * a.detach().norm()
    half = torch.arange(8) < 4
    left, right = (a * half).detach().requires_grad_(), features(rows, 8, 1) * ~half
    (gradient,) = torch.autograd.grad(frechet_distance(left, right), left)
    centred = left.detach() - left.detach().mean(0)
    apart = 2 * (left.detach().mean(0) - right.mean(0)) / rows + 2 * centred / (rows - 1)
    battery.close(gradient, apart, 1e-9)
    flat = torch.ones(rows, 8, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(frechet_distance(flat, a.detach()), flat)
    battery.close(gradient, (2 * (1 - a.detach().mean(0)) / rows).expand(rows, 8), 1e-9)


# --- kernel distance ------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"degree": 2, "gamma": 0.3, "coef0": 0.0}], ids=str)
def test_kernel_distance_equals_the_reference(options: dict[str, float]) -> None:
    """Subsets as large as both sets are the sets themselves."""
    a, b = features(12, 5), features(12, 5, seed=1)
    mean, deviation = kernel_distance(a, b, subsets=3, subset_size=12, **options)  # type: ignore[arg-type]
    battery.close(mean, reference.kernel_distance(a.numpy(), b.numpy(), **options), 1e-11)
    assert deviation <= 1e-12 * mean


def test_kernel_distance_equals_torch_fidelity() -> None:
    """The subsets that it draws; of float64 features, since it multiplies in the precision of
    these.
    """
    program = pytest.importorskip("torch_fidelity.metric_kid")
    a, b = features(40, 16), features(33, 16, seed=1)
    for options in ({}, {"degree": 2, "gamma": 0.5, "coef0": 0.2, "seed": 7}):
        theirs = {
            f"kid_kernel_poly_{key}": value for key, value in options.items() if key != "seed"
        }
        theirs |= {
            "rng_seed": options.get("seed", 2020),
            "kid_subsets": 6,
            "kid_subset_size": 20,
            "verbose": False,
        }
        expected = program.kid_features_to_metric(a, b, **theirs)
        for value, key in zip(
            kernel_distance(a, b, subsets=6, subset_size=20, **options), expected, strict=True
        ):  # type: ignore[arg-type]
            battery.close(value, expected[key], 1e-10)


def test_kernel_distance_is_not_biased() -> None:
    """Of sets from one distribution it is 0 on average, negative as often as not."""
    values = [
        kernel_distance(
            features(30, 4, seed), features(30, 4, seed + 50), subsets=1, subset_size=30
        )[0].item()
        for seed in range(20)
    ]
    assert min(values) < 0 < max(values)
    far = kernel_distance(features(30, 4), features(30, 4, 50) + 1, subsets=2, subset_size=20)[0]
    assert far > 2 * max(values)


# --- Inception score ------------------------------------------------------------------------------


def test_inception_score_of_sure_and_of_undecided_classifiers() -> None:
    """All classes alike and each image sure: as many as there are classes. One class, or no
    opinion: 1.
    """
    sure = torch.eye(5).repeat(20, 1) * 1000
    for logits, score in ((sure, 5), (sure[:1].repeat(100, 1), 1), (torch.zeros(100, 5), 1)):
        mean, deviation = inception_score(logits)
        battery.close(mean, score)
        assert deviation <= 1e-12


def test_inception_score_of_impossible_classes() -> None:
    """A logit of minus infinity is a probability of 0, which adds nothing; NaN is propagated."""
    logits = torch.tensor([[0.0, 0.0, -math.inf], [0.0, -math.inf, 0.0]])
    p, q = 0.5, torch.tensor([0.5, 0.25, 0.25])
    battery.close(
        inception_score(logits, splits=1)[0],
        math.exp(p * math.log(p / q[0]) + p * math.log(p / q[1])),
    )
    assert inception_score(logits.new_tensor([[math.nan, 0], [0, 1]]), splits=1)[0].isnan()


@pytest.mark.parametrize(("rows", "splits"), [(100, 10), (37, 5), (7, 7), (12, 1)])
def test_inception_score_equals_the_reference(rows: int, splits: int) -> None:
    """Parts of equal size, of unequal size, of one image each, and one part of all."""
    logits = 3 * features(rows, 6)
    for value, expected in zip(
        inception_score(logits, splits=splits),
        reference.inception_score(logits.numpy(), splits),
        strict=True,
    ):
        battery.close(value, expected) if expected > 1e-12 else battery.close(
            value + 1, expected + 1
        )


def test_inception_score_equals_torchmetrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its network and its shuffling taken out; its deviation is over ``splits - 1``."""
    inception = pytest.importorskip("torchmetrics.image.inception")
    monkeypatch.setattr(inception, "rank_zero_warn", lambda *_: None)
    metric = inception.InceptionScore(feature=torch.nn.Identity(), splits=5)
    logits = 2 * features(60, 8)
    metric.update(logits)
    monkeypatch.setattr(torch, "randperm", torch.arange)
    mean, deviation = inception_score(logits, splits=5)
    theirs = metric.compute()
    battery.close(mean, theirs[0], 1e-10)
    battery.close(deviation * math.sqrt(5 / 4), theirs[1], 1e-10)


def test_inception_score_does_not_overflow() -> None:
    logits = torch.tensor([[1e4, -1e4], [-1e4, 1e4]])
    battery.close(inception_score(logits, splits=1)[0], 2)


# --- errors ---------------------------------------------------------------------------------------


def test_bad_input_is_named() -> None:
    a = features(6, 3)
    wrong = [
        (
            TypeError,
            "features_a must be a torch.Tensor, got list",
            lambda: frechet_distance([[1.0]], a),
        ),  # type: ignore[arg-type]
        (
            TypeError,
            "features_b must be floating point, got torch.int64",
            lambda: frechet_distance(a, a.long()),
        ),
        (
            ValueError,
            r"features_a must have shape \(N, D\), got \(6, 3, 1\); features_a.flatten",
            lambda: frechet_distance(a[..., None], a),
        ),
        (
            ValueError,
            "features_b must have at least 2 rows, got 1",
            lambda: frechet_distance(a, a[:1]),
        ),
        (
            ValueError,
            "subset_size must be at most the number of rows, got 1000 for 6 and 6",
            lambda: kernel_distance(a, a),
        ),
        (
            ValueError,
            "subset_size must be at least 2",
            lambda: kernel_distance(a, a, subset_size=1),
        ),
        (
            ValueError,
            "features_b must have the 3 columns",
            lambda: kernel_distance(a, a[:, :2], subset_size=3),
        ),
        (
            ValueError,
            "gamma must be positive",
            lambda: kernel_distance(a, a, subset_size=3, gamma=0.0),
        ),
        (
            ValueError,
            "features_b must have the 3 columns of features_a, got 2",
            lambda: frechet_distance(a, a[:, :2]),
        ),
        (
            ValueError,
            "features_b must be on the device of features_a",
            lambda: frechet_distance(a, a.to("meta")),
        ),
        (ValueError, "logits must have at least 10 rows, got 6", lambda: inception_score(a)),
        (ValueError, r"logits must have shape \(N, D\)", lambda: inception_score(a[0])),
        (ValueError, "splits must be at least 1, got 0", lambda: inception_score(a, splits=0)),
        (TypeError, "splits must be an integer", lambda: inception_score(a, splits=2.0)),  # type: ignore[arg-type]
    ]
    for error, message, call in wrong:
        with pytest.raises(error, match=message):
            call()
