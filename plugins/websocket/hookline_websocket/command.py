"""Open a websocket: send lines as messages, and print messages as lines.

Each line of standard input is sent as a message, and each message that comes is printed as a line.

At the end of the input the websocket is closed, and what still comes is printed. If the input is a terminal, /ping sends a
ping, /close [CODE [REASON]] closes, and a line that begins with // is sent with one /.

exit status: 0 if the websocket was closed by us, or with 1000 or 1001; 3 if it ended otherwise; 3, 4 or 5 for a refusal.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator
from typing import Any

from .close_codes import GOING_AWAY, NO_STATUS, NORMAL
from .errors import WebSocketClosed
from .websocket import WebSocket

QUEUED = 100  # lines that are read in advance
CHUNK = 65536  # bytes of one read of standard input


def add_arguments(parser: Any) -> None:
    """Add the arguments of the command."""
    parser.add_argument("url", metavar="URL", help="ws:// is added; :8000/path is on localhost")
    parser.add_argument("--subprotocol", action="append", default=[], metavar="NAME", help="offer a subprotocol")
    parser.add_argument("--ping", type=float, metavar="SECONDS", help="send a ping so often")
    parser.add_argument("--listen", action="store_true", help="send nothing, and do not read standard input")
    parser.add_argument("--binary", action="store_true", help="send lines as binary messages")
    parser.add_argument("--close", type=int, default=NORMAL, metavar="CODE", help="the close code (default: 1000)")


async def run(arguments: Any, context: Any) -> int:
    """Run the command, and return its exit status. context: what the command line hands over."""
    url = context.complete_url(arguments.url, "ws")
    if url.startswith("http"):
        url = f"ws{url.removeprefix('http')}"
    async with context.open_client() as client:
        given = {"subprotocols": arguments.subprotocol, "ping_interval": arguments.ping, "headers": context.headers}
        websocket = await client.get(url, **{name: each for name, each in given.items() if each}, **context.keywords)
        if not isinstance(websocket, WebSocket):
            context.note(f"the server opened no websocket: {websocket.status_code} {websocket.reason}")
            status: int = websocket.status_code
            return max(3, status // 100)
        chosen = f", subprotocol {websocket.subprotocol}" if websocket.subprotocol else ""
        context.note(f"connected to {websocket.url}{chosen}")
        return await talk(websocket, arguments, context)


async def talk(websocket: WebSocket, arguments: Any, context: Any) -> int:
    """Send and print messages until the websocket is closed, and return the exit status."""
    sending = None if arguments.listen else asyncio.create_task(send_lines(websocket, arguments, context))
    try:
        async for message in websocket:
            show(message, context)
    finally:
        if sending is not None and not sending.done():
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        if websocket.close_reason is None:
            await websocket.close(GOING_AWAY)
    is_ours = sending is not None and not sending.cancelled() and sending.result()
    code, reason = websocket.close_reason or (NORMAL, "")
    context.note(f"closed with {code}{f': {reason}' if reason else ''}")
    return 0 if is_ours or code in (NORMAL, GOING_AWAY, NO_STATUS) else 3


def show(message: str | bytes, context: Any) -> None:
    """Print a message: text as a line, binary as it is through a pipe, and in hexadecimal on a terminal."""
    if isinstance(message, str):
        context.line(message)
    elif context.is_terminal:
        context.line(f"[{len(message)} bytes] {message[:64].hex(' ')}{' …' if len(message) > 64 else ''}")
    else:
        context.write(message)


async def send_lines(websocket: WebSocket, arguments: Any, context: Any) -> bool:
    """Send each line of standard input, then close. Return whether it was closed by us, and not by the peer before."""
    is_typed = sys.stdin.isatty()
    try:
        async for line in input_lines():
            if is_typed and line.startswith(b"/") and not line.startswith(b"//"):
                if await obey(line.decode("utf-8", "replace"), websocket, context):
                    return True
            else:
                line = line[1:] if is_typed and line.startswith(b"//") else line
                await websocket.send(line if arguments.binary else line.decode("utf-8", "replace"))
        await websocket.write_close(arguments.close)
    except WebSocketClosed:
        return False
    return True


async def obey(line: str, websocket: WebSocket, context: Any) -> bool:
    """Carry out a line that begins with / on a terminal. Return whether it has closed the websocket."""
    word, *rest = line.split(maxsplit=2)
    if word == "/ping":
        context.note(f"pong after {await websocket.ping() * 1000:.0f} ms")
    elif word == "/close" and (not rest or rest[0].isdigit()):
        try:
            await websocket.write_close(int(rest[0]) if rest else NORMAL, rest[1] if len(rest) > 1 else "")
        except ValueError as error:
            context.note(str(error))
        else:
            return True
    else:
        context.note("expected /ping, or /close [CODE [REASON]]; // begins a message with one /")
    return False


async def input_lines() -> AsyncIterator[bytes]:
    """Yield the lines of standard input, without their ends.

    A daemon thread reads them with os.read: a terminal or a file cannot be watched by every event loop, and a thread that waits
    for a line must not keep the program from ending.
    """
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes] = asyncio.Queue(QUEUED)
    threading.Thread(target=read_input, args=(loop, chunks), daemon=True).start()
    rest = b""
    while chunk := await chunks.get():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r")
    if rest:
        yield rest


def read_input(loop: asyncio.AbstractEventLoop, chunks: asyncio.Queue[bytes]) -> None:
    """Read standard input, and put what comes into the queue, b"" at the end; wait while it is full."""
    try:
        while True:
            data = os.read(0, CHUNK)
            asyncio.run_coroutine_threadsafe(chunks.put(data), loop).result()
            if not data:
                return
    except (OSError, RuntimeError, asyncio.CancelledError):  # no input, or the loop has ended
        return
