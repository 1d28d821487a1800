"""What a plugin adds to the time of each request."""

from __future__ import annotations

import asyncio
import socket
from time import perf_counter
from typing import Any

from hookline import DirectRoute, HttpClient, HttpResponse, Route, hookimpl

from ..server.messages import response
from .subject import PATIENCE, Bystander, Subject

REQUESTS = 200
ROUNDS = 9
BLOCKING = 1000.0  # microseconds: no thought takes so long, only waiting does
_ANSWER = response(b"ok", headers=[("Content-Type", "text/plain"), ("Server", "conformance")])


class Canned(Bystander, Route):
    """The shortest way there and back: a socket pair, at whose other end each read is answered at once."""

    name = "conformance-canned"
    key = "conformance-canned"

    @hookimpl(trylast=True)
    def pre_request(self, response: HttpResponse) -> None:
        response.request.route = self

    async def open(self, client: HttpClient) -> Any:
        ours, theirs = socket.socketpair()
        await asyncio.get_running_loop().connect_accepted_socket(_Answers, theirs)
        return await DirectRoute("http", "localhost", 80).open(client, sock=ours)


class _Answers(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(_ANSWER * data.count(b"\r\n\r\n"))


async def measure(subject: Subject, costs: list[float]) -> None:
    """Add to `costs` the microseconds that the plugin adds to a small GET: the best round with it, less the best without.

    The best and not the mean, because other work on the machine only ever adds.
    """
    async with (
        subject.client(Canned()) as with_it,
        HttpClient(plugins=[Canned()], autoload=False, timeout=PATIENCE) as without,
    ):
        best = {with_it: float("inf"), without: float("inf")}
        for _ in range(ROUNDS):
            for client in best:
                begin = perf_counter()
                for _ in range(REQUESTS):
                    await client.get("http://localhost/")
                best[client] = min(best[client], perf_counter() - begin)
        costs.append((best[with_it] - best[without]) / REQUESTS * 1e6)
