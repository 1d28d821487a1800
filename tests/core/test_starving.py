"""A source that never waits and gives nothing: the loop gets its turns, and timeouts hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from hookline import HttpClient, HttpTimeout
from hookline_testing.server import Script, ScriptedServer, response
from kit.turns import counted_turns


def plain() -> Iterator[bytes]:
    while True:
        yield b""


def texts() -> Iterator[str]:
    while True:
        yield ""


async def nothing() -> bytes:
    return b""


def awaitables() -> Iterator[Any]:
    while True:
        yield nothing()


async def asynchronous() -> AsyncIterator[bytes]:
    while True:
        yield b""


def some_first() -> Iterator[bytes]:
    yield b"some"
    yield from plain()


SOURCES = [plain, texts, awaitables, asynchronous, some_first]


def as_data(source: Callable[[], Any]) -> dict[str, Any]:
    return {"data": source()}


def with_length(source: Callable[[], Any]) -> dict[str, Any]:
    return {"data": source(), "headers": {"Content-Length": "1000"}}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("given", [as_data, with_length])
async def test_source_that_gives_nothing_for_ever_leaves_the_loop_its_turns(scripted, source, given):
    scripted.always(Script().read_body())
    async with HttpClient(autoload=False) as client, counted_turns(0) as turns:
        with pytest.raises(HttpTimeout):
            await client.post(scripted.url(), timeout=0.15, **given(source))
    assert turns.count > 10  # another task had turns, and not the timer alone


@pytest.mark.parametrize("source", SOURCES)
def test_source_that_gives_nothing_for_ever_is_timed_out_in_synchronous_mode(scripted: ScriptedServer, source):
    scripted.always(Script().read_body())
    with HttpClient(autoload=False) as client, pytest.raises(HttpTimeout):
        client.post(scripted.url(), timeout=0.1, data=source())


async def test_source_that_gives_nothing_for_ever_can_be_cancelled(scripted: ScriptedServer) -> None:
    scripted.always(Script().read_body())
    async with HttpClient(autoload=False) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.post(scripted.url(), data=plain())
        assert client.stats()[:3] == (0, 0, 0)


async def test_answer_ends_a_source_that_gives_nothing_for_ever(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"no", 403), early=True)
    async with HttpClient(autoload=False) as client:
        assert (await client.post(scripted.url(), data=plain(), timeout=5)).content == b"no"
