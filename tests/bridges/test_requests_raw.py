"""`response.raw` over Hookline: reads of any size, streams, iterators, and what is released when."""

from __future__ import annotations

import gzip
import io
import itertools
from collections.abc import Callable
from typing import Any

import pytest
import requests
from urllib3.exceptions import ResponseNotChunked

from hookline_bridges.requests.raw_response import BodyFile
from hookline_testing.server import Gate, Script, ScriptedServer, chunked, head, response

BODY = bytes(range(256)) * 4096  # 1 MiB


class Parts:
    """A body that comes in these parts; the last one comes with its end."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = list(parts)
        self.was_abandoned = False

    @property
    def is_over(self) -> bool:
        return not self.parts

    def next_pieces(self) -> list[bytes]:
        taken, self.parts = self.parts[:2], self.parts[2:]
        return taken

    def abandon(self) -> None:
        self.was_abandoned, self.parts = True, []


SIZES = [1, 2, 3, 5, 8, 100]


@pytest.mark.parametrize("amt", SIZES)
@pytest.mark.parametrize("cut", SIZES)
def test_file_reads_exactly_as_much_as_was_asked_for(cut: int, amt: int) -> None:
    body = bytes(range(20))
    pieces = [body[at : at + cut] for at in range(0, len(body), cut)]
    for come in range(2):
        file = BodyFile(pieces[0] if come else b"", Parts(*pieces[come:]))
        found = []
        while not file.closed:
            found.append(file.read(amt))
        assert found == [body[at : at + amt] for at in range(0, len(body), amt)]
        assert file.read(amt) == file.read() == file.read1() == b""


def test_file_reads_what_has_come_or_all() -> None:
    assert BodyFile(b"ab", Parts(b"cd", b"e")).read() == b"abcde"
    assert BodyFile(b"ab", Parts(b"cd", b"e")).read(-1) == b"abcde"
    file = BodyFile(b"", Parts(b"abc", b"d"))
    assert [file.read1(2), file.read1(9), file.read(0), file.read1(0), file.read1(), file.read1()] == [
        b"ab", b"c", b"", b"", b"d", b"",
    ]  # fmt: skip
    assert file.closed
    assert BodyFile(b"", Parts()).isclosed()


def test_file_that_is_closed_reads_nothing_more() -> None:
    parts = Parts(b"cd")
    file = BodyFile(b"ab", parts)
    assert file.read(1) == b"a"
    file.close()
    assert (file.read(), file.read1(), file.closed, parts.was_abandoned) == (b"", b"", True, True)


def iter_content(got: requests.Response) -> bytes:
    return b"".join(got.iter_content(777))


def iter_whole_pieces(got: requests.Response) -> bytes:
    return b"".join(got.iter_content(None))


def iter_lines(got: requests.Response) -> bytes:
    return b"\n".join(got.iter_lines(delimiter=b"\n"))


def raw_read(got: requests.Response) -> bytes:
    return b"".join(iter(lambda: got.raw.read(1000, decode_content=True), b""))


def raw_read_all(got: requests.Response) -> bytes:
    data: bytes = got.raw.read(decode_content=True)
    return data


def raw_stream(got: requests.Response) -> bytes:
    return b"".join(got.raw.stream(5000, decode_content=True))


def raw_read1(got: requests.Response) -> bytes:
    return b"".join(iter(lambda: got.raw.read1(1000, decode_content=True), b""))


def buffered(got: requests.Response) -> bytes:
    got.raw.decode_content = True
    return io.BufferedReader(got.raw).read()


READERS = [iter_content, iter_whole_pieces, iter_lines, raw_read, raw_read_all, raw_stream, raw_read1, buffered]


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
@pytest.mark.parametrize("is_coded", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_every_way_to_read_gives_the_same_body(
    session: requests.Session,
    scripted: ScriptedServer,
    read: Callable[[requests.Response], bytes],
    is_coded: bool,
    framing: str,
) -> None:
    sent = gzip.compress(BODY) if is_coded else BODY
    fields = {"Content-Encoding": "gzip"} if is_coded else {}
    third = len(sent) // 3
    answers: dict[str, Any] = {
        "length": response(sent, headers=fields),
        "chunked": chunked(sent[:third], sent[third:], headers=fields),
        "close": Script(head(200, fields) + sent).close(),
    }
    scripted.answer(answers[framing])
    got = session.get(scripted.url(), stream=True)
    assert read(got) == BODY
    assert got.raw.closed or read is buffered
    assert got.raw.read() == b""


def test_raw_gives_the_coded_body_unless_it_is_told_to_decode(
    session: requests.Session, scripted: ScriptedServer
) -> None:
    coded = gzip.compress(b"text" * 1000)
    scripted.always(response(coded, headers={"Content-Encoding": "gzip"}))
    assert session.get(scripted.url(), stream=True).raw.read() == coded
    assert session.get(scripted.url(), stream=True).raw.read(4) == coded[:4]
    assert session.get(scripted.url(), stream=True).raw.data == coded


def test_pieces_are_yielded_as_they_come(session: requests.Session, scripted: ScriptedServer) -> None:
    gates = [Gate(), Gate()]
    script = Script(head(200, {"Transfer-Encoding": "chunked"}) + b"4\r\none\n\r\n").hold(gates[0])
    scripted.answer(script.send(b"4\r\ntwo\n\r\n").hold(gates[1]).send(b"0\r\n\r\n"))
    lines = session.get(scripted.url(), stream=True).iter_lines()
    assert next(lines) == b"one"  # it would wait for 512 bytes otherwise
    gates[0].open()
    assert next(lines) == b"two"
    gates[1].open()
    assert list(lines) == []


def test_reader_decides_how_fast_a_body_comes(session: requests.Session, scripted: ScriptedServer) -> None:
    sent = Gate()
    scripted.answer(Script(response(bytes(64 << 20))).signal(sent), response(b"other"))
    got = session.get(scripted.url(), stream=True)
    assert got.raw.read(10) == bytes(10)
    for _ in range(20):
        scripted.answer(response(b"other"))
        session.get(scripted.url())  # the loop has its turns
    assert not sent.is_open
    assert len(got.raw.read()) == (64 << 20) - 10
    sent.wait_for()


def test_read_chunked_is_for_chunked_bodies(session: requests.Session, scripted: ScriptedServer) -> None:
    scripted.answer(chunked(b"ab", b"c"), response(b"ab"))
    assert b"".join(session.get(scripted.url(), stream=True).raw.read_chunked()) == b"abc"
    raw = session.get(scripted.url(), stream=True).raw
    with pytest.raises(ResponseNotChunked):
        next(raw.read_chunked())


def test_connection_is_given_back_once_the_body_was_read(session: requests.Session, scripted: ScriptedServer) -> None:
    scripted.always(response(BODY))
    for _ in range(3):
        for _ in session.get(scripted.url(), stream=True).iter_content(100_000):
            pass
        raw = session.get(scripted.url(), stream=True).raw
        raw.drain_conn()
        assert raw.closed
    assert scripted.connections == 1


def end_by_close(got: requests.Response) -> None:
    got.close()


def end_by_raw_close(got: requests.Response) -> None:
    got.raw.close()


def end_by_with(got: requests.Response) -> None:
    with got:
        pass


def end_by_forgetting(got: requests.Response) -> None:
    got.raw = None


@pytest.mark.parametrize(
    "end", [end_by_close, end_by_raw_close, end_by_with, end_by_forgetting], ids=lambda end: end.__name__
)
def test_connection_is_closed_if_the_body_was_not_read(
    session: requests.Session, scripted: ScriptedServer, end: Callable[[requests.Response], None]
) -> None:
    scripted.answer(Script(head(200, {"Content-Length": "100"}) + b"x").stall())
    end(session.get(scripted.url(), stream=True))
    scripted.wait_for(closed=1)


def test_many_streams_are_open_at_once(session: requests.Session, scripted: ScriptedServer) -> None:
    """More than a pool of usual size: requests never waits for a connection."""
    scripted.always(response(BODY))
    open_streams = [session.get(scripted.url(), stream=True) for _ in range(30)]
    assert {len(got.content) for got in open_streams} == {len(BODY)}


@pytest.mark.parametrize("status", [204, 304])
def test_response_without_a_body_is_over_at_once(
    session: requests.Session, scripted: ScriptedServer, status: int
) -> None:
    scripted.answer(head(status))
    got = session.get(scripted.url(), stream=True)
    assert (got.raw.closed, got.content) == (True, b"")


def test_connection_tells_its_addresses(session: requests.Session, scripted: ScriptedServer) -> None:
    scripted.answer(response(BODY))
    with session.get(scripted.url(), stream=True) as got:
        assert got.raw.connection.sock.getpeername()[1] == scripted.port
        with pytest.raises(AttributeError, match="no getpeercert"):
            got.raw.connection.sock.getpeercert()


def test_cookies_are_seen_and_responses_without_any_cost_no_jar(
    session: requests.Session, scripted: ScriptedServer
) -> None:
    scripted.answer(response(headers=[("Set-Cookie", "a=1"), ("SET-COOKIE", "b=2")]), response(b"x"))
    first, second = session.get(scripted.url(), stream=True), session.get(scripted.url(), stream=True)
    assert first.raw._original_response.msg.get_all("set-cookie") == ["a=1", "b=2"]
    assert first.cookies.get_dict() == {"a": "1", "b": "2"}
    assert second.cookies.get_dict() == {}
    assert not second.raw._original_response
    assert second.raw._original_response.getheader("content-length") == "1"
    assert ("Content-Length", "1") in second.raw._original_response.getheaders()


def test_iter_content_can_be_repeated_only_of_a_whole_body(session: requests.Session, scripted: ScriptedServer) -> None:
    scripted.always(response(b"abc"))
    whole = session.get(scripted.url())
    assert [b"".join(whole.iter_content(2)) for _ in range(2)] == [b"abc", b"abc"]
    assert list(itertools.islice(whole.iter_content(2), 1)) == [b"ab"]
    stream = session.get(scripted.url(), stream=True)
    assert b"".join(stream.iter_content(2)) == b"abc"
    with pytest.raises(requests.exceptions.StreamConsumedError):
        stream.iter_content(2)
