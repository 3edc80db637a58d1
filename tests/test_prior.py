"""Consistency of another network's output: any output, and the landmarks of a heatmap network that
is trained here.
"""

from __future__ import annotations

import copy
import functools

import battery
import pytest
import reference
import torch
from torch import Tensor, nn

import ssimloss
import ssimloss.functional as F

pytestmark = pytest.mark.usefixtures("one_thread")


def double(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


# --- equations ------------------------------------------------------------------------------------


@pytest.mark.parametrize("sharpness", [1.0, 50.0])
def test_soft_argmax_is_the_reference(sharpness: float) -> None:
    heatmaps = double(2, 3, 5, 8)
    battery.close(
        F.soft_argmax(heatmaps, sharpness=sharpness),
        torch.from_numpy(reference.soft_argmax(heatmaps.numpy(), sharpness)),
        1e-12,
    )
    assert torch.autograd.gradcheck(
        lambda x: F.soft_argmax(x, sharpness=3.0), heatmaps[:1, :1].requires_grad_()
    )


def test_soft_argmax_finds_peaks() -> None:
    """x before y, centres of positions; between two positions where they are equal; the middle of a
    flat map.
    """
    heatmaps = torch.zeros(1, 3, 4, 8)
    heatmaps[0, 0, 1, 6] = 1
    heatmaps[0, 1, 3, 2:4] = 1
    expected = torch.tensor([[[6.5 / 8, 1.5 / 4], [3 / 8, 3.5 / 4], [0.5, 0.5]]])
    torch.testing.assert_close(F.soft_argmax(heatmaps), expected)
    assert F.soft_argmax(heatmaps.half()).dtype is torch.float32
    assert F.soft_argmax(1e30 * heatmaps).isfinite().all()


def test_heatmap_loss() -> None:
    pred, target = double(2, 3, 5, 8), double(2, 3, 5, 8, seed=1)
    battery.close(
        F.heatmap_loss(pred, target, reduction="none"), (pred - target).square().mean((2, 3))
    )
    points = [torch.from_numpy(reference.soft_argmax(maps.numpy(), 5.0)) for maps in (pred, target)]
    coordinates = functools.partial(F.heatmap_loss, compare="coordinates", sharpness=5.0)
    battery.close(
        coordinates(pred, target, reduction="none"), (points[0] - points[1]).square().sum(2), 1e-11
    )
    for loss in (F.heatmap_loss, coordinates):
        none = loss(pred, target, reduction="none")
        battery.close(loss(pred, target), none.mean())
        battery.close(loss(pred, target, reduction="image"), none.mean(1))
        battery.close(loss(pred, target, reduction="sum"), none.sum())
        battery.finite_everywhere(loss)
        battery.derivative_is_right(loss)
        assert loss(pred[:0], target[:0]) == 0
    assert F.heatmap_loss(pred.half(), target.half(), reduction="none").dtype is torch.float16
    with pytest.raises(ValueError, match="target_heatmaps must have the shape of pred_heatmaps"):
        F.heatmap_loss(pred, target[:1])
    with pytest.raises(ValueError, match="sharpness must be positive, got 0"):
        F.heatmap_loss(pred, target, sharpness=0)
    with pytest.raises(
        ValueError, match="compare must be one of 'heatmaps', 'coordinates', got 'points'"
    ):
        F.heatmap_loss(pred, target, compare="points")


# Embeddings, tokens, maps.
@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 4), (3, 5, 4, 2)], ids=str)
def test_prior_loss(shape: tuple[int, ...]) -> None:
    pred, target = double(*shape), double(*shape, seed=1)
    expected = {
        "l1": (pred - target).abs(),
        "l2": (pred - target).square(),
        "cosine": 1 - torch.nn.functional.cosine_similarity(pred, target, dim=1),
    }
    for distance, values in expected.items():
        loss = functools.partial(F.prior_loss, pred, target, distance=distance)
        battery.close(loss(reduction="none"), values, 1e-9)
        battery.close(loss(), values.mean(), 1e-9)
        battery.close(loss(reduction="image"), values.reshape(len(values), -1).mean(1), 1e-9)
        x, y = (output[:1].clone().requires_grad_() for output in (pred, target))
        assert torch.autograd.gradcheck(functools.partial(F.prior_loss, distance=distance), (x, y))
    with pytest.raises(
        TypeError,
        match=r"pred_features\['output'\] must be a floating point tensor, got torch\.int64",
    ):
        F.prior_loss(pred.argmax(1), target.argmax(1))
    with pytest.raises(ValueError, match="distance must be one of 'l1', 'l2', 'cosine', got 'kl'"):
        F.prior_loss(pred, target, distance="kl")


# --- outputs of networks --------------------------------------------------------------------------


