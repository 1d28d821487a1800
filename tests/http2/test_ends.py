"""How a server ends exchanges and connections: RST_STREAM, GOAWAY, and the end of TCP."""

from __future__ import annotations

import asyncio

import pytest

from hookline import ConnectionClosed, HttpConnectionError, HttpTimeout, RemoteProtocolError, hookimpl
from hookline_http2 import StreamReset
from kit.turns import until
from servers.refusing import BODY, Refusing, answers_http2

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, CANCEL, CALM, HTTP_1_1_REQUIRED = 0, 1, 2, 8, 11, 13


def first_alone(server, path, answer):
    """Have an answer given to the first request of a path; others get their usual one."""

    async def once(session, request):
        await request.ended.wait()
        if server.targets.count(path) == 1:
            await answer(session, request)
        else:
            await server.answer_by_name(session, request, "hello", "")

    server.answers[path] = once


async def generated(data):
    yield data


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/refuse", "/goaway"])
async def test_request_that_was_not_processed_is_sent_again(client, server, method, path):
    assert (await client.get(server.url())).ok
    response = await client.request(method, server.url(path), data=b"x" * 1000 if method == "POST" else None)
    assert response.text == path[1:]
    assert server.targets == ["/hello", path, path]
    assert server.connections == (2 if path == "/goaway" else 1)
    assert response.history == []


async def test_large_body_is_sent_again(client, server):
    first_alone(server, "/x", refuse)
    assert (await client.post(server.url("/x"), data=b"x" * 500_000)).text == "hello"
    assert [len(request.body) for request in server.requests] == [500_000] * 2


async def test_body_that_can_be_read_once_is_not_sent_again(client, server):
    first_alone(server, "/x", refuse)
    with pytest.raises(StreamReset, match="REFUSED_STREAM"):
        await client.post(server.url("/x"), data=generated(b"x"))
    assert len(server.requests) == 1


async def refuse(session, request):
    session.reset(request.stream, 7)


async def test_server_that_refuses_forever(client, server):
    server.answers["/x"] = refuse
    with pytest.raises(StreamReset) as caught:
        await client.get(server.url("/x"))
    assert (caught.value.code, caught.value.was_processed) == (7, False)
    assert len(server.requests) == 11
    assert client.stats().streams == 0


@pytest.mark.parametrize("by", ["RST_STREAM", "GOAWAY"])
async def test_server_that_requires_http_1(client, server, by):
    async def answer(session, request):
        if by == "GOAWAY":
            session.goaway(0, HTTP_1_1_REQUIRED)
        else:
            session.reset(request.stream, HTTP_1_1_REQUIRED)

    server.answers["/x"] = answer
    response = await client.post(server.url("/x"), data=b"12345")
    assert (response.version, response.text) == ("HTTP/1.1", "http/1")
    assert server.http1_requests[0].startswith(b"POST /x HTTP/1.1\r\n")
    assert (await client.get(server.url())).version == "HTTP/2"  # the requirement was for that request


async def test_server_in_cleartext_that_requires_http_1(make_client, make_server):
    server = await make_server(tls=False)

    async def answer(session, request):
        session.reset(request.stream, HTTP_1_1_REQUIRED)

    server.answers["/x"] = answer
    response = await make_client(http2="prior-knowledge").get(server.url("/x"))
    assert (response.version, response.text) == ("HTTP/1.1", "http/1")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (1, "PROTOCOL_ERROR (1)"),
        (2, "INTERNAL_ERROR (2)"),
        (8, "CANCEL (8)"),
        (11, "ENHANCE_YOUR_CALM (11)"),
        (99, "error code 99"),
    ],
)
@pytest.mark.parametrize("when", ["before", "amid"])
async def test_reset_is_an_error_of_one_exchange(client, server, code, text, when):
    async def answer(session, request):
        if when == "amid":
            session.head(request.stream)
            session.data(request.stream, b"a part")
        session.reset(request.stream, code)

    server.answers["/x"] = answer
    other = asyncio.create_task(client.get(server.url("/wait")))
    with pytest.raises(StreamReset) as caught:
        await client.get(server.url("/x"))
    assert text in str(caught.value)
    assert caught.value.code == code
    assert (caught.value.response is not None) == (when == "amid")
    server.gate.set()
    assert (await other).ok
    assert (server.connections, server.targets.count("/x")) == (1, 1)


async def test_reset_without_error_amid_a_body_is_an_error(client, server):
    with pytest.raises(StreamReset, match="NO_ERROR"):
        await client.get(server.url("/reset/0"))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("size", [1000, 1_000_000])
