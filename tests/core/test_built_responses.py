"""Responses that plugins build: with a body that is read as a stream, and as if they came from the network."""

from __future__ import annotations

import asyncio
import gc
import pickle
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from hookline import (
    BodyTooLarge,
    ClientClosed,
    HttpClient,
    HttpRequest,
    HttpResponse,
    PluginError,
    ReadTimeout,
    StreamAbandoned,
    StreamConsumedError,
    Timeout,
    hookimpl,
)
from hookline_testing.server import ScriptedServer, response


def forget(found: list[Any]) -> None:
    found.clear()
    gc.collect()


URL = "http://127.0.0.1:9/"  # nothing is sent there
PIECES = [bytes([number]) * 1000 for number in range(100)]
WHOLE = b"".join(PIECES)
Build = Callable[[HttpRequest], HttpResponse]


class Log:
    """A plugin that records the events of each exchange, and decodes what is said to be in the coding `deflate`."""

    name = "log"

    def __init__(self) -> None:
        self.log: list[str] = []
        self.finished = asyncio.Event()

    @hookimpl
    def on_headers(self, response: HttpResponse) -> None:
        self.log.append(f"on_headers {response.status_code}")
        if response.headers.get("content-encoding") == "deflate":
            response.add_decoder(Inflate())

    @hookimpl
    def data_received(self, response: HttpResponse, data: bytes) -> None:
        self.log.append("data_received")

    @hookimpl
    def data_processed(self, response: HttpResponse, data: bytes) -> None:
        if self.log[-1] != "data_processed":
            self.log.append("data_processed")

    @hookimpl
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> None:
        self.log.append(f"post_request {response.status_code} {type(exc).__name__}")
        self.finished.set()


class Inflate:
    has_pending = False

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj()

    def decode(self, data: bytes, limit: int) -> bytes:
        return self._decoder.decompress(data)

    def finish(self) -> None:
        assert self._decoder.eof


class Answers:
    """A plugin that answers one event, once for each call, with what `build(request)` returns."""

    def __init__(self, build: Build, event: str = "pre_request") -> None:
        self.build, self.event = build, event

    def answer(self, response: HttpResponse, event: str) -> HttpResponse | None:
        return self.build(response.request) if event == self.event and not response.is_built else None

    @hookimpl
    def pre_request(self, response: HttpResponse) -> HttpResponse | None:
        return self.answer(response, "pre_request")

    @hookimpl
    def on_headers(self, response: HttpResponse) -> HttpResponse | None:
        return self.answer(response, "on_headers")

    @hookimpl
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> HttpResponse | None:
        return self.answer(response, "post_request") if exc is None else None


def generator() -> Iterator[bytes]:
    yield from PIECES


async def async_generator() -> AsyncIterator[bytes]:
    for piece in PIECES:
        await asyncio.sleep(0)
        yield piece


CONTENTS: list[Callable[[], Any]] = [
    lambda: PIECES,
    generator,
    async_generator,
    lambda: bytearray(WHOLE),
    lambda: WHOLE,
]
IDS = ["list", "generator", "async", "bytearray", "bytes"]


@pytest.mark.parametrize("as_received", [False, True])
@pytest.mark.parametrize("content", CONTENTS, ids=IDS)
async def test_body_is_read_whole(content: Callable[[], Any], as_received: bool) -> None:
    log = Log()
    answers = Answers(lambda r: HttpResponse.build(r, 203, content=content(), as_received=as_received))
    async with HttpClient(autoload=False, plugins=[answers, log]) as client:
        found = await client.get(URL)
    assert (found.status_code, found.content, found.is_built, found.is_open) == (203, WHOLE, True, False)
    assert found.headers == {}
    events = ["on_headers 203", "data_processed"] if as_received else []
    assert log.log == [*events, "post_request 203 NoneType"]


@pytest.mark.parametrize("as_received", [False, True])
@pytest.mark.parametrize("content", CONTENTS[:3], ids=IDS[:3])
async def test_body_is_read_as_a_stream(content: Callable[[], Any], as_received: bool) -> None:
    log = Log()
    answers = Answers(lambda r: HttpResponse.build(r, 203, content=content(), as_received=as_received))
    async with HttpClient(autoload=False, plugins=[answers, log]) as client:
        async with await client.get(URL, stream=True) as found:
            assert found.was_handed_out
            assert log.log[:1] == (["on_headers 203"] if as_received else [])
            chunks = [chunk async for chunk in found.raw]
        assert b"".join(chunks) == WHOLE
        assert log.log[-1] == "post_request 203 NoneType"
        assert log.log.count("post_request 203 NoneType") == 1
        async with await client.get(URL, stream=True) as again:
            with pytest.raises(StreamConsumedError):
                _ = again.content


