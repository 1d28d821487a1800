"""Measure the time that a plugin adds to each request."""

from __future__ import annotations

import asyncio
import socket
from time import perf_counter
from typing import Any

from hookline import Connection, DirectRoute, HttpClient, HttpResponse, Route, hookimpl

from ..server.responses import response
from .plugin_under_test import CALL_TIMEOUT, HelperPlugin, PluginUnderTest

REQUESTS = 200
ROUNDS = 9
BLOCKING = 1000.0  # microseconds: no computation takes so long, so something waits
_ANSWER = response(b"ok", headers=[("Content-Type", "text/plain"), ("Server", "conformance")])


class FixedResponse(HelperPlugin, Route):
    """A route over a socket pair, at whose other end each request is answered at once."""

    name = "conformance-canned"
    key = "conformance-canned"

    @hookimpl(trylast=True)
    def pre_request(self, response: HttpResponse) -> None:
        response.request.route = self

    async def open(self, client: HttpClient) -> Connection:
        ours, theirs = socket.socketpair()
        await asyncio.get_running_loop().connect_accepted_socket(_AnswerProtocol, theirs)
        return await DirectRoute("http", "localhost", 80).connect(client, sock=ours)


class _AnswerProtocol(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(_ANSWER * data.count(b"\r\n\r\n"))


async def measure(tested: PluginUnderTest, costs: list[float]) -> None:
    """Append to `costs` the microseconds that the plugin adds to a small GET.

    It is the shortest round with the plugin less the shortest without: other work on the machine can only add time.
    """
    async with (
        tested.client(FixedResponse()) as with_it,
        HttpClient(plugins=[FixedResponse()], autoload=False, timeout=CALL_TIMEOUT) as without,
    ):
        best = {with_it: float("inf"), without: float("inf")}
        for _ in range(ROUNDS):
            for client in best:
                begin = perf_counter()
                for _ in range(REQUESTS):
                    await client.get("http://localhost/")
                best[client] = min(best[client], perf_counter() - begin)
        costs.append((best[with_it] - best[without]) / REQUESTS * 1e6)
