"""Builds networks by name, torchvision's classification models or the embedded one, and freezes
modules of the user.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ssimloss import weights as files
from ssimloss._words import near, spelled
from ssimloss.networks._frozen import bytes_of, frozen
from ssimloss.networks._names import paths_of, readable_names
from ssimloss.networks._operations import has_hooks
from ssimloss.networks.embedded import embedded_network
from ssimloss.networks.scripted import Scripted
from ssimloss.weights import Weights

SEED: Final = 20_180_618  # of weights="random"
# Parts of torchvision's chains in the order of their forward(), with their names there.
CHAINS: dict[str, tuple[str, ...]] = {
    "VGG": ("features", "avgpool", "flatten", "classifier"),
    "AlexNet": ("features", "avgpool", "flatten", "classifier"),
    "SqueezeNet": ("features", "classifier", "flatten"),
}
# Arguments with which torchvision builds them for its own weights.
_ARGUMENTS: dict[str, dict[str, Any]] = {
    "googlenet": {"transform_input": True, "init_weights": True},
    "inception_v3": {"transform_input": True, "init_weights": True},
}


@dataclass(frozen=True)
class Source:
    """A frozen network that no other code holds, and the readable names of its layers."""

    network: nn.Module
    described: str  # for errors
    names: Mapping[str, str] = field(default_factory=dict)  # readable name -> module path


def source_of(network: str | nn.Module, layers: Iterable[str], weights: Weights) -> Source:
    """The frozen network, without the classifier of a chain unless one of its layers is requested.

    Layers are looked up before weights are loaded, which may be a long download.

    Raises:
        TypeError: ``network`` is neither a name nor a module.
        ValueError: a name or layer is unknown, weights are given for a module, or weights belong to
            another architecture.
        RuntimeError: a weight file is missing or damaged.
    """
    if isinstance(network, nn.Module):
        if not (isinstance(weights, str) and weights == "imagenet"):
            raise ValueError(
                "weights must be left out for a network given as a module, which has its own; "
                "load them into it instead"
            )
        model = _chain(network, layers) if _family(network) and not has_hooks(network) else network
        _check_layers(layers, network, model, type(network).__name__)
        return Source(frozen(model, copied=False), type(network).__name__, names_of(network))
    network = named_network(network)
    layout = layout_of(network)
    chain = _chain(layout, layers) if _family(layout) else layout
    _check_layers(layers, layout, chain, network)
    is_random = isinstance(weights, str) and weights == "random"
    if chain is layout:
        build = embedded_network if network == "embedded" else lambda: _torchvision(network)
        model = _randomly(build)
        if not is_random:
            _load(model, network, weights, model)
        return Source(frozen(model, copied=True), network)
    # The random weights of a VGG's classifier would take half a gigabyte and a second.
    chain.to_empty(device="cpu")
    if is_random:
        _randomly(lambda: _draw(chain))
    else:
        _load(chain, network, weights, layout)
    return Source(frozen(chain, copied=True), network, names_of(layout))


def _check_layers(
    layers: Iterable[str], whole: nn.Module, chain: nn.Module, described: str
) -> None:
    """Raise for a layer that neither the network nor its chain has."""
    paths_of(layers, names_of(whole), (*_paths_of(whole), *_paths_of(chain)), described)


def layers_of(network: str | nn.Module) -> tuple[str, ...]:
    """Every layer that can be requested: readable names first, then module paths."""
    layout = layout_of(network)
    return (*names_of(layout), *_paths_of(layout))


def layout_of(network: str | nn.Module) -> nn.Module:
    """A module as it is; for a name, the network with its parameters on the ``meta`` device.

    Raises:
        TypeError: ``network`` is neither a name nor a module.
        ValueError: the name is unknown.
    """
    if isinstance(network, nn.Module):
        return network
    network = named_network(network)
    with _WithoutNumbers(), torch.random.fork_rng(devices=[]):
        if network == "embedded":
            return embedded_network()
        drawn = {"init_weights": False} if network in _ARGUMENTS else {}  # slow with SciPy
        return _torchvision(network, **drawn).float()


class _WithoutNumbers(TorchFunctionMode):
    """A context that puts parameters and buffers on ``meta`` and computes other tensors. Under
    ``torch.device("meta")``, a RegNet could not compute its widths.
    """

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        del types
        is_storage = func in (torch.empty, torch.zeros, torch.ones)
        return func(*args, **{**(kwargs or {}), **({"device": "meta"} if is_storage else {})})


def _paths_of(model: nn.Module) -> tuple[str, ...]:
    """The paths of all modules; a module that is used twice has two."""
    return tuple(path for path, _ in model.named_modules(remove_duplicate=False) if path)


def named_network(name: str) -> str:
    """The name of a network, which may be in another spelling.

    Raises:
        TypeError: ``name`` is no string.
        ValueError: an unknown name.
    """
    if not isinstance(name, str):
        raise TypeError(f"network must be a name or a torch.nn.Module, got {type(name).__name__}")
    if name == "embedded":  # without importing torchvision
        return name
    known = ["embedded", *_classifiers()]
    found = spelled(name, known)
    if found is None:
        close = ", ".join(map(repr, near(name, known, 4))) or "'vgg19', 'alexnet', 'resnet50'"
        raise ValueError(
            "network must be 'embedded', a classification model of torchvision, or a "
            f"torch.nn.Module, got {name!r}; close to it: {close}; "
            "torchvision.models.list_models(module=torchvision.models) lists all"
        )
    return found


def _classifiers() -> list[str]:
    import torchvision

    names: list[str] = torchvision.models.list_models(module=torchvision.models)
    return names


def _torchvision(name: str, **arguments: Any) -> nn.Module:
    from torchvision.models import get_model

    model: nn.Module = get_model(name, weights=None, **(_ARGUMENTS.get(name, {}) | arguments))
    return model


def _family(model: nn.Module) -> str | None:
    """Which of torchvision's chains a module is. Subclasses may compute something else, and do not
    count.
    """
    kind = type(model)
    return (
        kind.__name__
        if kind.__module__.startswith("torchvision.models.") and kind.__name__ in CHAINS
        else None
    )


def names_of(model: nn.Module) -> dict[str, str]:
    """Readable name -> module path, for torchvision's chains."""
    family = _family(model)
    features = getattr(model, "features", None)
    return (
        readable_names(family, features, "features.")
        if family and isinstance(features, nn.Sequential)
        else {}
    )


