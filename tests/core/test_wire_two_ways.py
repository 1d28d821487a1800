"""The fast path of a connection, for exchanges without data listeners and limits, has the same results as the other path."""

import random

import pytest

from hookline_testing.server.cut import pieces
from servers.fed import connect, feed

FIELDS = [
    b"Server: x", b"Connection: close", b"Connection: keep-alive", b"Transfer-Encoding: chunked", b"Set-Cookie: a=b",
    b"content-length: 5", b"Content-Length:5 ", b"X-B:\t v", b"Upgrade: websocket", b"Bad Field: 1", b"X: \x01",
    b"Proxy-Connection: close", b"X-Folded: a\r\n b", b"X-Folded: a\n\tb", b"Connection: keep-alive,\r\n close",
    b"Content-Length: 5, 5", b"X : y", b"X: \0", b"X: a\rb", b" X: y",
]  # fmt: skip
STATUSES = [
    *[b"200 OK"] * 9, b"204 No Content", b"304 Not Modified", b"404 Not Found", b"500", b"100 Continue",
    b"103 Early", b"101 Switching Protocols", b"999 X", b"200 O\x00K",
]  # fmt: skip
BEHIND = [*[b""] * 12, b"x", b"\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny"]
CHUNK_LINE_ENDS = [*[b"\r\n"] * 9, b" \r\n", b" ;a\r\n", b"; a\r\n", b";a = b\r\n", b"\n", b"; a\n", b" a\r\n"]
TRAILERS = [*[b""] * 6, b"A: b\r\n", b"A: b\r\n c\r\n", b"A: \x01\r\n", b"A: b\n", b"Content-Length: 5\r\n"]
SEEDS = 2000


class Receiver:
    def _receive_head(self, head):
        return False

    def _wants_interim(self):
        return False


def message(dice):
    """A response, more often right than wrong."""
    body = dice.randbytes(dice.choice([0, 1, 5, 5, 17])).hex().encode()
    lines = [dice.choice(FIELDS) for _ in range(dice.choice([0, 0, 0, 1, 2]))]
    framing = dice.choice(["length", "length", "length", "chunked", "none"])
    wire = body
    if framing == "length":
        lines.insert(dice.randrange(len(lines) + 1), b"Content-Length: %d" % len(body))
    elif framing == "chunked":
        lines.append(b"Transfer-Encoding: chunked")
        ends = [dice.choice(CHUNK_LINE_ENDS) for _ in range(3)]
        wire = b"".join(b"%x%b%b\r\n" % (len(c), ends.pop(), c) for c in (body[:3], body[3:]) if c)
        wire += b"0" + ends.pop() + dice.choice(TRAILERS) + b"\r\n"
    version = dice.choice([*[b"HTTP/1.1"] * 8, b"HTTP/1.0", b"HTTP/2.0"])
    if dice.random() < 0.1:
        lines.append(dice.choice([b"Content-Length: %d" % len(body), b"Content-Length: 5"]))
    ends = dice.choice([[b"\r\n"], [b"\r\n"], [b"\n"], [b"\r\n", b"\n"], [b"\r\n"] * 30 + [b"\r", b"\r\r\n"]])
    head = b"".join(line + dice.choice(ends) for line in [version + b" " + dice.choice(STATUSES), *lines, b""])
    return head + wire + dice.choice(BEHIND)


def exchanges(seed):
    """What a peer sends on one connection: some responses, of which some are the first one again, and how it is cut."""
    dice = random.Random(seed)
    first = message(dice)
    again = [first if dice.random() < 0.5 else message(dice) for _ in range(2)]
    return [(data, dice.choice(["whole", "whole", "bytes", 7]), dice.random() < 0.2) for data in (first, *again)]


def outcome(seed, *, watched=False, cut=None):
    """What a connection makes of it. cut: instead of the one that the seed says."""
    connection, transport = connect()
    found = []
    for data, own_cut, ends in exchanges(seed):
        waiter = connection.begin(Receiver())
        if watched:
            connection.leave_fast_path("GET")
        feed(connection, transport, data, cut or own_cut)
        if ends and not transport.is_closed:
            connection.eof_received()
            transport.close()
        error = waiter.exception() if waiter.done() else None
        found.append(
            {
                "head": connection.head and (connection.head.raw, connection.head.line, connection.head.keep_alive),
                "body": b"".join(connection.parts) if connection.head else b"",
                "complete": connection.complete,
                "error": str(connection.error),
                "told": (waiter.done(), type(error)),
                "reusable": connection.is_reusable,
                "closed": transport.is_closed,
                "upgraded": connection.upgraded,
            }
        )
        if not connection.is_reusable:
            break
        connection.end()
    return found


@pytest.mark.parametrize("start", range(0, SEEDS, 100))
async def test_both_ways_have_the_same_result(start):
    for seed in range(start, start + 100):
        assert outcome(seed, watched=False) == outcome(seed, watched=True), f"seed {seed}: {exchanges(seed)}"


@pytest.mark.parametrize("start", range(0, SEEDS, 100))
async def test_cuts_make_no_difference(start):
    for seed in range(start, start + 100):
        whole, *others = [outcome(seed, cut=cut) for cut in ("whole", "bytes", 2, 9)]
        for other in others:
            assert len(other) == len(whole), seed
            for one, same in zip(other, whole, strict=True):
                assert (one["complete"], one["told"][1], one["reusable"]) == (
                    same["complete"],
                    same["told"][1],
                    same["reusable"],
                ), f"seed {seed}: {exchanges(seed)}"
                if one["complete"]:
                    assert (one["head"], one["body"]) == (same["head"], same["body"]), seed


async def test_the_shorter_way_is_taken_by_some_of_them():
    short = 0
    for seed in range(400):
        connection, transport = connect()
        connection.begin(Receiver())
        data, cut, _ = exchanges(seed)[0]
        for piece in pieces(data, cut):
            if not transport.is_closed:
                feed(connection, transport, piece)
        short += connection.complete and not connection.on_fast_path
    assert short > 10
