"""os.fork(): the child shares the sockets of its parent, and leaves them without a word.

Whatever a child writes, shuts down or takes out of an inherited epoll object happens to the parent too, and so does what
finalizers do. So each inherited descriptor is replaced: its number stands for a socket whose other end is closed. The
objects that know the number are kept as long as the child lives, and can do no harm.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import Any, Protocol
from weakref import WeakSet


class Heir(Protocol):
    """Something that belongs to one process."""

    def _forget_after_fork(self) -> None:
        """Forget what belongs to the parent. Called in the child."""


connections: WeakSet[Heir] = WeakSet()
clients: WeakSet[Heir] = WeakSet()
dialed: WeakSet[socket.socket] = WeakSet()  # that no transport may have yet
kept: list[Any] = []


def replace_descriptor(descriptor: int) -> None:
    """Close an inherited file, and put an end that is closed in its place."""
    if descriptor < 0:
        return
    ours, other = socket.socketpair()
    with ours, other:
        os.dup2(ours.fileno(), descriptor, inheritable=False)


def forget_after_fork() -> None:
    """Runs in a child, right behind os.fork()."""
    for sock in list(dialed):
        with suppress(OSError):
            replace_descriptor(sock.fileno())
    for heir in [*connections, *clients]:  # clients forget what connections must know: their transports
        # what cannot be left, in a child that has no descriptors left, say, must not keep the others
        with suppress(Exception):
            heir._forget_after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=forget_after_fork)
