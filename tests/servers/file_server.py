"""A server of one file, `/file`, in all the ways in which servers treat ranges; in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from aiohttp import web

from hookline_testing.server.loop_thread import LoopThread
from servers.addresses import Site, listening_socket


@dataclass
class FileServer:
    """What the server has, how it treats ranges, and what it was asked.

    kind: "good"; "ignores" ranges (200); sends "other" ranges than those asked for, or parts that are "short", at most
    `LIMIT` bytes; "lies" about the length of its ranges; says "nothing" of its size; "gzip": coded, whatever is accepted.
    allows_head: False = 405. seen: method and fields of each request. waits: seconds before each answer.
    """

    content: bytes = b""
    etag: str | None = '"1"'
    kind: str = "good"
    allows_head: bool = True
    mimetype: str = "application/octet-stream"
    status: int = 200
    waits: float = 0
    site: Site = field(default_factory=lambda: Site(0))
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    def url(self) -> str:
        """Return the URL of the file."""
        return self.site.url("/file")

    def ranges(self) -> list[str]:
        """Return the fields Range of all requests, "" = none; those of HEAD left out."""
        return [fields.get("range", "") for method, fields in self.seen if method != "HEAD"]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request for the file."""
        self.seen.append((request.method, {name.lower(): value for name, value in request.headers.items()}))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.waits)
            return await self._answer(request)
        finally:
            self.at_once -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if self.status != 200:
            return web.Response(status=self.status)
        if request.method == "HEAD" and not self.allows_head:
            return web.Response(status=405)
        fields = {"Content-Type": self.mimetype, **({"ETag": self.etag} if self.etag else {})}
        if self.kind == "nothing":
            answer = web.StreamResponse(headers=fields)
            answer.enable_chunked_encoding()
            await answer.prepare(request)
            if request.method != "HEAD":
                await answer.write(self.content)
            return answer
        if self.kind == "gzip":
            return web.Response(body=gzip.compress(self.content), headers={**fields, "Content-Encoding": "gzip"})
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
        if request.headers.get("If-Range", self.etag) != self.etag or self.kind == "ignores" or wanted is None:
            return web.Response(body=self.content, headers=fields)
        first, size = int(wanted[1]), len(self.content)
        if first >= size:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{size}"})
        stop = min(int(wanted[2] or size) + 1, size)
        if self.kind == "other":
            first = max(first - 1, 0) if first else 1
        if self.kind == "short":
            stop = min(stop, first + LIMIT)
        body = self.content[first:stop]
        if self.kind == "lies":
            body = body[:-1]
        return web.Response(
            body=body, status=206, headers={**fields, "Content-Range": f"bytes {first}-{stop - 1}/{size}"}
        )


LIMIT = 1000


@contextlib.contextmanager
def file_server() -> Iterator[FileServer]:
    """Run a server while the block runs."""
    server = FileServer()
    thread = LoopThread("the server of one file")
    thread.start()
    try:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", server.answer)
        runner = web.AppRunner(application, handle_signals=False, access_log=None, shutdown_timeout=1)
        listener = listening_socket()

        async def serve() -> None:
            await runner.setup()
            await web.SockSite(runner, listener).start()

        try:
            thread.run(serve())
            server.site = Site(int(listener.getsockname()[1]))
            yield server
        finally:
            thread.run(runner.cleanup())
            listener.close()
    finally:
        thread.stop()
