"""What an OAuth 1 signature is made over, and how it is written (RFC 5849, sections 3.4 to 3.6).

oauthlib's own way from a request to this string parses and writes the query anew, refuses characters that many servers take
(as in `?filter[name]=x`), and logs the parameters. Here the query and the form stay as they are sent, byte for byte. The
signature methods, the nonce and the timestamp are oauthlib's.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl, quote

Pairs = Iterable[tuple[str, str]]

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_SCHEMES = {"ws": "http", "wss": "https"}  # an opening handshake is a GET request of HTTP (RFC 6455, section 4.1)


def encoded(text: str) -> str:
    """Percent-encode all but the unreserved characters (section 3.6). Surrogates stand for bytes that are no UTF-8."""
    return quote(text, safe="~", errors="surrogateescape")


def pairs_of(form: str) -> list[tuple[str, str]]:
    """Names and values of a query or a form, in their order, repeated ones too."""
    return parse_qsl(form, keep_blank_values=True, errors="surrogateescape")


def base_uri(scheme: str, host: str, path: str) -> str:
    """Section 3.4.1.2. host: as in the Host field. path: as in the request target, without the query."""
    scheme = _SCHEMES.get(scheme, scheme)
    return f"{scheme}://{host.lower().removesuffix(_DEFAULT_PORTS.get(scheme, '//'))}{path or '/'}"


def base_string(method: str, uri: str, parameters: Pairs) -> str:
    """Section 3.4.1. parameters: of the query, of the form, and those of the protocol but the signature; any order."""
    normal = "&".join(f"{name}={value}" for name, value in sorted((encoded(n), encoded(v)) for n, v in parameters))
    return f"{encoded(method.upper())}&{encoded(uri)}&{encoded(normal)}"


def authorization(parameters: Pairs, realm: str | None) -> str:
    """The value of the Authorization field (section 3.5.1)."""
    words = [f'{encoded(name)}="{encoded(value)}"' for name, value in parameters]
    if realm:
        escaped = realm.replace("\\", "\\\\").replace('"', '\\"')
        words.insert(0, f'realm="{escaped}"')
    return "OAuth " + ", ".join(words)


def appended(form: str, parameters: Pairs) -> str:
    """A query or a form with more parameters behind what it has (sections 3.5.2 and 3.5.3)."""
    more = "&".join(f"{encoded(name)}={encoded(value)}" for name, value in parameters)
    return f"{form}&{more}" if form else more
