"""Fused primitives, chosen by ``backend``.

This version ships none: every equation runs in its eager form, which ``"auto"`` and ``"eager"`` both name. A backend that is asked for by
name runs or raises with the reason; it is never replaced silently.
"""

from typing import Literal, get_args

from ssimloss import _checks

Backend = Literal["auto", "eager", "cpu", "triton"]
BACKENDS: tuple[str, ...] = get_args(Backend)


def why_not(backend: Backend) -> str | None:
    """The reason why a backend cannot run here, ``None`` if it can."""
    if backend in ("auto", "eager"):
        return None
    return f"this version of ssimloss contains no {backend} kernel"


def check_backend(backend: Backend) -> None:
    """Raise ``ValueError`` for an unknown backend, ``RuntimeError`` for one that cannot run."""
    _checks.choice("backend", backend, BACKENDS)
    reason = why_not(backend)
    if reason is not None:
        raise RuntimeError(f"backend={backend!r} cannot run: {reason}; use backend='auto'")
