"""The rules of ASGI between the client and an application in memory."""

import asyncio

import pytest

from hookline import HttpClient, RemoteProtocolError
from hookline_testing import app_route

URL = "http://app.example/"


def http_app(function):
    """An application that has no lifespan."""

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await function(scope, receive, send)

    return app


async def answer(send, *bodies, status=200, headers=()):
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    for body in bodies:
        await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body"})


async def call(function, method="GET", url=URL, **options):
    async with app_route(http_app(function)) as route, HttpClient(plugins=[route], autoload=False) as client:
        return await client.request(method, url, **options)


async def test_scope_says_what_was_asked():
    scopes = []

    async def app(scope, receive, send):
        scopes.append(scope)
        await answer(send)

    await call(
        app, "PUT", "https://user:s3cret@App.example:8443/a%2Fb/%C3%BC?q=%20#f", headers={"X-Name": "v"}, data=b"x"
    )
    (scope,) = scopes
    assert {
        name: scope[name] for name in ("method", "scheme", "path", "raw_path", "query_string", "server", "http_version")
    } == {
        "method": "PUT",
        "scheme": "https",
        "path": "/a/b/ü",
        "raw_path": b"/a%2Fb/%C3%BC",
        "query_string": b"q=%20",
        "server": ("app.example", 8443),
        "http_version": "1.1",
    }
    assert (b"x-name", b"v") in scope["headers"]
    assert (b"host", b"app.example:8443") in scope["headers"]
    assert "state" not in scope or scope["state"] == {}


@pytest.mark.parametrize("data", [b"", b"x", bytes(300_000)], ids=["none", "small", "large"])
async def test_body_of_known_length_ends_with_its_last_bytes(data):
    messages = []

    async def app(scope, receive, send):
        while True:
            messages.append(await receive())
            if not messages[-1]["more_body"]:
                break
        await answer(send)

    await call(app, "POST", data=data)
    assert b"".join(message["body"] for message in messages) == data
    assert messages[-1]["body"] or not data


async def test_upload_is_held_back_while_the_application_does_not_read():
    taken = asyncio.Event()
    count = 0

    async def pieces():
        nonlocal count
        while count < 64:
            count += 1
            yield bytes(256 * 1024)

    async def app(scope, receive, send):
        await receive()
        await asyncio.sleep(0.1)
        sent = count
        while (await receive())["more_body"]:
            pass
        taken.set()
        await answer(send, b"%d" % sent)

    response = await call(app, "POST", data=pieces())
    assert int(response.content) < 16
    assert taken.is_set()


async def test_download_is_held_back_while_the_client_does_not_read():
    sent = 0

    async def app(scope, receive, send):
        nonlocal sent
        await send({"type": "http.response.start", "status": 200})
        for _ in range(64):
            await send({"type": "http.response.body", "body": bytes(256 * 1024), "more_body": True})
            sent += 1
        await send({"type": "http.response.body"})

    async with app_route(http_app(app)) as route, HttpClient(plugins=[route], autoload=False) as client:
        response = await client.get(URL, stream=True)
        await asyncio.sleep(0.1)
        assert 0 < sent < 16
        assert sum([len(data) async for data in response.raw]) == 64 * 256 * 1024


@pytest.mark.parametrize(
    ("method", "status", "headers", "length"),
    [
        ("GET", 200, [], "2"),
        ("HEAD", 200, [(b"content-length", b"2")], "2"),
        ("GET", 204, [], None),
        ("GET", 304, [(b"content-length", b"9")], "9"),
    ],
)
async def test_response_is_framed_as_its_head_asks(method, status, headers, length):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})

    async with app_route(http_app(app)) as route, HttpClient(plugins=[route], autoload=False) as client:
        for _ in range(2):
            response = await client.request(method, URL)
            assert (response.status_code, response.headers.get("content-length")) == (status, length)
            assert response.content == (b"ok" if method == "GET" and status == 200 else b"")
        (pool,) = client.connection_pools.values()
        assert pool.opened == 1


