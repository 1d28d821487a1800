"""Getting a connection and sending what does not fit into one write: held bodies and streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from .body import Source
from .errors import (
    ClientClosed,
    ConnectionClosed,
    ConnectTimeout,
    HttpRequestException,
    LocalProtocolError,
    PoolTimeout,
    ReadTimeout,
    WriteTimeout,
)

if TYPE_CHECKING:
    from .pool import Pool
    from .response import HttpResponse
    from .wire.connection import Connection


ONE_WRITE = 128 * 1024  # bytes of a body that go out with their head in one write
_PIECE = 256 * 1024
_TURN = 512 * 1024  # bytes after which the loop gets a turn, however fast source and peer are: an answer may be there
_TURN_CHUNKS = 64


async def acquire(response: HttpResponse, pool: Pool) -> Connection:
    """Open a connection, or wait in line for one.

    Raises: PoolTimeout, ConnectTimeout, HttpConnectionError.
    """
    timings = response.timings
    if timings is not None:
        timings.stand_in_line()
    closings = pool.closings
    while not pool.reserve():
        waiter = pool.wait()
        response.wait_for(waiter, PoolTimeout, response.request.timeout.pool)
        try:
            connection = await waiter
        except BaseException:
            pool.leave(waiter)
            raise
        finally:
            response.wait_for(None)
        if pool.closings != closings:  # what was given is of the time before
            if connection is None:
                pool.give_up()
            raise ClientClosed("the client was closed")
        if connection is None:
            break  # the right to open one
        if connection.alive and connection.keep_alive:
            return connection
        if connection.alive:  # it is closing since it was given
            pool.replace(connection)
            break
        if (idle := pool.take()) is not None:
            return idle
    try:
        if timings is not None:
            timings.mark("queued")
        request = response.request
        limit = request.timeout.connect
        if limit:
            limit += request.timeout.tls  # which has its own limit then
        connection = await response.timed(pool.opening(request.route.open(request.client)), ConnectTimeout, limit)
        if pool.closings != closings:  # in the moment in which it was ready
            connection.abort()
            raise ClientClosed("the client was closed")
    except BaseException:
        pool.give_up()
        raise
    if timings is not None:
        timings.mark("connect")  # more exactly by the connection, where its route says so
    connection.key = pool.key
    pool.add(connection)
    return connection


def lost_before_response(response: HttpResponse, connection: Connection, error: HttpRequestException) -> bool:
    """Was it an idle connection that died, so that the request may go out once more on a fresh one (RFC 9112, 9.3.1)?

    True once at most: others that are idle may be as dead, so `acquire` opens one for it.
    """
    if (
        response.is_repeated
        or not connection.reused
        or connection.read_anything
        or not isinstance(error, ConnectionClosed)
    ):
        return False
    if error is not connection.error:  # it came out of the body: from another exchange that the user's source made
        return False
    if not response.request.may_repeat or response.is_past_deadline():
        return False
    response.drop_connection()
    response.is_repeated = True
    return True


async def send(response: HttpResponse, connection: Connection) -> None:
    """Send the head, then the body when the gate is open, as fast as the peer takes it; then wait for the final head.

    A final head that comes before the body is sent ends the sending: the peer has decided without it.

    Raises: whatever the body's source raises; LocalProtocolError, when it is not as long as it said.
    """
    request = response.request
    connection.sending = connection.is_used = True
    connection.transport.write(request.encode_head())
    if request.gate is None or await passes(response, connection):
        response.wait_for(None)  # the peer may be silent while the body goes out
        connection.sending = not await response.timed(stream(response, connection, request.body or b""))
        response.wait_for(None, ReadTimeout, request.timeout.read)
        if response.timings is not None:
            response.timings.mark("sent")
    if not connection.head:
        await run_interims(response, connection)
        while not connection.head:
            await connection.wait()
            await run_interims(response, connection)


async def passes(response: HttpResponse, connection: Connection) -> bool:
    """Wait until the gate is opened (True), or closed, or until the final head is here."""
    gate = response.request.gate
    assert gate is not None
    timer = None
    if gate.seconds is not None:
        timer = connection.loop.call_later(gate.seconds, gate.open)
        response.wait_for(None)  # the peer may be silent: the gate opens by itself
    gate.watch(connection.wake)
    try:
        while not (gate.is_open or gate.is_closed or connection.head):
            if connection.interims:
                await run_interims(response, connection)
            else:
                await connection.wait()
    finally:
        gate.watch(None)
        if timer is not None:
            timer.cancel()
            response.wait_for(None, ReadTimeout, response.request.timeout.read)
    return gate.is_open and not connection.head


async def pieces(body: bytes) -> AsyncGenerator[bytes, None]:
    """A body that is here already, piece by piece."""
    for start in range(0, len(body), _PIECE):
        yield body[start : start + _PIECE]


async def stream(response: HttpResponse, connection: Connection, body: bytes | Source) -> bool:
    """Write a body piece by piece; False when the response was there first, even if the source gives nothing meanwhile.

    Raises: see `send`.
    """
    request = response.request
    length = request.stated_length() if isinstance(body, Source) else len(body)
    write = connection.transport.write
    report = None if request.call is None else request.call.on_upload
    is_tls = connection.transport.get_extra_info("sslcontext") is not None
    sent = chunk_count = turn = 0
    limit = asyncio.timeout(None)
    try:
        async with limit, aclosing(body.chunks() if isinstance(body, Source) else pieces(body)) as chunks:
            connection.interrupt = lambda: limit.reschedule(0)
            async for chunk in chunks:
                if connection.error is not None or connection.head:
                    break
                sent += len(chunk)
                if length is None:
                    write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                elif sent > length:
                    raise LocalProtocolError(f"the body is longer than its Content-Length of {length} bytes")
                else:
                    write(chunk)
                if connection.transport.is_closing():  # it failed: the peer is gone, and may have said why
                    await connection.wait()
                    break
                if connection.can_write is not None:
                    response.wait_for(None, WriteTimeout, request.timeout.write)
                    await connection.drain()
                    response.wait_for(None)
                if report is not None:
                    report(sent, length)
                chunk_count += 1
                # what came is read before more is written: under TLS nothing can be read once a write has failed
                if is_tls or sent - turn >= _TURN or chunk_count % _TURN_CHUNKS == 0:
                    turn = sent
                    await asyncio.sleep(0)
    except TimeoutError:
        if not limit.expired():
            raise
    finally:
        connection.interrupt = None
    if connection.error is not None:
        raise connection.error
    if connection.head:
        return False
    if length is None:
        write(b"0\r\n\r\n")
    elif sent != length:
        raise LocalProtocolError(f"the body ended after {sent} of the {length} bytes that Content-Length announced")
    return True


async def run_interims(response: HttpResponse, connection: Connection) -> None:
    """Show the interim heads that came to those who asked for them."""
    interims, connection.interims = connection.interims, None
    for line, head in interims or ():
        response.show_interim(line, head)
        stage = response.plan.interim_for(line.status, head.lower())
        if stage is not None:
            await response.timed(stage.run(response, interim=True))
        response.hide_interim(connection.head)
