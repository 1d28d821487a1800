"""The plugin: ask for a websocket, and make one of the 101 that answers."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from hookline import HttpRequest, HttpResponse, LocalProtocolError, Option, Scheme, hookimpl

from .options import (
    CLOSE_TIMEOUT,
    MAX_MESSAGE_SIZE,
    PING_TIMEOUT,
    Limits,
    as_compression,
    as_frame_parser,
    as_handler,
    as_size,
    as_subprotocols,
    seconds_for,
)

if TYPE_CHECKING:
    from .channel import Channel
    from .compression import Deflate
    from .websocket import WebSocket

SCHEMES = ("ws", "wss")


class WebSockets:
    """See the module. wsproto, and all that a websocket needs, is imported when the first request for one is made."""

    name = "websocket"

    def __init__(self) -> None:
        self._opened: dict[HttpResponse, Channel] = {}  # until the end of their exchange

    @hookimpl
    def declare(self) -> list[Option | Scheme]:
        return [
            Scheme("ws", 80),
            Scheme("wss", 443, tls=True),
            Option("websocket_handler", None, convert=as_handler, doc="an object of a class derived from WS"),
            Option("subprotocols", (), convert=as_subprotocols, doc="names to offer, the best first"),
            Option("compression", True, convert=as_compression, doc="permessage-deflate: True, False or a Deflate"),
            Option(
                "max_message_size",
                MAX_MESSAGE_SIZE,
                convert=as_size,
                doc="the most bytes of a message that are taken, 0 = any",
            ),
            Option(
                "ping_interval", None, convert=seconds_for("ping_interval"), doc="seconds between pings, None = none"
            ),
            Option(
                "ping_timeout",
                PING_TIMEOUT,
                convert=seconds_for("ping_timeout"),
                doc="seconds of silence behind a ping, None = any",
            ),
            Option(
                "close_timeout",
                CLOSE_TIMEOUT,
                convert=seconds_for("close_timeout"),
                doc="seconds for the peer to close, None = any",
            ),
            Option("frame_parser", None, convert=as_frame_parser, doc="callable(client=True, extensions=[…])"),
        ]

    @hookimpl(schemes=SCHEMES)
    def pre_request(self, response: HttpResponse) -> None:
        from . import channel  # noqa: F401  # now, and not between the 101 and the first frame
        from .handshake import opening_fields

        request: Any = response.request
        check_request(request)
        fields = opening_fields(request.subprotocols or (), compression_of(request))
        request.unredirected_headers.update(fields)

    @hookimpl(schemes=SCHEMES, statuses=(101,), trylast=True)
    def on_headers(self, response: HttpResponse) -> WebSocket:
        from .handshake import agreed_compression, check_upgrade, chosen_subprotocol

        request: Any = response.request
        headers = response.headers
        check_upgrade(
            headers.getall("upgrade", []),
            headers.getall("connection", []),
            headers.getall("sec-websocket-accept", []),
            request.get_header("sec-websocket-key"),
        )
        subprotocol = chosen_subprotocol(headers.getall("sec-websocket-protocol", []), request.subprotocols or ())
        agreed = agreed_compression(headers.getall("sec-websocket-extensions", []), compression_of(request))
        return self._open(response, subprotocol, agreed)

    def _open(self, response: HttpResponse, subprotocol: str | None, agreed: Deflate | None) -> WebSocket:
        from .channel import Channel, make_parser
        from .websocket import WebSocket

        request: Any = response.request
        limits = Limits.of(request)
        parser = make_parser(request.frame_parser, agreed, limits.max_message_size)
        connection = response.detach()
        channel = Channel(connection, parser, request, request.websocket_handler, limits)
        websocket = WebSocket(channel, response, connection, subprotocol)
        self._opened[response] = channel
        channel.start(websocket)
        return websocket

    @hookimpl(schemes=SCHEMES, statuses=(101,), wrapper=True)
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> Generator[None, Any, Any]:
        """Where the call ends with an error, nobody gets the websocket: it is closed."""
        channel = self._opened.pop(response, None)
        response.answer = None  # the caller has it: forgotten there, it is forgotten
        try:
            answer = yield
        except BaseException:
            if channel is not None:
                channel.abandon()
            raise
        if channel is not None and (exc is not None or answer is not None):
            channel.abandon()
        return answer


def compression_of(request: Any) -> Deflate | None:
    """What is offered. The default stands there as it was declared, and None means no compression."""
    value = request.compression
    return as_compression(value) if isinstance(value, bool) else value


def check_request(request: HttpRequest) -> None:
    """Raises: LocalProtocolError, for a request that no opening handshake can be (RFC 6455, section 4.1)."""
    where = f"{request.method} {request.origin}"
    if request.method != "GET" or request.body is not None:
        raise LocalProtocolError(f"{where}: a websocket is opened with GET and without a body: client.get(url)")
    if request.version != "HTTP/1.1":
        raise LocalProtocolError(f"{where}: a websocket needs HTTP/1.1")
    for name in ("Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"):
        if request.has_header(name):
            option = "subprotocols" if name.endswith("Protocol") else "compression"
            raise LocalProtocolError(f"{where}: {name} comes from the option {option}=, not from headers=")
