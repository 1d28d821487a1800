"""`HooklineAdapter`: sessions of requests send with Hookline."""

from __future__ import annotations

import ssl
import weakref
from collections.abc import Iterable, Mapping
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.cookies import extract_cookies_to_jar
from requests.exceptions import ChunkedEncodingError, ConnectionError, InvalidHeader, InvalidSchema, SSLError
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers, select_proxy
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from hookline import (
    BodyNotRepeatable,
    ConnectionClosed,
    HooklineError,
    HttpClient,
    HttpRequestException,
    LocalProtocolError,
    PluginError,
    RemoteProtocolError,
)

from ..as_given import installed, make_client
from .errors import Peer, body_error, requests_error, urllib3_error
from .exchange import Exchange, Lease
from .raw_response import BodyFile, RawResponse, make_raw
from .request_body import RequestBody
from .retries import with_retries
from .settings import as_proxy, as_timeout, tls_options

# requests never waits for a free connection, and a program may hold any number of streams at once.
ANY_NUMBER = 2**31
# What requests' own adapter takes, and what stands for it here.
OF_URLLIB3 = {
    "pool_connections": "it is not needed: there is no limit of hosts",
    "pool_maxsize": "pool_size= is the most connections to one host; calls wait for one",
    "pool_block": "with pool_size= calls wait for a connection, without it they never do",
}


