"""The exceptions of Hookline as those of httpx."""

from __future__ import annotations

from typing import Any, NoReturn

from hookline import (
    ClientClosed,
    ConnectionClosed,
    ConnectionRefused,
    ConnectTimeout,
    DecodingError,
    DNSError,
    HooklineError,
    HttpConnectionError,
    HttpProxyError,
    HttpRequestException,
    HttpTimeout,
    InvalidURL,
    LocalProtocolError,
    PoolTimeout,
    ProtocolError,
    ReadTimeout,
    RemoteProtocolError,
    SSLError,
    StreamConsumedError,
    WriteTimeout,
)

# The first class that fits decides.
_NAMES: tuple[tuple[type[HooklineError], str], ...] = (
    (ConnectTimeout, "ConnectTimeout"),
    (ReadTimeout, "ReadTimeout"),
    (WriteTimeout, "WriteTimeout"),
    (PoolTimeout, "PoolTimeout"),
    (HttpTimeout, "TimeoutException"),
    (HttpProxyError, "ProxyError"),
    (DNSError, "ConnectError"),
    (ConnectionRefused, "ConnectError"),
    (SSLError, "ConnectError"),
    (LocalProtocolError, "LocalProtocolError"),
    (RemoteProtocolError, "RemoteProtocolError"),
    (ProtocolError, "ProtocolError"),
    (DecodingError, "DecodingError"),
    (InvalidURL, "ConnectError"),
    (HttpRequestException, "ReadError"),
)


def name_of(error: HooklineError) -> str | None:
    """Return the name of the class of httpx that says the same; None = there is none, and the error itself is raised."""
    if isinstance(error, HttpConnectionError) and error.was_sent is False:
        return "ProxyError" if isinstance(error, HttpProxyError) else "ConnectError"
    if isinstance(error, ConnectionClosed) and not isinstance(error, ClientClosed):
        # a FIN where bytes were due breaks the protocol; a reset breaks the network
        return "RemoteProtocolError" if error.__cause__ is None else "ReadError"
    return next((name for kind, name in _NAMES if isinstance(error, kind)), None)


def raise_as(library: Any, error: HooklineError, request: Any) -> NoReturn:
    """Raise the exception of httpx for an error of Hookline, which is its cause.

    request: the request of httpx, which is the attribute `request` of the exception.

    Raises: the error itself, if httpx has no exception that says the same, such as for a PluginError.
    """
    if isinstance(error, StreamConsumedError):
        raise library.StreamClosed() from error
    name = name_of(error)
    if name is None:
        raise error
    raise getattr(library, name)(str(error), request=request) from error
