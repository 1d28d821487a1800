"""What servers of HTTP/2 might send: valid conversations of several streams, made from a seed, and damage to them.

`Conversation` knows how each exchange of a valid one ends, from RFC 9113 alone. Damage is done to frames (`damage_frames`) and to
bytes (`damage_bytes`); what should come of that nobody knows, but it must not depend on how the bytes are cut.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from random import Random

from hpack import Encoder

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
ALTSVC, UNKNOWN = 0xA, 0x7F
END_STREAM, END_HEADERS, PADDED, PRIORITY_FLAG = 0x1, 0x4, 0x8, 0x20
# How the requests of a conversation are made. "upload" has a body that is larger than the first window.
KINDS = ("get", "get", "stream", "head", "post", "upload")
UPLOAD = 100_000  # bytes

Pairs = tuple[tuple[str, str], ...]

BAD_HEADS: tuple[Pairs, ...] = (
    (),
    (("a", "b"),),
    ((":status", "200"), (":status", "200")),
    (("a", "b"), (":status", "200")),
    ((":status", "42"),),
    ((":status", "2000"),),
    ((":status", "abc"),),
    ((":status", ""),),
    ((":status", "099"),),
    ((":status", "101"),),
    ((":status", "200"), (":path", "/")),
    ((":status", "200"), (":unknown", "/")),
    ((":status", "200"), ("X-Upper", "b")),
    ((":status", "200"), ("", "b")),
    ((":status", "200"), ("x y", "b")),
    ((":status", "200"), ("x\x80", "b")),
    ((":status", "200"), ("x:y", "b")),
    ((":status", "200"), ("a", "b\r\nc: d")),
    ((":status", "200"), ("a", "b\0")),
    ((":status", "200"), ("a", "\x1f")),
    ((":status", "200"), ("a", "\x7f")),
    ((":status", "200"), ("a", " b")),
    ((":status", "200"), ("a", "b\t")),
    ((":status", "200"), ("connection", "close")),
    ((":status", "200"), ("proxy-connection", "close")),
    ((":status", "200"), ("transfer-encoding", "chunked")),
    ((":status", "200"), ("keep-alive", "1")),
    ((":status", "200"), ("upgrade", "h3")),
    ((":status", "200"), ("te", "gzip")),
    ((":status", "200"), ("content-length", "")),
    ((":status", "200"), ("content-length", "x")),
    ((":status", "200"), ("content-length", "-1")),
    ((":status", "200"), ("content-length", "+1")),
    ((":status", "200"), ("content-length", "1"), ("content-length", "2")),
    ((":status", "200"), ("content-length", "1, 1")),
    ((":status", "200"), ("content-length", "99999999999999999999")),
    ((":status", "200"), ("content-length", "1")),
)


@dataclass(frozen=True)
class Frame:
    """One frame. length: what it says of its payload; None = the truth."""

    kind: int
    flags: int = 0
    stream: int = 0
    payload: bytes = b""
    length: int | None = None

    def encode(self) -> bytes:
        length = len(self.payload) if self.length is None else self.length
        return (length & 0xFFFFFF).to_bytes(3) + bytes([self.kind, self.flags]) + self.stream.to_bytes(4) + self.payload


@dataclass
class Expected:
    """How an exchange ends. error: the name of the exception; "" = the rest says what the response is."""

    error: str = ""
    status: int = 0
    fields: Pairs = ()
    body: bytes = b""
    trailers: Pairs = ()


@dataclass(frozen=True)
class Block:
    """A head that is still to be encoded, because the tables of HPACK depend on the order."""

    stream: int
    fields: Pairs
    ends: bool = False


Step = Frame | Block


@dataclass
class Conversation:
    """One connection, as the server sends it. kinds: of the requests, in the order of their streams 1, 3, 5 ..."""

    kinds: list[str]
    frames: list[Frame] = field(default_factory=list)
    expected: list[Expected] = field(default_factory=list)

    @property
    def data(self) -> bytes:
        return b"".join(frame.encode() for frame in self.frames)


def make_conversation(random: Random) -> Conversation:
    """Make a valid one. It ends with the end of TCP, wherever that is."""
    kinds = [random.choice(KINDS) for _ in range(random.choice((1, 2, 2, 3, 4)))]
    made = Conversation(kinds)
    scripts: list[list[Step]] = []
    for index, kind in enumerate(kinds):
        script, expected = exchange(random, 2 * index + 1, kind)
        scripts.append(script)
        made.expected.append(expected)
    connection = [random_connection_frame(random) for _ in range(random.choice((0, 0, 1, 2, 4)))]
    scripts.append(list(connection))
    encoder = Encoder()
    made.frames.append(settings(random.choice(({}, {3: 100}, {4: 2**20}, {3: 10, 5: 65536}, {1: 0, 6: 65536}))))
    while any(scripts):
        script = random.choice([each for each in scripts if each])
        step = script.pop(0)
        if isinstance(step, Block):
            made.frames += head_frames(random, step, encoder)
        else:
            made.frames.append(step)
    if random.random() < 0.15:
        go_away(random, made)
    return made


def exchange(random: Random, number: int, kind: str) -> tuple[list[Step], Expected]:
    """Make what a server sends for one request."""
    steps: list[Step] = []
    if kind == "upload":
        steps += [window(number, UPLOAD), window(0, UPLOAD)]
    for _ in range(random.choice((0, 0, 0, 1, 2))):
        steps.append(Block(number, ((":status", random.choice(("100", "102", "103"))), ("link", "</style.css>"))))
    status = random.choice((200, 200, 200, 200, 201, 204, 206, 304, 404, 500, 599))
    may_have_body = kind != "head" and status not in (204, 304)
    pieces = [body_piece(random, number) for _ in range(random.choice((0, 1, 1, 2, 4)))] if may_have_body else []
    body = b"".join(pieces)
    fields: list[tuple[str, str]] = [("x-stream", str(number)), *random_fields(random)]
    if random.random() < 0.5 and status != 204:
        fields.append(("content-length", str(len(body) if may_have_body else 77)))
    trailers: Pairs = (("x-checksum", str(number)),) if random.random() < 0.2 and may_have_body else ()
    ends_at_head = not pieces and not trailers and random.random() < 0.7
    steps.append(Block(number, ((":status", str(status)), *fields), ends=ends_at_head))
    for index, piece in enumerate(pieces):
        is_last = index == len(pieces) - 1 and not trailers
        steps.append(data_frame(random, number, piece, ends=is_last))
    if trailers:
        steps.append(Block(number, trailers, ends=True))
    elif not pieces and not ends_at_head:
        steps.append(data_frame(random, number, b"", ends=True))
    expected = Expected("", status, tuple(fields), body, trailers)
    chance = random.random()
    if chance < 0.1:  # reset anywhere before the end
        code = random.choice((0, 1, 2, 5, 7, 8, 11, 13, 99))
        cut = random.randrange(len(steps))
        error = "StreamReset"
        if code in (7, 13):  # it was not processed; who has begun to answer it and says so is not believed
            error = "any" if any(isinstance(step, Block) for step in steps[:cut]) else "ConnectionRefused"
        return [*steps[:cut], reset(number, code)], Expected(error)
    if chance < 0.2:  # nothing more comes
        return steps[: random.randrange(len(steps))], Expected("ConnectionClosed")
    if chance < 0.3 and kind in ("post", "upload"):  # enough of the request (section 8.1)
        steps.append(reset(number, 0))
    return steps, expected


def go_away(random: Random, made: Conversation) -> None:
    """Have the server go away somewhere; it processes a part of the requests. What it sends for others is left out."""
    last = random.choice((0, 1, 3, 5, 2**31 - 1))
    where = random.randrange(1, len(made.frames) + 1)
    while where < len(made.frames) and made.frames[where].kind == CONTINUATION:
        where += 1
    code = random.choice((0, 0, 2, 11))
    before, after = made.frames[:where], made.frames[where:]
    frame = Frame(GOAWAY, 0, 0, struct.pack(">II", last, code) + random.choice((b"", b"busy")))
    # the fields of what is left out would be missing in the tables of HPACK, so it is sent, and the client drops it
    made.frames = [*before, frame, *after]
    begun = {each.stream for each in before if each.kind == HEADERS}
    for index, expected in enumerate(made.expected):
        number = 2 * index + 1
        if ends_in(before, number):
            continue
        if number > last:
            made.expected[index] = Expected("ConnectionRefused")
        elif expected.error == "ConnectionClosed":
            made.expected[index] = Expected("any")  # by the code, and by what has come: GET may be sent again
        if number > last and made.kinds[index] == "stream" and number in begun:
            made.expected[index] = Expected("any")  # the caller may have the response already


def ends_in(frames: list[Frame], number: int) -> bool:
    """Say whether the server ends a stream in these frames."""
    return any(
        frame.stream == number
        and (frame.kind == RST_STREAM or (frame.kind in (DATA, HEADERS) and frame.flags & END_STREAM))
        for frame in frames
    )


def body_piece(random: Random, number: int) -> bytes:
    """Make a piece of a body, in which each byte says to which stream it belongs."""
    return b"%d" % number * random.choice((0, 1, 10, 100, 1000, 8000))


def random_fields(random: Random) -> list[tuple[str, str]]:
    several = (
        ("content-type", "text/plain"),
        ("set-cookie", "a=b"),
        ("set-cookie", "c=d"),
        ("x-long", "y" * 200),
        ("server", "fed"),
        ("x-empty", ""),
        ("x-latin", "caf\xe9"),
    )
    return random.sample(several, random.choice((0, 1, 2, 4)))


def head_frames(random: Random, block: Block, encoder: Encoder) -> list[Frame]:
    """Encode a head, in HEADERS and any number of CONTINUATION."""
    fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in block.fields]
    data = encoder.encode(fields, huffman=random.random() < 0.7)
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.choice((0, 0, 0, 1, 3))))
    parts = [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    flags = END_STREAM if block.ends else 0
    first = parts[0]
    if random.random() < 0.1:
        flags |= PRIORITY_FLAG
        first = b"\0\0\0\0\x10" + first
    if random.random() < 0.15:
        flags |= PADDED
        first = pad(random, first)
    frames = [Frame(HEADERS, flags, block.stream, first)]
    frames += [Frame(CONTINUATION, 0, block.stream, part) for part in parts[1:]]
    frames[-1] = replace(frames[-1], flags=frames[-1].flags | END_HEADERS)
    return frames


def data_frame(random: Random, number: int, piece: bytes, *, ends: bool) -> Frame:
    flags = END_STREAM if ends else 0
    if random.random() < 0.15:
        return Frame(DATA, flags | PADDED, number, pad(random, piece))
    return Frame(DATA, flags, number, piece)


def pad(random: Random, payload: bytes) -> bytes:
    size = random.choice((0, 1, 7, 255))
    return bytes([size]) + payload + bytes(size)


def settings(values: dict[int, int]) -> Frame:
    return Frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in values.items()))


def window(number: int, size: int) -> Frame:
    return Frame(WINDOW_UPDATE, 0, number, struct.pack(">I", size))


def reset(number: int, code: int) -> Frame:
    return Frame(RST_STREAM, 0, number, struct.pack(">I", code))


def random_connection_frame(random: Random) -> Frame:
    """Make a frame that is valid at any moment and ends no exchange."""
    return random.choice(
        (
            Frame(PING, 0, 0, b"12345678"),
            Frame(PING, 1, 0, b"12345678"),
            window(0, random.choice((1, 65535, 2**20))),
            window(1, 1000),
            settings({random.choice((1, 3, 4, 5, 6, 99)): 20_000}),
            settings({}),
            Frame(PRIORITY, 0, random.choice((1, 3, 9)), b"\0\0\0\0\x10"),
            Frame(UNKNOWN, random.randrange(256), random.choice((0, 1)), b"any"),
            Frame(ALTSVC, 0, 0, b"\0\1xabc"),
        )
    )


# -- damage


def random_frame(random: Random) -> Frame:
    """Make a frame that is mostly wrong where it stands."""
    kind = random.choice((*range(11), UNKNOWN))
    size = {PRIORITY: 5, RST_STREAM: 4, PING: 8, GOAWAY: 8, WINDOW_UPDATE: 4, SETTINGS: 6}.get(
        kind, random.randrange(20)
    )
    if random.random() < 0.2:
        size = random.randrange(40)
    payload = random.choice((random.randbytes(size), bytes(size), b"\0" * (size - 1) + b"\x05" if size else b""))
    return Frame(kind, random.choice((0, 1, 4, 5, 8, 0xFF)), random.choice((0, 1, 3, 5, 2, 99, 2**31)), payload)


def damage_frames(random: Random, frames: list[Frame]) -> list[Frame]:
    """Do one damage to the frames of a conversation."""
    frames = list(frames)
    at = random.randrange(len(frames))
    frame = frames[at]
    kind = random.randrange(14)
    if kind == 0:
        del frames[at]
    elif kind == 1:
        frames.insert(random.randrange(len(frames) + 1), frame)
    elif kind == 2:
        other = random.randrange(len(frames))
        frames[at], frames[other] = frames[other], frame
    elif kind == 3:
        frames.insert(at, random_frame(random))
    elif kind == 4:
        frames[at] = replace(frame, flags=frame.flags ^ (1 << random.randrange(8)))
    elif kind == 5:
        frames[at] = replace(frame, stream=random.choice((0, 1, 3, 5, 7, 2, 99, 2**31 + 1)))
    elif kind == 6:
        frames[at] = replace(frame, kind=random.randrange(11))
    elif kind == 7:
        frames[at] = replace(frame, length=len(frame.payload) + random.choice((-1, 1, 9, 16384, 2**24 - 1)))
    elif kind == 8:
        frames[at] = replace(frame, payload=frame.payload[: random.randrange(len(frame.payload) + 1)])
    elif kind == 9:
        frames[at] = replace(frame, payload=frame.payload + random.randbytes(random.choice((1, 5))))
    elif kind == 10:
        frames[at] = replace(frame, payload=random.randbytes(len(frame.payload)))
    elif kind == 11:  # values at the edge of what is allowed
        value = random.choice((0, 1, 2**31 - 1, 2**31, 2**32 - 1))
        number = random.choice((0, 1, 3))
        frames.insert(at, random.choice((window(number, value), settings({random.randrange(8): value}))))
    elif kind == 12:
        frames.insert(at, reset(random.choice((1, 3, 5)), random.choice((0, 7, 8))))
    else:
        frames.insert(at, bad_head(random))
    return frames


def bad_head(random: Random) -> Frame:
    """Make a head that is malformed. It uses no table, so that the heads behind it mean the same as before."""
    block = b"".join(
        b"\0"
        + bytes([len(name.encode("latin-1"))])
        + name.encode("latin-1")
        + bytes([len(value)])
        + value.encode("latin-1")
        for name, value in random.choice(BAD_HEADS)
    )
    return Frame(HEADERS, END_HEADERS | random.choice((0, END_STREAM)), random.choice((1, 1, 3, 5)), block)


def damage_head(random: Random, frames: list[Frame]) -> list[Frame]:
    """Damage what HPACK has encoded."""
    heads = [index for index, frame in enumerate(frames) if frame.kind in (HEADERS, CONTINUATION) and frame.payload]
    if not heads:
        return frames
    at = random.choice(heads)
    payload = bytearray(frames[at].payload)
    where = random.randrange(len(payload))
    kind = random.randrange(6)
    if kind == 0:
        payload[where] ^= 1 << random.randrange(8)
    elif kind == 1:
        payload[where] = random.choice((0x00, 0x40, 0x7F, 0x80, 0xBE, 0xFF, 0x20, 0x3F))
    elif kind == 2:
        payload[where:where] = random.choice((b"\x3f\xe1\x1f", b"\x20", b"\x3f\xff\xff\xff\x7f"))  # sizes of the table
    elif kind == 3:
        payload[where:where] = b"\xff" * random.choice((3, 12)) + b"\x7f"  # a large number
    elif kind == 4:
        del payload[where:]
    else:
        payload[where:where] = random.choice((b"\x82", b"\x84", b"\x88", b"\x8d", b"\xbe", b"\xbf"))  # another field
    frames = list(frames)
    frames[at] = replace(frames[at], payload=bytes(payload))
    return frames


def damage_bytes(random: Random, data: bytes) -> bytes:
    """Do one damage to the bytes of a conversation."""
    changed = bytearray(data)
    where = random.randrange(len(changed))
    kind = random.randrange(4)
    if kind == 0:
        changed[where] ^= 1 << random.randrange(8)
    elif kind == 1:
        changed[where:where] = random.randbytes(random.choice((1, 9)))
    elif kind == 2:
        del changed[where : where + random.choice((1, 9, 100))]
    else:
        del changed[where:]
    return bytes(changed)


def damage(random: Random, made: Conversation) -> bytes:
    """Return the bytes of a conversation with damage: mostly one, up to three."""
    frames = made.frames
    for _ in range(random.choice((1, 1, 2, 3))):
        if frames:
            frames = damage_head(random, frames) if random.random() < 0.25 else damage_frames(random, frames)
    data = b"".join(frame.encode() for frame in frames)
    if data and random.random() < 0.2:
        data = damage_bytes(random, data)
    return data
