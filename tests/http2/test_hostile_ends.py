"""Resets with every code at every moment, GOAWAYs, connections that are cut or begin with something else, and slow peers."""

from __future__ import annotations

import asyncio
import struct

import pytest

from hookline import ConnectionClosed, HttpConnectionError, RemoteProtocolError
from hookline_http2 import StreamReset
from hookline_testing.http2 import Flag, FrameType, Setting, field_block, frame, indexed
from kit.http2_cases import (
    CALLED,
    CLIENT_TIMEOUT,
    CLOSED,
    DEADLINE,
    OTHER,
    Case,
    connection_error,
    hello,
    memory,
    nothing_left,
    run_case,
    steps,
    stream_error,
    survived,
)
from kit.sweeps import assert_in_order, calls, cut_after_any_byte

HIGHEST = 2**31 - 1
REFUSED_STREAM, HTTP_1_1_REQUIRED = 7, 13
UPLOAD = {"method": "POST", "body": b"u" * 300_000}


def head(session, number):
    session.head_of(number, [(":status", "200"), ("content-length", "5")])


def part(session, number):
    session.data(number, b"hel")


def reset(code):
    return lambda s, n: s.reset(n, code)


MOMENTS = {"before the head": (), "behind an interim head": (lambda s, n: s.head_of(n, [(":status", "103")]),),
           "behind the head": (head,), "amid the body": (head, part)}  # fmt: skip


def reset_cases():
    for code in (*range(14), 14, 99, 2**32 - 1):
        for moment, before in MOMENTS.items():
            script = steps(*before, reset(code))
            case = stream_error(script, rf"reset the stream: .*\b{code}\b", error=StreamReset)
            if code == REFUSED_STREAM and moment in ("before the head", "behind an interim head"):
                case = survived(script)  # it is sent again
            elif code == HTTP_1_1_REQUIRED and moment in ("before the head", "behind an interim head"):
                case = survived(script, content=b"http/1", connections=2)  # it is sent again, by HTTP/1.1
            yield f"{code} {moment}", case
        yield f"{code} behind the end", survived(steps(hello, reset(code)))
        yield f"{code} behind the end, amid an upload", survived(steps(hello, reset(code)), **UPLOAD, windows=False)
        upload = stream_error(reset(code), rf"\b{code}\b", error=StreamReset, **UPLOAD, windows=False)
        if code == REFUSED_STREAM:
            upload = survived(reset(code), **UPLOAD)
        elif code == HTTP_1_1_REQUIRED:
            continue  # test_ends.py: the server of the tests takes no body in HTTP/1.1
        yield f"{code} amid an upload", upload


def goaway(last, code=0, debug=b""):
    return lambda s, n: s.goaway(last, code, debug)


def hang_up(session, number):
    session.hang_up()


