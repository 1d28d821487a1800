"""The opening handshake: the fields of the request, and the checks of the response (RFC 6455, section 4.1)."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterator, Sequence

from .compression import Deflate, Parameter
from .errors import HandshakeError

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # noqa: S105  # RFC 9110, section 5.6.2
_ITEM = re.compile(
    rf"[ \t]*(?P<name>{_TOKEN})(?P<parameters>(?:[ \t]*;[ \t]*{_TOKEN}(?:[ \t]*=[ \t]*(?:{_TOKEN}|\"{_TOKEN}\"))?)*)[ \t]*(?:,|$)"
)
_PARAMETER = re.compile(rf";[ \t]*({_TOKEN})(?:[ \t]*=[ \t]*\"?({_TOKEN})\"?)?")

is_token = re.compile(_TOKEN).fullmatch


def new_key() -> str:
    """Return a Sec-WebSocket-Key: 16 random bytes in base64."""
    return base64.b64encode(os.urandom(16)).decode()


def accept_for(key: str) -> str:
    """Return the Sec-WebSocket-Accept that answers a key (RFC 6455, section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key.encode() + GUID, usedforsecurity=False).digest()).decode()


def opening_fields(subprotocols: Sequence[str], compression: Deflate | None) -> dict[str, str]:
    """Return the fields of an opening handshake, with a new key."""
    fields = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": new_key(),
        "Sec-WebSocket-Version": "13",
    }
    if subprotocols:
        fields["Sec-WebSocket-Protocol"] = ", ".join(subprotocols)
    if compression is not None:
        fields["Sec-WebSocket-Extensions"] = compression.offer()
    return fields


def has_token(values: Sequence[str], token: str) -> bool:
    """Say whether a list of tokens, in one field or several, contains a token, ignoring case."""
    return any(item.strip(" \t").lower() == token for value in values for item in value.split(","))


def check_upgrade(upgrade: Sequence[str], connection: Sequence[str], accept: Sequence[str], key: str) -> None:
    """Check the three fields that show that a 101 answers the request with this key.

    Raises: HandshakeError.
    """
    if not has_token(upgrade, "websocket"):
        raise HandshakeError(f"101 with an Upgrade that does not contain websocket: {shown(upgrade)}")
    if not has_token(connection, "upgrade"):
        raise HandshakeError(f"101 with a Connection that does not contain upgrade: {shown(connection)}")
    if len(accept) != 1 or accept[0].strip(" \t") != accept_for(key):
        raise HandshakeError(f"101 with a Sec-WebSocket-Accept that does not match the key: {shown(accept)}")


def chosen_subprotocol(values: Sequence[str], offered: Sequence[str]) -> str | None:
    """Return the subprotocol that the server chose, None = none.

    Raises: HandshakeError, for a subprotocol that was not offered, and for several.
    """
    if not values:
        return None
    if len(values) > 1 or values[0] not in offered:
        wanted = ", ".join(offered) or "none"
        raise HandshakeError(f"101 with the subprotocol {shown(values)}; offered: {wanted}")
    return values[0]


def agreed_compression(values: Sequence[str], offered: Deflate | None) -> Deflate | None:
    """Return the compression that the server agreed to, None = none.

    Raises: HandshakeError, for an extension that was not offered, or parameters that do not fit the offer.
    """
    agreed: Deflate | None = None
    for name, parameters in extensions_in(values):
        if name != "permessage-deflate" or offered is None:
            raise HandshakeError(f"101 with an extension that was not offered: {shown([name])}")
        if agreed is not None:
            raise HandshakeError("101 with the extension permessage-deflate twice")
        try:
            agreed = offered.agree(parameters)
        except ValueError as error:
            raise HandshakeError(f"101 with permessage-deflate that does not fit the offer: {error}") from None
    return agreed


def extensions_in(values: Sequence[str]) -> Iterator[tuple[str, list[Parameter]]]:
    """Yield the name and the parameters of each extension (RFC 6455, section 9.1).

    Raises: HandshakeError, for a value that is not a list of extensions.
    """
    for value in values:
        at = 0
        while at < len(value):
            item = _ITEM.match(value, at)
            if item is None:
                raise HandshakeError(f"101 with a malformed Sec-WebSocket-Extensions: {shown(values)}")
            yield item["name"].lower(), [(name.lower(), given) for name, given in parameters_in(item["parameters"])]
            at = item.end()


def parameters_in(text: str) -> Iterator[Parameter]:
    """Yield the parameters in `; a; b=1` as pairs; the value of a parameter without one is None."""
    for match in _PARAMETER.finditer(text):
        yield match[1], match[2]


def shown(values: Sequence[str]) -> str:
    """Return the values of a peer's field for an error message: escaped and cut."""
    if not values:
        return "it is missing"
    text = ", ".join(values)
    return ascii(text[:60]) + ("…" if len(text) > 60 else "")
