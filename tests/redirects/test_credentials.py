"""No credential reaches another origin by way of a redirect: an attack by whoever controls a Location."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hookline import HttpClient, hookimpl
from hookline_testing.server import ScriptedServer, SeenRequest, response

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

SECRETS = [
    "Authorization",
    "Proxy-Authorization",
    "Cookie",
    "X-Api-Key",
    "Private-Token",
    "X-Auth-Token",
    "X-Amz-Security-Token",
    "X-CSRF-Token",
]
Make = Callable[..., ScriptedServer]


def moved(location: str, status: int = 307) -> bytes:
    return response(b"", status, [("Location", location)])


def values(request: SeenRequest, name: str) -> list[str]:
    return request.header_values(name)


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", SECRETS)
async def test_credential_stays_with_its_origin(make_scripted: Make, name: str, method: str, status: int) -> None:
    own, other = make_scripted(), make_scripted()
    own.answer(moved("/same", status), moved(other.url("/other"), status))
    other.answer(response(b"ok"))
    async with HttpClient() as client:
        await client.request(method, own.url(), data=b"x", headers={name.lower(): "s3cret", "X-Plain": "1"})
    assert [values(request, name) for request in own.requests] == [["s3cret"], ["s3cret"]]
    assert values(other.requests[0], name) == []
    assert values(other.requests[0], "x-plain") == ["1"]
    assert b"s3cret" not in other.requests[0].raw


@pytest.mark.parametrize("name", SECRETS)
async def test_credential_does_not_come_back_with_a_chain(make_scripted: Make, name: str) -> None:
    own, other = make_scripted(), make_scripted()
    own.answer(moved(other.url("/there")), response(b"ok"))
    other.answer(moved(own.url("/back")))
    async with HttpClient() as client:
        got = await client.get(own.url(), headers={name: "s3cret"})
    assert got.content == b"ok"
    assert [values(request, name) for request in own.requests] == [["s3cret"], []]


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize("name", SECRETS)
async def test_two_fields_of_one_name_are_both_dropped(make_scripted: Make, name: str) -> None:
    own, other = make_scripted(), make_scripted()
    own.answer(moved("/same"), moved(other.url()))
    other.answer(response(b"ok"))
    async with HttpClient() as client:
        await client.get(own.url(), headers=[(name, "one"), ("X-Plain", "1"), (name.upper(), "two")])
    assert values(own.requests[1], name) == ["one", "two"]
    assert values(other.requests[0], name) == []


@pytest.mark.parametrize("name", SECRETS)
async def test_default_field_of_the_client_is_dropped(make_scripted: Make, name: str) -> None:
    own, other = make_scripted(), make_scripted()
    own.answer(moved(other.url()))
    other.answer(moved("/again"), response(b"ok"))
    async with HttpClient(headers={name: "s3cret"}) as client:
        await client.get(own.url())
    assert values(own.requests[0], name) == ["s3cret"]
    assert [values(request, name) for request in other.requests] == [[], []]


async def test_host_name_and_scheme_are_part_of_the_origin(make_scripted: Make, certificates: Any) -> None:
    plain = make_scripted()
    tls = make_scripted(ssl_context=certificates.server_context())
    tls.answer(moved(plain.url()))
    plain.answer(moved(plain.url("/named", host="localhost")), response(b"ok"))
    async with HttpClient(verify=False) as client:
        await client.get(tls.url(), headers={"Authorization": "s3cret"})
        assert [values(request, "authorization") for request in plain.requests] == [[], []]
        plain.answer(moved(plain.url("/named", host="localhost")), response(b"ok"))
        await client.get(plain.url(), headers={"Authorization": "s3cret"})
        assert [values(request, "authorization") for request in plain.requests[2:]] == [["s3cret"], []]


async def test_names_of_the_users_own_are_dropped(make_scripted: Make) -> None:
    own, other = make_scripted(), make_scripted()
    own.always(moved(other.url()))
    other.always(response(b"ok"))
    async with HttpClient(sensitive_headers=["X-Mine"]) as client:
        await client.get(own.url(), headers={"X-Mine": "s3cret"})
        await client.get(own.url(), headers={"X-Other": "s3cret"}, sensitive_headers=["x-other"])
    assert all(b"s3cret" not in request.raw for request in other.requests)


async def test_fields_of_one_hop_are_not_repeated_even_to_the_same_origin(scripted: ScriptedServer) -> None:
    class Signs:
        name = "signs"

        @hookimpl
        def pre_request(self, response: Any) -> None:
            if response.request.cause == "call":
                response.request.unredirected_headers["X-Signature"] = "s3cret"

    scripted.answer(moved("/same"), response(b"ok"))
    async with HttpClient(plugins=[Signs()]) as client:
        await client.get(scripted.url())
    assert [values(request, "x-signature") for request in scripted.requests] == [["s3cret"], []]


async def test_userinfo_of_the_location_is_not_used(make_scripted: Make) -> None:
    own, other = make_scripted(), make_scripted()
    own.answer(moved(f"http://user:s3cret@127.0.0.1:{other.port}/x"))
    other.answer(response(b"ok"))
    async with HttpClient() as client:
        got = await client.get(own.url())
    assert got.request.userinfo is None
    assert "s3cret" not in got.url
    assert b"s3cret" not in other.requests[0].raw


async def test_userinfo_of_the_call_stays_with_its_origin(make_scripted: Make) -> None:
    own, other = make_scripted(), make_scripted()
    own.answer(moved("/same"), moved(other.url()), response(b"ok"))
    other.answer(moved(own.url("/back")))
    async with HttpClient() as client:
        got = await client.get(f"http://user:s3cret@127.0.0.1:{own.port}/")
    requests = [*(earlier.request for earlier in got.history), got.request]
    assert [request.userinfo for request in requests] == ["user:s3cret", "user:s3cret", None, None]


async def test_secrets_are_not_shown_in_the_errors_of_redirects(scripted: ScriptedServer) -> None:
    scripted.answer(moved("http://user:s3cret@bad host/?token=s3cret"), moved("/x?token=s3cret"))
    async with HttpClient() as client:
        for limit in (10, 0):
            with pytest.raises(ConnectionError) as caught:
                await client.get(scripted.url("/?token=s3cret"), max_redirects=limit)
            assert "s3cret" not in str(caught.value)
            assert "s3cret" not in repr(caught.value)