async def test_stream_is_chunked_and_to_http_1_0_it_ends_with_the_connection():
    async def app(scope, receive, send):
        await answer(send, b"one", b"two")

    response = await call(app)
    assert (response.content, response.headers["transfer-encoding"]) == (b"onetwo", "chunked")
    response = await call(app, version="HTTP/1.0")
    assert (response.content, "transfer-encoding" in response.headers) == (b"onetwo", False)


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], "before its response was complete"),
        ([{"type": "http.response.start", "status": 200}], "before its response was complete"),
        ([{"type": "http.response.body"}], "the body was sent before the head"),
        ([{"type": "http.response.start", "status": 200}] * 2, "sent twice"),
        ([{"type": "http.response.start", "status": 99}], "not the status"),
        ([{"type": "http.response.start", "status": 200, "headers": [(b"a", b"b\r\nc: d")]}], "not a field"),
        ([{"type": "websocket.send"}], "unexpected message"),
        (
            [
                {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]},
                {"type": "http.response.body", "body": b"four"},
            ],
            "longer than its Content-Length, by 1",
        ),
        (
            [
                {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]},
                {"type": "http.response.body", "body": b"four"},
            ],
            "shorter than its Content-Length, by 1",
        ),
    ],
)
async def test_application_that_breaks_the_rules_is_told_so(messages, words):
    async def app(scope, receive, send):
        for message in messages:
            await send(message)

    with pytest.raises((RuntimeError, ValueError), match=words):
        await call(app)


async def test_application_that_asks_whether_the_client_is_gone_keeps_the_body():
    """Starlette cancels a receive() at once to look."""
    seen = []

    async def pieces():
        yield b"one"
        await asyncio.sleep(0.05)
        yield b"two"

    async def app(scope, receive, send):
        seen.append((await receive())["body"])
        for _ in range(3):
            task = asyncio.ensure_future(receive())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        while (message := await receive())["more_body"]:
            seen.append(message["body"])
        await answer(send)

    await call(app, "POST", data=pieces())
    assert seen == [b"one", b"two"]


