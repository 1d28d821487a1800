"""The text that an OAuth 1 signature is computed from, and the field that carries it (RFC 5849, sections 3.4 and 3.5).

oauthlib's own way from a request to this text parses and writes the query anew, refuses characters that many servers accept
(as in `?filter[name]=x`), and logs the parameters. Here the query and the form stay byte for byte as they are sent. The
signature methods, the nonce and the timestamp are oauthlib's.
"""

from __future__ import annotations

from .forms import Pairs, percent_encode

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_SCHEMES = {"ws": "http", "wss": "https"}  # an opening handshake is a GET request of HTTP (RFC 6455, section 4.1)


def base_string_uri(scheme: str, host: str, path: str) -> str:
    """Return the base string URI (section 3.4.1.2).

    host: the value of the Host field. path: that of the request target, without the query.
    """
    scheme = _SCHEMES.get(scheme, scheme)
    return f"{scheme}://{host.lower().removesuffix(_DEFAULT_PORTS.get(scheme, '//'))}{path or '/'}"


def signature_base_string(method: str, uri: str, parameters: Pairs) -> str:
    """Return the signature base string (section 3.4.1).

    uri: the base string URI. parameters: those of the query, of the form, and of the protocol without the signature; in
    any order.
    """
    encoded = sorted((percent_encode(name), percent_encode(value)) for name, value in parameters)
    normalized = "&".join(f"{name}={value}" for name, value in encoded)
    return f"{percent_encode(method.upper())}&{percent_encode(uri)}&{percent_encode(normalized)}"


def authorization_value(parameters: Pairs, realm: str | None) -> str:
    """Return the value of the Authorization field (section 3.5.1)."""
    words = [f'{percent_encode(name)}="{percent_encode(value)}"' for name, value in parameters]
    if realm:
        escaped = realm.replace("\\", "\\\\").replace('"', '\\"')
        words.insert(0, f'realm="{escaped}"')
    return "OAuth " + ", ".join(words)
