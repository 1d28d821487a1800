"""The request extension `trace`: a function of the user that is told how far a request is.

httpcore tells each step of a connection. Of these, the transports tell three: that the request is about to be sent, that the head
of its response is here, and that it has failed before.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

STARTED = "http11.send_request_headers.started"
FAILED = "http11.receive_response_headers.failed"


def started(library: Any, request: Any) -> tuple[str, dict[str, Any]]:
    """Return the event before a request is sent. It has the request in the class of httpcore, as functions expect it."""
    core = import_module(library.__name__.replace("httpx", "httpcore"))
    url = request.url
    converted = core.Request(
        method=request.method,
        url=core.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        extensions=request.extensions,
    )
    return STARTED, {"request": converted}


def complete(response: Any) -> tuple[str, dict[str, Any]]:
    """Return the event when the head of a response is here. response: of httpx."""
    version, fields = response.extensions["http_version"], response.headers.raw
    if version == b"HTTP/2":
        return "http2.receive_response_headers.complete", {"return_value": (response.status_code, fields)}
    head = version, response.status_code, response.extensions["reason_phrase"], fields
    return "http11.receive_response_headers.complete", {"return_value": head}


def failed(error: BaseException) -> tuple[str, dict[str, Any]]:
    """Return the event when a request has failed before the head of its response was here."""
    return FAILED, {"exception": error}
