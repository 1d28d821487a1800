"""The end of an exchange that went wrong: its connection is closed, post_request is told, and may answer with a request."""

from __future__ import annotations

import asyncio
from typing import Any

from ..errors import HttpRequestException
from ..hooks.stage import SECONDS_AFTER_CANCELLATION, Stage, add_failure
from .state import ExchangeState


async def fail(response: ExchangeState, error: BaseException) -> Any:
    """Clean up behind an exchange, and tell post_request once. Returns its answer, None when there is none.

    Raises: CancelledError, when the handlers are cancelled in their turn.
    """
    if isinstance(error, HttpRequestException) and response.connection is not None:
        response.connection.keep_alive = False  # also with a whole body, as of a stream that cannot be decoded
    response.drop_connection()
    if isinstance(error, HttpRequestException):
        if error.request is None:
            error.request = response.request
        if error.response is None and response._has_head and error.request is response.request:
            error.response = response
    if response._is_finished:
        return None
    response._mark_finished()
    stage = response._stage("post_request")
    if stage is None:
        return None
    if isinstance(error, GeneratorExit):
        stage.call_synchronously(response, error)
        return None
    cancelled = not isinstance(error, Exception)
    over = cancelled or response._is_past_deadline()
    with response.request._client.loop_resources.handler_section():
        answer = await tell(stage, response, error, SECONDS_AFTER_CANCELLATION if over else None)
    refused = cancelled or response.was_handed_out or response._is_past_deadline()
    return None if refused else answer


async def tell(stage: Stage, response: ExchangeState, error: BaseException, seconds: float | None) -> Any:
    """Run post_request for an error. What a handler raises becomes a note of the error."""
    try:
        if seconds is not None:
            async with asyncio.timeout(seconds):
                return await stage.run(response, exc=error)
        return await response._with_timeout(stage.run(response, exc=error))
    except Exception as other:  # noqa: BLE001  # a handler's: it goes on to the caller, or into a note
        if other is not error:
            add_failure(error, other)
    except asyncio.CancelledError:
        if isinstance(error, Exception):
            raise
    return None
