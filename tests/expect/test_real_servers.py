"""Servers that are in use: each grants, refuses or ignores the question in its own way."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from hookline import HttpClient, hookimpl
from servers.addresses import Site

LARGE = bytes(range(256)) * 8192  # 2 MiB


class Interims:
    """Writes down the interim heads."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    @hookimpl
    def on_headers(self, response: Any, interim: bool) -> None:
        if interim:
            self.seen.append(response.status_code)


@pytest.fixture
def interims() -> Interims:
    return Interims()


@pytest.fixture
async def client(interims: Interims) -> AsyncIterator[HttpClient]:
    async with HttpClient(autoload=False, plugins=["expect", interims], timeout=30, wait_continue=True) as client:
        yield client


def chunks() -> Iterator[bytes]:
    for start in range(0, len(LARGE), 100_000):
        yield LARGE[start : start + 100_000]


@pytest.mark.parametrize("tls", [False, True])
async def test_apache_grants(
    client: HttpClient, interims: Interims, tls: bool, certificates: Any, request: pytest.FixtureRequest
) -> None:
    site: Site = request.getfixturevalue("apache_tls" if tls else "apache")
    options: dict[str, Any] = {"verify": str(certificates.ca_file)} if tls else {}
    url = site.url("/cgi-bin/echo", host="localhost")
    body = LARGE[:32_000]  # what the script echoes has to fit into its pipe
    got = await client.post(url, data=body, **options)
    assert got.content == body
    got = await client.post(url, data=iter([body]), headers={"Content-Length": "32000"}, **options)
    assert got.content == body
    assert interims.seen == [100, 100]


async def test_apache_refuses_before_the_body(client: HttpClient, interims: Interims, apache: Site) -> None:
    body = chunks()
    got = await client.post(apache.url("/basic/text.txt"), data=body)
    assert got.status_code == 401
    assert next(body) == LARGE[:100_000]  # nobody has read from it
    assert interims.seen == []


async def test_apache_closes_behind_417_without_a_word(client: HttpClient, apache: Site) -> None:
    # it reads the body before it says so
    got = await client.post(apache.url("/cgi-bin/echo"), data=b"body", headers={"Expect": "other"}, wait_continue=True)
    assert (got.status_code, got.content, len(got.history)) == (200, b"body", 1)
    assert got.history[0].status_code == 417


async def test_nginx_grants_and_refuses(client: HttpClient, interims: Interims, nginx: Site) -> None:
    got = await client.put(nginx.url("/store/held"), data=chunks())
    assert got.status_code in (201, 204)
    assert (nginx.directory / "www/store/held").read_bytes() == LARGE
    assert interims.seen == [100]
    got = await client.put(nginx.url("/limited"), data=LARGE)
    assert got.status_code == 413
    assert interims.seen == [100]
    assert (await client.get(nginx.url("/small.json"))).status_code == 200


async def test_httpbin_under_gunicorn(client: HttpClient, httpbin: Site) -> None:
    start = time.monotonic()
    got = await client.post(httpbin.url("/post"), data=b"held", headers={"Content-Type": "text/plain"})
    assert (got.status_code, got.json()["data"]) == (200, "held")
    assert time.monotonic() - start < 10


async def test_aiohttp_grants(client: HttpClient, interims: Interims, aiohttp_server: Site) -> None:
    got = await client.post(aiohttp_server.url("/echo"), data=iter([b"one", b"two"]))
    assert got.json()["body"] == "onetwo"
    assert interims.seen == [100]
