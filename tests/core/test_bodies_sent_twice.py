"""A body that can be read only once, in two calls: it is an error, and never cut silently."""

import asyncio

import pytest

from hookline import BodyNotRepeatable, HttpClient, hookimpl
from hookline.errors import LocalProtocolError
from hookline_testing.server import response

pytestmark = [pytest.mark.client(autoload=False), pytest.mark.protocols("HTTP/1.1", "HTTP/2")]


async def generator():
    for _ in range(3):
        yield b"chunk"


def synchronous_generator():
    yield from [b"chunk"] * 3


@pytest.mark.parametrize("make", [generator, synchronous_generator])
async def test_generator_that_another_call_sent_is_an_error(client, make_scripted, make):
    server = make_scripted(strict=False)
    server.always(response(b""))
    source = make()
    await client.post(server.url(), data=source)
    with pytest.raises(ValueError, match="before"):
        await client.post(server.url(), data=source)
    assert [request.body for request in server.requests if request.complete] == [b"chunk" * 3]


async def test_empty_sources_are_empty_bodies(client, scripted):
    scripted.always(response(b""))
    for source in (b"", [], (chunk for chunk in ()), map(bytes, [])):
        await client.post(scripted.url(), data=source)
    assert [request.body for request in scripted.requests] == [b""] * 4


@pytest.mark.parametrize("make", [generator, synchronous_generator])
async def test_two_concurrent_calls_do_not_share_a_generator(make_scripted, make):
    server = make_scripted(strict=False)
    server.always(response(b""))
    source = make()
    async with HttpClient(autoload=False) as client:
        found = await asyncio.gather(
            *(client.post(server.url(), data=source) for _ in range(2)), return_exceptions=True
        )
    assert [request.body for request in server.requests if request.complete] == [b"chunk" * 3]
    assert sum(isinstance(each, LocalProtocolError) for each in found) == 1
    await server.until(given_up=1)


async def test_generator_that_the_user_has_read_is_an_error(client, scripted):
    plain = synchronous_generator()
    assert len(list(plain)) == 3
    once = generator()
    assert len([chunk async for chunk in once]) == 3
    for source in (plain, once):
        with pytest.raises(ValueError, match="read to its end before"):
            await client.post(scripted.url(), data=source)
    assert scripted.connections == 0


@pytest.mark.parametrize(
    "make", [lambda: iter([]), lambda: iter(()), lambda: map(bytes, [])], ids=["list", "tuple", "map"]
)
async def test_iterator_without_chunks_is_an_empty_body(client, scripted, make):
    scripted.always(response(b""))
    await client.post(scripted.url(), data=make())
    assert scripted.requests[0].body == b""


async def test_generator_of_a_refused_call_can_still_be_sent(client, scripted):
    scripted.always(response(b""))
    source = generator()
    with pytest.raises(ConnectionError):
        await client.post("http://127.0.0.1:1/", data=source)
    await client.post(scripted.url(), data=source)
    assert scripted.requests[0].body == b"chunk" * 3


async def test_redirect_of_a_generator_is_still_an_error(scripted):
    class Again:
        name = "again"

        @hookimpl
        def post_request(self, response):
            return response.request.copy(cause="again")

    scripted.always(response(b"", 307))
    async with HttpClient(autoload=False, plugins=[Again()]) as client:
        with pytest.raises(BodyNotRepeatable):
            await client.post(scripted.url(), data=generator())
