"""Send a request whose body does not fit into one write: large bodies, streams, and bodies that a plugin holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, suppress
from functools import partial
from weakref import ref

from ..errors import LocalProtocolError, ReadTimeout, WriteTimeout
from ..messages.body_gate import Gate
from ..messages.request_body import CHUNKS_PER_TURN, Source
from ..wire.carrier import Carrier
from .state import ExchangeState

ONE_WRITE = 128 * 1024  # bytes: a body of no more than this is sent in one write with its head
_PIECE = 256 * 1024  # bytes of a larger one that are written at once
# Bytes after which the loop gets a turn, however fast source and peer are: a response may have arrived.
_TURN = 512 * 1024


async def send(response: ExchangeState, connection: Carrier) -> None:
    """Send the head, then the body once its gate is open, as fast as the peer accepts it; then wait for the final head.

    Raises: what the body's source raises; LocalProtocolError, for a body that has not the length that its head states.
    """
    request = response.request
    connection.leave_fast_path(request.method, request.max_body, connection.data_listener, sending=True)
    connection.send_head(request)
    with (
        connection.keeping_unread_answer(),
        request.configuration.client.loop_resources.handler_section(),  # `close` of the client waits until the source has ended
    ):
        if request.gate is None or await wait_for_gate(response, connection, request.gate):
            response._arm_timeout()  # the peer may be silent while the body is sent
            await upload(response, connection, request.body or b"")
            response._arm_timeout(ReadTimeout, request.timeout.read)
        await wait_for_head(response, connection)


async def upload(response: ExchangeState, connection: Carrier, body: bytes | Source) -> None:
    """Send a body, and return when it is sent or a final head has arrived.

    A task of its own sends it. A head with a status of 300 or more, or a response that has arrived completely, ends the
    sending: the peer needs no more of the body. With another response the task goes on while the response is received, because
    the peer may respond while it reads; the end of the exchange ends it, and what the source raises ends the exchange.

    Raises: as `send`.
    """
    task = response.request.configuration.client.loop_resources.start(write_body(ref(response), connection, body))
    connection.cancel_sending = task.cancel

    def wake(task: asyncio.Task[None]) -> None:
        connection.wake()

    task.add_done_callback(wake)
    try:
        while not (task.done() or connection.head):
            await connection.wait()
        task.remove_done_callback(wake)
        if connection.cancel_sending is None:  # the response ended the sending
            await asyncio.wait([task])
            if connection.error is not None:
                raise connection.error
        elif task.done():
            await task
        else:
            task.add_done_callback(partial(fail_reader, connection))
    except BaseException as error:
        connection.cancel_sending = None
        with suppress(RuntimeError):  # the loop is closed
            task.cancel()
            if not isinstance(error, GeneratorExit):
                await asyncio.wait([task])
        raise
    finally:
        if task.done() and not task.cancelled():
            task.exception()  # retrieved, so that asyncio logs nothing


def fail_reader(connection: Carrier, task: asyncio.Task[None]) -> None:
    """End the exchange with the error of a task that has sent a body while the response was received, if it failed."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        connection.cancel_sending = None
        connection.fail(error)


async def wait_for_gate(response: ExchangeState, connection: Carrier, gate: Gate) -> bool:
    """Wait until a held body may be sent, and return True; False if its gate was closed or the final head has arrived."""
    timer = None
    if gate._opens_after is not None:
        timer = connection.loop.call_later(gate._opens_after, gate.open)
        response._arm_timeout()  # no read timeout: the peer may be silent, and the gate opens by itself
    gate._on_change = connection.wake
    try:
        await wait_for_head(response, connection, gate)
    finally:
        gate._on_change = lambda: None
        if timer is not None:
            timer.cancel()
            response._arm_timeout(ReadTimeout, response.request.timeout.read)
    return gate.is_open and not connection.head


async def slices_of(body: bytes) -> AsyncGenerator[bytes, None]:
    """Yield a body that is in memory piece by piece."""
    for start in range(0, len(body), _PIECE):
        yield body[start : start + _PIECE]


async def write_body(reference: ref[ExchangeState], connection: Carrier, body: bytes | Source) -> None:
    """Write a body piece by piece, until its end or until `connection.cancel_sending` is None.

    reference: to the response. It is weak, because the caller may forget a stream while its request is still being sent.

    Raises: as `send`.
    """
    response = reference()
    assert response is not None
    request, timings, wrappers = response.request, response.timings, response._upload_wrappers
    del response
    length = request._stated_length() if isinstance(body, Source) else len(body)
    is_encrypted, is_stream = connection.is_encrypted, connection.session is not None
    write_timeout = request.timeout.write  # without one, what `send` has armed goes on to count
    sent = chunk_count = turn = 0
    async with AsyncExitStack() as stack:
        chunks = body.chunks() if isinstance(body, Source) else slices_of(body)
        stack.push_async_callback(chunks.aclose)
        for wrap in wrappers:
            chunks = wrap(chunks, length)
            stack.push_async_callback(chunks.aclose)
        async for chunk in chunks:
            if connection.cancel_sending is None:  # for a source that ignores its cancellation
                return
            sent += len(chunk)
            if length is not None and sent > length:
                raise LocalProtocolError(f"the body is longer than its Content-Length of {length} bytes")
            connection.send_piece(chunk)
            # A write has failed: the peer is gone, and may have sent a response that says why.
            if connection.is_closing:
                return
            chunk_count += 1
            if connection.drain_waiter is not None:
                if write_timeout:
                    arm_write_timeout(reference, connection, write_timeout)
                await connection.drain()
                if write_timeout:
                    arm_write_timeout(reference, connection, 0.0)
                turn = sent  # the loop has had its turn: 0.96 of the CPU
                if is_stream:
                    continue  # its connection writes, and has read before
            # Read what has arrived before more is written: under TLS nothing can be read once a write has failed.
            if is_encrypted or sent - turn >= _TURN or chunk_count % CHUNKS_PER_TURN == 0:
                turn = sent
                await asyncio.sleep(0)
    if connection.cancel_sending is None:
        return
    if length is not None and sent != length:
        raise LocalProtocolError(f"the body ended after {sent} of the {length} bytes that Content-Length announced")
    connection.end_body()
    connection.sending = False
    if timings is not None:
        timings._mark("sent")


def arm_write_timeout(reference: ref[ExchangeState], connection: Carrier, seconds: float) -> None:
    """Limit the wait until the peer accepts more of the body; 0 = no limit. Once a head is here, its timeouts count instead."""
    response = reference()
    if response is not None and not connection.head:
        response._arm_timeout(WriteTimeout, seconds)


async def wait_for_head(response: ExchangeState, connection: Carrier, gate: Gate | None = None) -> None:
    """Run on_headers for the interim heads, in their order, until the final head has arrived, or a gate is opened or closed."""
    await run_interim_hooks(response, connection)
    while not (connection.head or (gate is not None and (gate.is_open or gate.is_closed))):
        await connection.wait()
        await run_interim_hooks(response, connection)


async def run_interim_hooks(response: ExchangeState, connection: Carrier) -> None:
    """Run on_headers for the interim heads that have arrived, for those hooks that have the parameter `interim`."""
    interims, connection.interims = connection.interims, []
    for head in interims:
        response._show_interim(head)
        stage = response._dispatch_table.interim_stage_for(head.status, head.low)
        if stage is not None:
            await response._with_timeout(stage.run(response, interim=True))
        response._hide_interim(connection.head)
