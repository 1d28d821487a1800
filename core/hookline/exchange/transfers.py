"""Telling a caller how far the bodies of a call are: `on_upload` and `on_download`.

Both are called as f(done, total): bytes of the body so far, and of all of it, None where nobody knows. They count what is on
the wire, content codings included. What they raise ends the exchange, and reaches the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..hooks.handlers import is_coroutine_function

TRANSFERS = ("on_upload", "on_download")

ProgressCallback = Callable[[int, int | None], object]


def as_progress_callback(name: str, value: Any) -> ProgressCallback:
    """Raises: TypeError, for what is no plain function."""
    if not callable(value) or is_coroutine_function(value):
        raise TypeError(f"{name}= takes a plain function f(done, total), not {value!r}")
    return value  # type: ignore[no-any-return]  # what it takes shows when it is called


def download_handler(tell: ProgressCallback) -> Callable[..., None]:
    """A handler of data_processed that tells how much of the body has arrived. Bodies that nobody gets are not counted."""

    def on_download(response: Any, data: bytes = b"") -> None:
        connection = response.connection
        if connection is None or response._is_buffered or connection.upgraded or not has_body(response):
            return
        headers = response.headers
        total = None
        if "transfer-encoding" not in headers and "content-length" in headers:
            total = int(headers["content-length"])
        tell(connection.received_size if total is None else total - connection.bytes_remaining, total)

    on_download.__qualname__ = "on_download"
    return on_download


def has_body(response: Any) -> bool:
    """May a body come with this head (RFC 9112, section 6.3)?"""
    return response.request.method != "HEAD" and response.status_code not in (204, 304)
