"""One source in two bodies: it is sent again from its first position, or it is an error; it is never cut silently."""

import asyncio
import gzip
import io
import os
import threading

import pytest

from hookline import HttpClient, hookimpl
from hookline.errors import LocalProtocolError
from hookline_testing.server import response
from kit.files import both_ways, in_memory, mapped, named, spooled, unbuffered

pytestmark = [pytest.mark.client(autoload=False, plugins=["bodies"]), pytest.mark.protocols("HTTP/1.1", "HTTP/2")]

CONTENT = bytes(range(256)) * 3000  # three reads
SIZES = pytest.mark.parametrize("content", [b"short", CONTENT], ids=["short", "long"])


def buffered(path):
    return path.open("rb")


def compressed(path):
    packed = path.with_suffix(".gz")
    with gzip.open(packed, "wb") as file:
        file.write(path.read_bytes())
    return gzip.open(packed, "rb")


class OwnFile:
    """A class of a user with only the methods that a file needs; it cannot be hashed."""

    __hash__ = None

    def __init__(self, path):
        self._file = io.BytesIO(path.read_bytes())
        self.read, self.seek, self.tell = self._file.read, self._file.seek, self._file.tell

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()


def contents(request):
    """The contents of a multipart body's parts, without their heads (a temporary file's name may contain anything)."""
    boundary = request.body.partition(b"\r\n")[0]
    parts = request.body.split(b"\r\n" + boundary)[:-1]
    return [part.partition(b"\r\n\r\n")[2] for part in parts]


KINDS = [buffered, unbuffered, both_ways, spooled, named, in_memory, mapped, compressed]


@SIZES
@pytest.mark.parametrize("start", [0, 3])
@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
async def test_file_is_sent_again_from_its_first_position(client, scripted, tmp_path, make, start, content):
    scripted.always(response(b""))
    path = tmp_path / "content"
    path.write_bytes(content)
    with make(path) as file:
        file.seek(start)
        for given in ({"data": file}, {"data": file}, {"files": {"f": file}}, {"files": [("a", file), ("b", file)]}):
            await client.post(scripted.url(), **given)
    first, second, part, parts = scripted.requests
    assert first.body == second.body == content[start:]
    assert contents(part) == [content[start:]]
    assert contents(parts) == [content[start:]] * 2


async def test_file_that_the_user_has_sought_is_sent_from_there(client, scripted, tmp_path):
    scripted.always(response(b""))
    with io.BytesIO(b"0123456789") as file:
        await client.post(scripted.url(), data=file)
        file.seek(5)
        for _ in range(2):
            await client.post(scripted.url(), data=file)
        file.seek(7)
        assert file.read(1) == b"7"
        await client.post(scripted.url(), data=file)
    assert [request.body for request in scripted.requests] == [b"0123456789", b"56789", b"56789", b"89"]


async def test_file_that_has_grown_since_is_sent_from_its_position(client, scripted, tmp_path):
    scripted.always(response(b""))
    path = tmp_path / "log"
    path.write_bytes(b"one")
    with path.open("rb") as file:
        await client.post(scripted.url(), data=file)
        with path.open("ab") as log:
            log.write(b"two")
        await client.post(scripted.url(), data=file)
        await client.post(scripted.url(), data=file)
    assert [request.body for request in scripted.requests] == [b"one", b"two", b"two"]


@pytest.mark.parametrize("make", [buffered, in_memory], ids=lambda make: make.__name__)
async def test_file_whose_upload_was_cut_is_sent_whole(client, make_scripted, tmp_path, make):
    server = make_scripted(strict=False)
    server.always(response(b""))
    path = tmp_path / "content"
    path.write_bytes(CONTENT)

    def stop(done, total):
        raise ConnectionAbortedError

    with make(path) as file:
        with pytest.raises(ConnectionAbortedError):
            await client.post(server.url(), data=file, on_upload=stop)
        assert 0 < file.tell() < len(CONTENT)
        await client.post(server.url(), data=file)
    await server.until(given_up=1)
    assert [request.body for request in server.requests if request.complete] == [CONTENT]


async def test_file_whose_first_call_was_refused_is_sent_whole(client, scripted, tmp_path):
    scripted.always(response(b""))
    with io.BytesIO(b"content") as file:
        for url in ("http://127.0.0.1:1/", "http://127.0.0.1:1/"):
            with pytest.raises(ConnectionError):
                await client.post(url, data=file)
        await client.post(scripted.url(), data=file)
    assert scripted.requests[0].body == b"content"