def _chain(model: nn.Module, layers: Iterable[str]) -> nn.Sequential:
    """One of torchvision's chains as one ``nn.Sequential`` with the same module paths."""
    parts = CHAINS[_family(model) or ""]
    known = dict(model.named_modules())
    beyond = any(layer in known and not layer.startswith("features") for layer in layers)
    chain: OrderedDict[str, nn.Module] = OrderedDict()
    for part in parts if beyond else parts[:1]:
        chain[part] = nn.Flatten(1) if part == "flatten" else known[part]
    return nn.Sequential(chain)


def _randomly(build: Any) -> Any:
    """Call with the same random numbers every time, independent of the default device and dtype,
    and without changing the global generators.
    """
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.random.fork_rng(devices=[]), torch.device("cpu"):
            torch.default_generator.manual_seed(SEED)
            return build()
    finally:
        torch.set_default_dtype(default)


def _draw(chain: nn.Module) -> None:
    """Initialise as He et al. 2015, which keeps the variance of activations from layer to layer."""
    for path, tensor in chain.state_dict().items():
        name = path.rpartition(".")[2]
        if name == "weight" and tensor.ndim > 1:
            nn.init.kaiming_normal_(tensor, nonlinearity="relu")
        else:
            nn.init.constant_(tensor, 1 if name in ("weight", "running_var") else 0)


def _load(network: nn.Module, name: str, weights: Weights, whole: nn.Module) -> None:
    """Load strictly the network's part of the weights of ``whole``. A state dict or file may lack
    the other parts.
    """
    own = network.state_dict().keys()
    layout = {key: tensor.shape for key, tensor in whole.state_dict().items()}
    state = files.load_network(name, weights, layout=layout, needed=own)
    network.load_state_dict({key: _own_copy(state[key]) for key in own}, assign=True)


def load_inception(build: Callable[[], nn.Module], weights: Weights) -> nn.Module:
    """Build the Inception network of FID, load its weights, and freeze it. It has no entries in a
    state dict.

    Raises:
        ValueError, RuntimeError: as for :func:`source_of`.
    """
    network: nn.Module = _randomly(build)
    if isinstance(weights, str) and weights == "random":
        _randomly(lambda: _draw(network))
    else:
        _load(network, files.INCEPTION.name, weights, network)
    return frozen(network, copied=True)


def own_copy(network: nn.Module) -> nn.Module:
    """A frozen copy of a user's network, without entries in a state dict."""
    if isinstance(network, torch.jit.ScriptModule):
        return Scripted(network)
    return frozen(network, copied=False)


def weights_digest(*networks: nn.Module) -> str:
    """SHA-256 of all parameters and buffers of networks and their names, including those of feature
    extractors inside; empty if there are none.
    """
    digest, found = hashlib.sha256(), False
    for network in networks:
        inside = (getattr(module, "network", None) for module in network.modules())
        hidden = [other for other in inside if isinstance(other, nn.Module)]
        for part in dict.fromkeys((network, *hidden)):
            for name, tensor in (*part.named_parameters(), *part.named_buffers()):
                digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
                digest.update(bytes_of(tensor))
                found = True
    return digest.hexdigest() if found else ""


class Digest:
    """Tensors that are shown by the beginning of a SHA-256 of their values."""

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        """Hashed when they are shown."""
        self.tensors = tuple(tensors)

    def __repr__(self) -> str:
        """``<sha256 1a2b3c4d>``, or ``<given>`` for tensors without values (fake, meta)."""
        if any(type(tensor) is not Tensor or tensor.is_meta for tensor in self.tensors):
            return "<given>"
        digest = hashlib.sha256(b"".join(map(bytes_of, self.tensors)))
        return f"<sha256 {digest.hexdigest()[:8]}>"


def _own_copy(tensor: Tensor) -> Tensor:
    """A copy on the CPU, at least float32, that shares no memory."""
    dtype = (
        torch.promote_types(tensor.dtype, torch.float32)
        if tensor.is_floating_point()
        else tensor.dtype
    )
    return tensor.detach().to("cpu", dtype, copy=True)
