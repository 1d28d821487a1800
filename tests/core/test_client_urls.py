"""What a client does to the URLs of its calls: `base_url=` and `params=`."""

from typing import Any

import pytest

from hookline import HttpClient, InvalidURL
from hookline.messages.url import split_url
from hookline.messages.url_syntax import resolve_reference
from hookline_testing.server import ScriptedServer, response

BASE = "http://a/b/c/d;p?q"

# RFC 3986, section 5.4, without the references that have a scheme, and those that name another host.
RESOLVED = {
    "g": "http://a/b/c/g",
    "./g": "http://a/b/c/g",
    "g/": "http://a/b/c/g/",
    "/g": "http://a/g",
    "?y": "http://a/b/c/d;p?y",
    "g?y": "http://a/b/c/g?y",
    "#s": "http://a/b/c/d;p?q#s",
    "g#s": "http://a/b/c/g#s",
    "g?y#s": "http://a/b/c/g?y#s",
    ";x": "http://a/b/c/;x",
    "g;x": "http://a/b/c/g;x",
    "g;x?y#s": "http://a/b/c/g;x?y#s",
    "": "http://a/b/c/d;p?q",
    ".": "http://a/b/c/",
    "./": "http://a/b/c/",
    "..": "http://a/b/",
    "../": "http://a/b/",
    "../g": "http://a/b/g",
    "../..": "http://a/",
    "../../": "http://a/",
    "../../g": "http://a/g",
    "../../../g": "http://a/g",
    "../../../../g": "http://a/g",
    "/./g": "http://a/g",
    "/../g": "http://a/g",
    "g.": "http://a/b/c/g.",
    ".g": "http://a/b/c/.g",
    "g..": "http://a/b/c/g..",
    "..g": "http://a/b/c/..g",
    "./../g": "http://a/b/g",
    "./g/.": "http://a/b/c/g/",
    "g/./h": "http://a/b/c/g/h",
    "g/../h": "http://a/b/c/h",
    "g;x=1/./y": "http://a/b/c/g;x=1/y",
    "g;x=1/../y": "http://a/b/c/y",
    "g?y/./x": "http://a/b/c/g?y/./x",
    "g?y/../x": "http://a/b/c/g?y/../x",
    "g#s/./x": "http://a/b/c/g#s/./x",
    "g#s/../x": "http://a/b/c/g#s/../x",
}


@pytest.mark.parametrize(("reference", "url"), RESOLVED.items())
def test_reference_is_resolved_as_the_rfc_says(reference: str, url: str) -> None:
    assert split_url(resolve_reference(BASE, reference)).url == url


@pytest.mark.parametrize(
    ("base", "reference", "url"),
    [
        ("http://h", "x", "http://h/x"),
        ("http://h?q", "x", "http://h/x"),
        ("http://h/v1", "x", "http://h/x"),
        ("http://h/v1/", "x", "http://h/v1/x"),
        ("http://h/v1/", "/x", "http://h/x"),
        ("http://h/v1/#part", "", "http://h/v1/"),
        ("http://you:secret@h/v1/", "x", "http://you:secret@h/v1/x"),
        ("http://h/v1/", "x?k&s=a%2Fb+c?", "http://h/v1/x?k&s=a%2Fb+c?"),
        ("http://h/v1/", "x?", "http://h/v1/x?"),
        ("http://h/v1/", "HTTPS://Other/x", "HTTPS://Other/x"),
        ("ws://h/v1/", "x", "ws://h/v1/x"),
    ],
)
def test_parts_stay_as_they_are_written(base: str, reference: str, url: str) -> None:
    assert resolve_reference(base, reference) == url


@pytest.mark.parametrize("reference", ["//evil.example/x", "///evil.example", "//evil.example@h/"])
async def test_path_with_two_slashes_does_not_leave_the_host_of_the_base(reference: str) -> None:
    async with HttpClient(autoload=False, base_url="http://127.0.0.1:1/v1/") as client:
        with pytest.raises(InvalidURL, match="leaves the host of base_url"):
            await client.get(reference)


@pytest.mark.parametrize("reference", ["/\\evil.example/x", "x\r\nHost: evil.example", "\t//evil.example/"])
async def test_reference_that_parsers_disagree_on_is_refused(reference: str) -> None:
    async with HttpClient(autoload=False, base_url="http://127.0.0.1:1/v1/") as client:
        with pytest.raises(InvalidURL):
            await client.get(reference)


