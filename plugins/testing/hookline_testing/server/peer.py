"""Find out whether the peer of a socket has read what was sent, or has closed.

The server waits for the first before it sends another piece: TCP_NODELAY alone does not make the client read two pieces
one by one. If both are there before it reads, one read returns both.
"""

from __future__ import annotations

import asyncio
import select
import socket

from .receive_queue import has_unread

# Seconds to wait for a client that does not read, because it has paused reading or its loop is blocked.
READ_TIMEOUT = 0.25
# Polls without a pause between them; a client that waits for data has read it within a few.
_EAGER_POLLS = 50
# Seconds between two pieces if the kernel cannot tell what was read: the client may then read both at once.
_BLIND_PAUSE = 0.002


async def wait_until_read(sock: socket.socket, timeout: float = READ_TIMEOUT) -> bool:
    """Wait until the peer, on this machine, has read everything; return False if it has not within `timeout` seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    polls = 0
    while unread := has_unread(sock):
        if loop.time() > deadline:
            return False
        polls += 1
        await asyncio.sleep(0 if polls < _EAGER_POLLS else 0.001)
    if unread is None:
        await asyncio.sleep(_BLIND_PAUSE)
    return True


def has_hung_up(sock: socket.socket) -> bool:
    """Say whether the peer has closed or reset the connection, without reading the data that came before that."""
    if sock.fileno() == -1:
        return True
    if not hasattr(select, "POLLRDHUP"):  # only on Linux; elsewhere unread data hides the end
        try:
            return sock.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLRDHUP)
    return bool(poll.poll(0))
