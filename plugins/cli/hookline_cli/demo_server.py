"""The server of the tour: a few fixed responses on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator

GREETING = b"Hello from the demo server.\n"
LINES = b"".join(b"line %d of a text that compresses well\n" % number for number in range(500))
PIECES, PIECE = 64, bytes(16 * 1024)


def with_length(status: str, body: bytes, *fields: str) -> bytes:
    """Return a response with its Content-Length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: text/plain", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


ANSWERS = {
    "/plain": with_length("200 OK", GREETING),
    "/compressed": with_length("200 OK", gzip.compress(LINES), "Content-Encoding: gzip"),
    "/redirected": with_length("302 Found", b"", "Location: /plain"),
    # Announces 1000 bytes and sends 28; then the connection is closed.
    "/failing": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + GREETING,
}
NOT_FOUND = with_length("404 Not Found", b"There is nothing here.\n")


async def serve_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection; they must not have bodies."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode("latin-1")
            if path == "/streamed":
                await send_stream(writer)
            else:
                writer.write(ANSWERS.get(path, NOT_FOUND))
                await writer.drain()
            if path == "/failing":
                return
    except (ConnectionError, asyncio.IncompleteReadError):
        return  # the client has closed the connection
    finally:
        writer.close()


async def send_stream(writer: asyncio.StreamWriter) -> None:
    """Send a chunked body of 1 MiB."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(PIECES):
        writer.write(b"%x\r\n%b\r\n" % (len(PIECE), PIECE))
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()


@contextlib.asynccontextmanager
async def demo_server() -> AsyncIterator[str]:
    """Run the server on a free port of 127.0.0.1 for the duration of the block, and yield its origin."""
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(serve_connection(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