GOAWAYS = {
    **{
        f"with {code}, and the responses come": survived(steps(goaway(CALLED, code), hello), connections=2)
        for code in (*range(14), 14, 2**32 - 1)
    },
    **{
        f"with {code}, and the end": connection_error(
            steps(goaway(CALLED, code), hang_up), rf"closed the connection: .*\b{code}\b", error=HttpConnectionError
        )
        for code in (1, 2, 11, 12, 99, 2**32 - 1)
    },
    "for none of the streams": survived(goaway(0), connections=2),
    "for none of the streams, with an error": survived(goaway(0, 2), connections=2),
    "for all but the call": survived(goaway(OTHER), connections=2),
    "for all but the call, amid an upload": survived(goaway(OTHER), connections=2, **UPLOAD),
    "for the highest": survived(steps(goaway(HIGHEST), hello), connections=2),
    "for the highest, amid an upload": survived(steps(goaway(HIGHEST), hello), connections=2, **UPLOAD),
    "twice": survived(steps(goaway(CALLED), goaway(CALLED), hello), connections=2),
    "of the highest, then of the call": survived(steps(goaway(HIGHEST), goaway(CALLED), hello), connections=2),
    "with a lower number the second time": survived(steps(goaway(CALLED), goaway(OTHER)), connections=2),
    "with a higher number the second time": connection_error(
        steps(goaway(CALLED), goaway(CALLED + 2), hello), "HTTP/2"
    ),
    "of an even stream": connection_error(steps(goaway(6), hello), "HTTP/2"),
    "with an error the second time": survived(steps(goaway(CALLED), goaway(CALLED, 2), hello), connections=2),
    "that says much": connection_error(
        steps(goaway(CALLED, 11, b"too\r\nmany\x1b[31m\xff" * 500), hang_up), r"ENHANCE_YOUR_CALM \(11\), 'too\\r",
        error=HttpConnectionError,
    ),
    "behind the end": survived(steps(hello, goaway(CALLED)), connections=2),
    "behind the end, for none": survived(steps(hello, goaway(0)), connections=2),
    "amid the body": survived(
        steps(head, part, goaway(CALLED), lambda s, n: s.data(n, b"lo", ends=True)), connections=2
    ),
    "without an error, and the end": survived(steps(goaway(CALLED), hang_up), connections=2),
    "amid the body, for none": survived(steps(head, part, goaway(OTHER), hang_up), connections=2),
    "amid the body of a POST, for none": survived(
        steps(head, part, goaway(OTHER), hang_up), connections=2, method="POST", body=b"x"
    ),
    "amid the body of a POST, and the end": stream_error(
        steps(head, part, goaway(CALLED), hang_up), "closed the connection", error=ConnectionClosed,
        connections=2, method="POST", body=b"x",
    ),
    "and a reset": stream_error(
        steps(goaway(CALLED), reset(2)), "INTERNAL_ERROR", error=StreamReset, connections=2
    ),
}  # fmt: skip

ENDS = {
    # The connection was idle when both requests came, so both are sent again.
    "FIN before the head": survived(hang_up, connections=2),
    "FIN behind the head": connection_error(steps(head, hang_up), "closed the connection", error=ConnectionClosed),
    "FIN amid the body": connection_error(steps(head, part, hang_up), "closed", error=ConnectionClosed),
    "FIN amid a frame": connection_error(
        steps(head, lambda s, n: s.frame(0, 0, n, b"hel", length=5), hang_up), "closed", error=ConnectionClosed
    ),
    "FIN amid the head of a frame": connection_error(
        steps(head, lambda s, n: s.send(b"\0\0"), hang_up), "closed", error=ConnectionClosed
    ),
    "FIN amid a head": survived(steps(lambda s, n: s.frame(1, 0, n, indexed(8)), hang_up), connections=2),
    "RST before the head": survived(lambda s, n: s.hang_up(reset=True), connections=2),
    "RST amid an upload": connection_error(
        lambda s, n: s.hang_up(reset=True), "closed the connection", error=ConnectionClosed, **UPLOAD, windows=False
    ),
    "FIN amid an upload": connection_error(
        hang_up, "closed the connection", error=ConnectionClosed, **UPLOAD, windows=False
    ),
}


def whole_response(number):
    return (
        frame(FrameType.HEADERS, Flag.END_HEADERS, number, field_block([(":status", "103"), ("link", "<x>")]))
        + frame(FrameType.HEADERS, 0, number, indexed(8))
        + frame(FrameType.CONTINUATION, Flag.END_HEADERS, number, field_block([("a", "b")]))
        + frame(FrameType.PING, 0, 0, bytes(8))
        + frame(FrameType.DATA, 0, number, b"hel")
        + frame(FrameType.DATA, Flag.PADDED, number, b"\x02lo\0\0")
        + frame(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, number, field_block([("x-sum", "6")]))
    )


SLOW = {
    "one byte at a time": survived(lambda s, n: s.trickle(whole_response(n), 0.001)),
    "three bytes at a time": survived(lambda s, n: s.trickle(whole_response(n), 0.003, 3)),
    "one byte at a time, and then the end": connection_error(
        steps(lambda s, n: s.trickle(whole_response(n)[:-5], 0.001), hang_up), "closed", error=ConnectionClosed
    ),
}

