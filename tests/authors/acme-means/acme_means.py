"""Plugins of a third party, each the simplest that needs one means for authors."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TextIO

from hookline import (
    TLS,
    Attribute,
    Carrier,
    HttpClient,
    HttpConnectionError,
    HttpRequest,
    HttpResponse,
    Option,
    hookimpl,
)


class Journal:
    """Writes a line for each exchange: to one file for each event loop of a client, which is closed with the client.

    It needs `response.notes`, `client.per_loop`, and the hooks `attached` and `closed`.
    """

    def open(self) -> TextIO:
        return open("journal.txt", "a", encoding="utf-8")  # closed with the client

    def close(self, file: TextIO) -> None:
        file.write("end\n")
        file.close()

    @hookimpl
    def attached(self, client: HttpClient) -> None:
        Path("journal.txt").write_text("begin\n", encoding="utf-8")

    @hookimpl
    def pre_request(self, response: HttpResponse) -> None:
        response.notes["journal"] = response.request.origin_form

    @hookimpl
    def post_request(self, response: HttpResponse) -> None:
        file = response.request.client.per_loop(self.open, self.close)
        file.write(f"{response.notes['journal']} {response.status_code}\n")

    @hookimpl
    async def closed(self, client: HttpClient) -> None:
        file = client.per_loop(self.open, self.close)
        file.write(f"{client.stats().connections} connections are open\n")


class Keep:
    """A filter that keeps a body as it is received, if it comes to its end."""

    has_pending = False

    def __init__(self, kept: dict[str, Any], response: HttpResponse) -> None:
        self.kept, self.url = kept, response.url
        self.head = response.status_code, response.headers.copy()
        self.parts: list[bytes] = []

    def decode(self, data: bytes, limit: int) -> bytes:
        self.parts.append(data)
        return data

    def finish(self) -> None:
        self.kept[self.url] = *self.head, self.parts

    def abandon(self) -> None:
        self.kept.pop(self.url, None)


class Store:
    """Answers from what it has received before, so that other plugins see redirects and content codings.

    It needs `HttpResponse.build(content=..., as_received=True)`, and `add_decoder(..., runs_always=True)`.
    """

    before = "decompress", "redirects"

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    @hookimpl
    def pre_request(self, response: HttpResponse) -> HttpResponse | None:
        if response.request.url not in self.kept:
            return None
        status, headers, parts = self.kept[response.request.url]
        return HttpResponse.build(
            response.request, status, headers=headers, content=self.read(parts), as_received=True, stored=True
        )

    async def read(self, parts: list[bytes]) -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    @hookimpl
    def on_headers(self, response: HttpResponse) -> None:
        if not response.is_stored:
            response.add_decoder(Keep(self.kept, response), runs_always=True)


class Mirror:
    """Sends the whole call to a mirror if the server has no time. It needs `client.send`."""

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option("mirror")]

    @hookimpl(statuses=(503,))
    async def post_request(self, response: HttpResponse, exc: BaseException | None) -> HttpResponse | None:
        request: Any = response.request
        if exc is not None or request.mirror is None:
            return None
        return await request.client.send(request.copy(url=request.mirror + request.origin_form), mirror=None, timeout=5)


class Checksum:
    """Adds `response.checksum` for calls that ask for it. It needs handlers for one exchange that cost nothing else."""

    @hookimpl
    def declare(self) -> list[Any]:
        return [Option("checksum"), Attribute("checksum", self.of)]

    def of(self, response: HttpResponse) -> str | None:
        return response.notes.get("checksum")

    @hookimpl(options=("checksum",))
    def pre_request(self, response: HttpResponse) -> None:
        request: Any = response.request
        if request.checksum:
            response.event("post_request").bind(self.add, plugin="checksum")

    def add(self, response: HttpResponse, exc: BaseException | None) -> HttpRequest | None:
        if exc is None:
            response.notes["checksum"] = hashlib.new(response.request.checksum, response.content).hexdigest()  # type: ignore[attr-defined]
        return None


class Sign:
    """Signs what is sent, as it is sent. It needs `request.digest` and `request.fields_as_sent`."""

    @hookimpl(trylast=True)
    async def pre_request(self, response: HttpResponse) -> None:
        request = response.request
        digest = (await request.digest("sha256")).hex()
        names = ";".join(name.lower() for name, _ in request.fields_as_sent())
        request.unredirected_headers["X-Signature"] = f"{digest} {names}"


class LoopbackOnly:
    """Lets nothing out but to this machine. It needs the hook `connecting`, and `require`, so that no call leaves it out."""

    @hookimpl
    def connecting(self, host: str, addresses: list[str]) -> None:
        if not all(address.startswith("127.") for address in addresses):
            raise HttpConnectionError(f"{host} is not on this machine")


class Phases:
    """Adds `response.phases`, the names of the steps that an exchange went through. It asks for timings by itself."""

    @hookimpl
    def declare(self) -> list[Any]:
        return [Attribute("phases", self.of)]

    def of(self, response: HttpResponse) -> list[str]:
        return [phase.name for phase in response.timings.phases] if response.timings else []

    @hookimpl
    def pre_request(self, response: HttpResponse, attempt: int = 1) -> None:
        """Ask for timings. attempt: an argument that newer versions of core may have."""
        response.request.timings = attempt == 1


class Unchanged:
    """Answers a 304 with what it has, and leaves the connection to the client. It needs answers to `on_headers`."""

    @hookimpl(statuses=(304,))
    def on_headers(self, response: HttpResponse) -> HttpResponse:
        return HttpResponse.build(response.request, 200, content=b"what it has")


class Probe:
    """Notes where a connection leads, and what the client would offer there.

    It needs `client.resolve`, `tls.context`, and the hook `connected` with `connection.facts`.
    """

    @hookimpl
    def declare(self) -> list[Any]:
        return [Attribute("probed", lambda response: response.notes.get("probe"))]

    @hookimpl
    async def pre_request(self, response: HttpResponse) -> None:
        origin, client = response.request.origin, response.request.client
        addresses = await client.resolve(origin.host, origin.port)
        context = TLS().context(client, alpn=("acme/1",))
        response.notes["probe"] = [addresses, context is TLS().context(client, alpn=("acme/1",))]
        response.request.headers["X-Probe"] = "1"

    @hookimpl
    def connected(self, request: HttpRequest, connection: Carrier) -> None:
        facts = connection.facts()
        request.headers["X-Peer"] = f"{facts.peer[0]} {facts.protocol}"
