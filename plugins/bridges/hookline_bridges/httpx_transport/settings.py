"""The parameters of `httpx.HTTPTransport` as those of an `HttpClient`."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from hookline import HttpClient

from ..as_given import make_client
from .socket_options import SocketOption, SocketOptions

# Parameters of the clients of httpx, which the transport does not have.
OF_CLIENTS = frozenset({
    "auth", "params", "headers", "cookies", "timeout", "follow_redirects", "max_redirects", "event_hooks", "base_url", "mounts",
    "transport", "app", "default_encoding",
})  # fmt: skip
INSTEAD = {
    "proxies": "proxy=", "pool_size": "limits=", "max_connections": "limits=", "keep_alive": "limits=",
    "source_address": "local_address=", "unix_socket": "uds=",
}  # fmt: skip
NO_LIMIT = 2**31 - 1  # connections
FOREVER = 10.0**9  # seconds


def client_of(
    library: Any,
    *,
    verify: Any,
    cert: Any,
    trust_env: bool,
    http1: bool,
    http2: bool,
    limits: Any,
    proxy: Any,
    uds: str | None,
    local_address: str | None,
    socket_options: Iterable[SocketOption] | None,
    plugins: Sequence[Any],
    options: dict[str, Any],
) -> HttpClient[Any]:
    """Make the client of a transport. The parameters are those of the transport.

    Raises: TypeError, ValueError, ImportError, what `httpx.create_ssl_context` and `HttpClient` raise.
    """
    check_keywords(library, options)
    if not (http1 or http2):
        raise ValueError("http1=False without http2=True leaves no protocol to speak")
    context = ssl_context_of(library, verify, cert, trust_env, http1=http1, http2=http2)
    if limits is not None:
        connections = NO_LIMIT if limits.max_connections is None else limits.max_connections
        options["pool_size"] = options["max_connections"] = connections
        expiry = FOREVER if limits.keepalive_expiry is None else limits.keepalive_expiry
        options["keep_alive"] = 0 if limits.max_keepalive_connections == 0 else expiry
    wanted = list(plugins)
    if socket_options is not None:
        wanted.append(SocketOptions(socket_options))
    return make_client(
        plugins=wanted,
        proxies=None if proxy is None else proxies_of(library, proxy),
        http2=http2 and (True if http1 else "prior-knowledge"),
        trust_env=trust_env,
        verify=context,
        unix_socket=uds,
        source_address=local_address,
        **options,
    )


def check_keywords(library: Any, options: dict[str, Any]) -> None:
    """Refuse keywords that the transport has under another name, or that belong to the client of httpx.

    Raises: TypeError.
    """
    module = library.__name__
    for name in options:
        if name in OF_CLIENTS:
            raise TypeError(
                f"HooklineTransport() has no {name}=: it is a parameter of {module}.AsyncClient and {module}.Client"
            )
        if name in INSTEAD:
            raise TypeError(f"HooklineTransport() has no {name}=: the transports of httpx say {INSTEAD[name]}")


def ssl_context_of(
    library: Any, verify: Any, cert: Any, trust_env: bool, *, http1: bool, http2: bool
) -> ssl.SSLContext:
    """Make the SSL context as httpx makes it: with the same authorities, and the same warnings about old parameters.

    As there, ALPN is set on a context of the user's own too.
    """
    context: ssl.SSLContext = library.create_ssl_context(verify=verify, cert=cert, trust_env=trust_env)
    context.set_alpn_protocols([*(["h2"] if http2 else []), *(["http/1.1"] if http1 else [])])
    return context


def proxies_of(library: Any, proxy: Any) -> dict[str, Any]:
    """Return `proxies=` of the plugin `tunnel` for `proxy=` of httpx: a URL, or a Proxy.

    Raises: ValueError, for a Proxy with an SSL context or with fields.
    """
    if not isinstance(proxy, library.Proxy):
        proxy = library.Proxy(url=proxy)
    if proxy.ssl_context is not None:
        raise ValueError("Proxy(ssl_context=...) is not supported: the proxy is checked with verify=, as the server is")
    if proxy.headers:
        raise ValueError("Proxy(headers=...) is not supported: a proxy gets Host, User-Agent and its credentials")
    # httpx has the proxy resolve the names in both cases
    scheme = "socks5h" if proxy.url.scheme == "socks5" else proxy.url.scheme
    userinfo = "" if proxy.auth is None else ":".join(quote(part, safe="") for part in proxy.auth) + "@"
    return {"all": f"{scheme}://{userinfo}{proxy.url.netloc.decode('ascii')}", "no": []}
