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


def bind_download(response: HttpResponse, report: ProgressCallback, plugin: str) -> None:
    """Bind handlers to an exchange that report how much of its body has arrived. plugin: the name of this plugin.

    The bodies of responses that the caller does not get (`buffer` was called) are not reported. An empty body is reported once,
    at its end if no data event came with it.
    """
    was_told = False

    def on_download(response: HttpResponse, data: bytes = b"") -> None:
        nonlocal was_told
        connection = response.connection
        if connection is None or response.is_buffered or connection.upgraded or not has_body(response):
            return
        was_told = True
        total = stated_size(response)
        report(connection.received_size if total is None else total - connection.bytes_remaining, total)

    def on_end(response: HttpResponse, exc: BaseException | None) -> None:
        if exc is None and not (was_told or response.is_buffered) and has_body(response):
            report(0, stated_size(response))

    on_download.__qualname__ = on_end.__qualname__ = "on_download"
    response.event("data_processed").bind(on_download, plugin=plugin)
    response.event("post_request").bind(on_end, plugin=plugin)


def stated_size(response: HttpResponse) -> int | None:
    """Return the size of the body in bytes, if the head states it."""
    headers = response.headers
    if "transfer-encoding" in headers or "content-length" not in headers:
        return None
    return int(headers["content-length"])


def has_body(response: HttpResponse) -> bool:
    """Say whether a response with this head may have a body (RFC 9112, section 6.3)."""
    return response.request.method != "HEAD" and response.status_code not in (204, 304)
