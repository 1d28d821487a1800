"""Take a connection for an exchange: one that another exchange gives back, or a new one."""

from __future__ import annotations

from time import monotonic

from ..errors import ClientClosed, ConnectionClosed, ConnectTimeout, HttpRequestException, PoolTimeout
from ..http1.connection import Connection
from ..network.pool import Pool
from .state import ExchangeState


async def acquire(response: ExchangeState, pool: Pool) -> Connection:
    """Open a connection, or wait in the pool's queue for one. There is no idle one: the caller has asked the pool.

    A waiter of the queue gets a connection, or None, which is permission to open one.

    Raises: PoolTimeout, ConnectTimeout, HttpConnectionError; ClientClosed, if the client is closed meanwhile.
    """
    timings = response.timings
    if timings is not None:
        timings._begin_anew()
    closings = pool.close_count
    while not pool.reserve_slot():
        waiter = pool.join_queue()
        response._arm_timeout(PoolTimeout, response.request.timeout.pool, waiter)
        try:
            connection = await waiter
        except BaseException:
            pool.leave_queue(waiter)
            raise
        finally:
            response._arm_timeout()
        if pool.close_count != closings:  # the client was closed meanwhile
            if connection is None:
                pool.free_slot()
            raise ClientClosed("the client was closed")
        if connection is None:
            break  # permission to open one
        if connection.alive and connection.keep_alive and not pool.is_stale(connection, monotonic()):
            return connection
        if connection.alive:  # it began to close after it was given
            pool.reclaim_slot(connection)
            break
        if (idle := pool.take(monotonic())) is not None:
            return idle
    try:
        if timings is not None:
            timings._mark("queued")
        request = response.request
        limit = request.timeout.connect
        if limit:
            limit += request.timeout.tls  # the route limits the handshake itself
        connection = await response._with_timeout(
            pool.await_opening(request.route.open(request.configuration.client)), ConnectTimeout, limit
        )
        if pool.close_count != closings:  # the client was closed at the moment at which it was ready
            connection.abort()
            raise ClientClosed("the client was closed")
    except BaseException:
        pool.free_slot()
        raise
    if timings is not None:
        timings._mark("connect")  # `Timings._record_connection` replaces it by what the route has noted, if it has
    connection.key = pool.key
    pool.add(connection)
    return connection


def still_open(response: ExchangeState, pool: Pool, now: float) -> Connection | None:
    """Return the connection that a hook took early with `response.connect()`; None if it is dead by now, and was given up."""
    connection = response.connection
    if connection is not None and (not connection.alive or (connection.reused and pool.is_stale(connection, now))):
        response.drop_connection()
    return response.connection


def prepare_resend(response: ExchangeState, connection: Connection, error: HttpRequestException) -> bool:
    """Prepare to send a request once more, if its connection was idle before and closed without a response (RFC 9112, 9.3.1).

    Returns True if it may be sent again: then its connection is given up. At most once for each exchange: other idle
    connections may be dead as well, so the second time `acquire` opens a new one.
    """
    if response._is_repeated or not connection.reused or connection.has_read or not isinstance(error, ConnectionClosed):
        return False
    if error is not connection.error:  # it was raised by the body's source, which may send requests of its own
        return False
    if not response.request._can_be_repeated or response._is_past_deadline():
        return False
    response.drop_connection()
    response._is_repeated = True
    return True
