"""`response.raw.iter_lines()`: lines of text, however the bytes are cut."""

import asyncio
import copy
import pickle
import time
import tracemalloc

import pytest

from hookline import BodyTooLarge, HttpClient, StreamConsumedError
from hookline_bodies.lines import LineSplitter
from hookline_testing.server import Script, chunked, head, response
from kit.slots import is_free

pytestmark = [
    pytest.mark.client(autoload=False, plugins=["bodies"], pool_size=1),
    pytest.mark.protocols("HTTP/1.1", "HTTP/2"),
]


def split(data, size, encoding="utf-8", limit=0):
    """The lines of data that comes in pieces of this size."""
    splitter = LineSplitter(encoding, limit)
    lines = []
    for at in range(0, len(data), size):
        lines += splitter.feed(data[at : at + size])
    return lines + splitter.feed(b"", is_last=True)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("one", ["one"]),
        ("one\n", ["one"]),
        ("one\ntwo", ["one", "two"]),
        ("one\r\ntwo\rthree\n", ["one", "two", "three"]),
        ("\n\r\n\r", ["", "", ""]),
        ("\r\r\n\n", ["", "", ""]),
        ("größer\n€\n", ["größer", "€"]),
        ('{"a": "\u2028\u2029\x85\x0b\x0c\x1c"}\n{}', ['{"a": "\u2028\u2029\x85\x0b\x0c\x1c"}', "{}"]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32-le"])
def test_lines_are_those_of_a_text_file(text, lines, size, encoding):
    assert split(text.encode(encoding), size, encoding) == lines


@pytest.mark.parametrize("encoding", ["nonsense", "zlib", "hex", "rot13"])
def test_charset_that_is_none_is_refused(encoding):
    with pytest.raises(LookupError):
        LineSplitter(encoding, 0)


@pytest.mark.parametrize("data", [b"\xff\n", b"abc\xe2\x82"])
def test_lines_are_decoded_strictly(data):
    with pytest.raises(UnicodeDecodeError):
        split(data, 1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "cp932"])
def test_line_that_ends_in_cr_is_given_at_once(encoding):
    splitter = LineSplitter(encoding, 0)
    given = [
        splitter.feed(text.encode(encoding))
        for text in ["one\r", "\n", "two\r", "\nthree\r", "\r", "\n\n", "a", "\r", "b"]
    ]
    assert given == [["one"], [], ["two"], ["three"], [""], [""], [], ["a"], []]
    assert splitter.feed(b"", is_last=True) == ["b"]


def test_lf_behind_a_cr_belongs_to_it_however_a_character_is_cut():
    splitter = LineSplitter("utf-16-le", 0)
    data = "a\r\nb\r".encode("utf-16-le")
    assert [line for at in range(len(data)) for line in splitter.feed(data[at : at + 1])] == ["a", "b"]
    assert splitter.feed(b"", is_last=True) == []


@pytest.mark.parametrize("size", [1, 4, 100])
def test_line_of_the_limit_passes_and_a_longer_one_does_not(size):
    assert split(b"four\nfour", size, limit=4) == ["four", "four"]
    with pytest.raises(BodyTooLarge, match="limit=4"):
        split(b"four\nfives", size, limit=4)


def test_long_lines_take_time_in_proportion():
    assert len(split(b"x" * 4_000_000, 4096)[0]) == 4_000_000  # 16 s if the line were copied with each piece


@pytest.mark.parametrize("cut", ["whole", "bytes", 3])
@pytest.mark.parametrize("stream", [True, False])
async def test_response_gives_its_lines(client, scripted, cut, stream):
    scripted.answer(
        chunked(b"one\r\nt", b"wo\nthree"),
        response("größe\n".encode("latin-1"), headers=[("Content-Type", "a/b; charset=latin-1")]),
        cut=cut,
    )
    answer = await client.get(scripted.url(), stream=stream)
    assert [line async for line in answer.raw.iter_lines()] == ["one", "two", "three"]
    answer = await client.get(scripted.url(), stream=stream)
    assert [line async for line in answer.raw.iter_lines()] == ["größe"]
    await is_free(client, scripted)


async def test_lines_come_as_they_arrive(client, scripted):
    scripted.answer(Script(head(200)).send(b"one\ntw").stall())
    async with await client.get(scripted.url(), stream=True) as answer:
        async for line in answer.raw.iter_lines():
            assert line == "one"
            break
    await is_free(client, scripted)


def test_lines_in_synchronous_mode(scripted):
    scripted.answer(chunked(b"one\nt", b"wo"))
    with HttpClient(autoload=False, plugins=["bodies"]) as client:
        assert list(client.get(scripted.url(), stream=True).raw.iter_lines()) == ["one", "two"]


