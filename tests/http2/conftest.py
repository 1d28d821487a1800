"""Servers of HTTP/2 whose frames the tests choose, and clients; every test runs with both engines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from hookline import HttpClient
from hookline_http2 import Http2
from servers.certificates import Certificates
from servers.http2 import Http2Server, http2_server


@pytest.fixture(params=["ngh2", "h2"])
def engine(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
async def make_server(certificates: Certificates) -> AsyncIterator[Callable[..., Any]]:
    """Make servers that offer these protocols in TLS; without TLS if `tls` is False. settings: by number."""
    async with AsyncExitStack() as stack:

        async def make(
            *, tls: bool = True, alpn: tuple[str, ...] = ("h2", "http/1.1"), settings: dict[int, int] | None = None
        ) -> Http2Server:
            context = certificates.right.server_context(alpn=alpn) if tls else None
            return await stack.enter_async_context(http2_server(context, settings or {3: 100}))

        yield make


@pytest.fixture
async def server(make_server: Callable[..., Any]) -> Http2Server:
    found: Http2Server = await make_server()
    return found


@pytest.fixture
async def make_client(certificates: Certificates, engine: str) -> AsyncIterator[Callable[..., HttpClient]]:
    """Make clients that trust the servers and have the plugin, and no other unless `autoload` is given."""
    async with AsyncExitStack() as stack:

        def make(**options: Any) -> HttpClient:
            plugins = [*(() if options.get("autoload") else (Http2(),)), *options.pop("plugins", ())]
            defaults = {"verify": certificates.ca_file, "autoload": False, "http2_engine": engine, "timeout": 20}
            client = HttpClient(**{**defaults, **options}, plugins=plugins)
            stack.push_async_callback(client.close)
            return client

        yield make


@pytest.fixture
def until_empty() -> Callable[[HttpClient], Awaitable[None]]:
    """Wait until a client has no connection any more."""

    async def wait(client: HttpClient) -> None:
        async with asyncio.timeout(5):
            while client.stats().connections:  # noqa: ASYNC110  # nothing tells when it is zero
                await asyncio.sleep(0.005)
        assert client.stats()[:3] == (0, 0, 0)

    return wait


@pytest.fixture
def client(make_client: Callable[..., HttpClient]) -> HttpClient:
    return make_client()
