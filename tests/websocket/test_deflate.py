"""permessage-deflate against zlib itself, and against wsproto's own."""

from __future__ import annotations

import random
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wsproto.extensions import PerMessageDeflate as Theirs
from wsproto.frame_protocol import CloseReason, FrameProtocol, Opcode, ParseFailed, RsvBits

from hookline_websocket.compression import Deflate
from hookline_websocket.frames.frame_parser import new_reader_and_writer
from hookline_websocket.frames.message_buffer import MessageBuffer
from hookline_websocket.frames.permessage_deflate import PerMessageDeflate

PARAMETERS = [
    Deflate(),
    Deflate(server_no_context_takeover=True),
    Deflate(client_no_context_takeover=True),
    Deflate(server_max_window_bits=9, client_max_window_bits=9),
    Deflate(server_max_window_bits=8, client_max_window_bits=8, level=1),
    Deflate(True, True, 10, 12, 9),
]


def server_for(agreed: Deflate) -> FrameProtocol:
    """The other side, by wsproto."""
    theirs = Theirs(
        agreed.client_no_context_takeover,
        max(agreed.client_max_window_bits or 15, 9),
        agreed.server_no_context_takeover,
        max(agreed.server_max_window_bits or 15, 9),
    )
    theirs._enabled = True
    return FrameProtocol(False, [theirs])


class Ours:
    """Our reader and writer; both kinds of frames, that is those of another parser too, must do the same."""

    def __init__(self, factory: Any, agreed: Deflate, limit: int) -> None:
        self.reader, self.writer = new_reader_and_writer(factory, agreed, limit)


@pytest.fixture(params=[None, FrameProtocol], ids=["own", "frame_parser"])
def factory(request: pytest.FixtureRequest) -> Any:
    """The option `frame_parser`."""
    return request.param


def payloads(parser: Any, data: bytes | bytearray) -> list[Any]:
    parser.receive_bytes(bytes(data))
    return [frame.payload for frame in parser.received_frames()]


def messages(ours: Ours, data: bytes | bytearray) -> list[Any]:
    ours.reader.receive_bytes(bytes(data))
    return [content for opcode, content in iter(ours.reader.next_item, None) if opcode]


@pytest.mark.parametrize("agreed", PARAMETERS, ids=lambda value: value.offer())
def test_messages_there_and_back(factory: Any, agreed: Deflate) -> None:
    dice = random.Random(1)
    ours, theirs = Ours(factory, agreed, 0), server_for(agreed)
    words = [dice.randbytes(12).hex() for _ in range(50)]
    for size in (0, 1, 0, 0, 5, 100, 3000, 0, 20_000):
        message = " ".join(dice.choices(words, k=size))
        got = payloads(theirs, ours.writer.send_data(message, True))
        assert "".join(got) == message
        if message:  # an empty one by wsproto has no empty block, and no inflater reads what follows it
            assert "".join(messages(ours, theirs.send_data(message, True))) == message


@pytest.mark.parametrize("agreed", PARAMETERS, ids=lambda value: value.offer())
def test_fragments_are_readable_one_by_one_and_may_be_empty(factory: Any, agreed: Deflate) -> None:
    ours, theirs = Ours(factory, agreed, 0), server_for(agreed)
    for pieces in (["one", "two", ""], ["", "", ""], [""], ["three", "", "four"]):
        for piece in pieces:
            assert "".join(payloads(theirs, ours.writer.send_data(piece, False))) == piece
        assert payloads(theirs, ours.writer.send_data("", True)) == [""]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.binary(max_size=200), min_size=1, max_size=4), max_size=6),
    st.sampled_from(PARAMETERS),
    st.sampled_from([None, FrameProtocol]),
)
def test_whatever_is_sent_is_what_comes(sent: list[list[bytes]], agreed: Deflate, factory: Any) -> None:
    ours, theirs = Ours(factory, agreed, 0), server_for(agreed)
    for pieces in sent:
        frames = [ours.writer.send_data(piece, number == len(pieces) - 1) for number, piece in enumerate(pieces)]
        wire = b"".join(frames)
        assert b"".join(payloads(theirs, wire)) == b"".join(pieces)


