"""The opening handshake: the fields that ask for a websocket, and the judgement of the answer (RFC 6455, section 4.1)."""

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
    """Sec-WebSocket-Key: 16 bytes that nobody can foretell, in base64."""
    return base64.b64encode(os.urandom(16)).decode()


def accept_for(key: str) -> str:
    """The Sec-WebSocket-Accept that belongs to a key (RFC 6455, section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key.encode() + GUID, usedforsecurity=False).digest()).decode()


def opening_fields(subprotocols: Sequence[str], compression: Deflate | None) -> dict[str, str]:
    """The fields of a request that asks for a websocket, with a fresh key."""
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
    """Does a list of tokens, in one field or several, name this one? Letters in either case."""
    return any(item.strip(" \t").lower() == token for value in values for item in value.split(","))


def check_upgrade(upgrade: Sequence[str], connection: Sequence[str], accept: Sequence[str], key: str) -> None:
    """Judge the three fields that make a 101 the answer to this very request.

    Raises: HandshakeError.
    """
    if not has_token(upgrade, "websocket"):
        raise HandshakeError(f"a 101 whose Upgrade does not say websocket: {said(upgrade)}")
    if not has_token(connection, "upgrade"):
        raise HandshakeError(f"a 101 whose Connection does not say upgrade: {said(connection)}")
    if len(accept) != 1 or accept[0].strip(" \t") != accept_for(key):
        raise HandshakeError(f"a 101 whose Sec-WebSocket-Accept does not belong to the key: {said(accept)}")


def chosen_subprotocol(values: Sequence[str], offered: Sequence[str]) -> str | None:
    """The subprotocol that the server chose, None for none.

    Raises: HandshakeError, for one that was not offered, or several.
    """
    if not values:
        return None
    if len(values) > 1 or values[0] not in offered:
        wanted = ", ".join(offered) or "none"
        raise HandshakeError(f"a 101 with the subprotocol {said(values)}; offered was {wanted}")
    return values[0]


def agreed_compression(values: Sequence[str], offered: Deflate | None) -> Deflate | None:
    """What was agreed about compression, None for none.

    Raises: HandshakeError, for an extension that was not offered, or parameters that do not fit the offer.
    """
    agreed: Deflate | None = None
    for name, parameters in extensions_in(values):
        if name != "permessage-deflate" or offered is None:
            raise HandshakeError(f"a 101 with an extension that was not offered: {said([name])}")
        if agreed is not None:
            raise HandshakeError("a 101 with the extension permessage-deflate twice")
        try:
            agreed = offered.agree(parameters)
        except ValueError as error:
            raise HandshakeError(f"a 101 whose permessage-deflate does not fit what was offered: {error}") from None
    return agreed


def extensions_in(values: Sequence[str]) -> Iterator[tuple[str, list[Parameter]]]:
    """Name and parameters of each extension (RFC 6455, section 9.1).

    Raises: HandshakeError, for what is no list of extensions.
    """
    for value in values:
        at = 0
        while at < len(value):
            item = _ITEM.match(value, at)
            if item is None:
                raise HandshakeError(f"a 101 whose Sec-WebSocket-Extensions is no list of them: {said(values)}")
            yield item["name"].lower(), [(name.lower(), given) for name, given in parameters_in(item["parameters"])]
            at = item.end()


def parameters_in(text: str) -> Iterator[Parameter]:
    """`; a; b=1` as pairs; the value of one without is None."""
    for match in _PARAMETER.finditer(text):
        yield match[1], match[2]


def said(values: Sequence[str]) -> str:
    """What a peer sent, as it may stand in a message: escaped and cut."""
    if not values:
        return "there is none"
    text = ", ".join(values)
    return ascii(text[:60]) + ("…" if len(text) > 60 else "")
