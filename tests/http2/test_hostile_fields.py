"""Heads, trailers and lengths that RFC 9113, section 8 calls malformed, and field blocks that HPACK (RFC 7541) does not allow."""

from __future__ import annotations

import pytest
from hpack import Encoder

from hookline_testing.http2 import (
    Flag,
    FrameType,
    Setting,
    encode_integer,
    field_block,
    frame,
    indexed,
    literal,
    table_size,
)
from kit.http2_cases import (
    CLIENT_TIMEOUT,
    Case,
    connection_error,
    run_case,
    steps,
    stream_error,
    survived,
    then_hello,
)

STATUS = (":status", "200")
END = Flag.END_HEADERS | Flag.END_STREAM


def head(*fields, ends=False):
    return lambda s, n: s.head_of(n, fields, ends=ends)


def block(data, flags=END):
    """Send this field block as a head."""
    return lambda s, n: s.frame(FrameType.HEADERS, flags, n, data)


def malformed(*fields, **more):
    return stream_error(head(*fields), "malformed", **more)


def continued(data, size):
    """Send a field block in frames of `size` bytes."""

    def script(s, n):
        first, *others = [data[begin : begin + size] for begin in range(0, len(data), size)]
        s.frame(FrameType.HEADERS, Flag.END_STREAM, n, first)
        for piece in others:
            s.frame(FrameType.CONTINUATION, 0, n, piece)
        s.frame(FrameType.CONTINUATION, Flag.END_HEADERS, n)

    return script


HEADS = {
    "no field at all": stream_error(block(b""), "malformed"),
    "no status": malformed(("a", "b")),
    "two statuses": malformed(STATUS, STATUS),
    "two different statuses": malformed(STATUS, (":status", "404")),
    "status behind a field": malformed(("a", "b"), STATUS),
    "status of no digit": malformed((":status", "")),
    "status of one digit": malformed((":status", "2")),
    "status of two digits": malformed((":status", "42")),
    "status of four digits": malformed((":status", "1000")),
    "status of many digits": malformed((":status", "2" * 5000)),
    "status 99": malformed((":status", "099")),
    "status 000": malformed((":status", "000")),
    "status with a sign": malformed((":status", "+20")),
    "status with a space": malformed((":status", "20 ")),
    "status with a reason": malformed((":status", "200 OK")),
    "status of letters": malformed((":status", "abc")),
    "status of other digits": malformed((":status", "２００")),
    "status 101": malformed((":status", "101")),
    "status 999": survived(steps(head((":status", "999")), lambda s, n: s.data(n, b"hello", ends=True)), status=999),
    "method": malformed(STATUS, (":method", "GET")),
    "path": malformed(STATUS, (":path", "/")),
    "scheme": malformed(STATUS, (":scheme", "https")),
    "authority": malformed(STATUS, (":authority", "localhost")),
    "protocol": malformed(STATUS, (":protocol", "websocket")),
    "unknown pseudo-field": malformed(STATUS, (":odd", "1")),
    "colon alone": malformed(STATUS, (":", "1")),
    "name in upper case": malformed(STATUS, ("X-A", "b")),
    "name with a capital at its end": malformed(STATUS, ("x-A", "b")),
    "empty name": malformed(STATUS, ("", "b")),
    "colon within a name": malformed(STATUS, ("a:b", "c")),
    "space in a name": malformed(STATUS, ("x y", "b")),
    "tab in a name": malformed(STATUS, ("x\ty", "b")),
    "NUL in a name": malformed(STATUS, ("x\0y", "b")),
    "CR in a name": malformed(STATUS, ("x\ry", "b")),
    "LF in a name": malformed(STATUS, ("x\ny", "b")),
    "line end in a name": malformed(STATUS, ("x: y\r\nset-cookie", "b")),
    "DEL in a name": malformed(STATUS, ("x\x7f", "b")),
    "byte above ASCII in a name": malformed(STATUS, (b"x\xe9", "b")),
    "delimiter in a name": malformed(STATUS, ('x"y', "b")),
    "NUL in a value": malformed(STATUS, ("a", "b\0c")),
    "CR in a value": malformed(STATUS, ("a", "b\rc")),
    "LF in a value": malformed(STATUS, ("a", "b\nc")),
    "line end in a value": malformed(STATUS, ("a", "b\r\nset-cookie: c=d")),
    "control character in a value": malformed(STATUS, ("a", "b\x01c")),
    "DEL in a value": malformed(STATUS, ("a", "b\x7f")),
    "space before a value": malformed(STATUS, ("a", " b")),
    "space behind a value": malformed(STATUS, ("a", "b ")),
    "tab before a value": malformed(STATUS, ("a", "\tb")),
    "tab behind a value": malformed(STATUS, ("a", "b\t")),
    "value that is a space": malformed(STATUS, ("a", " ")),
    "connection": malformed(STATUS, ("connection", "close")),
    "connection that is empty": malformed(STATUS, ("connection", "")),
    "keep-alive": malformed(STATUS, ("keep-alive", "timeout=5")),
    "proxy-connection": malformed(STATUS, ("proxy-connection", "keep-alive")),
    "transfer-encoding": malformed(STATUS, ("transfer-encoding", "chunked")),
    "transfer-encoding identity": malformed(STATUS, ("transfer-encoding", "identity")),
    "upgrade": malformed(STATUS, ("upgrade", "h3")),
    "te": malformed(STATUS, ("te", "gzip")),
    "tab and bytes above ASCII within a value": survived(
        steps(head(STATUS, ("a", b"b\tc\xe9")), lambda s, n: s.data(n, b"hello", ends=True))
    ),
    "empty value": survived(steps(head(STATUS, ("a", "")), lambda s, n: s.data(n, b"hello", ends=True))),
    "1,800 fields": survived(continued(field_block([STATUS, *[("a", "b")] * 1800]), 16384), content=b""),
    "head of almost 64 KiB in 60 pieces": survived(
        continued(field_block([STATUS, *[("a", "b" * 1000)] * 60]), 1040), content=b""
    ),
    "head of empty pieces": survived(
        steps(
            lambda s, n: s.frame(FrameType.HEADERS, Flag.END_STREAM, n),
            lambda s, n: s.frame(FrameType.CONTINUATION, 0, n),
            lambda s, n: s.frame(FrameType.CONTINUATION, 0, n, field_block([STATUS])),
            lambda s, n: s.frame(FrameType.CONTINUATION, Flag.END_HEADERS, n),
        ),
        content=b"",
    ),
    "head in pieces of one byte": survived(continued(field_block([STATUS, ("a", "b")]), 1), content=b""),
    "malformed head in pieces": stream_error(continued(field_block([STATUS, ("A", "b")]), 5), "malformed"),
    "malformed head that ends the stream": stream_error(head(STATUS, ("A", "b"), ends=True), "malformed"),
    "malformed head, and a body behind it": stream_error(
        steps(head(STATUS, ("A", "b")), lambda s, n: s.data(n, b"x" * 1000, ends=True)), "malformed"
    ),
}


