"""The heads of requests and responses: from httpx to Hookline, and back."""

from __future__ import annotations

from typing import Any

from hookline import HttpResponse, Timeout

Fields = list[tuple[bytes, bytes]]

# What is spoken for a scheme: a websocket of httpx2 begins as a request, and goes on over the network stream of its 101.
SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
MAX_TIMEOUTS = 64  # different timeouts that are remembered; programs have few
AT_ONCE = 1e-9  # seconds: 0 means no limit to Hookline, and no time at all to httpx

_timeouts: dict[tuple[Any, ...], Timeout] = {}


def timeout_of(parts: dict[str, float | None] | None) -> Timeout | None:
    """Return the timeouts of a request, part by part; None = it has none.

    parts: seconds by "connect", "read", "write" and "pool", None = no limit, as `extensions["timeout"]` has them.
    """
    if not parts:
        return None
    key = (parts.get("connect"), parts.get("read"), parts.get("write"), parts.get("pool"))
    found = _timeouts.get(key)
    if found is None:
        connect, read, write, pool = (AT_ONCE if part == 0 else part for part in key)
        if len(_timeouts) >= MAX_TIMEOUTS:
            _timeouts.clear()
        found = _timeouts[key] = Timeout(connect=connect, read=read, write=write, pool=pool)
    return found


def url_of(url: Any) -> tuple[str, str]:
    """Return a URL of httpx without userinfo and fragment, and its request target, as httpx would send it.

    Its scheme is one of `SCHEMES`.
    """
    target: str = url.raw_path.decode("ascii")
    return f"{SCHEMES[url.scheme]}://{url.netloc.decode('ascii')}{target}", target


def fields_of(response: HttpResponse[Any, Any]) -> Fields:
    """Return the fields of a response as pairs of bytes, in their order and spelling."""
    fields = []
    for line in response.raw_head.split(b"\r\n")[1:-2]:
        name, _, value = line.partition(b":")
        fields.append((name, value.strip(b" \t")))
    return fields


def extensions_of(response: HttpResponse[Any, Any], network_stream: Any) -> dict[str, Any]:
    """Return the extensions of a response. HTTP/2 has no reason phrase."""
    version = response.version
    if version == "HTTP/2":
        return {"http_version": b"HTTP/2", "network_stream": network_stream}
    return {
        "http_version": version.encode("ascii"),
        "reason_phrase": response.reason.encode("latin-1", "replace"),
        "network_stream": network_stream,
    }
