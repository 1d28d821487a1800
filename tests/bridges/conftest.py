"""The libraries that the tests run over Hookline: httpx2 and httpx, and a session of requests."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from hookline_testing.server import ScriptedServer, response
from servers.certificates import Certificates


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


@pytest.fixture
def session() -> Iterator[Any]:
    """A session of requests over an adapter of its own, without settings of the environment."""
    import requests

    from hookline_bridges.requests import HooklineAdapter

    with requests.Session() as made:
        made.trust_env = False
        adapter = HooklineAdapter()
        made.mount("http://", adapter)
        made.mount("https://", adapter)
        yield made


@pytest.fixture
def secure(certificates: Certificates) -> Iterator[ScriptedServer]:
    """A server with a certificate of the tests' authority."""
    with ScriptedServer(ssl_context=certificates.server_context()) as server:
        server.always(response(b"ok"))
        yield server