def trailers(*fields, flags=END):
    """A response with these trailers."""
    return steps(
        lambda s, n: s.head_of(n, [STATUS]),
        lambda s, n: s.data(n, b"hello"),
        lambda s, n: s.frame(FrameType.HEADERS, flags, n, field_block(fields)),
    )


TRAILERS = {
    "good": survived(trailers(("x-sum", "6"))),
    "none in the block": survived(trailers()),
    "status": stream_error(trailers(STATUS), "malformed"),
    "path": stream_error(trailers((":path", "/")), "malformed"),
    "pseudo-field behind a field": stream_error(trailers(("a", "b"), STATUS), "malformed"),
    "name in upper case": stream_error(trailers(("X-A", "b")), "malformed"),
    "empty name": stream_error(trailers(("", "b")), "malformed"),
    "connection field": stream_error(trailers(("connection", "close")), "malformed"),
    "transfer-encoding": stream_error(trailers(("transfer-encoding", "chunked")), "malformed"),
    "line end": stream_error(trailers(("a", "b\nc")), "malformed"),
    "NUL": stream_error(trailers(("a", "b\0c")), "malformed"),
    "without END_STREAM": stream_error(trailers(("a", "b"), flags=Flag.END_HEADERS), "malformed"),
    "status without END_STREAM": stream_error(trailers(STATUS, flags=Flag.END_HEADERS), "malformed"),
    "interim head amid the body": stream_error(trailers((":status", "103"), flags=Flag.END_HEADERS), "malformed"),
    "straight behind the head": survived(
        steps(lambda s, n: s.head_of(n, [STATUS]), lambda s, n: s.trailers(n, ("a", "b"))), content=b""
    ),
    "with a length that did not come": stream_error(
        steps(lambda s, n: s.head_of(n, [STATUS, ("content-length", "9")]), lambda s, n: s.trailers(n, ("a", "b"))),
        "malformed|Content-Length",
    ),
    "too large": connection_error(
        steps(head(STATUS), continued(field_block([("a", "b" * 4000)] * 20), 16384)), "HTTP/2"
    ),
}


