"""A server of the library websockets, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from typing import Any

from hookline_testing.server.loop_thread import LoopThread
from servers.addresses import Site, listening_socket
from servers.programs import require_module


async def serve_path(connection: Any) -> None:
    """Echo messages. At /close/CODE close immediately with that code; at /count/N send N numbers and close."""
    _, word, *rest = connection.request.path.split("/")
    if word == "close":
        await connection.close(int(rest[0]), "as you asked")
    elif word == "count":
        for number in range(int(rest[0])):
            await connection.send(str(number))
    else:
        async for message in connection:
            await connection.send(message)


@contextlib.contextmanager
def websockets_site(ssl_context: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Serve on a free port of 127.0.0.1 while the block runs. It accepts subprotocols with "chat" in their name."""
    require_module("websockets", "websockets")
    from websockets.asyncio.server import Server, serve

    thread = LoopThread("websockets' server")
    thread.start()
    listener = listening_socket()

    async def begin() -> Server:
        return await serve(
            serve_path,
            sock=listener,
            ssl=ssl_context,
            max_size=None,
            select_subprotocol=lambda connection, offered: next((name for name in offered if "chat" in name), None),
        )

    async def end(server: Server) -> None:
        server.close()
        await asyncio.wait_for(server.wait_closed(), 5)

    try:
        server = thread.run(begin())
        try:
            yield Site(int(listener.getsockname()[1]), "http" if ssl_context is None else "https")
        finally:
            thread.run(end(server))
    finally:
        thread.stop()
