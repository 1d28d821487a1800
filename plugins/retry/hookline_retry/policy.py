"""Which failures are retried, how often, and after what time."""

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

STATUSES = frozenset({429, 502, 503, 504})  # temporary conditions, not faults of the request (RFC 9110, RFC 6585)
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})  # idempotent: RFC 9110, section 9.2.2
ERRORS = (HttpConnectionError, ConnectTimeout, ReadTimeout)
# Subclasses of HttpConnectionError that are retried only if `errors` names them: a certificate is not trusted the next time
# either, a proxy that refuses has answered, and a client that was closed stays closed.
NAMED_ONLY = (SSLError, HttpProxyError, ClientClosed)
# No connection was made, so nothing was sent, and requests of all methods can be repeated (RFC 9110, section 9.2.2).
NOT_CONNECTED = (ConnectionRefused, DNSError, ConnectTimeout)
MAX_RETRIES = 99  # core ends a call at 100 follow-ups


@dataclass(frozen=True)
class Retry:
    """How the requests of a client, or one of them, are retried.

    retries: how many in one call at most, also if redirects or challenges come between them.
    statuses: from 400 to 599. methods: None = all.
    errors: classes. SSLError, HttpProxyError and ClientClosed, or a subclass of theirs, are retried only if named.
    backoff: the wait before retry n, counted from 0, is a random time from 0 to `backoff * 2**n` seconds.
    max_wait: seconds; no wait is longer. If Retry-After asks for more, the caller gets the response at once.
    budget: None = the budget of the client.

    Raises: TypeError, ValueError.

    Example: docs/quickstart.md#retries
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
        if not 0 <= self.retries <= MAX_RETRIES:
            raise ValueError(f"retries= takes 0 to {MAX_RETRIES}, not {self.retries}")
        for name in ("backoff", "max_wait"):
            seconds = getattr(self, name)
            if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
                raise TypeError(f"{name}= takes seconds, not {type(seconds).__name__}")
            if not 0 <= seconds < math.inf:
                raise ValueError(f"{name}= takes a finite number of seconds from 0 up, not {seconds}")
        object.__setattr__(self, "statuses", as_statuses(self.statuses))
        object.__setattr__(self, "methods", as_methods(self.methods))
        object.__setattr__(self, "errors", as_errors(self.errors))
        if self.budget is not None and not isinstance(self.budget, RetryBudget):
            raise TypeError(f"budget= takes a RetryBudget, not {type(self.budget).__name__}")


def as_statuses(statuses: Iterable[int]) -> frozenset[int]:
    """Return statuses as a frozenset.

    Raises: ValueError, for one that is not from 400 to 599; TypeError, for a value that is not iterable.
    """
    found = frozenset(statuses)
    wrong = [status for status in found if status not in range(400, 600)]
    if wrong:
        raise ValueError(f"statuses= takes statuses of errors, 400 to 599, not {wrong[0]!r}")
    return found


def as_methods(methods: Iterable[str] | None) -> frozenset[str] | None:
    """Return methods as a frozenset in upper case; None = all.

    Raises: TypeError, also for a single str, whose letters would be taken for methods.
    """
    if methods is None:
        return None
    if isinstance(methods, str):
        raise TypeError(f"methods= takes several, as in {{{methods!r}}}, or None for all")
    return frozenset(method.upper() for method in methods)


def as_errors(errors: Any) -> tuple[type[HttpRequestException], ...]:
    """Return one class or several as a tuple.

    Raises: TypeError, for anything but subclasses of HttpRequestException.
    """
    found = (errors,) if isinstance(errors, type) else tuple(errors)
    for error in found:
        if not (isinstance(error, type) and issubclass(error, HttpRequestException)):
            raise TypeError(f"errors= takes classes of HttpRequestException, not {error!r}")
    return found


def as_retry(value: Any) -> Retry | None:
    """Convert the value of `retry=`: a Retry or a number of retries; True = the default number. None = no retries.

    value: False, None, 0 and a Retry with 0 retries give None.

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


def count_retries(request: HttpRequest) -> int:
    """Return how many retries a call has had, up to and including this request."""
    return sum(each.cause == "retry" for each in (*(earlier.request for earlier in request.history), request))


def is_retryable(policy: Retry, request: HttpRequest, exc: BaseException | None, status: int) -> bool:
    """Say whether the policy retries this failure of this request.

    An error of another exchange, which a handler began and let pass through, is not retried: it does not say what was sent
    of this request.

    exc: None = there is a response, with this status.
    """
    if exc is None:
        if status not in frozenset(policy.statuses):
            return False
    elif (
        not isinstance(exc, HttpRequestException)
        or exc.request is not request
        or exc.is_permanent
        or not matches_errors(exc, policy.errors)
    ):
        return False
    if not isinstance(exc, NOT_CONNECTED) and policy.methods is not None and request.method not in policy.methods:
        return False
    return request.can_be_sent and count_retries(request) < policy.retries


def matches_errors(exc: BaseException, errors: Any) -> bool:
    """Say whether `errors` has the class of `exc`, or a base class of it before any of those that must be named."""
    for kind in type(exc).__mro__:
        if kind in errors:
            return True
        if kind in NAMED_ONLY:
            return False
    return False
