"""Bodies: streamed into the cache and out of it, in little memory; those that did not come to their end are never stored."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hookline import BodyTooLarge, DecodingError, HttpClient, HttpResponse, hookimpl
from hookline_cache import Cache
from hookline_testing.server import Gate, Script, ScriptedServer, chunked, head, response

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

FRESH = [("Cache-Control", "max-age=60")]
BODY = bytes(range(256)) * 4096  # 1 MiB
CUT = head(200, [*FRESH, ("Content-Length", "1000000")]) + b"x" * 200_000
CUT_CHUNKED = chunked(b"x" * 200_000, headers=FRESH)[:-5]


class Fails:
    """A plugin whose decoder finds an error at the end of the body."""

    has_pending = False

    @hookimpl
    def on_headers(self, response: HttpResponse) -> None:
        response.add_decoder(self)

    def decode(self, data: bytes, limit: int) -> bytes:
        return data

    def finish(self) -> None:
        raise DecodingError("cut")


def stored_files(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*-bodies/*")]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("cut", [CUT, CUT_CHUNKED], ids=["length", "chunked"])
async def test_body_that_was_cut_is_not_stored(
    cached: HttpClient, scripted: ScriptedServer, tmp_path: Path, cut: bytes, stream: bool
) -> None:
    scripted.answer(Script().send(cut).drop(), response(BODY, 200, FRESH))
    with pytest.raises(Exception, match="closed"):
        await (await cached.get(scripted.url(), stream=stream)).raw.read()
    assert stored_files(tmp_path) == []
    assert (await cached.get(scripted.url())).content == BODY


@pytest.mark.parametrize("end", ["closed", "cancelled"])
async def test_stream_that_was_not_read_to_its_end_is_not_stored(
    cached: HttpClient, scripted: ScriptedServer, tmp_path: Path, end: str
) -> None:
    gate = Gate()
    scripted.answer(Script().send(CUT).signal(gate).stall(), response(BODY, 200, FRESH))
    found = await cached.get(scripted.url(), stream=True)
    await found.raw.read(150_000)
    if end == "cancelled":
        reading = asyncio.ensure_future(found.raw.read())
        await gate.until()
        await asyncio.sleep(0)  # it begins to read
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    await found.aclose()
    assert stored_files(tmp_path) == []
    assert (await cached.get(scripted.url())).content == BODY


async def test_body_that_cannot_be_decoded_is_not_stored(scripted: ScriptedServer, tmp_path: Path, cache: Any) -> None:
    scripted.always(response(BODY, 200, FRESH))
    async with HttpClient(autoload=False, plugins=["cache", Fails()], cache=cache) as client:
        for _ in range(2):
            with pytest.raises(DecodingError):
                await client.get(scripted.url())
    assert len(scripted.requests) == 2
    assert stored_files(tmp_path) == []


async def test_body_that_exceeds_max_body_is_not_stored(cached: HttpClient, scripted: ScriptedServer) -> None:
    scripted.always(chunked(BODY, headers=FRESH))
    with pytest.raises(BodyTooLarge):
        await cached.get(scripted.url(), max_body=1000)
    assert not (await cached.get(scripted.url())).is_stored


@pytest.mark.protocols("HTTP/1.1")
async def test_body_that_ends_with_its_connection_is_not_stored(cached: HttpClient, scripted: ScriptedServer) -> None:
    scripted.always(Script().send(head(200, FRESH) + b"perhaps").close())
    assert [(await cached.get(scripted.url())).is_stored for _ in range(2)] == [False, False]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_body_that_is_too_large_for_the_storage_is_only_passed_on(
    scripted: ScriptedServer, make_storage: Any, tmp_path: Path, kind: str, framing: str
) -> None:

    scripted.always(response(BODY, 200, FRESH) if framing == "length" else chunked(BODY, BODY[:9], headers=FRESH))
    cache = Cache(make_storage(kind, max_body=1000_000))
    async with HttpClient(autoload=False, plugins=["cache"], cache=cache) as client:
        found = await asyncio.gather(*(client.get(scripted.url()) for _ in range(3)))
        assert {each.content[: len(BODY)] for each in found} == {BODY}
        assert len(scripted.requests) == 3
        assert stored_files(tmp_path) == []


async def test_body_that_vanished_is_fetched_again(scripted: ScriptedServer, make_storage: Any, tmp_path: Path) -> None:

    scripted.always(response(BODY, 200, [*FRESH, ("ETag", '"1"')]))
    async with HttpClient(autoload=False, plugins=["cache"], cache=Cache(make_storage("sqlite"))) as client:
        for directives in ("", "no-cache"):
            await client.get(scripted.url())
            for path in tmp_path.glob("*-bodies/*"):
                path.unlink()
            found = await client.get(scripted.url(), headers={"Cache-Control": directives})
            assert (found.content, found.is_stored) == (BODY, False)
    assert all(request.header("if-none-match") is None for request in scripted.requests)


async def test_body_that_is_removed_while_it_is_read(scripted: ScriptedServer, make_storage: Any) -> None:

    scripted.answer(response(BODY, 200, FRESH), response(b""))
    async with HttpClient(autoload=False, plugins=["cache"], cache=Cache(make_storage("sqlite"))) as client:
        await client.get(scripted.url())
        async with await client.get(scripted.url(), stream=True) as found:
            assert await found.raw.read(10) == BODY[:10]
            await client.delete(scripted.url())
            assert await found.raw.read() == BODY[10:]


PROGRAM = """
import asyncio, resource, sys
from hookline import HttpClient
from hookline_cache import Cache, MemoryStorage, SQLiteStorage

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