async def test_relative_urls_go_to_the_base(scripted: ScriptedServer) -> None:
    scripted.always(response(b""))
    async with HttpClient(autoload=False, base_url=scripted.url("/v1/")) as client:
        assert client.base_url == scripted.url("/v1/")
        for url in ("users", "users", "/users", "", "../x", scripted.url("/whole")):
            await client.get(url)
        answer = await client.get("users?a=1", params={"b": "2"}, headers={"X": "y"})
        assert answer.url == scripted.url("/v1/users?a=1&b=2")
        client.base_url = scripted.url("/v2/")
        await client.get("users")
    assert [request.target for request in scripted.requests] == [
        "/v1/users", "/v1/users", "/users", "/v1/", "/x", "/whole", "/v1/users?a=1&b=2", "/v2/users",
    ]  # fmt: skip


@pytest.mark.parametrize("url", ["/x", "x", "", "?a=b", "localhost/x"])
async def test_relative_url_without_a_base_is_an_error(url: str) -> None:
    async with HttpClient(autoload=False) as client:
        with pytest.raises(InvalidURL, match="base_url"):
            await client.get(url)


async def test_follow_up_is_not_relative_to_the_base(scripted: ScriptedServer) -> None:
    scripted.always(response(b""))
    async with HttpClient(autoload=False, base_url=scripted.url("/v1/"), params={"key": "1"}) as client:
        answer = await client.get("x")
        with pytest.raises(InvalidURL):
            answer.request.copy(url="x")
        assert answer.request.copy(url="http://other.test/y").url == "http://other.test/y"


@pytest.mark.parametrize("base", ["", "/v1", "example.test/v1", "http://", "http://h\\/", "http://h/\n"])
def test_base_url_is_checked_when_the_client_is_made(base: str) -> None:
    with pytest.raises(InvalidURL):
        HttpClient(autoload=False, base_url=base)


@pytest.mark.parametrize(
    ("own", "given", "target"),
    [
        ({"a": 1}, None, "/x?q&a=1"),
        ({"a": 1}, {"b": 2}, "/x?q&a=1&b=2"),
        ({"a": 1, "b": 2}, {"a": 3}, "/x?q&b=2&a=3"),
        ({"a": [1, 2], "b": 3}, {"a": None}, "/x?q&b=3"),
        ([("a", "1"), ("a", "2")], [("b", "2")], "/x?q&a=1&a=2&b=2"),
        ("a=%7E&k", {"b": 2}, "/x?q&a=%7E&k&b=2"),
        ("a=%7E&k", "k=1", "/x?q&a=%7E&k=1"),
        ({"a b": 1}, "a+b=2", "/x?q&a+b=2"),
        ({"a b": 1, "c": "d e"}, {"a b": "f g"}, "/x?q&c=d%20e&a%20b=f%20g"),
        ({"a": 1}, {}, "/x?q&a=1"),
        ({}, {"b": 2}, "/x?q&b=2"),
        ({"a": 1}, iter([("b", 2)]), "/x?q&a=1&b=2"),
        ({"a": 1, "b": 2}, b"b=%7E", "/x?q&a=1&b=%7E"),
        (b"a=%7E", {"b": 2}, "/x?q&a=%7E&b=2"),
    ],
)
async def test_params_of_the_client_go_before_those_of_the_call(
    scripted: ScriptedServer, own: Any, given: Any, target: str
) -> None:
    scripted.always(response(b""))
    async with HttpClient(autoload=False, params=own) as client:
        assert client.params == own
        await client.get(scripted.url("/x?q"), params=given)
        assert scripted.requests[0].target == target
        await client.get(scripted.url("/x?q"))
        client.params = None
        await client.get(scripted.url("/x?q"))
    assert scripted.requests[2].target == "/x?q"


async def test_params_of_the_client_may_change(scripted: ScriptedServer) -> None:
    scripted.always(response(b""))
    async with HttpClient(autoload=False, params={"page": 1}) as client:
        await client.get(scripted.url("/"))
        client.params["page"] = 2
        await client.get(scripted.url("/"))
    assert [request.target for request in scripted.requests] == ["/?page=1", "/?page=2"]


async def test_params_of_the_client_do_not_leak_into_requests_of_plugins(scripted: ScriptedServer) -> None:
    scripted.always(response(b""))
    async with HttpClient(autoload=False, base_url=scripted.url(), params={"api_key": "hunter2"}) as client:
        answer = await client.get("/call")
        token = client.new_request("POST", "/token", cause="token", parent=answer.request, params={"grant": "x"})
        await client.exchange(token)
        await client.exchange(answer.request.follow(scripted.url("/next"), cause="redirect"))
    assert [request.target for request in scripted.requests] == ["/call?api_key=hunter2", "/token?grant=x", "/next"]
