"""Cookies on every hop of a call: those of the origin asked for go there and nowhere else."""

from collections.abc import Callable

import pytest

from hookline import HttpClient
from hookline_cookies import Cookie, CookieJar
from hookline_testing.server import ScriptedServer, response
from servers.certificates import Certificates

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

pytest.importorskip("hookline_redirects", reason="these follow redirects")

Make = Callable[..., ScriptedServer]


def moved(location: str, *fields: str, status: int = 302) -> bytes:
    return response(b"", status, [("Location", location), *(("Set-Cookie", field) for field in fields)])


def sent(server: ScriptedServer) -> list[str | None]:
    assert all(len(request.header_values("cookie")) <= 1 for request in server.requests)
    return [request.header("cookie") for request in server.requests]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_cookies_of_a_request_go_out_on_every_hop(scripted: ScriptedServer, status: int) -> None:
    scripted.answer(moved("/two", status=status), moved("/three", status=status), response())
    async with HttpClient() as client:
        await client.post(scripted.url(), data=b"x", cookies={"a": "1"})
    assert sent(scripted) == ["a=1", "a=1", "a=1"]


async def test_cookie_set_by_a_hop_goes_to_the_next(scripted: ScriptedServer) -> None:
    scripted.answer(moved("/two", "b=2; Path=/", "c=3; Path=/three"), moved("/three", "b=4; Path=/"), response())
    async with HttpClient() as client:
        answer = await client.get(scripted.url(), cookies={"a": "1"})
    assert sent(scripted) == ["a=1", "a=1; b=2", "a=1; c=3; b=4"]
    assert [hop.cookies for hop in answer.history] == [{"b": "2", "c": "3"}, {"b": "4"}]


@pytest.mark.parametrize("of", ["client", "request"])
async def test_attack_redirect_takes_a_dict_to_another_origin(make_scripted: Make, of: str) -> None:
    own, other = make_scripted(), make_scripted()
    own.answer(moved("/same"), moved(other.url("/thief")), response())
    other.answer(moved("/still"), moved(own.url("/back")))
    given = {"a": "s3cret"}
    async with HttpClient(cookies=given if of == "client" else None) as client:
        await client.get(own.url(), cookies=given if of == "request" else None)
    assert sent(own) == ["a=s3cret", "a=s3cret", "a=s3cret"]
    assert sent(other) == [None, None]
    assert b"s3cret" not in b"".join(request.raw for request in other.requests)


async def test_dict_of_a_client_goes_to_the_other_origin_when_that_is_asked_for(make_scripted: Make) -> None:
    own, other = make_scripted(), make_scripted()
    own.answer(moved(other.url()))
    other.always(response())
    async with HttpClient(cookies={"a": "1"}) as client:
        await client.get(own.url())
        await client.get(other.url())
    assert sent(own) == ["a=1"]
    assert sent(other) == [None, "a=1"]


async def test_attack_redirect_takes_a_dict_from_tls_to_plain_http(
    make_scripted: Make, certificates: Certificates
) -> None:
    plain, tls = make_scripted(), make_scripted(ssl_context=certificates.server_context())
    tls.answer(moved(plain.url(), "b=2; Secure; Path=/"))
    plain.answer(response())
    async with HttpClient(verify=str(certificates.ca_file), cookies={"c": "3"}) as client:
        await client.get(tls.url(), cookies={"a": "1"})
    await tls.until_closed_connections()  # TLS ends with a message from each side
    assert sent(tls) == ["a=1; c=3"]
    assert sent(plain) == [None]


async def test_stored_cookies_go_where_they_belong(scripted: ScriptedServer) -> None:
    scripted.answer(
        moved(scripted.url("/two", host="localhost"), "a=1; Path=/"),
        moved(scripted.url("/three"), "b=2; Path=/"),
        response(),
    )
    async with HttpClient() as client:
        await client.get(scripted.url())
    assert sent(scripted) == [None, None, "a=1"]


async def test_jar_of_a_request_goes_by_its_domains(scripted: ScriptedServer) -> None:
    scripted.answer(moved(scripted.url("/two", host="localhost")), response())
    given = [Cookie(name="a", value="1", domain="127.0.0.1"), Cookie(name="b", value="2", domain="localhost")]
    async with HttpClient() as client:
        await client.get(scripted.url(), cookies=CookieJar(given))
    assert sent(scripted) == ["a=1", "b=2"]


async def test_own_cookie_field_is_dropped_and_stored_ones_take_its_place(make_scripted: Make) -> None:
    own, other = make_scripted(), make_scripted()
    own.answer(moved("/same"), moved(other.url()))
    other.answer(response())
    async with HttpClient() as client:
        client.cookies.set("a", "stored", domain="127.0.0.1")
        await client.get(own.url(), headers={"Cookie": "own=1"})
    assert sent(own) == ["own=1", "own=1"]
    assert sent(other) == ["a=stored"]


async def test_redirect_that_is_not_followed_stores_its_cookies(scripted: ScriptedServer) -> None:
    scripted.answer(moved("/two", "a=1"), response())
    async with HttpClient(allow_redirects=False) as client:
        assert (await client.get(scripted.url())).cookies == {"a": "1"}
        await client.get(scripted.url())
    assert sent(scripted) == [None, "a=1"]


async def test_stream_of_a_redirected_request_carries_its_cookies(scripted: ScriptedServer) -> None:
    scripted.answer(moved("/two", "b=2; Path=/"), response(b"body"))
    async with HttpClient() as client, await client.get(scripted.url(), stream=True, cookies={"a": "1"}) as answer:
        assert await answer.raw.read() == b"body"
    assert sent(scripted) == ["a=1", "a=1; b=2"]
