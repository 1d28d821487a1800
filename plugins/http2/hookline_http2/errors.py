"""What a peer means by its error codes (RFC 9113, section 7), and the errors that exchanges end with."""

from __future__ import annotations

from hookline import ConnectionClosed, HttpConnectionError

NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, CANCEL, HTTP_1_1_REQUIRED = 0, 1, 7, 8, 13

NAMES = (
    "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
    "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
)  # fmt: skip


class StreamReset(HttpConnectionError):
    """The server ended one exchange with RST_STREAM; others on the connection go on. code: the error code, an int.

    Example::

        from hookline import HttpClient
        from hookline_http2 import StreamReset
        from hookline_testing.http2 import FrameServer


        async def refuse(session, request):
            session.reset(request.stream, 11)  # ENHANCE_YOUR_CALM


        with FrameServer({"/": refuse}) as server:
            with HttpClient(http2="prior-knowledge", plugins=["http2"]) as client:
                try:
                    client.get(server.url("/"))
                except StreamReset as error:
                    print(error.code)
    """

    code = 0


def name_of(code: int) -> str:
    """The name and number of an error code, such as "CANCEL (8)"; of an unknown one, its number."""
    return f"{NAMES[code]} ({code})" if code < len(NAMES) else f"error code {code}"


def reset_error(code: int, *, has_begun: bool) -> StreamReset:
    """The error of an exchange whose stream the server has reset before its response was complete.

    has_begun: its head has come, so that the request was processed, whatever the code says.
    """
    error = StreamReset(f"the server reset the stream: {name_of(code)}")
    error.code = code
    if code in (REFUSED_STREAM, HTTP_1_1_REQUIRED) and not has_begun:
        # neither was processed (RFC 9113, sections 7 and 8.7)
        mark_unprocessed(error, code)
    return error


def unprocessed_error(text: str, code: int = NO_ERROR) -> ConnectionClosed:
    """The error of an exchange that the server has not processed: it may be sent again."""
    error = ConnectionClosed(text)
    mark_unprocessed(error, code)
    return error


def mark_unprocessed(error: HttpConnectionError, code: int) -> None:
    """Have core send the request again; by HTTP/1.1 if the code of the server asks for that."""
    error.was_processed = False
    if code == HTTP_1_1_REQUIRED:
        error.required_protocol = "http/1.1"


def goaway_text(code: int, debug: bytes) -> str:
    """Say why a server has closed a connection. debug: what GOAWAY brought along."""
    said = f", {debug[:100].decode('latin-1')!a}" if debug else ""
    return f"the server closed the connection: {name_of(code)}{said}"
