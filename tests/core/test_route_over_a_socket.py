"""A route over a socket that another protocol, or the test, has connected already."""

import asyncio
import socket

from hookline import DirectRoute, HttpClient, Route, hookimpl
from hookline_testing.server import response


class OverASocket(Route):
    """One end of a pair of sockets; a coroutine answers at the other."""

    key = "a pair of sockets"

    def __init__(self):
        self.server = None

    async def answer(self, reader, writer):
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(response(b"here"))
        except asyncio.IncompleteReadError:
            writer.close()

    async def open(self, client):
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=theirs)
        self.server = asyncio.create_task(self.answer(reader, writer))
        return await DirectRoute("http", "pair.example", 80).open(client, sock=ours)

    @hookimpl
    def pre_request(self, response):
        response.request.route = self


async def test_route_opens_over_a_given_socket_which_the_pool_keeps():
    route = OverASocket()
    async with HttpClient(autoload=False, plugins=[route]) as client:
        for _ in range(2):
            assert (await client.get("http://pair.example/")).content == b"here"
        (pool,) = client.connection_pools.values()
        assert (pool.key, pool.opened, len(pool.idle)) == ("a pair of sockets", 1, 1)
    await asyncio.wait_for(route.server, 5)