def test_body_is_read_without_a_loop() -> None:
    answers = Answers(lambda r: HttpResponse.build(r, 200, content=async_generator()))
    with HttpClient(autoload=False, plugins=[answers]) as client:
        whole: Any = client.get(URL)
        assert whole.content == WHOLE
        streamed: Any = client.get(URL, stream=True)
        assert b"".join(streamed.raw) == WHOLE


async def test_reader_that_stops_holds_up_the_source() -> None:
    made = 0

    def endless() -> Iterator[bytes]:
        nonlocal made
        while True:
            made += 1
            yield b"x" * 1000

    answers = Answers(lambda r: HttpResponse.build(r, 200, content=endless(), as_received=True))
    async with HttpClient(autoload=False, plugins=[answers]) as client, await client.get(URL, stream=True) as found:
        await asyncio.sleep(0.05)
        assert 200 < made < 300
        read = 0
        async for chunk in found.raw:
            read += len(chunk)
            assert made * 1000 - read < 300_000
            if read > 2_000_000:
                break
    assert made < 2400


@pytest.mark.parametrize("as_received", [False, True])
@pytest.mark.parametrize("end", ["aclose", "forget", "cancel", "client"])
async def test_source_is_closed_with_the_response(end: str, as_received: bool) -> None:
    ended = asyncio.Event()
    log = Log()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 1000
                await asyncio.sleep(0.001)
        finally:
            ended.set()

    answers = Answers(lambda r: HttpResponse.build(r, 200, content=endless(), as_received=as_received))
    async with HttpClient(autoload=False, plugins=[answers, log]) as client, asyncio.timeout(5):
        if end == "cancel":
            call = asyncio.ensure_future(client.get(URL))
            await asyncio.sleep(0.02)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            error = "CancelledError"
        else:
            found = await client.get(URL, stream=True)
            await found.raw.read(1)
            error = StreamAbandoned.__name__
            if end == "aclose":
                await found.aclose()
            elif end == "client":
                await client.close()
                with pytest.raises(ClientClosed):
                    await found.raw.read()
                error = ClientClosed.__name__
            else:
                forgotten = [found]
                del found
                with pytest.warns(ResourceWarning, match="neither read to its end nor closed"):
                    forget(forgotten)
        await ended.wait()
        await log.finished.wait()
    assert log.log[-1] == f"post_request 200 {error}"
    assert sum(entry.startswith("post_request") for entry in log.log) == 1


@pytest.mark.parametrize("as_received", [False, True])
async def test_client_that_closes_ends_a_call_that_waits_for_a_body(as_received: bool) -> None:
    async def silent() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    log = Log()
    answers = Answers(lambda r: HttpResponse.build(r, 200, content=silent(), as_received=as_received))
    client = HttpClient(autoload=False, plugins=[answers, log])
    call = asyncio.ensure_future(client.get(URL))
    await asyncio.sleep(0.01)
    async with asyncio.timeout(2):
        await client.close()
        with pytest.raises(ClientClosed):
            await call
    assert log.log[-1] == "post_request 200 ClientClosed"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("as_received", [False, True])
async def test_what_the_source_raises_reaches_the_caller(as_received: bool, stream: bool) -> None:
    def breaks() -> Iterator[bytes]:
        yield b"x"
        raise OSError("the disk is gone")

    log = Log()
    answers = Answers(lambda r: HttpResponse.build(r, 200, content=breaks(), as_received=as_received))
    async with HttpClient(autoload=False, plugins=[answers, log]) as client:

        async def read() -> bytes:
            found = await client.get(URL, stream=stream)
            return await found.raw.read()

        with pytest.raises(OSError, match="the disk is gone"):
            await read()
    assert log.log[-1] == "post_request 200 OSError"


@pytest.mark.parametrize("as_received", [False, True])
@pytest.mark.parametrize("event", ["pre_request", "on_headers", "post_request"])
async def test_limits_of_the_call_hold(scripted: ScriptedServer, event: str, as_received: bool) -> None:
    if event == "post_request" and as_received:
        return  # refused, see below

    async def slow() -> AsyncIterator[bytes]:
        yield b"x" * 10
        await asyncio.sleep(5)

    scripted.always(response(b"net"))
    answers = Answers(lambda r: HttpResponse.build(r, 200, content=slow(), as_received=as_received), event)
    async with HttpClient(autoload=False, plugins=[answers]) as client:
        with pytest.raises(ReadTimeout):
            await client.get(scripted.url(), timeout=Timeout(read=0.1))
        with pytest.raises(TimeoutError):
            await client.get(scripted.url(), timeout=0.1)
        with pytest.raises(BodyTooLarge):
            await client.get(scripted.url(), max_body=9)


