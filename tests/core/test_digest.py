"""`request.digest`: the digest of a body before it is sent, as plugins that sign requests need it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from hookline import BodyNotRepeatable, HttpClient, HttpResponse, Source, hookimpl
from hookline_testing.server import ScriptedServer, response
from kit.recorder import client_with, on
from kit.turns import counted_turns


class Signing:
    """Send the digest of the body in a field, as AWS Signature Version 4 does."""

    name = "signing"
    algorithm = "sha256"

    @hookimpl(trylast=True)
    async def pre_request(self, response: HttpResponse) -> None:
        digest = await response.request.digest(self.algorithm)
        response.request.unredirected_headers["X-Content-SHA256"] = digest.hex()


class Again:
    """An iterable that can be read again; it counts how often it was."""

    def __init__(self, *chunks: Any) -> None:
        self.chunks = chunks
        self.count = 0

    def __iter__(self) -> Iterator[Any]:
        self.count += 1
        return iter(self.chunks)


class AsyncAgain:
    """The same, asynchronously."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            await asyncio.sleep(0)
            yield chunk


LARGE = bytes(range(256)) * 10_000

BODIES: list[tuple[dict[str, Any], bytes]] = [
    ({}, b""), ({"data": b""}, b""), ({"data": b"body"}, b"body"), ({"data": "bödy"}, "bödy".encode()),
    ({"data": LARGE}, LARGE), ({"data": bytearray(b"abc")}, b"abc"), ({"data": {"a": "b c"}}, b"a=b+c"),
    ({"json": {"a": 1}}, b'{"a":1}'), ({"data": [b"a", "ü", b""]}, "aü".encode()), ({"data": Again(b"a", LARGE)}, b"a" + LARGE),
    ({"data": AsyncAgain(b"a", b"b")}, b"ab"), ({"data": Source(Again(b"abc"), 3)}, b"abc"),
    ({"data": Again()}, b""),
]  # fmt: skip


@pytest.mark.parametrize(("body", "sent"), BODIES, ids=map(str, range(len(BODIES))))
async def test_digest_is_that_of_the_bytes_that_are_sent(
    scripted: ScriptedServer, body: dict[str, Any], sent: bytes
) -> None:
    scripted.always(response(b""))
    async with client_with(Signing()) as client:
        await client.post(scripted.url(), **body)
        (seen,) = scripted.requests
        assert seen.body == sent
        assert seen.header("x-content-sha256") == hashlib.sha256(sent).hexdigest()


@pytest.mark.parametrize("kind", ["path", "file", "files", "small"])
async def test_file_is_read_for_the_digest_and_sent_as_a_whole(
    scripted: ScriptedServer, tmp_path: Any, kind: str
) -> None:
    scripted.always(response(b""))
    path = tmp_path / "file"
    path.write_bytes(b"few" if kind == "small" else LARGE)
    async with HttpClient(autoload=False, plugins=["bodies", Signing()]) as client:
        with path.open("rb") as file:
            body = {"files": {"a": path}} if kind == "files" else {"data": path if kind == "path" else file}
            await client.put(scripted.url(), **body)
    (seen,) = scripted.requests
    assert (path.read_bytes() in seen.body) if kind == "files" else (seen.body == path.read_bytes())
    assert seen.header("x-content-sha256") == hashlib.sha256(seen.body).hexdigest()


async def test_part_of_a_file_that_was_read_before_is_not_in_the_digest(
    scripted: ScriptedServer, tmp_path: Any
) -> None:
    scripted.always(response(b""))
    (tmp_path / "file").write_bytes(LARGE)
    async with HttpClient(autoload=False, plugins=["bodies", Signing()]) as client:
        with (tmp_path / "file").open("rb") as file:
            file.read(1000)
            await client.put(scripted.url(), data=file)
    (seen,) = scripted.requests
    assert seen.body == LARGE[1000:]
    assert seen.header("x-content-sha256") == hashlib.sha256(LARGE[1000:]).hexdigest()


async def test_follow_up_has_a_digest_of_its_own(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"", 503), response(b""))
    body = Again(b"one", b"two")

    def again(self: Any, response: HttpResponse) -> Any:
        return response.request.copy(cause="retry") if response.status_code == 503 else None

    async with client_with(Signing(), on("post_request", again, "again")) as client:
        await client.put(scripted.url(), data=body)
    assert [seen.body for seen in scripted.requests] == [b"onetwo"] * 2
    assert {seen.header("x-content-sha256") for seen in scripted.requests} == {hashlib.sha256(b"onetwo").hexdigest()}
    assert body.count == 4


def generator() -> Iterator[bytes]:
    yield b"once"


async def asynchronous() -> AsyncIterator[bytes]:
    yield b"once"


@pytest.mark.parametrize("make", [generator, asynchronous, lambda: iter([b"once"])], ids=["plain", "async", "iterator"])
async def test_body_that_can_be_read_once_has_no_digest_and_is_not_read(
    scripted: ScriptedServer, make: Callable[[], Any]
) -> None:
    scripted.always(response(b""))
    body = make()
    async with client_with(Signing()) as client:
        with pytest.raises(BodyNotRepeatable, match="so its digest cannot be known before it is sent") as caught:
            await client.post(scripted.url(), data=body)
        assert caught.value.request is not None
        await client.post(scripted.url(), data=body, disable=["signing"])
    assert [seen.body for seen in scripted.requests] == [b"once"]


@pytest.mark.parametrize(
    ("algorithm", "words"),
    [("sha-257", "no algorithm 'sha-257'"), (256, "no algorithm 256"), ("shake_128", "has no fixed size")],
)
async def test_unknown_algorithm_is_a_value_error(client: HttpClient, algorithm: Any, words: str) -> None:
    request = client.new_request("POST", "http://nobody.invalid/", cause="test", data=b"body")
    with pytest.raises(ValueError, match=words):
        await request.digest(algorithm)
    assert await request.digest("md5") == hashlib.md5(b"body").digest()


async def test_body_that_is_no_bytes_is_the_error_of_its_sending(client: HttpClient) -> None:
    request = client.new_request("POST", "http://nobody.invalid/", cause="test", data=Again(5))
    with pytest.raises(TypeError, match="a body's chunks must be bytes or str, got int"):
        await request.digest("sha256")


@pytest.mark.parametrize("body", [LARGE, [LARGE], [b"x" * 100] * 1000], ids=["bytes", "one-chunk", "many-chunks"])
async def test_loop_gets_turns_while_a_large_body_is_hashed(client: HttpClient, body: Any) -> None:
    request = client.new_request("POST", "http://nobody.invalid/", cause="test", data=body)
    async with counted_turns(0) as turns:
        await request.digest("sha256")
        assert turns.count >= 2


async def test_cancelled_digest_closes_the_source(client: HttpClient) -> None:
    closed = asyncio.Event()

    class Waiting:
        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                yield b"begin"
                await asyncio.Event().wait()
            finally:
                closed.set()

    request = client.new_request("POST", "http://nobody.invalid/", cause="test", data=Waiting())
    task = asyncio.create_task(request.digest("sha256"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed.is_set()
