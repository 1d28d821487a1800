"""Where a response ends: by its method, its status, its length, its chunks, or the end of the connection."""

import pytest

from hookline import HooklineError
from hookline.errors import BodyTooLarge, ConnectionClosed, RemoteProtocolError
from hookline_testing.server import chunked, head, response
from servers.fed import connect, feed, take

CUTS = ["whole", "bytes", 7, (-3,)]
cuts = pytest.mark.parametrize("cut", CUTS)


@cuts
async def test_length_delimits_the_body(cut):
    taken = take(response(b"hello world"), cut=cut)
    assert (taken.status, taken.reason, taken.body) == (200, "OK", b"hello world")
    assert taken.is_reusable


@cuts
async def test_length_of_zero_completes_at_the_head(cut):
    taken = take(response(b""), cut=cut)
    assert taken.connection.complete
    assert taken.body == b""
    assert taken.is_reusable


@cuts
@pytest.mark.parametrize(
    "fields", [[("Content-Length", "1000")], [("Transfer-Encoding", "chunked")], []], ids=["length", "chunked", "bare"]
)
async def test_head_is_complete_without_a_body(cut, fields):
    taken = take(head(200, fields), cut=cut, method="HEAD")
    assert taken.connection.complete
    assert taken.body == b""
    assert taken.is_reusable


@cuts
@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("fields", [[], [("Content-Length", "10")], [("Transfer-Encoding", "chunked")]])
async def test_bodyless_status_is_complete_at_the_head(cut, status, fields):
    taken = take(head(status, fields), cut=cut)
    assert taken.error is None
    assert taken.connection.complete
    assert taken.is_reusable


@cuts
async def test_chunks_are_joined(cut):
    taken = take(chunked(b"hello ", b"wide ", b"world"), cut=cut)
    assert taken.body == b"hello wide world"
    assert taken.is_reusable


@cuts
async def test_chunks_may_hold_what_looks_like_their_end(cut):
    body = b"\r\n\r\n0\r\n\r\n\r\n\r\n\r\n"
    taken = take(chunked(body, body), cut=cut)
    assert taken.body == body * 2
    assert taken.is_reusable


@cuts
async def test_chunk_extensions_are_passed_over(cut):
    raw = head(200, [("Transfer-Encoding", "chunked")]) + b'5;a=b;c="d"\r\nhello\r\n0;last\r\n\r\n'
    assert take(raw, cut=cut).body == b"hello"


@cuts
async def test_trailers_are_kept_apart_from_the_head(cut):
    raw = chunked(b"hello", headers=[("X-Head", "1")], trailers=[("X-Trailer", "2"), ("X-Head", "3")])
    taken = take(raw, cut=cut)
    assert taken.trailers == {"X-Trailer": "2", "X-Head": "3"}
    assert "X-Trailer" not in taken.headers
    assert taken.headers["X-Head"] == "1"
    assert taken.is_reusable


@cuts
async def test_end_of_the_connection_completes_a_body_without_framing(cut):
    taken = take(head(200) + b"until the end", cut=cut, eof=True)
    assert taken.error is None
    assert taken.connection.complete
    assert taken.body == b"until the end"
    assert not taken.is_reusable


@pytest.mark.parametrize("raw", [response(b"hello world")[:-1], chunked(b"hello")[:-1], chunked(b"hello")[:-9]])
@cuts
async def test_end_of_the_connection_cuts_a_framed_body(cut, raw):
    taken = take(raw, cut=cut, eof=True)
    assert isinstance(taken.error, ConnectionClosed)
    assert "body" in str(taken.error)


async def test_end_of_the_connection_names_the_missing_bytes():
    assert "4 bytes before the end" in str(take(response(b"hello")[:-4], eof=True).error)


@pytest.mark.parametrize(("raw", "what"), [(b"", "before the response"), (b"HTTP/1.1 200 O", "within the head")])
async def test_end_of_the_connection_before_the_head_names_it(raw, what):
    taken = take(raw, eof=True)
    assert isinstance(taken.error, ConnectionClosed)
    assert what in str(taken.error)


@cuts
@pytest.mark.parametrize(
    ("raw", "method"),
    [
        (response(b"one"), "GET"),
        (response(b""), "GET"),
        (chunked(b"one"), "GET"),
        (chunked(b"one", trailers=[("A", "b")]), "GET"),
        (head(204), "GET"),
        (head(304), "GET"),
        (head(200, [("Content-Length", "5")]), "HEAD"),
    ],
)
@pytest.mark.parametrize(
    "surplus",
    [
        response(b"two"),
        b"x",
        b"garbage without end",
        b"\r\n",
        b"\n",
        b"\r",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nmore",
    ],
    ids=["response", "byte", "garbage", "line", "lf", "cr", "upgrade"],
)
async def test_surplus_closes_the_connection_and_keeps_the_response(cut, raw, method, surplus):
    taken = take(raw + surplus, cut=cut, method=method)
    assert taken.error is None
    assert taken.connection.complete
    assert b"two" not in taken.body
    assert not taken.is_reusable


