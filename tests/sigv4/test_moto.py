"""S3 as moto's server has it, which checks the signatures in fields, and not those of URLs and of chunks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from hookline import HttpClient, HttpResponse, Source, hookimpl
from hookline_sigv4 import SigV4
from servers.moto_server import REGION, MotoServer, moto_server


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoServer]:
    with moto_server() as server:
        yield server


def auth_of(moto: MotoServer, **options: Any) -> SigV4:
    return SigV4("s3", REGION, (moto.access_key, moto.secret_key), **options)


@pytest.fixture
async def s3(moto: MotoServer) -> AsyncIterator[HttpClient]:
    async with HttpClient(
        autoload=False, plugins=["sigv4"], base_url=f"{moto.url}/", auth=auth_of(moto), timeout=60
    ) as client:
        await client.put("bucket")
        yield client


KEYS = ["plain", "folder/a b+c", "Grüße/日本.txt", "a//b", "100%25 !$&'()*,;=:@"]


async def test_objects_are_written_read_listed_and_deleted(s3: HttpClient) -> None:
    for key in KEYS:
        written = await s3.put(f"bucket/{key}", data=f"body of {key}", headers={"X-Amz-Meta-Color": "red"})
        assert written.status_code == 200, written.text
        found = await s3.get(f"bucket/{key}")
        assert (found.status_code, found.text) == (200, f"body of {key}")
        assert found.headers["x-amz-meta-color"] == "red"
    listed = await s3.get("bucket", params={"list-type": "2", "prefix": "folder/a b+", "delimiter": "/"})
    assert "<Key>folder/a b+c</Key>" in listed.text
    assert listed.text.count("<Key>") == 1
    for key in KEYS:
        assert (await s3.delete(f"bucket/{key}")).status_code == 204
    assert "<Key>" not in (await s3.get("bucket?list-type=2")).text


async def test_wrong_key_is_refused(s3: HttpClient, moto: MotoServer) -> None:
    wrong = SigV4("s3", REGION, (moto.access_key, moto.secret_key[::-1]))
    answer = await s3.get("bucket", auth=wrong)
    assert (answer.status_code, "SignatureDoesNotMatch" in answer.text) == (403, True)
    unknown = SigV4("s3", REGION, ("AKIAUNKNOWN", moto.secret_key))
    answer = await s3.get("bucket", auth=unknown)
    assert (answer.status_code, "InvalidAccessKeyId" in answer.text) == (403, True)


class Changes:
    """Changes what was signed."""

    after = ("sigv4",)

    @hookimpl(trylast=True)
    def pre_request(self, response: HttpResponse) -> None:
        response.request.target = "/bucket?versioning"


async def test_changed_request_is_refused(s3: HttpClient) -> None:
    answer = await s3.get("bucket?acl", plugins=[Changes()])
    assert (answer.status_code, "SignatureDoesNotMatch" in answer.text) == (403, True)


@pytest.mark.parametrize("payload", ["signed", "unsigned", "streamed", None])
async def test_payloads(s3: HttpClient, moto: MotoServer, payload: Any) -> None:
    auth = auth_of(moto, payload=payload)
    for number, body in enumerate([b"", b"small", b"x" * 500_000, Source([b"y" * 99_999] * 4, 399_996)]):
        written = await s3.put(f"bucket/{number}", data=body, auth=auth)
        assert written.status_code == 200, written.text
        expected = body if isinstance(body, bytes) else b"y" * 399_996
        found = await s3.get(f"bucket/{number}")
        assert found.content == expected
        assert "aws-chunked" not in found.headers.get("content-encoding", "")


PROGRAM = """
import asyncio, sys
from hookline import HttpClient, HttpResponse, Source, hookimpl
from hookline_sigv4 import SigV4

def peak():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))

class Blocks:
    def __init__(self, count):
        self.count = count

    def __iter__(self):
        for number in range(self.count):
            yield number.to_bytes(4, "big") * 2**16

async def main(url, access_key, secret_key, megabytes):
    auth = SigV4("s3", "us-east-1", (access_key, secret_key))
    async with HttpClient(autoload=False, plugins=["sigv4"], auth=auth) as client:
        await client.put(f"{url}/bucket")
        await client.put(f"{url}/bucket/small", data=Source(Blocks(4), 2**20))
        before = peak()
        written = await client.put(f"{url}/bucket/large", data=Source(Blocks(megabytes * 4), megabytes * 2**20))
        assert written.status_code == 200, written.text
        added = peak() - before
        head = await client.head(f"{url}/bucket/large")
        part = await client.get(f"{url}/bucket/large", headers={"Range": f"bytes={megabytes * 2**20 - 4}-"})
        assert int.from_bytes(part.content, "big") == megabytes * 4 - 1, part
        print(head.headers["content-length"], added)
        await client.delete(f"{url}/bucket/large")

asyncio.run(main(*sys.argv[1:4], int(sys.argv[4])))
"""


@pytest.mark.parametrize("megabytes", [32, pytest.param(1024, marks=pytest.mark.slow)], ids=["32MiB", "1GiB"])
def test_large_upload_takes_little_memory(moto: MotoServer, megabytes: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *moto, str(megabytes)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    length, added = map(int, done.stdout.split())
    assert length == megabytes * 2**20
    assert added <= 8 * 1024  # KiB
