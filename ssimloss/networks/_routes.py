"""Chooses how to run a network: as a chain, by its graph, or with hooks."""

import torch
from torch import nn

from ssimloss._precision import autocast_off
from ssimloss.networks._chain import Chain, is_chain, positions
from ssimloss.networks._hooked import Hooked
from ssimloss.networks._traced import Traced, Untraceable

Route = Chain | Traced | Hooked
# Errors that networks raise for images of an unsupported size.
CANNOT_RUN = (RuntimeError, ValueError, AssertionError)
# Sides of images to try; many networks accept only one size.
PROBES = (64, 112, 128, 224, 256, 299, 384, 512)


def route_of(
    network: nn.Module, paths: tuple[str, ...], channels: int, *, checkpoint: bool
) -> Route:
    """Run a chain as it is, other networks by their graph, and those without a graph with hooks.

    The graph of a user's module must first agree with the module on a small image, because tracing
    follows only one path through Python's branches. torchvision's models are made to be traced.
    """
    if is_chain(network) and all(path in positions(network) for path in paths):
        return Chain(network, paths, checkpoint=checkpoint)
    hooked = Hooked(network, paths, checkpoint=checkpoint)
    try:
        traced = Traced(network, paths, checkpoint=checkpoint)
    except Untraceable:
        return hooked
    known = type(network).__module__.startswith("torchvision.models.")
    return traced if known or _agree(traced, hooked, network, channels) else hooked


def _agree(traced: Traced, hooked: Hooked, network: nn.Module, channels: int) -> bool:
    floats = (tensor for tensor in network.buffers() if tensor.is_floating_point())
    like = next(floats, torch.zeros((), dtype=torch.float32, device="cpu"))
    generator = torch.Generator("cpu").manual_seed(0)
    for side in PROBES:
        shape = (1, channels, side, side)
        image = torch.rand(shape, generator=generator, dtype=torch.float32, device="cpu").to(like)
        with torch.no_grad(), autocast_off(image):
            try:
                expected = hooked(image)
            except CANNOT_RUN:
                continue
            try:
                found = traced(image)
            except CANNOT_RUN:
                return False
        return all(
            torch.allclose(found[path], expected[path], rtol=1e-2, atol=1e-4, equal_nan=True)
            for path in expected
        )
    return False
