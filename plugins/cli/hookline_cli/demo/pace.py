"""The pace of the tour: on a terminal it waits between its parts, and a key goes on, pauses or ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator

LINE, PART = 0.02, 1.0  # seconds after a line and after a part: 16 s for the whole tour
PAUSING, ENDING = b" p", b"q"


class Pace:
    """The waits of a tour. is_slow: False never waits. keys: the descriptor of a terminal that is read; None = no keys."""

    def __init__(self, *, is_slow: bool, keys: int | None) -> None:
        self.is_slow = is_slow
        self._keys = keys

    @property
    def has_keys(self) -> bool:
        """Whether keys are read."""
        return self.is_slow and self._keys is not None

    async def line(self) -> None:
        """Wait after a line."""
        if self.is_slow:
            await asyncio.sleep(LINE)

    async def part(self) -> bool:
        """Wait after a part; return False if the reader ends the tour."""
        if not self.is_slow:
            return True
        if self._keys is None:
            await asyncio.sleep(PART)
            return True
        key = await self._key(PART)
        if key and key in PAUSING:
            key = await self._key(None)
        return not key or key not in ENDING

    async def _key(self, seconds: float | None) -> bytes:
        """Return the key that is pressed within so many seconds, b"" if there is none. None: wait for it."""
        assert self._keys is not None
        descriptor = self._keys
        loop = asyncio.get_running_loop()
        pressed: asyncio.Future[bytes] = loop.create_future()

        def read() -> None:
            if not pressed.done():
                pressed.set_result(os.read(descriptor, 1))

        loop.add_reader(descriptor, read)
        try:
            async with asyncio.timeout(seconds):
                return await pressed
        except TimeoutError:
            return b""
        finally:
            loop.remove_reader(descriptor)


@contextlib.contextmanager
def reading_keys() -> Iterator[int | None]:
    """Let standard input give single keys during the block, and yield its descriptor; None if it is no terminal of ours."""
    try:
        import termios
        import tty
    except ModuleNotFoundError:  # Windows
        yield None
        return
    if sys.stdin is None or not sys.stdin.isatty() or in_background(sys.stdin.fileno()):
        yield None
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)  # unlike raw mode it leaves Ctrl-C to the system
    try:
        yield descriptor
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def in_background(descriptor: int) -> bool:
    """Return whether the shell runs this process in the background, where changing the terminal would stop it."""
    try:
        return os.tcgetpgrp(descriptor) != os.getpgrp()
    except OSError:  # it is not the terminal that controls this process
        return False
