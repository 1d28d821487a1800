"""What a response gives on servers that others wrote, plain and over TLS: httpbin, nginx, aiohttp's server, apache2's CGI."""

import asyncio
import hashlib
import os
from datetime import timedelta
from pathlib import Path

import pytest

from hookline import HttpClient, HttpRequestException, HttpTimeout, ReadTimeout, Timeout
from servers.aiohttp_app import content
from servers.apache import TEXT
from servers.nginx import BIG, accepted

pytestmark = pytest.mark.client(trusts_test_ca=True)

MIB = 1024 * 1024


def resident():
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(params=["plain", "tls"])
def nginx_site(request):
    return request.getfixturevalue("nginx" if request.param == "plain" else "nginx_tls")


@pytest.fixture(params=["plain", "tls"])
def apache_site(request):
    return request.getfixturevalue("apache" if request.param == "plain" else "apache_tls")


async def test_httpbin_objects_text_and_lines(client, httpbin):
    answer = await client.get(httpbin.url("/json"))
    assert answer.decode_content() == answer.json()
    assert answer.json()["slideshow"]["author"] == "Yours Truly"
    answer = await client.get(httpbin.url("/encoding/utf8"))
    assert answer.encoding == "utf-8"
    assert "∮ E⋅da = Q" in answer.decode_content()
    answer = await client.get(httpbin.url("/stream/20"), stream=True)
    assert len([line async for line in answer.raw.iter_lines()]) == 20
    answer = await client.get(
        httpbin.url("/response-headers"), params={"Link": '</stream/2>; rel="next"; title="a, b"', "X": "y"}
    )
    assert answer.links == {"next": {"url": httpbin.url("/stream/2"), "rel": "next", "title": "a, b"}}


@pytest.mark.parametrize(("status", "fine"), [(200, True), (204, True), (304, True), (404, False), (500, False)])
async def test_httpbin_status_is_raised(client, httpbin, status, fine):
    answer = await client.get(httpbin.url(f"/status/{status}"))
    assert answer.ok is fine
    if fine:
        assert answer.raise_for_status() is answer
    else:
        with pytest.raises(HttpRequestException, match=str(status)):
            answer.raise_for_status()


async def test_httpbin_is_slow(client, httpbin):
    answer = await client.get(httpbin.url("/delay/0.3"), timings=True)
    assert answer.elapsed > timedelta(seconds=0.3)
    assert answer.timings.sent < 0.3 < answer.timings.first_byte <= answer.timings.done
    with pytest.raises(HttpTimeout, match="total"):
        await client.get(httpbin.url("/delay/5"), timeout=0.2)
    with pytest.raises(ReadTimeout):
        await client.get(httpbin.url("/delay/5"), timeout=Timeout(read=0.2))


async def test_aiohttp_streams_are_saved_and_read(client, aiohttp_server, tmp_path):
    size = 20 * MIB + 17
    for path in (f"/bytes/{size}", f"/stream/{size}"):
        answer = await client.get(aiohttp_server.url(path), stream=True)
        assert await answer.raw.save(tmp_path / "file") == size
        assert (tmp_path / "file").read_bytes() == content(size)
        answer = await client.get(aiohttp_server.url(path), stream=True)
        digest = hashlib.sha256()
        while data := await answer.raw.read(100_000):
            assert len(data) <= 100_000
            digest.update(data)
        assert digest.digest() == hashlib.sha256(content(size)).digest()


async def test_apache_echoes_and_tells(client, apache_site):
    body = content(300_000)
    answer = await client.post(apache_site.url("/cgi-bin/echo"), data=body)
    assert (answer.content, answer.headers["x-method"], answer.headers["x-length"]) == (body, "POST", "300000")
    assert answer.decode_content() == body
    answer = await client.get(apache_site.url("/cgi-bin/env"), headers={"X-Asked": "yes"}, stream=True)
    assert "HTTP_X_ASKED=yes" in [line async for line in answer.raw.iter_lines()]
    answer = await client.get(apache_site.url("/cgi-bin/status?418"))
    assert (answer.status_code, answer.reason, answer.text) == (418, "As You Wish", "status 418\n")
    answer = await client.get(apache_site.url("/text.txt"), stream=True)
    assert [line async for line in answer.raw.iter_lines()] == TEXT.splitlines()


async def test_nginx_trailer_comes_behind_the_body(client, nginx_site):
    answer = await client.get(nginx_site.url("/chunked/small.json"), stream=True)
    assert "x-trailer" not in answer.trailers
    await answer.raw.read()
    assert "x-trailer" in answer.trailers
    assert answer.version == "HTTP/1.1"


@pytest.mark.slow
async def test_gigabyte_comes_down_in_flat_memory(client, nginx_site):
    await client.get(nginx_site.url("/small.json"))
    answer = await client.get(nginx_site.url("/big.bin"), stream=True)
    total, start, most = 0, resident(), 0
    async for chunk in answer.raw:
        total += len(chunk)
        most = max(most, resident() - start)
    assert total == BIG == 1024 * MIB
    assert most < 8 * MIB


async def test_large_file_is_saved_in_flat_memory(client, nginx_site, tmp_path):
    size = 128 * MIB
    answer = await client.get(nginx_site.url("/big.bin"), headers={"Range": f"bytes=0-{size - 1}"}, stream=True)
    start = resident()
    most = 0
    task = asyncio.create_task(answer.raw.save(tmp_path / "file"))
    while not task.done():
        most = max(most, resident() - start)
        await asyncio.sleep(0.005)
    assert await task == (tmp_path / "file").stat().st_size == size
    assert most < 16 * MIB
    (tmp_path / "file").unlink()


async def test_ten_thousand_requests_share_a_hundred_connections(certificates, nginx_site, nginx):
    before = accepted(nginx)
    async with HttpClient(verify=certificates.ca_file, pool_size=100, timeout=60) as client:
        answers = await asyncio.gather(*(client.get(nginx_site.url(f"/small.json?{n}")) for n in range(10_000)))
        assert {answer.status_code for answer in answers} == {200}
        assert [answer.request.target for answer in answers] == [f"/small.json?{n}" for n in range(10_000)]
        assert len({answer.content for answer in answers}) == 1
        (pool,) = client.connection_pools.values()
        assert (pool.opened, len(pool.idle), len(pool.waiters)) == (100, 100, 0)
    assert accepted(nginx) - before <= 100 + 100 // 5 + 2  # nginx closes a connection after a thousand requests


async def test_ten_thousand_requests_of_which_half_are_cancelled_leave_a_whole_pool(certificates, nginx_site):
    async with HttpClient(verify=certificates.ca_file, pool_size=100, timeout=60) as client:
        tasks = [asyncio.create_task(client.get(nginx_site.url("/small.json"))) for _ in range(10_000)]
        for n, task in enumerate(tasks):
            if n % 2:
                asyncio.get_running_loop().call_later(n / 20_000, task.cancel)
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(answer) for answer in answers[1::2]} >= {asyncio.CancelledError}
        assert {answer.status_code for answer in answers[0::2]} == {200}
        (pool,) = client.connection_pools.values()
        assert pool.opened == len(pool.idle) <= 100
        assert not pool.waiters
