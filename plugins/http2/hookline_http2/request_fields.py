"""From the head of a request as HTTP/1.1 writes it to the fields of HTTP/2 (RFC 9113, section 8.2).

Core has checked the head: names are tokens, and no value can end its line.
"""

from __future__ import annotations

from collections.abc import Container

from hookline import LocalProtocolError

from .engine import Field

# They belong to one connection of HTTP/1.1 (RFC 9113, section 8.2.2); Host becomes :authority.
NOT_SENT = frozenset({
    b"host", b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade", b"http2-settings",
})  # fmt: skip
MIN_INDEXED_COOKIE = (
    20  # bytes: shorter values could be guessed from the sizes of compressed heads (RFC 7541, section 7.1.3)
)


def request_fields(head: bytes, scheme: str, secrets: Container[str] = (), priority: str | None = None) -> list[Field]:
    """Return the fields of HTTP/2 for a head of HTTP/1.1.

    scheme: of the URL. secrets: names of fields that carry credentials, in lower case. priority: the value of the field
    Priority (RFC 9218), unless the head has one; None = none.

    Raises: LocalProtocolError, for what HTTP/2 cannot send: CONNECT, and a target that is no path.
    """
    first, *lines = head[: head.index(b"\r\n\r\n")].split(b"\r\n")
    method, target, _ = first.split(b" ")
    if method == b"CONNECT":
        raise LocalProtocolError("CONNECT makes a tunnel of an HTTP/1.1 connection; give version='HTTP/1.1'")
    if target[:1] != b"/" and target != b"*":
        raise LocalProtocolError(
            "HTTP/2 sends a path as the target of a request, or *; version='HTTP/1.1' sends others"
        )
    fields: list[tuple[bytes, bytes]] = []
    authority, nominated = b"", set()
    for line in lines:
        name, _, value = line.partition(b":")
        name, value = name.lower(), value.strip(b" \t")
        if name == b"host":
            authority = value
        elif name == b"connection":
            nominated |= {option.strip(b" \t").lower() for option in value.split(b",")}
        else:
            fields.append((name, value))
    found = [
        Field(b":method", method),
        Field(b":scheme", scheme.encode()),
        Field(b":authority", authority),
        Field(b":path", target),
    ]
    for name, value in fields:
        if name == b"te":
            if b"trailers" in [part.strip(b" \t").lower() for part in value.split(b",")]:
                found.append(Field(b"te", b"trailers"))
        elif name == b"cookie":  # one field for each cookie compresses better (RFC 9113, section 8.2.3)
            crumbs = [crumb for part in value.split(b"; ") if (crumb := part.strip(b" \t"))]
            found += [Field(name, crumb, len(crumb) < MIN_INDEXED_COOKIE) for crumb in crumbs]
        elif name not in NOT_SENT and name not in nominated:
            found.append(Field(name, value, name.decode("latin-1") in secrets))
    if priority is not None and all(name != b"priority" for name, _ in fields):
        found.append(Field(b"priority", priority.encode()))
    return found


def ends_connection(head: bytes) -> bool:
    """Say whether a head states Connection: close."""
    low = head.lower()
    begin = low.find(b"\r\nconnection:")
    if begin < 0:
        return False
    value = low[begin + len(b"\r\nconnection:") : low.index(b"\r\n", begin + 2)]
    return b"close" in [option.strip(b" \t") for option in value.split(b",")]
