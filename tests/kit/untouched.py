"""Whether anything but this function has ever connected to a scripted server."""

from __future__ import annotations

import socket
from weakref import WeakKeyDictionary

from hookline_testing.server import ScriptedServer

_probes: WeakKeyDictionary[ScriptedServer, int] = WeakKeyDictionary()


def untouched(*servers: ScriptedServer) -> bool:
    """Return True if nobody has connected to these servers.

    A connection that a client has just made may not be counted yet. So this makes one more, without a request, and waits until
    the server, which accepts them in order, has closed it.
    """
    for server in servers:
        _probes[server] = _probes.get(server, 0) + 1
        with socket.create_connection((server.host, server.port), timeout=5) as probe:
            probe.shutdown(socket.SHUT_WR)
            while probe.recv(65536):
                pass
    return all(server.connections == _probes[server] for server in servers)
