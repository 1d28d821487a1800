"""The file system for fsspec: files that are read, in ranges and as streams, from servers of all kinds."""

from __future__ import annotations

import asyncio
import gc
import io
import os
import pickle
import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import pytest
from fsspec.callbacks import Callback

from hookline import HttpClient, HttpConnectionError, HttpRequestException, ReadTimeout, Timeout
from hookline_bridges.fsspec import FileChanged, HooklineFileSystem, RangeError
from hookline_bridges.fsspec.ranges import merge_ranges
from kit.turns import until
from servers.addresses import Site, refused_port
from servers.file_server import FileServer, file_server

CONTENT = random.Random(7).randbytes(50_000)
CACHES = ["none", "bytes", "readahead", "blockcache", "first", "all", "background"]


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as server:
        server.content = CONTENT
        yield server


@pytest.fixture
def fs() -> Iterator[HooklineFileSystem]:
    made = HooklineFileSystem(skip_instance_cache=True)
    yield made
    made.close()


@pytest.mark.parametrize("cache_type", CACHES)
@pytest.mark.parametrize("kind", ["good", "short", "ignores", "nothing"])
def test_reads_what_the_file_has_wherever_it_is_sought(
    server: FileServer, fs: HooklineFileSystem, kind: str, cache_type: str
) -> None:
    server.kind = kind
    chosen = random.Random(kind + cache_type)
    with fs.open(server.url(), block_size=4096, cache_type=cache_type) as file:
        expected = io.BytesIO(CONTENT)
        for _ in range(12):
            if file.seekable():
                position = chosen.randrange(len(CONTENT) + 10)
                assert file.seek(position) == expected.seek(position)
            length = chosen.choice([0, 1, 100, 5000, 20_000])
            assert file.read(length) == expected.read(length)
        assert file.read() == expected.read()
        assert file.read(10) == b""


def test_reads_all_of_a_large_file_in_one_request(server: FileServer, fs: HooklineFileSystem) -> None:
    with fs.open(server.url(), block_size=4096) as file:
        assert file.read() == CONTENT
        file.seek(10)
        assert file.read(5) == CONTENT[10:15]
    assert server.ranges() == [f"bytes=0-{len(CONTENT) - 1}"]


def test_reads_from_a_server_without_ranges_as_a_stream_as_long_as_it_goes_forward(
    server: FileServer, fs: HooklineFileSystem
) -> None:
    server.kind = "ignores"
    with fs.open(server.url(), block_size=4096, cache_type="none") as file:
        assert b"".join(iter(lambda: file.read(3000), b"")) == CONTENT
        assert len(server.ranges()) == 2  # the range, and then the stream
        file.seek(100)
        assert file.read(10) == CONTENT[100:110]
        assert len(server.ranges()) == 3


@pytest.mark.parametrize("kind", ["other", "lies"])
def test_refuses_a_range_that_is_not_the_one_asked_for(server: FileServer, fs: HooklineFileSystem, kind: str) -> None:
    server.kind = kind
    with pytest.raises(RangeError, match="broke the rules of ranges"):
        fs.cat_file(server.url(), 10, 100)


@pytest.mark.parametrize("etag", ['"1"', 'W/"1"'])
def test_notices_that_a_file_was_replaced_while_it_is_read(
    server: FileServer, fs: HooklineFileSystem, etag: str
) -> None:
    server.etag = etag
    with fs.open(server.url(), block_size=4096, cache_type="none") as file:
        assert file.read(100) == CONTENT[:100]
        server.etag, server.content = etag.replace("1", "2"), CONTENT[::-1]
        with pytest.raises(FileChanged, match=r"changed while it was read.*ETag.*open it again") as caught:
            file.read(100)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_notices_by_its_size_that_a_file_without_an_etag_was_replaced(
    server: FileServer, fs: HooklineFileSystem
) -> None:
    server.etag = None
    with fs.open(server.url(), block_size=4096, cache_type="none") as file:
        assert file.read(100) == CONTENT[:100]
        server.content += b"more"
        with pytest.raises(FileChanged, match="50000 bytes, and has 50004"):
            file.read(100)


@pytest.mark.parametrize("kind", ["good", "short", "ignores", "nothing", "gzip"])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        (None, None),
        (0, 10),
        (10, None),
        (None, 7),
        (-10, None),
        (-20, -5),
        (100, -100),
        (5, 5),
        (9, 3),
        (60_000, 70_000),
    ],
)
def test_cat_file_slices_as_python_does(
    server: FileServer, fs: HooklineFileSystem, kind: str, start: int | None, end: int | None
) -> None:
    server.kind = kind
    assert fs.cat_file(server.url(), start, end) == CONTENT[start:end]


