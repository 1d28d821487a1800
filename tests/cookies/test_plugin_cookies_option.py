"""The option `cookies=` of a client and of a request, as a dict or as a jar, and a Cookie field of the user."""

import http.cookiejar
from collections.abc import Callable
from typing import Any

import pytest

from hookline import HttpClient, HttpResponse, hookimpl
from hookline_cookies import Cookie, CookieJar, CookieRefused
from hookline_testing.server import ScriptedServer, response

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

Make = Callable[..., ScriptedServer]


def setting(*fields: str) -> bytes:
    return response(b"", 200, [("Set-Cookie", field) for field in fields])


def sent(server: ScriptedServer) -> list[str | None]:
    assert all(len(request.header_values("cookie")) <= 1 for request in server.requests)
    return [request.header("cookie") for request in server.requests]


async def test_cookies_of_one_request_go_with_that_one_alone(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient() as client:
        answer = await client.get(scripted.url(), cookies={"a": "1", "b": "2"})
        await client.get(scripted.url())
        assert answer.request.cookies == {"a": "1", "b": "2"}
        assert len(client.cookies) == 0
    assert sent(scripted) == ["a=1; b=2", None]


async def test_cookies_of_a_client_go_with_every_request(make_scripted: Make) -> None:
    one, other = make_scripted(), make_scripted()
    one.always(response())
    other.always(response())
    async with HttpClient(cookies={"a": "1"}) as client:
        for server in (one, other, one):
            await client.get(server.url("/any/where"))
        assert len(client.cookies) == 0
    assert sent(one) == ["a=1", "a=1"]
    assert sent(other) == ["a=1"]


async def test_request_goes_before_stored_and_stored_before_client(scripted: ScriptedServer) -> None:
    scripted.always(response())
    scripted.answer(setting("b=stored", "c=stored"))
    async with HttpClient(cookies={"a": "client", "b": "client"}) as client:
        await client.get(scripted.url())
        await client.get(scripted.url())
        await client.get(scripted.url(), cookies={"c": "request"})
        await client.get(scripted.url(), cookies=None)
        await client.get(scripted.url())
    usual = "b=stored; c=stored; a=client"
    assert sent(scripted) == ["a=client; b=client", usual, "c=request; b=stored; a=client", usual, usual]


@pytest.mark.parametrize("name", ["Cookie", "cookie"])
async def test_own_cookie_field_goes_before_all_others(scripted: ScriptedServer, name: str) -> None:
    scripted.always(response())
    scripted.answer(setting("a=stored"))
    async with HttpClient() as client:
        await client.get(scripted.url())
        await client.get(scripted.url(), headers={name: "own=1"}, cookies={"b": "2"})
    async with HttpClient(headers={name: "default=1"}, cookies={"b": "2"}) as client:
        await client.get(scripted.url())
    assert sent(scripted) == [None, "own=1", "default=1"]


async def test_empty_dict_sends_nothing(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient(cookies={}) as client:
        await client.get(scripted.url(), cookies={})
    assert sent(scripted) == [None]


class Woken:
    """Counts the calls of pre_request that core makes on account of other plugins."""

    calls = 0

    @hookimpl(options=("woken",))
    def pre_request(self, response: HttpResponse[Any]) -> None:
        self.calls += 1


def cookies_elsewhere() -> CookieJar:
    jar = CookieJar()
    jar.set("other", "1", domain="other.example")
    return jar


@pytest.mark.protocols("HTTP/1.1")  # the clients of the tests over HTTP/2 have an option with which all pre_request run
@pytest.mark.parametrize("make", [dict, CookieJar, cookies_elsewhere], ids=["empty dict", "empty jar", "other hosts"])
async def test_pre_request_is_skipped_until_there_is_a_cookie_for_the_host(
    scripted: ScriptedServer, make: Callable[[], Any]
) -> None:
    scripted.always(response())
    async with HttpClient(cookies=make(), plugins=[woken := Woken()]) as client:
        for _ in range(2):
            await client.get(scripted.url())
        assert woken.calls == 0
        client.cookies.set("mine", "1", domain="127.0.0.1")
        await client.get(scripted.url())
        assert woken.calls == 1
        client.cookies.clear("mine")
        await client.get(scripted.url())
        assert woken.calls == 1
        await client.get(scripted.url(), cookies={"own": "1"})
        assert woken.calls == 2
    assert sent(scripted) == [None, None, "mine=1", None, "own=1"]


async def test_cookie_that_a_response_sets_is_sent_by_a_client_with_an_empty_jar(scripted: ScriptedServer) -> None:
    scripted.answer(setting("a=1"))
    scripted.always(response())
    async with HttpClient(cookies={}) as client:
        for _ in range(2):
            await client.get(scripted.url())
    assert sent(scripted) == [None, "a=1"]


async def test_jar_given_to_a_client_is_its_jar(scripted: ScriptedServer) -> None:
    scripted.always(response())
    scripted.answer(setting("b=2"))
    jar = CookieJar([Cookie(name="a", value="1", domain="127.0.0.1")])
    async with HttpClient(cookies=jar) as client:
        assert client.cookies is jar
        await client.get(scripted.url())
        await client.get(scripted.url())
    assert sent(scripted) == ["a=1", "a=1; b=2"]
    assert jar["b"] == "2"


async def test_jar_given_to_a_request_sends_and_stores_nothing(scripted: ScriptedServer) -> None:
    scripted.always(response())
    scripted.answer(setting("b=2"))
    jar = CookieJar([Cookie(name="a", value="1", domain="127.0.0.1"), Cookie(name="x", value="1", domain="other.test")])
    async with HttpClient() as client:
        await client.get(scripted.url(), cookies=jar)
        await client.get(scripted.url(), cookies=jar)
        assert [cookie.name for cookie in client.cookies] == ["b"]
    assert sent(scripted) == ["a=1", "a=1; b=2"]
    assert len(jar) == 2


def standard_jar(*pairs: tuple[str, str]) -> http.cookiejar.CookieJar:
    """A jar of the standard library: a cookie named after its domain for each (domain, value)."""
    jar = CookieJar([Cookie(name="n", value=value, domain=domain) for domain, value in pairs if domain])
    standard = jar.to_cookiejar()
    for domain, value in pairs:
        if not domain:
            bare = next(iter(CookieJar([Cookie(name="bare", value=value, domain="x.test")]).to_cookiejar()))
            bare.domain = ""
            standard.set_cookie(bare)
    return standard


@pytest.mark.parametrize("of", ["client", "request"])
async def test_jar_of_the_standard_library_is_taken(scripted: ScriptedServer, of: str) -> None:
    scripted.always(response())
    given = standard_jar(("127.0.0.1", "1"), ("other.test", "2"), ("", "3"))
    options: dict[str, dict[str, Any]] = {"client": {}, "request": {}}
    options[of]["cookies"] = given
    async with HttpClient(**options["client"]) as client:
        await client.get(scripted.url(), **options["request"])
    fields = sent(scripted)
    assert sorted((fields[0] or "").split("; ")) == ["bare=3", "n=1"]


async def test_jar_of_the_standard_library_reads_a_response_and_writes_a_request(scripted: ScriptedServer) -> None:
    scripted.always(response())
    scripted.answer(setting("a=1", "b=2"))
    standard = http.cookiejar.CookieJar()

    def add(response: Any) -> None:
        standard.add_cookie_header(response.request)

    async with HttpClient(store_cookies=False) as client:
        answer = await client.get(scripted.url())
        standard.extract_cookies(answer, answer.request)
        await client.get(scripted.url(), pre_request=add)
    assert sorted(cookie.name for cookie in standard) == ["a", "b"]
    assert sent(scripted) == [None, "a=1; b=2"]


async def test_jar_of_the_standard_library_follows_paths(scripted: ScriptedServer) -> None:
    scripted.answer(setting("a=1", "b=2; Path=/x"), response())
    jar = http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(rfc2965=False))

    def add_cookies(response: Any) -> None:
        jar.add_cookie_header(response.request)

    async with HttpClient(store_cookies=False) as client:
        answer = await client.get(scripted.url("/x/y").replace("127.0.0.1", "localhost"))
        jar.extract_cookies(answer, answer.request)
        await client.get(scripted.url("/x/z").replace("127.0.0.1", "localhost"), pre_request=add_cookies)
    assert {cookie.name: cookie.value for cookie in jar} == {"a": "1", "b": "2"}
    assert sorted((sent(scripted)[-1] or "").split("; ")) == ["a=1", "b=2"]


async def test_cookies_that_were_cleared_do_not_come_back(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient(cookies=standard_jar(("127.0.0.1", "1"))) as client:
        assert client.cookies["n"] == "1"
        client.cookies.clear()
        client.event("on_headers").bind(lambda response: None)  # options are read anew
        await client.get(scripted.url())
        assert len(client.cookies) == 0
    assert sent(scripted) == [None]


async def test_cookies_of_a_client_are_set_later(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient() as client:
        client.cookies = {"a": "1"}
        await client.get(scripted.url())
        client.cookies = jar = CookieJar([Cookie(name="b", value="2", domain="127.0.0.1")])
        assert client.cookies is jar
        await client.get(scripted.url())
        client.cookies.set("c", "3", domain="127.0.0.1")
        await client.get(scripted.url())
    assert sent(scripted) == ["a=1", "b=2", "b=2; c=3"]


async def test_handler_sets_the_cookies_of_a_request(scripted: ScriptedServer) -> None:
    scripted.always(response())

    def handler(response: Any) -> None:
        response.request.cookies = {"a": "1"}

    async with HttpClient() as client:
        await client.get(scripted.url(), pre_request=handler)
    assert sent(scripted) == ["a=1"]


INJECTIONS = [
    {"a": "1\r\nX-Evil: 1"},
    {"a": "1\nX-Evil: 1"},
    {"a": "1\0"},
    {"a\r\nX-Evil": "1"},
    {"a": "1; admin=1"},
    {"a=1; b": "1"},
    {"": "1"},
    {"a": "\ud800"},
]


@pytest.mark.parametrize("cookies", INJECTIONS)
async def test_attack_header_injection_through_a_cookie(scripted: ScriptedServer, cookies: dict[str, str]) -> None:
    async with HttpClient() as client:
        with pytest.raises(CookieRefused) as caught:
            await client.get(scripted.url(), cookies=cookies)
        with pytest.raises(CookieRefused):
            client.cookies = cookies
        assert caught.value.__notes__ == [
            f"in cookies=, an option of {client.plugins['cookies'].label}, which takes a dict or a jar"
        ]
    with pytest.raises(CookieRefused):
        HttpClient(cookies=cookies)
    assert scripted.requests == []


async def test_attack_header_injection_through_a_handler(scripted: ScriptedServer) -> None:
    def handler(response: Any) -> None:
        response.request.cookies = {"a": "1\r\nX-Evil: 1"}

    async with HttpClient() as client:
        with pytest.raises(CookieRefused):
            await client.get(scripted.url(), pre_request=handler)
    assert scripted.requests == []


@pytest.mark.parametrize("cookies", ["a=1", b"a=1", 5, ["a=1"], {"a": 1}, {1: "a"}, [("a", "1")], iter([])])
def test_other_types_are_refused(cookies: Any) -> None:
    with pytest.raises(TypeError):
        HttpClient(cookies=cookies)


async def test_attack_a_flood_of_stored_cookies_does_not_crowd_out_what_was_given(scripted: ScriptedServer) -> None:
    scripted.always(response())
    scripted.answer(setting(*(f"flood{n}={'x' * 500}" for n in range(40))))
    async with HttpClient(cookies={"default": "1"}) as client:
        await client.get(scripted.url())
        await client.get(scripted.url(), cookies={"own": "2"})
    field = sent(scripted)[1]
    assert field is not None
    assert field.startswith("own=2; flood0=")
    assert field.endswith("; default=1")
    assert 7500 < len("Cookie: " + field) <= 8190
