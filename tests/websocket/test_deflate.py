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
from hookline_websocket.frame_parser import new_frame_parser
from hookline_websocket.message_buffer import MessageBuffer, MessageTooBig
from hookline_websocket.permessage_deflate import PerMessageDeflate

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


def payloads(parser: Any, data: bytes) -> list[Any]:
    parser.receive_bytes(bytes(data))
    return [frame.payload for frame in parser.received_frames()]


@pytest.mark.parametrize("agreed", PARAMETERS, ids=lambda value: value.offer())
def test_messages_there_and_back(agreed: Deflate) -> None:
    dice = random.Random(1)
    ours, theirs = new_frame_parser(None, agreed, 0), server_for(agreed)
    words = [dice.randbytes(12).hex() for _ in range(50)]
    for size in (0, 1, 0, 0, 5, 100, 3000, 0, 20_000):
        message = " ".join(dice.choices(words, k=size))
        got = payloads(theirs, ours.send_data(message, True))
        assert "".join(got) == message
        if message:  # an empty one by wsproto has no empty block, and no inflater reads what follows it
            assert "".join(payloads(ours, theirs.send_data(message, True))) == message


@pytest.mark.parametrize("agreed", PARAMETERS, ids=lambda value: value.offer())
def test_fragments_are_readable_one_by_one_and_may_be_empty(agreed: Deflate) -> None:
    ours, theirs = new_frame_parser(None, agreed, 0), server_for(agreed)
    for pieces in (["one", "two", ""], ["", "", ""], [""], ["three", "", "four"]):
        for piece in pieces:
            assert "".join(payloads(theirs, ours.send_data(piece, False))) == piece
        assert payloads(theirs, ours.send_data("", True)) == [""]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.binary(max_size=200), min_size=1, max_size=4), max_size=6), st.sampled_from(PARAMETERS))
def test_whatever_is_sent_is_what_comes(messages: list[list[bytes]], agreed: Deflate) -> None:
    ours, theirs = new_frame_parser(None, agreed, 0), server_for(agreed)
    for pieces in messages:
        wire = b"".join(bytes(ours.send_data(piece, number == len(pieces) - 1)) for number, piece in enumerate(pieces))
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
def test_examples_of_the_rfc(payload: bytes) -> None:
    parser = new_frame_parser(None, Deflate(), 100)
    for _ in range(3):
        assert b"".join(payloads(parser, unmasked(payload))) == b"Hello"


def test_second_example_leans_on_the_first() -> None:
    parser = new_frame_parser(None, Deflate(), 100)
    wire = unmasked(bytes.fromhex("f248cdc9c90700")) + unmasked(bytes.fromhex("f200110000"))  # section 7.2.3.2
    assert b"".join(payloads(parser, wire)) == b"HelloHello"


def test_final_block_without_what_must_follow_it_hurts_only_its_message() -> None:
    parser = new_frame_parser(None, Deflate(), 100)
    deflater = zlib.compressobj(wbits=-15)
    final = deflater.compress(b"Hello") + deflater.flush(zlib.Z_FINISH)
    assert b"".join(payloads(parser, unmasked(final))) == b"Hello"
    assert b"".join(payloads(parser, unmasked(bytes.fromhex("f248cdc9c90700")))) == b"Hello"


@pytest.mark.parametrize("extra", [0, 1])
def test_limit_is_exact(extra: int) -> None:
    parser = new_frame_parser(None, Deflate(), 1000)
    theirs = server_for(Deflate())
    wire = bytes(theirs.send_data(bytes(1000 + extra), True))
    if extra:
        with pytest.raises(ParseFailed) as caught:
            payloads(parser, wire)
        assert caught.value.code is CloseReason.MESSAGE_TOO_BIG
    else:
        for _ in range(3):
            assert len(b"".join(payloads(parser, wire))) == 1000
            wire = bytes(theirs.send_data(bytes(1000), True))


def test_extension_is_offered_elsewhere() -> None:
    extension = PerMessageDeflate(Deflate(), 0)
    assert extension.enabled()
    assert not extension.offer()
    assert extension.frame_outbound(None, Opcode.PING, RsvBits(False, False, False), b"x", True)[1] == b"x"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=600))
def test_buffer_joins_text(pieces: list[str]) -> None:
    whole = "".join(pieces)
    size = len(whole.encode())
    buffer = MessageBuffer(size or 1)
    for _ in range(2):
        for piece in pieces:
            buffer.add(piece)
        assert buffer.take() == whole
    if size > 1:
        with pytest.raises(MessageTooBig):
            [MessageBuffer(size - 1).add(whole)]


def test_buffer_joins_many_small_pieces() -> None:
    buffer = MessageBuffer(0)
    for number in range(100_000):
        buffer.add(bytes([number % 256]))
    assert len(buffer._pieces) < 300
    assert buffer.take() == bytes(number % 256 for number in range(100_000))
    buffer.add(b"")
    assert buffer.take() == b""
