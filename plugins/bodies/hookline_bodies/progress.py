"""The progress of the bodies of a call: `on_upload` and `on_download`.

Both are called as f(done, total): the bytes of the body so far, and those of the whole body, None if its length is unknown.
They count bytes on the connection, so a compressed body counts with its compressed size. What they raise ends the exchange,
and reaches the caller.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable
from typing import Any

from hookline import HttpResponse

ProgressCallback = Callable[[int, int | None], object]


def as_plain_function(name: str, value: Any) -> ProgressCallback:
    """Check a progress callback. name: of the option.

    Raises: TypeError, for what is no plain function.
    """
    calls = (value, getattr(type(value), "__call__", None))  # noqa: B004  # to inspect the method
    if not callable(value) or any(inspect.iscoroutinefunction(f) or inspect.isasyncgenfunction(f) for f in calls):
        raise TypeError(f"{name}= takes a plain function f(done, total), not {value!r}")
    return value  # type: ignore[no-any-return]  # its parameters show when it is called


def upload_wrapper(
    report: ProgressCallback,
) -> Callable[[AsyncGenerator[bytes, None], int | None], AsyncGenerator[bytes, None]]:
    """Make what `response.wrap_upload` takes: it reports each chunk of the request's body when it was sent."""

    async def on_upload(chunks: AsyncGenerator[bytes, None], total: int | None) -> AsyncGenerator[bytes, None]:
        done = 0
        async for chunk in chunks:
            yield chunk
            done += len(chunk)
            report(done, total)

    return on_upload


def download_handler(report: ProgressCallback) -> Callable[..., None]:
    """Make a handler of data_processed that reports how much of the body has arrived.

    The bodies of responses that the caller does not get (`buffer` was called) are not reported.
    """

    def on_download(response: HttpResponse, data: bytes = b"") -> None:
        connection = response.connection
        if connection is None or response.is_buffered or connection.upgraded or not has_body(response):
            return
        headers = response.headers
        total = None
        if "transfer-encoding" not in headers and "content-length" in headers:
            total = int(headers["content-length"])
        report(connection.received_size if total is None else total - connection.bytes_remaining, total)

    on_download.__qualname__ = "on_download"
    return on_download


def has_body(response: HttpResponse) -> bool:
    """Say whether a response with this head may have a body (RFC 9112, section 6.3)."""
    return response.request.method != "HEAD" and response.status_code not in (204, 304)
