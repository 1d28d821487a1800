"""Bodies of every kind against servers that others wrote, over plain HTTP and over TLS."""

import asyncio
import hashlib
import io
import os
from pathlib import Path

import pytest

from servers.aiohttp_app import content

pytestmark = pytest.mark.client(trusts_test_ca=True)

MIB = 1024 * 1024
SITES = pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
CONTENT = content(3 * MIB + 17)


@pytest.fixture
def site(request, tls):
    """By the name of a server, the one that the test is for now."""
    return lambda name, secure: request.getfixturevalue(secure if tls else name)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "bücher.pdf"
    path.write_bytes(CONTENT)
    return path


def resident():
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


async def chunks(data):
    for start in range(0, len(data), 100_000):
        yield data[start : start + 100_000]


@SITES
async def test_httpbin_sees_fields_and_files(client, site):
    server = site("httpbin", "httpbin_tls")
    answer = await client.post(
        server.url("/post"),
        data={"a": ["1", "2"], "ü": "ö"},
        files=[("f", ("name.txt", io.BytesIO(b"one"))), ("h", ("other", "twö", "text/plain")), ("g", (None, "field"))],
    )
    seen = answer.json()
    assert seen["form"] == {"a": ["1", "2"], "ü": "ö", "g": "field"}
    assert seen["files"] == {"f": "one", "h": "twö"}


@SITES
async def test_httpbin_sees_data_by_its_content_type(client, site):
    url = site("httpbin", "httpbin_tls").url("/post")
    as_json = await client.post(url, data={"a": [1]}, headers={"Content-Type": "application/json"})
    assert as_json.json()["json"] == {"a": [1]}
    as_parts = await client.post(url, data={"a": "b"}, headers={"Content-Type": "multipart/form-data"})
    assert as_parts.json()["form"] == {"a": "b"}


@SITES
@pytest.mark.parametrize("kind", ["file", "path", "stream"])
async def test_aiohttp_reads_the_parts_of_a_stream(client, site, path, kind):
    server = site("aiohttp_server", "aiohttp_tls_server")
    with path.open("rb") as file:
        given = {"file": file, "path": path, "stream": ("bücher.pdf", chunks(CONTENT))}[kind]
        answer = await client.post(server.url("/form"), data={"a": "b"}, files={'quote"d': given, "small": b"x"})
    assert answer.json() == [
        {"name": "a", "filename": None, "type": None, "size": 1, "sha256": sha256(b"b")},
        {
            "name": "quote%22d",  # aiohttp leaves it as browsers write it
            "filename": "bücher.pdf",
            "type": "application/pdf",
            "size": len(CONTENT),
            "sha256": sha256(CONTENT),
        },
        {
            "name": "small",
            "filename": "small",
            "type": "application/octet-stream",
            "size": 1,
            "sha256": sha256(b"x"),
        },
    ]


@SITES
async def test_apache_hands_bodies_to_a_script(client, site, path):
    url = site("apache", "apache_tls").url("/cgi-bin/echo")
    body = CONTENT[:50_000]  # no more fits into the pipe of a script that answers while it reads
    path.write_bytes(body)
    for data in (path, body, chunks(body), io.BytesIO(body)):
        answer = await client.post(url, data=data)
        assert answer.content == body
    answer = await client.post(url, data={"a": "ü &"})
    assert (answer.content, answer.headers["x-type"]) == (b"a=%C3%BC+%26", "application/x-www-form-urlencoded")
    answer = await client.post(url)
    assert (answer.content, answer.headers["x-length"], answer.headers["x-type"]) == (b"", "0", "none")


@SITES
async def test_nginx_stores_a_file(client, site, path):
    url = site("nginx", "nginx_tls").url("/store/bodies")
    up, down = [], []
    answer = await client.put(url, data=path, on_upload=lambda *each: up.append(each))
    assert answer.status_code in (201, 204)
    stored = await client.get(url, on_download=lambda *each: down.append(each))
    assert stored.content == CONTENT
    assert up[-1] == down[-1] == (len(CONTENT), len(CONTENT))
    await client.delete(url)


@SITES
async def test_nginx_refuses_a_file_early(client, site, tmp_path):
    server = site("nginx", "nginx_tls")
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(200 * MIB)
    async with asyncio.timeout(10):
        answer = await client.put(server.url("/limited"), data=path)
    assert answer.status_code == 413
    assert (await client.get(server.url("/small.json"))).status_code == 200


@SITES
async def test_many_files_go_out_at_once(client, site, path):
    server = site("aiohttp_server", "aiohttp_tls_server")
    answers = await asyncio.gather(*(client.post(server.url("/form"), files={"f": path}) for _ in range(30)))
    assert {answer.json()[0]["sha256"] for answer in answers} == {sha256(CONTENT)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tls", "kind", "size"), [(False, "file", 1024 * MIB), (False, "files", 1024 * MIB), (True, "files", 256 * MIB)]
)
async def test_gibibyte_goes_out_in_flat_memory(client, site, tmp_path, kind, size):
    server = site("aiohttp_server", "aiohttp_tls_server")
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(size)
    await client.post(server.url("/upload"), data=b"warm")
    start, most = resident(), 0

    def look(done, total):
        nonlocal most
        most = max(most, resident() - start)

    if kind == "file":
        with path.open("rb") as file:
            answer = await client.post(server.url("/upload"), data=file, on_upload=look)
        assert answer.json()["size"] == size
    else:
        answer = await client.post(server.url("/form"), files={"f": path}, on_upload=look)
        assert answer.json()[0]["size"] == size
    assert most < 16 * MIB  # of the client and of the server, which is in this process
