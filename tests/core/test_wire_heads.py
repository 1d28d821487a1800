"""Response heads: what is one, what is none, how many, how long, however they are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline import field_octets
from hookline.errors import RemoteProtocolError
from hookline_testing.server import chunked, head, response
from servers.fed import take

cuts = pytest.mark.parametrize("cut", ["whole", "bytes", 5])
FINAL = response(b"final", headers=[("X-Final", "yes")])


@pytest.mark.parametrize("interim", [head(100), head(102), head(103, [("Link", "</a>")]), head(100) + head(103)])
@pytest.mark.parametrize("final", [FINAL, chunked(b"final", headers=[("X-Final", "yes")])])
async def test_interim_heads_are_passed_over_wherever_the_bytes_are_cut(interim, final):
    for at in range(len(interim + final)):
        taken = take(interim + final, cut=(at,))
        assert (taken.status, taken.body) == (200, b"final"), at
        assert "Link" not in taken.headers
        assert taken.is_reusable


@pytest.mark.parametrize("cut", ["whole", "bytes"])
async def test_interim_heads_are_shown_in_order(cut):
    taken = take(head(100) + head(103) + head(102) + FINAL, cut=cut, interim=True)
    assert taken.interims == [100, 103, 102]
    assert taken.body == b"final"


@cuts
async def test_interim_heads_have_a_limit(cut):
    taken = take(head(103) * 101 + FINAL, cut=cut)
    assert isinstance(taken.error, RemoteProtocolError)
    assert "100 interim" in str(taken.error)


async def test_interim_heads_up_to_the_limit_are_fine():
    assert take(head(103) * 100 + FINAL).body == b"final"


@pytest.mark.parametrize("at", [None, *range(0, 60, 3)])
async def test_switching_protocols_leaves_the_rest_alone(at):
    raw = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
    taken = take(raw + b"\x00HTTP\r\n\r\n", cut="whole" if at is None else (at, len(raw) + 2))
    assert taken.connection.upgraded
    assert taken.connection.leftover == b"\x00HTTP\r\n\r\n"
    assert not taken.is_reusable


@cuts
@pytest.mark.parametrize("fields", [[], [("Upgrade", "x")], [("Connection", "upgrade")]])
async def test_switching_protocols_without_saying_to_which_is_refused(cut, fields):
    assert "a 101 without Upgrade" in str(take(head(101, fields) + b"more", cut=cut).error)


@cuts
async def test_granted_connect_leaves_the_rest_alone(cut):
    taken = take(head(200, [("Content-Length", "3")]) + b"\x16\x03", cut=cut, method="CONNECT")
    assert taken.connection.upgraded
    assert taken.connection.leftover == b"\x16\x03"


async def test_refused_connect_has_a_body():
    taken = take(response(b"no", status=407), method="CONNECT")
    assert not taken.connection.upgraded
    assert taken.body == b"no"


@cuts
@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/0.9 200 OK\r\n\r\n",
        b"HTTP/1.2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1  200 OK\r\n\r\n",
        b"http/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 O\x1b[31mK\r\nContent-Length: 0\r\n\r\n",
        b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA\0: b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n A: b\r\n\r\n",
        b"HTTP/1.1 200 OK\rContent-Length: 0\r\r",
        b"HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n",
        b"<html>hello</html>\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
    ids=repr,
)
async def test_what_is_no_head_is_refused(cut, raw):
    taken = take(raw, cut=cut)
    assert isinstance(taken.error, RemoteProtocolError), taken.connection.head
    assert taken.transport.is_closed
    assert not taken.is_reusable


@pytest.mark.parametrize("cut", ["whole", "bytes"])
@pytest.mark.parametrize(
    "raw",
    [
        b"<html>",
        b"HTTP/2.0",
        b"HTTP/1.1x",
        b"HTTP/1.1 2000",
        b"HTTP/1.5 200 OK\r\n",
        b"\r\n",
        b"\0",
        b"HTTP/1.1 200 OK\r\nno colon\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x",
        b"HTTP/1.1 200 O\0",
    ],
    ids=repr,
)
async def test_what_never_becomes_a_head_is_refused_at_once(cut, raw):
    assert isinstance(take(raw, cut=cut).error, RemoteProtocolError)


async def test_refusal_shows_the_bytes_escaped_and_cut():
    error = take(b"\x1b[31m<html>" + b"x" * 5000 + b"\r\n\r\n").error
    assert "\\x1b" in str(error)
    assert len(str(error)) < 300


@pytest.mark.parametrize("line", [b"A: b\r\n", b"A: " + b"b" * 200 + b"\r\n", b"c" * 1000], ids=["many", "long", "one"])
async def test_head_without_end_is_refused(line):
    taken = take(b"HTTP/1.1 200 OK\r\n" + line * 10_000, cut=16_000)
    assert isinstance(taken.error, RemoteProtocolError)
    assert taken.fed <= 300 * 1024


@pytest.mark.parametrize("cut", ["whole", 4096])
@pytest.mark.parametrize(("fields", "fine"), [(999, True), (1000, True), (1001, False)])
async def test_head_has_a_limit_of_fields(cut, fields, fine):
    taken = take(head(204, [("A", "b")] * fields), cut=cut)
    assert (taken.error is None) is fine


@pytest.mark.parametrize("cut", ["whole", 65_536, 1000])
@pytest.mark.parametrize(("size", "fine"), [(250 * 1024, True), (257 * 1024, False)])
async def test_head_has_a_limit_of_bytes(cut, size, fine):
    taken = take(head(204, [("A", "b" * size)]), cut=cut)
    assert (taken.error is None) is fine


@pytest.mark.parametrize("cut", ["whole", 1000])
@pytest.mark.parametrize(
    ("trailers", "fine"),
    [
        ([("A", "b")] * 100, True),
        ([("A", "b")] * 101, False),
        ([("A", "b" * 60_000)], True),
        ([("A", "b" * 66_000)], False),
        ([("A", "b" * 300_000)], False),
    ],
    ids=["100", "101", "60k", "66k", "300k"],
)
async def test_trailers_have_limits(cut, trailers, fine):
    taken = take(chunked(b"hello", trailers=trailers), cut=cut)
    assert (taken.error is None) is fine


@pytest.mark.parametrize("cut", ["whole", 1000])
@pytest.mark.parametrize("extension", [b";" + b"a" * 100_000, b";a=b" * 25_000])
async def test_chunk_extensions_have_a_limit(cut, extension):
    raw = head(200, [("Transfer-Encoding", "chunked")]) + b"1" + extension + b"\r\nx\r\n0\r\n\r\n"
    assert isinstance(take(raw, cut=cut).error, RemoteProtocolError)


async def test_many_small_chunks_are_no_abuse():
    raw = chunked(*[b"x"] * 20_000)
    assert len(take(raw, cut=4096).body) == 20_000


async def test_reason_may_be_absent_or_not_ascii():
    assert take(b"HTTP/1.1 204\r\n\r\n").reason == ""
    assert take(b"HTTP/1.1 204 \r\n\r\n").reason == ""
    assert take("HTTP/1.1 204 Schön\r\n\r\n".encode("latin-1")).reason == "Schön"


async def test_fields_keep_their_bytes():
    taken = take(b"HTTP/1.1 204 OK\r\nA: \xe4\xff\r\nB:\t x \t\r\nC:\r\n\r\n")
    assert (taken.headers["A"], field_octets(taken.headers["A"])) == ("äÿ", b"\xe4\xff")
    assert taken.headers["B"] == "x"
    assert taken.headers["C"] == ""


async def _never_raises(raw, cut):
    taken = take(raw, cut=cut, eof=True)
    if taken.error is None:
        assert taken.connection.complete


@given(raw=st.binary(max_size=60), cut=st.sampled_from(["whole", "bytes"]))
def test_any_bytes_end_in_a_response_or_an_error_of_the_tree(raw, cut):
    _run(_never_raises(raw, cut))
    _run(_never_raises(b"HTTP/1.1 200 OK\r\n" + raw, cut))
    _run(_never_raises(head(200, [("Transfer-Encoding", "chunked")]) + raw, cut))


async def _same(raw, cut):
    whole, other = take(raw, eof=True), take(raw, cut=cut, eof=True)
    assert type(whole.error) is type(other.error)
    assert whole.body == other.body or whole.error is not None
    assert whole.is_reusable == other.is_reusable


@given(
    parts=st.lists(st.sampled_from([head(100), FINAL, chunked(b"a", b"b"), head(204), b"x", b"\r\n"]), max_size=4),
    cut=st.integers(1, 50),
)
def test_cuts_make_no_difference(parts, cut):
    _run(_same(b"".join(parts), cut))


def _run(coroutine):
    import asyncio

    with asyncio.Runner() as runner:
        runner.run(coroutine)
