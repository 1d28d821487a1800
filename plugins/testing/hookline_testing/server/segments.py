"""Cut bytes into pieces that the client is bound to read one by one.

TCP_NODELAY alone does not do that: two small segments that are both there before the client reads are one read. So
before each further piece the server waits until the client has read what went before.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Iterator
from typing import Literal

from .peer_queue import unread

# "whole": one piece. "bytes": one byte each. A number: pieces of that many bytes. A tuple: cut at these offsets,
# negative ones count from the end.
Cut = Literal["whole", "bytes"] | int | tuple[int, ...]

# Seconds to wait for a client that does not read, because it is held back or its loop stands still.
PATIENCE = 0.25
# Looks without a pause in between; a client that waits for data has read it within a few.
_EAGER_LOOKS = 50
# Seconds between pieces where the kernel tells nothing: then two may be read together.
_BLIND_PAUSE = 0.002


def pieces(data: bytes, cut: Cut) -> Iterator[bytes]:
    """Yield `data` in the pieces that `cut` asks for, none of them empty."""
    if cut == "whole":
        offsets: list[int] = []
    elif isinstance(cut, tuple):
        offsets = sorted(offset if offset >= 0 else len(data) + offset for offset in cut)
    else:
        offsets = list(range(0, len(data), 1 if cut == "bytes" else int(cut)))
    start = 0
    for end in [*offsets, len(data)]:
        if end > start:
            yield data[start:end]
            start = end


async def read_by_peer(sock: socket.socket, patience: float = PATIENCE) -> bool:
    """Wait until the peer, on this machine, has read all that was sent; return False when it has not."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    looks = 0
    while waits := unread(sock):
        if loop.time() > deadline:
            return False
        looks += 1
        await asyncio.sleep(0 if looks < _EAGER_LOOKS else 0.001)
    if waits is None:
        await asyncio.sleep(_BLIND_PAUSE)
    return True


def has_hung_up(sock: socket.socket) -> bool:
    """Tell whether the peer has closed or reset, without reading what may come before that."""
    if sock.fileno() == -1:
        return True
    if not hasattr(select, "POLLRDHUP"):  # Linux alone has it; elsewhere bytes that nobody reads hide the end
        try:
            return sock.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLRDHUP)
    return bool(poll.poll(0))
