"""What can go wrong with websockets alone."""

from __future__ import annotations

from hookline import HttpConnectionError, HttpRequest, HttpRequestException, RemoteProtocolError


class WebSocketError(HttpRequestException):
    """The websocket failed: the peer broke the protocol or a limit, or this side could not go on.

    code, reason: what stands in `close_reason` (RFC 6455, section 7.4); 1006 where no close frame was sent.
    """

    def __init__(
        self, message: str = "", *, code: int = 1006, reason: str = "", request: HttpRequest | None = None
    ) -> None:
        super().__init__(message, request=request)
        self.code = code
        self.reason = reason


class HandshakeError(WebSocketError, RemoteProtocolError):
    """The server answered with 101, and the rest of its answer does not open a websocket (RFC 6455, section 4.1)."""


class WebSocketClosed(HttpConnectionError):
    """The websocket has come to its end, and there is nothing more to receive or to send.

    code, reason: those of the peer's close frame; 1005 where it names none, 1006 where no close frame came.
    """

    def __init__(
        self, message: str = "", *, code: int = 1006, reason: str = "", request: HttpRequest | None = None
    ) -> None:
        super().__init__(message, request=request)
        self.code = code
        self.reason = reason