TABLES = {"reset": dict(reset_cases()), "goaway": GOAWAYS, "end": ENDS, "slow": SLOW}
CASES: dict[str, Case] = {f"{table}: {name}": case for table, cases in TABLES.items() for name, case in cases.items()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_hostile_ends(make_client, make_server, engine, case):
    server = await make_server(tls=False, settings=case.settings)
    await run_case(make_client(http2="prior-knowledge", timeout=CLIENT_TIMEOUT), server, case, engine)


@pytest.mark.parametrize("case", [*ENDS.values(), *SLOW.values()], ids=[*ENDS, *SLOW])
async def test_hostile_ends_in_tls(make_client, make_server, engine, case):
    server = await make_server(settings=case.settings)
    await run_case(make_client(timeout=CLIENT_TIMEOUT), server, case, engine)


SETTINGS = frame(FrameType.SETTINGS)
BEGINNINGS = {
    "HTTP/1.1": (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", RemoteProtocolError),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\nhello", RemoteProtocolError),
    "SMTP": (b"220 mail.example ESMTP\r\n", RemoteProtocolError),
    "SSH": (b"SSH-2.0-OpenSSH_9.2\r\n", RemoteProtocolError),
    "TLS": (b"\x15\x03\x01\0\x02\x02\x46", ConnectionClosed),
    "TLS, and more": (b"\x15\x03\x01\0\x02\x02\x46" * 3, RemoteProtocolError),
    "zeros": (bytes(100), RemoteProtocolError),
    "ones": (b"\xff" * 100, RemoteProtocolError),
    "preface of a client": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SETTINGS, RemoteProtocolError),
    "nothing": (b"", ConnectionClosed),
    "PING": (frame(FrameType.PING, 0, 0, bytes(8)) + SETTINGS, RemoteProtocolError),
    "acknowledgement": (frame(FrameType.SETTINGS, Flag.ACK) + SETTINGS, RemoteProtocolError),
    "GOAWAY": (frame(FrameType.GOAWAY, 0, 0, bytes(8)), RemoteProtocolError),
    "response": (frame(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 1, indexed(8)), RemoteProtocolError),
    "window": (frame(FrameType.WINDOW_UPDATE, 0, 0, b"\0\0\0\1") + SETTINGS, RemoteProtocolError),
    "unknown frame": (frame(0x7F, 0, 0, b"x") + SETTINGS, RemoteProtocolError),
    "SETTINGS out of range": (frame(FrameType.SETTINGS, 0, 0, struct.pack(">HI", 5, 1)), RemoteProtocolError),
    "SETTINGS that are cut": (frame(FrameType.SETTINGS, 0, 0, bytes(6))[:-1], ConnectionClosed),
    "SETTINGS on a stream": (frame(FrameType.SETTINGS, 0, 1), RemoteProtocolError),
    "SETTINGS that are too large": (frame(FrameType.SETTINGS, 0, 0, bytes(16386)), RemoteProtocolError),
}


@pytest.mark.parametrize("end", ["stays", "closes"])
@pytest.mark.parametrize(("begin", "error"), BEGINNINGS.values(), ids=BEGINNINGS)
async def test_connection_that_begins_with_something_else(make_client, make_server, begin, error, end):
    server = await make_server(tls=False)
    if end == "stays" and error is ConnectionClosed:
        end = "closes"  # so little may yet become HTTP/2

    async def greeting(session):
        if len(server.sessions) > 1:
            session.settings({})
            return
        session.send(begin)
        if end == "closes":
            session.hang_up()

    server.greeting = greeting
    client = make_client(http2="prior-knowledge", timeout=CLIENT_TIMEOUT)
    async with nothing_left():
        async with asyncio.timeout(DEADLINE):
            with pytest.raises(HttpConnectionError if error is ConnectionClosed else error) as caught:
                await client.post(server.url("/echo"), data=b"x")
            assert type(caught.value) is error
            assert (await client.get(server.url())).ok
        assert_in_order(client)
        await client.close()
        await server.until_closed()


CALLS = calls(30)


@pytest.mark.parametrize("call", ["post", "trailers"])
async def test_connection_that_is_reset_after_any_byte(make_client, make_server, call):
    server = await make_server(tls=False)
    server.cuts_by_reset = True
    await cut_after_any_byte(make_client(http2="prior-knowledge"), server, CALLS[call])