class Network(nn.Module):
    """An embedding, or several outputs in one of the ways that networks return them; its forward
    branches in Python.
    """

    def __init__(self, kind: str = "tensor") -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            self.stem = nn.Sequential(
                nn.Conv2d(3, 6, 3, 2, 1), nn.BatchNorm2d(6), nn.ReLU(inplace=True)
            )
            self.head = nn.Linear(6, 4)
        self.drop = nn.Dropout(0.5)
        self.kind = kind

    def forward(self, image: Tensor) -> object:
        planes = self.stem(image)
        embedding = self.head(self.drop(planes.mean((2, 3))))
        if self.kind == "tensor":
            return embedding
        return {
            "list": [planes, embedding],
            "dict": {"out": embedding, "aux": planes},
            "nothing": None,
        }[self.kind]


def pair(side: int = 16) -> tuple[Tensor, Tensor]:
    return torch.rand(2, 3, side, side, dtype=torch.float64), torch.rand(
        2, 3, side, side, dtype=torch.float64
    )


@pytest.mark.parametrize(
    ("kind", "output"), [("tensor", None), ("list", 1), ("list", -1), ("dict", "out")], ids=str
)
def test_prior_is_the_distance_of_outputs(kind: str, output: int | str | None) -> None:
    """In eval(), without dropout, on images on a scale of [0, 1] unless told to normalise them."""
    network, (pred, target) = Network(kind), pair()
    reference_network = Network().double().eval()
    expected = (reference_network(pred) - reference_network(target)).square().mean()
    loss = ssimloss.PriorLoss(network, output=output).train()
    battery.close(loss(pred, target), expected, 1e-6)
    battery.close(
        ssimloss.PriorLoss(network, output=output, data_range=(-1, 1))(
            2 * pred - 1, 2 * target - 1
        ),
        expected,
        1e-6,
    )
    half = ((0.5,) * 3, (0.5,) * 3)
    shifted = (reference_network(2 * pred - 1) - reference_network(2 * target - 1)).square().mean()
    battery.close(
        ssimloss.PriorLoss(network, output=output, normalization=half)(pred, target), shifted, 1e-6
    )
    assert network.training
    assert all(p.requires_grad for p in network.parameters())
    assert list(loss.parameters()) == []
    assert loss.state_dict() == {}
    (gradient,) = torch.autograd.grad(loss(pred.requires_grad_(), target), pred)
    assert gradient.norm() > 0
    with torch.no_grad():
        network.head.weight.zero_()
    battery.close(loss(pred, target), expected, 1e-6)


def test_outputs_that_are_no_tensor_are_named() -> None:
    pred, target = pair()
    for network, output, message in (
        (
            Network("list"),
            None,
            "network must return a tensor, got list of 2 parts; name the part with output=",
        ),
        (Network("dict"), None, r"got dict of \['out', 'aux'\]; name the part"),
        (Network("nothing"), None, "got NoneType of no parts"),
        (Network(), 0, "output must be None for a network that returns a tensor, got 0"),
    ):
        with pytest.raises(TypeError, match=message):
            ssimloss.PriorLoss(network, output=output)(pred, target)
    with pytest.raises(
        TypeError,
        match=r"network must be a torch\.nn\.Module, got str; PerceptualLoss takes names of "
        r"networks",
    ):
        ssimloss.PriorLoss("resnet18")
    with pytest.raises(TypeError, match=r"output must be an index, a key or None, got float 1\.0"):
        ssimloss.PriorLoss(Network(), output=1.0)


def test_names_of_networks_and_their_outputs_go_to_perceptual_loss() -> None:
    """As the error suggests: a layer of a network by name may be its output."""
    loss = ssimloss.PerceptualLoss(
        "resnet18", layers={"fc": 1.0}, distance="cosine", weights="random", reduction="none"
    )
    pred, target = pair(64)
    assert loss(pred, target).shape == (2, 1)


@pytest.mark.filterwarnings(
    "ignore:.*torch.jit.*:FutureWarning", "ignore:.*torch.jit.*:DeprecationWarning"
)
def test_scripted_network() -> None:
    """The face-alignment package hands out networks of torch.jit."""
    network, (pred, target) = Network().eval(), pair()
    scripted = torch.jit.trace(network, pred.float())
    loss, expected = ssimloss.PriorLoss(scripted), ssimloss.PriorLoss(network)(pred, target)
    for kind in (loss, loss.double(), loss.half(), copy.deepcopy(loss)):
        battery.close(kind(pred, target), expected, 1e-5)
    (gradient,) = torch.autograd.grad(loss(pred.requires_grad_(), target), pred)
    assert gradient.norm() > 0
    assert list(loss.parameters()) == []
    assert loss.state_dict() == {}
    assert all(p.requires_grad for p in scripted.parameters())


# --- landmarks ------------------------------------------------------------------------------------


