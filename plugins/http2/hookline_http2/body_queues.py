"""Bodies of requests that wait for the windows of the peer. A piece of each is sent in turn, so that none waits for another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

TURN = 16 * 1024  # bytes of a body that are sent before it is the turn of the next one


class BodyQueue:
    """What waits of one body. size: its bytes. ends: the body ends with it."""

    def __init__(self) -> None:
        self.pieces: deque[memoryview] = deque()
        self.size = 0
        self.ends = False

    def take(self, room: int) -> memoryview:
        """Take the next bytes out, `room` at most."""
        piece = self.pieces[0]
        if len(piece) <= room:
            self.pieces.popleft()
        else:
            self.pieces[0], piece = piece[room:], piece[:room]
        self.size -= len(piece)
        return piece


class BodyQueues:
    """The bodies that wait on one connection.

    queues: by the number of the stream, in the order of their turns. An engine asks this dictionary whether any body waits.
    """

    def __init__(self) -> None:
        self.queues: dict[int, BodyQueue] = {}

    def add(self, number: int, data: bytes, *, ends: bool) -> None:
        """Queue a piece of a body. ends: it is the last one, and may be empty."""
        queue = self.queues.setdefault(number, BodyQueue())
        if data:
            queue.pieces.append(memoryview(data))
            queue.size += len(data)
        queue.ends = ends

    def __contains__(self, number: int) -> bool:
        return number in self.queues

    def size(self, number: int) -> int:
        """Return how many bytes of a body wait."""
        queue = self.queues.get(number)
        return 0 if queue is None else queue.size

    def drop(self, number: int) -> None:
        """Forget a body."""
        self.queues.pop(number, None)

    def take_turns(self, window: Callable[[int], int], alone: int) -> Iterator[tuple[int, memoryview, bool]]:
        """Take what may be sent of each body in its turn: the number of the stream, the bytes, and whether the body ends.

        window: how many bytes may be sent on a stream now. alone: bytes of a body that is the only one; others get TURN.
        """
        most = alone if len(self.queues) == 1 else TURN
        for number, queue in list(self.queues.items()):
            if queue.size:
                room = min(window(number), most)
                if room <= 0:
                    continue
                part = queue.take(room)
            else:
                part = memoryview(b"")
            if not queue.size:
                del self.queues[number]
            yield number, part, queue.ends and not queue.size
