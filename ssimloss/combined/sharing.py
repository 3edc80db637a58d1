"""One pass of a network over an image, shared by all terms of a sum.

A frozen network in a term is found by its interface (:class:`Extractor`), not by the class of a
loss. Extractors with equal ``sharing_key`` compute the same features of the same image. During a
call of the sum, the first extractor to be called runs the network for all of them, up to the
deepest layer that any term with this image needs. Outside the call each extractor runs on its own.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple, Protocol, cast

import torch
from torch import Tensor, nn

from ssimloss._torch import version

Features = dict[str, Tensor]
IMAGES = 2  # number of images that a loss compares


class Extractor(Protocol):
    """The part of ``ssimloss.networks.FeatureExtractor`` that sharing uses."""

    layers: tuple[str, ...]
    shared: Callable[[Tensor], Features] | None

    @property
    def sharing_key(self) -> Hashable:
        """Equal for extractors that compute the same features of the same image."""

    def adopt(self, other: "Extractor") -> None:
        """Hold the network of another extractor with the same key instead of a copy of it."""

    def features(self, image: Tensor, layers: tuple[str, ...]) -> Features:
        """The features at any layers of the network."""

    def prepare(self, layers: Sequence[str]) -> None:
        """Prepare the network for a new set of layers."""


class _Member(NamedTuple):
    """An extractor of a term; extractors of one ``group`` have equal keys."""

    term: str
    extractor: Extractor
    group: int


class SharedNetworks:
    """The extractors by term, grouped by their keys."""

    def __init__(self, modules: Mapping[str, nn.Module | None]) -> None:
        """Find the extractors; ``modules`` are those behind the terms, by name."""
        found = [
            (term, extractor)
            for term, module in modules.items()
            for extractor in _extractors_of(module)
        ]
        by_key: dict[Hashable, list[tuple[str, Extractor]]] = {}
        if len(found) > 1:  # the key of a single one is not needed
            for term, extractor in found:
                by_key.setdefault(extractor.sharing_key, []).append((term, extractor))
        alike = [members for members in by_key.values() if len(members) > 1]
        self._members = [
            _Member(term, extractor, group)
            for group, members in enumerate(alike)
            for term, extractor in members
        ]
        for members in alike:
            _, first = members[0]
            for _, extractor in members[1:]:
                extractor.adopt(first)
            first.prepare(_union(extractor.layers for _, extractor in members))

    def open(
        self, inputs: Mapping[str, Sequence[str]], given: Mapping[str, object]
    ) -> list[Extractor]:
        """Begin to share among the terms of ``inputs`` (term -> the names of its inputs). Pass the
        result to :meth:`close`.

        If an enclosing sum already shares a network, do nothing for it.
        """
        members = [
            member
            for member in self._members
            if member.term in inputs and member.extractor.shared is None
        ]
        for group in dict.fromkeys(member.group for member in members):
            here = [member for member in members if member.group == group]
            passes = _Passes(
                [(image, _union(layers)) for image, layers in _seen(here, inputs, given)]
            )
            for member in here:
                member.extractor.shared = passes.of(member.extractor)
        return [member.extractor for member in members]

    def close(self, opened: list[Extractor]) -> None:
        """Stop sharing."""
        for extractor in opened:
            extractor.shared = None


class _Passes:
    """The passes of one group during one call."""

    def __init__(self, wanted: list[tuple[Tensor, tuple[str, ...]]]) -> None:
        self._wanted = wanted
        self._made: list[tuple[Tensor, int, bool, Features]] = []

    def of(self, extractor: Extractor) -> Callable[[Tensor], Features]:
        """The function that replaces the pass of this extractor."""

        def shared(image: Tensor) -> Features:
            graph, version = torch.is_grad_enabled(), _version(image)
            for made, its_version, with_graph, features in self._made:
                same = made is image and its_version == version and with_graph == graph
                if same and all(layer in features for layer in extractor.layers):
                    return features
            layers = extractor.layers  # for an image that the term has computed itself
            for given, union in self._wanted:
                if given is image:
                    layers = union
            found = extractor.features(image, layers)
            self._made.append((image, version, graph, found))
            return found

        return shared


def _version(image: Tensor) -> int:
    """A counter of changes in place; 0 for tensors that do not count them."""
    return 0 if torch.compiler.is_compiling() or image.is_inference() else version(image)


def _extractors_of(module: nn.Module | None) -> list[Extractor]:
    if module is None:
        return []
    return [
        cast(Extractor, part) for part in module.modules() if hasattr(type(part), "sharing_key")
    ]


def _seen(
    members: list[_Member], inputs: Mapping[str, Sequence[str]], given: Mapping[str, object]
) -> list[tuple[Tensor, list[tuple[str, ...]]]]:
    """Each image that the terms of these extractors receive, with the layers that each term needs.

    A term with a third tensor, its mask, is left out, since it computes images of its own.
    """
    seen: list[tuple[Tensor, list[tuple[str, ...]]]] = []
    for member in members:
        images = [
            value
            for value in (given.get(name) for name in inputs[member.term])
            if isinstance(value, Tensor)
        ]
        for image in images if len(images) <= IMAGES else ():
            for known, layers in seen:
                if known is image:
                    layers.append(member.extractor.layers)
                    break
            else:
                seen.append((image, [member.extractor.layers]))
    return seen


def _union(layers: object) -> tuple[str, ...]:
    """All names without repeats, in their order of appearance."""
    names: list[str] = []
    for group in cast("list[tuple[str, ...]]", layers):
        for name in group:
            if name not in names:
                names.append(name)
    return tuple(names)