def face(points: Tensor, side: int = 32) -> Tensor:
    """A disc for each of two landmarks, a red and a blue one, on gray with a little texture:
    ``(N, 3, side, side)``, points in [0, 1].
    """
    centres = (torch.arange(side) + 0.5) / side
    # (N, 2, side, side)
    distance = (centres - points[:, :, :1, None]) ** 2 + (
        centres[:, None] - points[:, :, 1:, None]
    ) ** 2
    discs = torch.exp(-distance / (2 * 0.06**2))
    red, blue = discs[:, 0], discs[:, 1]
    return (
        0.5
        + 0.5 * torch.stack([red - blue, -red - blue, blue - red], 1)
        + 0.02 * torch.randn(len(points), 3, side, side)
    )


def heatmaps(points: Tensor, side: int = 16) -> Tensor:
    centres = (torch.arange(side) + 0.5) / side
    distance = (centres - points[:, :, :1, None]) ** 2 + (
        centres[:, None] - points[:, :, 1:, None]
    ) ** 2
    return torch.exp(-distance / (2 * 0.08**2))


@functools.cache
def landmark_network() -> nn.Module:
    """Two stages of heatmaps, as an hourglass has several, trained for a second or two."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)

        class Stages(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.first = nn.Sequential(
                    nn.Conv2d(3, 12, 5, 2, 2), nn.ReLU(), nn.Conv2d(12, 2, 3, padding=1)
                )
                self.second = nn.Sequential(
                    nn.Conv2d(5, 12, 5, padding=2), nn.ReLU(), nn.Conv2d(12, 2, 3, padding=1)
                )

            def forward(self, image: Tensor) -> list[Tensor]:
                first = self.first(image)
                return [
                    first,
                    self.second(torch.cat([first, torch.nn.functional.avg_pool2d(image, 2)], 1)),
                ]

        network = Stages()
        optimizer = torch.optim.Adam(network.parameters(), 1e-2)
        for _ in range(150):
            points = 0.15 + 0.7 * torch.rand(16, 2, 2)
            found = network(face(points))
            loss = sum((stage - heatmaps(points)).square().mean() for stage in found)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        points = 0.15 + 0.7 * torch.rand(64, 2, 2)
        error = (F.soft_argmax(network(face(points))[-1]) - points).norm(dim=2).mean()
        assert error < 0.05, f"the network finds landmarks to {error:.3f} of a side only"
    return network


@pytest.mark.parametrize("compare", ["heatmaps", "coordinates"])
def test_landmarks_that_move_cost_more_the_further_they_move(compare: str) -> None:
    loss = ssimloss.LandmarkLoss(landmark_network(), output=-1, compare=compare, reduction="none")
    points = torch.tensor([[[0.3, 0.4], [0.7, 0.5]]])
    target = face(points)
    values = []
    for distance in (0.0, 0.05, 0.1, 0.2):
        moved = points.clone()
        moved[:, 1, 1] += distance
        values.append(loss(face(moved), target))
    red, blue = torch.cat(values).T
    assert blue.tolist() == sorted(blue.tolist())
    assert blue[-1] > 10 * blue[0]
    assert red.max() < 0.2 * blue[-1], "the other landmark stayed where it was"
    if compare == "coordinates":
        assert abs(blue[-1].sqrt() - 0.2) < 0.05


def test_landmarks_mind_geometry_more_than_brightness() -> None:
    """At equal squared error an eye out of place costs more than an image that is a little
    brighter.
    """
    loss = ssimloss.LandmarkLoss(landmark_network(), output=-1)
    points = torch.tensor([[[0.3, 0.4], [0.7, 0.5]]])
    target = face(points)
    moved = face(points + torch.tensor([0.0, 0.12]))
    brighter = target + (moved - target).square().mean().sqrt()
    assert loss(moved, target) > 3 * loss(brighter, target)


def test_gradient_moves_a_landmark() -> None:
    """Descent on the pixels alone brings the network's landmark to where the target has it."""
    network = landmark_network()
    start, goal = torch.tensor([[[0.3, 0.4], [0.6, 0.6]]]), torch.tensor([[[0.3, 0.4], [0.7, 0.6]]])
    image, target = face(start).requires_grad_(), face(goal)
    loss = ssimloss.LandmarkLoss(network, output=-1, compare="coordinates", sharpness=20.0)
    features = loss.extract(target)
    optimizer = torch.optim.Adam([image], 0.02)
    first = loss(image, features).item()
    for _ in range(40):
        optimizer.zero_grad()
        value = loss(image, features)
        value.backward()
        optimizer.step()
    assert value < 0.05 * first
    found = F.soft_argmax(network(image)[-1])
    assert (found[0, 1] - start[0, 1]).norm() > 0.05


def test_landmark_arguments() -> None:
    pred, target = pair()
    with pytest.raises(
        TypeError,
        match="network must return a tensor, got list of 2 parts; name the part with output=",
    ):
        ssimloss.LandmarkLoss(landmark_network())(pred.float(), target.float())
    with pytest.raises(ValueError, match=r"pred_heatmaps must have shape \(N, C, H, W\)"):
        ssimloss.LandmarkLoss(Network())(pred, target)
    with pytest.raises(ValueError, match="sharpness must be positive"):
        ssimloss.LandmarkLoss(nn.Identity(), sharpness=-1.0)