@SIZES
async def test_two_concurrent_calls_never_send_a_mixture(make_scripted, tmp_path, content):
    server = make_scripted(strict=False)
    server.always(response(b""))
    path = tmp_path / "content"
    path.write_bytes(content * 5)
    async with HttpClient(autoload=False, plugins=["bodies"]) as client:
        with path.open("rb") as file:
            calls = [client.post(server.url(), data=file) for _ in range(5)]
            found = await asyncio.gather(*calls, return_exceptions=True)
    assert all(request.body == content * 5 for request in server.requests if request.complete)
    errors = [each for each in found if isinstance(each, BaseException)]
    assert all(isinstance(error, LocalProtocolError) and "position" in str(error) for error in errors)
    assert sum(request.complete for request in server.requests) == len(found) - len(errors)
    await server.until(given_up=1)


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
async def test_file_is_sent_with_a_follow_up_and_with_the_next_call(scripted, tmp_path, make, status):
    class Again:
        name = "again"

        @hookimpl
        def post_request(self, response):
            return response.request.copy(cause="again") if response.status_code == status else None

    path = tmp_path / "content"
    path.write_bytes(CONTENT)
    scripted.answer(response(b"", status), response(b""), response(b"", status), response(b""))
    async with HttpClient(autoload=False, plugins=[Again(), "bodies"]) as client:
        with make(path) as file:
            for _ in range(2):
                await client.post(scripted.url(), data=file)
    assert [request.body for request in scripted.requests] == [CONTENT] * 4


def test_file_is_sent_again_in_synchronous_mode_and_from_other_threads(scripted, tmp_path):
    scripted.always(response(b""))
    path = tmp_path / "content"
    path.write_bytes(CONTENT)
    with path.open("rb") as file:

        def post():
            with HttpClient(autoload=False, plugins=["bodies"]) as client:
                client.post(scripted.url(), data=file)

        post()
        thread = threading.Thread(target=post)
        thread.start()
        thread.join()
        post()
    assert [request.body for request in scripted.requests] == [CONTENT] * 3


# -- sources that can be read only once


async def generator():
    for _ in range(3):
        yield b"chunk"


def synchronous_generator():
    yield from [b"chunk"] * 3


class AsyncFile:
    """A file whose reads are coroutines."""

    def __init__(self):
        self._file = io.BytesIO(b"chunk" * 3)

    async def read(self, size):
        return self._file.read(size)


def pipe():
    source, sink = os.pipe()
    os.write(sink, b"chunk" * 3)
    os.close(sink)
    return open(source, "rb")  # the test closes it if it can


ONCE = {
    "generator": generator,
    "synchronous_generator": synchronous_generator,
    "async_file": AsyncFile,
    "pipe": pipe,
}


def closed(source):
    if hasattr(source, "close") and not hasattr(source, "gi_frame"):
        source.close()


@pytest.mark.parametrize("given", ["data", "files"])
@pytest.mark.parametrize("make", ONCE.values(), ids=ONCE)
async def test_source_that_another_call_sent_is_an_error(client, make_scripted, make, given):
    server = make_scripted(strict=False)
    server.always(response(b""))
    source = make()
    try:
        keywords = [{"data": source}, {"data": source}] if given == "data" else [{"files": {"f": source}}] * 2
        await client.post(server.url(), **keywords[0])
        with pytest.raises(ValueError, match="before"):
            await client.post(server.url(), **keywords[1])
    finally:
        if hasattr(source, "fileno"):
            source.close()
    await client.close()
    await server.until(given_up=1)
    assert [b"chunk" * 3 in request.body for request in server.requests if request.complete] == [True]


@pytest.mark.parametrize("make", ONCE.values(), ids=ONCE)
async def test_source_that_is_twice_in_one_body_is_an_error(client, make_scripted, make):
    server = make_scripted(strict=False)
    server.always(response(b""))
    source = make()
    try:
        with pytest.raises(LocalProtocolError, match="before"):
            await client.post(server.url(), files=[("a", source), ("b", source)])
    finally:
        if hasattr(source, "fileno"):
            source.close()
    await server.until(given_up=1)
    assert [request for request in server.requests if request.complete] == []


async def test_empty_sources_are_empty_bodies(client, scripted):
    scripted.always(response(b""))
    for source in (b"", [], (chunk for chunk in ()), io.BytesIO(), map(bytes, [])):
        await client.post(scripted.url(), data=source)
    assert [request.body for request in scripted.requests] == [b""] * 5


async def test_file_that_cannot_be_hashed_is_sent(client, scripted, tmp_path):
    scripted.always(response(b""))
    path = tmp_path / "content"
    path.write_bytes(b"content")
    with OwnFile(path) as file:
        await client.post(scripted.url(), data=file)
    assert scripted.requests[0].body == b"content"
