"""Files and paths as bodies: position, length, reads in threads, and who closes them."""

import asyncio
import codecs
import gc
import gzip
import io
import os
import tempfile
import threading
import time
from pathlib import Path

import pytest

from hookline import BodyNotRepeatable, HttpClient, hookimpl
from hookline.errors import LocalProtocolError
from hookline_testing.server import Script, response
from kit.files import both_ways, in_memory, mapped, named, spooled, unbuffered
from kit.slots import is_free

pytestmark = [
    pytest.mark.client(autoload=False, plugins=["bodies"], pool_size=1),
    pytest.mark.protocols("HTTP/1.1", "HTTP/2"),
]

CONTENT = bytes(range(256)) * 3000  # three reads
SIZES = pytest.mark.parametrize("content", [b"", b"short", CONTENT], ids=["empty", "short", "long"])


@pytest.fixture
def make_file(tmp_path):
    def make(content=CONTENT):
        path = tmp_path / "content.bin"
        path.write_bytes(content)
        return path

    return make


def open_files():
    """Return the names of the open files of this process, from /proc."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:
            pass
    return found


async def until_closed(path):
    """Wait until a file is closed: if a read continues in its thread, that is after the read."""
    async with asyncio.timeout(5):
        while str(path) in open_files():  # noqa: ASYNC110  # no event tells when a file is closed
            await asyncio.sleep(0.01)


@SIZES
async def test_file_is_sent_with_its_length(client, scripted, make_file, content):
    scripted.answer(response(b""))
    with make_file(content).open("rb") as file:
        await client.post(scripted.url(), data=file)
        assert not file.closed
    assert scripted.requests[0].body == content
    assert scripted.requests[0].header_values("content-length") == [str(len(content))]
    assert scripted.requests[0].header("transfer-encoding") is None
    await is_free(client, scripted)


@SIZES
async def test_path_is_opened_and_closed(client, scripted, make_file, content):
    scripted.answer(response(b""))
    path = make_file(content)
    await client.post(scripted.url(), data=path)
    assert scripted.requests[0].body == content
    assert scripted.requests[0].header_values("content-length") == [str(len(content))]
    assert str(path) not in open_files()


KINDS = pytest.mark.parametrize("make", [unbuffered, both_ways, spooled, named, in_memory, mapped])


@KINDS
async def test_all_kinds_of_files_have_a_length_and_begin_at_their_position(client, scripted, make_file, make):
    scripted.answer(response(b""))
    with make(make_file()) as file:
        file.seek(1000)
        await client.post(scripted.url(), data=file)
    assert scripted.requests[0].body == CONTENT[1000:]
    assert scripted.requests[0].header_values("content-length") == [str(len(CONTENT) - 1000)]


async def test_position_past_the_end_is_empty(client, scripted, make_file):
    scripted.answer(response(b""))
    with make_file(b"short").open("rb") as file:
        file.seek(100)
        await client.post(scripted.url(), data=file)
    assert scripted.requests[0].header_values("content-length") == ["0"]


@pytest.mark.protocols("HTTP/1.1")
async def test_file_that_computes_its_content_is_sent_chunked(client, scripted, tmp_path):
    scripted.answer(response(b""))
    path = tmp_path / "compressed"
    with gzip.open(path, "wb") as file:
        file.write(CONTENT)
    with gzip.open(path, "rb") as file:
        await client.post(scripted.url(), data=file)
    assert scripted.requests[0].header_values("transfer-encoding") == ["chunked"]
    assert scripted.requests[0].body == CONTENT


@pytest.mark.parametrize("given", ["file", "path"])
async def test_file_of_the_system_without_a_size_is_sent_chunked(client, scripted, given):
    scripted.answer(response(b""))
    path = Path("/proc/version")
    with path.open("rb") as file:
        await client.post(scripted.url(), data=file if given == "file" else path)
    assert scripted.requests[0].body == path.read_bytes()


@pytest.mark.protocols("HTTP/1.1")
async def test_pipe_is_sent_as_it_arrives(client, scripted):
    source, sink = os.pipe()

    async def feed(reader, writer, request):
        os.write(sink, b"one")
        assert await reader.readexactly(8) == b"3\r\none\r\n"
        os.write(sink, b"two")
        os.close(sink)
        await request.read_body()
        writer.write(response(b"fine"))

    scripted.answer(feed, early=True)
    with open(source, "rb") as file:
        assert (await client.post(scripted.url(), data=file)).content == b"fine"
    assert scripted.requests[0].body == b"two"
    assert scripted.requests[0].header_values("transfer-encoding") == ["chunked"]


class AsyncFile:
    def __init__(self, content):
        self._file = io.BytesIO(content)

    async def read(self, size=-1):
        await asyncio.sleep(0)
        return self._file.read(size)


async def test_file_with_coroutines_is_read(client, scripted):
    scripted.answer(response(b""))
    answer = await client.post(scripted.url(), data=AsyncFile(CONTENT))
    assert scripted.requests[0].body == CONTENT
    with pytest.raises(BodyNotRepeatable):
        answer.request.copy()


async def test_stream_of_a_response_is_sent_on(client, scripted, make_scripted):
    source = make_scripted()
    source.answer(response(CONTENT))
    scripted.answer(response(b""))
    async with await client.get(source.url(), stream=True) as answer:
        await client.post(scripted.url(), data=answer.raw)
    assert scripted.requests[0].body == CONTENT


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize("way", ["file", "temporary", "memory", "part", "codec"])
async def test_text_mode_is_a_clear_error(client, make_scripted, make_file, way):
    scripted = make_scripted(strict=False)
    path = make_file(b"text")
    makers = {
        "file": lambda: path.open(),
        "part": lambda: path.open(),
        "temporary": lambda: tempfile.NamedTemporaryFile("w+"),  # noqa: SIM115  # closed below
        "memory": lambda: io.StringIO("text"),
        "codec": lambda: codecs.getreader("utf-8")(path.open("rb")),
    }
    with makers[way]() as file, pytest.raises(TypeError, match="'rb'"):
        await client.post(scripted.url(), **({"files": {"f": file}} if way == "part" else {"data": file}))
    if way == "codec":  # this error is found only when it is read
        await scripted.until(connections=1, closed=1)


async def test_file_that_cannot_be_read_is_a_clear_error(client, scripted, tmp_path):
    with (tmp_path / "x").open("wb") as file, pytest.raises(ValueError, match="writing only"):
        await client.post(scripted.url(), data=file)
    with pytest.raises(ValueError, match="closed"):
        await client.post(scripted.url(), data=file)
    with pytest.raises(FileNotFoundError):
        await client.post(scripted.url(), data=tmp_path / "nowhere")
    with pytest.raises(IsADirectoryError):
        await client.post(scripted.url(), data=tmp_path)
    with pytest.raises(TypeError, match="files="):
        await client.post(scripted.url(), data={"f": io.BytesIO()})
    assert scripted.connections == 0


async def test_file_that_shrinks_is_an_error(client, make_scripted, make_file):
    server = make_scripted(strict=False)

    class Shrinks:
        name = "shrinks"

        @hookimpl
        def pre_request(self):
            os.truncate(path, 300_000)

    path = make_file()
    async with HttpClient(autoload=False, plugins=[Shrinks(), "bodies"]) as client:
        with pytest.raises(LocalProtocolError, match=f"300000 of the {len(CONTENT)} bytes"):
            await client.post(server.url(), data=path)
    await server.until(given_up=1)


async def test_file_that_grows_is_sent_with_its_first_length(scripted, make_file):
    path = make_file()

    class Grows:
        name = "grows"

        @hookimpl
        def pre_request(self):
            with path.open("ab") as file:
                file.write(b"more")

    scripted.answer(response(b""))
    async with HttpClient(autoload=False, plugins=[Grows(), "bodies"]) as client:
        await client.post(scripted.url(), data=path)
    assert scripted.requests[0].body == CONTENT


async def test_file_that_two_requests_read_is_an_error_not_a_mixture(make_scripted, make_file):
    server = make_scripted(strict=False)
    server.always(response(b""))
    async with HttpClient(autoload=False, plugins=["bodies"]) as client:
        with make_file(CONTENT * 20).open("rb") as file:
            found = await asyncio.gather(
                *(client.post(server.url(), data=file) for _ in range(2)), return_exceptions=True
            )
    assert any(isinstance(each, LocalProtocolError) and "position" in str(each) for each in found)
    assert all(request.body == CONTENT * 20 for request in server.requests if request.complete)


class Again:
    """A plugin that sends each request once more."""

    name = "again"

    @hookimpl
    def post_request(self, response):
        return response.request.copy(cause="again") if response.request.cause == "call" else None


@pytest.mark.parametrize("way", ["file", "path", "memory", "multipart", "list"])
async def test_body_is_sent_again_from_where_it_began(scripted, make_file, way):
    scripted.always(response(b""))
    path = make_file()
    async with HttpClient(autoload=False, plugins=[Again(), "bodies"]) as client:
        with path.open("rb") as file:
            file.seek(5)
            given = {
                "file": {"data": file},
                "path": {"data": path},
                "memory": {"data": io.BytesIO(CONTENT)},
                "multipart": {"files": [("a", file), ("b", path), ("c", file)], "data": {"d": "e"}},
                "list": {"data": [CONTENT, CONTENT]},
            }[way]
            await client.post(scripted.url(), **given)
    first, second = scripted.requests
    assert first.body == second.body
    assert CONTENT[5:] in first.body
    assert first.header("content-type") == second.header("content-type")


@pytest.mark.parametrize("way", ["pipe", "generator", "part"])
async def test_body_that_can_be_read_only_once_is_not_sent_again(scripted, way):
    scripted.always(response(b""))
    source, sink = os.pipe()
    os.write(sink, b"piped")
    os.close(sink)
    async with HttpClient(autoload=False, plugins=[Again(), "bodies"]) as client:
        with open(source, "rb") as file:
            given = {
                "pipe": {"data": file},
                "generator": {"data": iter([b"piped"])},
                "part": {"files": {"f": file, "g": b"bytes"}},
            }[way]
            with pytest.raises(BodyNotRepeatable):
                await client.post(scripted.url(), **given)
    assert len(scripted.requests) == 1


class Slow:
    """A file whose reads are slow, and record in which thread they run."""

    def __init__(self, seconds=0.2, size=5):
        self.seconds = seconds
        self.left = size
        self.threads = set()

    def read(self, size):
        self.threads.add(threading.current_thread())
        if not self.left:
            return b""
        self.left -= 1
        time.sleep(self.seconds)
        return b"x" * 10


async def test_slow_reads_do_not_block_the_event_loop(client, scripted):
    scripted.answer(response(b""))
    file = Slow()
    task = asyncio.create_task(client.post(scripted.url(), data=file))
    longest, loop = 0.0, asyncio.get_running_loop()
    while not task.done():
        before = loop.time()
        await asyncio.sleep(0.005)
        longest = max(longest, loop.time() - before)
    await task
    assert scripted.requests[0].body == b"x" * 50
    assert threading.main_thread() not in file.threads
    assert longest < 0.15


async def test_cancelled_upload_of_a_path_closes_the_file(client, make_scripted, make_file):
    server = make_scripted(receive_buffer=4096, strict=False)
    path = make_file()
    os.truncate(path, 100_000_000)
    server.always(Script().refuse_to_read())
    for delay in (0, 0.001, 0.02, 0.1):
        task = asyncio.create_task(client.post(server.url(), data=path))
        await asyncio.sleep(delay)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await until_closed(path)
    gc.collect()  # an unclosed file would give a warning here
    await is_free(client, server)


@pytest.mark.parametrize("way", ["data", "files"])
async def test_early_answer_closes_the_file(client, make_scripted, make_file, way):
    server = make_scripted(receive_buffer=4096, strict=False)
    path = make_file()
    os.truncate(path, 100_000_000)
    server.answer(Script(response(b"too much", 413)).refuse_to_read(), early=True)
    answer = await client.post(server.url(), **({"data": path} if way == "data" else {"files": {"f": path}}))
    assert (answer.status_code, answer.content) == (413, b"too much")
    await until_closed(path)
    await is_free(client, server)


def test_files_are_sent_in_synchronous_mode(scripted, make_file):
    scripted.always(response(b""))
    path = make_file()
    with HttpClient(autoload=False, plugins=["bodies"]) as client, path.open("rb") as file:
        client.post(scripted.url(), data=file)
        client.post(scripted.url(), data=path)
        file.seek(0)
        client.post(scripted.url(), files={"f": file})
    assert [request.body for request in scripted.requests[:2]] == [CONTENT, CONTENT]
    assert CONTENT in scripted.requests[2].body