async def test_reset_without_error_behind_a_complete_response_is_a_success(client, make_server, size, stream):
    server = await make_server(settings={4: 1000})
    server.answers_windows = False

    async def answer(session, request):
        session.head(request.stream, 200, ("content-length", "4"))
        session.data(request.stream, b"done", ends=True)
        session.reset(request.stream, NO_ERROR)

    server.answers["/x"] = answer
    await client.get(server.url())
    for _ in range(2):
        response = await client.post(server.url("/x"), data=b"x" * size, stream=stream)
        body = await response.raw.read() if stream else response.content
        assert (response.status_code, body) == (200, b"done")
    assert (await client.get(server.url())).ok
    assert (server.connections, client.stats().streams) == (1, 0)


async def test_reset_behind_a_complete_response_that_nobody_has_read_yet(client, server):
    async def answer(session, request):
        session.head(request.stream)
        session.data(request.stream, b"done", ends=True)
        session.reset(request.stream, NO_ERROR)
        session.frame(6, 0, 0, b"12345678")

    server.answers["/x"] = answer
    response = await client.post(server.url("/x"), data=generated_slowly(), stream=True)
    await server.until(pongs=1)
    assert await response.raw.read() == b"done"


async def generated_slowly():
    yield b"x"
    await asyncio.Event().wait()


async def test_graceful_goaway_lets_streams_end(client, server):
    waiting = asyncio.create_task(client.get(server.url("/wait")))
    await server.until(requests=1)
    (first,) = server.sessions
    first.goaway(2**31 - 1)
    first.frame(6, 0, 0, b"12345678")
    await server.until(pongs=1)
    assert (await client.get(server.url())).text == "hello"  # on a new connection
    assert server.connections == 2
    first.goaway(1)
    server.gate.set()
    assert (await waiting).text == "wait"
    await server.until_closed(but=1)


async def test_goaway_amid_many_requests_loses_none(client, server):
    async def answer(session, request):
        if request.stream == 31 and len(server.sessions) == 1:
            session.goaway(29)
        if request.stream < 31 or len(server.sessions) > 1:
            await server.answer_by_name(session, request, "hello", "")

    server.answers["/x"] = answer
    responses = await asyncio.gather(*(client.post(server.url("/x"), data=b"%d" % n) for n in range(60)))
    assert [response.text for response in responses] == ["hello"] * 60
    assert server.connections == 2


class Connections:
    """A plugin that keeps the connections of its client."""

    def __init__(self):
        self.all = []

    @hookimpl
    def connected(self, connection):
        self.all.append(connection)


async def test_request_whose_head_waits_when_goaway_comes_is_sent(make_client, make_server, engine):
    server = await make_server(settings={3: 100, 4: 2**31 - 1})
    read_on = asyncio.Event()

    async def answer(session, request):
        session.frame(8, 0, 0, (2**31 - 2**17).to_bytes(4))
        session.reader._transport.pause_reading()
        await server.gate.wait()
        session.goaway(2**31 - 1)
        await read_on.wait()
        session.reader._transport.resume_reading()
        await request.ended.wait()
        await server.answer_by_name(session, request, "hello", "")

    server.answers["/x"] = answer
    kept = Connections()
    client = make_client(plugins=[kept])
    upload = asyncio.create_task(client.post(server.url("/x"), data=bytes(32 * 1024 * 1024)))
    await until(lambda: kept.all and kept.all[0].session.has_unsent)
    behind = asyncio.create_task(client.post(server.url("/echo"), data=b"behind"))
    await until(lambda: client.stats().streams == 2)
    server.gate.set()
    await until(lambda: kept.all[0].session.is_going_away)
    read_on.set()
    assert [(await each).text for each in (upload, behind)] == ["hello", "behind"]
    # h2 has written the head already; what ngh2 holds it does not send after a GOAWAY, so it is sent on another connection
    assert server.connections == {"ngh2": 2, "h2": 1}[engine]


async def test_goaway_with_an_error_says_why(client, server):
    async def answer(session, request):
        session.goaway(request.stream, CALM, b"too many\r\npings")
        session.writer.close()

    server.answers["/x"] = answer
    with pytest.raises(HttpConnectionError, match=r"ENHANCE_YOUR_CALM \(11\), 'too many\\r\\npings'"):
        await client.get(server.url("/x"))


async def test_idle_connection_that_goes_away_is_replaced(client, server):
    assert (await client.get(server.url())).ok
    server.sessions[0].goaway(1)
    server.sessions[0].writer.close()
    for _ in range(2):
        assert (await client.post(server.url("/echo"), data=b"x")).ok
    assert server.connections == 2


async def pieces():
    for _ in range(100):
        yield b"x" * 65536


