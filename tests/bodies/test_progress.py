"""on_upload and on_download: how far the bodies of a call are."""

import asyncio
import io

import pytest

from hookline import ConnectionClosed, HttpClient, hookimpl
from hookline_testing.server import Script, chunked, head, response
from kit.slots import is_free

pytestmark = [
    pytest.mark.client(autoload=False, plugins=["bodies"], pool_size=1),
    pytest.mark.protocols("HTTP/1.1", "HTTP/2"),
]

CONTENT = b"x" * 1_000_000


async def agen(content):
    for start in range(0, len(content), 100_000):
        yield content[start : start + 100_000]


@pytest.mark.parametrize(
    ("given", "total"),
    [
        ({"data": b"small"}, 5),
        ({"data": CONTENT}, len(CONTENT)),
        ({"json": [1, 2]}, 5),
        ({"data": {"a": "b"}}, 3),
        ({"data": io.BytesIO(CONTENT)}, len(CONTENT)),
        ({"data": agen, "headers": {"Content-Length": str(len(CONTENT))}}, len(CONTENT)),
        ({"data": agen}, None),
    ],
    ids=["small", "large", "json", "form", "file", "stated", "chunked"],
)
async def test_on_upload_is_called_with_the_progress(client, scripted, given, total):
    scripted.answer(response(b""))
    told = []
    if given.get("data") is agen:
        given = {**given, "data": agen(CONTENT)}
    await client.post(scripted.url(), on_upload=lambda done, total: told.append((done, total)), **given)
    size = scripted.requests[0].body_size
    assert told[-1] == (size, total)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert {each for _, each in told} == {total}
    assert len(told) > 2 or size < 10
    await is_free(client, scripted)


async def test_on_upload_is_not_called_without_a_body(client, scripted):
    scripted.always(response(b""))
    told = []
    await client.get(scripted.url(), on_upload=lambda *each: told.append(each))
    await client.post(scripted.url(), on_upload=None, on_download=None, data=b"x")
    assert told == []


@pytest.mark.parametrize(
    ("answer", "total"),
    [
        (response(CONTENT), len(CONTENT)),
        (response(b"small"), 5),
        (chunked(*[CONTENT[:100_000]] * 10), None),
        (Script(head(200) + CONTENT).close(), None),
    ],
    ids=["length", "small", "chunked", "until close"],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_on_download_is_called_with_the_progress(client, scripted, answer, total, stream):
    scripted.answer(answer)
    told = []
    got = await client.get(scripted.url(), on_download=lambda *each: told.append(each), stream=stream)
    content = await got.raw.read()
    assert told[-1] == (len(content), total)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert {each for _, each in told} == {total}


@pytest.mark.parametrize("stream", [False, True])
async def test_on_download_is_called_for_an_empty_body(client, scripted, stream):
    scripted.answer(response(b""))
    told = []
    await client.get(scripted.url(), on_download=lambda *each: told.append(each), stream=stream)
    assert told == [(0, 0)]


async def test_on_download_is_not_called_for_an_exchange_without_a_response(client, make_scripted):
    server = make_scripted(strict=False)
    server.answer(Script().drop())
    told = []
    with pytest.raises(ConnectionClosed):
        await client.get(server.url(), on_download=lambda *each: told.append(each))
    assert told == []


@pytest.mark.parametrize("status", [204, 304])
async def test_on_download_is_not_called_without_a_body(client, scripted, status, protocol):
    told = []
    stated = [] if (status, protocol) == (204, "HTTP/2") else [("Content-Length", "5")]  # there it is an error
    scripted.answer(head(status, stated), head(200, [("Content-Length", "5")]))
    await client.get(scripted.url(), on_download=lambda *each: told.append(each))
    await client.head(scripted.url(), on_download=lambda *each: told.append(each))
    assert told == []


class Follows:
    """Goes on to /end, without handing out what came first."""

    name = "follows"

    @hookimpl(statuses=(307,))
    def on_headers(self, response):
        response.buffer()

    @hookimpl(statuses=(307,))
    def post_request(self, response):
        return response.request.follow(response.url + "end", cause="redirect")


async def test_progress_counts_follow_ups_and_no_dropped_bodies(scripted):
    scripted.answer(response(b"elsewhere", 307), response(b"here"))
    up, down = [], []
    async with HttpClient(autoload=False, plugins=[Follows(), "bodies"]) as client:
        await client.post(
            scripted.url(),
            data=b"body",
            on_upload=lambda *each: up.append(each),
            on_download=lambda *each: down.append(each),
        )
    assert up == [(4, 4), (4, 4)]
    assert down[-1] == (4, 4)
    assert {total for _, total in down} == {4}


class Holds:
    name = "holds"

    @hookimpl
    def pre_request(self, response):
        self.gate = response.request.hold_body(0.05)


async def test_on_upload_is_called_when_a_held_body_is_sent(scripted):
    up = []
    scripted.answer(response(b""))
    async with HttpClient(autoload=False, plugins=[Holds(), "bodies"]) as client:
        await client.post(scripted.url(), data=b"body", on_upload=lambda *each: up.append(each))
    assert up == [(4, 4)]
    assert scripted.requests[0].body == b"body"


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize("name", ["on_upload", "on_download"])
async def test_what_it_raises_reaches_the_caller(client, make_scripted, name):
    server = make_scripted(strict=False)
    server.answer(response(CONTENT))

    def fails(done, total):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        await client.post(server.url(), data=CONTENT, **{name: fails})
    await server.until(given_up=1)
    await is_free(client, server)


@pytest.mark.parametrize("name", ["on_upload", "on_download"])
async def test_what_is_no_plain_function_is_refused(client, scripted, name):
    async def waits(done, total):
        await asyncio.sleep(0)

    for value in (waits, 5):
        with pytest.raises(TypeError, match=f"{name}= takes a plain function"):
            await client.post(scripted.url(), data=b"x", **{name: value})
        with pytest.raises(TypeError, match=f"{name}= takes a plain function"):
            HttpClient(autoload=False, plugins=["bodies"], **{name: value})


async def test_together_with_handlers_of_the_same_event(client, scripted):
    scripted.answer(response(b"body"))
    told, seen = [], []

    def handler(response, data):
        seen.append(response.recv_body())

    await client.get(scripted.url(), data_processed=handler, on_download=lambda *each: told.append(each))
    assert (b"".join(seen), told[-1]) == (b"body", (4, 4))