def unmasked(payload: bytes, rsv: int = 4) -> bytes:
    assert len(payload) < 126
    return bytes([0x80 | rsv << 4 | 2, len(payload)]) + payload


@pytest.mark.parametrize(
    "payload",
    [
        bytes.fromhex("f248cdc9c90700"),  # RFC 7692, section 7.2.3.1
        bytes.fromhex("000500faff48656c6c6f00"),  # section 7.2.3.3
        bytes.fromhex("f348cdc9c9070000"),  # section 7.2.3.4: a block that says it is the last
        bytes.fromhex("f248050000 00ffffcac9c90700".replace(" ", "")),  # section 7.2.3.5: two blocks
    ],
)
def test_examples_of_the_rfc(factory: Any, payload: bytes) -> None:
    ours = Ours(factory, Deflate(), 100)
    for _ in range(3):
        assert b"".join(messages(ours, unmasked(payload))) == b"Hello"


def test_second_example_leans_on_the_first(factory: Any) -> None:
    ours = Ours(factory, Deflate(), 100)
    wire = unmasked(bytes.fromhex("f248cdc9c90700")) + unmasked(bytes.fromhex("f200110000"))  # section 7.2.3.2
    assert b"".join(messages(ours, wire)) == b"HelloHello"


def test_final_block_without_what_must_follow_it_hurts_only_its_message(factory: Any) -> None:
    ours = Ours(factory, Deflate(), 100)
    deflater = zlib.compressobj(wbits=-15)
    final = deflater.compress(b"Hello") + deflater.flush(zlib.Z_FINISH)
    assert b"".join(messages(ours, unmasked(final))) == b"Hello"
    assert b"".join(messages(ours, unmasked(bytes.fromhex("f248cdc9c90700")))) == b"Hello"


@pytest.mark.parametrize("extra", [0, 1])
def test_limit_is_exact(factory: Any, extra: int) -> None:
    ours = Ours(factory, Deflate(), 1000)
    theirs = server_for(Deflate())
    wire = bytes(theirs.send_data(bytes(1000 + extra), True))
    if extra:
        with pytest.raises(ParseFailed) as caught:
            messages(ours, wire)
        assert caught.value.code is CloseReason.MESSAGE_TOO_BIG
    else:
        for _ in range(3):
            assert len(b"".join(messages(ours, wire))) == 1000
            wire = bytes(theirs.send_data(bytes(1000), True))


def test_extension_is_offered_elsewhere() -> None:
    extension = PerMessageDeflate(Deflate(), 0)
    assert extension.enabled()
    assert not extension.offer()
    assert extension.frame_outbound(None, Opcode.PING, RsvBits(False, False, False), b"x", True)[1] == b"x"


@pytest.mark.parametrize("kind", ["text", "binary"])
@pytest.mark.parametrize("compressed", [False, True])
def test_limit_of_fragments_is_exact(factory: Any, kind: str, compressed: bool) -> None:
    pieces: Any = ["€" * 100, "", "x" * 200] if kind == "text" else [b"x" * 300, b"", b"y" * 200]
    for limit in (500, 499):
        ours, theirs = Ours(factory, Deflate(), limit), server_for(Deflate())
        if not compressed:
            theirs.extensions.clear()
        wire = b"".join(bytes(theirs.send_data(piece, number == 2)) for number, piece in enumerate(pieces))
        if limit == 500:
            assert messages(ours, wire * (1 if compressed else 3))[0] == pieces[0][:0].join(pieces)
        else:
            with pytest.raises(ParseFailed) as caught:
                messages(ours, wire)
            assert caught.value.code is CloseReason.MESSAGE_TOO_BIG


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=600))
def test_buffer_joins_text(pieces: list[str]) -> None:
    buffer = MessageBuffer()
    for _ in range(2):
        for piece in pieces:
            buffer.append(piece)
        assert buffer.take() == "".join(pieces)


def test_buffer_joins_many_small_pieces() -> None:
    buffer = MessageBuffer()
    for number in range(100_000):
        buffer.append(bytes([number % 256]))
    assert len(buffer._pieces) < 300
    assert buffer.take() == bytes(number % 256 for number in range(100_000))
    buffer.append(b"")
    assert buffer.take() == b""
