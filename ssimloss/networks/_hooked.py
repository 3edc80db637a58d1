"""Networks that cannot be traced: forward hooks on the requested layers, and an early stop.

A hook that stops a network cannot be part of a compiled graph. ``torch.compile`` breaks its graph
before it and resumes after it.
"""

import functools
from collections.abc import Sequence

from torch import Tensor, nn

from ssimloss._torch import never_compile
from ssimloss.networks import _checkpoint


class Hooked:
    """Calls ``network`` with forward hooks on ``paths`` and stops once all of them have run.

    The first call runs to the end, to check that each layer runs once.
    """

    def __init__(self, network: nn.Module, paths: Sequence[str], *, checkpoint: bool) -> None:
        self.network = network
        self.paths = tuple(paths)
        self.checkpoint = checkpoint
        self.counted = False

    @functools.partial(never_compile, reason="hooks that stop the network break the graph")
    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """Features by path."""
        if self.checkpoint and _checkpoint.pays(image):
            found = _checkpoint.run_again(functools.partial(self._run, stops=self.counted), image)
        else:
            found = self._run(image, self.counted)
        return dict(zip(self.paths, found, strict=True))

    def _run(self, image: Tensor, stops: bool) -> tuple[Tensor, ...]:
        seen: dict[str, Tensor] = {}
        runs = dict.fromkeys(self.paths, 0)

        def note(path: str, value: object) -> None:
            runs[path] += 1
            seen[path] = _tensor(path, value).clone()  # a later layer may change it in place
            if stops and len(seen) == len(self.paths):
                raise _SeenAll

        modules = dict(self.network.named_modules(remove_duplicate=False))
        handles = [
            modules[path].register_forward_hook(
                lambda _module, _args, value, path=path: note(path, value)
            )
            for path in self.paths
        ]
        try:
            self.network(image)
        except _SeenAll:
            pass
        finally:
            for handle in handles:
                handle.remove()
        for path in self.paths:
            check_runs_once(path, runs[path])
        self.counted = True
        return tuple(seen[path] for path in self.paths)


class _SeenAll(BaseException):
    """Stops a network; not an ``Exception``, which a network's own code might catch."""


def check_runs_once(path: str, times: int) -> None:
    """Check that each layer has one tensor to return."""
    if times != 1:
        what = (
            f"runs {times} times in one pass, so its output is not a single tensor"
            if times
            else "does not run"
        )
        raise ValueError(
            f"layers must run once, {path!r} {what}; name another module, such as "
            f"{path.rpartition('.')[0] or 'one around it'!r}"
        )


def _tensor(path: str, value: object) -> Tensor:
    if not isinstance(value, Tensor):
        raise TypeError(
            f"layers must return a tensor, {path!r} returns {type(value).__name__}; name a module "
            "inside it"
        )
    return value
