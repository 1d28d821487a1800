"""Attempts: send a request again as urllib3's `Retry` says."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from urllib3.exceptions import ClosedPoolError, EmptyPoolError, HTTPError, MaxRetryError
from urllib3.util.retry import Retry

from .raw_response import RawResponse


def with_retries(
    retries: Retry, method: str, peer: Any, attempt: Callable[[], RawResponse], rewind: Callable[[], None]
) -> RawResponse:
    """Make attempts until one gets a response that is not to be sent for again, and return that.

    peer: a Peer, for the errors. attempt: sends the request once. rewind: makes the body ready for another attempt.

    Raises: MaxRetryError, or the exception of the attempt itself, as `Retry.increment` decides.
    """
    while True:
        try:
            raw = attempt()
        except (ClosedPoolError, EmptyPoolError):  # urllib3 does not try again either
            raise
        except HTTPError as error:
            retries = retries.increment(method, peer.path, error=error, _pool=peer, _stacktrace=sys.exc_info()[2])
            rewind()
            retries.sleep()
            continue
        if not retries.is_retry(method, raw.status, "retry-after" in raw.headers):
            raw.retries = retries
            return raw
        try:
            retries = retries.increment(method, peer.path, response=raw, _pool=peer)
        except MaxRetryError:
            if retries.raise_on_status:
                raw.drain_conn()
                raise
            return raw
        raw.drain_conn()
        rewind()
        retries.sleep(raw)
