"""What responses set is stored, and goes back where it belongs: over real connections."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from hookline import HttpClient
from hookline_cookies import CookieJar
from hookline_testing.server import ScriptedServer, response
from servers.addresses import Site
from servers.certificates import Certificates

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

Make = Callable[..., ScriptedServer]


def setting(*fields: str, status: int = 200) -> bytes:
    """A response that sets cookies."""
    return response(b"", status, [("Set-Cookie", field) for field in fields])


def sent(server: ScriptedServer) -> list[str | None]:
    """The Cookie field of each request; fails where one has two of them."""
    assert all(len(request.header_values("cookie")) <= 1 for request in server.requests)
    return [request.header("cookie") for request in server.requests]


async def test_cookie_is_stored_and_sent_back(scripted: ScriptedServer) -> None:
    scripted.answer(setting("a=1", "b=2; HttpOnly"), response(), response())
    async with HttpClient() as client:
        first = await client.get(scripted.url("/x"))
        second = await client.get(scripted.url("/y"))
        await client.get(scripted.url("/y"))
        assert client.cookies["a"] == "1"
    assert sent(scripted) == [None, "a=1; b=2", "a=1; b=2"]
    assert first.cookies == {"a": "1", "b": "2"}
    assert second.cookies == {}


async def test_cookies_of_a_response_hold_what_the_jar_refuses_too(scripted: ScriptedServer) -> None:
    scripted.answer(setting("a=1", "a=2", "b=; Max-Age=0", "c=3; Domain=elsewhere.example", "=nameless"))
    async with HttpClient() as client:
        answer = await client.get(scripted.url())
        assert answer.cookies == {"a": "2", "b": "", "c": "3"}
        assert [cookie.name for cookie in client.cookies] == ["a"]


async def test_cookie_goes_to_its_path_alone(scripted: ScriptedServer) -> None:
    scripted.always(response())
    scripted.answer(setting("root=1; Path=/", "deep=2; Path=/deep", "folder=3"))
    async with HttpClient() as client:
        await client.get(scripted.url("/deep/er/page?/x/y"))
        for path in ("/", "/deep?q=/", "/deeper", "/deep/er/"):
            await client.get(scripted.url(path))
    assert sent(scripted)[1:] == ["root=1", "deep=2; root=1", "root=1", "folder=3; deep=2; root=1"]


async def test_expired_cookie_is_not_sent(scripted: ScriptedServer, jar: CookieJar, clock: list[float]) -> None:
    scripted.always(response())
    scripted.answer(setting("short=1; Max-Age=60", "long=2; Max-Age=3600"))
    async with HttpClient(cookies=jar) as client:
        await client.get(scripted.url())
        await client.get(scripted.url())
        clock[0] += 61
        await client.get(scripted.url())
    assert sent(scripted) == [None, "short=1; long=2", "long=2"]


async def test_server_takes_a_cookie_away(scripted: ScriptedServer) -> None:
    scripted.answer(setting("a=1"), setting("a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"), response())
    async with HttpClient() as client:
        for _ in range(3):
            await client.get(scripted.url())
    assert sent(scripted) == [None, "a=1", None]


async def test_secure_cookie_goes_over_tls_alone(make_scripted: Make, certificates: Certificates) -> None:
    plain, tls = make_scripted(), make_scripted(ssl_context=certificates.server_context())
    plain.always(response())
    plain.answer(setting("evil=1; Secure"))
    tls.answer(setting("a=1; Secure", "b=2", "__Host-c=3; Secure; Path=/"), response())
    async with HttpClient(verify=str(certificates.ca_file)) as client:
        await client.get(plain.url())
        await client.get(tls.url())
        await client.get(tls.url())
        await client.get(plain.url())
    await tls.until_closed_connections()  # TLS ends with a message from each side
    assert sent(tls) == [None, "a=1; b=2; __Host-c=3"]
    assert sent(plain) == [None, "b=2"]


async def test_attack_plain_http_overwrites_a_secure_cookie(make_scripted: Make, certificates: Certificates) -> None:
    plain, tls = make_scripted(), make_scripted(ssl_context=certificates.server_context())
    tls.answer(setting("session=right; Secure; Path=/"), response())
    plain.answer(setting("session=forged; Path=/"))
    async with HttpClient(verify=str(certificates.ca_file)) as client:
        await client.get(tls.url())
        await client.get(plain.url())
        await client.get(tls.url())
    await tls.until_closed_connections()  # TLS ends with a message from each side
    assert sent(tls) == [None, "session=right"]


async def test_cookie_goes_to_its_host_alone(scripted: ScriptedServer) -> None:
    scripted.always(response())
    scripted.answer(setting("a=1"))
    async with HttpClient() as client:
        await client.get(scripted.url(host="LocalHost"))
        await client.get(scripted.url())
        await client.get(scripted.url(host="localhost"))
    assert sent(scripted) == [None, None, "a=1"]


@pytest.mark.parametrize("cut", ["whole", "bytes"])
async def test_cookie_of_a_head_in_pieces_is_stored(make_scripted: Make, cut: str) -> None:
    server = make_scripted(cut=cut)
    server.answer(setting("a=1"), response())
    async with HttpClient() as client:
        await client.get(server.url())
        await client.get(server.url())
    assert sent(server) == [None, "a=1"]


@pytest.mark.protocols("HTTP/1.1")
async def test_value_outside_ascii_goes_back_as_it_came(scripted: ScriptedServer) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: a=\xc3\xa4\r\nSet-Cookie: b=\xff\r\n\r\n"
    scripted.answer(head, response())
    async with HttpClient() as client:
        await client.get(scripted.url())
        await client.get(scripted.url())
    assert b"ookie: a=\xc3\xa4; b=\xff\r\n" in scripted.requests[1].raw


async def test_store_cookies_is_off_for_the_client(scripted: ScriptedServer) -> None:
    scripted.answer(setting("a=1"), setting("b=1"), response())
    async with HttpClient(store_cookies=False) as client:
        assert (await client.get(scripted.url())).cookies == {"a": "1"}
        await client.get(scripted.url(), store_cookies=True)
        await client.get(scripted.url())
    assert sent(scripted) == [None, None, "b=1"]


async def test_store_cookies_is_off_for_one_request(scripted: ScriptedServer) -> None:
    scripted.answer(setting("a=1"), setting("b=1"), response())
    async with HttpClient() as client:
        await client.get(scripted.url())
        await client.get(scripted.url(), store_cookies=False)
        await client.get(scripted.url())
    assert sent(scripted) == [None, "a=1", "a=1"]


async def test_cookie_of_an_error_and_of_a_stream_is_stored(scripted: ScriptedServer) -> None:
    scripted.answer(setting("a=1", status=404), setting("b=2"), response())
    async with HttpClient() as client:
        await client.get(scripted.url())
        async with await client.get(scripted.url(), stream=True):
            assert "b" in client.cookies
        await client.get(scripted.url())
    assert sent(scripted)[2] == "a=1; b=2"


async def test_each_client_has_its_own_jar(scripted: ScriptedServer) -> None:
    scripted.answer(setting("a=1"), response())
    async with HttpClient() as one, HttpClient() as other:
        await one.get(scripted.url())
        await other.get(scripted.url())
        assert len(one.cookies) == 1
        assert len(other.cookies) == 0
    assert sent(scripted) == [None, None]


async def test_concurrent_requests_keep_all_cookies(scripted: ScriptedServer) -> None:
    def answer(request: object) -> bytes:
        target = getattr(request, "target", "")
        return setting(f"c{target[1:]}=1; Path=/") if target != "/end" else response()

    scripted.respond(answer)
    async with HttpClient(pool_size=8) as client:
        own = [client.get(scripted.url(f"/{n}"), cookies={"own": str(n)}) for n in range(40)]
        await asyncio.gather(*own)
        await client.get(scripted.url("/end"))
    fields = {request.target: request.header("cookie") or "" for request in scripted.requests}
    assert sorted(fields["/end"].split("; ")) == sorted(f"c{n}=1" for n in range(40))
    for n in range(40):
        assert [pair for pair in fields[f"/{n}"].split("; ") if pair.startswith("own=")] == [f"own={n}"]


async def test_cookies_are_saved_and_loaded(scripted: ScriptedServer, tmp_path: Path) -> None:
    scripted.answer(setting("a=1; Path=/", "b=2; Max-Age=600"), response(), response())
    async with HttpClient() as client:
        await client.get(scripted.url())
        client.cookies.save(tmp_path / "jar.json")
        client.cookies.save(tmp_path / "jar.txt", "netscape")
    for name in ("jar.json", "jar.txt"):
        async with HttpClient() as client:
            assert client.cookies.load(tmp_path / name) == 2
            await client.get(scripted.url())
    assert sent(scripted)[1:] == ["a=1; b=2", "a=1; b=2"]


async def test_cleared_cookies_are_not_sent(scripted: ScriptedServer) -> None:
    scripted.answer(setting("a=1", "b=2"), response(), response())
    async with HttpClient() as client:
        await client.get(scripted.url())
        client.cookies.clear("a")
        await client.get(scripted.url())
        client.cookies.clear()
        await client.get(scripted.url())
    assert sent(scripted) == [None, "b=2", None]


@pytest.mark.protocols("HTTP/1.1")
async def test_values_stay_out_of_the_log_and_the_reprs(
    scripted: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    scripted.answer(setting("a=s3cret", "b=s3cret; Domain=elsewhere.example"), response())
    async with HttpClient(cookies={"c": "s3cret"}) as client:
        await client.get(scripted.url())
        answer = await client.get(scripted.url(), cookies={"d": "s3cret"})
        shown = [client, client.cookies, answer, answer.request, answer.request.cookies]
    assert "s3cret" not in caplog.text + repr(shown)
    assert "elsewhere.example" in caplog.text or "refused" in caplog.text


def test_cookies_without_a_running_loop(aiohttp_server: Site) -> None:
    with HttpClient() as client:
        assert client.get(aiohttp_server.url("/cookies?a=1&b=2")).cookies == {"a": "1", "b": "2"}
        assert client.get(aiohttp_server.url("/cookies")).json() == {"a": "1", "b": "2"}


async def test_aiohttp_reads_the_cookies_that_it_set(aiohttp_server: Site) -> None:
    async with HttpClient() as client:
        await client.get(aiohttp_server.url("/cookies?a=1&b=x%20y"))
        assert (await client.get(aiohttp_server.url("/cookies"))).json() == {"a": "1", "b": "x y"}


async def test_httpbin_sets_by_redirect_and_takes_away(httpbin: Site) -> None:
    pytest.importorskip("hookline_redirects", reason="httpbin redirects to its list of cookies")
    async with HttpClient() as client:
        final = await client.get(httpbin.url("/cookies/set?a=1&b=2"))
        assert final.json() == {"cookies": {"a": "1", "b": "2"}}
        assert final.history[0].cookies == {"a": "1", "b": "2"}
        assert (await client.get(httpbin.url("/cookies/delete?a"))).json() == {"cookies": {"b": "2"}}
