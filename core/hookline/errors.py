"""The tree of everything that Hookline raises on purpose.

    HooklineError
      HttpRequestException (ConnectionError)        an exchange failed: .request, .response
        HttpConnectionError                         no connection, or it was lost
          ConnectionClosed                          the peer closed it before the response was whole
          ConnectionRefused                         nobody listens there
          ClientClosed                              the client was closed meanwhile
          DNSError                                  the host has no address
          SSLError                                  the TLS handshake failed, or the certificate is not trusted
          HttpProxyError                            a proxy refused to carry the exchange
        HttpTimeout (TimeoutError)                  the whole call took too long
          ConnectTimeout, ReadTimeout, WriteTimeout, PoolTimeout
        ProtocolError
          RemoteProtocolError                       the peer broke HTTP
          LocalProtocolError (ValueError)           the caller asked for something that HTTP cannot carry
        BodyTooLarge                                more than `max_body` bytes
        DecodingError                               a content coding that cannot be undone
        BodyNotRepeatable                           a follow-up needs the body again, and it is gone
      InvalidURL (ValueError)
      StreamConsumedError                           the body was already taken
      StreamAbandoned                               told to post_request when nobody read the body to its end
      PluginError                                   a plugin that cannot be loaded, or breaks the rules of the events
        PluginTypeError (TypeError)                 plugins=, disable=, a handler … is not of the kind that it must be

Plugins add leaves of their own. No message holds a credential, a query or a userinfo.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .copying import snapshot


class HooklineError(Exception):
    """Whatever this package raises on purpose."""

    __reduce__ = snapshot  # of its request and response too, and of its causes as far as they can be pickled


class HttpRequestException(HooklineError, ConnectionError):
    """An exchange failed.

    request: the HttpRequest of the exchange. response: its HttpResponse. Each is None where there is none.
    """

    def __init__(self, message: str = "", *, request: Any = None, response: Any = None) -> None:
        super().__init__(message)
        self.response = response
        self.request = request if request is not None or response is None else response.request


class HttpConnectionError(HttpRequestException):
    """There is no connection, or it was lost."""


class ConnectionClosed(HttpConnectionError):
    """The peer closed the connection before the response was whole."""


class ConnectionRefused(HttpConnectionError):
    """Nobody listens at any address of the host."""


class ClientClosed(HttpConnectionError):
    """The client was closed while the call was under way. Nothing is sent once more for that."""


class DNSError(HttpConnectionError):
    """The host has no address."""


class SSLError(HttpConnectionError):
    """The TLS handshake failed, or the peer's certificate is not trusted."""


class HttpProxyError(HttpConnectionError):
    """A proxy refused to carry the exchange."""


class HttpTimeout(HttpRequestException, TimeoutError):
    """The call did not end within its total timeout."""


class ConnectTimeout(HttpTimeout):
    """No connection within the time given for it."""


class ReadTimeout(HttpTimeout):
    """The peer sent nothing for too long."""


class WriteTimeout(HttpTimeout):
    """The peer took no more of the body for too long."""


class PoolTimeout(HttpTimeout):
    """All connections to the host stayed busy for too long."""


class ProtocolError(HttpRequestException):
    """One of the two sides broke HTTP."""


class RemoteProtocolError(ProtocolError):
    """The peer sent what is not HTTP/1.1, or more than the limits allow."""


class LocalProtocolError(ProtocolError, ValueError):
    """The caller asked for a method, a field or a body that HTTP/1.1 cannot carry."""


class BodyTooLarge(HttpRequestException):
    """The body has more bytes than `max_body` allows."""


class DecodingError(HttpRequestException):
    """A content coding of the body cannot be undone."""


class BodyNotRepeatable(HttpRequestException):
    """A follow-up needs the request's body once more, and its source can be read once only."""


class InvalidURL(HooklineError, ValueError):
    """A URL that names no origin, or holds what no URL may hold."""


class StreamConsumedError(HooklineError):
    """The body was already taken, or is still a stream that nobody read."""


class StreamAbandoned(HooklineError):
    """Nobody read the body to its end. post_request gets it as `exc`; the caller never does."""


class PluginError(HooklineError):
    """A plugin cannot be loaded, or breaks the rules of the events."""


class PluginTypeError(PluginError, TypeError):
    """What should name plugins, or be a handler, is something else."""


def shown(data: bytes | str, limit: int = 60) -> str:
    """Bytes of a peer as they may stand in a message: escaped, and cut at `limit` characters."""
    text = data.decode("latin-1") if isinstance(data, bytes) else data
    cut = text[:limit]
    return ascii(cut) + ("…" if len(text) > limit else "")


def reason_of(error: BaseException) -> str:
    """Why something failed, in words: that of the system, else the error's own, else what its class stands for."""
    text = getattr(error, "strerror", None) or str(error)
    if text:
        return str(text)
    if isinstance(error, (ConnectionError, EOFError)):  # so the loops tell that the other side has gone
        return "the peer closed the connection"
    return "it took too long" if isinstance(error, TimeoutError) else type(error).__name__


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name that looks most like this one, for messages; None where none does."""
    from difflib import get_close_matches  # here, because only mistakes need it: 1 ms

    return next(iter(get_close_matches(name, known, 1)), None)
