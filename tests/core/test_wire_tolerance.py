"""What every other client takes, because no message ends elsewhere for it; and what stays refused beside it."""

import random

import pytest

from hookline.errors import RemoteProtocolError
from hookline_testing.server import Script, head, response
from servers.fed import connect, feed, take

pytestmark = pytest.mark.client(autoload=False)

CUTS = ["whole", "bytes", 7]
cuts = pytest.mark.parametrize("cut", CUTS)
CHUNKED = head(200, [("Transfer-Encoding", "chunked")])

# What comes, and the fields and the body in it.
TAKEN = {
    "lf": (b"HTTP/1.1 200 OK\nContent-Length: 5\nA: b\n\nhello", {"A": "b"}),
    "lf-and-body-of-lf": (b"HTTP/1.1 200 OK\nContent-Length: 5\nA: b\n\n\n\r\n\n\n", {"A": "b"}),
    "lf-behind-the-first-line": (b"HTTP/1.1 200 OK\nContent-Length: 5\r\nA: b\r\n\r\nhello", {"A": "b"}),
    "lf-behind-a-field": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\nA: b\r\n\r\nhello", {"A": "b"}),
    "lf-at-the-end": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\nhello", {"A": "b"}),
    "lf-before-the-end": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\n\r\nhello", {"A": "b"}),
    "lf-and-an-empty-line-in-the-body": (b"HTTP/1.1 200 OK\nContent-Length: 5\n\n\r\n\r\nx", {}),
    "fold-of-a-space": (b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 5\r\n\r\nhello", {"A": "b c"}),
    "fold-of-a-tab": (b"HTTP/1.1 200 OK\r\nA: b \t\r\n\t \tc \r\nContent-Length: 5\r\n\r\nhello", {"A": "b c"}),
    "folds": (b"HTTP/1.1 200 OK\r\nA:\r\n b\r\n c:d\r\n\te\r\nContent-Length: 5\r\n\r\nhello", {"A": "b c:d e"}),
    "fold-with-lf": (b"HTTP/1.1 200 OK\nA: b\n c\nContent-Length: 5\n\nhello", {"A": "b c"}),
    "fold-at-the-end": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n c\r\n\r\nhello", {"A": "b c"}),
    "control": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: \x01\x1b[31m\x7f\x0b\r\n\r\nhello", {"A": "\x01\x1b[31m\x7f\x0b"}),
    "control-in-a-fold": (b"HTTP/1.1 200 OK\r\nA: b\r\n \x0cc\r\nContent-Length: 5\r\n\r\nhello", {"A": "b \x0cc"}),
    "length-twice": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length:5 \r\n\r\nhello", {"Content-Length": "5"}),
    "length-thrice": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n" + b"Content-Length: 5\r\n" * 2 + b"\r\nhello", {}),
    "length-as-a-list": (b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5 ,5\r\n\r\nhello", {"Content-Length": "5"}),
    "interim": (b"HTTP/1.1 103 Early\nLink: a\n b\n\nHTTP/1.1 200 OK\nContent-Length: 5\nA: b\n\nhello", {"A": "b"}),
    "interim-alone": (b"HTTP/1.1 100 Continue\n\n" + response(b"hello"), {}),
    "chunked": (b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nA: b\n c\n\n5\r\nhello\r\n0\r\n\r\n", {"A": "b c"}),
    "chunk-size-and-space": (CHUNKED + b"5 \r\nhello\r\n0  \t\r\n\r\n", {}),
    "space-before-an-extension": (CHUNKED + b"5 ;a\r\nhello\r\n0\t;a=b\r\n\r\n", {}),
    "space-behind-a-semicolon": (CHUNKED + b"2; a\r\nhe\r\n3;\tb=c\r\nllo\r\n0; c\r\n\r\n", {}),
    "space-around-an-equals-sign": (CHUNKED + b'5;a = b ; c= "d;\\" " ;e =f \t\r\nhello\r\n0;a ;b\r\n\r\n', {}),
    "fold-in-a-trailer": (CHUNKED + b"5\r\nhello\r\n0\r\nA: b\r\n c\r\nD: e\r\n\r\n", {}),
    "control-in-a-trailer": (CHUNKED + b"5\r\nhello\r\n0\r\nB: c\r\nA: \x01\r\n\r\n", {}),
}  # fmt: skip
BODIES = {"lf-and-body-of-lf": b"\n\r\n\n\n", "lf-and-an-empty-line-in-the-body": b"\r\n\r\nx"}
taken = pytest.mark.parametrize("name", TAKEN)

REFUSED = {
    "cr-alone": b"HTTP/1.1 200 OK\rContent-Length: 5\r\r",
    "cr-in-a-value": b"HTTP/1.1 200 OK\nA: b\rContent-Length: 5\n\nhello",
    "cr-cr-lf": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\r\n\r\nhello",
    "cr-cr-lf-at-the-end": b"HTTP/1.1 200 OK\nContent-Length: 5\n\r\r\n\nhello",
    "nul-in-a-value": b"HTTP/1.1 200 OK\nA: b\0\n\n",
    "nul-in-a-fold": b"HTTP/1.1 200 OK\r\nA: b\r\n \0\r\n\r\n",
    "nul-in-a-name": b"HTTP/1.1 200 OK\nA\0: b\n\n",
    "control-in-a-name": b"HTTP/1.1 200 OK\nA\x01: b\n\n",
    "control-in-the-reason": b"HTTP/1.1 200 O\x01K\nContent-Length: 0\n\n",
    "lf-before-the-first-line": b"\nHTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "crlf-before-the-first-line": b"\r\nHTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "space-before-the-colon": b"HTTP/1.1 200 OK\nContent-Length : 5\n\nhello",
    "tab-before-the-colon": b"HTTP/1.1 200 OK\nTransfer-Encoding\t: chunked\n\n0\r\n\r\n",
    "no-colon": b"HTTP/1.1 200 OK\nA\n\n",
    "no-name": b"HTTP/1.1 200 OK\n: b\n\n",
    "fold-behind-the-first-line": b"HTTP/1.1 200 OK\r\n Content-Length: 5\r\n\r\nhello",
    "fold-of-a-length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n 5\r\n\r\nhello",
    "fold-before-a-length": b"HTTP/1.1 200 OK\r\nContent-Length:\r\n 5\r\n\r\nhello",
    "fold-of-a-coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "fold-behind-a-coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n  abc\r\n\r\n0\r\n\r\n",
    "fold-of-connection": b"HTTP/1.1 200 OK\r\nConnection: keep-alive,\r\n close\r\nContent-Length: 5\r\n\r\nhello",
    "fold-of-upgrade": b"HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade:\r\n x\r\n\r\n",
    "fold-of-nothing": b"HTTP/1.1 200 OK\r\nA: b\r\n \r\nContent-Length: 5\r\n\r\nhello",
    "fold-that-looks-like-a-length": b"HTTP/1.1 200 OK\r\nA: b\r\n Content-Length: 3\r\nContent-Length: 5\r\n\r\nhello",
    "fold-that-looks-like-a-coding": b"HTTP/1.1 200 OK\r\nA: b\r\n\ttransfer-encoding : chunked\r\n\r\n0\r\n\r\n",
    "fold-within-a-name": b"HTTP/1.1 200 OK\r\nContent-\r\n Length: 5\r\n\r\nhello",
    "fold-before-the-colon": b"HTTP/1.1 200 OK\r\nContent-Length\r\n : 5\r\n\r\nhello",
    "control-in-a-length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\x0b\r\n\r\nhello",
    "control-in-a-coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "control-in-connection": b"HTTP/1.1 200 OK\r\nConnection: close\x0c\r\nContent-Length: 5\r\n\r\nhello",
    "lengths-that-differ": b"HTTP/1.1 200 OK\nContent-Length: 5\nContent-Length: 6\n\nhello!",
    "lengths-that-are-written-differently": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 05\r\n\r\nhello",
    "lengths-in-a-list-that-differ": b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello",
    "list-of-lengths-with-a-gap": b"HTTP/1.1 200 OK\r\nContent-Length: 5,,5\r\n\r\nhello",
    "list-and-another-length": b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\nContent-Length: 6\r\n\r\nhello",
    "lengths-that-are-none": b"HTTP/1.1 200 OK\r\nContent-Length: x\r\nContent-Length: x\r\n\r\nhello",
    "lengths-that-are-empty": b"HTTP/1.1 200 OK\r\nContent-Length:\r\nContent-Length:\r\n\r\nhello",
    "lengths-and-a-coding": b"HTTP/1.1 200 OK\nContent-Length: 5\nContent-Length: 5\nTransfer-Encoding: chunked\n\n0\r\n\r\n",
    "codings-twice": b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n0\r\n\r\n",
    "length-of-thousands-of-zeros": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"0" * 4400 + b"5\r\n\r\nhello",
    "length-of-thousands-of-nines": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 4400 + b"\r\n\r\nhello",
    "lf-behind-a-chunk-size": CHUNKED + b"5\nhello\r\n0\r\n\r\n",
    "lf-behind-a-chunk-size-and-space": CHUNKED + b"5 \nhello\r\n0\r\n\r\n",
    "lf-behind-an-extension": CHUNKED + b"5; a\nhello\r\n0\r\n\r\n",
    "lf-behind-a-chunk": CHUNKED + b"5\r\nhello\n0\r\n\r\n",
    "lf-behind-a-chunk-of-which-the-extension-had-spaces": CHUNKED + b"5; a\r\nhello\n0\r\n\r\n",
    "lf-behind-the-last-chunk": CHUNKED + b"0\n\r\n",
    "lf-behind-the-body": CHUNKED + b"0\r\n\n",
    "lf-behind-a-trailer": CHUNKED + b"0\r\nA: b\n\r\n",
    "lf-behind-a-trailer-with-a-fold": CHUNKED + b"0\r\nA: b\r\n c\nD: e\r\n\r\n",
    "space-before-a-chunk-size": CHUNKED + b" 5\r\nhello\r\n0\r\n\r\n",
    "space-within-a-chunk-size": CHUNKED + b"1 0\r\n" + b"x" * 16 + b"\r\n0\r\n\r\n",
    "word-behind-a-chunk-size": CHUNKED + b"5 a\r\nhello\r\n0\r\n\r\n",
    "extension-without-a-name": CHUNKED + b"5; \r\nhello\r\n0\r\n\r\n",
    "extension-of-two-words": CHUNKED + b"5; a b\r\nhello\r\n0\r\n\r\n",
    "extension-with-a-cr": CHUNKED + b"5; a\rb\r\nhello\r\n0\r\n\r\n",
    "extension-with-an-open-quote": CHUNKED + b'5; a="b\r\nhello\r\n0\r\n\r\n',
    "chunk-longer-than-its-size": CHUNKED + b"5; a\r\nhello!\r\n0\r\n\r\n",
    "chunk-that-looks-like-an-extension": CHUNKED + b"1\r\n5; a\r\nhello\r\n0\r\n\r\n",
    "chunk-size-without-end": CHUNKED + b"1; a\r\nx\r\n" + b"f" * 17 + b"\r\n",
    "length-in-a-trailer": CHUNKED + b"0\r\nContent-Length: 5\r\nA: \x01\r\n\r\n",
    "fold-of-a-coding-in-a-trailer": CHUNKED + b"0\r\nTransfer-Encoding: a\r\n b\r\n\r\n",
    "nul-in-a-trailer": CHUNKED + b"0\r\nA: \x01\0\r\n\r\n",
    "space-before-the-colon-of-a-trailer": CHUNKED + b"0\r\nA: \x01\r\nB : c\r\n\r\n",
    "fold-before-a-trailer": CHUNKED + b"0\r\n A: b\r\n\r\n",
}  # fmt: skip
refused = pytest.mark.parametrize("name", REFUSED)


class Receiver:
    def _receive_head(self, head):
        return False

    def _wants_interim(self):
        return False


@taken
@cuts
async def test_response_is_taken_however_it_is_cut(name, cut):
    raw, fields = TAKEN[name]
    found = take(raw, cut=cut)
    assert found.error is None
    assert (found.status, found.body) == (200, BODIES.get(name, b"hello"))
    assert found.headers | fields == found.headers
    assert found.is_reusable


@taken
async def test_response_is_taken_wherever_it_is_cut_in_two(name):
    raw, fields = TAKEN[name]
    for at in range(1, len(raw)):
        found = take(raw, cut=(at,))
        assert (found.error, found.body) == (None, BODIES.get(name, b"hello")), at
        assert found.headers | fields == found.headers, at


@taken
@pytest.mark.parametrize("surplus", [b"\n", b"\r\n", b"x", response(b"two")], ids=["lf", "crlf", "byte", "response"])
@cuts
async def test_bytes_after_the_response_end_the_connection(name, surplus, cut):
    found = take(TAKEN[name][0] + surplus, cut=cut)
    assert found.body == BODIES.get(name, b"hello")
    assert not found.is_reusable


@taken
@pytest.mark.parametrize("before", ["known", "same"])
@cuts
async def test_response_is_taken_on_a_connection_that_was_used(name, cut, before):
    raw, _ = TAKEN[name]
    connection, transport = connect()
    bodies = []
    for data in (raw if before == "same" else response(b"first"), raw, raw):
        connection.begin(Receiver())
        feed(connection, transport, data, cut)
        assert connection.complete
        bodies.append(b"".join(connection.parts))
        connection.end()
    assert bodies[1:] == [BODIES.get(name, b"hello")] * 2
    assert connection.is_reusable


@refused
@cuts
@pytest.mark.parametrize("known", [True, False], ids=["used", "fresh"])
async def test_response_that_can_be_read_in_two_ways_is_refused(name, cut, known):
    connection, transport = connect()
    if known:
        connection.begin(Receiver())
        feed(connection, transport, response(b"hello"))
        connection.end()
    connection.begin(Receiver())
    feed(connection, transport, REFUSED[name], cut)
    assert isinstance(connection.error, RemoteProtocolError), (
        connection.head and connection.head.raw,
        connection.parts,
    )
    assert transport.is_closed


@refused
async def test_response_is_refused_wherever_it_is_cut_in_two(name):
    raw = REFUSED[name]
    for at in range(1, min(len(raw), 200)):
        assert isinstance(take(raw, cut=(at,)).error, RemoteProtocolError), at


@pytest.mark.parametrize("cut", ["whole", "bytes"])
@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\nno colon",
        b"HTTP/1.1 200 OK\nnocolon\n",
        b"HTTP/1.1 200 OK\n fold\n",
        b"HTTP/1.1 200 OK\nContent-Length: x",
        b"HTTP/1.1 200 OK\nContent-Length: 5\nContent-Length: 6\n",
        b"HTTP/1.1 200 OK\nContent-Length : 5",
        b"HTTP/1.1 200 OK\nA: \0",
        b"HTTP/1.1 200 OK\nA\x01",
        b"HTTP/1.1 200 OK\nA: b\rc",
        b"HTTP/1.1 200 OK\n\r\r",
        b"HTTP/1.1 2000 OK\n",
    ],
    ids=repr,
)
async def test_head_that_nothing_can_mend_is_refused_at_once(raw, cut):
    assert isinstance(take(raw, cut=cut).error, RemoteProtocolError)


@pytest.mark.parametrize("cut", ["whole", 1000])
@pytest.mark.parametrize(
    ("line", "count", "fine"),
    [(b"A: b\n", 999, True), (b"A: b\n", 1001, False), (b" b\n", 990, True), (b" b\n", 1001, False),
     (b"Content-Length: 0\n", 1001, False)],
    ids=["fields", "too-many-fields", "folds", "too-many-folds", "too-many-lengths"],
)  # fmt: skip
async def test_limit_of_lines_holds(line, count, fine, cut):
    found = take(b"HTTP/1.1 204 OK\nA: b\n" + line * count + b"\n", cut=cut)
    assert (found.error is None) is fine


@pytest.mark.parametrize("cut", ["whole", 1000])
@pytest.mark.parametrize(("size", "fine"), [(250, True), (257, False)])
@pytest.mark.parametrize("start", [b"A: b\n ", b"A: \x01", b"A: b\nB: "], ids=["fold", "control", "lf"])
async def test_limit_of_bytes_holds(start, size, fine, cut):
    found = take(b"HTTP/1.1 204 OK\r\n" + start + b"x" * (size * 1024) + b"\r\n\r\n", cut=cut)
    assert (found.error is None) is fine


@pytest.mark.parametrize(
    "line",
    [b" " * 200_000, b"A:" + b" " * 200_000 + b"\x01", b"A: b\n" + b" \t" * 100_000 + b"c", b" b\n" * 900, b"A: \x01" * 40_000],
    ids=["spaces", "spaces-before", "fold", "folds", "controls"],
)  # fmt: skip
async def test_head_takes_time_in_proportion_to_its_length(line):
    take(b"HTTP/1.1 200 OK\nA: b\n" + line + b"\n\n", cut=500)
    take(b"HTTP/1.1 200 OK\nA: b\n" + line + b"\n\n")


async def test_chunks_take_time_in_proportion_to_their_number():
    chunks = b"1; a=b\r\nx\r\n" * 50_000
    assert len(take(CHUNKED + chunks + b"0\r\n\r\n", cut=65_536).body) == 50_000
    assert len(take(CHUNKED + b"1\r\nx\r\n" * 5000 + chunks + b"0\r\n\r\n", cut=1000).body) == 55_000


@pytest.mark.parametrize("cut", ["whole", 1000, "bytes"])
@pytest.mark.parametrize(
    "extension", [b"; " + b"a" * 100_000, b"; a=b" * 25_000, b";a" + b" " * 100_000, b" " * 100_000]
)
async def test_limit_of_chunk_extensions_holds(extension, cut):
    found = take(CHUNKED + b"1" + extension + b"\r\nx\r\n0\r\n\r\n", cut=cut)
    assert isinstance(found.error, RemoteProtocolError)


@pytest.mark.parametrize("cut", ["whole", 1000])
@pytest.mark.parametrize(
    ("trailers", "fine"),
    [(b"A: \x01\r\n" * 100, True), (b"A: \x01\r\n" * 101, False), (b"A: \x01\r\n" + b" b" * 35_000 + b"\r\n", False)],
    ids=["100", "101", "long"],
)
async def test_limits_of_trailers_hold(trailers, fine, cut):
    found = take(CHUNKED + b"1\r\nx\r\n0\r\n" + trailers + b"\r\n", cut=cut)
    assert (found.error is None) is fine


@cuts
@pytest.mark.parametrize(
    ("trailers", "found"),
    [
        (b"A: b\r\n c\r\n\td\r\nE: f\r\n", {"A": "b c d", "E": "f"}),
        (b"E: f\r\nA: \x01\x1b\r\n", {"A": "\x01\x1b", "E": "f"}),
        (b"E: f\r\nA: b\r\n c\r\nG:\r\n", {"A": "b c", "E": "f", "G": ""}),
    ],
    ids=["folds", "controls", "between"],
)
@pytest.mark.parametrize("last", [b"0", b"000 ", b"0; a = b", b'0;a=":"'])
async def test_trailers_are_fields_like_others(trailers, found, last, cut):
    got = take(CHUNKED + b"5\r\nA: b\n\r\n" + last + b"\r\n" + trailers + b"\r\n", cut=cut)
    assert (got.error, got.body) == (None, b"A: b\n")
    assert got.trailers == found
    assert got.is_reusable


async def test_switching_protocols_with_lf_leaves_the_rest_alone():
    raw = b"HTTP/1.1 101 Switching Protocols\nUpgrade: x\nConnection: Upgrade\n\n"
    for at in range(1, len(raw) + 3):
        found = take(raw + b"\n\0\r\n", cut=(at,))
        assert found.connection.upgraded
        assert found.connection.leftover == b"\n\0\r\n", at


async def test_refusal_shows_no_field():
    for raw in (b"HTTP/1.1 200 OK\nSet-Cookie: hunter2\n : x\n\n", b"HTTP/1.1 200 OK\nhunter2\n\n"):
        for cut in CUTS:
            assert "hunter2" not in str(take(raw, cut=cut).error)


def random_bodies(seed):
    """An unusual chunked body, and whether a strict reader of RFC 9112 takes it."""
    dice = random.Random(seed)
    wire, body = b"", b""
    for _ in range(dice.randrange(6)):
        content = dice.choice([b"x", b"5; a\r\n", b"0\r\n\r\n", b"\r\n", b"A: b\r\n c", b"\n0; a\r\n"]) * dice.choice(
            [1, 1, 7]
        )
        space = dice.choice([b"", b"", b" ", b"\t "])
        extension = dice.choice([b"", b"", b";a", b"; a", b";a =b", b'; a= "b; c"', b";a ;b"])
        wire += b"%x%b%b%b\r\n%b\r\n" % (len(content), space, extension, dice.choice([space, b""]), content)
        body += content
    trailers = dice.choice([b"", b"", b"A: b\r\n", b"A: b\r\n c\r\n", b"A: \x01\r\n"])
    return CHUNKED + wire + b"0" + dice.choice([b"", b" ", b"; a"]) + b"\r\n" + trailers + b"\r\n", body, dice


@pytest.mark.parametrize("start", range(0, 1000, 100))
async def test_chunks_are_joined_whatever_stands_between_them(start):
    for seed in range(start, start + 100):
        raw, body, dice = random_bodies(seed)
        for cut in ("whole", "bytes", dice.randrange(2, 40), (dice.randrange(len(raw)), dice.randrange(len(raw)))):
            found = take(raw, cut=cut)
            assert (found.error, found.body, found.is_reusable) == (None, body, True), (seed, cut, raw)


@taken
@pytest.mark.parametrize("cut", ["whole", "bytes"])
async def test_client_takes_it_on_a_fresh_and_on_a_used_connection(client, scripted, name, cut):
    raw, fields = TAKEN[name]
    scripted.answer(*[Script().send(raw, cut)] * 2, response(b"last"))
    for _ in range(2):
        answer = await client.get(scripted.url(), timeout=10)
        assert (answer.status_code, answer.content) == (200, BODIES.get(name, b"hello"))
        assert {name: answer.headers[name] for name in fields} == fields
    assert (await client.get(scripted.url())).content == b"last"
    assert scripted.connections == 1


@refused
@pytest.mark.parametrize("cut", ["whole", 5])
async def test_client_refuses_it_on_a_fresh_and_on_a_used_connection(client, scripted, name, cut, caplog):
    bad = Script().send(REFUSED[name], cut).stall()
    scripted.answer(bad, response(b"first"), bad, response(b"last"))
    for before in (b"", b"first"):
        if before:
            assert (await client.get(scripted.url())).content == before
        with pytest.raises(RemoteProtocolError):
            await client.get(scripted.url(), timeout=10)
    assert (await client.get(scripted.url())).content == b"last"
    assert not caplog.records, "an error of the tree is no fatal error of the loop"
