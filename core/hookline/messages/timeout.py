"""Timeouts: the limits that users set on a call and on its parts."""

from __future__ import annotations

import math
from typing import Any

PARTS = ("total", "pool", "connect", "tls", "read", "write")


class Timeout:
    """Limits on the parts of a call, each in seconds; None or 0 = no limit, which is the default.

    total: the whole call, including follow-ups and every wait; with `stream=True`, until the call returns the response.
    pool: the wait for a free connection. connect: DNS, TCP and, if `tls` is not set, the TLS handshake.
    tls: the TLS handshake alone. read: each wait for the next bytes of the response.
    write: each wait for the peer to accept more of the body. All but `total` start again for each hop, such as a redirect.

    Requests share Timeout objects, which are not to be changed: where another limit is wanted, give a new one.

    Raises: TypeError or ValueError, if a value is not a number of seconds. A limit that is exceeded raises HttpTimeout or
    one of its subclasses.

    Example: docs/responses.md#timeouts
    """

    __slots__ = ("_has_parts", "_limits_response", "connect", "pool", "read", "tls", "total", "write")

    def __init__(
        self,
        total: float | None = None,
        *,
        pool: float | None = None,
        connect: float | None = None,
        tls: float | None = None,
        read: float | None = None,
        write: float | None = None,
    ) -> None:
        # no calls for the parts that are not given, as most: 0.4 us less for each call with `timeout=5`
        self.total = 0.0 if total is None else seconds("total", total)
        self.pool = 0.0 if pool is None else seconds("pool", pool)
        self.connect = 0.0 if connect is None else seconds("connect", connect)
        self.tls = 0.0 if tls is None else seconds("tls", tls)
        self.read = 0.0 if read is None else seconds("read", read)
        self.write = 0.0 if write is None else seconds("write", write)
        self._limits_response = bool(self.total or self.read)
        self._has_parts = bool(self.pool or self.connect or self.tls or self.read or self.write)

    def __getstate__(self) -> tuple[None, dict[str, Any]]:  # the pickle protocols 0 and 1 need it for __slots__
        return None, {name: getattr(self, name) for name in self.__slots__}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timeout) and all(getattr(self, n) == getattr(other, n) for n in PARTS)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in PARTS))

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={getattr(self, name)}" for name in PARTS if getattr(self, name))
        return f"Timeout({given})"


def seconds(name: str, value: Any) -> float:
    """Check a number of seconds, and return it as a float.

    Raises: TypeError, ValueError.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"timeout {name}: expected seconds as a number or None, got {type(value).__name__}")
    if not value >= 0 or math.isinf(value):
        raise ValueError(f"timeout {name}: expected seconds from 0 up, got {value}")
    return float(value)


MAX_KNOWN = 256
_known: dict[float, Timeout] = {}  # of `timeout=30` and the like, by seconds: a new one takes fifty times as long


def as_timeout(value: Any) -> Timeout:
    """Convert the value of `timeout=`, a Timeout or a number of seconds for the whole call, to a Timeout.

    Raises: TypeError, ValueError.
    """
    if value.__class__ is Timeout or isinstance(value, Timeout):
        return value
    if value.__class__ is not int and value.__class__ is not float:
        return Timeout(value)
    found = _known.get(value)
    if found is None:
        found = Timeout(value)
        if len(_known) >= MAX_KNOWN:
            _known.clear()
        _known[value] = found
    return found
