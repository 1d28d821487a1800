"""One exchange, from pre_request to post_request: the order of everything, in `exchange`.

The loops over plain calls stand here and not in a function, because each request runs through them: eight calls cost 0.34 us
so, and 1.0 when each is awaited. The first result that is not None goes to `Stage.resume`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

from ..errors import HttpRequestException, PluginError
from ..hooks.stage import Stage
from ..http1.connection import Connection
from ..messages.fields import HeadersLike
from .acquire import acquire, lost_before_response, still_open
from .failure import fail
from .interfaces import Client
from .request import HttpRequest
from .response import HttpResponse
from .state import FINISHED, SENT
from .upload import ONE_WRITE, run_interims, send

MAX_FOLLOW_UPS = 100
PECULIAR = frozenset({"HEAD", "CONNECT"})  # what a head says of the body is not so for these (RFC 9112, section 6.3)
NO_CALLS: Iterator[Any] = iter(())


def nobody(response: HttpResponse) -> None:
    """Who runs while no implementation does."""


async def exchange(
    request: HttpRequest | None,
    given: Connection | None = None,
    client: Client | None = None,
    method: str = "",
    url: str = "",
    headers: HeadersLike = None,
    data: Any = None,
    keywords: dict[str, Any] | None = None,
    function: str = "",
) -> Any:
    """Send one request and read its response, with all events; returns what the caller gets, or the request to send instead.

    given: send it on this connection, which stays with the caller.
    client and what follows: for the call of a user, in place of `request`: it is made when the call is awaited, and the
    requests that plugins answer it with are sent too. (A coroutine of its own for that would cost each call 0.4 us.)

    Raises: whatever went wrong, after post_request was told.
    """
    if request is None:
        request = client._make_request(method, url, headers, data, keywords, function)  # type: ignore[union-attr, arg-type]
    elif request.__dict__:
        request._on_fast_path = False  # whoever made it may have set its options
    profile = request._configuration
    response_type = profile.response_type  # a callable attribute, called as a method, is not specialised
    response: HttpResponse = response_type(request)
    plan = response._dispatch_table
    stage: Stage | None = None
    calls = NO_CALLS
    call: Callable[..., Any] = nobody
    try:
        # 1. pre_request: the plugins make the request ready, or answer it themselves
        stage = (
            (plan.pre_on_fast_path if request._skips_pre_request else plan.pre)
            if response._on_fast_path
            else response._stage("pre_request")
        )
        if stage is not None:
            calls = iter(stage.calls)
            for call in calls:
                result = call(response)
                if result is not None:
                    first, call = call, nobody
                    answer = await response._with_timeout(stage.continue_after(response, first, result, calls))
                    if answer is not None:
                        return await followed(await answered_early(response, answer), client is not None)
            call = nobody
            if request.__dict__:
                request._on_fast_path = False  # they may have set options
        # 2. a connection, and the request goes out; the final head comes back
        while True:
            now = monotonic()
            if given is not None:
                connection = given
            else:
                response._pool = pool = request._pool()
                connection = pool.take(now) if response.connection is None else still_open(response, pool, now)  # type: ignore[assignment]
                if connection is None:
                    connection = await acquire(response, pool)
                    now = monotonic()
            response.connection = connection
            try:
                waiter = connection.begin(response)
                if not (request._on_fast_path and response._on_fast_path) or request.method in PECULIAR:
                    response._leave_fast_path(connection)
                elif request.deadline:
                    response._arm_deadline()
                response._step = SENT
                response._sent_at = now
                body = request.body
                if request.gate is None and (body is None or (body.__class__ is bytes and len(body) <= ONE_WRITE)):
                    connection.transport.write(request.encode())
                    await waiter
                else:
                    await send(response, connection)
                if not connection.on_fast_path and (connection.interims or not connection.head):
                    await interims_first(response, connection)
                break
            except HttpRequestException as error:
                if given is not None or not lost_before_response(response, connection, error):
                    raise
                response.connection = await acquire(response, request._pool())
        if response._head is None:
            response._take_head_on_fast_path(connection)
        # 3. on_headers: the plugins see the final head
        stage = response._hooks_after_head.on_headers if response._on_fast_path else response._stage("on_headers")
        if stage is not None:
            calls = iter(stage.calls)
            for call in calls:
                result = call(response)
                if result is not None:
                    first, call = call, nobody
                    answer = await response._with_timeout(stage.continue_after(response, first, result, calls))
                    if answer is not None:
                        return await replaced(response, answer)
            call = nobody
        # 4. the body comes, unless the caller reads it
        if not connection.on_fast_path and not await response._receive_body(connection):
            return response
        if response._content_filter is not None and not response._is_buffered:
            response._decode()  # while it has the connection: one whose body cannot be decoded is closed
        if connection.complete:
            response._finish_body(connection)
        else:
            response._take_available_parts(connection)
        # 5. post_request: the plugins see the whole, and may send something else
        stage = None
        response._step = FINISHED
        stage = response._hooks_after_head.post_request if response._on_fast_path else response._stage("post_request")
        if stage is not None:
            calls = iter(stage.calls)
            for call in calls:
                result = call(response)
                if result is not None:
                    first, call = call, nobody
                    answer = await response._with_timeout(stage.continue_after(response, first, result, calls))
                    if answer is not None:
                        return await followed(follow_up(response, answer), client is not None)
            call = nobody
        return response if response._is_whole and response._content_filter is None else delivered(response)
    except BaseException as error:
        await caught(response, error, stage, call, calls)
        answer = await fail(response, error)
        if answer is None:
            raise
        return await followed(follow_up(response, answer), client is not None)


async def followed(outcome: HttpRequest | HttpResponse, is_call: bool) -> Any:
    """What an exchange gives that was answered: within a call, a request is sent, and whatever that is answered with.

    Raises: PluginError, past 100 follow-ups.
    """
    follow_ups = 0
    while is_call and isinstance(outcome, HttpRequest):
        follow_ups += 1
        if follow_ups > MAX_FOLLOW_UPS:
            raise PluginError(
                f"more than {MAX_FOLLOW_UPS} follow-ups in one call, the last with cause {outcome.cause!r}"
                f" from {outcome.history[-1].answered_by}; disable=[...] leaves that plugin out",
            )
        outcome = await exchange(outcome)
    return outcome


async def caught(
    response: HttpResponse, error: BaseException, stage: Stage | None, call: Callable[..., Any], rest: Iterator[Any]
) -> None:
    """Where an implementation raised: say whose it is, and let the wrappers around it see the error."""
    if stage is not None and call is not nobody:
        await stage.handle_failure(response, rest, error)


async def interims_first(response: HttpResponse, connection: Connection) -> None:
    """Show the interim heads, in their order, before the final one."""
    await run_interims(response, connection)
    while not connection.head:
        await connection.wait()
        await run_interims(response, connection)


async def answered_early(response: HttpResponse, answer: HttpResponse) -> HttpRequest | HttpResponse:
    """A plugin answered pre_request: no network, no other event but post_request, once, with the answer."""
    response._discard_body()  # where a plugin took the connection, nothing was sent on it
    response._mark_finished()
    answer.answer = None
    response._share_notes(answer)
    response._hooks_after_head = response._dispatch_table.hooks_after(answer.status_code, answer.raw_head.lower())
    stage = response._stage("post_request")
    followed = None if stage is None else await response._with_timeout(stage.run(answer))
    return answer if followed is None else follow_up(answer, followed, response.request)


async def replaced(response: HttpResponse, answer: Any) -> Any:
    """A plugin answered on_headers: return its answer. The connection goes back to the pool or is closed, unless a plugin
    detached it."""
    response._discard_body()
    response._mark_finished()
    response._share_notes(answer)
    stage = response._stage("post_request")
    if stage is not None:
        await response._with_timeout(stage.run(response))
    return answer


def follow_up(
    response: HttpResponse, answer: HttpRequest | HttpResponse, asked: HttpRequest | None = None
) -> HttpRequest | HttpResponse:
    """Take an answer of post_request: what belongs to the call goes with it, and the response into its history.

    asked: the request of this exchange, where the response came from another one.
    """
    response.drop_connection()
    if isinstance(answer, HttpRequest):
        request = asked or response.request
        if answer is request or answer is response.request:
            answer = answer.copy()
        answer._follow_history([*request.history, response])
        answer._configuration = request._configuration
        answer._call_handlers, answer.deadline, answer.parent = request._call_handlers, request.deadline, request.parent
        if answer.cause == "call":
            answer.cause = "follow-up"
    else:
        response._share_notes(answer)
    return answer


def delivered(response: HttpResponse) -> HttpResponse:
    """Hand over a body that was buffered: its codings are undone now, or the rest of it is a stream."""
    if response.connection is not None:
        response._hand_out()
        return response
    return response._decode()
