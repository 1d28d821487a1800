"""The exceptions of Hookline, as one tree. In parentheses: the exception of Python that a class is besides.

    HooklineError
      HttpRequestException (ConnectionError)        an exchange failed: .request, .response
        HttpConnectionError                         no connection could be opened, or it was lost
          ConnectionClosed                          the peer closed the connection before the response was complete
          ConnectionRefused                         no server accepts connections at the addresses of the host
          ClientClosed                              the client was closed during the call
          DNSError                                  the host has no address
          SSLError                                  the TLS handshake failed, or the certificate is not trusted
          HttpProxyError                            a proxy refused the exchange
        HttpTimeout (TimeoutError)                  the whole call took longer than `Timeout(total=)`
          ConnectTimeout                            opening a connection took longer than `Timeout(connect=)` or `tls=`
          ReadTimeout                               the peer sent nothing for as long as `Timeout(read=)`
          WriteTimeout                              the peer accepted no data for as long as `Timeout(write=)`
          PoolTimeout                               no connection became free within `Timeout(pool=)`
        ProtocolError                               one of the two sides broke HTTP
          RemoteProtocolError                       the peer sent invalid HTTP
          LocalProtocolError (ValueError)           the caller asked to send something that HTTP does not allow
        BodyTooLarge                                the body has more than `max_body` bytes
        DecodingError                               a content coding cannot be decoded
        BodyNotRepeatable                           a follow-up needs the body again, but it can be read only once
      InvalidURL (ValueError)                       the URL names no origin, or holds forbidden characters
      StreamConsumedError                           the body was already read, or is a stream that was not read yet
      StreamAbandoned                               `exc` of post_request if a stream was not read to its end
      PluginError                                   a plugin cannot be loaded, or breaks the rules
        PluginTypeError (TypeError)                 `plugins=`, `disable=`, a handler … has the wrong type

Plugins derive exceptions of their own from these classes. No message contains a credential, a query or a userinfo; bytes
from the peer are escaped and cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .copying import snapshot


class HooklineError(Exception):
    """The base of all exceptions that Hookline and its plugins define.

    Example: docs/errors.md#what-to-catch
    """

    __reduce__ = snapshot  # copies request and response too, and the causes as far as they can be pickled


class HttpRequestException(HooklineError, ConnectionError):
    """An exchange failed.

    request: the HttpRequest of the exchange. response: its HttpResponse. Each is None if the exchange failed before it
    was made. If only `response` is given, `request` is the request of that response.
    was_processed: False if the peer has said that it did not process the request; then it is sent again, whatever its method.
    None = unknown.
    was_sent: False if the exchange failed before its request was sent, as when no connection could be opened. None = unknown.
    required_protocol: by which the peer wants a request that it did not process, such as "http/1.1". None = the same.
    is_permanent: True for a class whose errors come again however often the request is sent: retries leave them alone.

    Example: docs/errors.md#what-to-catch
    """

    is_permanent = False
    was_processed: bool | None = None
    was_sent: bool | None = None
    required_protocol: str | None = None

    def __init__(self, message: str = "", *, request: Any = None, response: Any = None) -> None:
        super().__init__(message)
        self.response = response
        self.request = request if request is not None or response is None else response.request


class HttpConnectionError(HttpRequestException):
    """No connection could be opened, or it was lost.

    Example: docs/errors.md#what-to-catch
    """


class ConnectionClosed(HttpConnectionError):
    """The peer closed the connection before the response was complete.

    Example: docs/errors.md#what-to-catch
    """


class ConnectionRefused(HttpConnectionError):
    """No server accepts connections at any address of the host.

    Example: docs/errors.md#what-to-catch
    """


class ClientClosed(HttpConnectionError):
    """The client was closed during the call. The request is not sent again.

    Example: docs/errors.md#what-to-catch
    """


class DNSError(HttpConnectionError):
    """The host has no address.

    Example: docs/errors.md#what-to-catch
    """


class SSLError(HttpConnectionError):
    """The TLS handshake failed, or the peer's certificate is not trusted.

    Example: docs/errors.md#what-to-catch
    """


class HttpProxyError(HttpConnectionError):
    """A proxy refused the exchange.

    Example: docs/errors.md#what-to-catch
    """


class HttpTimeout(HttpRequestException, TimeoutError):
    """The whole call took longer than `Timeout(total=)`. The subclasses stand for the other parts of a `Timeout`.

    Example: docs/errors.md#what-to-catch
    """


class ConnectTimeout(HttpTimeout):
    """Opening a connection took longer than `Timeout(connect=)` or `Timeout(tls=)`.

    Example: docs/errors.md#what-to-catch
    """


class ReadTimeout(HttpTimeout):
    """The peer sent nothing for as long as `Timeout(read=)`.

    Example: docs/errors.md#what-to-catch
    """


class WriteTimeout(HttpTimeout):
    """The peer accepted no more data of the body for as long as `Timeout(write=)`.

    Example: docs/errors.md#what-to-catch
    """


class PoolTimeout(HttpTimeout):
    """No connection to the host became free within `Timeout(pool=)`.

    Example: docs/errors.md#what-to-catch
    """


class ProtocolError(HttpRequestException):
    """One of the two sides broke HTTP.

    Example: docs/errors.md#what-to-catch
    """


class RemoteProtocolError(ProtocolError):
    """The peer sent invalid HTTP/1.1, or more than the limits on heads and chunks allow.

    Example: docs/errors.md#what-to-catch
    """


class LocalProtocolError(ProtocolError, ValueError):
    """The caller asked to send a method, a field or a body that HTTP/1.1 does not allow.

    Example: docs/requests.md#header-fields
    """


class BodyTooLarge(HttpRequestException):
    """The body has more bytes than `max_body` allows.

    Example: docs/errors.md#what-to-catch
    """


class DecodingError(HttpRequestException):
    """A content coding of the body cannot be decoded.

    Example: docs/errors.md#what-to-catch
    """


class BodyNotRepeatable(HttpRequestException):
    """A body is needed twice, for a follow-up such as a redirect or for its digest, but its source can be read only once.

    Example: docs/plugins/bodies.md#the-digest-of-a-body
    """


class InvalidURL(HooklineError, ValueError):
    """A URL names no origin, or holds characters that no URL may hold.

    Example: docs/requests.md#hosts
    """


class StreamConsumedError(HooklineError):
    """The body was already read, or belongs to a stream that was not read yet.

    Example: docs/migrating-from-pulsar.md#same-names-other-results
    """


class StreamAbandoned(HooklineError):
    """A stream was not read to its end. Hooks of post_request get this as `exc`; it is never raised to the caller.

    Example::

        from hookline import HttpClient, StreamAbandoned


        def note(response, exc=None):
            print("left before its end:", isinstance(exc, StreamAbandoned))


        with HttpClient() as client:
            with client.get("http://127.0.0.1:8000/large", stream=True, post_request=note) as response:
                response.raw.read(100)
    """


class PluginError(HooklineError):
    """A plugin cannot be loaded, or breaks the rules of plugins and events.

    Example: docs/plugins/index.md#loading
    """


class PluginTypeError(PluginError, TypeError):
    """`plugins=`, `disable=`, a handler or another part of a plugin has the wrong type.

    Example::

        from hookline import HttpClient, PluginTypeError

        try:
            HttpClient(disable=7)
        except PluginTypeError as error:
            print(error)
    """


def shown(data: bytes | str, limit: int = 60) -> str:
    """Escape data of a peer for a message, and cut it at `limit` characters."""
    text = data.decode("latin-1") if isinstance(data, bytes) else data
    cut = text[:limit]
    return ascii(cut) + ("…" if len(text) > limit else "")


def reason_of(error: BaseException) -> str:
    """Say why something failed: in the words of the operating system, else of the error, else of its class."""
    text = getattr(error, "strerror", None) or str(error)
    if text:
        return str(text)
    if isinstance(error, (ConnectionError, EOFError)):  # without a text, from event loops: the peer has closed
        return "the peer closed the connection"
    return "it took too long" if isinstance(error, TimeoutError) else type(error).__name__


def nearest(name: str, known: Sequence[str]) -> str | None:
    """Return the known name that is most similar to this one, for messages; None if none is similar."""
    from difflib import get_close_matches  # imported here, because only errors need it: 1 ms

    return next(iter(get_close_matches(name, known, 1)), None)
