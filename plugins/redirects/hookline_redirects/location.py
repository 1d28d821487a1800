"""Where a Location field points, seen from the URL that was asked for.

urllib's urljoin is not used: it joins only for the schemes that it knows, drops an empty query, and writes an absolute URL
anew, where a presigned one has to stay as it is byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from hookline import RemoteProtocolError, field_octets

# RFC 3986, appendix B; every string matches. A group is None where its part is absent, which is not the same as empty.
_REFERENCE = re.compile(r"(?s)(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?")
_WEBSOCKET = {"http": "ws", "https": "wss"}


def as_sent(value: str) -> str:
    """A field value as UTF-8, with surrogates for bytes that are none."""
    return field_octets(value).decode("utf-8", "surrogateescape")


def location_of(values: Sequence[str]) -> str:
    """The one Location of a response, "" where it is empty.

    Raises: RemoteProtocolError, for several that differ: which of them is meant, nobody can know.
    """
    if len(set(values)) > 1:
        raise RemoteProtocolError(f"{len(values)} Location fields that differ; a redirect has one (RFC 9110, 10.2.2)")
    return values[0] if values else ""


def target_of(base: str, location: str) -> str:
    """The URL to go to: RFC 3986, section 5.2.2. The fragment of `base` goes on where `location` has none (RFC 9110, 10.2.2).

    Dot segments and characters outside ASCII are left to whoever takes the URL; bytes that were no UTF-8 are percent-encoded.

    Raises: RemoteProtocolError, for a scheme that a call to `base` does not lead to, and for one without // behind it.
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
    if authority is None:  # browsers take http:x for a path under http, and for a host under https
        raise RemoteProtocolError("a Location with a scheme and without // behind it, which is not followed")
    return f"{scheme}://{authority}{path}{query or ''}{(own_fragment if fragment is None else fragment) or ''}"


def _parts(reference: str) -> tuple[str | None, ...]:
    match = _REFERENCE.fullmatch(reference)
    assert match is not None
    return match.groups()


def _scheme(own: str, scheme: str) -> str:
    """The scheme to go on with: http and https lead to each other, ws and wss too, any other to itself and to http.

    A server for the opening handshake of a websocket often names http: what was begun as ws goes on as ws.
    """
    is_websocket = own in _WEBSOCKET.values()
    if is_websocket:
        scheme = _WEBSOCKET.get(scheme, scheme)
    if scheme not in (_WEBSOCKET.values() if is_websocket else _WEBSOCKET) and scheme != own:
        followed = " and ".join(_WEBSOCKET.values() if is_websocket else _WEBSOCKET)
        raise RemoteProtocolError(f"a redirect from {own} to another scheme than {followed}, which is not followed")
    return scheme
