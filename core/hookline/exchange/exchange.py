"""One exchange, from pre_request to post_request: the order of everything, in `exchange`.

The order of one exchange:

1. pre_request. Hooks change the request. One may answer with a response: then nothing is sent, and post_request follows.
2. A connection is taken, the request is sent, and the final head is awaited. Interim heads (1xx) come before it, and run
   on_headers for those hooks that want them. If a reused connection turns out to be dead, the request may be sent once more
   on a new one.
3. on_headers. Hooks see the final head. One may answer with what the caller gets instead: then post_request follows.
4. The body is received, and the connection goes back to the pool. With `stream=True` the caller gets the response here
   instead; when it has read the last byte of the body, step 5 follows (`HttpResponse._finish_stream`).
5. post_request. Hooks see the whole response. One may answer with a request to send, or with another response.

An error in any step leads to `fail`, which closes the connection and runs post_request with the error, unless post_request
has begun already.

Steps 1, 3 and 5 repeat the loop that calls the functions of a `Stage`. It is not a function of its own, because every request
runs through it: eight calls cost 0.34 us this way, and 1.0 if each is awaited. The first result that is not None goes to
`Stage.continue_after`, which awaits it and calls the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

from ..errors import HttpRequestException, PluginError, ReadTimeout
from ..hooks.stage import Stage
from ..messages.fields import HeadersLike
from ..wire.carrier import Carrier
from .acquire import acquire, prepare_resend, still_open
from .failure import fail
from .interfaces import Client
from .request import HttpRequest
from .response import HttpResponse
from .state import FINISHED, HEAD, NEVER, NEW, SENT
from .upload import ONE_WRITE, send, wait_for_head

MAX_FOLLOW_UPS = 100  # in one call: a bound for plugins that would answer each other without end
# The responses to these may have a head that announces a body, and no body (RFC 9112, section 6.3).
NO_BODY_METHODS = frozenset({"HEAD", "CONNECT"})
NO_CALLS: Iterator[Any] = iter(())


async def exchange(
    request: HttpRequest | None,
    given: Carrier | None = None,
    client: Client | None = None,
    method: str = "",
    url: str = "",
    headers: HeadersLike = None,
    data: Any = None,
    keywords: dict[str, Any] | None = None,
    function: str = "",
) -> Any:
    """Send one request and read its response, with all events; the module's docstring lists the steps.

    Plugins give `request`, which was made before. Its follow-ups are left to them: this may return the HttpRequest that a
    hook answered post_request with. Otherwise it returns an HttpResponse, or the object that a hook answered on_headers
    with.
    The methods of a client give `client` and what follows it instead, and request=None: the request is made when the call
    is awaited, and its follow-ups are sent before this returns. (A second coroutine for that would cost each call 0.4 us.)

    given: the connection to send the request on, which remains the caller's; None = one from the pool of its route.
    client: the client that is called. method, url, headers, data: as for `HttpClient.request`. keywords: the other keyword
    arguments of the call, which are taken out of the dict. function: the name of the client's method, for error messages.

    Raises: whatever went wrong, after post_request has run.
    """
    if request is None:
        request = client._make_request(method, url, headers, data, keywords, function)  # type: ignore[union-attr, arg-type]
        timeout = request.timeout
        if timeout._limits_response:
            if timeout.total:
                client._start_deadline(request)  # type: ignore[union-attr]
            else:
                request.deadline = NEVER  # as `_start_deadline` does, for a call less
    else:
        request._heed_own_options()  # the plugin that made it may have set some
    configuration = request.configuration
    response_type = configuration.response_type  # CPython does not specialise a call of an attribute that is no method
    response: HttpResponse = response_type(request)
    table = response._dispatch_table
    # For the error path: the stage that runs, what is left of its functions, and the one that is being called.
    stage: Stage | None = None
    calls = NO_CALLS
    call: Callable[..., Any] | None = None
    try:
        # 1. pre_request: hooks change the request (fields, route, a held body), or answer it with a response. If the
        # preconditions of all implementations say that they have nothing to do, there is no stage.
        stage = (
            (
                table.pre_request_when_skipping
                if request._skips_pre_request and (table.asked is None or not table.is_wanted(request))
                else table.pre_request
            )
            if response._on_fast_path
            else response._begin_event("pre_request")
        )
        if stage is not None:
            calls = iter(stage.calls)
            for call in calls:
                result = call(response)
                if result is not None:
                    call = None
                    answer = await response._with_timeout(stage.continue_after(response, result, calls))
                    if answer is not None:
                        return await send_follow_ups(await finish_early(response, answer), client is not None)
            call = None
            request._heed_own_options()  # hooks may have set some
            if request.timings and response._timings is None:
                response._begin_timings()
        # 2. A connection is taken, the request is sent, and the final head is awaited. On the fast path the head and the whole
        # body come with it. The loop runs a second time only if a reused connection closed without a byte of a response.
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
            if configuration.run_connected is not None:
                configuration.run_connected(request, connection)
            try:
                waiter = connection.begin(response)
                if not (request._on_fast_path and response._on_fast_path) or request.method in NO_BODY_METHODS:
                    response._leave_fast_path(connection, may_have_body=request.method not in NO_BODY_METHODS)
                elif request.deadline:
                    response._arm_limits()
                response._step = SENT
                response._sent_at = now
                body = request.body
                if request.gate is None and (body is None or (body.__class__ is bytes and len(body) <= ONE_WRITE)):
                    connection.send(request)
                    await waiter
                else:
                    await send(response, connection)
                if not connection.on_fast_path and (connection.interims or not connection.head):
                    await wait_for_head(response, connection)
                break
            except HttpRequestException as error:
                if given is not None or not prepare_resend(response, connection, error):
                    raise
                if error.was_processed is not False:
                    response.connection = await acquire(response, request._pool())
        if response._head is None:
            response._take_head_on_fast_path(connection)
        # 3. on_headers: hooks see the final head. They may add decoders, have the body buffered, detach the connection, or
        # answer with what the caller gets instead. Body bytes that have arrived already wait.
        stage = response._hooks_after_head.on_headers if response._on_fast_path else response._begin_event("on_headers")
        if stage is not None:
            calls = iter(stage.calls)
            for call in calls:
                result = call(response)
                if result is not None:
                    call = None
                    answer = await response._with_timeout(stage.continue_after(response, result, calls))
                    if answer is not None:
                        return await send_follow_ups(await finish_early(response, answer), client is not None)
            call = None
            if request.stream:
                connection.on_fast_path = False  # a hook has set it now
        # 4. The body is received. For a stream, _receive_body hands the response out, and the caller gets it now. On the
        # fast path the whole response came in one read, and there is nothing to wait for.
        if not connection.on_fast_path and not await response._receive_body(connection):
            return response
        if response._content_filter is not None and response._is_decoded_now(connection):
            response._load_content()  # before the connection goes back: one whose body cannot be decoded is closed
        if connection.complete:
            response._finish_body(connection)
        else:
            response._parts += connection.take_parts()  # the connection stays open for the rest
        # 5. post_request: hooks see the whole response, and may answer with a request to send instead. From here on `fail`
        # runs no hooks: if one of this stage raises, `handle_failure` runs the rest of them.
        stage = None
        response._step = FINISHED
        stage = (
            response._hooks_after_head.post_request if response._on_fast_path else response._begin_event("post_request")
        )
        if stage is not None:
            calls = iter(stage.calls)
            for call in calls:
                result = call(response)
                if result is not None:
                    call = None
                    answer = await response._with_timeout(stage.continue_after(response, result, calls))
                    if answer is not None:
                        return await send_follow_ups(prepare_answer(response, answer), client is not None)
            call = None
        return response if response._is_whole and response._content_filter is None else deliver(response)
    except BaseException as error:
        # Any step failed, or the call was cancelled. Hooks of post_request see the error, and may answer it with a request.
        if stage is not None and call is not None:  # a hook raised it: it is named, and the rest of post_request runs
            await stage.handle_failure(response, calls, error)
        answer = await fail(response, error)
        if answer is None:
            raise
        return await send_follow_ups(prepare_answer(response, answer), client is not None)


async def send_follow_ups(outcome: HttpRequest | HttpResponse, is_call: bool) -> Any:
    """Send the request that an exchange was answered with, and whatever that one is answered with, until a response comes.

    outcome: a response is returned, its body received if it was built and is still to be read. is_call: False for an exchange
    of a plugin, which gets the request itself.

    Raises: PluginError, after 100 follow-ups; what the reading of a built body raises.
    """
    if isinstance(outcome, HttpResponse) and outcome._has_unread_body:
        return await receive_built(outcome)
    follow_ups = 0
    while is_call and isinstance(outcome, HttpRequest):
        follow_ups += 1
        if follow_ups > MAX_FOLLOW_UPS:
            raise PluginError(
                f"more than {MAX_FOLLOW_UPS} follow-ups in one call, the last with cause {outcome.cause!r}"
                f" from {outcome.history[-1]._answered_by}; disable=[...] leaves that plugin out",
            )
        outcome = await exchange(outcome)
    return outcome


async def receive_built(response: HttpResponse) -> Any:
    """Receive the body of a response that a plugin has built, with the events that it fires: steps 3 to 5 of the exchange.

    Returns the response, or what a hook answered with.

    Raises: what went wrong, after post_request has run.
    """
    try:
        response._start_built_body()
        request, connection = response.request, response.connection
        assert connection is not None
        if request.deadline or request.timeout._has_parts:
            response._arm_timeout(ReadTimeout, request.timeout.read)
        if response._is_as_received:
            stage = response._begin_event("on_headers")
            answer = None if stage is None else await response._with_timeout(stage.run(response))
            if answer is not None:
                return await finish_early(response, answer)
        if not await response._receive_body(connection):
            return response
        if response._content_filter is not None and response._is_decoded_now(connection):
            response._load_content()
        if connection.complete:
            response._finish_body(connection)
        else:
            response._parts += connection.take_parts()
        if response._is_finished:  # post_request is not for it: it replaces a response that has had its own
            return deliver(response)
        response._mark_finished()
        stage = response._begin_event("post_request")
        answer = None if stage is None else await response._with_timeout(stage.run(response))
    except BaseException as error:
        answer = await fail(response, error)
        if answer is None:
            raise
    return deliver(response) if answer is None else prepare_answer(response, answer)


def take_over(response: HttpResponse, answer: HttpResponse) -> HttpResponse:
    """Let a response that a plugin has built have the rest of this exchange in place of its own response, and return it.

    Raises: PluginError, if it was built for another request, or answers another such response.
    """
    if answer.request is not response.request or response.is_built:
        raise PluginError(
            "a response that fires events is to be built for response.request, and cannot answer another that was built"
        )
    response._share_notes(answer)
    answer.answer, answer._timings, answer._phases_began = None, response._timings, response._phases_began
    answer._events, answer._waiters_of, response._successor = response._events, response._waiters_of, answer
    answer._step, answer._was_sent = HEAD, response.was_sent
    answer._sent_at = answer._head_at = monotonic()
    return answer


async def finish_early(response: HttpResponse, answer: Any) -> Any:
    """End an exchange whose pre_request or on_headers was answered: run post_request, and return the answer.

    The connection goes back to the pool if the body has arrived completely, and is closed otherwise, unless a hook detached
    it. After pre_request the answer stands for the response, which was never sent for: post_request gets it, and may answer
    it; after on_headers an answer of post_request is ignored. An answer that fires events goes on with the exchange, in
    place of the response.
    """
    stands_for_response = response._step == NEW
    response._discard_body()
    response._mark_finished()
    if isinstance(answer, HttpResponse) and answer._has_unread_body and (stands_for_response or answer._is_as_received):
        return await receive_built(take_over(response, answer))
    response._share_notes(answer, stands_for_response=stands_for_response)
    if stands_for_response:
        answer.answer = None
        response._hooks_after_head = response._dispatch_table.hooks_after(answer.status_code, answer.raw_head.lower())
    stage = response._begin_event("post_request")
    later = (
        None if stage is None else await response._with_timeout(stage.run(answer if stands_for_response else response))
    )
    return prepare_answer(answer, later, response.request) if later is not None and stands_for_response else answer


def prepare_answer(
    response: HttpResponse, answer: HttpRequest | HttpResponse, own_request: HttpRequest | None = None
) -> HttpRequest | HttpResponse:
    """Make an answer of post_request part of its call.

    A request gets the handlers, deadline, parent and configuration of the call, and the response in its history. A response
    gets the notes of the exchange.

    own_request: the request of this exchange, if `response` answered it and belongs to another one; None = its own.
    """
    response.drop_connection()
    if isinstance(answer, HttpRequest):
        request = own_request or response.request
        if answer is request or answer is response.request:
            answer = answer.copy()
        answer._history = [*request.history, response]
        answer.configuration = request.configuration
        answer._call_handlers, answer.deadline, answer.parent = request._call_handlers, request.deadline, request.parent
        if answer.cause == "call":
            answer.cause = "follow-up"
    else:
        response._share_notes(answer)
    return answer


def deliver(response: HttpResponse) -> HttpResponse:
    """Give the caller a response that was buffered: its body is decoded now, or the rest of it is left as a stream."""
    if response.connection is not None:
        response._hand_out()
        return response
    return response._load_content()