def sized(length, body, status="200", ends=True):
    """A response with this Content-Length, or these, and this body; None = it ends with its head."""
    lengths = [length] if isinstance(length, str) else length
    fields = [(":status", status), *(("content-length", each) for each in lengths)]

    def script(s, n):
        s.head_of(n, fields, ends=body is None)
        if body is not None:
            s.data(n, body, ends=ends)

    return script


LENGTHS = {
    "shorter body": stream_error(sized("6", b"hello"), "malformed|Content-Length"),
    "no body": stream_error(sized("5", None), "malformed|Content-Length"),
    "empty body": stream_error(sized("5", b""), "malformed|Content-Length"),
    "longer body": stream_error(sized("4", b"hello"), "malformed|Content-Length"),
    "longer body that does not end": stream_error(sized("4", b"hello", ends=False), "malformed|Content-Length"),
    "body for a length of 0": stream_error(sized("0", b"x"), "malformed|Content-Length"),
    "twice, different": stream_error(sized(["5", "6"], b"hello"), "malformed"),
    "twice, the same": stream_error(sized(["5", "5"], b"hello"), "malformed"),
    "list": stream_error(sized("5, 5", b"hello"), "malformed"),
    "negative": stream_error(sized("-5", b"hello"), "malformed"),
    "with a plus": stream_error(sized("+5", b"hello"), "malformed"),
    "empty": stream_error(sized("", b"hello"), "malformed"),
    "in hexadecimal": stream_error(sized("0x5", b"hello"), "malformed"),
    "with a fraction": stream_error(sized("5.0", b"hello"), "malformed"),
    "with a space": stream_error(sized("5 ", b"hello"), "malformed"),
    "of 20 digits": stream_error(sized("9" * 20, b"hello"), "malformed"),
    "of 2**63": stream_error(sized(str(2**63), b"hello"), "malformed|Content-Length"),
    "of 5,000 digits": stream_error(sized("1" * 5000, b"hello"), "malformed"),
    "with zeros before it": survived(sized("0005", b"hello")),
    "of HEAD": survived(sized("5", None), method="HEAD", content=b""),
    "of HEAD, malformed": stream_error(sized("x", None), "malformed", method="HEAD"),
    "body for HEAD": stream_error(sized("5", b"hello"), "malformed|body", method="HEAD"),
    "empty body for HEAD": survived(sized("5", b""), method="HEAD", content=b""),
    "of 304": survived(sized("5", None, "304"), status=304, content=b""),
    "body of 304": stream_error(sized("5", b"hello", "304"), "malformed|body"),
    "body of 204": stream_error(sized([], b"hello", "204"), "malformed|body"),
    "of 204": stream_error(sized("5", None, "204"), "malformed"),
    "0 of 204": survived(sized("0", None, "204"), status=204, content=b""),
    "204 whose empty body comes later": survived(sized([], b"", "204"), status=204, content=b""),
}


def interim(number):
    return frame(FrameType.HEADERS, Flag.END_HEADERS, number, field_block([(":status", "103")]))


INTERIM = {
    "several": survived(then_hello(*[head((":status", "103"), ("link", "<x>"))] * 5)),
    "100 without a body": survived(then_hello(head((":status", "100")))),
    "102": survived(then_hello(head((":status", "102")))),
    "199": survived(then_hello(head((":status", "199")))),
    "101 among them": stream_error(then_hello(head((":status", "103")), head((":status", "101"))), "malformed"),
    "that ends the stream": stream_error(head((":status", "103"), ends=True), "malformed"),
    "without end": stream_error(lambda s, n: s.flood(interim(n), 2000), "interim"),
    "with a length": stream_error(head((":status", "103"), ("content-length", "5")), "malformed"),
    "malformed": stream_error(head((":status", "103"), ("A", "b")), "malformed"),
    "data behind it": stream_error(
        steps(head((":status", "103")), lambda s, n: s.data(n, b"x", ends=True)), "malformed|before"
    ),
    "and then the stream ends": stream_error(
        steps(head((":status", "103")), lambda s, n: s.data(n, b"", ends=True)), "malformed|before"
    ),
}


def forget_table(size):
    """Begin with an empty table, as the client has done. size: bytes that the table may have."""

    def script(s, n):
        s.encoder = Encoder()
        s.encoder.header_table_size = size

    return script


