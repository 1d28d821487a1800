"""One request and its response, on the side of a server in memory."""

from __future__ import annotations

import http
import re
from collections.abc import Sequence

from ..server.seen_request import SeenRequest
from .connection import ServerConnection

Fields = Sequence[tuple[bytes, bytes]]

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = (b"content-length", b"transfer-encoding")


class Exchange:
    """Reads the body of a request piece by piece, and frames and sends the response.

    Call `start`, then `write` any number of times, the last time with more=False, then `end`.
    is_started: `start` was called. is_complete: the response was written to its end. has_left_http: the connection was
    answered in another protocol, and carries no other request.
    """

    def __init__(self, connection: ServerConnection, request: SeenRequest) -> None:
        self.connection = connection
        self.request = request
        self.is_started = self.is_complete = self.has_left_http = False
        self.status = 0
        self._reason = ""
        self._fields: Fields = ()
        self._is_head_sent = False
        self._is_chunked = False
        self._left: int | None = None
        self._closes = request.version == "1.0" or any(
            "close" in value.lower() for value in request.header_values("connection")
        )
        self._must_continue = "100-continue" in (request.header("expect") or "").lower()

    @property
    def is_websocket_handshake(self) -> bool:
        """True for the opening handshake of a websocket (RFC 6455, section 4.1)."""
        return self.request.method == "GET" and (self.request.header("upgrade") or "").lower() == "websocket"

    async def read_piece(self) -> bytes:
        """Return the next bytes of the request's body; b"" at its end. If the client expects 100 Continue, send that first.

        Raises:
            ConnectionError, asyncio.IncompleteReadError: the client is gone.
            MalformedRequest: the framing is wrong.
        """
        if self._must_continue:
            self._must_continue = False
            if not self._is_head_sent:
                self.connection.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return await self.request.read_piece()

    @property
    def has_whole_body(self) -> bool:
        """True if the whole body of the request was read. The end of a chunked one is known only after its last chunk."""
        if self.request.header("transfer-encoding") is not None:
            return self.request.complete
        return self.request.body_size == int(self.request.header("content-length") or 0)

    def start(self, status: int, fields: Fields, reason: str | None = None) -> None:
        """Set the head; it is sent with the first bytes of the body.

        reason: None = the registered one.

        Raises:
            RuntimeError: the head was sent already.
            ValueError: HTTP cannot carry a field, the status or the reason.
        """
        if self._is_head_sent:
            raise RuntimeError("the response was started already")
        for name, value in fields:
            if not _NAME.fullmatch(name) or re.search(rb"[\r\n\0]", value):
                raise ValueError(f"not a field of a response: {name!r}: {value!r}")
        if reason is None:
            reason = http.HTTPStatus(status).phrase if status in set(http.HTTPStatus) else ""
        if not 200 <= status <= 999 or re.search(r"[\r\n\0]", reason):
            raise ValueError(f"not the status of a response: {status} {reason!r}")
        self.is_started = True
        self.status, self._reason, self._fields = status, reason, fields

    async def write(self, data: bytes, *, more: bool, trailers: Fields = ()) -> None:
        """Send a part of the body, and wait until the client reads fast enough.

        more: False for the last part. trailers: fields after the last part; only a chunked body can have them.

        Raises:
            ConnectionError: the client is gone.
            RuntimeError: there is no head, the response is complete already, or its length is not its Content-Length.
        """
        if not self.is_started or self.is_complete:
            raise RuntimeError(
                "the body was sent before the head" if not self.is_started else "the response is complete already"
            )
        if self.connection.gone.is_set():
            raise ConnectionResetError("the client has closed the connection")
        out = b"" if self._is_head_sent else self._head(data, more, trailers)
        if self._has_body:
            out += self._framed(data, more, trailers)
        self.is_complete = not more
        self.connection.writer.write(out)
        await self.connection.writer.drain()

    @property
    def is_head_sent(self) -> bool:
        """True when the head was sent, so that it cannot be changed any more."""
        return self._is_head_sent

    async def answer_500(self) -> None:
        """Send a 500 instead of a response whose head was not sent yet.

        Raises:
            ConnectionError: the client is gone.
        """
        self.start(500, [(b"content-type", b"text/plain")])
        await self.write(b"Internal Server Error", more=False)

    @property
    def _has_body(self) -> bool:
        return self.request.method != "HEAD" and self.status not in (204, 304)

    def _head(self, data: bytes, more: bool, trailers: Fields) -> bytes:
        fields = [(name, value) for name, value in self._fields if name.lower() not in _FRAMING]
        lengths = [value for name, value in self._fields if name.lower() == b"content-length"]
        codings = [value for name, value in self._fields if name.lower() == b"transfer-encoding"]
        if not self._has_body:
            fields += [(b"content-length", length) for length in lengths if self.status != 204]
        elif lengths:
            self._left = int(lengths[0])
            fields += [(b"content-length", length) for length in lengths]  # the client must refuse several
        elif not more and not codings and not trailers:
            self._left = len(data)
            fields.append((b"content-length", b"%d" % len(data)))
        elif self.request.version == "1.1":
            self._is_chunked = True
            fields.append((b"transfer-encoding", b"chunked"))
        self._closes |= any(name.lower() == b"connection" and b"close" in value.lower() for name, value in fields)
        self._is_head_sent = True
        reason = self._reason.encode("latin-1", "replace")
        return b"HTTP/1.1 %d %b\r\n%b\r\n" % (self.status, reason, lines(fields))

    def _framed(self, data: bytes, more: bool, trailers: Fields) -> bytes:
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0 or (self._left and not more):
                what = "longer" if self._left < 0 else "shorter"
                raise RuntimeError(
                    f"the body of the response is {what} than its Content-Length, by {abs(self._left)} bytes"
                )
            return data
        if not self._is_chunked:
            return data
        chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        return chunk if more else chunk + b"0\r\n%b\r\n" % lines(trailers)

    async def end(self) -> None:
        """After a complete response, read the rest of the request; then close the connection, if that is due.

        Raises:
            ConnectionError, asyncio.IncompleteReadError: the client is gone.
        """
        if self._must_continue and not self.has_whole_body:
            self._closes = True  # without a 100 the client may send the body or not (RFC 9110, section 10.1.1)
        elif not self.request.complete:
            while await self.request.read_piece():
                pass
        if self._closes:
            self.connection.writer.close()


def lines(fields: Fields) -> bytes:
    """Return fields as lines."""
    return b"".join(b"%b: %b\r\n" % field for field in fields)
