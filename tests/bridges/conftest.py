"""The two libraries whose transports the tests of httpx run over."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True)
class Bridge:
    """One of the libraries. module: httpx2 or httpx. transport, sync_transport: the classes for it."""

    module: Any
    transport: Any
    sync_transport: Any

    def client(self, *given: Any, **parameters: Any) -> Any:
        """Return an asynchronous client over a transport with these parameters, without timeouts."""
        return self.module.AsyncClient(transport=self.transport(*given, **parameters), timeout=None)

    def sync_client(self, *given: Any, **parameters: Any) -> Any:
        """Return a synchronous client over a transport with these parameters, without timeouts."""
        return self.module.Client(transport=self.sync_transport(*given, **parameters), timeout=None)


@pytest.fixture(params=["httpx2", "httpx"])
def bridge(request: pytest.FixtureRequest) -> Bridge:
    """The transports of one library."""
    found = importlib.import_module(f"hookline_bridges.{request.param}")
    return Bridge(importlib.import_module(request.param), found.HooklineTransport, found.SyncHooklineTransport)