@pytest.mark.parametrize("kind", ["bytes", "pieces"])
@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("size", [0, 100_000])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_answer_before_the_end_of_an_upload_is_delivered(
    request, make_client, certificates, scheme, size, end, kind
):
    # uvloop keeps to itself what its TLS reads from: there an answer can be lost when the peer closes at once
    may_be_lost = scheme == "https" and request.config.getoption("loop") == "uvloop"
    context = certificates.right.server_context(alpn=("h2",)) if scheme == "https" else None
    server = Refusing(context, answers_http2(size), resets=end == "reset")
    try:
        for _ in range(10):
            client = make_client(http2="prior-knowledge")
            body = b"x" * 6_553_600 if kind == "bytes" else pieces()
            try:
                answer = await client.post(f"{scheme}://localhost:{server.port}/", data=body)
                assert (answer.status_code, answer.content, answer.version) == (413, BODY, "HTTP/2")
            except ConnectionClosed:
                assert may_be_lost
            await client.close()
    finally:
        server.close()


@pytest.mark.parametrize("where", ["before", "amid"])
async def test_connection_that_is_lost_ends_all_exchanges(client, server, where):
    async def answer(session, request):
        if where == "amid":
            session.head(request.stream, 200, ("content-length", "10"))
            session.data(request.stream, b"abc")
        await server.gate.wait()

    server.answers["/x"] = answer
    tasks = [asyncio.create_task(client.get(server.url("/x"))) for _ in range(5)]
    await server.until(requests=5)
    server.sessions[0].writer.transport.abort()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [ConnectionClosed] * 5
    assert len(set(map(id, results))) == 5
    assert client.stats().streams == client.stats().connections == 0


async def test_idle_connection_that_has_died_is_noticed_by_the_next_request(client, server):
    await client.get(server.url())
    server.sessions[0].writer.transport.abort()
    assert (await client.get(server.url())).ok
    assert server.connections == 2


@pytest.mark.parametrize("stream", [False, True])
async def test_misdirected_request_is_sent_once_more_on_a_connection_of_its_own(client, server, stream):
    async def answer(session, request):
        status = 421 if len(server.sessions) == 1 else 200
        session.head(request.stream, status)
        session.data(request.stream, b"body", ends=True)

    server.answers["/x"] = answer
    response = await client.post(server.url("/x"), data=b"x", stream=stream)
    body = await response.raw.read() if stream else response.content
    assert (response.status_code, body, [each.status_code for each in response.history]) == (200, b"body", [421])
    assert server.connections == 2


async def test_misdirected_request_is_sent_once_more_only(client, server):
    async def answer(session, request):
        session.head(request.stream, 421, ends=True)

    server.answers["/x"] = answer
    response = await client.get(server.url("/x"))
    assert (response.status_code, len(server.requests), server.connections) == (421, 2, 2)


CONNECTION_ERRORS = {
    "data on a stream that is idle": lambda s, n: s.data(99, b"x"),
    "a frame that is too large": lambda s, n: s.frame(0, 0, n, bytes(16385)),
    "a window of 0": lambda s, n: s.frame(8, 0, 0, bytes(4)),
    "a window that overflows": lambda s, n: s.frame(8, 0, 0, b"\x7f\xff\xff\xff"),
    "a head that cannot be decoded": lambda s, n: s.frame(1, 4, n, b"\xff\xff\xff\xff\xff\xff\xff"),
    "a setting out of range": lambda s, n: s.settings({4: 2**31}),
    "settings that are cut": lambda s, n: s.frame(4, 0, 0, b"abc"),
    "a PING that is too short": lambda s, n: s.frame(6, 0, 0, b"abc"),
    "another frame within a head": lambda s, n: (s.frame(1, 0, n, b"\x88"), s.frame(6, 0, 0, b"12345678")),
    "a push": lambda s, n: s.frame(5, 4, n, (2).to_bytes(4) + b"\x82\x86\x84"),
    "HTTP/1.1": lambda s, n: s.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
}


@pytest.mark.parametrize("send", CONNECTION_ERRORS.values(), ids=CONNECTION_ERRORS)
async def test_error_of_the_connection_ends_all_exchanges(client, server, send):
    async def answer(session, request):
        await server.gate.wait()
        send(session, request.stream)

    server.answers["/x"] = answer
    tasks = [asyncio.create_task(client.get(server.url(path))) for path in ("/x", "/never", "/never")]
    await server.until(requests=3)
    server.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [RemoteProtocolError] * 3
    assert "HTTP/2" in str(results[0])
    await server.until_closed()
    assert server.goaways
    assert server.goaways[0] != 0
    assert client.stats().connections == 0
    del server.answers["/x"]
    assert (await client.get(server.url())).ok


async def test_first_bytes_that_are_no_http_2(make_client):
    async def serve(reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    client = make_client(http2="prior-knowledge", timeout=5)
    with pytest.raises(RemoteProtocolError) as caught:
        await client.get(f"http://127.0.0.1:{port}/")
    assert not isinstance(caught.value, HttpTimeout)
    server.close()
    await server.wait_closed()
