"""The storages: their bounds, several processes at one file, a crash amid writing, forks and loops."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hookline import HttpClient
from hookline_cache import Cache, MemoryStorage, RedisStorage, SQLiteStorage
from hookline_testing.server import Script, ScriptedServer, head, response

FRESH = [("Cache-Control", "max-age=600")]
LARGE = b"large" * 100_000


def client_of(storage: Any) -> HttpClient:
    return HttpClient(autoload=False, plugins=["cache"], cache=Cache(storage), timeout=20)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("size", [1000, 100_000], ids=["small", "large"])
async def test_least_recently_used_responses_go_first(
    scripted: ScriptedServer, make_storage: Callable[..., Any], kind: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hookline_cache.sqlite_storage.USE_SECONDS", 0.0)
    scripted.always(response(b"x" * size, 200, FRESH))
    async with client_of(make_storage(kind, max_bytes=4 * (size + 700), max_body=size)) as client:
        for path in ("/1", "/2", "/3", "/1", "/4", "/5"):
            await client.get(scripted.url(path))
        kept = [(await client.get(scripted.url(f"/{n}"), cache="only-if-cached")).status_code for n in range(1, 6)]
    assert kept == [200, 504, 200, 200, 200]


@pytest.mark.parametrize("kind", ["memory", "sqlite", "redis"])
async def test_number_of_variants_is_bounded(
    scripted: ScriptedServer, make_storage: Callable[..., Any], kind: str
) -> None:
    scripted.always(response(b"", 200, [*FRESH, ("Vary", "X-Number")]))
    storage = make_storage(kind)
    async with client_of(storage) as client:
        for number in range(20):
            await client.get(scripted.url(), headers={"X-Number": str(number)})
        found = storage.find(scripted.url())
        assert len(found if isinstance(found, list) else await found) == 16


def test_size_of_a_memory_storage_is_what_is_in_it(scripted: ScriptedServer) -> None:
    storage = MemoryStorage()
    scripted.always(response(b"x" * 1000, 200, FRESH))
    with client_of(storage) as client:
        for path in ("/a", "/b", "/a"):
            client.get(scripted.url(path), cache="reload" if path == "/a" else Cache(storage))
        assert 2000 < storage.size < 4000
        client.delete(scripted.url("/a"))
        client.delete(scripted.url("/b"))
    assert storage.size == 0
    assert repr(storage) == "<MemoryStorage 0 responses, 0 bytes>"


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_bytes": 0}, "max_bytes takes 1 or more"),
        ({"max_body": 0}, "max_body takes 1 or more"),
        ({"max_bytes": 10, "max_body": 11}, "max_body=11 is more than max_bytes=10"),
        ({"max_bytes": "1"}, "max_bytes takes a number of bytes, not str"),
    ],
    ids=["bytes", "body", "both", "text"],
)
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_wrong_limits(make_storage: Callable[..., Any], kind: str, limits: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        make_storage(kind, **limits)


def test_file_and_folder_are_for_their_owner_alone(scripted: ScriptedServer, tmp_path: Path) -> None:
    scripted.always(response(LARGE, 200, FRESH))
    with client_of(SQLiteStorage(tmp_path / "cache")) as client:
        client.get(scripted.url())
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [*tmp_path.iterdir(), *tmp_path.glob("*/*")]}
    assert all(not mode & 0o077 for mode in modes.values()), modes


def test_secrets_are_not_in_the_file(scripted: ScriptedServer, tmp_path: Path) -> None:
    scripted.always(response(b"", 200, [*FRESH, ("Vary", "Cookie")]))
    with client_of(SQLiteStorage(tmp_path / "cache")) as client:
        client.get(scripted.url(), headers={"Authorization": "top-secret", "Cookie": "id=hidden"})
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"max-age=600" in content
    assert b"top-secret" not in content
    assert b"hidden" not in content


async def test_body_in_redis_has_pieces_that_expire(
    scripted: ScriptedServer, make_storage: Callable[..., Any], redis_server: str, tmp_path: Path
) -> None:
    import redis.asyncio as redis

    body = bytes(range(256)) * 10_000  # 2.5 MB: three pieces
    scripted.respond(lambda request: response(body if request.method == "GET" else b"", 200, FRESH))
    async with client_of(make_storage("redis")) as client, redis.from_url(redis_server) as database:
        await client.get(scripted.url())
        found = await client.get(scripted.url(), headers={"Range": "bytes=1048570-1048590"})
        assert (found.is_stored, found.content) == (True, body[1048570:1048591])
        pieces = [name async for name in database.scan_iter(f"{tmp_path}:*:*:[0-2]")]
        assert len(pieces) == 3
        async with await client.get(scripted.url(), stream=True) as stream:
            begun = await stream.raw.read(1000)
            await client.delete(scripted.url())
            assert begun + await stream.raw.read() == body
        assert {0 < await database.ttl(piece) <= 600 for piece in pieces} == {True}
        assert not (await client.get(scripted.url())).is_stored


async def test_redis_that_cannot_be_reached_is_left_alone(
    scripted: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    scripted.always(response(b"body", 200, FRESH))
    storage = RedisStorage("redis://:top-secret@127.0.0.1:9/0")
    async with client_of(storage) as client:
        assert [(await client.get(scripted.url())).text for _ in range(2)] == ["body", "body"]
    assert "the cache was not used: Redis: " in caplog.text
    assert "top-secret" not in caplog.text + repr(storage)


FETCHER = """
import sys
from hookline import HttpClient
from hookline_cache import Cache, SQLiteStorage

