"""Routes at the network point: what they answer, and that the behaviours of the client still run."""

import asyncio
import re

import pytest

from hookline import ConnectionRefused, HttpClient, ReadTimeout
from hookline_auth import HTTPDigestAuth
from hookline_testing import Mock, Reply, UnexpectedRequest, UnusedRoute
from hookline_testing.credential_fields import CREDENTIAL_FIELDS
from hookline_testing.server import ScriptedServer, response

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

API = "https://api.example"


def forget(mock: Mock) -> None:
    """Leave the mock nothing to complain about."""
    mock.unexpected.clear()
    mock.routes.clear()


async def test_reply_is_a_response():
    with Mock() as mock:
        mock.get(f"{API}/users").reply(json=[{"name": "a"}], headers={"X-Kind": "list"})
        async with HttpClient() as client:
            response = await client.get(f"{API}/users", params={"page": "2"})
    assert (response.json(), response.headers["x-kind"]) == ([{"name": "a"}], "list")
    assert response.headers["content-type"] == "application/json"
    (call,) = mock.calls
    assert (call.url, call.header("host")) == (f"{API}/users?page=2", "api.example")


async def test_redirects_cookies_and_decompression_still_run():
    with Mock() as mock:
        mock.get(f"{API}/old").reply(302, headers={"Location": "/new", "Set-Cookie": "a=1"})
        new = mock.get(f"{API}/new", headers={"Cookie": "a=1"}).reply(text="here")
        async with HttpClient() as client:
            seen = []
            client.event("on_headers").bind(lambda response: seen.append(response.status_code))
            response = await client.get(f"{API}/old")
    assert (response.text, [r.status_code for r in response.history], seen) == ("here", [302], [302, 200])
    assert len(new.calls) == 1