async def main(url, kind, path, size):
    storage = SQLiteStorage(path, max_bytes=2**31) if kind == "sqlite" else MemoryStorage()
    async with HttpClient(autoload=False, plugins=["cache"], cache=Cache(storage)) as client:
        for path in ("small", "small", "large", "large"):
            if path == "large":
                before = peak()
            response = await client.get(f"{url}{path}", stream=True)
            count = 0
            async for piece in response.raw:
                count += len(piece)
            assert count == (size if path == "large" else 1_000_000), count
            print(response.is_stored, end=" ")
            if path == "large":
                print(peak() - before)

asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
"""


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize("megabytes", [64, pytest.param(1024, marks=pytest.mark.slow)], ids=["64MiB", "1GiB"])
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_large_body_takes_little_memory(scripted: ScriptedServer, tmp_path: Path, kind: str, megabytes: int) -> None:
    size = megabytes * 2**20

    async def answer(reader: Any, writer: Any, request: Any) -> None:
        length = 1_000_000 if request.target == "/small" else size
        writer.write(head(200, [*FRESH, ("Transfer-Encoding", "chunked")]))
        block = b"x" * 2**18
        while length:
            block = block[:length]
            writer.write(b"%x\r\n%b\r\n" % (len(block), block))
            await writer.drain()
            length -= len(block)
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    scripted.always(answer)
    arguments = [scripted.url(), kind, str(tmp_path / "cache.sqlite"), str(size)]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    first, second, third, written, fourth, read = done.stdout.split()
    assert [first, second, third, fourth] == ["False", "True", "False", "True" if kind == "sqlite" else "False"]
    assert max(int(written), int(read)) <= 8 * 1024  # KiB


async def test_storage_that_fails_is_left_alone(scripted: ScriptedServer, make_storage: Any, tmp_path: Path) -> None:

    (tmp_path / "cache.sqlite").write_bytes(b"this is no database" * 100)
    scripted.always(response(b"body", 200, FRESH))
    async with HttpClient(autoload=False, plugins=["cache"], cache=Cache(make_storage("sqlite"))) as client:
        assert [(await client.get(scripted.url())).text for _ in range(2)] == ["body", "body"]
