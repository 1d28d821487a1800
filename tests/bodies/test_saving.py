"""`response.raw.save(path)`: the file has the whole body, or does not change."""

import asyncio
import errno
import os
import resource
import signal
from pathlib import Path

import pytest

from hookline import ClientClosed, ConnectionClosed, HttpClient, ReadTimeout, StreamConsumedError, Timeout
from hookline_testing.server import Script, chunked, head, response
from kit.slots import is_free
from kit.turns import until_it_waits_for_data

pytestmark = [
    pytest.mark.client(autoload=False, plugins=["bodies"], pool_size=1),
    pytest.mark.protocols("HTTP/1.1", "HTTP/2"),
]

BIG = 8 * 1024 * 1024


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


async def until_there_are(folder, count):
    while len(files(folder)) < count:  # noqa: ASYNC110 - another thread makes them
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("body", [b"", b"hello", bytes(range(256)) * (BIG // 256)], ids=len)
async def test_body_is_saved(client, scripted, tmp_path, stream, body):
    scripted.answer(response(body))
    answer = await client.get(scripted.url(), stream=stream)
    assert await answer.raw.save(tmp_path / "file") == len(body)
    assert files(tmp_path) == {"file": body}
    await is_free(client, scripted)


def test_body_is_saved_in_synchronous_mode(scripted, tmp_path):
    scripted.answer(chunked(b"one", b"two"))
    with HttpClient(autoload=False, plugins=["bodies"]) as client:
        assert client.get(scripted.url(), stream=True).raw.save(str(tmp_path / "file")) == 6
    assert files(tmp_path) == {"file": b"onetwo"}


async def test_file_that_was_there_is_replaced_with_the_usual_mode(client, scripted, tmp_path):
    (tmp_path / "file").write_bytes(b"a longer text that was there")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "other").write_bytes(b"")
    scripted.answer(response(b"new"))
    await (await client.get(scripted.url(), stream=True)).raw.save(tmp_path / "link")
    assert files(tmp_path) == {"file": b"new", "link": b"new", "other": b""}
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("end", ["cut", "timeout", "cancelled"])
async def test_body_that_fails_leaves_no_file(client, scripted, tmp_path, end):
    (tmp_path / "file").write_bytes(b"old")
    script = Script(head(200, [("Content-Length", "100")])).send(b"some")
    scripted.answer(script.until_read().close() if end == "cut" else script.stall())
    answer = await client.get(scripted.url(), stream=True, timeout=Timeout(read=0.1 if end == "timeout" else None))
    task = asyncio.create_task(answer.raw.save(tmp_path / "file"))
    if end == "cancelled":
        await until_there_are(tmp_path, 2)
        task.cancel()
    with pytest.raises({"cut": ConnectionClosed, "timeout": ReadTimeout, "cancelled": asyncio.CancelledError}[end]):
        await task
    assert files(tmp_path) == {"file": b"old"}
    await is_free(client, scripted)


@pytest.mark.parametrize("steps", range(0, 40, 3))
async def test_save_that_is_cancelled_anywhere_leaves_nothing_half(client, scripted, tmp_path, steps):
    body = b"x" * 1_000_000
    scripted.answer(response(body))
    async with await client.get(scripted.url(), stream=True) as answer:
        task = asyncio.create_task(answer.raw.save(tmp_path / "file"))
        for _ in range(steps):
            await asyncio.sleep(0.0002)
        task.cancel()
        task.cancel()
        saved = await asyncio.gather(task, return_exceptions=True)
    assert files(tmp_path) in ({}, {"file": body})
    assert saved != [len(body)] or files(tmp_path)
    await is_free(client, scripted)
    assert not [name for name in map(os.readlink, open_files()) if str(tmp_path) in name]


def open_files():
    for path in Path("/proc/self/fd").iterdir():
        if path.is_symlink():
            yield path


@pytest.mark.parametrize("path", ["missing/file", "folder", "/dev/null"])
async def test_path_that_cannot_be_written_is_an_error_and_ends_the_exchange(client, scripted, tmp_path, path):
    (tmp_path / "folder").mkdir()
    scripted.answer(Script(head(200, [("Content-Length", "100")])).send(b"some").stall())
    ended = []
    answer = await client.get(scripted.url(), stream=True, post_request=lambda response, exc: ended.append(exc))
    with pytest.raises(OSError, match=r"missing|regular") as caught:
        await answer.raw.save(tmp_path / path)
    assert ended == [caught.value]
    assert files(tmp_path) == {}
    assert Path("/dev/null").is_char_device()
    await is_free(client, scripted)


async def test_full_disk_leaves_no_file(client, scripted, tmp_path):
    scripted.answer(response(b"x" * BIG))
    answer = await client.get(scripted.url(), stream=True)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with pytest.raises(OSError, match="large") as caught:
            await answer.raw.save(tmp_path / "file")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.errno == errno.EFBIG
    assert files(tmp_path) == {}
    await is_free(client, scripted)


async def test_loop_goes_on_while_the_file_is_written(client, scripted, tmp_path):
    scripted.answer(response(b"x" * BIG))
    answer = await client.get(scripted.url(), stream=True)
    task = asyncio.create_task(answer.raw.save(tmp_path / "file"))
    turns = 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert await task == BIG
    assert turns > BIG // (256 * 1024)  # each write is awaited


async def test_saved_body_is_consumed(client, scripted, tmp_path):
    scripted.answer(response(b"hello"))
    answer = await client.get(scripted.url(), stream=True)
    await answer.raw.save(tmp_path / "file")
    with pytest.raises(StreamConsumedError):
        await answer.raw.save(tmp_path / "again")
    assert files(tmp_path) == {"file": b"hello"}


async def test_client_that_is_closed_ends_the_saving_and_runs_post_request_before_closers(make_scripted, tmp_path):
    server = make_scripted(strict=False)
    server.answer(Script(head(200, [("Content-Length", "10")]) + b"some").stall())
    client = HttpClient(autoload=False, plugins=["bodies"], pool_size=1)
    told = []

    async def slow(response, **_):
        await asyncio.sleep(0.02)
        told.append("post_request")

    async def closer():
        told.append("closer")

    answer = await client.get(server.url(), stream=True, post_request=slow)
    task = asyncio.ensure_future(answer.raw.save(tmp_path / "file"))
    await until_there_are(tmp_path, 1)
    await until_it_waits_for_data(answer)
    client.add_closer(closer)
    await client.close()
    with pytest.raises(ClientClosed):
        await task
    assert told == ["post_request", "closer"]
    assert files(tmp_path) == {}
