"""The server of the tour, on loopback: fixed responses, some of them hostile, a slow download and a websocket."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

GREETING = b"Hello from the demo server.\n"
LINES = b"".join(b"line %d of a text that compresses well\n" % number for number in range(500))
PIECES, PIECE = 64, bytes(16 * 1024)
PACE = 0.005  # seconds between the pieces of the download
SECRET = "Basic " + base64.b64encode(b"ada:lovelace").decode()


@dataclass(frozen=True)
class Origins:
    """The addresses of the server: two ports, which are two origins (RFC 6454, 4)."""

    first: str
    other: str


def with_length(status: str, body: bytes = b"", *fields: str) -> bytes:
    """Return a response with its Content-Length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: text/plain", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


NOT_FOUND = with_length("404 Not Found", b"There is nothing here.\n")


def answer(path: str, fields: dict[str, str], origins: Origins) -> bytes:
    """Return the response to a GET. fields: those of the request, names in lower case."""
    match path:
        case "/plain":
            return with_length("200 OK", GREETING)
        case "/compressed":
            return with_length("200 OK", gzip.compress(LINES), "Content-Encoding: gzip")
        case "/login":
            return with_length("302 Found", b"", "Location: /home", "Set-Cookie: sid=31d4; HttpOnly; SameSite=Lax")
        case "/home":
            return with_length("200 OK", f"The request had the cookie {fields.get('cookie', 'none')}.\n".encode())
        case "/account" if fields.get("authorization") == SECRET:
            return with_length("307 Temporary Redirect", b"", f"Location: {origins.other}/whoami")
        case "/account":
            return with_length("401 Unauthorized", b"", 'WWW-Authenticate: Basic realm="demo"')
        case "/whoami":
            has = "credentials" if "authorization" in fields else "no credentials"
            return with_length("200 OK", f"The other origin got {has}.\n".encode())
        case "/stamped":
            return with_length("200 OK", f"The request had X-Stamp: {fields.get('x-stamp', 'none')}.\n".encode())
        case "/two-lengths":
            # Two readers would disagree on where this response ends, and take the rest for another one (RFC 9112, 6.3).
            return b"HTTP/1.1 200 OK\r\nContent-Length: 28\r\nContent-Length: 9\r\n\r\n" + GREETING
        case "/cut-short":
            # Announces 1000 bytes and sends 28; then the connection is closed.
            return b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + GREETING
    return NOT_FOUND


async def serve_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, origins: Origins) -> None:
    """Answer the requests of one connection; they must not have bodies."""
    try:
        while True:
            line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            path = line.split(" ")[1]
            pairs = (line.partition(":") for line in lines if line)
            fields = {name.lower(): value.strip() for name, _, value in pairs}
            if path == "/download":
                await send_slowly(writer)
            elif path == "/websocket" and "sec-websocket-key" in fields:
                await echo(reader, writer, fields["sec-websocket-key"])
                return
            else:
                writer.write(answer(path, fields, origins))
                await writer.drain()
            if path in ("/two-lengths", "/cut-short"):
                return
    except (ConnectionError, asyncio.IncompleteReadError):
        return  # the client has closed the connection
    finally:
        writer.close()


async def send_slowly(writer: asyncio.StreamWriter) -> None:
    """Send a body of 1 MiB in pieces."""
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {PIECES * len(PIECE)}\r\n\r\n".encode())
    for _ in range(PIECES):
        writer.write(PIECE)
        await writer.drain()
        await asyncio.sleep(PACE)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str) -> None:
    """Open a websocket (RFC 6455, 4.2.2), and send each message back until it is closed. Messages are shorter than 126 bytes."""
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode(), usedforsecurity=False).digest()
    accept = base64.b64encode(digest).decode()
    writer.write(
        f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
    )
    while True:
        first, second = await reader.readexactly(2)
        mask = await reader.readexactly(4)
        data = await reader.readexactly(second & 0x7F)
        unmasked = bytes(byte ^ mask[number % 4] for number, byte in enumerate(data))
        writer.write(bytes((first, len(unmasked))) + unmasked)
        await writer.drain()
        if first & 0x0F == 0x8:  # a close frame
            return


@contextlib.asynccontextmanager
async def demo_server() -> AsyncIterator[Origins]:
    """Run the server on two free ports of 127.0.0.1 for the duration of the block, and yield its origins."""
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(serve_connection(reader, writer, origins))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async with contextlib.AsyncExitStack() as stack:
        servers = []
        for _ in range(2):
            server = await asyncio.start_server(accept, "127.0.0.1", 0)
            stack.callback(server.close)
            servers.append(server)
        origins = Origins(*(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in servers))
        try:
            yield origins
        finally:
            for server in servers:
                server.close()
            for task in list(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for server in servers:
                await server.wait_closed()