def test_an_empty_file_is_empty(server: FileServer, fs: HooklineFileSystem) -> None:
    server.content = b""
    assert fs.cat_file(server.url()) == fs.cat_file(server.url(), 0, 10) == b""
    with fs.open(server.url()) as file:
        assert file.read() == b""
    assert fs.info(server.url())["size"] == 0


def test_cat_ranges_reads_at_the_same_time_but_no_more_than_the_batch_size(
    server: FileServer, fs: HooklineFileSystem
) -> None:
    server.waits = 0.05
    starts = list(range(0, 40_000, 1000))
    found = fs.cat_ranges([server.url()] * 40, starts, [start + 10 for start in starts], batch_size=8)
    assert found == [CONTENT[start : start + 10] for start in starts]
    assert 1 < server.most_at_once <= 8


def test_cat_ranges_merges_ranges_with_small_gaps(server: FileServer, fs: HooklineFileSystem) -> None:
    bounds = [(300, 400), (0, 100), (100, 200), (220, 300), (5000, None), (320, 330)]
    found = fs.cat_ranges([server.url()] * 6, [b[0] for b in bounds], [b[1] for b in bounds], max_gap=50)
    assert found == [CONTENT[start:end] for start, end in bounds]
    assert sorted(server.ranges()) == ["bytes=0-399", "bytes=5000-"]


def test_cat_ranges_returns_the_error_of_each_range(server: FileServer, fs: HooklineFileSystem) -> None:
    server.status = 404
    for max_gap in (None, 10):
        found = fs.cat_ranges([server.url()] * 2, [0, 5], [5, 10], max_gap=max_gap)
        assert [type(error) for error in found] == [FileNotFoundError] * 2
        with pytest.raises(FileNotFoundError):
            fs.cat_ranges([server.url()], [0], [5], max_gap=max_gap, on_error="raise")


@pytest.mark.parametrize("allows_head", [True, False])
def test_info_describes_the_file(server: FileServer, fs: HooklineFileSystem, allows_head: bool) -> None:
    server.allows_head = allows_head
    info = fs.info(server.url())
    assert (info["name"], info["size"], info["type"]) == (server.url(), len(CONTENT), "file")
    assert (info["mimetype"], info["ETag"]) == ("application/octet-stream", '"1"')
    assert fs.size(server.url()) == len(CONTENT)
    assert fs.exists(server.url())
    assert fs.isfile(server.url())
    assert not fs.isdir(server.url())


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (404, FileNotFoundError),
        (410, FileNotFoundError),
        (401, PermissionError),
        (403, PermissionError),
        (500, OSError),
    ],
)
def test_error_statuses_are_the_exceptions_of_files(
    server: FileServer, fs: HooklineFileSystem, status: int, expected: type[OSError]
) -> None:
    server.status = status
    url = server.url().replace("//", "//user:secret@") + "?signature=secret"
    for call in (fs.cat_file, fs.info, fs.open, lambda url: fs.cat_file(url, 1, 5), lambda url: fs.pipe_file(url, b"")):
        with pytest.raises(expected) as caught:
            call(url)
        assert str(status) in str(caught.value)
        assert "secret" not in str(caught.value)
    assert not fs.exists(url)
    if status == 500:
        assert isinstance(caught.value, HttpRequestException)
        with pytest.raises(HttpRequestException):
            fs.exists(url, strict=True)


def test_a_redirect_that_is_not_followed_is_no_content(nginx: Site, fs: HooklineFileSystem) -> None:
    assert len(fs.cat_file(nginx.url("/redirects/3"))) == fs.size(nginx.url("/redirects/3")) > 500
    strict = HooklineFileSystem(allow_redirects=False, skip_instance_cache=True)
    for call in (strict.cat_file, strict.info, strict.open, lambda url: strict.cat_file(url, 0, 5)):
        with pytest.raises(HttpRequestException, match=r"302 Moved Temporarily, and redirects are not followed$"):
            call(nginx.url("/redirects/3"))
    strict.close()


def test_content_that_no_plugin_decodes_is_no_file(server: FileServer, tmp_path: Path) -> None:
    server.kind = "gzip"
    fs = HooklineFileSystem(client_kwargs={"disable": ["decompress"]}, skip_instance_cache=True)
    for call in (
        fs.cat_file,
        fs.ls,
        lambda url: fs.cat_file(url, 0, 5),
        lambda url: fs.open(url).read(),
        lambda url: fs.get_file(url, str(tmp_path / "file")),
    ):
        with pytest.raises(HttpRequestException, match=r"the content coding 'gzip'.*pip install hookline-decompress"):
            call(server.url())
    fs.close()


