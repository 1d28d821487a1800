"""Build the bytes of well-formed responses."""

from __future__ import annotations

import http
from collections.abc import Iterable, Mapping

Fields = Mapping[str, str] | Iterable[tuple[str, str]]


def response(body: bytes = b"", status: int = 200, headers: Fields = (), *, reason: str | None = None) -> bytes:
    """Return a response with its Content-Length; 1xx, 204 and 304 have neither length nor body.

    headers: a mapping, or pairs of a name and a value. reason: None = the registered one.

    Example::

        from hookline_testing.server import response

        print(response(b"hello", headers={"Content-Type": "text/plain"}))
    """
    without_body = status < 200 or status in (204, 304)
    length = [] if without_body else [("Content-Length", str(len(body)))]
    return head(status, [*length, *pairs(headers)], reason=reason) + (b"" if without_body else body)


def chunked(*chunks: bytes, status: int = 200, headers: Fields = (), trailers: Fields = ()) -> bytes:
    """Return a chunked response with one chunk for each of `chunks` that is not empty.

    headers, trailers: mappings, or pairs of a name and a value.

    Example::

        from hookline_testing.server import chunked

        print(chunked(b"one", b"two", trailers={"X-Count": "2"}))
    """
    parts = [head(status, [("Transfer-Encoding", "chunked"), *pairs(headers)])]
    parts += [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks if chunk]
    parts += [b"0\r\n", *(f"{name}: {value}\r\n".encode() for name, value in pairs(trailers)), b"\r\n"]
    return b"".join(parts)


def head(status: int, headers: Fields = (), *, reason: str | None = None) -> bytes:
    """Return the status line, the fields and the empty line.

    headers: a mapping, or pairs of a name and a value. reason: None = the registered one.

    Example::

        from hookline_testing.server import head

        print(head(200, {"Content-Length": "9"}) + b"cut")
    """
    if reason is None:
        reason = http.HTTPStatus(status).phrase if status in set(http.HTTPStatus) else "Unnamed"
    lines = [f"HTTP/1.1 {status} {reason}\r\n", *(f"{name}: {value}\r\n" for name, value in pairs(headers)), "\r\n"]
    return "".join(lines).encode()


def pairs(fields: Fields) -> Iterable[tuple[str, str]]:
    """Return fields as pairs of a name and a value."""
    return fields.items() if isinstance(fields, Mapping) else fields
