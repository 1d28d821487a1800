"""A part that never waits and gives nothing: the loop gets its turns, and timeouts hold."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from hookline import HttpClient, HttpTimeout
from hookline_testing.server import Script, ScriptedServer
from kit.turns import counted_turns

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")


def plain() -> Iterator[bytes]:
    while True:
        yield b""


async def asynchronous() -> AsyncIterator[bytes]:
    while True:
        yield b""


@pytest.mark.parametrize("source", [plain, asynchronous])
async def test_part_that_gives_nothing_for_ever_leaves_the_loop_its_turns(scripted: ScriptedServer, source) -> None:
    scripted.always(Script().read_body())
    async with HttpClient(autoload=False, plugins=["bodies"]) as client, counted_turns(0.01) as turns:
        with pytest.raises(HttpTimeout):
            await client.post(scripted.url(), timeout=0.15, files={"file": source()})
    assert turns.count > 2
