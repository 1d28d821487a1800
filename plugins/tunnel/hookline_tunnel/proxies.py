"""Which proxy the requests to an origin go through: the value of `proxies=`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hookline import InvalidURL, split_url

from .no_proxy import NoProxy, default_no_proxy, parse_no_proxy, split_entries

if TYPE_CHECKING:
    from .proxy import Proxy

SCHEMES = ("http", "https", "ws", "wss", "all")
# A websocket begins as an HTTP request: without a key of its own, the key for HTTP applies.
FALLBACK = {"ws": "http", "wss": "https"}
Origin = tuple[str, str, int]  # scheme, host, port


class Proxies:
    """The proxies of a client or of a request.

    by_key: the proxy for each key of `proxies=`, None = no proxy. no_proxy: the hosts that are reached without one.
    is_empty: True when there is no proxy at all. chosen: the results of `choose`, for each origin object of core.
    """

    def __init__(self, by_key: Mapping[str, Proxy | None], no_proxy: NoProxy) -> None:
        self.is_empty = not any(by_key.values())
        self.by_key = by_key
        self.no_proxy = no_proxy
        self.chosen: dict[object, Proxy | None] = {}

    def __repr__(self) -> str:
        return f"<Proxies {', '.join(self.by_key) or 'none'}>"  # the keys alone: URLs of proxies may have passwords

    def choose(self, origin: Origin) -> Proxy | None:
        """Return the proxy for an origin; None = connect directly.

        Raises: InvalidURL, for an environment variable that is not the URL of a proxy.
        """
        for key in keys_for(origin):
            if key in self.by_key:
                proxy = self.by_key[key]
                return None if proxy is None or self.no_proxy.matches(origin[1], origin[2]) else proxy
        return None


def keys_for(origin: Origin) -> Iterator[str]:
    """Yield the keys that apply to an origin; the first one that is set wins."""
    scheme, host, port = origin
    written = f"[{host.replace('%', '%25')}]" if ":" in host else host
    for each in (scheme, FALLBACK.get(scheme), "all"):
        if each is not None:
            yield f"{each}://{written}:{port}"
            yield f"{each}://{written}"
            yield each


def parse_proxies(given: Any) -> Proxies:
    """Check the value of `proxies=`: proxies by scheme, by `all`, by `scheme://host[:port]`, and `no`.

    Raises: TypeError, InvalidURL; neither shows credentials.
    """
    if isinstance(given, Proxies):
        return given
    if not isinstance(given, Mapping):
        raise TypeError(f"proxies= takes a mapping as {{'all': 'http://proxy:3128'}}, not {type(given).__name__}")
    by_key: dict[str, Proxy | None] = {}
    no_proxy: NoProxy | None = None
    for key, value in given.items():
        try:
            if key == "no":
                no_proxy = None if value is None else parse_no_proxy(_entries(value))
            else:
                by_key[parse_key(key)] = _proxy(value)
        except InvalidURL as error:
            raise InvalidURL(f"proxies[{masked(key)}]: {error}") from None
        except TypeError as error:
            raise TypeError(f"proxies[{masked(key)}]: {error}") from None
    return Proxies(by_key, default_no_proxy() if no_proxy is None else no_proxy)


def masked(key: Any) -> str:
    """Return a key as an error message shows it: hidden if it may be a URL with a password, given by mistake."""
    text = str(key)
    return "'…'" if "@" in text or "?" in text or ":" in text.partition("://")[2] else repr(key)


def parse_key(key: Any) -> str:
    """Return a key of `proxies=` in the form in which `keys_for` yields it.

    Raises: TypeError, InvalidURL.
    """
    if not isinstance(key, str):
        raise TypeError(f"expected str as the key, got {type(key).__name__}")
    low = key.lower()
    if low in SCHEMES:
        return low
    if "://" not in low:
        raise InvalidURL(f"expected one of {', '.join(SCHEMES)}, 'no', or scheme://host")
    parts = split_url(key)
    if parts.target != "/" or parts.userinfo is not None or parts.fragment or "*" in parts.host:
        raise InvalidURL("expected scheme://host or scheme://host:port")
    return parts.url.rstrip("/")


def _proxy(value: Any) -> Proxy | None:
    """Return the proxy that a value of `proxies=` names; None for None and for an empty string.

    Raises: TypeError, InvalidURL.
    """
    if value is not None and not isinstance(value, str):
        raise TypeError(f"expected the URL of a proxy or None, got {type(value).__name__}")
    from .proxy import parse_proxy  # here, because most clients have no proxy

    return parse_proxy(value) if value and value.strip() else None


def _entries(value: Any) -> list[str]:
    """Return the entries of `no`.

    Raises: TypeError.
    """
    if isinstance(value, str):
        return split_entries(value)
    if isinstance(value, (list, tuple, set, frozenset)) and all(isinstance(entry, str) for entry in value):
        return [entry for one in value for entry in split_entries(one)]
    raise TypeError(f"expected a string with commas, or a list of strings, got {type(value).__name__}")