async def test_application_is_told_that_the_client_is_gone():
    told = asyncio.Event()
    raised = []

    async def app(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        assert (await receive())["type"] == "http.disconnect"
        told.set()
        try:
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
        except OSError as error:
            raised.append(error)
            raise

    async with app_route(http_app(app)) as route, HttpClient(plugins=[route], autoload=False) as client:
        async with await client.get(URL, stream=True):
            pass
        await asyncio.wait_for(told.wait(), 5)
    assert raised


async def test_exception_within_a_stream_reaches_the_reader():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        raise LookupError("within the stream")

    async with app_route(http_app(app)) as route, HttpClient(plugins=[route], autoload=False) as client:
        with pytest.raises(LookupError, match="within the stream"):
            await client.get(URL)
        with pytest.raises(LookupError, match="within the stream"):
            async with await client.get(URL, stream=True) as response:
                await response.raw.read()


async def test_failure_of_a_test_within_the_application_is_that_of_the_call():
    async def app(scope, receive, send):
        pytest.fail("from within")

    with pytest.raises(pytest.fail.Exception, match="from within"):
        await call(app)


async def test_request_that_is_cancelled_leaves_no_task():
    before = asyncio.all_tasks()
    begun = asyncio.Event()

    async def app(scope, receive, send):
        begun.set()
        await receive()
        await receive()

    async with app_route(http_app(app)) as route, HttpClient(plugins=[route], autoload=False) as client:
        task = asyncio.ensure_future(client.get(URL))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert asyncio.all_tasks() == before


async def test_leaving_ends_an_application_that_never_answers(monkeypatch):
    monkeypatch.setattr("hookline_testing.memory.server.CLOSE_TIMEOUT", 0.05)
    before = asyncio.all_tasks()
    ended = []

    async def app(scope, receive, send):
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(True)

    async with app_route(http_app(app)) as route, HttpClient(plugins=[route], autoload=False) as client:
        with pytest.raises(TimeoutError):
            await client.get(URL, timeout=0.05)
    assert ended
    assert asyncio.all_tasks() == before


async def test_two_clients_and_their_origins_share_no_connection():
    async def app(scope, receive, send):
        await answer(send, scope["server"][0].encode())

    async with (
        app_route(http_app(app)) as route,
        HttpClient(plugins=[route], autoload=False) as one,
        HttpClient(plugins=[route], autoload=False) as two,
    ):
        for client in (one, two):
            assert (await client.get("http://a.example/")).text == "a.example"
            assert (await client.get("http://b.example/")).text == "b.example"
            assert (await client.get("https://b.example/")).text == "b.example"
            assert len(client.connection_pools) == 3


def test_loops_one_after_the_other():
    async def app(scope, receive, send):
        await answer(send, b"here")

    route = app_route(http_app(app))

    async def once():
        async with HttpClient(plugins=[route], autoload=False) as client:
            return (await client.get(URL)).text

    assert [asyncio.run(once()) for _ in range(2)] == ["here", "here"]


# Lifespan


def living_app(log, startup=None, shutdown=None):
    async def app(scope, receive, send):
        if scope["type"] == "http":
            return await answer(send, b"%d" % scope["state"].get("started", 0))
        assert scope["type"] == "lifespan"
        for phase, error in (("startup", startup), ("shutdown", shutdown)):
            message = await receive()
            log.append(message["type"])
            assert message["type"] == f"lifespan.{phase}"
            scope["state"]["started"] = 1
            if error is not None:
                await send({"type": f"lifespan.{phase}.failed", "message": f"Traceback...\n{error}"})
                raise error
            await send({"type": f"lifespan.{phase}.complete"})

    return app


async def test_lifespan_frames_the_requests():
    log = []
    async with app_route(living_app(log)) as route, HttpClient(plugins=[route], autoload=False) as client:
        assert (await client.get(URL)).text == "1"
        assert log == ["lifespan.startup"]
    assert log == ["lifespan.startup", "lifespan.shutdown"]


async def test_startup_that_fails_is_raised_with_its_cause():
    before = asyncio.all_tasks()
    with pytest.raises(RuntimeError, match="the startup of the application failed: 'no database'") as raised:
        await app_route(living_app([], startup=KeyError("no database"))).__aenter__()
    assert isinstance(raised.value.__cause__, KeyError)
    assert asyncio.all_tasks() == before


async def test_shutdown_that_fails_is_raised_with_its_cause():
    route = await app_route(living_app([], shutdown=KeyError("still open"))).__aenter__()
    with pytest.raises(RuntimeError, match="the shutdown of the application failed") as raised:
        await route.__aexit__(None, None, None)
    assert isinstance(raised.value.__cause__, KeyError)


async def test_startup_that_never_completes_is_given_up(monkeypatch):
    monkeypatch.setattr("hookline_testing.app.lifespan.TIMEOUT", 0.05)
    before = asyncio.all_tasks()

    async def app(scope, receive, send):
        await asyncio.sleep(3600)

    with pytest.raises(TimeoutError, match="did not complete its startup"):
        await app_route(app).__aenter__()
    assert asyncio.all_tasks() == before


async def test_route_is_entered_once():
    async with app_route(living_app([])) as route:
        with pytest.raises(RuntimeError, match="entered twice"):
            await route.__aenter__()


@pytest.mark.parametrize("thing", [None, "app", lambda: None, lambda a, b, c, d: None])
def test_what_is_no_application_is_refused(thing):
    with pytest.raises(TypeError, match="app_route takes an"):
        app_route(thing)


async def test_expectation_is_met_when_the_application_reads():
    async def reads(scope, receive, send):
        assert (b"expect", b"100-continue") in scope["headers"]
        await answer(send, (await receive())["body"])

    async def refuses(scope, receive, send):
        await answer(send, b"no", status=417)

    async with app_route(http_app(reads)) as route, HttpClient(plugins=[route]) as client:
        assert (await client.post(URL, data=b"body", wait_continue=True)).text == "body"
    async with app_route(http_app(refuses)) as route, HttpClient(plugins=[route]) as client:
        response = await client.post(URL, data=b"body", wait_continue=True, allow_redirects=False)
        assert response.status_code in (417, 200)


async def test_protocol_error_is_still_one():
    """The bytes of a response are parsed, whoever wrote them."""

    async def app(scope, receive, send):
        await answer(send, b"x", headers=[(b"content-length", b"1"), (b"content-length", b"2")])

    with pytest.raises(RemoteProtocolError, match=r"(?i)content.length"):
        await call(app)


async def test_both_directions_stream_at_the_same_time():
    async def echo(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while (message := await receive())["type"] == "http.request":
            await send({"type": "http.response.body", "body": message["body"], "more_body": message["more_body"]})
            if not message["more_body"]:
                return

    answered = asyncio.Queue()

    async def questions():
        for number in range(5):
            yield b"%d" % number
            assert await asyncio.wait_for(answered.get(), 5) == b"%d" % number  # before the next one is asked

    async with app_route(http_app(echo)) as route, HttpClient(plugins=[route], autoload=False) as client:
        response = await client.post(URL, data=questions(), stream=True, timeout=10)
        async for piece in response.raw:
            answered.put_nowait(piece)
    assert answered.empty()
