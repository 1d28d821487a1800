"""Take a connection for an exchange: an idle one, one that another exchange gives back, or a new one."""

from __future__ import annotations

from time import monotonic

from ..errors import ClientClosed, ConnectionClosed, ConnectTimeout, HttpRequestException, PoolTimeout
from ..http1.connection import Connection
from ..network.pool import Pool
from .state import ExchangeState


async def acquire(response: ExchangeState, pool: Pool) -> Connection:
    """Open a connection, or wait in line for one.

    Raises: PoolTimeout, ConnectTimeout, HttpConnectionError.
    """
    timings = response.timings
    if timings is not None:
        timings._begin_anew()
    closings = pool.close_count
    while not pool.reserve_slot():
        waiter = pool.join_queue()
        response._arm_timeout(waiter, PoolTimeout, response.request.timeout.pool)
        try:
            connection = await waiter
        except BaseException:
            pool.leave_queue(waiter)
            raise
        finally:
            response._arm_timeout(None)
        if pool.close_count != closings:  # what was given is of the time before
            if connection is None:
                pool.free_slot()
            raise ClientClosed("the client was closed")
        if connection is None:
            break  # the right to open one
        if connection.alive and connection.keep_alive and not pool.is_stale(connection, monotonic()):
            return connection
        if connection.alive:  # it is closing since it was given
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
            limit += request.timeout.tls  # which has its own limit then
        connection = await response._with_timeout(
            pool.await_opening(request.route.open(request._client)), ConnectTimeout, limit
        )
        if pool.close_count != closings:  # in the moment in which it was ready
            connection.abort()
            raise ClientClosed("the client was closed")
    except BaseException:
        pool.free_slot()
        raise
    if timings is not None:
        timings._mark("connect")  # more exactly by the connection, where its route says so
    connection.key = pool.key
    pool.add(connection)
    return connection


def still_open(response: ExchangeState, pool: Pool, now: float) -> Connection | None:
    """The connection that a response has taken before (see `connect`); None where it has died since, without a request."""
    connection = response.connection
    if connection is not None and (not connection.alive or (connection.reused and pool.is_stale(connection, now))):
        response.drop_connection()
    return response.connection


def lost_before_response(response: ExchangeState, connection: Connection, error: HttpRequestException) -> bool:
    """Was it an idle connection that died, so that the request may go out once more on a fresh one (RFC 9112, 9.3.1)?

    True once at most: others that are idle may be as dead, so `acquire` opens one for it.
    """
    if response._is_repeated or not connection.reused or connection.has_read or not isinstance(error, ConnectionClosed):
        return False
    if error is not connection.error:  # it came out of the body: from another exchange that the user's source made
        return False
    if not response.request._can_be_repeated or response._is_past_deadline():
        return False
    response.drop_connection()
    response._is_repeated = True
    return True
