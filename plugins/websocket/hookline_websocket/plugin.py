"""The plugin: send the opening handshake, and make a websocket of the 101 that answers it."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from hookline import HttpRequest, HttpResponse, LocalProtocolError, Option, Scheme, hookimpl

from .handler import overrides
from .options import (
    CLOSE_TIMEOUT,
    MAX_MESSAGE_SIZE,
    PING_TIMEOUT,
    as_compression,
    as_frame_parser,
    as_handler,
    as_size,
    as_subprotocols,
    compression_of,
    limits_of,
    seconds_for,
)

if TYPE_CHECKING:
    from .compression import Deflate
    from .options import Request
    from .protocol import WebSocketProtocol
    from .websocket import WebSocket

SCHEMES = ("ws", "wss")


class WebSockets:
    """The plugin `websocket`. wsproto, and the modules that use it, are imported with the first request for a websocket.

    Example::

        from hookline import HttpClient
        from hookline_websocket import WebSockets

        client = HttpClient(autoload=False, plugins=[WebSockets()])
    """

    name = "websocket"

    def __init__(self) -> None:
        self._opened: dict[HttpResponse, WebSocketProtocol] = {}  # whose exchange has not ended yet

    @hookimpl
    def declare(self) -> list[Option | Scheme]:
        return [
            Scheme("ws", 80),
            Scheme("wss", 443, tls=True),
            Option("websocket_handler", None, convert=as_handler, doc="an object of a class derived from WS"),
            Option("subprotocols", (), convert=as_subprotocols, doc="names to offer, the preferred one first"),
            Option("compression", True, convert=as_compression, doc="permessage-deflate: True, False or a Deflate"),
            Option(
                "max_message_size",
                MAX_MESSAGE_SIZE,
                convert=as_size,
                doc="bytes of a message that are accepted at most, 0 = no limit",
            ),
            Option(
                "ping_interval",
                None,
                convert=seconds_for("ping_interval"),
                doc="seconds between pings, None = no pings",
            ),
            Option(
                "ping_timeout",
                PING_TIMEOUT,
                convert=seconds_for("ping_timeout"),
                doc="seconds of silence after a ping, None = no limit",
            ),
            Option(
                "close_timeout",
                CLOSE_TIMEOUT,
                convert=seconds_for("close_timeout"),
                doc="seconds for the peer to close the connection, None = no limit",
            ),
            Option("frame_parser", None, convert=as_frame_parser, doc="callable(client=True, extensions=[…])"),
        ]

    @hookimpl(schemes=SCHEMES)
    def pre_request(self, response: HttpResponse[Request]) -> None:
        from . import protocol  # noqa: F401  # now, so that no import delays the first frame after the 101
        from .frames import frame_parser  # noqa: F401  # likewise
        from .handshake import opening_fields

        request = response.request
        check_request(request)
        fields = opening_fields(request.subprotocols or (), compression_of(request))
        request.unredirected_headers.update(fields)

    @hookimpl(schemes=SCHEMES, statuses=(101,), trylast=True)
    def on_headers(self, response: HttpResponse[Request]) -> WebSocket:
        from .handshake import agreed_compression, check_upgrade, chosen_subprotocol

        request = response.request
        headers = response.headers
        check_upgrade(
            headers.getall("upgrade", []),
            headers.getall("connection", []),
            headers.getall("sec-websocket-accept", []),
            request.get_header("sec-websocket-key") or "",
        )
        subprotocol = chosen_subprotocol(headers.getall("sec-websocket-protocol", []), request.subprotocols or ())
        agreed = agreed_compression(headers.getall("sec-websocket-extensions", []), compression_of(request))
        return self._open(response, subprotocol, agreed)

    def _open(self, response: HttpResponse[Request], subprotocol: str | None, agreed: Deflate | None) -> WebSocket:
        from .frames.frame_parser import new_reader_and_writer
        from .protocol import WebSocketProtocol
        from .websocket import WebSocket

        request = response.request
        limits = limits_of(request)
        handler = request.websocket_handler
        reader, writer = new_reader_and_writer(request.frame_parser, agreed, limits.max_message_size)
        connection = response.detach()
        protocol = WebSocketProtocol(
            connection,
            reader,
            writer,
            request,
            handler,
            limits,
            wants_pings=overrides(handler, "on_ping"),
            wants_pongs=overrides(handler, "on_pong"),
        )
        websocket = WebSocket(protocol, response, connection, subprotocol)
        self._opened[response] = protocol
        protocol.start(websocket)
        return websocket

    @hookimpl(schemes=SCHEMES, statuses=(101,), wrapper=True)
    def post_request(self, response: HttpResponse[Request], exc: BaseException | None) -> Generator[None, Any, Any]:
        """Close the websocket if the call ends with an error or with another answer, so that no user gets it."""
        protocol = self._opened.pop(response, None)
        response.answer = None  # only the caller refers to the websocket now: if he drops it, it is deleted and closed
        try:
            answer = yield
        except BaseException:
            if protocol is not None:
                protocol.abandon()
            raise
        if protocol is not None and (exc is not None or answer is not None):
            protocol.abandon()
        return answer


def check_request(request: HttpRequest) -> None:
    """Check that a request can be an opening handshake (RFC 6455, section 4.1).

    Raises: LocalProtocolError.
    """
    where = f"{request.method} {request.origin}"
    if request.method != "GET" or request.body is not None:
        raise LocalProtocolError(f"{where}: a websocket is opened with GET and without a body: client.get(url)")
    if request.version != "HTTP/1.1":
        raise LocalProtocolError(f"{where}: a websocket needs HTTP/1.1")
    for name in ("Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"):
        if request.has_header(name):
            option = "subprotocols" if name.endswith("Protocol") else "compression"
            raise LocalProtocolError(f"{where}: {name} comes from the option {option}=, not from headers=")