with HttpClient(autoload=False, plugins=["cache"], cache=Cache(SQLiteStorage(sys.argv[1]))) as client:
    for number in range(int(sys.argv[3])):
        for path in ("small", "large"):
            found = client.get(f"{sys.argv[2]}{path}/{number}")
            assert found.content == (path.encode() * 100_000 if path == "large" else path.encode()), found
            print(int(found.is_stored), end="")
"""


READER = """
import sys
from hookline import HttpClient
from hookline_cache import Cache, SQLiteStorage

with HttpClient(autoload=False, plugins=["cache"], cache=Cache(SQLiteStorage(sys.argv[1]))) as client:
    client.get(sys.argv[2], stream=True).raw.read()
"""


def fetcher(path: Path, url: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", FETCHER, str(path), url, str(count)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_several_processes_use_one_file(scripted: ScriptedServer, tmp_path: Path) -> None:
    scripted.respond(lambda request: response(LARGE if "large" in request.target else b"small", 200, FRESH))
    running = [fetcher(tmp_path / "cache.sqlite", scripted.url(), 20) for _ in range(3)]
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    process = fetcher(tmp_path / "cache.sqlite", scripted.url(), 20)
    assert process.communicate(timeout=60)[0] == "1" * 40
    assert len([*(tmp_path / "cache.sqlite-bodies").iterdir()]) == 20


def test_crash_amid_writing_harms_nothing(scripted: ScriptedServer, tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    folder = tmp_path / "cache.sqlite-bodies"
    answers = {"/small/0": response(b"small", 200, FRESH), "/large/0": response(LARGE, 200, FRESH)}
    part = head(200, [*FRESH, ("Content-Length", "500000")]) + LARGE[:-10]
    scripted.respond(lambda request: answers.get(request.target) or Script().send(part).stall())
    process = fetcher(path, scripted.url(), 1)
    assert process.communicate(timeout=60)[0] == "00"
    reader = subprocess.Popen([sys.executable, "-c", READER, str(path), scripted.url("/part")])
    while not [*folder.glob("*.part")]:
        assert reader.poll() is None
        time.sleep(0.01)
    os.kill(reader.pid, signal.SIGKILL)
    reader.wait()
    (part_file,) = folder.glob("*.part")
    process = fetcher(path, scripted.url(), 1)
    assert process.communicate(timeout=60)[0] == "11"
    assert part_file.exists()  # it might be one that another process is writing
    os.utime(part_file, (1, 1))
    process = fetcher(path, scripted.url(), 1)
    assert process.communicate(timeout=60)[0] == "11"
    assert not part_file.exists()


async def test_file_of_another_version_is_emptied(scripted: ScriptedServer, tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE responses (other)")
        database.execute("PRAGMA user_version = 99")
    database.close()
    scripted.always(response(b"", 200, FRESH))
    async with client_of(SQLiteStorage(path)) as client:
        assert [(await client.get(scripted.url())).is_stored for _ in range(2)] == [False, True]


def test_storage_on_several_loops(scripted: ScriptedServer, storage: Any) -> None:
    scripted.always(response(LARGE, 200, FRESH))
    client = client_of(storage)

    async def get() -> bytes:
        return (await client.get(scripted.url())).content

    assert {asyncio.run(get()) for _ in range(3)} == {LARGE}
    assert client.get(scripted.url()).content == LARGE
    client.close()
    assert len(scripted.requests) == 1


def _child(client: HttpClient, url: str, results: Any) -> None:
    found = client.get(url)
    results.put((found.is_stored, len(found.content)))
    client.close()


def test_storage_in_a_forked_child(scripted: ScriptedServer, storage: Any) -> None:
    scripted.always(response(LARGE, 200, FRESH))
    with client_of(storage) as client:
        client.get(scripted.url())
        context = multiprocessing.get_context("fork")
        results = context.Queue()
        child = context.Process(target=_child, args=(client, scripted.url(), results))
        child.start()
        assert results.get(timeout=30) == (True, len(LARGE))
        child.join()
        assert client.get(scripted.url()).is_stored


async def test_two_clients_share_a_cache(scripted: ScriptedServer, storage: Any) -> None:
    scripted.always(response(LARGE, 200, FRESH))
    async with client_of(storage) as one:
        async with client_of(storage) as two:
            await two.get(scripted.url())
        assert (await one.get(scripted.url())).is_stored
