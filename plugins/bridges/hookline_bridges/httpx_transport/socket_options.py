"""Options of the sockets of connections, as with `socket_options=` of httpx."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from weakref import WeakSet

from hookline import HttpRequest, hookimpl

SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class SocketOptions:
    """A plugin that sets options on the socket of each connection, before its first request.

    options: the arguments of `socket.setsockopt`, a tuple for each.
    """

    name = "socket_options"

    def __init__(self, options: Iterable[SocketOption]) -> None:
        self._options = tuple(options)
        self._done: WeakSet[Any] = WeakSet()

    @hookimpl
    def connected(self, request: HttpRequest, connection: Any) -> None:
        owner = connection.session or connection
        if owner not in self._done:
            self._done.add(owner)
            sock = owner.transport.get_extra_info("socket")
            if sock is not None:  # none has a route in memory
                for option in self._options:
                    sock.setsockopt(*option)
