"""A head that a connection has received before is not parsed again; what follows it is checked each time."""

import math

import pytest

from hookline import HttpClient, HttpTimeout, LocalProtocolError, ReadTimeout, Timeout, hookimpl
from hookline_testing.server import Script, chunked, head, response
from servers.fed import connect, feed

pytestmark = pytest.mark.client(autoload=False)


class Receiver:
    def __init__(self):
        self.heads = []

    def _receive_head(self, head):
        self.heads.append(head)
        return False

    def _wants_interim(self):
        return False


def exchange(connection, transport, data, cut="whole"):
    """One more exchange on a connection; returns its head and what there is of its body."""
    connection.begin(Receiver())
    feed(connection, transport, data, cut)
    found = connection.head, b"".join(connection.parts)
    if connection.complete:
        connection.end()
    return found


async def test_same_head_is_the_same_object_and_has_its_own_body():
    connection, transport = connect()
    first, _ = exchange(connection, transport, response(b"one"))
    second, body = exchange(connection, transport, response(b"two"))
    assert second is first
    assert body == b"two"
    assert connection.is_reusable


@pytest.mark.parametrize("cut", ["whole", "bytes", 7])
async def test_same_head_is_the_same_object_off_the_fast_path_too(cut):
    connection, transport = connect()
    heads, bodies = [], []
    for content in (b"one", b"two", b"six"):
        connection.begin(Receiver())
        connection.leave_fast_path("GET")
        feed(connection, transport, response(content), cut)
        heads.append(connection.head)
        bodies.append(b"".join(connection.parts))
        connection.end()
    assert heads[0] is heads[1] is heads[2]
    assert bodies == [b"one", b"two", b"six"]
    assert connection.is_reusable


@pytest.mark.parametrize("status", [b"103 Early Hints", b"204 No Content", b"304 Not Modified"])
async def test_head_without_a_body_is_not_kept_for_the_fast_path(status):
    connection, transport = connect()
    data = b"HTTP/1.1 %b\r\nContent-Length: 3\r\n\r\n" % status
    for is_fast in (False, True):
        connection.begin(Receiver())
        if not is_fast:
            connection.leave_fast_path("GET")
        feed(connection, transport, data if not is_fast else data + b"abc")
        assert b"".join(connection.parts) == b""
        connection.end()


async def test_head_that_differs_in_one_character_is_parsed():
    connection, transport = connect()
    exchange(connection, transport, response(b"one", 200, [("X-A", "1")]))
    found, _ = exchange(connection, transport, response(b"one", 200, [("X-A", "2")]))
    assert b"X-A: 2" in found.raw


@pytest.mark.parametrize("cut", ["whole", "bytes", 7])
async def test_head_that_begins_like_the_last_one_is_parsed(cut):
    connection, transport = connect()
    exchange(connection, transport, response(b"", 200))
    again = response(b"", 200)[:-2] + b"X-More: 1\r\nContent-Length: 1\r\n\r\n"
    exchange(connection, transport, again, cut)
    assert connection.error is not None or connection.head is not None
    assert not connection.is_reusable, "two Content-Length fields that differ"


async def test_body_of_a_known_head_that_comes_in_pieces_is_put_together():
    connection, transport = connect()
    exchange(connection, transport, response(b"0123456789"))
    receiver = Receiver()
    connection.begin(receiver)
    whole = response(b"abcdefghij")
    feed(connection, transport, whole[:-6])
    assert not connection.complete
    assert len(receiver.heads) == 1
    feed(connection, transport, whole[-6:])
    assert connection.complete
    assert b"".join(connection.parts) == b"abcdefghij"


async def test_byte_behind_a_response_with_a_known_head_closes_the_connection():
    connection, transport = connect()
    exchange(connection, transport, response(b"one"))
    _, body = exchange(connection, transport, response(b"one") + b"H")
    assert body == b"one"
    assert transport.is_closed or not connection.is_reusable


async def test_chunked_body_behind_a_known_head_is_undone():
    connection, transport = connect()
    for content in (b"one", b"another"):
        _, body = exchange(connection, transport, chunked(content))
        assert body == content
    assert connection.is_reusable


@pytest.mark.parametrize("status", [204, 304])
async def test_known_head_does_not_apply_to_another_status(status):
    connection, transport = connect()
    exchange(connection, transport, response(b"one"))
    found, body = exchange(connection, transport, head(status, [("Content-Length", "3")]))
    assert (found.status, body) == (status, b"")
    assert connection.is_reusable