def test_a_server_that_is_not_there_is_an_error_that_is_not_about_the_file(fs: HooklineFileSystem) -> None:
    with refused_port() as port, pytest.raises(HttpConnectionError):
        fs.cat_file(f"http://127.0.0.1:{port}/file")


def test_a_server_that_sends_nothing_is_given_up(server: FileServer) -> None:
    server.waits = 30
    fs = HooklineFileSystem(client_kwargs={"timeout": Timeout(read=0.2)}, skip_instance_cache=True)
    with pytest.raises(fsspec.FSTimeoutError) as caught:
        fs.cat_file(server.url())
    assert isinstance(caught.value.__cause__, ReadTimeout)
    fs.close()


@pytest.mark.parametrize("kind", ["good", "nothing", "gzip"])
def test_get_writes_the_file_and_tells_the_callback(
    server: FileServer, fs: HooklineFileSystem, tmp_path: Path, kind: str
) -> None:
    server.kind = kind
    callback = Callback()
    fs.get_file(server.url(), str(tmp_path / "file"), callback=callback, chunk_size=10_000)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert (callback.size, callback.value) == (len(CONTENT) if kind == "good" else None, len(CONTENT))
    buffer = io.BytesIO()
    fs.get_file(server.url(), buffer)
    assert buffer.getvalue() == CONTENT


def test_get_leaves_a_file_as_it_was_if_the_new_one_does_not_arrive(
    nginx: Site, server: FileServer, fs: HooklineFileSystem, tmp_path: Path
) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    server.status = 404
    with pytest.raises(FileNotFoundError):
        fs.get_file(server.url(), str(target))

    class FullDisk(Callback):
        def relative_update(self, inc: int = 1) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        fs.get_file(nginx.url("/1m.bin"), str(target), callback=FullDisk())
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_options_are_those_of_requests_and_of_the_client(server: FileServer) -> None:
    fs = HooklineFileSystem(
        headers={"X-Of": "file system"},
        client_kwargs={"headers": {"X-Client": "yes"}, "pool_size": 3},
        skip_instance_cache=True,
    )
    fs.cat_file(server.url(), 1, 5, params={"of": "call"})
    fields = server.seen[-1][1]
    assert (fields["x-of"], fields["x-client"], fields["range"]) == ("file system", "yes", "bytes=1-4")
    (client,) = fs._clients.values()
    assert client.pool_size == 3
    with pytest.raises(TypeError, match="connector"):
        fs.cat_file(server.url(), connector=None)
    fs.close()


def test_get_client_makes_the_client(server: FileServer) -> None:
    made = []

    async def get_client(**keywords: object) -> HttpClient:
        made.append(HttpClient(client_version="mine/1", **keywords))  # type: ignore[arg-type]
        return made[-1]

    fs = HooklineFileSystem(get_client=get_client, skip_instance_cache=True)
    assert fs.cat([server.url(), server.url() + "?2"]) == {server.url(): CONTENT, server.url() + "?2": CONTENT}
    assert {fields["user-agent"] for _, fields in server.seen} == {"mine/1"}
    fs.close()


async def test_coroutines_read_and_write(server: FileServer, nginx: Site) -> None:
    fs = HooklineFileSystem(asynchronous=True, skip_instance_cache=True)
    client = await fs.set_session()
    async with await fs.open_async(server.url()) as file:
        assert await file.read(7000) == CONTENT[:7000]
        assert await file.read(10) == CONTENT[7000:7010]
        assert await file.read() == CONTENT[7010:]
        assert await file.read(1) == b""
    found = await asyncio.gather(*(fs._cat_file(server.url(), n, n + 5) for n in range(20)))
    assert found == [CONTENT[n : n + 5] for n in range(20)]
    url = nginx.url("/store/coroutines")
    async with await fs.open_async(url, "wb", block_size=1000) as file:
        for start in range(0, 50_000, 700):
            await file.write(CONTENT[start : start + 700])
    assert await fs._cat_file(url) == CONTENT
    with pytest.raises(RuntimeError, match="open_async"):
        fs.open(url)
    with pytest.raises(ValueError, match="modes"):
        await fs.open_async(url, "ab")
    await fs._rm(url)
    await client.close()


def test_clients_of_loops_that_are_closed_are_forgotten(server: FileServer) -> None:
    fs = HooklineFileSystem(asynchronous=True, skip_instance_cache=True)

    async def main() -> bytes:
        try:
            return bytes(await fs._cat_file(server.url(), 0, 5))
        finally:
            await fs.aclose()

    assert [asyncio.run(main()) for _ in range(3)] == [CONTENT[:5]] * 3
    assert len(fs._clients) == 1


