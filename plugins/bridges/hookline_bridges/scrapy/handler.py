"""`HooklineDownloadHandler`: Scrapy downloads with Hookline.

    DOWNLOAD_HANDLERS = {
        "http": "hookline_bridges.scrapy.HooklineDownloadHandler",
        "https": "hookline_bridges.scrapy.HooklineDownloadHandler",
    }

Scrapy's middlewares have redirects, cookies, retries, compression and caches, so requests are sent exactly as Scrapy made them.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from contextvars import ContextVar
from functools import lru_cache
from io import BytesIO
from time import monotonic
from typing import Any, NoReturn

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    NotConfigured,
    NotSupported,
    ResponseDataLossError,
    StopDownload,
)
from scrapy.http import Headers, Response
from scrapy.responsetypes import responsetypes
from scrapy.utils.asyncio import is_asyncio_available
from twisted.python.failure import Failure

from hookline import (
    Carrier,
    ClientClosed,
    ConnectionFacts,
    ConnectionRefused,
    DNSError,
    HttpConnectionError,
    HttpProxyError,
    HttpRequestException,
    HttpResponse,
    HttpTimeout,
    LocalProtocolError,
    hookimpl,
)

from ..as_given import Sender, is_installed, make_client
from .proxy import proxy_url
from .tls import ssl_context

logger = logging.getLogger(__name__)

_MANY = 1000  # connections to one host, where CONCURRENT_REQUESTS is 0, which means any number


class HooklineDownloadHandler:
    """A download handler of Scrapy for http and https; it needs asyncio, which Scrapy uses by default.

    It follows the settings and the keys of `request.meta` that Scrapy documents for downloads: download_timeout,
    download_maxsize, download_warnsize, download_fail_on_dataloss, proxy, bindaddress, verbatim_url, and sets download_latency.
    The signals headers_received and bytes_received are sent, and StopDownload ends a download.

    The setting HOOKLINE_CLIENT_OPTIONS is a dict of further keywords for the HttpClient: `http2=True` for HTTP/2 over TLS where
    servers have it (it needs the plugin `http2`), `plugins=["throttle"]`, `keep_alive=60`. Proxies need the plugin `tunnel`.

    Example::

        from scrapy import Request, Spider
        from scrapy.utils.test import get_crawler
        from hookline_bridges.scrapy import HooklineDownloadHandler

        crawler = get_crawler(Spider)
        handler = HooklineDownloadHandler.from_crawler(crawler)
        response = await handler.download_request(Request("http://127.0.0.1:8000/"))
        print(response.body)
        handler.warn_of_dataloss(response.url)
        await handler.close()
    """

    lazy = False

    def __init__(self, crawler: Crawler) -> None:
        """Make the client.

        Raises: NotConfigured, without asyncio, or if a plugin that HOOKLINE_CLIENT_OPTIONS asks for is missing.
        """
        if not is_asyncio_available():
            raise NotConfigured(
                "HooklineDownloadHandler needs asyncio: set TWISTED_REACTOR to"
                " 'twisted.internet.asyncioreactor.AsyncioSelectorReactor', which is Scrapy's default"
            )
        settings = crawler.settings
        self._crawler = crawler
        self._maxsize: int = settings.getint("DOWNLOAD_MAXSIZE")
        self._warnsize: int = settings.getint("DOWNLOAD_WARNSIZE")
        self._timeout: float = settings.getfloat("DOWNLOAD_TIMEOUT")
        self._fails_on_dataloss: bool = settings.getbool("DOWNLOAD_FAIL_ON_DATALOSS")
        self._has_warned_of_dataloss = False
        own: dict[str, Any] = settings.getdict("HOOKLINE_CLIENT_OPTIONS")
        options: dict[str, Any] = {
            "pool_size": settings.getint("CONCURRENT_REQUESTS") or _MANY,
            "verify": ssl_context(settings, http2=bool(own.get("http2"))),
            "source_address": settings.get("DOWNLOAD_BIND_ADDRESS"),
            "trust_env": False,  # proxies of the environment are those of Scrapy's middleware
            **own,
        }
        self.facts = _Facts()
        self._has_proxies = is_installed("tunnel")
        options["plugins"] = [*options.get("plugins", ()), self.facts, *(["tunnel"] if self._has_proxies else [])]
        try:
            self._sender = Sender(make_client(**options))
        except ImportError as error:
            raise NotConfigured(str(error)) from error

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> HooklineDownloadHandler:
        """Make the handler of a crawler."""
        return cls(crawler)

    async def close(self) -> None:
        """Close all connections; downloads that still run fail with DownloadCancelledError."""
        await self._sender.client.close()

    async def download_request(self, request: Request) -> Response:
        """Download a request of Scrapy.

        Raises: the exceptions of Scrapy for downloads, each with the exception of Hookline as its cause; InvalidURL.
        """
        meta = request.meta
        timeout: float = meta.get("download_timeout", self._timeout)
        begin = monotonic()
        try:
            async with asyncio.timeout(timeout or None):
                response = await self._send(request)
                meta["download_latency"] = monotonic() - begin
                try:
                    return await _Download(self, request, response).receive()
                finally:
                    if response.connection is not None:
                        await response.aclose()
        except TimeoutError as error:
            raise DownloadTimeoutError(f"Getting {request.url} took longer than {timeout} seconds.") from error
        except HttpRequestException as error:
            raise_for_scrapy(error)

    async def _send(self, request: Request) -> HttpResponse[Any, Any]:
        """Send a request, and return its response when its head is here."""
        meta = request.meta
        options: dict[str, Any] = {}
        fields = [(name, value) for name, values in request.headers.items() for value in values]
        if meta.get("proxy"):
            if not self._has_proxies:
                raise NotSupported("a proxy needs the plugin 'tunnel': pip install hookline-tunnel")
            url = proxy_url(meta["proxy"], request.headers.get(b"Proxy-Authorization"))
            options["proxies"] = {"all": url, "no": ""}
        if b"Proxy-Authorization" in request.headers:  # the tunnel sends it, and to the proxy alone
            fields = [field for field in fields if field[0] != b"Proxy-Authorization"]
        if meta.get("bindaddress"):
            options["source_address"] = meta["bindaddress"]
        if meta.get("verbatim_url"):
            options["target"] = _target_as_written(request.url)
        return await self._sender.send(request.method, request.url, fields, request.body or None, **options)

    def warn_of_dataloss(self, url: str) -> None:
        """Log, at the first loss of data, what can be done about it."""
        if not self._has_warned_of_dataloss:
            self._has_warned_of_dataloss = True
            logger.warning(
                "Got data loss in %s. If you want to process broken responses set the setting DOWNLOAD_FAIL_ON_DATALOSS = False"
                " -- This message won't be shown in further requests",
                url,
            )


class _Facts:
    """A plugin that notes the facts of the connection of each request; a response without a body has no connection left."""

    name = "facts for scrapy"

    def __init__(self) -> None:
        self.found: ContextVar[ConnectionFacts | None] = ContextVar("hookline_bridges.scrapy.facts", default=None)

    @hookimpl
    def connected(self, connection: Carrier) -> None:
        self.found.set(connection.facts())


class _Download:
    """One response that is received, with the limits of its request, and the signals."""

    def __init__(self, handler: HooklineDownloadHandler, request: Request, response: HttpResponse[Any, Any]) -> None:
        self._handler, self._request, self._response = handler, request, response
        self._crawler = handler._crawler
        spider, meta = self._crawler.spider, request.meta
        self._maxsize: int = meta.get("download_maxsize", getattr(spider, "download_maxsize", handler._maxsize))
        self._warnsize: int = meta.get("download_warnsize", getattr(spider, "download_warnsize", handler._warnsize))
        self._headers = Headers(_fields_of(response.raw_head))
        facts = handler.facts.found.get()
        self._arguments: dict[str, Any] = {
            "url": request.url,
            "status": response.status_code,
            "headers": self._headers,
            "protocol": "h2" if response.version == "HTTP/2" else response.version or None,
            "certificate": None if facts is None else facts.certificate,
            "ip_address": None if facts is None else _ip_address(facts.peer),
        }

    async def receive(self) -> Response:
        """Receive the body, and return the response of Scrapy.

        Raises: DownloadCancelledError, for a body that is too large; ResponseDataLossError; StopDownload.
        """
        request, response = self._request, self._response
        length = self._expected_length()
        if length is not None:
            self._check_size(length, "Expected to receive")
        stop = self._send_signal(signals.headers_received, headers=self._headers, body_length=length)
        if stop is not None:
            return self._build(b"", stop=stop)
        body = b""
        buffer: BytesIO | None = None
        received = 0
        try:
            async for chunk in response.raw:
                received += len(chunk)
                if not body:
                    body = chunk
                else:
                    if buffer is None:
                        buffer = BytesIO()
                        buffer.write(body)
                    buffer.write(chunk)
                stop = self._send_signal(signals.bytes_received, data=chunk)
                if stop is not None:
                    return self._build(body if buffer is None else buffer.getvalue(), stop=stop)
                self._check_size(received, "Received")
        except (ClientClosed, HttpTimeout):
            raise
        except HttpConnectionError as error:
            if request.meta.get("download_fail_on_dataloss", self._handler._fails_on_dataloss):
                self._handler.warn_of_dataloss(request.url)
                raise ResponseDataLossError(str(error)) from error
            return self._build(body if buffer is None else buffer.getvalue(), flags=["dataloss"])
        return self._build(body if buffer is None else buffer.getvalue())

    def _expected_length(self) -> int | None:
        """Return how many bytes the body will have, as the head says; None = unknown."""
        length = self._headers.get(b"Content-Length")
        if length is None or self._request.method == "HEAD" or not length.strip().isdigit():
            return None
        return int(length)

    def _check_size(self, size: int, what: str) -> None:
        """Compare the size of the body with the limits. what: the beginning of the message.

        Raises: DownloadCancelledError.
        """
        if self._maxsize and size > self._maxsize:
            message = f"{what} {size} bytes which is larger than download max size ({self._maxsize}) in request {self._request}."
            logger.warning(message)
            raise DownloadCancelledError(message)
        if self._warnsize and size > self._warnsize:
            logger.warning(
                "%s %s bytes which is larger than download warn size (%s) in request %s.",
                what, size, self._warnsize, self._request,
            )  # fmt: skip
            self._warnsize = 0  # once

    def _send_signal(self, signal: object, **arguments: Any) -> StopDownload | None:
        """Send a signal, and return the StopDownload that a receiver has raised; None = none did."""
        answers = self._crawler.signals.send_catch_log(
            signal=signal, request=self._request, spider=self._crawler.spider, **arguments
        )
        for _, answer in answers:
            if isinstance(answer, Failure) and isinstance(answer.value, StopDownload):
                return answer.value
        return None

    def _build(self, body: bytes, *, flags: list[str] | None = None, stop: StopDownload | None = None) -> Response:
        """Return the response of Scrapy.

        stop: what has ended the download; None = it came to its end.

        Raises: StopDownload, if the errback shall have the response.
        """
        kind = responsetypes.from_args(headers=self._headers, url=self._request.url, body=body)
        response: Response = kind(body=body, flags=flags, **self._arguments)
        if stop is not None:
            response.flags.append("download_stopped")
            if stop.fail:
                stop.response = response
                raise stop
        return response


def raise_for_scrapy(error: HttpRequestException) -> NoReturn:
    """Raise the exception of Scrapy that means the same, with this one as its cause.

    Raises: CannotResolveHostError, DownloadConnectionRefusedError, DownloadTimeoutError, DownloadFailedError and
    DownloadCancelledError; ValueError, for a request that cannot be sent.
    """
    kinds: list[tuple[type[Exception], type[Exception]]] = [
        (HttpTimeout, DownloadTimeoutError),
        (DNSError, CannotResolveHostError),
        (ConnectionRefused, DownloadConnectionRefusedError),
        (HttpProxyError, DownloadConnectionRefusedError),
        (ClientClosed, DownloadCancelledError),
        (LocalProtocolError, ValueError),  # it is never sent, so it is not tried again
    ]
    kind = next((theirs for ours, theirs in kinds if isinstance(error, ours)), DownloadFailedError)
    raise kind(str(error)) from error


def _fields_of(raw_head: bytes) -> list[tuple[bytes, bytes]]:
    """Return the fields of a head as bytes, in their order, also several of one name."""
    return [
        (name, value.strip(b" \t"))
        for name, _, value in (line.partition(b":") for line in raw_head.split(b"\r\n")[1:] if line)
    ]


@lru_cache(1024)
def _ip_address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _ip_address(peer: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address of a peer as the socket module has it; None for a Unix socket."""
    return _ip_address_of(peer[0]) if isinstance(peer, tuple) and peer else None


def _target_as_written(url: str) -> str:
    """Return the path and the query of a URL as they are written."""
    rest = url.partition("#")[0].partition("://")[2]
    begin = min((rest.find(mark) for mark in "/?" if mark in rest), default=len(rest))
    target = rest[begin:]
    return target if target.startswith("/") else "/" + target
