"""Filters that observe bodies: those of responses that are answered with a follow-up, and the end of each."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import urljoin

import pytest

from hookline import BodyTooLarge, DecodingError, HttpClient, HttpRequest, HttpResponse, hookimpl
from hookline_testing.server import Script, ScriptedServer, head, response

MOVED = [("Location", "/new")]


class Filter:
    """A decoder that changes nothing, and records what it saw and how it ended."""

    has_pending = False

    def __init__(self, ends: list[tuple[str, bytes]]) -> None:
        self.ends, self.seen = ends, b""

    def decode(self, data: bytes, limit: int) -> bytes:
        if b"wrong" in data:
            raise DecodingError("not in this coding")
        self.seen += data
        return data

    def finish(self) -> None:
        self.ends.append(("finish", self.seen))

    def abandon(self) -> None:
        self.ends.append(("abandon", self.seen))


class Observes:
    """A plugin that filters all bodies. buffers: it also may answer with a follow-up, as for redirects."""

    def __init__(self, *, runs_always: bool = True) -> None:
        self.ends: list[tuple[str, bytes]] = []
        self.runs_always = runs_always
        self.begun = asyncio.Event()

    @hookimpl
    def on_headers(self, response: HttpResponse) -> None:
        response.add_decoder(Filter(self.ends), runs_always=self.runs_always)
        self.begun.set()
        if response.status_code == 302:
            response.buffer()

    @hookimpl(statuses=(302,))
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> HttpRequest | None:
        if exc is not None:
            return None
        return response.request.follow(urljoin(response.url, response.headers["location"]), cause="redirect")


@pytest.mark.parametrize("stream", [False, True])
async def test_filter_that_always_runs_sees_the_body_of_a_redirect(scripted: ScriptedServer, stream: bool) -> None:
    scripted.answer(response(b"moved", 302, MOVED), response(b"here"))
    observes = Observes()
    async with HttpClient(autoload=False, plugins=[observes]) as client:
        found = await client.get(scripted.url(), stream=stream)
        assert await found.raw.read() == b"here"
        assert found.history[0].content == b"moved"
    assert observes.ends == [("finish", b"moved"), ("finish", b"here")]


async def test_other_filters_run_when_the_body_is_read(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"moved", 302, MOVED), response(b"here"))
    observes = Observes(runs_always=False)
    async with HttpClient(autoload=False, plugins=[observes]) as client:
        found = await client.get(scripted.url())
        assert observes.ends == [("finish", b"here")]
        assert found.history[0].content == b"moved"
    assert observes.ends == [("finish", b"here"), ("finish", b"moved")]


async def test_filter_is_told_that_a_long_body_was_given_up_for_a_follow_up(scripted: ScriptedServer) -> None:
    long = head(302, [*MOVED, ("Content-Length", "10000000")]) + b"x" * 200_000
    scripted.answer(Script().send(long).stall(), response(b"here"))
    observes = Observes()
    async with HttpClient(autoload=False, plugins=[observes]) as client:
        found = await client.get(scripted.url(), stream=True)
        assert await found.raw.read() == b"here"
    assert [end for end, _ in observes.ends] == ["abandon", "finish"]


@pytest.mark.parametrize("end", ["cut", "aclose", "cancel", "wrong", "timeout"])
async def test_filter_is_told_once_that_the_end_will_not_come(scripted: ScriptedServer, end: str) -> None:
    first = head(200, [("Content-Length", "10")]) + (b"wrong" if end == "wrong" else b"begun")
    scripted.answer(Script().send(first).drop() if end == "cut" else Script().send(first).stall())
    observes = Observes()

    async def read() -> None:
        found = await client.get(scripted.url(), stream=end == "aclose", timeout=0.3 if end == "timeout" else 5)
        await found.raw.read(5)
        await found.aclose()

    async with HttpClient(autoload=False, plugins=[observes]) as client:
        call = asyncio.ensure_future(read())
        if end == "cancel":
            await observes.begun.wait()
            call.cancel()
        (error,) = await asyncio.gather(call, return_exceptions=True)
        assert (error is None) is (end == "aclose"), error
    assert [kind for kind, _ in observes.ends] == ["abandon"]


async def test_filter_is_told_of_a_body_that_is_not_in_its_coding(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"all wrong"))
    observes = Observes()
    async with HttpClient(autoload=False, plugins=[observes]) as client:
        with pytest.raises(DecodingError):
            await client.get(scripted.url())
    assert observes.ends == [("abandon", b"")]


async def test_decoder_without_abandon_and_one_that_fails(
    scripted: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    class Plain:
        has_pending = False

        def decode(self, data: bytes, limit: int) -> bytes:
            return data

        def finish(self) -> None:
            raise AssertionError

    class Fails(Plain):
        def abandon(self) -> None:
            raise ValueError("cannot remove the file")

    ends: list[tuple[str, bytes]] = []

    class Adds:
        @hookimpl
        def on_headers(self, response: HttpResponse) -> None:
            decoders: list[Any] = [Plain(), Fails(), Filter(ends)]
            for decoder in decoders:
                response.add_decoder(decoder)

    scripted.answer(Script().send(head(200, [("Content-Length", "10")]) + b"begun").drop())
    with caplog.at_level(logging.ERROR):
        async with HttpClient(autoload=False, plugins=[Adds()]) as client:
            with pytest.raises(ConnectionError):
                await client.get(scripted.url())
    assert ends == [("abandon", b"")]
    assert "abandon() of Fails failed" in caplog.text


@pytest.mark.parametrize(("first", "seen"), [(True, b"body"), (False, b"BODY")])
async def test_filter_that_is_put_first_sees_the_body_as_it_arrives(
    scripted: ScriptedServer, first: bool, seen: bytes
) -> None:
    class Upper(Filter):
        def decode(self, data: bytes, limit: int) -> bytes:
            return super().decode(data, limit).upper()

    ends: list[tuple[str, bytes]] = []

    class Adds:
        @hookimpl
        def on_headers(self, response: HttpResponse) -> None:
            response.add_decoder(Upper([]))
            response.add_decoder(Filter(ends), first=first)

    scripted.answer(response(b"body"))
    async with HttpClient(autoload=False, plugins=[Adds()]) as client:
        assert (await client.get(scripted.url())).content == b"BODY"
    assert ends == [("finish", seen)]


class Zeros:
    """A decoder that gives a number of NULs instead of the body, and records the limits that it was given."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.limits: list[int] = []

    @property
    def has_pending(self) -> bool:
        return bool(self.limits) and self.left > 0

    def decode(self, data: bytes, limit: int) -> bytes:
        self.limits.append(limit)
        size = min(self.left, limit)
        self.left -= size
        return bytes(size)

    def finish(self) -> None:
        assert not self.left


