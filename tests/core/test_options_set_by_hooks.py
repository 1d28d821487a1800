"""Options that hooks set on one request decide over its connection alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from hookline import HttpClient, HttpRequest, HttpResponse, SSLError, hookimpl
from hookline_testing.server import ScriptedServer, response


class Setting:
    """A plugin that sets an option of the requests to /own: on the request, or on what it answers post_request with."""

    def __init__(self, name: str, value: Any, way: str) -> None:
        self.option = (name, value)
        self.way = way

    @hookimpl
    async def pre_request(self, response: HttpResponse) -> None:
        if response.request.target != "/own" or self.way == "follow_up":
            return
        if self.way == "awaited":
            await asyncio.sleep(0)
        setattr(response.request, *self.option)
        if self.way == "connect":
            await response.connect()

    @hookimpl
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> HttpRequest | None:
        request = response.request
        if self.way == "follow_up" and exc is not None and (request.cause, request.target) == ("call", "/own"):
            follow_up = request.copy(cause="again")
            setattr(follow_up, *self.option)
            return follow_up
        return None


WAYS = ["set", "awaited", "connect", "follow_up"]


@pytest.fixture
def server(make_scripted: Callable[..., ScriptedServer], certificates: Any) -> ScriptedServer:
    server = make_scripted(ssl_context=certificates.server_context(), strict=False)
    server.always(response(b"body"))
    return server


@pytest.mark.parametrize("way", WAYS)
async def test_attack_unverified_connection_is_not_used_by_requests_that_verify(
    server: ScriptedServer, way: str
) -> None:
    async with HttpClient(autoload=False, plugins=[Setting("verify", False, way)]) as client:
        for _ in range(2):
            assert (await client.get(server.url("/own"))).content == b"body"
        with pytest.raises(SSLError, match="not trusted"):
            await client.get(server.url("/other"))
        assert (await client.get(server.url("/own"))).content == b"body"


@pytest.mark.parametrize("way", ["set", "awaited", "connect"])
async def test_attack_request_that_verifies_does_not_take_an_unverified_connection(
    server: ScriptedServer, certificates: Any, way: str
) -> None:
    async with HttpClient(autoload=False, verify=False, plugins=[Setting("verify", True, way)]) as client:
        assert (await client.get(server.url("/other"))).content == b"body"
        with pytest.raises(SSLError, match="not trusted"):
            await client.get(server.url("/own"))


@pytest.mark.parametrize("way", ["set", "awaited", "connect"])
async def test_source_address_of_one_request_is_that_of_no_other(scripted: ScriptedServer, way: str) -> None:
    scripted.always(response(b"body"))
    async with HttpClient(autoload=False, plugins=[Setting("source_address", ("127.0.0.2", 0), way)]) as client:
        for path in ("/own", "/other", "/own"):
            await client.get(scripted.url(path))
        assert (client.stats().connections, client.stats().reused) == (2, 1)
