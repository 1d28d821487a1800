"""Uploads of openai and anthropic over Hookline: 50 MB arrive whole, and are never in memory at once."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hookline_testing.server import Gate, ScriptedServer
from servers import model_apis
from servers.addresses import Site

Sdk = Any  # of conftest.py

SIZE = 50_000_000
GROWTH = 10_000_000  # bytes that such an upload may add to the peak of memory

# The peak is the process's, so the upload is made by one of its own. A small upload goes before it, which imports everything.
PROGRAM = """
import asyncio, io, resource, sys
from {name} import {kind}, {default}
from hookline_bridges.{library} import {transport}

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

async def of(result):
    return await result if hasattr(result, "__await__") else result

def send(client, file):
    if "{name}" == "openai":
        return client.files.create(file=file, purpose="user_data")
    return client.beta.files.upload(file=file)

async def main():
    client = {kind}(base_url="{url}", api_key="k", max_retries=0, http_client={default}(transport={transport}()))
    await of(send(client, ("small", io.BytesIO(b"x" * 200_000))))
    before = peak()
    with open(sys.argv[1], "rb") as file:
        answer = await of(send(client, file))
    print(answer.filename, answer.sha256, answer.model_extra.get("bytes", getattr(answer, "bytes", None)), peak() - before)
    await of(client.close())

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of SIZE bytes."""
    path = tmp_path_factory.mktemp("upload") / "large.bin"
    block = os.urandom(1_000_000)
    with path.open("wb") as file:
        for _ in range(SIZE // len(block)):
            file.write(block)
    return path


@pytest.mark.parametrize("is_synchronous", [False, True], ids=["async", "sync"])
def test_large_file_is_sent_in_pieces(sdk: Sdk, aiohttp_server: Site, large_file: Path, is_synchronous: bool) -> None:
    name = "OpenAI" if sdk.is_openai else "Anthropic"
    program = PROGRAM.format(
        name=sdk.module.__name__,
        library=sdk.http.__name__,
        kind=name if is_synchronous else f"Async{name}",
        default="DefaultHttpxClient" if is_synchronous else "DefaultAsyncHttpxClient",
        transport="SyncHooklineTransport" if is_synchronous else "HooklineTransport",
        url=aiohttp_server.url("/v1" if sdk.is_openai else ""),
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(large_file)], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    filename, digest, size, growth = done.stdout.split()
    assert (filename, digest) == ("large.bin", hashlib.sha256(large_file.read_bytes()).hexdigest())
    assert int(size) == SIZE
    assert int(growth) < GROWTH


async def test_upload_is_cancelled(sdk: Sdk, scripted: ScriptedServer, large_file: Path) -> None:
    """The server reads nothing, so that the upload waits; when it reads again, it sees the end of the connection."""
    gate = Gate()

    async def read_later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Any) -> None:
        await gate.until(30)
        while await reader.read(1_000_000):
            pass

    scripted.answer(read_later, early=True)
    scripted.answer(model_apis.answer_of(sdk.answer()))
    with large_file.open("rb") as file:
        async with sdk.client(scripted, max_retries=2) as client:
            upload = asyncio.create_task(sdk.upload(client, file))
            await scripted.until(heads=1)
            upload.cancel()
            with pytest.raises(asyncio.CancelledError):
                await upload
            assert sdk.text(await sdk.ask(client)) == model_apis.TEXT
        assert not file.closed
    gate.open()
    await scripted.until_closed_connections()
    assert scripted.requests[0].body_size < SIZE


async def test_upload_is_retried_from_the_beginning(sdk: Sdk, scripted: ScriptedServer, large_file: Path) -> None:
    """The SDK rewinds the file; the pieces of the second attempt are those of the first."""
    small = large_file.read_bytes()[:300_000]
    path = large_file.with_name("small.bin")
    path.write_bytes(small)
    scripted.answer(
        model_apis.answer_of(sdk.error(), 500, [("Retry-After", "0.02")]),
        model_apis.answer_of(model_apis.file_object(len(small))),
    )
    with path.open("rb") as file:
        async with sdk.client(scripted, max_retries=1) as client:
            uploaded = await sdk.upload(client, file)
    assert uploaded.id == "file_1"
    assert [small in request.body for request in scripted.requests] == [True, True]
    assert scripted.connections == 1
