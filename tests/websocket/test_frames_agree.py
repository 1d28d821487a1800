"""Our frames and wsproto's agree: byte for byte in what they send, message for message in what they receive.

Conversations are random, and so are the places where their bytes are cut. A conversation may have one fault.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from wsproto.frame_protocol import CloseReason, FrameProtocol, ParseFailed

from hookline_websocket.compression import Deflate
from hookline_websocket.frames import frame_writer
from hookline_websocket.frames.frame_reader import FrameReader
from hookline_websocket.frames.frame_writer import FrameWriter
from hookline_websocket.frames.masking import choose_mask, load_speedups
from hookline_websocket.frames.permessage_deflate import PerMessageDeflate
from servers.websocket_peer import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close, frame

QUICK, ALL = 4_000, 100_000
BATCHES = 8  # so that workers share them
COMPRESSIONS = [
    Deflate(),
    Deflate(server_no_context_takeover=True, client_no_context_takeover=True),
    Deflate(server_max_window_bits=9, client_max_window_bits=8),
]
LETTERS = "ab é€𝄞\x00\U0010ffff"
SIZES = [0, 1, 2, 5, 30, 124, 125, 126, 127, 300, 65_535, 65_536, 70_000]
SIZE_WEIGHTS = [3, 3, 3, 8, 8, 1, 1, 1, 1, 2, 0.1, 0.1, 0.1]
CLOSES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999]
BAD_CLOSES = [0, 999, 1004, 1005, 1006, 1014, 1015, 1016, 2000, 2999, 5000, 65_535]

# What we refuse at the head of a frame. wsproto waits for a byte of the payload, and may find it impossible to inflate.
OUT_OF_ORDER = {"a continuation without a message", "a message within the fragments of another"}

Outcome = tuple[list[tuple[int, Any]], ParseFailed | None]  # what was received, and the failure


def payload(dice: random.Random, kind: int) -> bytes:
    size = dice.choices(SIZES, SIZE_WEIGHTS)[0]
    if kind == BINARY:
        return dice.randbytes(size)
    text = "".join(dice.choices(LETTERS, k=min(size, 40))) * (size // 40 + 1)
    return text.encode()[:size].decode(errors="ignore").encode()


def pieces(dice: random.Random, data: bytes) -> list[bytes]:
    """Cut data anywhere, within characters too; pieces may be empty."""
    cuts = sorted(dice.randrange(len(data) + 1) for _ in range(dice.choice([0, 0, 0, 1, 2, 5])))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


class Sender:
    """Makes the frames of a server. deflate: the parameters of its compression, None = none."""

    def __init__(self, dice: random.Random, deflate: Deflate | None) -> None:
        self.dice = dice
        self.deflate = deflate
        self._new = partial(zlib.compressobj, wbits=-((deflate and deflate.server_max_window_bits) or 15))
        self._deflater = self._new()

    def deflated(self, data: bytes) -> bytes:
        assert self.deflate is not None
        if self.deflate.server_no_context_takeover:
            self._deflater = self._new()
        done: bytes = self._deflater.compress(data) + self._deflater.flush(zlib.Z_SYNC_FLUSH)
        return done[:-4] if data else b"\x00"

    def control(self) -> bytes:
        body = self.dice.randbytes(self.dice.choice([0, 1, 4, 125]))
        return frame(self.dice.choice([PING, PONG]), body)

    def message(self) -> Iterator[bytes]:
        """Yield the frames of a message, with control frames between them."""
        dice = self.dice
        kind = dice.choice([TEXT, BINARY])
        data = payload(dice, kind)
        is_compressed = self.deflate is not None and dice.random() < 0.7
        parts = pieces(dice, self.deflated(data) if is_compressed else data)
        for number, part in enumerate(parts):
            if number and dice.random() < 0.3:
                yield self.control()
            rsv = 4 if is_compressed and not number else 0
            yield frame(CONTINUATION if number else kind, part, fin=number == len(parts) - 1, rsv=rsv)


def fault(dice: random.Random) -> bytes:
    """Return something that no server may send, or that it may not send there."""
    text = dice.choice([b"\xff", b"ab\xed\xa0\x80", b"\xe2\x82", b"\xf4\x90\x80\x80", b"\xc0\xaf"])
    kind = dice.choice([TEXT, BINARY, PING, PONG, CLOSE, CONTINUATION])
    makers: list[Callable[[], bytes]] = [
        lambda: frame(kind, b"\x03\xe8hello", mask=dice.randbytes(4)),
        lambda: frame(kind, b"\x03\xe8", rsv=dice.choice([1, 2, 3, 4, 5, 7])),
        lambda: frame(dice.choice([3, 4, 7, 11, 15]), b"hello", fin=dice.random() < 0.5),
        lambda: frame(dice.choice([PING, PONG, CLOSE]), b"\x03\xe8", fin=False),
        lambda: frame(dice.choice([PING, PONG, CLOSE]), b"x" * 126),
        lambda: frame(CLOSE, b"\x03"),
        lambda: close(dice.choice(BAD_CLOSES), dice.choice(["", "why"])),
        lambda: frame(CLOSE, b"\x03\xe8" + text),
        lambda: frame(CONTINUATION, b"x", fin=dice.random() < 0.5),
        lambda: frame(TEXT, b"a", fin=False) + frame(dice.choice([TEXT, BINARY]), b"b"),
        lambda: bytes([0x80 | kind & 7, 126]) + struct.pack("!H", dice.randrange(126)),
        lambda: bytes([0x80 | kind & 7, 127]) + struct.pack("!Q", dice.choice([5, 65_535, 1 << 63, (1 << 64) - 1])),
        lambda: frame(TEXT, text),
        lambda: frame(TEXT, text[:-1], fin=False) + frame(CONTINUATION, text[-1:]),
        lambda: frame(dice.choice([TEXT, BINARY]), dice.randbytes(20), rsv=4),
        lambda: dice.randbytes(dice.randrange(1, 40)),
        lambda: b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ]
    return dice.choice(makers)()


def conversation(dice: random.Random, deflate: Deflate | None) -> bytes:
    """Return what a server sends: messages, control frames, then perhaps a close frame, a fault or a changed byte."""
    sender = Sender(dice, deflate)
    frames: list[bytes] = []
    for _ in range(dice.choice([1, 2, 3, 8])):
        frames += [sender.control()] if dice.random() < 0.2 else sender.message()
    end = dice.random()
    if end < 0.3:
        frames.append(close(dice.choice([None, *CLOSES])))
        frames += sender.message() if dice.random() < 0.5 else []
    elif end < 0.7:
        frames.insert(dice.randrange(len(frames) + 1), fault(dice))
    data = b"".join(frames)
    if 0.7 <= end < 0.8:
        changed = bytearray(data)
        changed[dice.randrange(len(data))] = dice.randrange(256)
        data = bytes(changed)
    return data if end < 0.9 else data[: dice.randrange(len(data)) + 1]


def reads_of(dice: random.Random, data: bytes) -> list[bytes]:
    """Cut what is sent anywhere: as one read, as bytes one by one, or in between."""
    if dice.random() < 0.1 and len(data) < 500:
        return [data[at : at + 1] for at in range(len(data))]
    cuts = sorted(dice.randrange(len(data) + 1) for _ in range(dice.choice([0, 0, 1, 3, 10])))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True) if end > start]


def received_by_ours(reads: list[bytes], deflate: Deflate | None, limit: int = 0) -> Outcome:
    """Return what our reader makes of it as the protocol calls it: the items, and the failure."""
    reader = FrameReader(limit, None if deflate is None else PerMessageDeflate(deflate, limit))
    items: list[tuple[int, Any]] = []
    try:
        for read in reads:
            message = reader.whole_message(memoryview(read), len(read))
            if message is not None:
                items.append((TEXT if isinstance(message, str) else BINARY, message))
                continue
            reader.receive_bytes(read)
            while (item := reader.next_item()) is not None:
                if item[0] != CONTINUATION:
                    items.append(item)
                if item[0] == CLOSE:
                    return items, None
    except ParseFailed as error:
        return items, error
    return items, None


def received_by_theirs(reads: list[bytes], deflate: Deflate | None) -> Outcome:
    """Return the same of wsproto."""
    parser = FrameProtocol(True, [] if deflate is None else [PerMessageDeflate(deflate, 0)])
    items: list[tuple[int, Any]] = []
    parts: list[Any] = []
    try:
        for read in reads:
            parser.receive_bytes(read)
            for found in parser.received_frames():
                if found.opcode >= CLOSE:
                    items.append((int(found.opcode), found.payload))
                    continue
                parts.append(found.payload)
                if found.message_finished:
                    whole = parts[0][:0].join(parts)
                    items.append((TEXT if isinstance(whole, str) else BINARY, whole))
                    parts = []
    except ParseFailed as error:
        return items, error
    return items, None


def check_received(seed: int, count: int) -> None:
    dice = random.Random(seed)
    failed = closed = 0
    for number in range(count):
        deflate = dice.choice([None, *COMPRESSIONS])
        reads = reads_of(dice, conversation(dice, deflate))
        (got, ours), (expected, theirs) = received_by_ours(reads, deflate), received_by_theirs(reads, deflate)
        codes = {0 if theirs is None else theirs.code}
        if ours is not None and str(ours) in OUT_OF_ORDER:
            codes = {CloseReason.PROTOCOL_ERROR}
            expected, theirs = received_by_theirs([*reads, b"\x00"], deflate)
            assert theirs is not None, (seed, number)
            assert theirs.code in (codes if deflate is None else {*codes, CloseReason.INVALID_FRAME_PAYLOAD_DATA})
        assert got == expected, (seed, number)
        assert (0 if ours is None else ours.code) in codes, (seed, number, ours, theirs)
        failed += ours is not None
        closed += bool(got) and got[-1][0] == CLOSE
    assert failed > count // 5  # the conversations are what they are meant to be
    assert closed > count // 10


@pytest.fixture(params=["C", "Python"])
def mask(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which function masks."""
    module = load_speedups()
    assert module is not None, "the extra `speedups` is not installed"
    monkeypatch.setattr(frame_writer, "mask", choose_mask(module if request.param == "C" else None))
    return str(request.param)