LARGE = literal("a", "b" * 3900, adds=True)
COMPRESSION = {
    "index 0": connection_error(block(indexed(0)), "HTTP/2"),
    "index behind the static table": connection_error(block(indexed(70)), "HTTP/2"),
    "index far behind the tables": connection_error(block(indexed(10**6)), "HTTP/2"),
    "name out of the tables": connection_error(block(literal(70, "x")), "HTTP/2"),
    "size of the table that is too large": connection_error(block(table_size(4097) + indexed(8)), "HTTP/2"),
    "size of the table that is huge": connection_error(block(table_size(2**31) + indexed(8)), "HTTP/2"),
    "size of the table behind a field": connection_error(block(indexed(8) + table_size(0)), "HTTP/2"),
    "size of the table between fields": connection_error(
        block(indexed(8) + table_size(100) + literal("a", "b")), "HTTP/2"
    ),
    "size of the table of 0": survived(steps(block(table_size(0) + indexed(8)), forget_table(0)), content=b""),
    "size of the table twice": survived(
        steps(block(table_size(0) + table_size(4096) + indexed(8)), forget_table(4096)), content=b""
    ),
    "field that the table has lost": connection_error(
        block(literal("a", "b", adds=True) + table_size(0) + indexed(8) + indexed(62)), "HTTP/2"
    ),
    "integer without end": connection_error(block(b"\xff" * 20), "HTTP/2"),
    "integer that overflows": connection_error(block(encode_integer(2**64, 7, 0x80)), "HTTP/2"),
    "integer that is cut": connection_error(block(indexed(8) + b"\xff\x80"), "HTTP/2"),
    "length of a text that is cut": connection_error(block(indexed(8) + b"\0\x7f"), "HTTP/2"),
    "text that is cut": connection_error(block(indexed(8) + b"\0\x05abc"), "HTTP/2"),
    "value that is missing": connection_error(block(indexed(8) + b"\0\x01a"), "HTTP/2"),
    "text whose length overflows": connection_error(
        block(indexed(8) + b"\0" + encode_integer(2**40, 7) + b"abc"), "HTTP/2"
    ),
    "padding of Huffman of 8 bits": connection_error(block(indexed(8) + b"\0\x01a\x82\x1f\xff"), "HTTP/2"),
    "padding of Huffman of zeros": connection_error(block(indexed(8) + b"\0\x01a\x81\x18"), "HTTP/2"),
    "end of string in Huffman": connection_error(block(indexed(8) + b"\0\x01a\x84\xff\xff\xff\xff"), "HTTP/2"),
    "names by Huffman": survived(block(indexed(8) + b"\0\x81\x1f\x81\x1f"), content=b""),
    "list over the limit": connection_error(
        continued(field_block([STATUS, *[("a", "b" * 8000)] * 9]), 16384), "HTTP/2"
    ),
    "list of empty fields over the limit": connection_error(
        continued(field_block([STATUS, *[("a", "")] * 2100]), 16384), "HTTP/2"
    ),
    "bomb of references": connection_error(block(indexed(8) + LARGE + indexed(62) * 8000), "HTTP/2"),
    "bomb of large references in 10 MB": connection_error(block(indexed(8) + LARGE + indexed(62) * 2600), "HTTP/2"),
    "bomb in trailers": connection_error(steps(head(STATUS), block(LARGE + indexed(62) * 8000)), "HTTP/2"),
    "error in a head for a stream that is over": connection_error(
        steps(lambda s, n: s.frame(FrameType.HEADERS, END, 1, indexed(0))), "HTTP/2"
    ),
}

TABLES = {
    "head": HEADS, "trailers": TRAILERS, "length": LENGTHS, "interim": INTERIM, "compression": COMPRESSION,
}  # fmt: skip
CASES: dict[str, Case] = {f"{table}: {name}": case for table, cases in TABLES.items() for name, case in cases.items()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_hostile_fields(make_client, make_server, engine, case):
    server = await make_server(tls=False, settings=case.settings)
    await run_case(make_client(http2="prior-knowledge", timeout=CLIENT_TIMEOUT), server, case, engine)


async def test_limits_are_announced(client, server):
    await client.get(server.url())
    announced = server.sessions[0].client_settings
    assert (announced[Setting.MAX_HEADER_LIST_SIZE], announced[Setting.ENABLE_PUSH]) == (64 * 1024, 0)
