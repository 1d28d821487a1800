"""aiohttp's web server with endpoints for tests, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import ssl
import zlib
from collections.abc import Iterator
from typing import Any

from aiohttp import BodyPartReader, WSMsgType, web

from hookline_testing.server.loop_thread import LoopThread
from servers.addresses import Site, listening_socket
from servers.model_apis import file_object

_CHUNK = 64 * 1024


def content(size: int) -> bytes:
    """Return the body of /bytes/N and /stream/N: a pattern in which no two neighbouring KiB are the same."""
    pattern = b"".join(b"%08d" % number for number in range(1024))
    return (pattern * (size // len(pattern) + 1))[:size]


async def echo(request: web.Request) -> web.Response:
    """Describe the request in JSON; the body as Latin-1, which any bytes are."""
    body = await request.read()
    return web.json_response(
        {
            "method": request.method,
            "target": request.raw_path,
            "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.raw_headers],
            "body": body.decode("latin-1"),
        }
    )


async def send_bytes(request: web.Request) -> web.Response:
    """Answer with N bytes and their Content-Length."""
    return web.Response(body=content(int(request.match_info["size"])))


async def stream(request: web.Request) -> web.StreamResponse:
    """Answer with N bytes, chunked."""
    answer = web.StreamResponse()
    await answer.prepare(request)
    left = int(request.match_info["size"])
    block = content(_CHUNK)
    while left > 0:
        await answer.write(block[:left])
        left -= len(block)
    await answer.write_eof()
    return answer


async def slow(request: web.Request) -> web.Response:
    """Answer after the number of seconds in the path."""
    await asyncio.sleep(float(request.match_info["seconds"]))
    return web.Response(text="at last")


async def gzipped(request: web.Request) -> web.Response:
    """Answer in gzip, whether or not the request accepts it."""
    return web.Response(
        body=gzip.compress(b'{"gzipped": true}'),
        headers={"Content-Encoding": "gzip", "Content-Type": "application/json"},
    )


async def deflated(request: web.Request) -> web.Response:
    """Answer in deflate: the zlib format of RFC 9110, or with ?raw=1 without the zlib frame, as some servers send."""
    deflater = zlib.compressobj(wbits=-15 if "raw" in request.query else 15)
    body = deflater.compress(b'{"deflated": true}') + deflater.flush()
    return web.Response(body=body, headers={"Content-Encoding": "deflate", "Content-Type": "application/json"})


async def status(request: web.Request) -> web.Response:
    """Answer with the status in the path."""
    return web.Response(status=int(request.match_info["status"]))


async def redirect(request: web.Request) -> web.Response:
    """Redirect N times, with 302 or ?status=; the last redirect leads to /echo."""
    count = int(request.match_info["count"])
    query = f"?{request.query_string}" if request.query_string else ""
    location = f"/redirect/{count - 1}{query}" if count > 1 else "/echo"
    return web.Response(status=int(request.query.get("status", "302")), headers={"Location": location})


async def cookies(request: web.Request) -> web.Response:
    """Set each pair of the query as a cookie; answer with the cookies that came."""
    answer = web.json_response(dict(request.cookies))
    for name, value in request.query.items():
        answer.set_cookie(name, value)
    return answer


async def upload(request: web.Request) -> web.Response:
    """Count and hash the body, keeping none of it."""
    digest, size = hashlib.sha256(), 0
    async for block in request.content.iter_any():
        digest.update(block)
        size += len(block)
    return web.json_response({"size": size, "sha256": digest.hexdigest()})


async def mirror(request: web.Request) -> web.StreamResponse:
    """Send each piece of the body back as it comes."""
    answer = web.StreamResponse()
    await answer.prepare(request)
    async for block in request.content.iter_any():
        await answer.write(block)
    await answer.write_eof()
    return answer


async def describe_parts(request: web.Request) -> list[dict[str, Any]]:
    """Return what each part of a multipart body is, keeping none of it."""
    parts: list[dict[str, Any]] = []
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        digest, size = hashlib.sha256(), 0
        while block := await part.read_chunk(_CHUNK):
            digest.update(block)
            size += len(block)
        kind = part.headers.get("Content-Type")
        parts.append(
            {"name": part.name, "filename": part.filename, "type": kind, "size": size, "sha256": digest.hexdigest()}
        )
    return parts


async def form(request: web.Request) -> web.Response:
    """Describe each part of a multipart body."""
    return web.json_response(await describe_parts(request))


async def files(request: web.Request) -> web.Response:
    """Take a file as the APIs of language models do; the answer has the hash besides."""
    (part,) = [part for part in await describe_parts(request) if part["name"] == "file"]
    return web.json_response({**file_object(part["size"], part["filename"]), "sha256": part["sha256"]})


async def websocket(request: web.Request) -> web.WebSocketResponse:
    """Echo text and binary messages; select the subprotocol `echo` if it is offered."""
    socket = web.WebSocketResponse(protocols=("echo",), max_msg_size=0)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


def make_app() -> web.Application:
    """Return the application; no limit to the size of a body."""
    app = web.Application(client_max_size=0)
    app.router.add_route("*", "/echo", echo)
    app.router.add_route("*", "/status/{status}", status)
    app.router.add_route("*", "/redirect/{count}", redirect)
    app.router.add_route("*", "/upload", upload)
    app.router.add_route("*", "/form", form)
    app.router.add_post("/v1/files", files)
    app.router.add_route("*", "/mirror", mirror)
    app.router.add_get("/bytes/{size}", send_bytes)
    app.router.add_get("/stream/{size}", stream)
    app.router.add_get("/slow/{seconds}", slow)
    app.router.add_get("/gzip", gzipped)
    app.router.add_get("/deflate", deflated)
    app.router.add_get("/cookies", cookies)
    app.router.add_get("/websocket", websocket)
    return app


@contextlib.contextmanager
def aiohttp_site(ssl_context: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Serve the application on a free port of 127.0.0.1 while the block runs."""
    thread = LoopThread("aiohttp's server")
    thread.start()
    try:
        # No signal handlers: those belong to the main thread.
        runner = web.AppRunner(make_app(), handle_signals=False, access_log=None, shutdown_timeout=1)
        listener = listening_socket()

        async def serve() -> None:
            await runner.setup()
            await web.SockSite(runner, listener, ssl_context=ssl_context).start()

        try:
            thread.run(serve())
            yield Site(int(listener.getsockname()[1]), "http" if ssl_context is None else "https")
        finally:
            thread.run(runner.cleanup())
            listener.close()
    finally:
        thread.stop()
