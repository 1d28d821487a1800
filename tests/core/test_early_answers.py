"""A server that answers in the middle of an upload and closes: what it said reaches the caller, also over TLS."""

import asyncio
import os

import pytest

from hookline import HttpClient
from hookline.errors import ConnectionClosed
from hookline.wire.unread_answer import UnreadAnswer
from servers.refusing import Refusing, answers_http1

PIECE = b"x" * (64 * 1024)


async def pieces():
    for _ in range(100):
        yield PIECE


@pytest.mark.parametrize("kind", ["bytes", "pieces"])
@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("reads", [0, 100_000])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_answer_before_the_end_of_an_upload_is_delivered(request, certificates, scheme, reads, end, kind):
    # uvloop keeps to itself what its TLS reads from: there an answer can be lost when the peer closes at once
    may_be_lost = scheme == "https" and request.config.getoption("loop") == "uvloop"
    server = Refusing(
        certificates.server_context() if scheme == "https" else None, answers_http1(reads), resets=end == "reset"
    )
    try:
        before = 0
        async with HttpClient(autoload=False, verify=certificates.ca_file, pool_size=1) as client:
            for _ in range(20):
                body = PIECE * 100 if kind == "bytes" else pieces()
                try:
                    answer = await client.post(f"{scheme}://localhost:{server.port}/", data=body, timeout=20)
                    assert (answer.status_code, answer.content) == (413, b"too much")
                except ConnectionClosed:
                    assert may_be_lost
                before = before or len(os.listdir("/proc/self/fd"))  # a loop opens some at its first connection
            assert client.stats().in_use == 0
        await asyncio.sleep(0.05)
        assert len(os.listdir("/proc/self/fd")) <= before
    finally:
        server.close()


async def test_nothing_is_held_where_there_is_no_socket():
    unread = UnreadAnswer(asyncio.Transport())
    assert list(unread.read()) == []
    unread.close()
