"""One pass of a network over an image for all terms of a sum that look at it.

A frozen network is found in a term by what it offers (:class:`Extractor`); the sum knows no loss.
Extractors of one ``sharing_key`` make the same features of the same image. During a call of the sum
the first of them to be asked runs the network for all, up to the deepest layer that any term which
is given this image wants. Outside the call each is on its own again.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple, Protocol, cast

import torch
from torch import Tensor, nn

from ssimloss._torch import version

Features = dict[str, Tensor]
IMAGES = 2  # that a loss compares


class Extractor(Protocol):
    """What ``ssimloss.networks.FeatureExtractor`` offers to be shared."""

    layers: tuple[str, ...]
    shared: Callable[[Tensor], Features] | None

    @property
    def sharing_key(self) -> Hashable:
        """Equal for extractors that make the same features of the same image."""

    def adopt(self, other: "Extractor") -> None:
        """Hold the network of another one that is alike, instead of a copy of it."""

    def features(self, image: Tensor, layers: tuple[str, ...]) -> Features:
        """The features at any layers of the network."""

    def prepare(self, layers: Sequence[str]) -> None:
        """Do ahead of time what a new set of layers needs."""


class _Member(NamedTuple):
    """An extractor of a term; extractors of one ``group`` are alike."""

    term: str
    extractor: Extractor
    group: int


class SharedNetworks:
    """The extractors of the terms, by term, with those that are alike in groups."""

    def __init__(self, modules: Mapping[str, nn.Module | None]) -> None:
        """Find the extractors; ``modules`` are those behind the terms, by name."""
        found = [
            (term, extractor)
            for term, module in modules.items()
            for extractor in _extractors_of(module)
        ]
        by_key: dict[Hashable, list[tuple[str, Extractor]]] = {}
        if len(found) > 1:  # the key of a lone one need not be worked out
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
        """Begin to share among the terms of ``inputs`` (term -> the names of its inputs); what is
        returned goes to :meth:`close`.

        A network that is shared already, by a sum that this one is a term of, is left to it.
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
        """Let every network be on its own again."""
        for extractor in opened:
            extractor.shared = None


class _Passes:
    """The passes of one group during one call."""

    def __init__(self, wanted: list[tuple[Tensor, tuple[str, ...]]]) -> None:
        self._wanted = wanted
        self._made: list[tuple[Tensor, int, bool, Features]] = []

    def of(self, extractor: Extractor) -> Callable[[Tensor], Features]:
        """What stands in for the pass of this extractor."""

        def shared(image: Tensor) -> Features:
            graph, version = torch.is_grad_enabled(), _version(image)
            for made, its_version, with_graph, features in self._made:
                same = made is image and its_version == version and with_graph == graph
                if same and all(layer in features for layer in extractor.layers):
                    return features
            layers = extractor.layers  # of an image that the term has made itself
            for given, union in self._wanted:
                if given is image:
                    layers = union
            found = extractor.features(image, layers)
            self._made.append((image, version, graph, found))
            return found

        return shared


def _version(image: Tensor) -> int:
    """Rises when an image is changed in place; 0 where nobody keeps count."""
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
    """Each image that is given to the terms of these extractors, with the layers that each of those
    will want of it.

    A term that is given a third tensor, its mask, looks at images of its own making.
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
    """All names, each once, in the order in which they come."""
    names: list[str] = []
    for group in cast("list[tuple[str, ...]]", layers):
        for name in group:
            if name not in names:
                names.append(name)
    return tuple(names)
