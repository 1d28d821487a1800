"""The plugin `retry`: send a request again after a failure that may not last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from hookline import ClientOption, HttpRequest, HttpResponse, Option, hookimpl

from .budget import RetryBudget
from .policy import Retry, as_retry, count_retries, is_retryable
from .retry_delay import backoff, retry_after

NOT_BEFORE = "not_before"  # the key of that instant in `response.notes`, as `time.monotonic` counts


class RetryRequest:
    """What this plugin adds to requests, for type checkers.

    retry: None = no retries. A handler may have set a value that is not converted yet, for example a number.

    Example::

        from hookline import HttpClient, HttpRequest, HttpResponse
        from hookline_retry import RetryRequest


        class Request(RetryRequest, HttpRequest): ...


        client: HttpClient[HttpResponse[Request]] = HttpClient(plugins=["retry"], retry=2)
        print(client.build_request("GET", "http://127.0.0.1:8000/").retry)
    """

    retry: Retry | None


class RetryClient:
    """What this plugin adds to clients, for type checkers.

    Example::

        from hookline import HttpClient
        from hookline_retry import RetryClient


        class Client(RetryClient, HttpClient): ...


        client = Client(plugins=["retry"], retry=2)
        print(client.retry)
    """

    retry: ClientOption[Retry | None, Retry | int | None]


if TYPE_CHECKING:

    class Request(RetryRequest, HttpRequest):
        """A request with what this plugin adds."""


class Retries:
    """Retry requests as their `retry=` says. One object belongs to one client, and so does its budget.

    It runs last on post_request: if another plugin answers, with a redirect or with credentials, there is no retry.

    Example::

        from hookline import HttpClient
        from hookline_retry import Retries

        client = HttpClient(autoload=False, plugins=[Retries()])
    """

    name = "retry"

    def __init__(self) -> None:
        self.budget = RetryBudget()

    @hookimpl
    def declare(self) -> list[Option]:
        return [
            Option(
                "retry",
                Retry(),
                convert=as_retry,
                doc="how many retries, or a Retry; False or 0 = none",
                expected="a number of retries, a Retry or False",
            ),
        ]

    @hookimpl(statuses=range(400, 600))
    def on_headers(self, response: HttpResponse[Request]) -> None:
        request = response.request
        policy = as_retry(request.retry)
        if policy is None or response.is_stored:
            return
        if is_retryable(policy, request, None, response.status_code):
            response.buffer()

    @hookimpl(trylast=True)
    def post_request(self, response: HttpResponse[Request], exc: BaseException | None) -> Awaitable[HttpRequest] | None:
        request = response.request
        policy = request.retry
        if policy.__class__ is not Retry and (policy := as_retry(policy)) is None:
            return None
        assert policy is not None
        budget = policy.budget or self.budget
        now = time.monotonic()
        if request.cause != "retry":
            budget.deposit(now)
        if exc is None and response.status_code < 400:
            return None
        if response.was_handed_out or response.answer is not None or response.is_stored:
            return None  # the caller has it already, another plugin has answered, or no server was asked
        if not is_retryable(policy, request, exc, response.status_code):
            return None
        delay = delay_before_retry(policy, response, exc)
        if delay is None or not budget.withdraw(now):
            return None
        return retry_later(response, delay)


def delay_before_retry(policy: Retry, response: HttpResponse, exc: BaseException | None) -> float | None:
    """Return the seconds to wait before the next retry; None if they exceed max_wait or the deadline of the call."""
    request = response.request
    delay = backoff(policy.backoff, count_retries(request), policy.max_wait)
    if exc is None and (response.has("retry-after") or NOT_BEFORE in response.notes):
        asked = seconds_asked_for(response)
        if asked > policy.max_wait:
            return None
        delay = max(delay, asked)
    if request.deadline and asyncio.get_running_loop().time() + delay >= request.deadline:
        return None
    return delay


def seconds_asked_for(response: HttpResponse) -> float:
    """Return the seconds from now for which the server wants no further request.

    If another plugin has noted the instant, it holds: the two must not wait one after the other.
    """
    not_before = response.notes.get(NOT_BEFORE)
    if isinstance(not_before, float):
        return max(not_before - time.monotonic(), 0.0)
    fields = response.headers
    return retry_after(fields.getall("retry-after", []), fields.get("date"), time.time())


async def retry_later(response: HttpResponse, delay: float) -> HttpRequest:
    """Wait, and return a copy of the request. Before, the connection is given up if the body was not read whole."""
    response.drop_connection()
    await response.request.client.pause(delay)
    return response.request.copy(cause="retry")
