"""The plugin alone with core, disabled, and replaced by another."""

from __future__ import annotations

import gzip
import subprocess
import sys
from typing import Any

import pytest

from hookline import DefaultHeader, HttpClient, hookimpl
from hookline_decompress import Decompress
from hookline_testing.server import ScriptedServer, response

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

BODY = gzip.compress(b"plain")
CODED = response(BODY, 200, [("Content-Encoding", "gzip")])


@pytest.mark.protocols("HTTP/1.1")
async def test_decompress_alone_with_core(scripted: ScriptedServer) -> None:
    scripted.answer(CODED)
    async with HttpClient(autoload=False, plugins=["decompress"]) as client:
        assert [plugin.name for plugin in client.plugins] == ["decompress"]
        assert (await client.get(scripted.url())).content == b"plain"


async def test_decompress_given_as_an_object(scripted: ScriptedServer) -> None:
    scripted.answer(CODED)
    async with HttpClient(autoload=False, plugins=[Decompress()]) as client:
        assert (await client.get(scripted.url())).content == b"plain"


async def test_decompress_disabled(scripted: ScriptedServer) -> None:
    scripted.answer(CODED, CODED)
    async with HttpClient(disable=["decompress"]) as client:
        assert (await client.get(scripted.url())).content == BODY
        with pytest.raises(TypeError, match="disabled"):
            await client.get(scripted.url(), decompress=True)
    async with HttpClient() as client:
        assert (await client.get(scripted.url(), disable=["decompress"])).content == BODY
    assert [request.header("accept-encoding") for request in scripted.requests] == [None, None]


class Counting:
    """A decoder that gives the length of the body instead of it."""

    def __init__(self) -> None:
        self.size = 0
        self.has_pending = False

    def decode(self, data: bytes, limit: int) -> bytes:
        self.size += len(data)
        return b"%d." % len(data)

    def finish(self) -> None:
        pass


class Lengths:
    """Offers no coding but its own."""

    name = "lengths"
    replaces = "decompress"

    @hookimpl
    def declare(self) -> list[DefaultHeader]:
        return [DefaultHeader("Accept-Encoding", "length")]

    @hookimpl(headers=("content-encoding",))
    def on_headers(self, response: Any) -> None:
        response.add_decoder(Counting())


async def test_decompress_replaced(scripted: ScriptedServer) -> None:
    scripted.answer(CODED)
    async with HttpClient(plugins=[Lengths()]) as client:
        assert (await client.get(scripted.url())).content == b"%d." % len(BODY)
        with pytest.raises(TypeError, match="replaced by"):
            await client.get(scripted.url(), decompress=False)
    assert scripted.requests[0].header("accept-encoding") == "length"


def test_zstd_is_not_imported_before_it_is_needed() -> None:
    program = (
        "import sys, hookline; hookline.HttpClient();"
        "print([m for m in sys.modules if m.endswith('zstd') or m == 'pkgutil' or m.startswith('importlib.metadata')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert "zstd" not in done.stdout
