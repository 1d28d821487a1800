"""URLs in requests: the target and the Host field are sent, and no other part of the URL."""

import pytest

from hookline import HttpClient
from hookline_testing.server import response


@pytest.fixture
async def server(make_scripted, tmp_path):
    """A server that answers for every host."""
    server = make_scripted(unix_socket=tmp_path / "socket")
    server.always(response(b""))
    return server


@pytest.fixture
async def client(server, tmp_path):
    async with HttpClient(autoload=False, unix_socket=str(tmp_path / "socket")) as client:
        yield client


@pytest.mark.parametrize(
    ("url", "host", "target"),
    [
        ("http://example.com", "example.com", "/"),
        ("http://example.com:80/", "example.com", "/"),
        ("http://example.com:8080/a", "example.com:8080", "/a"),
        ("http://[::1]:8080/", "[::1]:8080", "/"),
        ("http://[2001:DB8::1]/", "[2001:db8::1]", "/"),
        ("http://bücher.example/", "xn--bcher-kva.example", "/"),
        ("http://user:hunter2@example.com/a", "example.com", "/a"),
        ("http://example.com/a?b#fragment", "example.com", "/a?b"),
        ("http://example.com?b#c?d", "example.com", "/?b"),
        ("http://example.com/a b?c d", "example.com", "/a%20b?c%20d"),
        ("http://example.com/ü?ü", "example.com", "/%C3%BC?%C3%BC"),
        ("http://example.com/?\\", "example.com", "/?\\"),
        (
            "http://s3.example/key%2Fpart?X-Sig=a%2Bb%2F%3D&empty=&bare&sp=%20+&~'()*",
            "s3.example",
            "/key%2Fpart?X-Sig=a%2Bb%2F%3D&empty=&bare&sp=%20+&~'()*",
        ),
    ],
)
async def test_url_becomes_target_and_host_field(client, server, url, host, target):
    await client.get(url)
    (seen,) = server.requests
    assert (seen.header_values("host"), seen.target) == ([host], target)
    assert b"hunter2" not in seen.raw
    assert seen.header("authorization") is None


async def test_params_are_appended_to_a_presigned_query(client, server):
    query = "X-Sig=a%2Bb%2F%3D&empty=&bare&sp=%20+"
    await client.get(f"http://a.example/k?{query}#f", params={"page": 2, "key": ["a b", "ü"], "none": None})
    assert server.requests[0].query == f"{query}&page=2&key=a%20b&key=%C3%BC"
    assert server.requests[0].path == "/k"


async def test_response_has_the_url_with_its_parameters(client, server):
    answer = await client.get("http://bla.com", params={"key1": "value1", "key2": ["value2", "value3"]})
    assert answer.url == "http://bla.com?key1=value1&key2=value2&key2=value3"
