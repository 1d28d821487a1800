"""Send a request whose body does not fit into one write: held bodies and streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from functools import partial
from weakref import ref

from ..errors import LocalProtocolError, ReadTimeout, WriteTimeout
from ..http1.connection import Connection
from ..messages.request_body import TURN_CHUNKS, Source
from .state import ExchangeState

ONE_WRITE = 128 * 1024  # bytes of a body that go out with their head in one write
_PIECE = 256 * 1024
_TURN = 512 * 1024  # bytes after which the loop gets a turn, however fast source and peer are: an answer may be there


async def send(response: ExchangeState, connection: Connection) -> None:
    """Send the head, then the body when the gate is open, as fast as the peer takes it; then wait for the final head.

    Raises: whatever the body's source raises; LocalProtocolError, when it is not as long as it said.
    """
    request = response.request
    connection.leave_fast_path(request.method, request.max_body, connection.data_listener, sending=True)
    connection.transport.write(request._encode_head())
    with (
        connection.keeping_unread_answer(),
        request._client.loop_resources.handler_section(),
    ):  # a source of the user's may take its time to end
        if request.gate is None or await passes(response, connection):
            response._arm_timeout(None)  # the peer may be silent while the body goes out
            await upload(response, connection, request.body or b"")
            response._arm_timeout(None, ReadTimeout, request.timeout.read)
        if not connection.head:
            await run_interims(response, connection)
            while not connection.head:
                await connection.wait()
                await run_interims(response, connection)


async def upload(response: ExchangeState, connection: Connection, body: bytes | Source) -> None:
    """Send a body until it is over, or a final head is here.

    A head of 300 and more, or a response that is whole, ends the sending: the peer has decided without the rest. With a
    success whose body is still to come the sending goes on beside it, in a task of its own, since the peer may be one that
    answers while it reads. That ends with the connection; what the source raises then ends the reading.

    Raises: see `send`.
    """
    task = response.request._client.loop_resources.start(stream(ref(response), connection, body))
    connection.cancel_sending = task.cancel

    def wake(task: asyncio.Task[None]) -> None:
        connection.wake()

    task.add_done_callback(wake)
    try:
        while not (task.done() or connection.head):
            await connection.wait()
        task.remove_done_callback(wake)
        if connection.cancel_sending is None:  # it was ended
            await asyncio.wait([task])
            if connection.error is not None:
                raise connection.error
        elif task.done():
            await task
        else:
            task.add_done_callback(partial(fail_reader, connection))
    except BaseException as error:
        connection.cancel_sending = None
        with suppress(RuntimeError):  # the loop is no more
            task.cancel()
            if not isinstance(error, GeneratorExit):
                await asyncio.wait([task])
        raise
    finally:
        if task.done() and not task.cancelled():
            task.exception()  # seen


def fail_reader(connection: Connection, task: asyncio.Task[None]) -> None:
    """The sending beside a response is over: what went wrong ends the response too."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        connection.cancel_sending = None
        connection.fail(error)


async def passes(response: ExchangeState, connection: Connection) -> bool:
    """Wait until the gate is opened (True), or closed, or until the final head is here."""
    gate = response.request.gate
    assert gate is not None
    timer = None
    if gate.seconds is not None:
        timer = connection.loop.call_later(gate.seconds, gate.open)
        response._arm_timeout(None)  # the peer may be silent: the gate opens by itself
    gate.notify_by(connection.wake)
    try:
        while not (gate.is_open or gate.is_closed or connection.head):
            if connection.interims:
                await run_interims(response, connection)
            else:
                await connection.wait()
    finally:
        gate.notify_by(None)
        if timer is not None:
            timer.cancel()
            response._arm_timeout(None, ReadTimeout, response.request.timeout.read)
    return gate.is_open and not connection.head


async def pieces(body: bytes) -> AsyncGenerator[bytes, None]:
    """A body that is here already, piece by piece."""
    for start in range(0, len(body), _PIECE):
        yield body[start : start + _PIECE]


async def stream(of: ref[ExchangeState], connection: Connection, body: bytes | Source) -> None:
    """Write a body piece by piece, until its end or that of the sending. of: the response, which may be forgotten.

    Raises: see `send`.
    """
    response = of()
    assert response is not None
    request, timings = response.request, response.timings
    del response
    length = request._stated_length() if isinstance(body, Source) else len(body)
    write = connection.transport.write
    report = None if request._call_handlers is None else request._call_handlers.on_upload
    is_tls = connection.transport.get_extra_info("sslcontext") is not None
    sent = chunk_count = turn = 0
    async with aclosing(body.chunks() if isinstance(body, Source) else pieces(body)) as chunks:
        async for chunk in chunks:
            if connection.cancel_sending is None:  # a source that takes no notice of its cancellation
                return
            sent += len(chunk)
            if length is None:
                write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            elif sent > length:
                raise LocalProtocolError(f"the body is longer than its Content-Length of {length} bytes")
            else:
                write(chunk)
            if connection.transport.is_closing():  # it failed: the peer is gone, and may have said why
                return
            if connection.drain_waiter is not None:
                watch(of, connection, request.timeout.write)
                await connection.drain()
                watch(of, connection, 0.0)
            if report is not None:
                report(sent, length)
            chunk_count += 1
            # what came is read before more is written: under TLS nothing can be read once a write has failed
            if is_tls or sent - turn >= _TURN or chunk_count % TURN_CHUNKS == 0:
                turn = sent
                await asyncio.sleep(0)
    if connection.cancel_sending is None:
        return
    if length is None:
        write(b"0\r\n\r\n")
    elif sent != length:
        raise LocalProtocolError(f"the body ended after {sent} of the {length} bytes that Content-Length announced")
    connection.sending = False
    if timings is not None:
        timings._mark("sent")


def watch(of: ref[ExchangeState], connection: Connection, seconds: float) -> None:
    """Limit the wait until the peer takes more; not beside a response, which has limits of its own."""
    response = of()
    if response is not None and not connection.head:
        response._arm_timeout(None, WriteTimeout, seconds)


async def run_interims(response: ExchangeState, connection: Connection) -> None:
    """Show the interim heads that came to those who asked for them."""
    interims, connection.interims = connection.interims, None
    for head in interims or ():
        response._show_interim(head)
        stage = response._dispatch_table.interim_stage_for(head.status, head.low)
        if stage is not None:
            await response._with_timeout(stage.run(response, interim=True))
        response._hide_interim(connection.head)
