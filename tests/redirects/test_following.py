"""Redirects followed on real servers: methods, bodies, limits, streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hookline import (
    BodyNotRepeatable,
    DirectRoute,
    HttpClient,
    HttpRequestException,
    RemoteProtocolError,
    StreamConsumedError,
    hookimpl,
)
from hookline_redirects import TooManyRedirects
from hookline_testing.server import Script, ScriptedServer, SeenRequest, chunked, head, response
from servers.addresses import Site

pytestmark = [pytest.mark.client(timeout=10), pytest.mark.protocols("HTTP/1.1", "HTTP/2")]


def moved(location: str, status: int = 302, body: bytes = b"") -> bytes:
    return response(body, status, [("Location", location)])


@pytest.mark.parametrize("cut", ["whole", "bytes"])
async def test_redirect_is_followed_however_it_is_cut(client: HttpClient, scripted: ScriptedServer, cut: Any) -> None:
    scripted.answer(moved("/two", 301, b"gone"), chunked(b"there"), cut=cut)
    got = await client.get(scripted.url("/one"))
    assert (got.status_code, got.content, got.url) == (200, b"there", scripted.url("/two"))
    assert [(r.status_code, r.content) for r in got.history] == [(301, b"gone")]
    assert got.request.cause == "redirect"
    assert scripted.connections == 1


KEPT = ("GET", "PUT", "PATCH", "DELETE", "OPTIONS")


@pytest.mark.parametrize(
    ("status", "method", "follows_with"),
    [
        *((status, method, method) for status in (301, 302, 307, 308) for method in KEPT),
        *((status, "POST", "GET") for status in (301, 302, 303)),
        *((status, "POST", "POST") for status in (307, 308)),
        *((303, method, "GET") for method in KEPT),
    ],
)
async def test_method_and_body_of_the_follow_up(
    client: HttpClient, scripted: ScriptedServer, status: int, method: str, follows_with: str
) -> None:
    scripted.answer(moved("/two", status), response(b"ok"))
    fields = {"Content-Type": "text/x", "Content-Language": "en", "X-Mine": "1"}
    await client.request(method.lower(), scripted.url("/one"), data=b"body", headers=fields)
    first, second = scripted.requests
    assert (first.method, first.body) == (method, b"body")
    assert second.method == follows_with
    assert second.header("x-mine") == "1"
    if method == follows_with and not (status == 303 and method == "GET"):
        assert (second.body, second.header("content-type"), second.header("content-length")) == (b"body", "text/x", "4")
    elif method != follows_with:
        assert second.body == b""
        names = {name.decode().lower() for name, _ in second.headers}
        assert not {name for name in names if name.startswith("content-")}
        assert not names & {"transfer-encoding", "expect"}


@pytest.mark.protocols("HTTP/1.1")
async def test_fields_of_a_streamed_body_go_with_it(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(moved("/two", 303), response(b"ok"))
    fields = {"Transfer-Encoding": "chunked", "Expect": "nothing", "Content-Encoding": "x"}
    await client.post(scripted.url("/one"), data=[b"one", b"two"], headers=fields)
    names = {name.decode().lower() for name, _ in scripted.requests[1].headers}
    assert names - {"accept-encoding"} == {"host", "user-agent", "accept", "connection"}  # decompress adds that one


@pytest.mark.parametrize("status", [307, 308])
async def test_body_that_can_be_read_again_is_sent_again(
    client: HttpClient, scripted: ScriptedServer, status: int
) -> None:
    scripted.answer(moved("/two", status), response(b"ok"))
    await client.post(scripted.url("/one"), data=[b"one", b"two"])
    assert [request.body for request in scripted.requests] == [b"onetwo", b"onetwo"]


async def test_body_that_is_gone_is_an_error_with_the_response(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(moved("/two", 307))

    def once() -> Iterator[bytes]:
        yield b"once"

    with pytest.raises(BodyNotRepeatable) as caught:
        await client.post(scripted.url("/one"), data=once())
    assert caught.value.response is not None
    assert caught.value.response.status_code == 307
    assert caught.value.request is not None


@pytest.mark.parametrize("status", [300, 304, 305, 306])
async def test_other_statuses_are_not_followed(client: HttpClient, scripted: ScriptedServer, status: int) -> None:
    scripted.answer(moved("/two", status))
    got = await client.get(scripted.url("/one"))
    assert (got.status_code, got.history) == (status, [])


@pytest.mark.parametrize("fields", [[], [("Location", "")]])
async def test_redirect_without_location_is_the_response(
    client: HttpClient, scripted: ScriptedServer, fields: list[tuple[str, str]]
) -> None:
    scripted.answer(response(b"where?", 302, fields))
    got = await client.get(scripted.url("/one"))
    assert (got.status_code, got.content) == (302, b"where?")


@pytest.mark.parametrize("method", ["HEAD", "head"])
async def test_head_is_followed_only_when_asked(client: HttpClient, scripted: ScriptedServer, method: str) -> None:
    scripted.answer(moved("/two"))
    assert (await client.request(method, scripted.url("/one"))).status_code == 302
    scripted.answer(moved("/two", 303), response(b""))
    got = await client.request(method, scripted.url("/one"), allow_redirects=True)
    assert got.status_code == 200
    assert [request.method for request in scripted.requests] == ["HEAD"] * 3


async def test_redirects_are_switched_per_client_and_request(scripted: ScriptedServer) -> None:
    async with HttpClient(allow_redirects=False) as client:
        scripted.answer(moved("/two"), moved("/two"), response(b"ok"))
        assert (await client.get(scripted.url("/one"))).status_code == 302
        assert (await client.get(scripted.url("/one"), allow_redirects=True)).status_code == 200
    async with HttpClient() as client:
        scripted.answer(moved("/two"))
        assert (await client.get(scripted.url("/one"), allow_redirects=False)).status_code == 302


async def test_params_are_not_appended_again(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(moved("/two?own=1"), response(b"ok"))
    await client.get(scripted.url("/one"), params={"a": "b"})
    assert [request.target for request in scripted.requests] == ["/one?a=b", "/two?own=1"]


async def test_fragment_is_inherited_and_never_sent(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(moved("/two"), moved("/three#own"), response(b"ok"))
    got = await client.get(scripted.url("/one#first"))
    assert got.url == scripted.url("/three#own")
    assert got.history[1].url == scripted.url("/two#first")
    assert [request.target for request in scripted.requests] == ["/one", "/two", "/three"]


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/é".encode(), "/%C3%A9"),
        (b"/\xe9", "/%E9"),
        (b"/a b", "/a%20b"),
        (b"/x/../y/./z", "/y/z"),
        (b"?q=1", "/dir/one?q=1"),
        (b"two", "/dir/two"),
    ],
)
async def test_location_outside_ascii_and_relative(
    client: HttpClient, scripted: ScriptedServer, location: bytes, target: str
) -> None:
    scripted.answer(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n", response(b"ok"))
    await client.get(scripted.url("/dir/one"))
    assert scripted.requests[1].target == target


@pytest.mark.parametrize(
    "location",
    [
        "ftp://x/", "http://", "///etc", "http://a b/", r"/\x.example", "http://x:99999/", "http:two", "http:/two",
        "https:two", "data:,x", "mailto:a@b", "localhost:80", "http://x:" + "9" * 5000, "//x:" + "9" * 5000 + "/",
        "http://[fe80::1%25" + "z" * 5000 + "]/", "//[fe80::1%25a..b]/", "http://256.0.0.1/", "http://" + "1" * 5000,
        "http://xn--a/", "http://" + "x" * 5000,
    ],
    ids=lambda location: location[:20],
)  # fmt: skip
async def test_location_that_leads_nowhere_is_an_error_with_the_response(
    client: HttpClient, scripted: ScriptedServer, location: str
) -> None:
    scripted.answer(moved(location))
    with pytest.raises(RemoteProtocolError) as caught:
        await client.get(scripted.url("/one"))
    assert caught.value.response is not None
    assert caught.value.response.status_code == 302
    assert len(scripted.requests) == 1


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7F.0.0.1", "127.0.0.1."])
async def test_location_that_spells_the_same_address_otherwise_is_the_same_origin(
    client: HttpClient, scripted: ScriptedServer, host: str
) -> None:
    scripted.answer(moved(f"http://{host}:{scripted.port}/two"), response(b"ok"))
    got = await client.get(scripted.url("/one"), headers={"Authorization": "mine"})
    assert got.url == scripted.url("/two")
    assert [request.header("authorization") for request in scripted.requests] == ["mine", "mine"]
    assert scripted.connections == 1


async def test_locations_that_differ_are_an_error(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"", 302, [("Location", "/a"), ("Location", "/b")]))
    with pytest.raises(RemoteProtocolError, match="2 Location fields"):
        await client.get(scripted.url("/one"))


@pytest.mark.parametrize("limit", [0, 1, 3])
async def test_limit_that_is_passed_is_an_error_with_history(
    client: HttpClient, scripted: ScriptedServer, limit: int
) -> None:
    scripted.always(moved("/again"))
    with pytest.raises(TooManyRedirects, match=f"max_redirects={limit}") as caught:
        await client.get(scripted.url("/again"), max_redirects=limit)
    assert caught.value.response is not None
    assert len(caught.value.response.history) == limit
    assert len(scripted.requests) == limit + 1


async def test_limit_is_ten_and_holds_for_the_client(nginx: Site) -> None:
    async with HttpClient() as client:
        assert client.max_redirects == 10
        # nginx redirects from /redirects/0 too
        assert len((await client.get(nginx.url("/redirects/9"))).history) == 10
        with pytest.raises(TooManyRedirects):
            await client.get(nginx.url("/redirects/10"))
    async with HttpClient(max_redirects=2) as client:
        assert len((await client.get(nginx.url("/redirects/1"))).history) == 2
        with pytest.raises(HttpRequestException, match="max_redirects=2"):
            await client.get(nginx.url("/redirects/loop"))


async def test_redirects_of_aiohttp_and_httpbin(client: HttpClient, aiohttp_server: Site, httpbin: Site) -> None:
    got = await client.post(aiohttp_server.url("/redirect/3?status=308"), json={"a": 1})
    assert (got.json()["method"], got.json()["body"], len(got.history)) == ("POST", '{"a":1}', 3)
    got = await client.get(httpbin.url("/redirect/3"))
    assert (got.status_code, len(got.history)) == (200, 3)
    got = await client.post(httpbin.url("/redirect-to"), params={"url": "/get", "status_code": "303"})
    assert got.json()["url"].endswith("/get")


@pytest.mark.parametrize(
    ("size", "is_drained"), [(1000, True), (64 * 1024, True), (128 * 1024, False), (1024 * 1024, False)]
)
async def test_stream_drains_small_hops_and_closes_large_ones(
    client: HttpClient, scripted: ScriptedServer, protocol: str, size: int, is_drained: bool
) -> None:
    # cut, so that what decides is the size and not how much comes in one read
    scripted.answer(moved("/two", 302, bytes(size)), cut=16 * 1024)
    scripted.answer(chunked(b"one", b"two"))
    got = await client.get(scripted.url("/one"), stream=True)
    assert await got.raw.read() == b"onetwo"
    assert scripted.connections == (1 if is_drained or protocol == "HTTP/2" else 2)
    if is_drained:
        assert got.history[0].content == bytes(size)
    else:
        with pytest.raises(StreamConsumedError, match="before its end"):
            _ = got.history[0].content


async def test_stream_of_an_endless_hop_is_left(client: HttpClient, scripted: ScriptedServer) -> None:
    endless = Script(head(302, [("Location", "/two")])).endless(bytes(10_000))
    scripted.answer(endless, response(b"there"))
    got = await client.get(scripted.url("/one"), stream=True)
    assert await got.raw.read() == b"there"


async def test_follow_redirect_edits_stops_and_is_counted(client: HttpClient, scripted: ScriptedServer) -> None:
    seen = []

    def edit(response: Any, request: Any) -> Any:
        seen.append((response.status_code, request.url))
        if request.url.endswith("/stop"):
            return None
        request.headers["X-Hop"] = str(len(seen))
        return request

    scripted.answer(moved("/two"), moved("/stop", 302, b"here"))
    got = await client.get(scripted.url("/one"), follow_redirect=edit)
    assert (got.status_code, got.content, len(got.history)) == (302, b"here", 1)
    assert scripted.requests[1].header("x-hop") == "1"
    assert [status for status, _ in seen] == [302, 302]

    async def elsewhere(response: Any, request: Any) -> Any:
        return response.request.copy(url=scripted.url("/elsewhere"), cause="call")

    scripted.always(moved("/two"))
    with pytest.raises(TooManyRedirects):
        await client.get(scripted.url("/one"), follow_redirect=elsewhere, max_redirects=2)
    with pytest.raises(TypeError, match="returned str"):
        await client.get(scripted.url("/one"), follow_redirect=lambda response, request: "/two")


async def test_follow_redirect_that_stops_leaves_the_stream(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(moved("/two", 302, bytes(500_000)))
    got = await client.get(scripted.url("/one"), stream=True, follow_redirect=lambda response, request: None)
    assert got.status_code == 302
    assert len(await got.raw.read()) == 500_000


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"max_redirects": "3"}, TypeError),
        ({"max_redirects": True}, TypeError),
        ({"max_redirects": -1}, ValueError),
        ({"follow_redirect": 1}, TypeError),
    ],
)
async def test_wrong_options_are_refused(client: HttpClient, options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match="takes"):
        await client.get("http://127.0.0.1/", **options)


@pytest.mark.protocols("HTTP/1.1")
async def test_broken_hop_is_not_followed(client: HttpClient, scripted: ScriptedServer) -> None:
    cut_off = Script(head(302, [("Location", "/two"), ("Content-Length", "9")])).send(b"half").close()
    scripted.answer(cut_off)
    with pytest.raises(HttpRequestException, match="5 bytes before"):
        await client.get(scripted.url("/one"))
    assert len(scripted.requests) == 1


@pytest.mark.protocols("HTTP/1.1")
async def test_every_hop_goes_by_the_route_that_a_plugin_sets(scripted: ScriptedServer) -> None:
    class Detour:
        name = "detour"

        @hookimpl(trylast=True)
        def pre_request(self, response: Any) -> None:
            response.request.route = DirectRoute("http", scripted.host, scripted.port)

    scripted.answer(moved("http://two.example/x"), response(b"ok"))
    async with HttpClient(plugins=[Detour()]) as client:
        got = await client.get("http://one.example/")
    assert got.url == "http://two.example/x"
    assert [request.header("host") for request in scripted.requests] == ["one.example", "two.example"]


async def test_total_timeout_holds_for_all_hops_together(scripted: ScriptedServer) -> None:
    def slowly(request: SeenRequest) -> Script:
        return Script().pause(0.1).send(moved("/again"))

    scripted.respond(slowly)
    async with HttpClient() as client:
        with pytest.raises(TimeoutError):
            await client.get(scripted.url("/again"), timeout=0.35)
    assert 2 <= len(scripted.requests) <= 4
