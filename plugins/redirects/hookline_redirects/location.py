"""Resolve the Location field of a redirect against the URL that was requested.

urllib's urljoin is not used: it knows only some schemes, drops an empty query, and normalizes an absolute URL, while a
presigned URL has to stay the same byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from hookline import RemoteProtocolError, field_octets

# RFC 3986, appendix B; every string matches. The group of a part that is absent is None, unlike that of an empty part.
_REFERENCE = re.compile(r"(?s)(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?")
_WEBSOCKET = {"http": "ws", "https": "wss"}


def field_text(value: str) -> str:
    """Return a field value decoded as UTF-8, with surrogates for bytes that are not UTF-8."""
    return field_octets(value).decode("utf-8", "surrogateescape")


def single_location(values: Sequence[str]) -> str:
    """Return the one Location of a response, "" if it is empty or absent.

    Raises: RemoteProtocolError, for several that differ, since any of them could be meant.
    """
    if len(set(values)) > 1:
        raise RemoteProtocolError(f"{len(values)} Location fields that differ; a redirect has one (RFC 9110, 10.2.2)")
    return values[0] if values else ""


def resolve(base: str, location: str) -> str:
    """Return the URL that a redirect leads to (RFC 3986, section 5.2.2).

    The fragment of `base` is kept if `location` has none (RFC 9110, section 10.2.2). Bytes that are not UTF-8 are
    percent-encoded. Dot segments and characters outside ASCII stay: core's URL parser treats them.

    Raises: RemoteProtocolError, for a scheme to which redirects from `base` are not followed, or one without // after it.
    """
    location = re.sub("[\udc80-\udcff]", lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", location.strip(" \t"))
    own, own_authority, own_path, own_query, own_fragment = _parts(base)
    scheme, authority, path, query, fragment = _parts(location)
    if scheme is None and authority is None:
        authority = own_authority
        if not path:
            path = own_path or ""
            query = own_query if query is None else query
        elif not path.startswith("/"):
            path = f"{(own_path or '').rpartition('/')[0]}/{path}"
    assert own is not None
    scheme = _scheme(own, own if scheme is None else scheme.lower())
    if authority is None:  # browsers read http:x as a path if the base is http, and as a host if it is https
        raise RemoteProtocolError("a Location with a scheme and without // after it, which is not followed")
    return f"{scheme}://{authority}{path}{query or ''}{(own_fragment if fragment is None else fragment) or ''}"


def _parts(reference: str) -> tuple[str | None, ...]:
    """Return scheme, authority, path, query with its ?, fragment with its #."""
    match = _REFERENCE.fullmatch(reference)
    assert match is not None
    return match.groups()


def _scheme(own: str, scheme: str) -> str:
    """Return the scheme of the next request.

    Redirects are followed between http and https, between ws and wss, and from any other scheme to itself, http and https.
    A server that redirects a WebSocket's opening handshake often names http: from ws, that means ws.

    Raises: RemoteProtocolError, for any other scheme.
    """
    is_websocket = own in _WEBSOCKET.values()
    if is_websocket:
        scheme = _WEBSOCKET.get(scheme, scheme)
    if scheme not in (_WEBSOCKET.values() if is_websocket else _WEBSOCKET) and scheme != own:
        followed = " and ".join(_WEBSOCKET.values() if is_websocket else _WEBSOCKET)
        raise RemoteProtocolError(f"a redirect from {own} to another scheme than {followed}, which is not followed")
    return scheme