async def test_connection_close_in_a_known_head_is_obeyed():
    connection, transport = connect()
    exchange(connection, transport, response(b"one", 200, [("Connection", "close")]))
    exchange(connection, transport, response(b"one", 200, [("Connection", "close")]))
    assert not connection.is_reusable


async def test_large_head_is_not_kept():
    connection, transport = connect()
    data = response(b"one", 200, [("X-Large", "x" * 3000)])
    first, _ = exchange(connection, transport, data)
    second, _ = exchange(connection, transport, data)
    assert second is not first


async def test_body_is_not_kept_by_an_idle_connection(client, scripted):
    scripted.answer(response(b"one"))
    await client.get(scripted.url())
    (pool,) = client.connection_pools.values()
    (connection,) = pool.idle
    assert connection.parts == []
    assert connection.receiver is None


async def test_head_method_has_no_body_behind_a_known_head(client, scripted):
    scripted.answer(response(b"one"), head(200, [("Content-Length", "3")]), response(b"two"))
    assert (await client.get(scripted.url())).content == b"one"
    assert (await client.head(scripted.url())).content == b""
    assert (await client.get(scripted.url())).content == b"two"


async def test_plugin_that_comes_sees_a_known_head(client, scripted):
    class Sees:
        seen = 0

        @hookimpl(headers=("x-one",))
        def on_headers(self, response):
            self.seen += 1

    scripted.answer(*[response(b"one", 200, [("X-One", "1")])] * 3)
    await client.get(scripted.url())
    sees = Sees()
    client.plugins.manager.register(sees, "sees")
    await client.get(scripted.url())
    assert sees.seen == 1
    client.plugins.manager.unregister(name="sees")
    await client.get(scripted.url())
    assert sees.seen == 1


async def test_plugin_of_one_call_sees_a_known_head(client, scripted):
    class Sees:
        seen = 0

        @hookimpl
        def post_request(self, response):
            self.seen += 1

    sees = Sees()
    scripted.answer(*[response(b"one")] * 3)
    await client.get(scripted.url())
    await client.get(scripted.url(), plugins=[sees])
    await client.get(scripted.url())
    assert sees.seen == 1


async def test_option_that_a_plugin_sets_on_the_request_counts(scripted):
    class Limits:
        @hookimpl
        def pre_request(self, response):
            response.request.version = "HTTP/1.0"

    scripted.answer(response(b"one"))
    async with HttpClient(autoload=False, plugins=[Limits()]) as client:
        await client.get(scripted.url())
    assert scripted.requests[0].version == "1.0"


async def test_limit_that_a_plugin_sets_on_the_request_counts(scripted):
    class Limits:
        @hookimpl
        def pre_request(self, response):
            response.request.max_body = 2

    scripted.answer(response(b"one"))
    async with HttpClient(autoload=False, plugins=[Limits()]) as client:
        with pytest.raises(Exception, match="max_body=2"):
            await client.get(scripted.url())


async def test_answer_that_is_whole_before_the_request_is_ends_the_connection():
    """The request went out in one write, of which a part is still with us: whoever came next would send behind it."""
    connection, transport = connect()
    connection.begin(Receiver())
    connection.pause_writing()
    feed(connection, transport, response(b"no", 413))
    assert connection.complete
    assert not connection.is_reusable


@pytest.mark.parametrize("fields", [{"X-Key": "1"}, {"X-Key": "2"}, {"content-type": "text/plain"}, {}])
async def test_heads_that_are_remembered_differ_by_what_they_are_made_of(client, scripted, fields):
    scripted.answer(*[response(b"ok")] * 6)
    url = scripted.url("/same")
    await client.post(url, data=b"1", headers={"X-Key": "0"})
    await client.post(url, data=b"12", headers=fields)
    await client.post(url, json=[1], headers=fields)
    await client.put(url, data=b"1")
    await client.post(url)
    await client.get(url, headers=fields)
    _, second, third, fourth, fifth, sixth = scripted.requests
    name, value = next(iter(fields.items()), ("x-key", None))
    assert [r.header(name) for r in (second, third, sixth)] == [value] * 3
    assert (second.header("content-length"), second.body) == ("2", b"12")
    assert (third.header("content-type"), third.body) == (fields.get("content-type", "application/json"), b"[1]")
    assert (fourth.method, fourth.header("x-key")) == ("PUT", None)
    assert (fifth.header("content-length"), fifth.header("content-type")) == ("0", None)
    assert (sixth.method, sixth.header("content-length")) == ("GET", None)