@pytest.mark.parametrize("stream", [False, True])
async def test_response_as_received_is_decoded_as_its_fields_say(stream: bool) -> None:
    packed = zlib.compress(WHOLE)
    pieces = [packed[start : start + 20] for start in range(0, len(packed), 20)]
    fields = {"Content-Encoding": "deflate", "Content-Length": str(len(packed))}
    answers = Answers(lambda r: HttpResponse.build(r, 200, headers=fields, content=iter(pieces), as_received=True))
    async with HttpClient(autoload=False, plugins=[answers, Log()]) as client:
        found = await client.get(URL, stream=stream)
        assert await found.raw.read() == found.content == WHOLE
    plain = Answers(lambda r: HttpResponse.build(r, 200, headers=fields, content=iter(PIECES)))
    async with HttpClient(autoload=False, plugins=[plain, Log()]) as client:
        found = await client.get(URL, stream=stream)
        assert await found.raw.read() == WHOLE  # it was built decoded


class Follows:
    """A plugin that follows redirects, as that of the project does: it buffers their bodies."""

    @hookimpl(statuses=(302,))
    def on_headers(self, response: HttpResponse) -> None:
        response.buffer()

    @hookimpl(statuses=(302,))
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> HttpRequest | None:
        return response.request.follow(response.headers["location"], cause="redirect") if exc is None else None


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("content", [b"", b"moved", PIECES], ids=["empty", "short", "long"])
async def test_other_plugins_act_on_a_response_as_received(
    scripted: ScriptedServer, content: Any, stream: bool
) -> None:
    scripted.always(response(b"net"))

    def build(request: HttpRequest) -> HttpResponse:
        moved = {"Location": scripted.url("/new")}
        return HttpResponse.build(request, 302, headers=moved, content=content, as_received=True, stored=True)

    class Old(Answers):
        def answer(self, response: HttpResponse, event: str) -> HttpResponse | None:
            return super().answer(response, event) if response.request.origin_form == "/old" else None

    async with HttpClient(autoload=False, plugins=[Old(build), Follows()]) as client:
        found = await client.get(scripted.url("/old"), stream=stream)
        assert await found.raw.read() == b"net"
        (moved,) = found.history
        assert (moved.status_code, moved.is_built, moved.is_stored, found.is_built) == (302, True, True, False)
    assert [request.target for request in scripted.requests] == ["/new"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("as_received", [False, True])
@pytest.mark.parametrize("content", CONTENTS[:3], ids=IDS[:3])
async def test_on_headers_is_answered_and_the_connection_is_kept(
    scripted: ScriptedServer, content: Callable[[], Any], as_received: bool, stream: bool
) -> None:
    scripted.always(response(b"", 304))
    log = Log()

    def build(request: HttpRequest) -> HttpResponse:
        return HttpResponse.build(request, 200, content=content(), as_received=as_received, stored=True)

    async with HttpClient(autoload=False, plugins=[Answers(build, "on_headers"), log]) as client:
        for _ in range(2):
            found = await client.get(scripted.url(), stream=stream)
            assert found.was_handed_out is stream
            assert await found.raw.read() == WHOLE
    assert scripted.connections == 1
    of_answer = ["on_headers 200", "data_processed", "post_request 200 NoneType"]
    own = ["data_received", "on_headers 304"]
    finished = ["post_request 304 NoneType"]
    assert [entry for entry in log.log if entry != "data_processed" or as_received] == (
        [*own, *of_answer] if as_received else [*own, *finished]
    ) * 2


@pytest.mark.parametrize("stream", [False, True])
async def test_post_request_is_answered_with_a_stream(scripted: ScriptedServer, stream: bool) -> None:
    scripted.always(response(b"net"))

    class Buffers:
        @hookimpl
        def on_headers(self, response: HttpResponse) -> None:
            response.buffer()  # so that the answer to post_request counts for a stream too

    log = Log()
    answers = Answers(lambda r: HttpResponse.build(r, 203, content=generator()), "post_request")
    async with HttpClient(autoload=False, plugins=[answers, log, Buffers()]) as client:
        found = await client.get(scripted.url(), stream=stream)
        assert (found.status_code, found.was_handed_out) == (203, stream)
        assert await found.raw.read() == WHOLE
    assert [entry for entry in log.log if "post_request" in entry] == ["post_request 200 NoneType"]


async def test_post_request_takes_no_answer_that_fires_events(scripted: ScriptedServer) -> None:
    scripted.always(response(b"net"))
    answers = Answers(lambda r: HttpResponse.build(r, 203, as_received=True), "post_request")
    async with HttpClient(autoload=False, plugins=[answers]) as client:
        with pytest.raises(
            PluginError, match="post_request answered with HttpResponse; expected a response without as_r"
        ):
            await client.get(scripted.url())


async def test_answer_that_fires_events_belongs_to_the_exchange() -> None:
    other = HttpClient(autoload=False).build_request("GET", URL)
    answers = Answers(lambda r: HttpResponse.build(other, 200, as_received=True))
    async with HttpClient(autoload=False, plugins=[answers]) as client:
        with pytest.raises(PluginError, match=r"built for response\.request"):
            await client.get(URL)

    class Again:
        @hookimpl
        def on_headers(self, response: HttpResponse) -> HttpResponse:
            return HttpResponse.build(response.request, 200, as_received=True)

    first = Answers(lambda r: HttpResponse.build(r, 200, as_received=True))
    async with HttpClient(autoload=False, plugins=[first, Again()]) as client:
        with pytest.raises(PluginError, match="cannot answer another that was built"):
            await client.get(URL)


async def test_notes_handlers_and_timings_of_the_exchange_go_on() -> None:
    seen: list[Any] = []

    class Binds:
        before = "answers"

        @hookimpl
        def pre_request(self, response: HttpResponse) -> None:
            response.notes["binds"] = 1
            response.event("post_request").bind(lambda response: seen.append(response.notes))
            seen.append(response.event("on_headers").waiter())

    answers = Answers(lambda r: HttpResponse.build(r, 200, content=b"x", as_received=True))
    async with HttpClient(autoload=False, plugins=[Binds(), answers]) as client:
        found = await client.get(URL, timings=True, on_headers=lambda response: seen.append(response.status_code))
        waiter, *others = seen
        assert await waiter is found
    assert others == [200, {"binds": 1}]
    assert found.timings is not None
    assert found.timings.done is not None
    assert found.elapsed.total_seconds() >= 0


@pytest.mark.parametrize("content", CONTENTS[:3], ids=IDS[:3])
async def test_response_that_answers_nothing_can_be_read(content: Callable[[], Any]) -> None:
    async with HttpClient(autoload=False) as client:
        request = client.build_request("GET", URL)
        built = HttpResponse.build(request, 200, content=content())
        with pytest.raises(StreamConsumedError, match=r"await response\.raw\.read\(\) first"):
            _ = built.content
        with pytest.raises(TypeError, match="is a stream that is open"):
            pickle.dumps(built)
        assert await built.raw.read(10) == WHOLE[:10]
        await built.aclose()
        whole = HttpResponse.build(request, 200, content=content())
        assert await whole.raw.read() == whole.content == WHOLE
        copied = pickle.loads(pickle.dumps(whole))
        assert (copied.content, copied.is_built, copied.is_stored) == (WHOLE, True, False)
        filtered = HttpResponse.build(request, 200, content=[zlib.compress(WHOLE)])
        filtered.add_decoder(Inflate())
        assert await filtered.raw.read() == WHOLE
        unread = HttpResponse.build(request, 200, content=content())
        await unread.aclose()
        with pytest.raises(StreamConsumedError):
            await unread.raw.read()


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"a": 1}, TypeError),
        (5, TypeError),
        (None, TypeError),
        ([b"x", 5], TypeError),
    ],
)
async def test_content_of_another_type_is_refused(content: Any, error: type[Exception]) -> None:
    async with HttpClient(autoload=False) as client:
        with pytest.raises(error, match=r"content= takes bytes, str or an iterable|chunks must be bytes or str"):
            await HttpResponse.build(client.build_request("GET", URL), 200, content=content).raw.read()


async def test_generator_that_has_ended_is_refused() -> None:
    ended = generator()
    assert len(list(ended)) == 100
    async with HttpClient(autoload=False) as client:
        with pytest.raises(ValueError, match="was read to its end before"):
            HttpResponse.build(client.build_request("GET", URL), 200, content=ended)


async def test_many_streams_at_once(scripted: ScriptedServer) -> None:
    answers = Answers(lambda r: HttpResponse.build(r, 200, content=async_generator(), as_received=True))
    async with HttpClient(autoload=False, plugins=[answers, Log()]) as client:

        async def read(stream: bool) -> bytes:
            found = await client.get(URL, stream=stream)
            return await found.raw.read()

        found = await asyncio.gather(*[read(bool(number % 2)) for number in range(40)])
    assert set(found) == {WHOLE}
