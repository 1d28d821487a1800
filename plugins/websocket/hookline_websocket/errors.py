"""The errors of websockets.

HttpRequestException
    WebSocketError
        HandshakeError (a RemoteProtocolError too)
    HttpConnectionError
        WebSocketClosed
"""

from __future__ import annotations

from hookline import HttpConnectionError, HttpRequest, HttpRequestException, RemoteProtocolError


class WebSocketError(HttpRequestException):
    """The websocket failed: the peer broke the protocol or a limit, or this side could not go on.

    code, reason: as in `close_reason` (RFC 6455, section 7.4); the code is 1006 when no close frame was sent.

    Example::

        from hookline import HttpClient, WebSocketError

        with HttpClient(max_message_size=10) as client:
            websocket = client.get("ws://127.0.0.1:8000/websocket")
            websocket.send("a message that is too long")  # which this server sends back
            try:
                websocket.receive()
            except WebSocketError as error:
                print(error)
    """

    def __init__(
        self, message: str = "", *, code: int = 1006, reason: str = "", request: HttpRequest | None = None
    ) -> None:
        super().__init__(message, request=request)
        self.code = code
        self.reason = reason


class HandshakeError(WebSocketError, RemoteProtocolError):
    """The server answered with 101, but its fields do not complete the handshake (RFC 6455, section 4.1).

    Example::

        from hookline import HttpClient
        from hookline_testing.server import ScriptedServer, head
        from hookline_websocket import HandshakeError

        with ScriptedServer() as server, HttpClient() as client:
            server.answer(head(101, {"Connection": "Upgrade", "Upgrade": "websocket"}))
            try:
                client.get(server.url("/").replace("http", "ws"))
            except HandshakeError as error:
                print(error)
    """


class WebSocketClosed(HttpConnectionError):
    """The websocket is closed: there is nothing more to receive, and nothing can be sent.

    code, reason: those of the peer's close frame. The code is 1005 when the frame has none, 1006 when no frame came.

    Example::

        from hookline import HttpClient, WebSocketClosed

        async with HttpClient() as client:
            websocket = await client.get("ws://127.0.0.1:8000/websocket")
            await websocket.close()
            try:
                await websocket.receive()
            except WebSocketClosed as error:
                print(error.code, error)
    """

    def __init__(
        self, message: str = "", *, code: int = 1006, reason: str = "", request: HttpRequest | None = None
    ) -> None:
        super().__init__(message, request=request)
        self.code = code
        self.reason = reason
