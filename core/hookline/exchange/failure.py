"""The end of an exchange that failed: close its connection and run post_request, which may answer with a request."""

from __future__ import annotations

import asyncio
from typing import Any

from ..errors import HttpRequestException
from ..hooks.stage import SECONDS_AFTER_CANCELLATION, Stage, add_failure
from .state import ExchangeState


async def fail(response: ExchangeState, error: BaseException) -> Any:
    """Close the connection of an exchange that failed, and run post_request with the error, unless it has begun before.

    Returns the answer of post_request; None = there is none, or it must not be sent: the call was cancelled, its deadline has
    passed, or the caller has the response.

    Raises: CancelledError, if the call is cancelled while post_request runs.
    """
    if isinstance(error, HttpRequestException):
        if response.connection is not None:
            # drop_connection must not reuse it even if the body is complete, as of a stream that cannot be decoded
            response.connection.keep_alive = False
        if error.request is None:
            error.request = response.request
        if error.was_sent is None and error.request is response.request:
            error.was_sent = response.was_sent
        if error.response is None and response._has_head and error.request is response.request:
            error.response = response
    response.drop_connection()
    if response._is_finished:
        return None
    response._mark_finished()
    if response.timings is not None:
        response.timings._end(failed=True)
    stage = response._begin_event("post_request")
    if stage is None:
        return None
    if isinstance(error, GeneratorExit):
        stage.call_synchronously(response, error)
        return None
    cancelled = not isinstance(error, Exception)
    is_over = cancelled or response._is_past_deadline()
    with response.request.configuration.client.loop_resources.handler_section():
        answer = await run_post_request(stage, response, error, SECONDS_AFTER_CANCELLATION if is_over else None)
    is_ignored = cancelled or response.was_handed_out or response._is_past_deadline()
    return None if is_ignored else answer


async def run_post_request(stage: Stage, response: ExchangeState, error: BaseException, seconds: float | None) -> Any:
    """Run post_request for an error; what an implementation raises becomes a note of the error.

    seconds: what it may take; None = until the deadline of the call.
    """
    try:
        if seconds is not None:
            async with asyncio.timeout(seconds):
                return await stage.run(response, exc=error)
        return await response._with_timeout(stage.run(response, exc=error))
    except Exception as other:  # noqa: BLE001  # raised by an implementation: it becomes a note
        if other is not error:
            add_failure(error, other)
    except asyncio.CancelledError:
        if isinstance(error, Exception):
            raise
    return None
