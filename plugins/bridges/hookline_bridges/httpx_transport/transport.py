"""The transports: a request of httpx is sent by Hookline, and its response is one of httpx."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

from hookline import ConnectTimeout, HooklineError, HttpClient, HttpConnectionError, HttpResponse, Source

from ..as_given import Sender
from ..loop_thread import Errands, LoopThread, loop_thread
from .exceptions import raise_as
from .head import SCHEMES, extensions_of, fields_of, timeout_of, url_of
from .network_stream import NetworkStream, SyncNetworkStream, SyncUpgradedStream, Upgraded, UpgradedStream, Upgrades
from .settings import client_of
from .socket_options import SocketOption
from .trace import complete, failed, started

FIRST_PAUSE = (
    0.5  # seconds before the second attempt to connect, and twice as many before each further one, as in httpcore
)


class Transport:
    """What both transports have in common.

    library: httpx or httpx2. client: the HttpClient that sends.
    """

    library: Any

    def __init__(
        self,
        client: HttpClient[Any] | None = None,
        *,
        verify: Any = True,
        cert: Any = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        limits: Any = None,
        proxy: Any = None,
        uds: str | None = None,
        local_address: str | None = None,
        retries: int = 0,
        socket_options: Iterable[SocketOption] | None = None,
        keeps: Iterable[str] = (),
        plugins: Sequence[Any] = (),
        **client_options: Any,
    ) -> None:
        """Make a transport.

        client: an HttpClient of your own, with its settings and its plugins; those that do what httpx does (redirects, cookies,
            authentication, decoding) leave the requests of the transport alone. `aclose` does not close it, but `close` does.
            None: the transport makes one by the other parameters, in which only the plugins run that are named.
        verify, cert, trust_env, http1, http2, limits, proxy, uds, local_address, retries, socket_options: as for the transports
            of httpx. limits: None = those of httpx. Of its `max_keepalive_connections`, 0 keeps no connection; another number
            is no limit of its own.
        keeps: names of plugins of `client` that run although httpx does the same, such as "cookies".
        plugins: plugin objects, and names of installed plugins, that run in the client, such as "retry".
        client_options: others of `HttpClient`, and options of these plugins.

        Raises: TypeError, for an unknown keyword, and for one beside `client`; ValueError, for a value that Hookline has nothing
        for; ImportError, for `http2` or `proxy` without its plugin.
        """
        if client is not None:
            given = {
                "verify": verify is not True, "cert": cert is not None, "trust_env": trust_env is not True, "http1": not http1,
                "http2": http2, "limits": limits is not None, "proxy": proxy is not None, "uds": uds is not None,
                "local_address": local_address is not None, "socket_options": socket_options is not None,
                "plugins": bool(plugins), **dict.fromkeys(client_options, True),
            }  # fmt: skip
            wrong = [name for name, is_given in given.items() if is_given]
            if wrong:
                raise TypeError(
                    f"{type(self).__name__}(client, {wrong[0]}=...): give it to HttpClient, whose settings count"
                )
            self._options: dict[str, Any] = {"plugins": [Upgrades()]}
        else:
            client = client_of(
                self.library,
                verify=verify,
                cert=cert,
                trust_env=trust_env,
                http1=http1,
                http2=http2,
                limits=self.library.Limits(max_connections=100, max_keepalive_connections=20)
                if limits is None
                else limits,
                proxy=proxy,
                uds=uds,
                local_address=local_address,
                socket_options=socket_options,
                plugins=[Upgrades(), *plugins],
                options=client_options,
            )
            self._options = {}
            self._owned = client
            self._is_plain = not (plugins or client_options.get("autoload"))
        self.client: HttpClient[Any] = client
        self._retries = retries
        self._sender = Sender(client, (*keeps, *(plugin for plugin in plugins if isinstance(plugin, str))))
        self._headers_type = self.library.Headers
        self._request_type = self.library.Request
        self._last_head: tuple[bytes, Any] = b"", self._headers_type()

    _owned: HttpClient[Any] | None = None
    _is_plain = False  # True if no plugin of the user's runs

    async def _exchange(self, request: Any, body: Any) -> HttpResponse[Any, Any] | Upgraded:
        """Send a request of httpx, and return the response of Hookline when its head is here.

        Raises: the exceptions of httpx; what the body raises; TypeError, for a request of the other library.
        """
        if not isinstance(request, self._request_type):
            raise TypeError(
                f"this HooklineTransport is for clients of {self.library.__name__}, and got a {type(request).__module__}."
                f"{type(request).__qualname__}; hookline_bridges.httpx is for httpx, hookline_bridges.httpx2 for httpx2"
            )
        extensions = request.extensions
        if request.url.scheme not in SCHEMES:
            raise self.library.UnsupportedProtocol(
                f"HooklineTransport speaks http:// and https://, not {request.url.scheme!r}", request=request
            )
        check_loop()
        url, target = url_of(request.url)
        options = self._options
        if "target" in extensions:
            target = extensions["target"].decode("ascii")
        if "sni_hostname" in extensions and extensions["sni_hostname"] is not None:
            options = {**options, "server_hostname": extensions["sni_hostname"]}
        pauses = 0.0
        attempts = self._retries
        while True:
            try:
                return await self._sender.send(
                    request.method,
                    url,
                    request.headers.raw,
                    body,
                    target=target,
                    timeout=timeout_of(extensions.get("timeout")),
                    **options,
                )
            except HooklineError as error:
                if attempts <= 0 or not failed_to_connect(error):
                    raise_as(self.library, error, request)
            attempts -= 1
            await asyncio.sleep(pauses)
            pauses = pauses * 2 or FIRST_PAUSE

    def _response(self, response: HttpResponse[Any, Any], stream: Any, network_stream: Any) -> Any:
        """Return a response of httpx. stream: its body, None = it has none."""
        return self.library.Response(
            response.status_code,
            headers=self._headers_of(response),
            stream=self.library.ByteStream(b"") if stream is None else stream,
            extensions=extensions_of(response, network_stream),
        )

    def _headers_of(self, response: HttpResponse[Any, Any]) -> Any:
        """Return the fields of a response as Headers of httpx. Those of the last head are remembered."""
        raw = response.raw_head
        known, headers = self._last_head
        if raw != known:
            headers = self._headers_type(fields_of(response))
            self._last_head = raw, headers
        return headers


def failed_to_connect(error: HooklineError) -> bool:
    """Say whether no connection could be opened, so that the request can be sent again without harm."""
    return isinstance(error, ConnectTimeout) or (isinstance(error, HttpConnectionError) and error.was_sent is False)


class AsyncTransport(Transport):
    """The asynchronous transport. A subclass says of which library it is.

    stream_type: its class of `AsyncStream`.
    """

    stream_type: Any

    async def _handle(self, request: Any) -> Any:
        """Send a request, and return the response when its head is here; what `handle_async_request` does."""
        trace = request.extensions.get("trace")
        body = body_of(self.library, request.stream)
        if trace is None:
            return self._received(request, await self._exchange(request, body))
        await trace(*started(self.library, request))
        try:
            response = await self._exchange(request, body)
        except BaseException as error:
            await trace(*failed(error))
            raise
        received = self._received(request, response)
        try:
            await trace(*complete(received))
        except BaseException:
            await received.aclose()
            raise
        return received

    def _received(self, request: Any, response: HttpResponse[Any, Any] | Upgraded) -> Any:
        """Return a response of Hookline as one of httpx."""
        if isinstance(response, Upgraded):
            return self._response(response.response, None, UpgradedStream(response.protocol, self.library))
        return self._response(response, self.stream_type(response, request), NetworkStream(response.connection))

    async def _close(self) -> None:
        """Close the client, if the transport has made it; what `aclose` does."""
        if self._owned is not None:
            await self._owned.close()


class SyncTransport(Transport):
    """The synchronous transport: its client runs in the loop thread, so that any number of threads can share it.

    stream_type: its class of `SyncStream`.
    """

    stream_type: Any

    def __init__(self, client: HttpClient[Any] | None = None, **parameters: Any) -> None:
        super().__init__(client, **parameters)
        self._knowing: LoopThread | None = None

    def _thread(self) -> LoopThread:
        """Return the loop thread of this process, which closes the client at the end of the interpreter."""
        thread = loop_thread()
        if thread is not self._knowing:
            thread.clients.add(self.client)
            self._knowing = thread
        return thread

    def _handle(self, request: Any) -> Any:
        """Send a request, and return the response when its head is here; what `handle_request` does."""
        trace = request.extensions.get("trace")
        errands = Errands()
        body = body_of(self.library, request.stream, errands)
        if trace is None:
            return self._received(request, self._thread().run(self._exchange(request, body), errands), errands)
        trace(*started(self.library, request))
        try:
            response = self._thread().run(self._exchange(request, body), errands)
        except BaseException as error:
            trace(*failed(error))
            raise
        received = self._received(request, response, errands)
        try:
            trace(*complete(received))
        except BaseException:
            received.close()
            raise
        return received

    def _received(self, request: Any, response: HttpResponse[Any, Any] | Upgraded, errands: Errands) -> Any:
        """Return a response of Hookline as one of httpx."""
        if isinstance(response, Upgraded):
            upgraded = UpgradedStream(response.protocol, self.library)
            return self._response(response.response, None, SyncUpgradedStream(upgraded, self._thread))
        stream = self.stream_type(response, request, self._thread, errands, self._is_plain)
        return self._response(response, stream, SyncNetworkStream(response.connection))

    def _close(self) -> None:
        """Close the client, also one that was given: it runs in the loop thread, where only this transport can close it."""
        if self._knowing is not None:
            with contextlib.suppress(RuntimeError):  # at the end of the interpreter it is closed already
                loop_thread().run(close_client(self.client))


async def close_client(client: HttpClient[Any]) -> None:
    """Close a client, in its loop."""
    await client.close()


def check_loop() -> None:
    """Check that asyncio runs.

    Raises: RuntimeError, under trio and without a loop.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "HooklineTransport needs a running loop of asyncio (or of uvloop); trio is not supported, and code without a"
            " loop takes SyncHooklineTransport"
        ) from None


def body_of(library: Any, stream: Any, errands: Errands | None = None) -> bytes | Source | None:
    """Return the body of a request: bytes where they are known, None where it has none, else a Source that is read once.

    errands: who iterates over the stream of a synchronous client.
    """
    if type(stream) is library.ByteStream:
        return next(iter(stream)) or None
    source = Source(stream if errands is None else errands.iterate(stream))
    source.is_repeatable = False
    return source
