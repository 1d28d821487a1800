"""Cases of peers that break HTTP/2, and what has to become of them: the call, the other streams, and the next request.

Each case has a connection with three streams: `CLOSED` has carried an exchange, `OTHER` waits for its response, and on `CALLED`
the script answers a request, which is the fourth word of most scripts: `lambda s, n: s.data(n, b"x")`.
"""

from __future__ import annotations

import asyncio
import gc
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from hookline import ConnectionClosed, HttpClient, HttpTimeout, RemoteProtocolError
from hookline_testing.http2 import FrameRequest, FrameSession, FrameType
from servers.http2 import Http2Server

CLOSED, OTHER, CALLED = 1, 3, 5
NEVER_OPENED = 99
DEADLINE = 15.0  # seconds for a case on a busy machine; the client's own limits are four times as long
CLIENT_TIMEOUT = 60.0
MAX_GROWTH = 48 * 1024 * 1024  # bytes of the process, whatever a peer sends
MARK = b"the end."  # of a script, in a PING

Script = Callable[[FrameSession, int], Awaitable[None] | None]


@dataclass(frozen=True)
class Case:
    """What a peer does, and what has to follow.

    script: answers the call, given the session and the number of the stream. error, message: what the call raises, and a pattern
    of its text; error None = it succeeds, with `status` and `content`. others_end: the other stream ends with an error too.
    connections: that the server sees in all; None = 2 if the other streams end. method, body: of the call. settings: of the
    server. windows: the server lets bodies through. ngh2_ends_connection: libnghttp2 takes it for an error of the connection, as
    RFC 9113, section 5.4.1 allows for every error of a stream.
    """

    script: Script
    error: type[BaseException] | None = None
    message: str = ""
    status: int = 200
    content: bytes = b"hello"
    others_end: bool = False
    connections: int | None = None
    method: str = "GET"
    body: bytes | None = None
    settings: dict[int, int] | None = None
    windows: bool = True
    ngh2_ends_connection: bool = False


def survived(script: Script, status: int = 200, content: bytes = b"hello", **more: Any) -> Case:
    """The call succeeds, and nothing else is disturbed."""
    return Case(script, status=status, content=content, **more)


def stream_error(
    script: Script, message: str = "", error: type[BaseException] = RemoteProtocolError, **more: Any
) -> Case:
    """The call fails, and nothing else does (RFC 9113, section 5.4.2)."""
    return Case(script, error, message, **more)


def connection_error(
    script: Script, message: str = "", error: type[BaseException] = RemoteProtocolError, **more: Any
) -> Case:
    """All exchanges of the connection fail (RFC 9113, section 5.4.1), and the next request gets a new one."""
    return Case(script, error, message, others_end=True, **more)


def hello(session: FrameSession, number: int) -> None:
    """Send a good response."""
    session.head_of(number, [(":status", "200")])
    session.data(number, b"hello", ends=True)


def steps(*scripts: Script) -> Script:
    """Run scripts one after the other."""

    async def run(session: FrameSession, number: int) -> None:
        for script in scripts:
            result = script(session, number)
            if result is not None:
                await result

    return run


def then_hello(*scripts: Script) -> Script:
    """Run scripts, then send a good response."""
    return steps(*scripts, hello)


async def run_case(client: HttpClient, server: Http2Server, case: Case, engine: str) -> None:
    """Let a case happen, and check what has to follow. engine: of the client."""
    others_end = case.others_end or (case.ngh2_ends_connection and engine == "ngh2")

    async def answer(session: FrameSession, request: FrameRequest) -> None:
        if request is not first_called(server):  # it was sent again
            hello(session, request.stream)
            return
        result = case.script(session, request.stream)
        if result is not None:
            await result
        session.frame(FrameType.PING, 0, 0, MARK)

    server.answers["/called"] = answer
    server.answers_windows = case.windows
    async with nothing_left():
        async with asyncio.timeout(DEADLINE):
            assert (await client.get(server.url())).ok
            other = asyncio.create_task(client.get(server.url("/wait")))
            await server.until(requests=2)
            before = memory()
            error, response = await outcome(client.request(case.method, server.url("/called"), data=case.body))
            check_outcome(case, error, response)
            if case.error is ConnectionClosed:
                # the other request came when the connection was idle, and is sent again
                server.gate.set()
                assert (await other).text == "wait"
            elif others_end:
                other_error, _ = await outcome(other)
                assert other_error is not None, "the other stream went on"
                assert not isinstance(other_error, HttpTimeout)
            else:
                if case.connections in (None, 1):
                    await until_marked(server)  # the client has read all that the script has sent
                server.gate.set()
                assert (await other).text == "wait"
            server.answers_windows = True
            assert (await client.get(server.url())).text == "hello"
            if case.windows:
                assert (await client.post(server.url("/echo"), data=b"next")).text == "next"
            assert memory() - before < MAX_GROWTH
        expected = case.connections or (2 if others_end else 1)
        assert server.connections == expected
        stats = client.stats()
        assert (stats.in_use, stats.streams, stats.waiting) == (0, 0, 0)
        await client.close()
        for session in server.sessions:
            session.writer.transport.abort()  # it may have stopped to read
        await server.until_closed()


def first_called(server: Http2Server) -> FrameRequest:
    """The first request of the call."""
    return next(request for request in server.requests if request[":path"] == "/called")


async def until_marked(server: Http2Server) -> None:
    """Wait until the client has acknowledged the PING behind a script."""
    session = server.sessions[0]
    while not any(frame.kind == FrameType.PING and frame.payload == MARK for frame in session.frames):
        assert not session.is_over, "the client closed the connection"
        await asyncio.sleep(0.001)


async def outcome(call: Awaitable[Any]) -> tuple[BaseException | None, Any]:
    """Return what a call has raised, or its response."""
    try:
        return None, await call
    except Exception as error:  # noqa: BLE001  # compared with what has to be raised
        return error, None


def check_outcome(case: Case, error: BaseException | None, response: Any) -> None:
    if case.error is None:
        if error is not None:
            raise error
        assert (response.status_code, response.content) == (case.status, case.content)
        return
    assert error is not None, f"succeeded with {response.status_code}, {response.content[:50]!r}"
    assert type(error) is case.error, repr(error)
    assert re.search(case.message, str(error)), f"{case.message!r} is not in {str(error)!r}"
    assert str(error).isascii(), "bytes of the peer are not escaped"
    assert len(str(error)) < 500


def memory() -> int:
    """Bytes of this process in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Fail if a task, a socket or an exception that nobody has seen is left behind."""
    loop = asyncio.get_running_loop()
    complaints: list[Any] = []
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    tasks, before = asyncio.all_tasks(), sockets()
    yield
    async with asyncio.timeout(DEADLINE):
        while sockets() - before:  # noqa: ASYNC110  # transports close their sockets in the turns that follow
            await asyncio.sleep(0.001)
    assert not {task for task in asyncio.all_tasks() - tasks if not task.done()}
    gc.collect(0)
    assert not complaints


def sockets() -> set[str]:
    """The sockets that this process has open."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            found.add(os.readlink(f"/proc/self/fd/{number}"))
    return {name for name in found if name.startswith("socket:")}
