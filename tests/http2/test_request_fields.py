"""What HTTP/2 sends as the fields of a request: nothing that RFC 9113, section 8 forbids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline import LocalProtocolError
from hookline_http2.options import as_priority
from hookline_http2.request_fields import ends_connection, request_fields
from hookline_http2.response_fields import CONNECTION_FIELDS, fault_in


def sent(*lines, first="GET /a?b=c HTTP/1.1", **options):
    """The fields of a request with these lines, as text, behind the four pseudo-fields."""
    head = "\r\n".join([first, "Host: example.com:81", *lines, "", ""]).encode("latin-1")
    return [(field.name.decode(), field.value.decode("latin-1")) for field in request_fields(head, "https", **options)]


def test_pseudo_fields_come_first():
    assert sent("A: b") == [
        (":method", "GET"), (":scheme", "https"), (":authority", "example.com:81"), (":path", "/a?b=c"), ("a", "b"),
    ]  # fmt: skip


LINES = {
    "names are in lower case": (["X-Upper-CASE: Value"], [("x-upper-case", "Value")]),
    "empty value": (["A:", "B: "], [("a", ""), ("b", "")]),
    "colons in values": (["A: b: c"], [("a", "b: c")]),
    "spaces at the edges of values": (["A:   b c \t"], [("a", "b c")]),
    "order and repetitions": (["B: 1", "A: 2", "B: 3"], [("b", "1"), ("a", "2"), ("b", "3")]),
    "fields of the connection": (
        ["Connection: keep-alive", "Keep-Alive: 5", "Proxy-Connection: x", "Upgrade: h2c", "HTTP2-Settings: x", "A: b"],
        [("a", "b")],
    ),
    "fields that Connection names": (["Connection: X-Hop, close", "X-Hop: 1", "A: b"], [("a", "b")]),
    "Transfer-Encoding": (["Transfer-Encoding: chunked"], []),
    "Content-Length": (["Content-Length: 5"], [("content-length", "5")]),
    "TE with trailers": (["TE: gzip, Trailers"], [("te", "trailers")]),
    "TE without trailers": (["TE: gzip"], []),
    "Expect": (["Expect: 100-continue"], [("expect", "100-continue")]),
    "cookies": (["Cookie: a=1; b=2;c=3; ; d=4"], [("cookie", "a=1"), ("cookie", "b=2;c=3"), ("cookie", "d=4")]),
    "bytes outside ASCII": (["A: \xe9"], [("a", "\xe9")]),
}


@pytest.mark.parametrize(("lines", "expected"), LINES.values(), ids=LINES)
def test_fields(lines, expected):
    assert sent(*lines)[4:] == expected


def test_credentials_enter_no_table():
    long, short = "s=" + "x" * 30, "t=1"
    lines = ["Authorization: Basic eA==", "X-Key: 1", "Accept: */*", f"Cookie: {long}; {short}"]
    head = "\r\n".join(["GET / HTTP/1.1", "Host: a", *lines, "", ""]).encode()
    found = request_fields(head, "https", {"authorization", "x-key", "cookie"})
    assert {field.value.decode() for field in found if field.is_secret} == {"Basic eA==", "1", short}


def test_asterisk_form():
    assert sent(first="OPTIONS * HTTP/1.1")[3] == (":path", "*")


@pytest.mark.parametrize("first", ["CONNECT example.com:443 HTTP/1.1", "GET http://example.com/ HTTP/1.1"])
def test_what_http_2_cannot_send(first):
    with pytest.raises(LocalProtocolError, match=r"version='HTTP/1\.1'"):
        sent(first=first)


NAMES = st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=12)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20)
SPECIAL = st.sampled_from(
    ["Connection", "TE", "Upgrade", "Keep-Alive", "Transfer-Encoding", "Cookie", "Proxy-Connection"]
)


@given(st.lists(st.tuples(NAMES | SPECIAL, VALUES), max_size=8))
def test_nothing_invalid_goes_out(fields):
    found = sent(*(f"{name}: {value}" for name, value in fields if name.lower() != "host"))
    assert [name for name, _ in found[:4]] == [":method", ":scheme", ":authority", ":path"]
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in found[4:]]
    assert fault_in(((b":status", b"200"), *pairs), is_trailer=False) is None
    assert CONNECTION_FIELDS.isdisjoint(name for name, _ in pairs)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Connection: close", True),
        ("connection: a, CLOSE", True),
        ("Connection: keep-alive", False),
        ("X: close", False),
    ],
)
def test_connection_close_is_recognized(line, expected):
    assert ends_connection(f"GET / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n".encode()) is expected


async def test_fields_on_the_wire(make_client, server):
    client = make_client(headers={"X-Key": "abc", "Connection": "keep-alive"})
    await client.post(server.url("/echo"), data=b"x", headers={"Authorization": "Basic eA==", "TE": "trailers"})
    (request,) = server.requests
    names = [name for name, _ in request.fields]
    assert names[:4] == [":method", ":scheme", ":authority", ":path"]
    assert all(name == name.lower() for name in names)
    assert {"connection", "host", "transfer-encoding"}.isdisjoint(names)
    assert (request["te"], request["content-length"], request["x-key"]) == ("trailers", "1", "abc")
    assert request.never_indexed == {"authorization"}


async def test_host_of_the_user_is_the_authority(client, server):
    await client.get(server.url(), headers={"Host": "other.example"})
    assert server.requests[0][":authority"] == "other.example"


async def test_request_that_http_2_cannot_send_leaves_the_connection_in_order(client, server):
    await client.get(server.url())
    with pytest.raises(LocalProtocolError):
        await client.request("CONNECT", server.url())
    assert (await client.get(server.url())).ok
    assert (server.connections, client.stats().streams) == (1, 0)


PRIORITIES = [
    (0, "u=0"),
    (7, "u=7"),
    ("u=1, i", "u=1, i"),
    ("u=1,i=?0", "u=1, i=?0"),
    ("i", "i"),
    ("x-ext=5;a=b", "x-ext=5;a=b"),
]


@pytest.mark.parametrize(("value", "expected"), PRIORITIES)
def test_priority_values(value, expected):
    assert as_priority(value) == expected


@pytest.mark.parametrize("value", [-1, 8, "", "u=8", "u=1\r\nx: y", "U=1", "é", "u=1,,i", True, 1.5, None])
def test_wrong_priorities(value):
    with pytest.raises((TypeError, ValueError), match="urgency"):
        as_priority(value)


async def test_priority_of_a_call_and_of_the_client(make_client, server):
    client = make_client(priority=5)
    await client.get(server.url())
    await client.get(server.url(), priority="u=0, i")
    await client.get(server.url(), headers={"Priority": "u=2"})
    assert [request["priority"] for request in server.requests] == ["u=5", "u=0, i", "u=2"]


@pytest.mark.parametrize("size", [20_000, 100_000])
async def test_head_that_is_larger_than_a_frame(client, server, size):
    await client.get(server.url(), headers={"X-Large": "x" * size})
    assert server.requests[0]["x-large"] == "x" * size
    assert (await client.get(server.url())).ok
