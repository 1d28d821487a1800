"""Basic, Digest and bearer tokens at apache2 and httpbin."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hookline import HttpClient
from hookline_auth import BearerAuth, HTTPBasicAuth, HTTPDigestAuth, ServerNotVerified
from servers.addresses import Site
from servers.apache import TEXT, USERS

PAIRS = list(USERS.items())


def statuses(response: Any) -> list[int]:
    return [*(earlier.status_code for earlier in response.history), response.status_code]


@pytest.mark.parametrize("pair", PAIRS, ids=["ascii", "utf-8"])
@pytest.mark.parametrize("kind", [tuple, list, lambda pair: HTTPBasicAuth(*pair)], ids=["tuple", "list", "object"])
async def test_basic_at_apache(apache: Site, kind: Any, pair: tuple[str, str]) -> None:
    async with HttpClient(timeout=10) as client:
        response = await client.get(apache.url("/basic/text.txt"), auth=kind(pair))
    assert (statuses(response), response.text) == ([200], TEXT)


async def test_wrong_password_for_basic_gives_one_401(apache: Site) -> None:
    async with HttpClient(timeout=10) as client:
        assert statuses(await client.get(apache.url("/basic/text.txt"), auth=("user", "wrong"))) == [401]
        assert statuses(await client.get(apache.url("/basic/text.txt"))) == [401]


@pytest.mark.parametrize("pair", PAIRS, ids=["ascii", "utf-8"])
@pytest.mark.parametrize("stream", [False, True])
async def test_digest_at_apache(apache: Site, pair: tuple[str, str], stream: bool) -> None:
    async with HttpClient(timeout=10, stream=stream) as client:
        for expected in ([401, 200], [200], [200]):  # one round trip once the nonce is known
            response = await client.get(apache.url("/digest/text.txt?a=b%20c"), auth=HTTPDigestAuth(*pair))
            assert (await response.raw.read()).decode() == TEXT
            assert statuses(response) == expected
        assert len(client.connection_pools) == 1


async def test_digest_is_verified_at_apache(apache: Site) -> None:
    async with HttpClient(timeout=10, auth=HTTPDigestAuth("user", "passwd", verify_server=True)) as client:
        assert statuses(await client.get(apache.url("/digest/text.txt"))) == [401, 200]
        with pytest.raises(ServerNotVerified, match="does not prove") as caught:
            await client.get(apache.url("/text.txt?"), auth=HTTPDigestAuth("user", "passwd", verify_server=True))
    assert caught.value.response.status_code == 200


async def test_wrong_password_for_digest_gives_one_401_back(apache: Site) -> None:
    async with HttpClient(timeout=10, auth=HTTPDigestAuth("user", "wrong")) as client:
        for _ in range(2):
            response = await client.get(apache.url("/digest/text.txt"))
            assert statuses(response) == [401, 401]
            assert b"Unauthorized" in response.content


async def test_stale_nonce_at_apache_is_replaced(apache: Site) -> None:
    async with HttpClient(timeout=10, auth=HTTPDigestAuth("user", "passwd")) as client:
        assert statuses(await client.get(apache.url("/stale/text.txt"))) == [401, 200]
        assert statuses(await client.get(apache.url("/stale/text.txt"))) == [200]
        await asyncio.sleep(2.1)  # its nonces live one second
        response = await client.get(apache.url("/stale/text.txt"))
    assert statuses(response) == [401, 200]
    assert "stale=true" in response.history[0].headers["www-authenticate"]


@pytest.mark.parametrize(
    "size", [0, 10, 40_000]
)  # with more than a pipe holds, the script and apache wait for each other
async def test_body_is_sent_again_to_apache(apache: Site, size: int) -> None:
    async with HttpClient(timeout=10, auth=HTTPDigestAuth("user", "passwd")) as client:
        for expected in ([401, 200], [200]):
            response = await client.post(apache.url("/digest/cgi-bin/echo"), data=b"x" * size)
            assert statuses(response) == expected
            assert response.content == b"x" * size


async def test_fifty_requests_at_once_with_one_nonce(apache: Site) -> None:
    async with HttpClient(timeout=20, auth=HTTPDigestAuth("user", "passwd")) as client:
        await client.get(apache.url("/digest/text.txt"))
        responses = await asyncio.gather(*(client.get(apache.url(f"/digest/text.txt?{n}")) for n in range(50)))
    counts = [r.request.unredirected_headers["Authorization"].split("nc=")[1][:8] for r in responses]
    assert {tuple(statuses(response)) for response in responses} == {(200,)}
    assert sorted(int(count, 16) for count in counts) == list(range(2, 52))


async def test_fifty_requests_at_once_without_a_nonce(apache: Site) -> None:
    async with HttpClient(timeout=20, auth=HTTPDigestAuth("user", "passwd")) as client:
        responses = await asyncio.gather(*(client.get(apache.url("/digest/text.txt")) for _ in range(50)))
        assert {response.status_code for response in responses} == {200}
        assert statuses(await client.get(apache.url("/digest/text.txt"))) == [200]


def test_digest_in_synchronous_mode(apache: Site) -> None:
    with HttpClient(timeout=10) as client:
        auth = HTTPDigestAuth("user", "passwd")
        assert statuses(client.get(apache.url("/digest/text.txt"), auth=auth)) == [401, 200]
        assert statuses(client.get(apache.url("/digest/text.txt"), auth=auth)) == [200]
        assert statuses(client.get(apache.url("/basic/text.txt"), auth=("user", "passwd"))) == [200]


async def test_digest_over_tls(apache_tls: Site, certificates: Any) -> None:
    async with HttpClient(timeout=10, verify=str(certificates.ca_file)) as client:
        response = await client.get(apache_tls.url("/digest/text.txt"), auth=HTTPDigestAuth("user", "passwd"))
    assert statuses(response) == [401, 200]


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512"])
@pytest.mark.parametrize("qop", ["auth", "auth-int"])
@pytest.mark.parametrize("stale_after", ["never", "1"])
async def test_digest_at_httpbin(httpbin: Site, qop: str, algorithm: str, stale_after: str) -> None:
    url = httpbin.url(f"/digest-auth/{qop}/user/passwd/{algorithm}/{stale_after}")
    async with HttpClient(timeout=10, auth=HTTPDigestAuth("user", "passwd")) as client:
        first = await client.get(url, headers={"Cookie": "fake=fake_value"})
        assert statuses(first) == [401, 200]
        assert first.json() == {"authenticated": True, "user": "user"}
        assert statuses(await client.get(url, auth=HTTPDigestAuth("user", "wrong"))) == [401, 401]


async def test_basic_at_httpbin(httpbin: Site) -> None:
    async with HttpClient(timeout=10) as client:
        for path in ("/basic-auth/user/passwd", "/hidden-basic-auth/user/passwd"):
            response = await client.get(httpbin.url(path), auth=("user", "passwd"))
            assert (statuses(response), response.json()["authenticated"]) == ([200], True)
        assert statuses(await client.get(httpbin.url("/hidden-basic-auth/user/passwd"))) == [404]


async def test_bearer_at_httpbin(httpbin: Site) -> None:
    async def fetch() -> str:
        await asyncio.sleep(0)
        return "token-2"

    async with HttpClient(timeout=10) as client:
        for token, expected in (("token-1", "token-1"), (fetch, "token-2"), (lambda: "token-3", "token-3")):
            response = await client.get(httpbin.url("/bearer"), auth=BearerAuth(token))
            assert response.json() == {"authenticated": True, "token": expected}
