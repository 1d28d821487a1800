"""The parameters of permessage-deflate (RFC 7692): the offer, and the check of the server's answer to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

Parameter = tuple[str, str | None]

_BITS = {str(bits): bits for bits in range(8, 16)}  # RFC 7692, section 7.1.2.1: no leading zeros


@dataclass(frozen=True)
class Deflate:
    """The parameters of permessage-deflate, for `compression=`.

    server_no_context_takeover, client_no_context_takeover: that side compresses each message by itself, which takes less
    memory and compresses less.
    server_max_window_bits, client_max_window_bits: the window of that side has at most 2 to this power bytes, 8 to 15;
    None = the server may choose.
    level: the zlib level of our own compression, -1 (zlib's default) to 9.

    Raises: ValueError.

    Example: docs/websocket.md#compression
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int | None = None
    client_max_window_bits: int | None = None
    level: int = -1

    def __post_init__(self) -> None:
        for name in ("server_max_window_bits", "client_max_window_bits"):
            bits = getattr(self, name)
            if bits is not None and bits not in range(8, 16):
                raise ValueError(f"{name} is 8 to 15 or None, not {bits!r}")
        if self.level not in range(-1, 10):
            raise ValueError(f"level is -1 to 9, not {self.level!r}")

    def offer(self) -> str:
        """Return the value of Sec-WebSocket-Extensions. It always names client_max_window_bits: the server may limit us.

        Example::

            from hookline_websocket import Deflate

            offer = Deflate(client_max_window_bits=12)
            print(offer.offer())
            print(offer.agree([("server_no_context_takeover", None)]))
        """
        parts = ["permessage-deflate"]
        parts += [name for name in ("server_no_context_takeover", "client_no_context_takeover") if getattr(self, name)]
        if self.server_max_window_bits is not None:
            parts.append(f"server_max_window_bits={self.server_max_window_bits}")
        bits = self.client_max_window_bits
        parts.append("client_max_window_bits" if bits is None else f"client_max_window_bits={bits}")
        return "; ".join(parts)

    def agree(self, parameters: Iterable[Parameter]) -> Deflate:
        """Return the parameters that apply after the server's answer to this offer (RFC 7692, section 7.1).

        Raises: ValueError, for an answer that does not fit the offer.
        """
        answered: dict[str, Any] = {}
        for name, value in parameters:
            if name in answered:
                raise ValueError(f"{name} appears twice")
            if name in ("server_no_context_takeover", "client_no_context_takeover"):
                if value is not None:
                    raise ValueError(f"{name} has a value")
                answered[name] = True
            elif name in ("server_max_window_bits", "client_max_window_bits"):
                limit = getattr(self, name) or 15
                if value not in _BITS or _BITS[value] > limit:
                    raise ValueError(f"{name} is 8 to {limit}, not {ascii(value)[:20]}")
                answered[name] = _BITS[value]
            else:
                raise ValueError(f"unknown parameter {ascii(name)[:40]}")
        if self.server_no_context_takeover and not answered.get("server_no_context_takeover"):
            raise ValueError("server_no_context_takeover was requested, but is missing")
        if self.server_max_window_bits is not None and "server_max_window_bits" not in answered:
            raise ValueError("server_max_window_bits was requested, but is missing")
        own: dict[str, Any] = {"client_no_context_takeover": self.client_no_context_takeover}
        if self.client_max_window_bits is not None:
            own["client_max_window_bits"] = self.client_max_window_bits
        return replace(self, **(own | answered))