async def test_byte_on_an_idle_connection_closes_it():
    connection, transport = connect()
    connection.begin(type("A", (), {"_receive_head": lambda *a: False, "wants_interim": lambda s: False})())
    feed(connection, transport, response(b"one"))
    connection.end()
    assert connection.is_reusable

    feed(connection, transport, b"H")

    assert transport.is_closed
    assert not connection.is_reusable


@cuts
@pytest.mark.parametrize(
    ("fields", "version", "reusable"),
    [
        ([], "1.1", True),
        ([("Connection", "close")], "1.1", False),
        ([("Connection", "Close")], "1.1", False),
        ([("Connection", "keep-alive, close")], "1.1", False),
        ([("Connection", "x"), ("Connection", "close")], "1.1", False),
        ([], "1.0", False),
        ([("Connection", "keep-alive")], "1.0", True),
        ([("Connection", "Keep-Alive")], "1.0", True),
    ],
)
@pytest.mark.parametrize("framing", ["length", "zero", "204"])
async def test_connection_field_decides_over_reuse(cut, fields, version, reusable, framing):
    raws = {"length": response(b"hello", headers=fields), "zero": response(headers=fields), "204": head(204, fields)}
    raw = raws[framing]
    taken = take(raw.replace(b"HTTP/1.1", f"HTTP/{version}".encode()), cut=cut)
    assert taken.connection.complete
    assert taken.is_reusable is reusable


async def test_chunks_of_http_1_0_are_read_and_the_connection_is_closed():
    taken = take(chunked(b"hello", headers=[("Connection", "keep-alive")]).replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert taken.body == b"hello"
    assert not taken.is_reusable


@cuts
@pytest.mark.parametrize(
    "fields",
    [
        [("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
        [("Transfer-Encoding", "chunked"), ("Content-Length", "5")],
        [("Content-Length", "5"), ("Content-Length", "6")],
        [("Content-Length", "5, 6")],
        [("Content-Length", "+5")],
        [("Content-Length", "-5")],
        [("Content-Length", "0x5")],
        [("Content-Length", "5 5")],
        [("Content-Length", "")],
        [("Content-Length", "99999999999999999999999")],
        [("Transfer-Encoding", "chunked, chunked")],
        [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
        [("Transfer-Encoding", "gzip, chunked")],
        [("Transfer-Encoding", "chunked, gzip")],
        [("Transfer-Encoding", "identity")],
        [("Transfer-Encoding", "xchunked")],
        [("Transfer-Encoding", "")],
    ],
    ids=str,
)
async def test_framing_that_can_be_read_in_two_ways_is_refused(cut, fields):
    taken = take(head(200, fields) + b"5\r\nhello\r\n0\r\n\r\n", cut=cut)
    assert isinstance(taken.error, RemoteProtocolError)
    assert taken.transport.is_closed


@cuts
@pytest.mark.parametrize(
    "body", [b"x\r\n", b"5\nhello\r\n0\r\n\r\n", b"5\r\nhelloworld", b"-1\r\n", b" 5\r\nhello\r\n", b"\r\n\r\n"]
)
async def test_malformed_chunks_are_refused(cut, body):
    taken = take(head(200, [("Transfer-Encoding", "chunked")]) + body, cut=cut)
    assert isinstance(taken.error, RemoteProtocolError)
    assert taken.transport.is_closed


@cuts
@pytest.mark.parametrize("raw", [response(b"x" * 101), chunked(b"x" * 50, b"x" * 51), head(200) + b"x" * 101])
async def test_limit_of_the_body_ends_the_exchange(cut, raw):
    taken = take(raw, cut=cut, limit=100)
    assert isinstance(taken.error, BodyTooLarge)
    assert taken.transport.is_closed


@cuts
@pytest.mark.parametrize("raw", [response(b"x" * 100), chunked(b"x" * 50, b"x" * 50), head(200) + b"x" * 100])
async def test_limit_of_the_body_is_what_it_may_have(cut, raw):
    taken = take(head(103) * 5 + raw, cut=cut, limit=100, eof=True)
    assert taken.error is None
    assert len(taken.body) == 100


async def test_reads_stop_above_the_high_water_mark_and_go_on_when_taken():
    connection, transport = connect()
    receiver = type("A", (), {"_receive_head": lambda *a: True, "wants_interim": lambda s: False})()
    connection.begin(receiver)
    connection.continue_after_head(bounded=True)
    feed(connection, transport, head(200, [("Content-Length", str(10**9))]))

    feed(connection, transport, b"x" * (300 * 1024))
    assert not transport.reading
    connection.take_parts()

    assert transport.reading


def test_errors_are_of_the_tree():
    assert issubclass(RemoteProtocolError, HooklineError)
