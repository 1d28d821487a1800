"""os.fork(): a child process inherits the sockets of its parent, and gives them up without disturbing the parent.

Whatever a child writes, shuts down or removes from an inherited epoll object affects the parent too, and so do finalizers.
Therefore each inherited descriptor is replaced: in the child its number stands for a socket whose other end is closed.
The objects that know the number are kept alive as long as the child lives, so that their finalizers do not run.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import Any, Protocol
from weakref import WeakSet


class ProcessBound(Protocol):
    """An object that belongs to one process: a connection or a client."""

    def _forget_after_fork(self) -> None:
        """Give up what belongs to the parent process. Called in the child, after os.fork()."""


connections: WeakSet[ProcessBound] = WeakSet()
clients: WeakSet[ProcessBound] = WeakSet()
connecting_sockets: WeakSet[socket.socket] = WeakSet()  # sockets that have no transport yet
kept: list[Any] = []  # objects of the parent that must not be finalized in the child


def known_clients() -> list[Any]:
    """Return the clients of this process. Other threads may make some meanwhile."""
    while True:
        try:
            return list(clients)
        except RuntimeError:  # another thread has made one: the set changed during the iteration
            continue


def replace_descriptor(descriptor: int) -> None:
    """Close an inherited descriptor in this process, and put a socket whose other end is closed in its place.

    descriptor: a negative one means that the file is closed already.
    """
    if descriptor < 0:
        return
    ours, other = socket.socketpair()
    with ours, other:
        os.dup2(ours.fileno(), descriptor, inheritable=False)


def forget_after_fork() -> None:
    """Give up everything that was inherited. Python calls this in the child, right after os.fork()."""
    for sock in list(connecting_sockets):
        with suppress(OSError):
            replace_descriptor(sock.fileno())
    for owner in [*connections, *clients]:  # connections first: clients drop the transports that these need
        # one failure, as in a child without free descriptors, must not keep the others from being given up
        with suppress(Exception):
            owner._forget_after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=forget_after_fork)