async def test_a_cancelled_read_leaves_no_connection_behind(server: FileServer) -> None:
    server.waits = 30
    fs = HooklineFileSystem(asynchronous=True, skip_instance_cache=True)
    client = await fs.set_session()
    tasks = [asyncio.ensure_future(fs._cat_ranges([server.url()] * 5, list(range(5)), [9] * 5)) for _ in range(2)]
    await until(lambda: server.at_once == 10)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await until(lambda: not client.stats().connections)
    server.waits = 0
    assert await fs._cat_file(server.url(), 0, 5) == CONTENT[:5]
    await client.close()


def test_many_threads_share_a_file_system(server: FileServer, fs: HooklineFileSystem) -> None:
    def read(number: int) -> bool:
        with fs.open(server.url(), block_size=1000) as file:
            file.seek(number * 100)
            return bool(file.read(300) == CONTENT[number * 100 : number * 100 + 300])

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(read, range(100)))
    assert len(fs._clients) == 1


def test_file_systems_with_equal_arguments_are_one() -> None:
    assert HooklineFileSystem(block_size=7) is HooklineFileSystem(block_size=7)
    assert HooklineFileSystem(block_size=7) is not HooklineFileSystem(block_size=8)


def test_pickles_of_a_file_and_of_its_file_system_are_opened_again(server: FileServer, fs: HooklineFileSystem) -> None:
    again = pickle.loads(pickle.dumps(HooklineFileSystem(block_size=4096, headers={"X-Of": "pickle"})))
    assert (again.block_size, again.kwargs) == (4096, {"headers": {"X-Of": "pickle"}})
    file = fs.open(server.url(), block_size=4096, cache_type="readahead")
    file.seek(1000)
    data = pickle.dumps(file)
    file.close()
    copy = pickle.loads(data)
    assert (copy.tell(), copy.blocksize, copy.cache.name) == (1000, 4096, "readahead")
    assert copy.read(10) == CONTENT[1000:1010]
    server.etag, server.content = '"2"', CONTENT[::-1]
    with pytest.raises(FileChanged):
        pickle.loads(data).read(10)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_makes_a_file_system_of_its_own(server: FileServer) -> None:
    fs = HooklineFileSystem(block_size=1234)
    assert fs.cat_file(server.url(), 0, 5) == CONTENT[:5]
    child = os.fork()
    if not child:
        status = 1
        try:
            own = HooklineFileSystem(block_size=1234)
            status = 0 if own is not fs and own.cat_file(server.url(), 5, 10) == CONTENT[5:10] else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert fs.cat_file(server.url(), 10, 15) == CONTENT[10:15]
    fs.close()


def test_the_client_of_a_file_system_that_is_gone_is_closed(server: FileServer) -> None:
    fs = HooklineFileSystem(skip_instance_cache=True)
    fs.cat_file(server.url())
    loop, (client,) = fs.loop, fs._clients.values()
    del fs
    gc.collect()  # fsspec gives its file systems methods that refer to them
    fsspec.asyn.sync(loop, until, lambda: not client.stats().connections)


def test_register_is_asked_for(server: FileServer) -> None:
    program = """
import sys
import fsspec
from hookline_bridges.fsspec import HooklineFileSystem, register
assert fsspec.get_filesystem_class("http") is not HooklineFileSystem
register()
assert fsspec.get_filesystem_class("https") is HooklineFileSystem
with fsspec.open(sys.argv[1], "rb") as file:
    assert type(file.fs) is HooklineFileSystem
    content = file.read()
with fsspec.open("simplecache::" + sys.argv[1], "rb") as file:
    assert file.read() == content
print(len(content))
"""
    command = [sys.executable, "-W", "error", "-c", program, server.url()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{len(CONTENT)}\n", "")


def test_merged_ranges_cover_each_and_are_no_larger_than_a_block() -> None:
    chosen = random.Random(3)
    for _ in range(300):
        ranges = [
            (
                chosen.choice("ab"),
                chosen.choice([None, start]),
                chosen.choice([None, *[start + chosen.randrange(30)] * 5]),
            )
            for start in (chosen.randrange(100) for _ in range(8))
        ]
        merged = merge_ranges(ranges, max_gap=5, max_block=40)
        for path, start, stop in ranges:
            assert any(
                path == other and first <= (start or 0) and (end is None or (stop is not None and stop <= end))
                for other, first, end in merged
            )
        given = {(path, start or 0, stop) for path, start, stop in ranges}
        assert all(each in given or (each[2] is not None and each[2] - each[1] <= 40) for each in merged)
    assert merge_ranges([("a", 3, 5), ("a", 0, 2)], 1, 0) == [("a", 0, 5)]
    assert merge_ranges([("a", 3, 5), ("a", 0, 2)], 0, 0) == [("a", 0, 2), ("a", 3, 5)]