async def test_lines_are_taken_once(client, scripted):
    scripted.answer(response(b"one\n"))
    answer = await client.get(scripted.url(), stream=True)
    lines = answer.raw.iter_lines()
    assert [line async for line in lines] == ["one"]
    with pytest.raises(StreamConsumedError):
        await anext(aiter(lines))
    with pytest.raises(StreamConsumedError):
        await answer.raw.read()


@pytest.mark.parametrize(("body", "error"), [(b"\xff", UnicodeDecodeError), (b"x" * 100, BodyTooLarge)])
async def test_line_that_cannot_be_given_ends_the_exchange(client, scripted, body, error):
    scripted.answer(Script(head(200, [("Content-Length", "1000")])).send(body + b"\n").stall())
    ended = []
    answer = await client.get(scripted.url(), stream=True, post_request=lambda response, exc: ended.append(exc))
    with pytest.raises(error) as caught:
        async for _line in answer.raw.iter_lines(limit=10):
            pass
    assert ended == [caught.value]
    assert answer.connection is None
    await is_free(client, scripted)


async def test_endless_line_takes_bounded_memory(client, make_scripted):
    server = make_scripted(strict=False)

    async def send(reader, writer, request):
        writer.write(head(200))
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    server.answer(send)
    answer = await client.get(server.url(), stream=True)
    tracemalloc.start()
    try:
        async with asyncio.timeout(20):
            with pytest.raises(BodyTooLarge, match="limit=16777216"):
                await anext(aiter(answer.raw.iter_lines()))
        assert tracemalloc.get_traced_memory()[1] < 40 * 1024 * 1024
    finally:
        tracemalloc.stop()
    await is_free(client, server)


async def test_for_without_async_in_a_running_loop_is_an_error_and_no_endless_loop(client, scripted):
    scripted.answer(response(b"body"))
    async with await client.get(scripted.url(), stream=True) as answer:
        with pytest.raises(RuntimeError, match="async for"):
            iter(answer.raw.iter_lines())
        assert await answer.raw.read() == b"body"  # nothing was taken


@pytest.mark.parametrize(("label", "codec"), [("x-sjis", "cp932"), ("gb2312", "gb18030"), ("nonsense", "utf-8")])
async def test_lines_are_decoded_by_the_label(client, scripted, label, codec):
    text = "abc日本"
    fields = [("Content-Type", f"text/plain; charset={label}")]
    scripted.always(response(text.encode(codec), headers=fields))
    answer = await client.get(scripted.url(), stream=True)
    assert [line async for line in answer.raw.iter_lines()] == [text]


async def test_encoding_that_is_set_goes_before_the_servers(client, scripted):
    scripted.always(response("ü\n".encode("latin-1"), headers=[("Content-Type", "text/plain; charset=utf-8")]))
    answer = await client.get(scripted.url())
    answer.encoding = "latin-1"
    assert [line async for line in answer.raw.iter_lines()] == ["ü"]


@pytest.mark.parametrize("label", ["nonsense", "punycode", "utf-7"])
async def test_encoding_that_is_not_a_charset_is_an_error(client, scripted, label):
    scripted.answer(response(b"[1]"))
    answer = await client.get(scripted.url())
    answer.encoding = label
    with pytest.raises(LookupError):
        answer.raw.iter_lines()


@pytest.mark.parametrize("label", ["punycode", "idna", "utf-7"])
async def test_label_of_the_peer_cannot_choose_a_decoder_of_quadratic_time(client, scripted, label):
    body = b"+" + b"a" * 1_000_000  # punycode took minutes to decode it
    scripted.always(response(body, headers=[("Content-Type", f"text/plain; charset={label}")]))
    began = time.process_time()
    answer = await client.get(scripted.url(), stream=True)
    assert [len(line) async for line in answer.raw.iter_lines()] == [len(body)]
    assert time.process_time() - began < 5


async def test_line_that_ends_in_cr_is_returned_at_once(client, scripted):
    scripted.answer(Script(head(200)).send(b"one\r").until_read().stall())
    async with await client.get(scripted.url(), stream=True, timeout=10) as answer:
        async for line in answer.raw.iter_lines():
            assert line == "one"
            break


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"])
async def test_lines_cannot_be_copied(client, scripted, copied):
    scripted.answer(response(b"x"))
    lines = (await client.get(scripted.url())).raw.iter_lines()
    with pytest.raises(TypeError, match=r"cannot be copied or pickled: .*copy the lines"):
        copied(lines)
