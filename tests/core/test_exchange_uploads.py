"""Bodies that are produced while they are sent, held back, refused early, or broken."""

import asyncio

import pytest

from hookline import BodyNotRepeatable, HttpClient, ReadTimeout, Source, Timeout, hookimpl
from hookline.errors import ConnectionClosed, LocalProtocolError
from hookline_testing.server import Gate, Script, head, response
from kit.slots import is_free
from kit.turns import until

pytestmark = [pytest.mark.client(autoload=False, pool_size=1), pytest.mark.protocols("HTTP/1.1", "HTTP/2")]

BLOCK = b"x" * (256 * 1024)


async def agen(*chunks):
    for chunk in chunks:
        yield chunk


async def later(value):
    await asyncio.sleep(0)
    return value


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize(
    "source",
    [
        lambda: agen(b"one", b"", "zwö"),
        lambda: iter([b"one", b"", "zwö"]),
        lambda: [b"one", b"", "zwö"],
        lambda: iter([later(b"one"), bytearray(), "zwö"]),
    ],
    ids=["async", "iterator", "list", "awaitables"],
)
async def test_source_goes_out_in_chunks(client, scripted, source):
    scripted.answer(response(b""))
    await client.post(scripted.url(), data=source())
    seen = scripted.requests[0]
    assert seen.header_values("transfer-encoding") == ["chunked"]
    assert seen.body == b"one" + "zwö".encode()
    assert seen.chunk_sizes == [3, 4]
    await is_free(client, scripted)
    assert scripted.connections == 1


async def test_source_with_content_length_is_sent_without_chunks(client, scripted):
    scripted.answer(response(b""))
    await client.post(scripted.url(), data=agen(b"one", b"two"), headers={"Content-Length": "6"})
    assert scripted.requests[0].header_values("transfer-encoding") == []
    assert scripted.requests[0].body == b"onetwo"


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize(
    "length", ["0" * 5000, "9" * 5000, "-1", "\u0661", ""], ids=["zeros", "nines", "minus", "arabic", "empty"]
)
@pytest.mark.parametrize("data", [None, b"one", [b"one", b"two"]], ids=["none", "bytes", "source"])
async def test_length_that_is_no_number_is_an_error(client, scripted, data, length):
    with pytest.raises(LocalProtocolError, match="Content-Length") as caught:
        await client.post(scripted.url(), data=data, headers={"Content-Length": length})
    assert len(str(caught.value)) < 200
    await scripted.until(given_up=1)


@pytest.mark.parametrize("length", ["5", "7"])
async def test_source_of_the_wrong_length_is_an_error(client, make_scripted, length):
    server = make_scripted(strict=False)
    server.answer(response(b""))
    with pytest.raises(LocalProtocolError, match="Content-Length"):
        await client.post(server.url(), data=agen(b"one", b"two"), headers={"Content-Length": length})
    await server.until(given_up=1)
    server.answer(response(b""))
    await client.get(server.url())


async def test_source_that_raises_ends_the_exchange(client, make_scripted):
    server = make_scripted(strict=False)

    async def chunks():
        yield b"some"
        raise ZeroDivisionError("mine")

    server.answer(Script().read_body().stall())
    with pytest.raises(ZeroDivisionError, match="mine"):
        await client.post(server.url(), data=chunks())
    await server.until(given_up=1)
    assert not server.requests[0].complete
    await is_free(client, server)


@pytest.mark.protocols("HTTP/1.1")
async def test_source_of_the_wrong_kind_is_an_error(client, make_scripted):
    server = make_scripted(strict=False)
    with pytest.raises(TypeError, match="bytes or str"):
        await client.post(server.url(), data=iter([1]))
    await server.until(connections=1, closed=1)


async def test_upload_waits_for_a_slow_peer(client, make_scripted):
    server = make_scripted(receive_buffer=4096, strict=False)
    given = 0

    async def chunks():
        nonlocal given
        for _ in range(200):
            given += 1
            yield BLOCK

    server.answer(Script().refuse_to_read(0.4).read_body().send(response(b"fine")))
    task = asyncio.create_task(client.post(server.url(), data=chunks()))
    previous = -1
    await server.until(heads=1)
    while given != previous:
        previous = given
        await asyncio.sleep(0.1)
    assert given < 100
    assert (await task).content == b"fine"
    assert server.requests[0].body_size == 200 * len(BLOCK)


