"""The plugin: what failed for a moment is sent again after a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Any

from hookline import HttpRequest, HttpResponse, Option, hookimpl

from .budget import RetryBudget
from .policy import Retry, as_retry, may_go_again, retries_of
from .waiting import backoff, retry_after


class Retries:
    """See the module. One object belongs to one client, and so does its budget.

    On post_request it runs last: a redirect, or credentials, may be the better answer, and then it keeps quiet.
    """

    name = "retry"

    def __init__(self) -> None:
        self.budget = RetryBudget()

    @hookimpl
    def declare(self) -> list[Option]:
        return [
            Option("retry", Retry(), convert=as_retry, doc="how many retries, or a Retry; False or 0 = none"),
        ]

    @hookimpl(statuses=range(400, 600))
    def on_headers(self, response: HttpResponse) -> None:
        request: Any = response.request
        policy = as_retry(request.retry)
        if policy is not None and may_go_again(policy, request, None, response.status_code):
            response.buffer()

    @hookimpl(trylast=True)
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> Awaitable[HttpRequest] | None:
        request: Any = response.request
        policy: Retry | None = request.retry
        if policy.__class__ is not Retry and (policy := as_retry(policy)) is None:
            return None
        assert policy is not None
        budget = policy.budget or self.budget
        now = time.monotonic()
        if request.cause != "retry":
            budget.deposit(now)
        if exc is None and response.status_code < 400:
            return None
        if response.was_handed_out or response.answer is not None:
            return None  # no answer would be taken, or there is one
        if not may_go_again(policy, request, exc, response.status_code):
            return None
        wait = wait_before(policy, response, exc)
        if wait is None or not budget.withdraw(now):
            return None
        return again(response, wait)


def wait_before(policy: Retry, response: HttpResponse, exc: BaseException | None) -> float | None:
    """Seconds to wait before the next retry; None where that is too long, or past the deadline of the call."""
    request = response.request
    wait = backoff(policy.backoff, retries_of(request), policy.max_wait)
    if exc is None and response.has("retry-after"):
        fields = response.headers
        asked = retry_after(fields.getall("retry-after", []), fields.get("date"), time.time())
        if asked > policy.max_wait:
            return None
        wait = max(wait, asked)
    if request.deadline and asyncio.get_running_loop().time() + wait >= request.deadline:
        return None
    return wait


async def again(response: HttpResponse, wait: float) -> HttpRequest:
    """Wait, and give the request once more. A stream of which a part was drained gives up its connection first."""
    response.drop_connection()
    await response.request.client.pause(wait)
    return response.request.copy(cause="retry")
