"""Which proxy carries the requests to an origin: what `proxies=` says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hookline import InvalidURL, split_url

from .exemptions import Exemptions, exemptions_of, own_names, split_entries

if TYPE_CHECKING:
    from .hop import Hop

HTTP = frozenset({"http", "https"})  # schemes of proxies that speak HTTP
SCHEMES = ("http", "https", "ws", "wss", "all")
# A websocket begins as a request of HTTP: what nobody said of it is as for that.
FALLBACK = {"ws": "http", "wss": "https"}
Origin = tuple[str, str, int]  # scheme, host, port


class Proxies:
    """See the module.

    is_empty: there is no proxy for anything. decisions: what was decided for origins of core, by identity.
    """

    def __init__(self, hops: Mapping[str, Hop | None], exempt: Exemptions) -> None:
        self.is_empty = not any(hops.values())
        self.hops = hops
        self.exempt = exempt
        self.decisions: dict[object, Hop | None] = {}

    def choose(self, origin: Origin) -> Hop | None:
        """The proxy for an origin; None = straight there.

        Raises: InvalidURL, for a variable of the environment that names no proxy.
        """
        for key in keys_for(origin):
            if key in self.hops:
                hop = self.hops[key]
                return None if hop is None or self.exempt.cover(origin[1], origin[2]) else hop
        return None


def keys_for(origin: Origin) -> Iterator[str]:
    """The keys that speak of an origin, the one that counts first."""
    scheme, host, port = origin
    written = f"[{host.replace('%', '%25')}]" if ":" in host else host
    for each in (scheme, FALLBACK.get(scheme), "all"):
        if each is not None:
            yield f"{each}://{written}:{port}"
            yield f"{each}://{written}"
            yield each


def proxies_of(given: Any) -> Proxies:
    """What a user gives as `proxies=`: proxies by scheme, by `all`, by `scheme://host[:port]`, and `no`.

    Raises: TypeError, InvalidURL; neither shows a credential.
    """
    if isinstance(given, Proxies):
        return given
    if not isinstance(given, Mapping):
        raise TypeError(f"proxies= takes a mapping as {{'all': 'http://proxy:3128'}}, not {type(given).__name__}")
    hops: dict[str, Hop | None] = {}
    exempt: Exemptions | None = None
    for key, value in given.items():
        try:
            if key == "no":
                exempt = None if value is None else exemptions_of(_entries(value))
            else:
                hops[checked_key(key)] = _hop(value)
        except InvalidURL as error:
            raise InvalidURL(f"proxies[{harmless(key)}]: {error}") from None
        except TypeError as error:
            raise TypeError(f"proxies[{harmless(key)}]: {error}") from None
    return Proxies(hops, own_names() if exempt is None else exempt)


def harmless(key: Any) -> str:
    """A key for a message: one that is the URL of a proxy by mistake may have a password in it."""
    text = str(key)
    return "'…'" if "@" in text or "?" in text or ":" in text.partition("://")[2] else repr(key)


def checked_key(key: Any) -> str:
    """Raises: TypeError, InvalidURL."""
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


def _hop(value: Any) -> Hop | None:
    """Raises: TypeError, InvalidURL."""
    if value is not None and not isinstance(value, str):
        raise TypeError(f"expected the URL of a proxy or None, got {type(value).__name__}")
    from .hop import hop_of

    return hop_of(value) if value and value.strip() else None


def _entries(value: Any) -> list[str]:
    """Raises: TypeError."""
    if isinstance(value, str):
        return split_entries(value)
    if isinstance(value, (list, tuple, set, frozenset)) and all(isinstance(entry, str) for entry in value):
        return [entry for one in value for entry in split_entries(one)]
    raise TypeError(f"expected a string with commas, or a list of strings, got {type(value).__name__}")
