"""Take a connection for an exchange: one that another exchange gives back, a stream of a shared one, or a new one."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from ..errors import ClientClosed, ConnectionClosed, ConnectTimeout, HttpRequestException, PoolTimeout
from ..network.pool import Pool
from ..wire.carrier import Carrier
from ..wire.opening import Opening, current
from .state import ExchangeState

if TYPE_CHECKING:
    from ..http1.connection import Connection
    from ..wire.multiplexed_connection import MultiplexedConnection

MAX_RESENDS = 10  # of one exchange, of requests that the peer says it has not processed


async def acquire(response: ExchangeState, pool: Pool) -> Carrier:
    """Open a connection, or wait in the pool's queue for one. There is no idle one: the caller has asked the pool.

    A waiter of the queue gets a connection or a stream, or None, which is permission to open a connection.

    Raises: PoolTimeout, ConnectTimeout, HttpConnectionError; ClientClosed, if the client is closed meanwhile.
    """
    timings = response.timings
    if timings is not None:
        timings._begin_anew()
    closings = pool.close_count
    shared: MultiplexedConnection | None = None  # the connection that this call has opened, and that had no room yet
    while True:
        if not pool.reserve_slot():
            connection = await wait_in_queue(response, pool, closings, is_first=shared is not None)
            if connection is not None:
                is_stream = connection.session is not None  # which belongs to this call alone, and has no slot
                if connection.alive and (
                    is_stream or (connection.keep_alive and not pool.is_stale(connection, monotonic()))
                ):
                    return connection
                if not connection.alive:
                    if (idle := pool.take(monotonic())) is not None:
                        return idle
                    continue
                pool.reclaim_slot(connection)  # it began to close after it was given
        try:
            if shared is not None and not shared.opened_streams:
                raise shared.error or ConnectionClosed("the server closed the connection before it took a request")
            if timings is not None:
                timings._mark("queued")
            opened = await open_connection(response, pool, closings)
            if timings is not None and timings.connect is None:
                timings._mark("connect")  # a route of a third party, which records no phases
        except BaseException:
            pool.free_slot()
            raise
        pool.add(opened)
        from ..wire.multiplexed_connection import MultiplexedConnection  # when the first connection is open

        if not isinstance(opened, MultiplexedConnection):
            return opened
        stream = pool.take_stream(monotonic(), is_first=True)
        if stream is not None:
            return stream
        shared = opened


async def wait_in_queue(response: ExchangeState, pool: Pool, closings: int, *, is_first: bool) -> Carrier | None:
    """Wait in the pool's queue. closings: how often the pool was closed when the call came. is_first: enter it in front.

    Returns what the waiter got: None is permission to open a connection.
    """
    waiter = pool.join_queue(is_first=is_first)
    timings, began = response.timings, monotonic()
    response._arm_timeout(PoolTimeout, response.request.timeout.pool, waiter)
    try:
        connection = await waiter
    except BaseException:
        pool.leave_queue(waiter)
        raise
    finally:
        response._arm_timeout()
        if timings is not None:
            failed = not waiter.done() or waiter.cancelled() or waiter.exception() is not None
            timings._record_phase("queue", began, monotonic(), failed)
    if pool.close_count != closings:  # the client was closed meanwhile
        pool.leave_queue(waiter)
        raise ClientClosed("the client was closed")
    return connection


async def open_connection(response: ExchangeState, pool: Pool, closings: int) -> Connection | MultiplexedConnection:
    """Open a connection for a pool, in a slot that was reserved. closings: as for `wait_in_queue`."""
    request = response.request
    route, client, hooks = request.route, request.configuration.client, request.configuration.connection_hooks
    if not pool.connections and route.may_share:
        pool.is_shared = True  # until the handshake is over, the others wait for it
    limit = request.timeout.connect
    if limit:
        limit += request.timeout.tls  # the route limits the handshake itself
    opening = Opening(request, response.timings, hooks)
    token = current.set(opening)
    try:
        connection = await response._with_timeout(
            client.loop_resources.until_closed(route.open(client)), ConnectTimeout, limit
        )
    finally:
        current.reset(token)
        opening.end()
    if pool.close_count != closings:  # the client was closed at the moment at which it was ready
        connection.abort()
        raise ClientClosed("the client was closed")
    connection.key = pool.key
    if hooks is not None:
        connection.on_disconnected = hooks.run_disconnected
    return connection


def still_open(response: ExchangeState, pool: Pool, now: float) -> Carrier | None:
    """Return the connection that a hook took early with `response.connect()`; None if it is dead by now, and was given up."""
    connection = response.connection
    if connection is not None and (not connection.alive or (connection.reused and pool.is_stale(connection, now))):
        response.drop_connection()
    return response.connection


def prepare_resend(response: ExchangeState, connection: Carrier, error: HttpRequestException) -> bool:
    """Prepare to send a request once more, because the peer has not processed it.

    That is so if the peer says it, and probably if the connection was idle before and closed without a response (RFC 9112,
    section 9.3.1). The latter counts for idempotent methods, and once for each exchange: other idle connections may be dead as
    well, so the second time `acquire` opens a new one.

    Returns True if it may be sent again: then its connection is given up.
    """
    if error is not connection.error:  # it was raised by the body's source, which may send requests of its own
        return False
    request = response.request
    if error.was_processed is False:
        may_repeat = request.can_be_sent and response._resends < MAX_RESENDS
    else:
        may_repeat = (
            connection.reused > 0
            and not (response._is_repeated or connection.has_read)
            and isinstance(error, ConnectionClosed)
            and request._can_be_repeated
        )
        response._is_repeated = may_repeat
    if not may_repeat or response._is_past_deadline():
        return False
    response.drop_connection()
    if error.required_protocol is not None:
        request._require_protocol(error.required_protocol)
    response._resends += 1
    response._end_phases(failed=True)
    if response.timings is not None:
        response.timings.resends += 1
    return True