@pytest.mark.parametrize("kind", ["endless", "silent", "bytes"])
async def test_early_answer_ends_the_upload(client, make_scripted, protocol, kind):
    server = make_scripted(receive_buffer=4096, strict=False)
    gate = Gate()
    begun, closed = asyncio.Event(), asyncio.Event()

    async def chunks():
        begun.set()
        try:
            while True:
                yield BLOCK
                if kind == "silent":
                    await asyncio.sleep(30)
        finally:
            closed.set()

    server.answer(Script(response(b"too much", 413)).hold(gate), early=True)
    async with asyncio.timeout(5):
        answer = await client.post(server.url(), data=BLOCK * 200 if kind == "bytes" else chunks())
    assert (answer.status_code, answer.content) == (413, b"too much")
    assert closed.is_set() == begun.is_set()  # the answer may be there before the first chunk
    gate.open()
    await is_free(client, server)
    assert server.connections == (1 if protocol == "HTTP/2" else 2)


@pytest.mark.parametrize("kind", ["async", "sync", "bytes", "source"])
async def test_answer_of_a_server_that_does_not_wait_for_the_upload_is_read(client, make_scripted, kind):
    server = make_scripted(strict=False)
    server.always(Script(response(b"too much", 413)).drop(), early=True)
    make = {
        "async": lambda: agen(*[b"x" * 1000] * 10_000),
        "sync": lambda: iter([b"x" * 1000] * 10_000),
        "bytes": lambda: BLOCK * 40,
        "source": lambda: Source([BLOCK] * 40, len(BLOCK) * 40),
    }[kind]
    for _ in range(30):
        answer = await client.post(server.url(), data=make())
        assert (answer.status_code, answer.content) == (413, b"too much")
        # over HTTP/2 the next request would be sent on the connection that is dropped
        await until(lambda: not client.stats().connections)
    await is_free(client, server)


async def test_early_answer_over_tls_ends_the_upload(make_scripted, certificates):
    server = make_scripted(ssl_context=certificates.server_context(), receive_buffer=4096, strict=False)
    server.answer(Script(response(b"too much", 413)).refuse_to_read(), early=True)
    async with HttpClient(autoload=False, verify=certificates.ca_file, pool_size=1) as client:
        async with asyncio.timeout(5):
            answer = await client.post(server.url(), data=agen(*[BLOCK] * 200))
        assert (answer.status_code, answer.content) == (413, b"too much")
        await is_free(client, server)


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize("is_encrypted", [False, True], ids=["plain", "tls"])
async def test_large_chunks_and_their_framing_arrive_in_order(make_scripted, certificates, is_encrypted):
    server = make_scripted(ssl_context=certificates.server_context() if is_encrypted else None)
    chunks = [bytes([number]) * size for number, size in enumerate((1, 65_536, 3, 300_000, 15, 16, 65_535, 2_000_000))]
    server.answer(response(b"fine"), response(b"fine"))
    async with HttpClient(autoload=False, verify=certificates.ca_file, pool_size=1) as client:
        for _ in range(2):
            assert (await client.post(server.url(), data=agen(*chunks))).content == b"fine"
    for request in server.requests:
        assert request.body == b"".join(chunks)
        assert request.chunk_sizes == [len(chunk) for chunk in chunks]
    assert server.connections == 1


async def test_source_that_never_waits_leaves_the_loop_its_turns(client, make_scripted):
    server = make_scripted(strict=False)
    begun = closed = False

    def endless():
        nonlocal begun, closed
        begun = True
        try:
            while True:
                yield b"x"
        finally:
            closed = True

    server.answer(Script(response(b"stop", 401)).read_body(), early=True)
    async with asyncio.timeout(5):
        answer = await client.post(server.url(), data=endless())
    assert (answer.status_code, answer.content) == (401, b"stop")
    assert closed == begun  # the answer may be there before the first chunk
    await is_free(client, server)


@pytest.mark.protocols("HTTP/1.1")
async def test_generator_mixes_bytes_and_futures(client, scripted):
    def stream():
        future = asyncio.Future()
        asyncio.get_event_loop().call_later(0.05, future.set_result, b"two")
        yield b"one"
        yield future
        yield b"three"

    scripted.answer(response(b""))
    await client.post(scripted.url(), data=stream())
    assert scripted.requests[0].body == b"onetwothree"
    assert scripted.requests[0].chunk_sizes == [3, 3, 5]


async def test_error_of_another_exchange_within_the_source_is_no_reason_to_send_again(client, make_scripted):
    server, other = make_scripted(strict=False), make_scripted(strict=False)
    begun = 0

    class Forwards:
        async def __aiter__(self):
            nonlocal begun
            begun += 1
            yield b"some"
            yield (await client.get(other.url())).content

    server.answer(response(b"first"), Script().read_body().stall())
    other.answer(Script().drop())
    await client.get(server.url())  # the next one has a connection that was used before
    with pytest.raises(ConnectionClosed) as caught:
        await client.put(server.url(), data=Forwards())
    assert caught.value.request.url == other.url()
    assert begun == 1
    await server.until(heads=2, connections=1)