async def test_idle_connection_on_which_everything_comes(client, server):
    """What comes between two requests is read at once, and the next request works."""
    hostile = {
        "GOAWAY": frame(FrameType.GOAWAY, 0, 0, bytes(8)),
        "GOAWAY of the highest": frame(FrameType.GOAWAY, 0, 0, struct.pack(">II", HIGHEST, 2)),
        "response": frame(FrameType.HEADERS, Flag.END_HEADERS, 3, indexed(8)),
        "data": frame(FrameType.DATA, 0, 0, b"x"),
        "push": frame(FrameType.PUSH_PROMISE, Flag.END_HEADERS, CLOSED, bytes(4)),
        "garbage": b"\xff" * 50,
    }
    for count, (name, data) in enumerate(hostile.items(), 1):
        assert (await client.get(server.url())).ok, name
        server.sessions[-1].send(data)
        await server.until_closed()
        assert server.connections == count
    assert (await client.get(server.url())).ok
    assert_in_order(client)


async def test_upload_to_a_server_that_stops_reading_is_held_up(make_client, make_server):
    server = await make_server(tls=False, settings={Setting.INITIAL_WINDOW_SIZE: HIGHEST})
    produced = 0
    stopped = asyncio.Event()

    async def answer(session, request):
        session.open_window(0, HIGHEST - 65535)
        session.stop_reading()
        stopped.set()
        await server.gate.wait()
        session.head_of(request.stream, [(":status", "413")], ends=True)
        session.read_on()

    async def pieces():
        nonlocal produced
        while True:
            produced += 65536
            yield bytes(65536)

    server.answers["/x"] = answer
    client = make_client(http2="prior-knowledge", timeout=CLIENT_TIMEOUT)
    await client.get(server.url())
    before = memory()
    task = asyncio.create_task(client.post(server.url("/x"), data=pieces()))
    async with asyncio.timeout(DEADLINE):
        await stopped.wait()
        last = -1
        while last != produced:  # until it is held up
            last = produced
            await asyncio.sleep(0.05)
        assert produced < 32 * 1024 * 1024  # the kernel holds some megabytes
        assert memory() - before < 32 * 1024 * 1024
        server.gate.set()
        assert (await task).status_code == 413
        assert (await client.get(server.url())).ok
    assert_in_order(client)


async def test_server_that_stops_reading_amid_many_requests_is_found_by_a_ping(make_client, make_server):
    server = await make_server(tls=False)

    async def answer(session, request):
        session.stop_reading()
        await asyncio.Event().wait()

    server.answers["/x"] = answer
    client = make_client(http2="prior-knowledge", timeout=CLIENT_TIMEOUT, http2_ping_interval=0.3)
    async with asyncio.timeout(DEADLINE):
        results = await asyncio.gather(
            *(client.get(server.url("/x"), headers={"x": "y" * 1000}) for _ in range(100)), return_exceptions=True
        )
        assert {type(result) for result in results} == {ConnectionClosed}
        assert (await client.get(server.url())).ok
    assert_in_order(client)


async def test_streams_beyond_the_limit_wait(make_client, make_server):
    server = await make_server(tls=False, settings={Setting.MAX_CONCURRENT_STREAMS: 3})
    client = make_client(http2="prior-knowledge", timeout=CLIENT_TIMEOUT)
    await client.get(server.url())
    tasks = [asyncio.create_task(client.get(server.url("/wait"))) for _ in range(20)]
    await server.until(requests=4)
    server.sessions[0].settings({Setting.MAX_CONCURRENT_STREAMS: 0})
    server.sessions[0].frame(FrameType.PING, 0, 0, b"12345678")
    await server.until(pongs=1)
    server.gate.set()
    async with asyncio.timeout(DEADLINE):
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        assert server.most_streams == 3
        server.sessions[0].settings({Setting.MAX_CONCURRENT_STREAMS: 5})
        assert {result.status_code for result in await asyncio.gather(*tasks)} == {200}
    assert server.most_streams <= 5
    assert server.connections == 1
