"""What is sent again, how often, and how long after."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hookline import (
    ClientClosed,
    ConnectionRefused,
    ConnectTimeout,
    DNSError,
    HttpConnectionError,
    HttpProxyError,
    HttpRequest,
    HttpRequestException,
    ReadTimeout,
    SSLError,
)

from .budget import RetryBudget

STATUSES = frozenset({429, 502, 503, 504})  # they speak of the moment, not of the request (RFC 9110, RFC 6585)
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})  # idempotent: RFC 9110, section 9.2.2
ERRORS = (HttpConnectionError, ConnectTimeout, ReadTimeout)
# A certificate is not trusted the next time either, a proxy that refuses has answered, and a client that was closed stays so:
# they are taken only where they are named.
NAMED_ONLY = (SSLError, HttpProxyError, ClientClosed)
# No connection came about, so nothing was sent, and any method can go out again (RFC 9110, section 9.2.2).
NOTHING_SENT = (ConnectionRefused, DNSError, ConnectTimeout)
MOST = 99  # core ends a call at 100 follow-ups


@dataclass(frozen=True)
class Retry:
    """How the requests of a client, or one of them, are retried.

    retries: in one call at most, redirects and the like included; the first attempt is none.
    statuses: of 400 to 599. methods: None = all. errors: classes; those of `NAMED_ONLY` are taken only where they, or a class of
    theirs, are named.
    backoff: before retry n (from 0) it waits a random time from 0 to `backoff * 2**n` seconds.
    max_wait: seconds; no wait is longer. A Retry-After that asks for more is not waited for: the response is handed out.
    budget: None = that of the client.

    Raises: TypeError, ValueError.
    """

    retries: int = 3
    statuses: Iterable[int] = STATUSES
    methods: Iterable[str] | None = METHODS
    errors: type[HttpRequestException] | Iterable[type[HttpRequestException]] = ERRORS
    backoff: float = 0.5
    max_wait: float = 60.0
    budget: RetryBudget | None = None

    def __post_init__(self) -> None:
        if isinstance(self.retries, bool) or not isinstance(self.retries, int):
            raise TypeError(f"retries= takes a number, not {type(self.retries).__name__}")
        if not 0 <= self.retries <= MOST:
            raise ValueError(f"retries= takes 0 to {MOST}, not {self.retries}")
        for name in ("backoff", "max_wait"):
            seconds = getattr(self, name)
            if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
                raise TypeError(f"{name}= takes seconds, not {type(seconds).__name__}")
            if not 0 <= seconds < math.inf:
                raise ValueError(f"{name}= takes a finite number of seconds from 0 up, not {seconds}")
        object.__setattr__(self, "statuses", checked_statuses(self.statuses))
        object.__setattr__(self, "methods", checked_methods(self.methods))
        object.__setattr__(self, "errors", checked_errors(self.errors))
        if self.budget is not None and not isinstance(self.budget, RetryBudget):
            raise TypeError(f"budget= takes a RetryBudget, not {type(self.budget).__name__}")


def checked_statuses(statuses: Iterable[int]) -> frozenset[int]:
    """Raises: ValueError; TypeError, for what is no iterable."""
    found = frozenset(statuses)
    wrong = [status for status in found if status not in range(400, 600)]
    if wrong:
        raise ValueError(f"statuses= takes statuses of errors, 400 to 599, not {wrong[0]!r}")
    return found


def checked_methods(methods: Iterable[str] | None) -> frozenset[str] | None:
    """Raises: TypeError, also for one str, whose letters would be taken for methods."""
    if methods is None:
        return None
    if isinstance(methods, str):
        raise TypeError(f"methods= takes several, as in {{{methods!r}}}, or None for all")
    return frozenset(method.upper() for method in methods)


def checked_errors(errors: Any) -> tuple[type[HttpRequestException], ...]:
    """Raises: TypeError."""
    found = (errors,) if isinstance(errors, type) else tuple(errors)
    for error in found:
        if not (isinstance(error, type) and issubclass(error, HttpRequestException)):
            raise TypeError(f"errors= takes classes of HttpRequestException, not {error!r}")
    return found


def as_retry(value: Any) -> Retry | None:
    """What a user gives as `retry=`: a Retry, or a number of retries; True = as many as by default; False, 0 = none.

    Raises: TypeError, ValueError.
    """
    if isinstance(value, Retry):
        return value if value.retries else None
    if value is None or value is False:
        return None
    if value is True:
        return Retry()
    if not isinstance(value, int):
        raise TypeError(f"retry= takes a number of retries, a Retry or False, not {type(value).__name__}")
    return Retry(value) if value else None


def retries_of(request: HttpRequest) -> int:
    """How many retries a call has had up to and including this request."""
    return sum(each.cause == "retry" for each in (*(earlier.request for earlier in request.history), request))


def may_go_again(policy: Retry, request: HttpRequest, exc: BaseException | None, status: int) -> bool:
    """Is this the kind of failure that is retried, for such a request? exc: None where there is a response.

    An error of another exchange, in which a handler got it, is the handler's to deal with; so it says nothing of what was sent.
    """
    if exc is None:
        if status not in frozenset(policy.statuses):
            return False
    elif getattr(exc, "request", None) is not request or not is_taken(exc, policy.errors):
        return False
    if not isinstance(exc, NOTHING_SENT) and policy.methods is not None and request.method not in policy.methods:
        return False
    return request.can_be_sent and retries_of(request) < policy.retries


def is_taken(exc: BaseException, errors: Any) -> bool:
    """Is it of one of these classes? The nearest class decides between those that are named and those that must be."""
    for kind in type(exc).__mro__:
        if kind in errors:
            return True
        if kind in NAMED_ONLY:
            return False
    return False
