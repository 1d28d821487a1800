"""The whole client against servers that others wrote: httpbin under gunicorn, nginx, aiohttp's server."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from hookline import HttpClient
from servers.aiohttp_app import content
from servers.nginx import accepted

MIB = 1024 * 1024
SIZE = 64 * MIB


def resident():
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def test_nginx_keeps_the_connection(client, nginx):
    before = accepted(nginx)
    for _ in range(20):
        answer = await client.get(nginx.url("/small.json"))
        assert answer.status_code == 200
        assert len(answer.json()) == 20
    assert accepted(nginx) - before == 2  # one of ours, and that of the question


async def test_nginx_sends_chunks_and_a_trailer(client, nginx):
    answer = await client.get(nginx.url("/chunked/small.json"))
    assert answer.headers["transfer-encoding"] == "chunked"
    assert len(answer.json()) == 20


async def test_nginx_has_nothing_new(client, nginx):
    first = await client.get(nginx.url("/small.json"))
    again = await client.get(nginx.url("/small.json"), headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await client.get(nginx.url("/small.json"))).content == first.content


@pytest.mark.parametrize("status", [204, 304, 404, 418, 500, 503])
async def test_nginx_status_leaves_the_connection_usable(client, nginx, status):
    assert (await client.get(nginx.url(f"/status/{status}"))).status_code == status
    assert (await client.head(nginx.url("/1m.bin"))).headers["content-length"] == str(MIB)
    assert len((await client.get(nginx.url("/1m.bin"))).content) == MIB


@pytest.mark.parametrize("path", ["/once/small.json", "/thrice/small.json"])
async def test_nginx_may_close_between_requests(client, nginx, path):
    answers = await asyncio.gather(*(client.get(nginx.url(path)) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}


async def test_nginx_refuses_an_upload_early(client, nginx):
    async def chunks():
        for _ in range(64):
            yield b"x" * MIB

    async with asyncio.timeout(10):
        answer = await client.put(nginx.url("/limited"), data=chunks(), headers={"Content-Length": str(SIZE)})
    assert answer.status_code == 413
    assert (await client.get(nginx.url("/small.json"))).status_code == 200


@pytest.mark.parametrize("site", ["nginx", "nginx_tls"])
async def test_nginx_download_streams_in_flat_memory(request, certificates, site):
    server = request.getfixturevalue(site)
    async with HttpClient(verify=certificates.ca_file) as client:
        await client.get(server.url("/small.json"))
        answer = await client.get(server.url("/big.bin"), headers={"Range": f"bytes=0-{SIZE - 1}"}, stream=True)
        assert answer.status_code == 206
        total, start, most = 0, resident(), 0
        async for chunk in answer.raw:
            total += len(chunk)
            most = max(most, resident() - start)
        assert total == SIZE
        assert most < 8 * MIB
        assert (await client.get(server.url("/small.json"))).status_code == 200


@pytest.mark.parametrize("kind", ["chunked", "length"])
async def test_upload_streams_in_flat_memory(client, nginx, kind):
    most, start = 0, resident()
    digest = hashlib.sha256()

    async def chunks():
        nonlocal most
        block = content(256 * 1024)
        for _ in range(SIZE // len(block)):
            digest.update(block)
            most = max(most, resident() - start)
            yield block

    headers = {"Content-Length": str(SIZE)} if kind == "length" else {}
    answer = await client.put(nginx.url(f"/store/{kind}"), data=chunks(), headers=headers)
    assert answer.status_code in (201, 204)
    assert most < 8 * MIB
    stored = await client.get(nginx.url(f"/store/{kind}"), stream=True)
    seen = hashlib.sha256()
    async for chunk in stored.raw:
        seen.update(chunk)
    assert seen.digest() == digest.digest()
    await client.delete(nginx.url(f"/store/{kind}"))


async def test_nginx_tls_is_verified_and_kept(nginx_tls, certificates):
    async with HttpClient(verify=certificates.ca_file) as client:
        answer = await client.get(nginx_tls.url("/tls", host="localhost"))
        assert answer.text.startswith("TLSv1.3 localhost")
        answers = await asyncio.gather(*(client.get(nginx_tls.url("/1m.bin")) for _ in range(20)))
        assert {len(answer.content) for answer in answers} == {MIB}


async def test_aiohttp_serves_a_thousand_over_a_pool_of_ten(aiohttp_server):
    async with HttpClient(pool_size=10) as client:
        calls = (client.get(aiohttp_server.url(f"/bytes/{number}")) for number in range(1000))
        answers = await asyncio.gather(*calls)
        assert [len(answer.content) for answer in answers] == list(range(1000))
        (pool,) = client.connection_pools.values()
        assert (pool.opened, len(pool.idle), len(pool.waiters)) == (10, 10, 0)


async def test_aiohttp_echoes_what_was_sent(client, aiohttp_server):
    answer = await client.post(aiohttp_server.url("/echo?a=b"), data=bytes(range(256)))
    seen = answer.json()
    assert (seen["method"], seen["target"]) == ("POST", "/echo?a=b")
    assert seen["body"].encode("latin-1") == bytes(range(256))


async def test_aiohttp_streams_both_ways(client, aiohttp_server):
    size = 4 * MIB
    answer = await client.get(aiohttp_server.url(f"/stream/{size}"), stream=True)
    body = b"".join([chunk async for chunk in answer.raw])
    assert len(body) == size

    async def chunks():
        for start in range(0, size, 100_000):
            yield body[start : start + 100_000]

    sent = await client.post(aiohttp_server.url("/upload"), data=chunks())
    assert sent.json() == {"size": size, "sha256": hashlib.sha256(body).hexdigest()}


@pytest.mark.parametrize("stream", [False, True])
async def test_aiohttp_sends_a_body_back_while_it_reads(client, aiohttp_server, stream):
    body = content(8 * MIB)
    pieces = (body[start : start + 100_000] for start in range(0, len(body), 100_000))
    for data in (pieces, body):
        answer = await client.post(aiohttp_server.url("/mirror"), data=data, stream=stream, timeout=30)
        assert await answer.raw.read() == body


async def test_aiohttp_tls_serves_many(aiohttp_tls_server, certificates):
    async with HttpClient(verify=certificates.ca_file) as client:
        answers = await asyncio.gather(*(client.get(aiohttp_tls_server.url("/bytes/1000")) for _ in range(200)))
    assert {answer.content for answer in answers} == {content(1000)}


async def test_httpbin_answers_every_method(client, httpbin):
    for method in ("get", "post", "put", "patch", "delete"):
        answer = await getattr(client, method)(httpbin.url(f"/{method}?a=1"))
        assert answer.json()["args"] == {"a": "1"}
    assert (await client.head(httpbin.url("/get"))).content == b""
    assert (await client.options(httpbin.url("/get"))).status_code == 200


async def test_httpbin_sees_forms_and_json(client, httpbin):
    assert (await client.post(httpbin.url("/post"), data={"a": ["1", "2"]})).json()["form"] == {"a": ["1", "2"]}
    assert (await client.post(httpbin.url("/post"), json={"a": [1]})).json()["json"] == {"a": [1]}


async def test_httpbin_streams_lines(client, httpbin):
    answer = await client.get(httpbin.url("/stream/20"), stream=True)
    assert (await answer.raw.read()).count(b"\n") == 20


@pytest.mark.parametrize("status", [200, 204, 304, 404, 500])
async def test_httpbin_gives_any_status(client, httpbin, status):
    assert (await client.get(httpbin.url(f"/status/{status}"))).status_code == status


def test_httpbin_in_synchronous_mode(httpbin):
    with HttpClient() as client:
        assert client.get(httpbin.url("/get")).json()["args"] == {}
        assert b"".join(client.get(httpbin.url("/bytes/5000"), stream=True).raw) != b""