STEP, STEP_OF_WHOLE = 256 * 1024, 16 * 1024 * 1024


@pytest.mark.parametrize(
    ("stream", "max_body", "limits"),
    [
        (False, 0, [STEP_OF_WHOLE]),
        (False, 2 * STEP, [2 * STEP + 1]),
        (True, 0, [STEP] * 2),
        (True, 2 * STEP, [STEP, STEP]),
        (True, STEP + STEP // 2, [STEP, STEP // 2 + 1]),
        (False, STEP, [STEP + 1]),
    ],
    ids=["whole", "whole-limited", "stream", "stream-limited", "stream-too-large", "whole-too-large"],
)
async def test_whole_body_is_decoded_in_one_step_and_one_byte_more_than_max_body_at_most(
    scripted: ScriptedServer, stream: bool, max_body: int, limits: list[int]
) -> None:
    scripted.answer(response(b"x"))
    first, last = Zeros(1000), Zeros(2 * STEP)

    def add(response: HttpResponse) -> None:
        response.add_decoder(first)
        response.add_decoder(last)

    async with HttpClient(autoload=False) as client:
        try:
            got = await client.get(scripted.url(), stream=stream, max_body=max_body, on_headers=add)
            body = await got.raw.read()
        except BodyTooLarge:
            assert 0 < max_body < 2 * STEP
        else:
            assert body == bytes(2 * STEP)
    assert last.limits == limits
    assert first.limits == [STEP]
