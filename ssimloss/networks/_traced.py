"""Networks that are not chains: their ``torch.fx`` graph, cut after the deepest requested layer."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

from ssimloss.networks import _checkpoint
from ssimloss.networks._chain import Single
from ssimloss.networks._hooked import check_runs_once
from ssimloss.networks._operations import operation_of

# Operations whose result is always new memory: in-place changes of it do not change their input.
_FRESH_MODULES = (
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
    nn.Linear,
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.SyncBatchNorm,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.MultiheadAttention,
)
_FRESH_FUNCTIONS = {
    torch.cat,
    torch.add,
    operator.add,
    operator.mul,
    torch.mul,
    torch.matmul,
    torch.nn.functional.conv2d,
    torch.nn.functional.linear,
}
_IN_PLACE_NAMES = {"setitem", "iadd", "isub", "imul", "itruediv", "imatmul", "ior", "iand"}


class Untraceable(Exception):
    """The network has no graph; the message has the reason."""


class _Tracer(fx.Tracer):
    """Records which node each module returns."""

    def __init__(self) -> None:
        super().__init__()
        self.returned: dict[str, list[Any]] = {}

    def call_module(
        self,
        m: nn.Module,
        forward: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        value = super().call_module(m, forward, args, kwargs)
        self.returned.setdefault(self.path_of_module(m), []).append(value)
        return value


class Traced:
    """Runs the graph of ``network`` up to the deepest of ``paths`` and returns
    ``{path: features}``.

    Raises:
        Untraceable: the control flow depends on values, or on objects that a graph cannot hold.
        ValueError: a layer does not run, or runs more than once.
    """

    def __init__(self, network: nn.Module, paths: Sequence[str], *, checkpoint: bool) -> None:
        self.paths = tuple(paths)
        self.checkpoint = checkpoint
        tracer = _Tracer()
        try:
            graph = tracer.trace(network)
        # Tracing runs the network's own code with proxies, which can raise any error.
        except Exception as error:
            raise Untraceable(f"{type(error).__name__}: {error}") from error
        nodes = []
        for path in paths:
            check_runs_once(path, len(tracer.returned.get(path, ())))
            value = tracer.returned[path][0]
            if not isinstance(value, fx.Proxy):
                raise Untraceable(f"{path} returns {type(value).__name__}")
            nodes.append(value.node)
        self.module = _cut(network, graph, nodes)

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """Features by path."""
        if self.checkpoint and _checkpoint.pays(image):
            found = _checkpoint.run_again(self.module, image)
        else:
            found = self.module(image)
        return dict(zip(self.paths, found, strict=True))


def _cut(network: nn.Module, graph: fx.Graph, nodes: list[fx.Node]) -> fx.GraphModule:
    """The graph that returns these nodes, without operations that they do not need. Its layers run
    like those of a chain.

    In-place operations stay in place if the network may rely on them. A tap that a later operation
    could overwrite is copied.
    """
    order = {node: index for index, node in enumerate(graph.nodes)}
    deepest = max(order[node] for node in nodes)
    targets: dict[str, Any] = {}
    for node in list(graph.nodes):
        if node.op == "call_module":
            targets[str(node.target)] = network.get_submodule(str(node.target))
        elif node.op == "get_attr":
            targets[str(node.target)] = operator.attrgetter(str(node.target))(network)
    for node in reversed(graph.nodes):
        is_needed = (
            node.users or node in nodes or node.op == "placeholder" or _is_in_place(node, targets)
        )
        if order[node] > deepest or not is_needed:
            graph.erase_node(node)
    _replace_layers(graph, targets, nodes, order)
    taps = []
    for node in nodes:
        tap = node
        if _is_overwritten(node, graph, targets, order):
            with graph.inserting_after(node):
                tap = graph.call_method("clone", (node,))
        taps.append(tap)
    graph.output(tuple(taps))
    used = {str(node.target) for node in graph.nodes}
    return fx.GraphModule(
        {target: value for target, value in targets.items() if target in used}, graph
    ).eval()


def _replace_layers(
    graph: fx.Graph, targets: dict[str, Any], taps: list[fx.Node], order: dict[fx.Node, int]
) -> None:
    """Replace layers by the operations of a chain, if no later operation depends on whether a layer
    works in place.
    """

    def is_hidden(node: fx.Node) -> bool:
        given = node.args[0] if len(node.args) == 1 and not node.kwargs else None
        if not isinstance(given, fx.Node):
            return False
        return not _is_in_place(node, targets) or (
            _is_fresh(given, targets) and all(order[user] <= order[node] for user in given.users)
        )

    for target, module in targets.items():
        calls = [node for node in graph.nodes if node.op == "call_module" and node.target == target]
        operation = (
            operation_of(module) if calls and all(is_hidden(node) for node in calls) else None
        )
        if operation is not None:
            inplace = all(
                _is_in_place(node, targets) and node.args[0] not in taps for node in calls
            )
            targets[target] = Single(operation, inplace=inplace)


def _is_overwritten(
    tap: fx.Node, graph: fx.Graph, targets: dict[str, Any], order: dict[fx.Node, int]
) -> bool:
    """Whether a later operation may overwrite the memory of the tap."""
    memory = {tap}
    for node in reversed(graph.nodes):  # nodes that the tap may be a view of
        if node in memory and not _is_fresh(node, targets):
            memory.update(node.all_input_nodes)
    for node in graph.nodes:
        if memory.intersection(node.all_input_nodes):
            if _is_in_place(node, targets) and order.get(node, -1) > order[tap]:
                return True
            if not _is_fresh(node, targets):
                memory.add(node)
    return False


def _is_in_place(node: fx.Node, targets: dict[str, Any]) -> bool:
    if node.op == "call_module":
        return bool(getattr(targets[str(node.target)], "inplace", False))
    if node.op not in ("call_function", "call_method"):
        return False
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    by_name = name in _IN_PLACE_NAMES or (name.endswith("_") and not name.endswith("__"))
    by_argument = (
        bool(node.kwargs.get("inplace"))
        or "out" in node.kwargs
        or any(value is True for value in node.args[1:])
    )
    return by_name or by_argument


def _is_fresh(node: fx.Node, targets: dict[str, Any]) -> bool:
    """Whether the result is new memory."""
    if node.op == "call_module":
        module = targets[str(node.target)]
        return isinstance(module, _FRESH_MODULES) or (
            isinstance(module, Single) and not module.inplace
        )
    return node.op == "call_function" and node.target in _FRESH_FUNCTIONS
