"""One request and its response, from the server's side: the body read as it is asked for, the response framed."""

from __future__ import annotations

import http
import re
from collections.abc import Sequence

from ..server.seen import SeenRequest
from .line import Line

Fields = Sequence[tuple[bytes, bytes]]

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = (b"content-length", b"transfer-encoding")


class Exchange:
    """See the module. `start` and any number of `write`, the last one with more=False."""

    def __init__(self, line: Line, request: SeenRequest) -> None:
        self.line = line
        self.request = request
        self.is_started = False  # was `start` called?
        self.is_complete = False
        self.has_left_http = False  # was the response one of another protocol, which nothing follows?
        self.status = 0
        self._reason = ""
        self._fields: Fields = ()
        self._head_is_out = False
        self._is_chunked = False
        self._left: int | None = None
        self._closes = request.version == "1.0" or any(
            "close" in value.lower() for value in request.header_values("connection")
        )
        self._must_continue = "100-continue" in (request.header("expect") or "").lower()

    @property
    def asks_for_websocket(self) -> bool:
        """Is the request an opening handshake (RFC 6455, section 4.1)?"""
        return self.request.method == "GET" and (self.request.header("upgrade") or "").lower() == "websocket"

    async def read_piece(self) -> bytes:
        """The next bytes of the request's body; b"" at its end. A client that asked before is told to go on.

        Raises:
            ConnectionError, asyncio.IncompleteReadError: the client is gone.
            MalformedRequest: the framing is wrong.
        """
        if self._must_continue:
            self._must_continue = False
            if not self._head_is_out:
                self.line.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return await self.request.read_piece()

    @property
    def has_all_of_the_body(self) -> bool:
        """Is nothing more to come of a body of known length, or without one?"""
        if self.request.header("transfer-encoding") is not None:
            return self.request.complete
        return self.request.body_size == int(self.request.header("content-length") or 0)

    def start(self, status: int, fields: Fields, reason: str | None = None) -> None:
        """Say what the head will be; it goes out with the first bytes of the body.

        Raises:
            RuntimeError: a second time.
            ValueError: a field that HTTP cannot carry.
        """
        if self._head_is_out:
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
        """Send a part of the body, and wait until the client takes it.

        trailers: fields behind the last part; they go with a chunked body alone.

        Raises:
            ConnectionError: the client is gone.
            RuntimeError: there is no head, the response is complete, or not as long as it said.
        """
        if not self.is_started or self.is_complete:
            raise RuntimeError("a body before the head" if not self.is_started else "a body behind the end")
        if self.line.gone.is_set():
            raise ConnectionResetError("the client has closed the connection")
        out = b"" if self._head_is_out else self._head(data, more, trailers)
        if self._has_body:
            out += self._framed(data, more, trailers)
        self.is_complete = not more
        self.line.writer.write(out)
        await self.line.writer.drain()

    @property
    def has_begun(self) -> bool:
        """Is the head on its way, so that it cannot be another?"""
        return self._head_is_out

    async def answer_500(self) -> None:
        """Say that the server failed, in place of a response that has not begun.

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
            fields += [(b"content-length", length) for length in lengths]  # several are for the client to refuse
        elif not more and not codings and not trailers:
            self._left = len(data)
            fields.append((b"content-length", b"%d" % len(data)))
        elif self.request.version == "1.1":
            self._is_chunked = True
            fields.append((b"transfer-encoding", b"chunked"))
        self._closes |= any(name.lower() == b"connection" and b"close" in value.lower() for name, value in fields)
        self._head_is_out = True
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
        """Behind a whole response: let the rest of the request come, which the client may be sending still.

        Raises:
            ConnectionError, asyncio.IncompleteReadError: the client is gone.
        """
        if self._must_continue and not self.has_all_of_the_body:
            self._closes = True  # it was never asked for the body, and may or may not send it (RFC 9110, 10.1.1)
        elif not self.request.complete:
            while await self.request.read_piece():
                pass
        if self._closes:
            self.line.writer.close()


def lines(fields: Fields) -> bytes:
    """The lines of fields, each with its end."""
    return b"".join(b"%b: %b\r\n" % field for field in fields)