@pytest.mark.parametrize("make", [lambda: Source([b"known"], 5), lambda: iter([b"known"])], ids=["length", "no length"])
async def test_transfer_encoding_of_the_user_sends_chunks(client, scripted, make):
    scripted.answer(response(b""))
    await client.post(scripted.url(), data=make(), headers={"Transfer-Encoding": "chunked"})
    assert scripted.requests[0].header("content-length") is None
    assert scripted.requests[0].body == b"known"


async def test_lost_connection_ends_an_upload_that_gives_nothing(client, make_scripted):
    server = make_scripted(strict=False)

    async def chunks():
        yield b"some"
        await asyncio.sleep(30)

    server.answer(Script().drop(), early=True)
    async with asyncio.timeout(5):
        with pytest.raises(ConnectionClosed):
            await client.post(server.url(), data=chunks())
    await is_free(client, server)


class Holds:
    def __init__(self, seconds=None):
        self.seconds = seconds
        self.gate = None
        self.interims = []

    @hookimpl
    def pre_request(self, response):
        self.gate = response.request.hold_body(self.seconds)

    @hookimpl
    def on_headers(self, response, interim):
        if interim:
            self.interims.append((response.status_code, response.headers.get("link")))
            if response.status_code == 100:
                self.gate.open()


@pytest.mark.parametrize("body", [b"body", "source", BLOCK * 8], ids=["bytes", "source", "large"])
async def test_held_body_goes_out_when_the_gate_opens(scripted, body):
    holds = Holds()
    seen = []

    async def continue_(reader, writer, request):
        await asyncio.sleep(0.05)
        seen.append(request.body_size)
        writer.write(head(100))
        await request.read_body()
        writer.write(response(b"done"))

    async with HttpClient(autoload=False, plugins=[holds]) as client:
        scripted.answer(continue_, early=True)
        answer = await client.post(scripted.url(), data=iter([b"body"]) if body == "source" else body)
    assert answer.content == b"done"
    assert seen == [0]
    assert scripted.requests[0].body == (b"body" if body == "source" else body)
    assert holds.interims == [(100, None)]


async def test_held_body_goes_out_after_a_while(scripted):
    async with HttpClient(autoload=False, plugins=[Holds(0.05)]) as client:
        scripted.answer(response(b"done"))
        assert (await client.post(scripted.url(), data=b"body")).content == b"done"
    assert scripted.requests[0].body == b"body"


async def test_read_timeout_does_not_run_before_a_gate_that_opens_by_itself(scripted):
    async with HttpClient(autoload=False, plugins=[Holds(0.3)], timeout=Timeout(read=0.1)) as client:
        scripted.answer(response(b"done"))
        assert (await client.post(scripted.url(), data=b"body")).content == b"done"
        scripted.answer(Script().stall())
        with pytest.raises(ReadTimeout):
            await client.post(scripted.url(), data=b"body")
    async with HttpClient(autoload=False, plugins=[Holds()], timeout=Timeout(read=0.1)) as client:
        scripted.answer(Script().stall(), early=True)
        with pytest.raises(ReadTimeout):
            await client.post(scripted.url(), data=b"body")


async def test_held_body_is_never_sent_after_a_final_answer(make_scripted):
    server = make_scripted(strict=False)
    async with HttpClient(autoload=False, plugins=[Holds()]) as client:
        server.answer(response(b"no", 417), early=True)
        answer = await client.post(server.url(), data=b"body")
        assert answer.status_code == 417
        await server.until(given_up=1)
    assert server.requests[0].body_size == 0


@pytest.mark.parametrize("cut", ["whole", "bytes"])
async def test_interim_head_is_shown_before_the_final_one(scripted, cut):
    holds = Holds(0.01)
    async with HttpClient(autoload=False, plugins=[holds]) as client:
        scripted.answer(head(103, [("Link", "</a>")]) + response(b"final", headers=[("X", "y")]), cut=cut)
        answer = await client.get(scripted.url())
    assert (answer.status_code, answer.content, answer.headers["x"]) == (200, b"final", "y")
    assert "link" not in answer.headers
    assert holds.interims == [(103, "</a>")]


async def test_interim_heads_pass_unseen(client, scripted):
    scripted.answer(Script(head(103)).pause(0.05).send(response(b"final")))
    assert (await client.get(scripted.url())).content == b"final"


async def test_body_that_is_gone_cannot_be_copied(client, scripted):
    scripted.answer(response(b""))
    answer = await client.post(scripted.url(), data=iter([b"x"]))
    assert not answer.request.can_be_sent
    with pytest.raises(BodyNotRepeatable):
        answer.request.copy()
