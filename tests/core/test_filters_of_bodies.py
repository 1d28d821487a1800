"""Filters that observe bodies: those of responses that are answered with a follow-up, and the end of each."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import urljoin

import pytest

from hookline import DecodingError, HttpClient, HttpRequest, HttpResponse, hookimpl
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
