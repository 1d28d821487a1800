"""Signatures beside the other plugins; tests/sigv4 has the plugin with core alone, and test_cache_together.py the order."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

import pytest

from hookline import HttpClient
from hookline_cache import Cache
from hookline_sigv4 import SigV4
from hookline_testing.server import ScriptedServer, response
from kit.sigv4 import ACCESS_KEY, SECRET_KEY
from servers.websocket_peer import echo, opening


def auth_of(**options: Any) -> SigV4:
    return SigV4("s3", "us-east-1", (ACCESS_KEY, SECRET_KEY), **options)


def is_signed(request: Any) -> bool:
    return (request.header("authorization") or "").startswith("AWS4-HMAC-SHA256 ")


def test_loaded_with_the_default_plugins_only_if_it_is_named() -> None:
    assert "sigv4" not in HttpClient(autoload="default").plugins
    assert "sigv4" in HttpClient(autoload="default", plugins=["sigv4"]).plugins


@pytest.mark.protocols("HTTP/1.1", "HTTP/2")
async def test_values_of_auth_are_told_apart(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient() as client:
        for auth in (auth_of(), ("user", "password"), None):
            await client.get(scripted.url(), auth=auth)
    words = [(request.header("authorization") or "none").split()[0] for request in scripted.requests]
    assert words == ["AWS4-HMAC-SHA256", "Basic", "none"]


@pytest.mark.protocols("HTTP/1.1", "HTTP/2")
async def test_stored_response_needs_no_signature_if_it_is_public(scripted: ScriptedServer) -> None:
    scripted.always(response(b"body", 200, [("Cache-Control", "max-age=60, public")]))
    times = count(1_800_000_000)
    auth = auth_of(clock=lambda: float(next(times)))
    async with HttpClient(cache=Cache(), auth=auth) as client:
        for _ in range(3):
            assert (await client.get(scripted.url())).text == "body"
    assert [is_signed(request) for request in scripted.requests] == [True]
    assert next(times) == 1_800_000_001, "the clock was read for one signature"


async def test_stored_response_that_is_not_public_is_for_one_signature(scripted: ScriptedServer) -> None:
    scripted.always(response(b"body", 200, [("Cache-Control", "max-age=60")]))
    times = count(1_800_000_000)
    async with HttpClient(cache=Cache()) as client:
        for _ in range(2):
            found = await client.get(scripted.url(), auth=auth_of(clock=lambda: float(next(times))))
            assert not found.is_stored
    assert len(scripted.requests) == 2


async def test_file_and_its_progress(scripted: ScriptedServer, tmp_path: Any) -> None:
    scripted.answer(response())
    path = tmp_path / "file"
    path.write_bytes(b"x" * 300_000)
    told: list[tuple[int, int | None]] = []
    async with HttpClient() as client:
        await client.put(scripted.url(), data=path, auth=auth_of(), on_upload=lambda *args: told.append(args))
    request = scripted.requests[0]
    assert request.header("x-amz-decoded-content-length") == "300000"
    assert told[-1] == (request.body_size, request.body_size)
    assert request.body_size > 300_000


async def test_opening_of_a_websocket_is_signed(scripted: ScriptedServer) -> None:
    scripted.answer(opening(echo))
    async with HttpClient() as client, await client.get(scripted.url().replace("http", "ws"), auth=auth_of()) as ws:
        await ws.send("hello")
        assert await ws.receive() == "hello"
    assert is_signed(scripted.requests[0])


def test_without_a_running_loop(scripted: ScriptedServer) -> None:
    scripted.always(response())
    with HttpClient(auth=auth_of()) as client:
        client.put(scripted.url(), data=b"x")
    assert is_signed(scripted.requests[0])


@pytest.mark.protocols("HTTP/1.1", "HTTP/2")
async def test_many_at_once(scripted: ScriptedServer) -> None:
    scripted.always(response())
    asked = []

    async def provider() -> tuple[str, str]:
        asked.append(1)
        await asyncio.sleep(0.01)
        return ACCESS_KEY, SECRET_KEY

    async with HttpClient(auth=SigV4("s3", "us-east-1", provider), pool_size=20) as client:
        await asyncio.gather(*(client.get(scripted.url(f"/{number}")) for number in range(50)))
    assert asked == [1]
    assert all(map(is_signed, scripted.requests))
    assert len({request.header("authorization") for request in scripted.requests}) == 50
