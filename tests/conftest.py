"""What every test runs under: the network is off, random numbers are fixed, CUDA tests skip with a
reason where there is no GPU.
"""

from __future__ import annotations

import gc
import ipaddress
import random
import signal
import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from instruction_sets import every_set, instructions, threads  # noqa: F401 - fixtures


def _is_local(address: object) -> bool:
    if not isinstance(address, tuple):
        return True  # a path: AF_UNIX
    host = str(address[0])
    try:
        return host == "localhost" or ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False


class _LocalSocket(socket.socket):
    """A socket that connects to this machine only."""

    def connect(self, address: Any) -> None:
        if not _is_local(address):
            raise RuntimeError(f"tests have no network: something connects to {address!r}")
        super().connect(address)

    def connect_ex(self, address: Any) -> int:
        self.connect(address)
        return 0


def pytest_configure() -> None:
    """Before the first test module is imported, take the network away, and let garbage collections
    wait for more than 700 new objects: they took half of the time in which tests are collected, and
    a twentieth of that in which they run.
    """
    socket.socket = _LocalSocket  # type: ignore[misc]
    gc.set_threshold(20_000)


def _turn(item: pytest.Item) -> int:
    if "wheel" in getattr(item, "fixturenames", ()):
        return 0
    return 1 if item.get_closest_marker("slow") else 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what waits for a wheel first, so that one process of the tests builds it and no other
    waits for it, and then what takes long, so that no process ends long after the others; skip what
    needs a GPU where there is none.
    """
    items.sort(key=_turn)
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("cuda"):
            item.add_marker(pytest.mark.skip(reason="needs a CUDA GPU; torch sees none"))


def pytest_collection_finish() -> None:
    """Keep what all tests need out of later garbage collections. With these 750,000 objects a full
    one takes half a second, and what measures memory or time asks for many.
    """
    gc.collect()
    gc.freeze()


# Without a GPU, torch.manual_seed also records the Python stack for one that may be found later: a
# millisecond or more for each test.
_seed_torch = (
    torch.manual_seed if torch.cuda.is_available() else torch.default_generator.manual_seed
)


@pytest.fixture(autouse=True)
def _fixed_seeds() -> None:
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the peers and scikit-image draw from the global generator
    _seed_torch(0)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """For tests on small images, where a second thread only waits for the first, and on a busy
    machine far longer than it saves.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def ctrl_c_interrupts() -> Iterator[None]:
    """Also where a shell that started the tests in the background has switched it off, for them and
    for the processes they start.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