def check_sent(seed: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(seed)
    key = b""
    monkeypatch.setattr(frame_writer, "new_masking_key", lambda: key)
    monkeypatch.setattr("wsproto.frame_protocol.os.urandom", lambda size: key)
    for number in range(count):
        deflate = dice.choice([None, *COMPRESSIONS])
        ours = FrameWriter(None if deflate is None else PerMessageDeflate(deflate, 0))
        theirs = FrameProtocol(True, [] if deflate is None else [PerMessageDeflate(deflate, 0)])
        for _ in range(dice.choice([1, 3, 8])):
            kind = dice.choice([TEXT, BINARY, PING, PONG, CLOSE])
            key = dice.randbytes(4)
            if kind in (PING, PONG):
                body = dice.randbytes(dice.choice([0, 4, 125]))
                sent = (ours.ping(body), theirs.ping(body)) if kind == PING else (ours.pong(body), theirs.pong(body))
                assert sent[0] == sent[1], (seed, number)
            elif kind == CLOSE:
                code = dice.choice([None, *CLOSES])
                reason = None if code is None else dice.choice(["", "why", "é" * 61])
                assert ours.close(code, reason) == theirs.close(code, reason), (seed, number)
            else:
                data = payload(dice, kind)
                parts: list[Any] = pieces(dice, data)
                if kind == TEXT:
                    parts = [part.decode(errors="ignore") for part in parts]
                else:
                    parts = [dice.choice([bytes, bytearray, memoryview])(part) for part in parts]
                for at, part in enumerate(parts):
                    fin = at == len(parts) - 1
                    assert ours.send_data(part, fin) == theirs.send_data(part, fin), (seed, number)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_conversations_are_received_the_same(batch: int) -> None:
    check_received(batch, QUICK // BATCHES)


@pytest.mark.parametrize("batch", range(2))
def test_random_conversations_are_sent_the_same(batch: int, mask: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check_sent(batch, 300, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(BATCHES))
def test_100_000_random_conversations_are_received_the_same(batch: int) -> None:
    check_received(1000 + batch, ALL // BATCHES)


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(BATCHES))
def test_100_000_random_conversations_are_sent_the_same(batch: int, mask: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check_sent(1000 + batch, ALL // BATCHES // 2, monkeypatch)
