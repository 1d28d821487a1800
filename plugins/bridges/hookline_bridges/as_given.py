"""Requests as given: what another library has prepared is sent as it is, and its response is handed out as it came.

    client = make_client(verify=context, http2=True)
    sender = Sender(client)
    response = await sender.send("POST", url, fields, body, target=target, timeout=Timeout(read=5))
    async for chunk in response.raw: ...

The library above has its own default fields, redirects, cookies, authentication and decoders, so none of Hookline's act here.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from typing import Any

from hookline import HttpClient, HttpResponse, Source, Timeout, entry_points

Field = tuple[bytes | str, bytes | str]
Body = bytes | Iterable[bytes] | AsyncIterable[bytes] | Source | None

# The plugins that do what the libraries above do themselves, by the distributions of the project that bring them.
OF_THE_LIBRARY = ("redirects", "cookies", "basic", "digest", "oauth1", "oauth2", "decompress", "expect", "websocket")
NO_LIMIT = Timeout()


def make_client(
    *,
    plugins: Sequence[Any] = (),
    proxies: Mapping[str, Any] | None = None,
    http2: bool | str = False,
    autoload: Any = False,
    **options: Any,
) -> HttpClient[Any]:
    """Make a client for a bridge: none of the installed plugins run in it, but those that are asked for.

    plugins: plugin objects and names to add, such as "retry" or "throttle".
    proxies: as for the plugin `tunnel`, such as {"all": "http://proxy:3128"}; None = none, not even those of the environment.
    http2: True = HTTP/2 over TLS, where the server chooses it; "prior-knowledge" = without asking it; it needs the plugin
    `http2`.
    autoload: as for `HttpClient`, False by default here. options: the other parameters and options of `HttpClient`.

    Raises: ImportError, if a plugin that is needed is not installed; what `HttpClient` raises.
    """
    wanted = list(plugins)
    if http2:
        wanted.append(installed("http2", "HTTP/2", "hookline-http2"))
        options["http2"] = http2
    if proxies:
        wanted.append(installed("tunnel", "a proxy", "hookline-tunnel"))
        options["proxies"] = proxies
    if autoload is not False and not http2:
        options.setdefault("disable", ["http2"] if is_installed("http2") else ())
    return HttpClient(plugins=wanted, autoload=autoload, **options)


def is_installed(plugin: str) -> bool:
    """Say whether a plugin of this name is installed."""
    return any(entry.name == plugin for group in ("hookline", "hookline.optional") for entry in entry_points(group))


def installed(plugin: str, what: str, distribution: str) -> str:
    """Return the name of a plugin that is needed for something.

    Raises: ImportError, if it is not installed.
    """
    if not is_installed(plugin):
        raise ImportError(f"{what} needs the plugin {plugin!r}: pip install {distribution}")
    return plugin


class Sender:
    """Sends requests as given over a client. What belongs to an event loop is the client's.

    client: an HttpClient. keeps: names of plugins that run although the library above does the same, such as "cookies".
    """

    def __init__(self, client: HttpClient[Any], keeps: Iterable[str] = ()) -> None:
        self.client = client
        kept = frozenset(keeps)
        running = {info.name for info in client.plugins}
        disabled = [name for name in OF_THE_LIBRARY if name in running and name not in kept]
        self._options: dict[str, Any] = {"stream": True}
        if disabled:
            self._options["disable"] = disabled

    async def send(
        self,
        method: str,
        url: str,
        fields: Sequence[Field],
        body: Body = None,
        *,
        target: str | None = None,
        timeout: Timeout | None = None,
        **options: Any,
    ) -> HttpResponse[Any, Any]:
        """Send a request as given, and return its response when its head is here; `response.raw` streams its body undecoded.

        Read the stream to its end, or close it with `await response.aclose()`.

        method: as for `HttpClient.request`. url: absolute. target: the request target, if it is not the path and the query of
        the URL; None = it is.
        fields: pairs of a name and a value, str or bytes; sent in this order and spelling, also several of one name, and no
        others but Host, Content-Length or Transfer-Encoding where they are missing.
        body: bytes, an iterable or async iterable of bytes, or a Source; None = no body. An iterable without `__aiter__` is
        read in the loop; see `Errands.iterate` for one that must not be. Content-Length or Transfer-Encoding of the fields
        decide how a body of parts is sent: its length is checked as it is sent, or it is chunked.
        timeout: None = no limits. options: others of `HttpClient.request`, such as `verify`.

        Raises: HttpRequestException and its subclasses; InvalidURL; what the body raises.
        """
        if body.__class__ is bytes or body is None:
            for name, _ in fields:
                # 17 bytes are tested by their length first: this runs for each field of each request
                if len(name) == 17 and name.lower() in (b"transfer-encoding", "transfer-encoding"):
                    body = Source((body or b"",))
        response: HttpResponse[Any, Any] = await self.client.request(
            method,
            url,
            exact_headers=fields,
            data=body,
            target=target,
            timeout=NO_LIMIT if timeout is None else timeout,
            **self._options,
            **options,
        )
        return response