async def test_credentials_still_go_out_and_challenges_are_answered():
    challenge = {"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256'}
    with Mock() as mock:
        basic = mock.get("https://a.example/basic", headers={"Authorization": "Basic dTpw"})
        digest = mock.get("https://a.example/digest").reply(401, headers=challenge).reply(text="in")
        async with HttpClient() as client:
            assert (await client.get("https://a.example/basic", auth=("u", "p"))).ok
            response = await client.get("https://a.example/digest", auth=HTTPDigestAuth("u", "p"))
    assert (response.text, [earlier.status_code for earlier in response.history]) == ("in", [401])
    assert len(basic.calls) == 1
    assert [call.header("authorization") is not None for call in digest.calls] == [False, True]


async def test_retries_still_run_and_replies_are_used_in_order():
    with Mock() as mock:
        route = mock.get(f"{API}/").reply(503).fail(ReadTimeout("too slow")).reply(text="at last")
        async with HttpClient(plugins=["retry"]) as client:
            response = await client.get(f"{API}/")
            assert (response.text, len(response.history)) == ("at last", 2)
            assert (await client.get(f"{API}/")).text == "at last"
    assert route.counts == (3, 3)


@pytest.mark.parametrize(
    ("pattern", "url", "fits"),
    [
        ("http://a.example", "http://a.example/", True),
        ("http://A.example:80/x", "http://a.example/x", True),
        ("http://a.example/x", "http://a.example/x?y=1", True),
        ("http://a.example/x?b=2&a=1", "http://a.example/x?a=1&b=2", True),
        ("http://a.example/x?a=1", "http://a.example/x?a=1&b=2", False),
        ("http://a.example/x?a=*", "http://a.example/x?a=1&b=2", True),
        ("http://*.example/*", "http://b.example/x/y", True),
        ("http://a.example/x.y", "http://a.example/xzy", False),
        ("http://a.example/", "https://a.example/", False),
        ("*/health", "http://a.example/health", True),
        ("http://bücher.example/ü", "http://xn--bcher-kva.example/%C3%BC", True),
        ("http://faß.example/", "http://xn--fa-hia.example/", True),
        ("http://☃.example/", "http://xn--n3h.example/", True),
        ("http://127.1:80/x", "http://127.0.0.1/x", True),
        ("http://127.0.0.1/x", "http://0x7f.1/x", True),
        ("http://[::1]:8080/", "http://[::1]:8080/", True),
        ("http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", True),
        (re.compile(r"http://a\.example/\d+"), "http://a.example/12", True),
        (re.compile(r"http://a\.example/\d+"), "http://a.example/12x", False),
    ],
)
async def test_pattern_fits(pattern, url, fits):
    with Mock() as mock:
        mock.get(pattern, optional=True)
        async with HttpClient() as client:
            if fits:
                assert (await client.get(url)).status_code == 200
            else:
                with pytest.raises(UnexpectedRequest):
                    await client.get(url)
        forget(mock)


def test_pattern_without_a_scheme_is_refused():
    with pytest.raises(ValueError, match=r"begins with a scheme"):
        Mock().get("/users")


async def test_unexpected_request_tells_how_it_differs():
    with Mock() as mock:
        route = mock.post(
            f"{API}/users", json={"name": "a", "age": 3}, params={"dry": "1"}, headers={"X-Kind": "list"}
        ).reply(201)
        async with HttpClient() as client:
            with pytest.raises(UnexpectedRequest, match="no route expects"):
                await client.post(f"{API}/users?dry=0", json={"name": "b", "age": 3})
        with pytest.raises(UnexpectedRequest) as raised:
            mock.verify()
        forget(mock)
    assert not route.calls
    assert str(raised.value) == (
        "no route expects POST https://api.example/users?dry=0\n"
        "  POST https://api.example/users\n"
        "    parameter 'dry': expected '1', got '0'\n"
        "    field X-Kind: expected list, got none\n"
        "    json:\n"
        "      - {'age': 3, 'name': 'a'}\n"
        "      + {'age': 3, 'name': 'b'}\n"
        "1 route was not used as expected\n"
        "  POST https://api.example/users: 0 of 1 replies"
    )


async def test_unexpected_request_shows_no_credential():
    with Mock() as mock:
        mock.get(f"{API}/", headers={"Authorization": "Bearer right-secret"}, optional=True)
        async with HttpClient() as client:
            with pytest.raises(UnexpectedRequest) as raised:
                await client.get(f"{API}/", headers={"Authorization": "Bearer wrong-secret"})
        forget(mock)
    assert "secret" not in str(raised.value)
    assert "field Authorization: its value differs" in str(raised.value)


async def test_unexpected_request_that_was_caught_fails_the_mock():
    async def caught():
        with Mock():
            async with HttpClient() as client:
                with pytest.raises(AssertionError):
                    await client.get(f"{API}/")

    with pytest.raises(UnexpectedRequest):
        await caught()


def test_unused_routes_and_replies_are_named():
    with Mock() as mock:
        mock.get(f"{API}/").reply(503).reply(200)
        mock.put(f"{API}/x")
        mock.put(f"{API}/y", optional=True)
        with HttpClient() as client:
            client.get(f"{API}/")
        with pytest.raises(UnusedRoute) as raised:
            mock.verify()
        forget(mock)
    assert str(raised.value).splitlines() == [
        "2 routes were not used as expected",
        "  GET https://api.example/: 1 of 2 replies",
        "  PUT https://api.example/x: 0 of 1 replies",
    ]


def test_error_of_the_test_goes_before_an_unused_route():
    def fails():
        with Mock() as mock:
            mock.get(f"{API}/")
            raise KeyError("the test's own")

    with pytest.raises(KeyError):
        fails()


async def test_bodies_stream_both_ways():
    async def pieces():
        for number in range(4):
            yield b"%d" % number * 100_000

    with Mock() as mock:
        mock.post(f"{API}/up").reply(content=pieces())
        async with HttpClient() as client, await client.post(f"{API}/up", data=pieces(), stream=True) as response:
            got = [data async for data in response.raw]
    assert mock.calls[0].body_size == sum(map(len, got)) == 400_000
    assert mock.calls[0].header("transfer-encoding") == "chunked"


async def test_function_answers():
    async def answer(request):
        await asyncio.sleep(0)
        return Reply(json={"path": request.path, "sent": request.json()})

    with Mock() as mock:
        mock.route("*", f"{API}/*").respond(answer).respond(lambda request: Reply(410))
        async with HttpClient() as client:
            assert (await client.put(f"{API}/a", json=[1])).json() == {"path": "/a", "sent": [1]}
            assert (await client.get(f"{API}/b")).status_code == 410


async def test_stall_lets_the_timeout_end_the_call():
    with Mock() as mock:
        mock.get(f"{API}/").stall()
        async with HttpClient(timeout=0.1) as client:
            with pytest.raises(TimeoutError):
                await client.get(f"{API}/")


async def test_error_of_the_network_is_raised():
    with Mock() as mock:
        mock.get(f"{API}/").fail(ConnectionRefused("no server listens"))
        async with HttpClient() as client:
            with pytest.raises(ConnectionRefused, match="no server listens") as raised:
                await client.get(f"{API}/")
    assert raised.value.request.url == f"{API}/"


async def test_passthrough_goes_to_the_network(scripted: ScriptedServer):
    scripted.answer(response(b"real"))
    with Mock() as mock:
        mock.passthrough("http://127.0.0.1:*")
        mock.get(f"{API}/").reply(text="mocked")
        async with HttpClient() as client:
            assert (await client.get(scripted.url("/x?y"))).text == "real"
            assert (await client.get(f"{API}/")).text == "mocked"
    assert len(mock.calls) == 1


async def test_client_without_plugins_is_mocked_too():
    with Mock() as mock:
        mock.get(f"{API}/").reply(text="mocked")
        async with HttpClient(autoload=False) as client:
            assert (await client.get(f"{API}/")).text == "mocked"


async def test_client_made_before_is_attached_and_let_go(scripted: ScriptedServer):
    scripted.always(response(b"real"))
    async with HttpClient() as client:
        assert (await client.get(scripted.url())).text == "real"
        with Mock() as mock:
            mock.attach(client)
            mock.attach(client)
            mock.get(scripted.url()).reply(text="mocked")
            assert (await client.get(scripted.url())).text == "mocked"
        assert (await client.get(scripted.url())).text == "real"


async def test_inner_mock_goes_first_and_lets_the_outer_have_the_rest():
    with Mock() as outer, Mock() as inner:
        outer.get(f"{API}/outer").reply(text="outer")
        inner.get(f"{API}/inner").reply(text="inner")
        inner.passthrough(f"{API}/outer")
        async with HttpClient() as client:
            texts = [(await client.get(f"{API}/{name}")).text for name in ("outer", "inner")]
    assert texts == ["outer", "inner"]


async def test_many_requests_at_once():
    with Mock() as mock:
        mock.get(f"{API}/*").respond(lambda request: Reply(text=request.path))
        async with HttpClient() as client:
            responses = await asyncio.gather(*(client.get(f"{API}/{number}") for number in range(200)))
    assert [r.text for r in responses] == [f"/{number}" for number in range(200)]


async def test_cancelled_request_leaves_nothing_behind():
    before = asyncio.all_tasks()
    with Mock() as mock:
        mock.get(f"{API}/").stall()
        async with HttpClient() as client:
            task = asyncio.ensure_future(client.get(f"{API}/"))
            async with asyncio.timeout(5):
                while not mock.calls:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        for _ in range(10):
            await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


def test_names_of_secrets_hold_those_of_core():
    with HttpClient(autoload=False) as client:
        assert client.sensitive_headers | client.configuration.credentials <= CREDENTIAL_FIELDS
