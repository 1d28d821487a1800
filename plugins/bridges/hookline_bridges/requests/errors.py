"""Errors: what Hookline raises, as urllib3 would have raised it, and that as requests' adapter raises it.

Each is chained to the one before it, with `from`, so that `error.__cause__` leads to Hookline's own. The step over urllib3 is
what `Retry` decides by, and what programs find as `error.args[0].reason`.
"""

from __future__ import annotations

import socket
from http.client import RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

import requests.exceptions
from requests import PreparedRequest
from urllib3 import exceptions

from hookline import (
    BodyNotRepeatable,
    ClientClosed,
    ConnectionClosed,
    ConnectTimeout,
    DNSError,
    HooklineError,
    HttpConnectionError,
    HttpProxyError,
    HttpRequestException,
    HttpTimeout,
    InvalidURL,
    LocalProtocolError,
    PoolTimeout,
    ReadTimeout,
    SSLError,
    Timeout,
    WriteTimeout,
)


class Peer:
    """The server in the errors of urllib3, where a pool or a connection stands otherwise.

    Only errors need its parts, so the URL is split when they are read.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def host(self) -> str:
        """The host, as it stands in the URL."""
        return urlsplit(self._url).hostname or ""

    @property
    def port(self) -> int:
        """The port."""
        parts = urlsplit(self._url)
        return parts.port or (443 if parts.scheme.lower() == "https" else 80)

    @property
    def path(self) -> str:
        """The path without the query, which may hold secrets."""
        return urlsplit(self._url).path or "/"

    def __str__(self) -> str:
        return f"HooklineAdapter(host={self.host!r}, port={self.port})"

    __repr__ = __str__


def urllib3_error(error: HttpRequestException, peer: Any, timeout: Timeout, *, has_proxy: bool) -> Exception:
    """Return what urllib3 would have raised before it had a response.

    peer: a Peer. timeout: that of the request. has_proxy: whether it goes through a proxy.
    """
    text = str(error)
    found: Exception
    match error:
        case PoolTimeout():
            found = exceptions.EmptyPoolError(peer, text)
        case HttpTimeout() if isinstance(error, ConnectTimeout) or error.was_sent is False:
            found = exceptions.ConnectTimeoutError(
                peer, f"Connection to {peer.host} timed out. (connect timeout={timeout.connect or timeout.total})"
            )
        case WriteTimeout():
            found = exceptions.ProtocolError("Connection aborted.", TimeoutError(text))
        case HttpTimeout():
            found = read_timeout(error, peer, timeout)
        case HttpProxyError():
            found = exceptions.ProxyError("Unable to connect to proxy", OSError(text))
        case SSLError():
            found = exceptions.SSLError(error.__cause__ or error)
        case ConnectionClosed():
            found = exceptions.ProtocolError("Connection aborted.", RemoteDisconnected(text))
        case ClientClosed():
            found = exceptions.ClosedPoolError(peer, text)
        case HttpConnectionError() if error.was_sent:
            found = exceptions.ProtocolError("Connection aborted.", OSError(text))
        case HttpConnectionError():
            if isinstance(error, DNSError):
                reason = error.__cause__ if isinstance(error.__cause__, socket.gaierror) else socket.gaierror(text)
                found = exceptions.NameResolutionError(peer.host, peer, reason)
            else:
                found = exceptions.NewConnectionError(peer, f"Failed to establish a new connection: {text}")
            if has_proxy:  # nothing but the proxy is connected to
                found = exceptions.ProxyError("Unable to connect to proxy", found)
        case _:
            found = exceptions.ProtocolError("Connection aborted.", error)
    found.__cause__ = error
    return found


def read_timeout(error: HttpTimeout, peer: Any, timeout: Timeout) -> Exception:
    """Return what urllib3 raises when nothing comes any more. peer: a Peer. timeout: that of the request."""
    limit = timeout.read if isinstance(error, ReadTimeout) else timeout.total
    return exceptions.ReadTimeoutError(peer, peer.path, f"Read timed out. (read timeout={limit})")


def body_error(error: HooklineError, peer: Peer, received: int, missing: int | None, timeout: Timeout) -> Exception:
    """Return what urllib3 would have raised amid the body of a response.

    received: bytes of the body so far. missing: those that the head has announced besides; None = unknown.
    """
    found: Exception
    if isinstance(error, HttpTimeout):
        found = read_timeout(error, peer, timeout)
    elif isinstance(error, SSLError):
        found = exceptions.SSLError(error.__cause__ or error)
    elif isinstance(error, ConnectionClosed) and missing is not None:
        cut = exceptions.IncompleteRead(received, missing)
        found = exceptions.ProtocolError(f"Connection broken: {cut!r}", cut)
    else:
        found = exceptions.ProtocolError(f"Connection broken: {error}", error)
    found.__cause__ = error
    return found


def requests_error(error: Exception, request: PreparedRequest) -> Exception:
    """Return what requests' adapter raises for an exception of urllib3, or of Hookline where urllib3 has none."""
    kind: type[requests.exceptions.RequestException] = requests.exceptions.ConnectionError
    reason = error.reason if isinstance(error, exceptions.MaxRetryError) else error
    match reason:
        case exceptions.NewConnectionError():
            kind = requests.exceptions.ConnectionError
        case exceptions.ConnectTimeoutError():
            kind = requests.exceptions.ConnectTimeout
        case exceptions.ResponseError():
            kind = requests.exceptions.RetryError
        case exceptions.ProxyError():
            kind = requests.exceptions.ProxyError
        case exceptions.SSLError():
            kind = requests.exceptions.SSLError
        case exceptions.ReadTimeoutError() if reason is error:
            kind = requests.exceptions.ReadTimeout
        case exceptions.InvalidHeader() | LocalProtocolError():
            kind = requests.exceptions.InvalidHeader
        case InvalidURL():
            kind = requests.exceptions.InvalidURL
        case BodyNotRepeatable() | exceptions.UnrewindableBodyError():
            kind = requests.exceptions.UnrewindableBodyError
    return kind(error, request=request)