class HooklineAdapter(BaseAdapter):
    """A transport adapter of requests, which sends with Hookline:

        session = requests.Session()
        session.mount("https://", HooklineAdapter())
        session.mount("http://", HooklineAdapter())

    The session keeps its own redirects, cookies, authentication and content codings. Any number of threads may use an adapter,
    or several, at once: one thread of the process runs the exchanges of all of them. An adapter can be closed and used again, and
    it can be pickled, unless it was given a client.

    client: the HttpClient to send with, which the adapter takes over: it can be used by nothing else, and `close` closes it. Its
        plugins run, but for those that do what requests does itself (redirects, cookies, authentication, decoders).
        None: a client without plugins.
    max_retries: as for requests' own adapter: how often a request is sent again if no connection could be opened, or a `Retry`
        of urllib3. Default 0.
    client_options: parameters and options of the client to make, such as `keep_alive=60`, `http2=True` or
        `plugins=["throttle"]`. `pool_size` is unlimited by default. With `verify=` the session's `verify=True` means that value.

    Raises: TypeError, for client_options beside a client, and for those of requests' own adapter that have another name here;
    what `HttpClient` raises.

    Example: docs/bridges/requests.md#requests
    """

    def __init__(
        self, client: HttpClient[Any] | None = None, *, max_retries: int | Retry = 0, **client_options: Any
    ) -> None:
        super().__init__()
        for name in client_options.keys() & OF_URLLIB3.keys():
            raise TypeError(f"HooklineAdapter() has no {name}=: {OF_URLLIB3[name]}")
        if client is not None and client_options:
            raise TypeError(
                f"HooklineAdapter() takes a client or options for one, not both: {', '.join(client_options)}"
            )
        self.max_retries = Retry(0, read=False) if max_retries == 0 else Retry.from_int(max_retries)
        self._client, self._options = client, client_options
        self._start()

    def _start(self) -> None:
        """Make the client if there is none; nothing connects before the first request."""
        client = make_client(**{"pool_size": ANY_NUMBER, **self._options}) if self._client is None else self._client
        self._lease = Lease(client)
        self._has_tunnel = any(plugin.name == "tunnel" for plugin in client.plugins)
        self._has_verify = client.verify is not True
        weakref.finalize(
            self, self._lease.retire
        ).atexit = False  # the loop thread closes its clients at the end itself

    def __getstate__(self) -> dict[str, Any]:
        return {"max_retries": self.max_retries, "_client": self._client, "_options": self._options}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start()

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a prepared request, and return its response when its head is here. Sessions call this.

        stream: False = the caller is about to read the whole body.
        timeout: seconds for the connection and for each wait for the response, (connect, read), a Timeout of urllib3, or None.
        verify: True, False, or the path of a file or directory of authorities. cert: a path, or (certificate, key).
        proxies: as sessions have them: proxies by scheme, or by scheme and host.

        Raises: the exceptions of `requests.exceptions`; each leads to Hookline's own by `__cause__`. OSError, for files that do
        not exist; ValueError, for a wrong timeout; what the iterable of the body raises.

        Example::

            import requests
            from hookline_bridges.requests import HooklineAdapter

            adapter = HooklineAdapter()
            request = requests.Request("GET", "http://127.0.0.1:8000/").prepare()
            response = adapter.send(request)
            print(response.status_code, adapter.build_response(request, response.raw).status_code)
            adapter.close()
        """
        method, url = request.method or "", request.url or ""
        peer = Peer(url)
        limits = as_timeout(timeout)
        options = self._options_of(url, peer, verify, cert, proxies)
        fields = [(name, field_value(name, value, request)) for name, value in request.headers.items()]
        body = RequestBody(request.body)

        def attempt() -> RawResponse:
            exchange = Exchange(self._lease, peer, limits, gathers=not stream)
            try:
                response, received = exchange.send(method, url, fields, body.for_attempt(), options)
                return make_raw(
                    request, response, BodyFile(received, exchange), exchange.carrier, is_wanted_whole=not stream
                )
            except (LocalProtocolError, BodyNotRepeatable):
                raise
            except HttpRequestException as error:
                if isinstance(error, (RemoteProtocolError, ConnectionClosed)) and error.response is not None:
                    # its head came, and with it a body that is none
                    raise ChunkedEncodingError(body_error(error, peer, 0, None, limits), request=request) from error
                raise urllib3_error(error, peer, limits, has_proxy="proxies" in options) from error
            except BaseException:
                exchange.abandon()  # interrupted when the response was here already
                raise

        try:
            raw = with_retries(self.max_retries, method, peer, attempt, body.rewind)
        except (PluginError, ChunkedEncodingError):
            raise
        except (HTTPError, HooklineError) as error:
            raise requests_error(error, request) from error
        except ssl.SSLError as error:  # a file of verify= or cert= that cannot be used
            raise SSLError(error, request=request) from error
        except OSError as error:
            raise ConnectionError(error, request=request) from error
        response = self.build_response(request, raw)
        if not stream and raw.body_file.has_come and "content-encoding" not in raw.headers:
            # What Session.send does next, without its loop over pieces: a quarter of what a small response costs here.
            response._content = raw.read()
            response._content_consumed = True
        return response

    def _options_of(
        self, url: str, peer: Peer, verify: Any, cert: Any, proxies: Mapping[str, str] | None
    ) -> dict[str, Any]:
        """Return the options of Hookline for one call: those of TLS, and the proxy.

        Raises: see `tls_options` and `as_proxy`; InvalidSchema, if the plugin for proxies is not installed.
        """
        options: dict[str, Any] = {}
        if url[:6].lower() == "https:":
            options = tls_options(verify, cert, peer, has_default=self._has_verify)
        proxy = select_proxy(url, proxies) if proxies else None  # type: ignore[arg-type]  # it reads any mapping
        if proxy:
            options["proxies"] = {"all": as_proxy(proxy), "no": ""}
            if not self._has_tunnel:
                try:
                    options["plugins"] = [installed("tunnel", "a proxy", "hookline-tunnel")]
                except ImportError as error:
                    raise InvalidSchema(str(error)) from error
        return options

    def build_response(self, request: PreparedRequest, raw: RawResponse) -> Response:
        """Make the response of requests from that of urllib3, as requests' own adapter does."""
        response = Response()
        response.status_code = raw.status
        response.headers = CaseInsensitiveDict(joined(raw.headers.iteritems()))
        response.encoding = get_encoding_from_headers(response.headers)
        response.raw = raw
        response.reason = raw.reason or ""
        response.url = request.url or ""
        extract_cookies_to_jar(response.cookies, request, raw)
        response.request = request
        response.connection = self  # type: ignore[assignment]  # typed as requests' own adapter
        return response

    def close(self) -> None:
        """Close the connections: the idle ones now, the others when the bodies of their responses were read or closed."""
        self._lease.retire()


def field_value(name: str, value: Any, request: PreparedRequest) -> Any:
    """Return a value as it is sent: str outside ASCII as Latin-1, as http.client does.

    Raises: InvalidHeader.
    """
    if not isinstance(value, str) or value.isascii():
        return value
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError as error:
        raise InvalidHeader(
            f"{name}: a field has characters of Latin-1; encode others yourself", request=request
        ) from error


def joined(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return fields by name, several of one name as one list with commas, each name as it was first spelled."""
    names: dict[str, str] = {}
    found: dict[str, str] = {}
    for name, value in fields:
        first = names.setdefault(name.lower(), name)
        found[first] = f"{found[first]}, {value}" if first in found else value
    return found