async def test_heads_that_are_remembered_are_bounded(client, scripted):
    scripted.answer(*[response(b"ok")] * 40)
    for number in range(40):
        await client.get(scripted.url(), headers={"X-Number": str(number)})
    assert [r.header("x-number") for r in scripted.requests] == [str(number) for number in range(40)]
    assert len(client.configuration.destinations[scripted.url()].heads) <= 16


async def test_field_that_http_cannot_carry_is_refused_each_time(client, scripted):
    for _ in range(2):
        with pytest.raises(LocalProtocolError):
            await client.get(scripted.url(), headers={"X-Bad": "a\r\nb"})


@pytest.mark.parametrize(
    ("options", "on_fast_path"),
    [
        ({"timeout": 5}, True),
        ({"timeout": Timeout(read=5)}, True),
        ({"stream": True}, False),
        ({"max_body": 10}, False),
        ({"timings": True}, False),
        ({"version": "HTTP/1.0"}, False),
        ({"verify": False}, True),
    ],
)
async def test_options_that_change_how_an_exchange_goes_leave_the_fast_path(client, scripted, options, on_fast_path):
    given = dict(options)
    headers, data = given.pop("headers", None), given.pop("data", None)
    request = client._make_request("GET", scripted.url(), headers, data, given, "get")
    assert request._on_fast_path is on_fast_path
    scripted.answer(*[response(b"one")] * 2)
    for _ in range(2):
        answer = await client.get(scripted.url(), **options)
        assert (await answer.raw.read() if options.get("stream") else answer.content) == b"one"


async def test_timeout_of_a_call_ends_an_exchange_that_takes_the_short_way(client, scripted):
    scripted.answer(response(b"one"), Script(b"").stall())
    await client.get(scripted.url(), timeout=5)
    with pytest.raises(HttpTimeout):
        await client.get(scripted.url(), timeout=0.05)


HEAD_OF_TEN = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
STALLS = {"before": b"", "in-head": HEAD_OF_TEN[:20], "after-head": HEAD_OF_TEN, "in-body": HEAD_OF_TEN + b"one"}


@pytest.mark.parametrize("sent", STALLS.values(), ids=STALLS)
@pytest.mark.parametrize("of_client", [True, False], ids=["client", "call"])
async def test_read_timeout_ends_an_exchange_that_takes_the_short_way(client, scripted, sent, of_client):
    limit = Timeout(read=0.2)
    if of_client:
        client.timeout = limit
    scripted.answer(response(b"one"), Script(sent).stall())
    options = {} if of_client else {"timeout": limit}
    await client.get(scripted.url(), **options)
    with pytest.raises(ReadTimeout, match=r"read timeout of 0\.2 s"):
        await client.get(scripted.url(), **options)
    scripted.answer(response(b"two"))
    assert (await client.get(scripted.url(), **options)).content == b"two"


IN_PIECES = {
    "known-length": (HEAD_OF_TEN[:20], HEAD_OF_TEN[20:], b"one t", b"wo th"),
    "chunked": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na", b"\r\n", b"one two th\r\n0", b"\r\n\r\n"),
}


@pytest.mark.protocols("HTTP/1.1")  # over HTTP/2 the server sends frames, which have no such pieces
@pytest.mark.parametrize("pieces", IN_PIECES.values(), ids=IN_PIECES)
async def test_read_timeout_begins_again_with_each_read(client, scripted, pieces):
    client.timeout = Timeout(read=0.9)
    script = Script(pieces[0])
    for piece in pieces[1:]:
        script = script.pause(0.5).send(piece)
    scripted.answer(script)
    assert (await client.get(scripted.url())).content == b"one two th"


async def test_read_timeout_is_no_limit_of_the_call(client, scripted):
    client.timeout = Timeout(read=5)
    seen = []
    client.event("post_request").bind(lambda response, exc=None: seen.append(response.request.deadline))
    scripted.answer(response(b"one"))
    await client.get(scripted.url())
    assert seen == [math.inf]
