"""`response.raw`: urllib3's own response object over a body that Hookline receives.

urllib3 decodes the content codings, counts the bytes and keeps its rules of reading; only the file that it reads from, where
http.client's response stands otherwise, is ours.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Generator
from typing import Any, Protocol

from requests import PreparedRequest
from urllib3 import HTTPHeaderDict
from urllib3.exceptions import ResponseNotChunked
from urllib3.response import HTTPResponse

from hookline import HttpResponse

VERSIONS = {"HTTP/1.0": 10, "HTTP/1.1": 11, "HTTP/2": 20}  # as http.client and urllib3 number them
WHOLE_SIZE = 1024 * 1024  # bytes of one piece of a body that is wanted whole
READ_SIZE = 65_536  # bytes of a chunk where the caller names no number, as urllib3 has it


class IncomingBody(Protocol):
    """The body as it comes from the network, not decoded."""

    is_over: bool  # has all of it been returned, or was it given up

    def next_pieces(self) -> list[bytes]:
        """Wait for more, and return all that has come; nothing at the end."""

    def abandon(self) -> None:
        """Close the connection if the body has not come to its end; waits for nothing."""


class BodyFile:
    """The body as a file.

    As http.client's response it is closed as soon as its last byte was read.

    received: what has come already. rest: where more comes from.
    """

    def __init__(self, received: bytes, rest: IncomingBody) -> None:
        self._pieces = deque((received,) if received else ())
        self._at = 0  # how many bytes of the first piece were read
        self._rest = rest
        self._is_over = rest.is_over and not received

    @property
    def has_come(self) -> bool:
        """Whether all of the body has come, so that it can be read without a wait."""
        return self._rest.is_over

    def read(self, amt: int | None = None) -> bytes:
        """Return exactly amt bytes, fewer at the end alone; None or a negative number: all that is left."""
        left = sys.maxsize if amt is None or amt < 0 else amt
        found = []
        while left and (self._pieces or self._fill()):
            found.append(self._take(left))
            left -= len(found[-1])
        return found[0] if len(found) == 1 else b"".join(found)

    def read1(self, amt: int | None = None) -> bytes:
        """Return what has come, amt bytes at most; wait only if nothing has."""
        if amt == 0 or not (self._pieces or self._fill()):
            return b""
        return self._take(sys.maxsize if amt is None or amt < 0 else amt)

    def _fill(self) -> bool:
        """Wait for more, once all that has come was read; False at the end."""
        if not self._is_over:
            self._pieces.extend(self._rest.next_pieces())
            self._is_over = not self._pieces
        return not self._is_over

    def _take(self, amt: int) -> bytes:
        """Return amt bytes of the first piece, or its rest if that is less; close the file with the last byte of the body."""
        data = self._pieces[0]
        if self._at or amt < len(data):
            data = data[self._at : self._at + amt]
        self._at += len(data)
        if self._at == len(self._pieces[0]):
            self._pieces.popleft()
            self._at = 0
            self._is_over = not self._pieces and self._rest.is_over
        return data

    def isclosed(self) -> bool:
        """Say whether nothing is left to read."""
        return self._is_over

    @property
    def closed(self) -> bool:
        """Whether nothing is left to read."""
        return self._is_over

    def flush(self) -> None:
        """Do nothing: it is only read."""

    def close(self) -> None:
        """Give up what is left of the body; its connection is closed."""
        self._pieces.clear()
        self._at, self._is_over = 0, True
        self._rest.abandon()


class OriginalResponse:
    """What is left of http.client's response: `raw._original_response`, from whose `msg` requests takes the cookies.

    It is false if the response sets no cookies. requests looks for that before it asks its cookie jars, which costs as much as
    half of a small response.
    """

    def __init__(self, headers: HTTPHeaderDict, status: int, reason: str, version: int, file: BodyFile) -> None:
        self.msg = self.headers = headers
        self.status, self.reason, self.version = status, reason, version
        self._file = file

    def __bool__(self) -> bool:
        return "set-cookie" in self.headers or "set-cookie2" in self.headers

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """Return the values of a field, with commas between; the default without one."""
        return self.headers.get(name, default)

    def getheaders(self) -> list[tuple[str, str]]:
        """Return all fields, in their order."""
        return list(self.headers.iteritems())

    def isclosed(self) -> bool:
        """Say whether nothing is left to read of the body."""
        return self._file.isclosed()

    def close(self) -> None:
        """Give up what is left of the body."""
        self._file.close()


class Socket:
    """The socket of a connection, as far as programs ask it: `raw.connection.sock`, with the methods of TLS if it has TLS."""

    def __init__(self, carrier: Any) -> None:
        self._transport = (carrier.session or carrier).transport

    def __getattr__(self, name: str) -> Any:
        if self._transport is not None:
            for part in ("ssl_object", "socket"):
                found = getattr(self._transport.get_extra_info(part), name, None)
                if found is not None:
                    return found
        raise AttributeError(f"this connection has no {name}")


class ConnectionView:
    """The connection of a response: `raw.connection`. Its `sock` knows addresses and certificates."""

    def __init__(self, carrier: Any) -> None:
        self._carrier = carrier

    @property
    def sock(self) -> Socket:
        """The socket."""
        return Socket(self._carrier)

    def close(self) -> None:
        """Do nothing: the body of the response closes the connection, or gives it back."""


class RawResponse(HTTPResponse):
    """urllib3's response, whose chunks are yielded as they come.

    body_file: the file that it reads from. is_wanted_whole: True if requests is about to read the whole body, and not in parts.
    """

    body_file: BodyFile
    is_wanted_whole: bool

    def stream(self, amt: int | None = READ_SIZE, decode_content: bool | None = None) -> Generator[bytes, None, None]:
        """Yield the body in pieces of amt bytes, a chunked one as it comes; see urllib3.

        What has no content coding takes the way of `decode_content=False`, which copies nothing. A body that is wanted whole
        is yielded in large pieces, which requests joins.
        """
        if "content-encoding" not in self.headers:
            decode_content = False
        if amt and self.is_wanted_whole:
            amt = max(amt, WHOLE_SIZE)
        yield from super().stream(amt, decode_content)

    def supports_chunked_reads(self) -> bool:
        """Say whether `read_chunked` works."""
        return self.chunked

    def read_chunked(self, amt: int | None = None, decode_content: bool | None = None) -> Generator[bytes, None, None]:
        """Yield the body of a response with the chunked transfer coding as it comes, decoded if that is asked for.

        amt: the most bytes of one piece; None: all that has come. The pieces are not the chunks of the transfer coding, whose
        bounds mean nothing (RFC 9112, section 7.1).

        Raises: ResponseNotChunked, for another response; what `read1` raises.
        """
        if not self.chunked:
            raise ResponseNotChunked("the response has no Transfer-Encoding: chunked")
        if amt == 0:
            return
        while data := self.read1(READ_SIZE if amt is None or amt < 0 else amt, decode_content):
            yield data


def make_raw(
    request: PreparedRequest, response: HttpResponse[Any, Any], file: BodyFile, carrier: Any, *, is_wanted_whole: bool
) -> RawResponse:
    """Return a response of Hookline as urllib3 returns its own for `preload_content=False, decode_content=False`.

    carrier: the connection that it comes on; None = it does not come from the network.
    """
    headers = HTTPHeaderDict(parse_head(response.raw_head))
    version = VERSIONS.get(response.version, 11)
    original = OriginalResponse(headers, response.status_code, response.reason, version, file)
    raw = RawResponse(
        body=file,  # type: ignore[arg-type]  # urllib3 takes any object with `read`
        headers=headers,
        status=response.status_code,
        version=version,
        version_string=response.version,
        reason=response.reason,
        preload_content=False,
        decode_content=False,
        original_response=original,  # type: ignore[arg-type]  # it has what is asked of http.client's
        connection=None if carrier is None else ConnectionView(carrier),  # type: ignore[arg-type]  # it is only shown
        request_method=request.method,
        request_url=request.path_url,
    )
    raw.body_file, raw.is_wanted_whole = file, is_wanted_whole
    return raw


def parse_head(head: bytes) -> list[tuple[str, str]]:
    """Return the fields of a head as http.client has them: the octets as Latin-1, several of one name one after the other."""
    fields = []
    for line in head.decode("latin-1").split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            fields.append((name, value.strip(" \t")))
    return fields
