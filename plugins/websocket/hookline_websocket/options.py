"""The options of a websocket: their checks, and how to read them from a request."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .handler import WS

if TYPE_CHECKING:
    from hookline import ClientOption, HttpRequest

    from .compression import Deflate
    from .limits import Limits


class WebSocketRequest:
    """What this plugin adds to requests, for type checkers.

    Example::

        from hookline import HttpClient, HttpRequest, HttpResponse
        from hookline_websocket import WebSocketRequest


        class Request(WebSocketRequest, HttpRequest): ...


        client: HttpClient[HttpResponse[Request]] = HttpClient(max_message_size=1_000_000)
        print(client.build_request("GET", "http://127.0.0.1:8000/").max_message_size)
    """

    websocket_handler: WS | None
    subprotocols: tuple[str, ...] | None
    compression: Deflate | bool | None
    max_message_size: int | None
    ping_interval: float | None
    ping_timeout: float | None
    close_timeout: float | None
    frame_parser: Callable[..., Any] | None


class WebSocketClient:
    """What this plugin adds to clients, for type checkers.

    Example::

        from hookline import HttpClient
        from hookline_websocket import WebSocketClient


        class Client(WebSocketClient, HttpClient): ...


        client = Client(max_message_size=1_000_000)
        print(client.max_message_size)
    """

    websocket_handler: WS | None
    subprotocols: ClientOption[tuple[str, ...] | None, Iterable[str] | None]
    compression: Deflate | bool | None
    max_message_size: int | None
    ping_interval: float | None
    ping_timeout: float | None
    close_timeout: float | None
    frame_parser: Callable[..., Any] | None


if TYPE_CHECKING:

    class Request(WebSocketRequest, HttpRequest):
        """A request with what this plugin adds."""


MAX_MESSAGE_SIZE = 16 * 1024 * 1024  # bytes
PING_TIMEOUT = 20.0  # seconds
CLOSE_TIMEOUT = 10.0  # seconds


def limits_of(request: Request) -> Limits:
    """Return the limits that a request sets."""
    from .limits import Limits  # here, because most clients open no websocket

    return Limits(
        request.max_message_size or 0,
        request.ping_interval or None,
        request.ping_timeout or None,
        request.close_timeout,
    )


def compression_of(request: Request) -> Deflate | None:
    """Return the compression to offer, None = none."""
    if request.compression is True:
        from .compression import Deflate  # here, because most clients open no websocket

        return Deflate()
    return request.compression or None


def as_handler(value: Any) -> WS:
    """Check the option `websocket_handler`.

    Raises: TypeError.
    """
    if isinstance(value, WS):
        return value
    if isinstance(value, type) and issubclass(value, WS):
        raise TypeError(f"websocket_handler= takes an object, not a class: {value.__name__}()")
    raise TypeError(f"websocket_handler= takes an object of a class derived from WS, not {type(value).__name__}")


def as_subprotocols(value: Any) -> tuple[str, ...]:
    """Check the option `subprotocols`: names in order of preference (RFC 6455, section 4.1).

    Raises: TypeError, ValueError.
    """
    from .handshake import is_token  # here, because most clients open no websocket

    if isinstance(value, str):
        raise TypeError("subprotocols= takes a list of names, not one string")
    if isinstance(value, bytes) or not isinstance(value, Iterable):
        raise TypeError(f"subprotocols= takes a list of names, not {type(value).__name__}")
    names = tuple(value)
    for name in names:
        if not isinstance(name, str) or is_token(name) is None:
            raise ValueError(f"subprotocols= takes names of letters, digits and !#$%&'*+-.^_`|~, not {name!r}")
    if len(set(names)) != len(names):
        raise ValueError("subprotocols= takes each name once")
    return names


def as_compression(value: Any) -> Deflate | bool:
    """Check the option `compression`.

    Raises: TypeError.
    """
    from .compression import Deflate  # here, because most clients open no websocket

    if isinstance(value, (bool, Deflate)):
        return value
    raise TypeError(f"compression= takes True, False or a Deflate, not {type(value).__name__}")


def as_size(value: Any) -> int:
    """Check the option `max_message_size`.

    Raises: TypeError, ValueError.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"max_message_size= takes a number of bytes, not {type(value).__name__}")
    if value < 0:
        raise ValueError(f"max_message_size= takes 0 (no limit) or more, not {value}")
    return value


def seconds_for(option: str) -> Callable[[Any], float]:
    """Return the check of an option that takes seconds."""

    def as_seconds(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f"{option}= takes seconds as a number or None, not {type(value).__name__}")
        if not 0 <= value < math.inf:
            raise ValueError(f"{option}= takes seconds from 0 up, not {value}")
        return float(value)

    return as_seconds


def as_frame_parser(value: Any) -> Callable[..., Any]:
    """Check the option `frame_parser`.

    Raises: TypeError.
    """
    if not callable(value):
        raise TypeError(f"frame_parser= takes a callable(client=True, extensions=[…]), not {type(value).__name__}")
    return value  # type: ignore[no-any-return]  # its signature shows when it is called
