"""Clients with the plugin of the distribution acme-mux, which is in this folder, and servers that speak its protocol."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hookline import HttpClient, HttpResponse, hookimpl
from servers.certificates import Certificates
from servers.mux import ALPN, MuxServer, mux_server

PLUGIN = Path(__file__).parent / "acme-mux" / "acme_mux.py"


def load_plugin() -> ModuleType:
    """Import the module of the plugin, once for each process."""
    if "acme_mux" not in sys.modules:
        spec = importlib.util.spec_from_file_location("acme_mux", PLUGIN)
        assert spec is not None
        assert spec.loader is not None
        sys.modules["acme_mux"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["acme_mux"]


@pytest.fixture
def acme_mux() -> ModuleType:
    return load_plugin()


@pytest.fixture
async def make_mux(certificates: Certificates) -> AsyncIterator[Callable[..., Any]]:
    """Make servers that offer these protocols in TLS; without TLS if `tls` is False."""
    async with AsyncExitStack() as stack:

        async def make(*, tls: bool = True, alpn: tuple[str, ...] = (ALPN, "http/1.1"), **options: int) -> MuxServer:
            context = certificates.right.server_context(alpn=alpn) if tls else None
            return await stack.enter_async_context(mux_server(context, **options))

        yield make


@pytest.fixture
async def mux(make_mux: Callable[..., Any]) -> MuxServer:
    found: MuxServer = await make_mux()
    return found


@pytest.fixture
async def make_client(certificates: Certificates, acme_mux: ModuleType) -> AsyncIterator[Callable[..., HttpClient]]:
    """Make clients that trust the servers and have the plugin; closed at the end."""
    async with AsyncExitStack() as stack:
        made: list[HttpClient] = []

        def make(**options: Any) -> HttpClient:
            plugins = [acme_mux.Mux(), *options.pop("plugins", ())]
            client = HttpClient(**{"verify": certificates.ca_file, "autoload": False, **options}, plugins=plugins)
            made.append(client)
            stack.push_async_callback(client.close)
            return client

        yield make


class PriorKnowledge:
    """A plugin that sends each request by the protocol without asking for it."""

    @hookimpl
    def pre_request(self, response: HttpResponse) -> None:
        response.request.route = response.request.route.replace(protocol=ALPN)


@pytest.fixture
def prior_knowledge() -> PriorKnowledge:
    return PriorKnowledge()


@pytest.fixture
def client(make_client: Callable[..., HttpClient]) -> HttpClient:
    return make_client()
