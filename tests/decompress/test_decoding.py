"""The decoders, without any I/O: what is cut anywhere comes out whole, and never more at once than was asked for."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest

from decompress.bodies import EVERY, NOISE, PLAIN, bare, deflated, zstd, zstd_module
from hookline import DecodingError
from hookline_decompress import codings as codings_module
from hookline_decompress.codings import accept_encoding, decoder_for, decoders_for
from hookline_decompress.content_encoding import codings_in
from hookline_decompress.zlib_members import has_zlib_header

STEP = 256 * 1024
every = pytest.mark.parametrize(("coding", "encode"), [row[1:] for row in EVERY], ids=[row[0] for row in EVERY])


def undo(coding: str, body: bytes, cut: int = 1 << 30, limit: int = STEP) -> bytes:
    decoder = decoder_for(coding)
    assert decoder is not None
    given = []
    for start in range(0, len(body), cut):
        given.append(decoder.decode(body[start : start + cut], limit))
        while decoder.has_pending:
            given.append(decoder.decode(b"", limit))
    assert max(map(len, given), default=0) <= limit
    decoder.finish()
    return b"".join(given)


@every
@pytest.mark.parametrize(("cut", "limit"), [(1, STEP), (3, 1000), (4096, 1), (65_536, STEP), (1 << 30, 4096)])
@pytest.mark.parametrize("data", [b"", b"x", PLAIN[:20_000], NOISE[:20_000]], ids=["empty", "one", "text", "noise"])
def test_body_comes_out_whole(coding: str, encode: Callable[[bytes], bytes], data: bytes, cut: int, limit: int) -> None:
    assert undo(coding, encode(data), cut, limit) == data


@every
@pytest.mark.parametrize("data", [PLAIN, NOISE, bytes(STEP), bytes(STEP + 1), bytes(5_000_000)])
def test_long_body_comes_out_whole(coding: str, encode: Callable[[bytes], bytes], data: bytes) -> None:
    assert undo(coding, encode(data), 10_000) == data
    assert undo(coding, encode(data)) == data


@every
@pytest.mark.parametrize("cut", [1, 1 << 30])
def test_truncated_body_is_an_error(coding: str, encode: Callable[[bytes], bytes], cut: int) -> None:
    body = encode(PLAIN[:5000])
    for end in [1, 2, 7, len(body) - 9, len(body) - 1]:
        with pytest.raises(DecodingError):
            undo(coding, body[:end], cut)


@every
@pytest.mark.parametrize("cut", [1, 1 << 30])
@pytest.mark.parametrize("tail", [b"x", b"\0" * 40, b"\x1f", b"trailing data"], ids=["byte", "nul", "magic", "words"])
def test_data_behind_the_end_is_an_error(coding: str, encode: Callable[[bytes], bytes], tail: bytes, cut: int) -> None:
    if "gzip" in coding and not tail.strip(b"\0"):
        return  # padding: see the next test
    with pytest.raises(DecodingError):
        undo(coding, encode(PLAIN[:1000]) + tail, cut)


@pytest.mark.parametrize("cut", [1, 5, 8192, 1 << 30])
@pytest.mark.parametrize("limit", [1, 100, STEP])
@pytest.mark.parametrize("size", [1, 2, 511, 20_000])
def test_nuls_behind_a_gzip_member_are_padding(size: int, limit: int, cut: int) -> None:
    member = gzip.compress(PLAIN[:3000])
    assert undo("gzip", member + bytes(size), cut, limit) == PLAIN[:3000]
    assert undo("x-gzip", member + bytes(size) + member + bytes(size), cut, limit) == PLAIN[:3000] * 2


@pytest.mark.parametrize("cut", [1, 1 << 30])
@pytest.mark.parametrize(
    "body",
    [bytes(40), b"\0" + gzip.compress(b"x"), gzip.compress(b"x") + b"\0x", gzip.compress(b"x") + b"\0\x1f\x8b"],
    ids=["only-nuls", "nul-before", "nul-and-more", "nul-and-a-cut-member"],
)
def test_nuls_excuse_nothing_else(body: bytes, cut: int) -> None:
    with pytest.raises(DecodingError):
        undo("gzip", body, cut)


def test_padding_between_members_takes_time_in_proportion() -> None:
    assert undo("gzip", (gzip.compress(b"") + b"\0") * 50_000, 65_536) == b""
    assert undo("gzip", gzip.compress(b"x") + bytes(20_000_000), 65_536) == b"x"


@every
@pytest.mark.parametrize("cut", [1, 1 << 30])
def test_corrupt_body_is_an_error(coding: str, encode: Callable[[bytes], bytes], cut: int) -> None:
    with pytest.raises(DecodingError):
        undo(coding, b"\xff\xfe this is not coded at all " * 20, cut)


@pytest.mark.parametrize("encode", [gzip.compress, deflated])
def test_wrong_checksum_is_an_error(encode: Callable[[bytes], bytes]) -> None:
    body = bytearray(encode(PLAIN))
    body[-5 if encode is gzip.compress else -1] ^= 1
    with pytest.raises(DecodingError, match=r"incorrect data check|Incorrect checksum"):
        undo("gzip" if encode is gzip.compress else "deflate", bytes(body))


@pytest.mark.parametrize("level", range(10))
@pytest.mark.parametrize("wbits", range(9, 16))
def test_deflate_is_told_apart_by_its_first_two_bytes(level: int, wbits: int) -> None:
    framed = zlib.compressobj(level, wbits=wbits)
    unframed = zlib.compressobj(level, wbits=-wbits)
    assert has_zlib_header(framed.compress(PLAIN[:500]) + framed.flush())
    assert not has_zlib_header(unframed.compress(PLAIN[:500]) + unframed.flush())


@every
def test_body_of_one_read_takes_one_call(coding: str, encode: Callable[[bytes], bytes]) -> None:
    decoder = decoder_for(coding)
    assert decoder is not None
    if encode in (gzip.compress, deflated, bare, zstd):
        assert decoder.decode(encode(PLAIN[:200_000]), STEP) == PLAIN[:200_000]
        assert not decoder.has_pending


def test_empty_body_is_no_error() -> None:
    for _, coding, _ in EVERY:
        assert undo(coding, b"") == b""


def test_body_of_empty_members_costs_no_more_than_its_size() -> None:
    body = gzip.compress(b"") * 50_000
    assert undo("gzip", body, 65_536) == b""  # 1 MB, 0.1 s; with whole reads given to zlib it would copy 30 GB


def test_brotli_of_a_large_window_is_bounded_too() -> None:
    body = brotli.compress(bytes(40_000_000), lgwin=24, quality=5)
    assert undo("br", body, 65_536) == bytes(40_000_000)


def test_zstd_frame_that_wants_more_than_8_mib_is_an_error() -> None:
    module = zstd_module()
    encoder = module.ZstdCompressor(options={module.CompressionParameter.window_log: 25})
    body = encoder.compress(NOISE) + encoder.flush(encoder.FLUSH_BLOCK) + encoder.compress(NOISE) + encoder.flush()
    with pytest.raises(DecodingError, match="too much memory"):
        undo("zstd", body)


@pytest.mark.parametrize(
    ("values", "codings"),
    [
        (["gzip"], ["gzip"]),
        ([" GZip ,, x-gzip\t"], ["gzip", "x-gzip"]),
        (["deflate, br", "gzip"], ["deflate", "br", "gzip"]),
        (["identity", "gzip, identity"], ["gzip"]),
        ([""], []),
    ],
)
def test_codings_are_read_over_all_fields(values: list[str], codings: list[str]) -> None:
    assert codings_in(values) == codings


@pytest.mark.parametrize("stated", [0, 1, 700, 5000, 20_000, 2**32 - 1])
def test_size_that_a_gzip_body_states_is_not_believed(stated: int) -> None:
    """The last bytes of a first piece are taken for the size: they may be content, or wrong."""
    mark = stated.to_bytes(4, "little")
    data = PLAIN[:600] + mark + PLAIN[:9400]
    body = gzip.compress(data, 0)
    end = body.index(mark) + 4
    for limit in (1, 1000, STEP):
        assert undo("gzip", body, end, limit) == data
    lie = body[:-4] + mark
    with pytest.raises(DecodingError):
        undo("gzip", lie)


def test_more_than_five_codings_are_an_error() -> None:
    assert len(codings_in(["gzip, gzip, gzip", "gzip, gzip"])) == 5
    with pytest.raises(DecodingError, match="6 content codings"):
        codings_in(["gzip, gzip, gzip", "gzip, gzip, identity"])


def test_unknown_coding_leaves_no_decoders() -> None:
    assert decoders_for(["gzip", "sdch", "br"]) == ([], "sdch")
    assert decoder_for("compress") is None


def test_br_and_zstd_are_offered_only_when_they_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert accept_encoding() == "gzip, deflate, br, zstd"
    monkeypatch.setattr(codings_module, "has_brotli", lambda: False)
    monkeypatch.setattr(codings_module, "has_zstd", lambda: False)
    assert accept_encoding() == "gzip, deflate"
    assert decoder_for("br") is None
    assert decoder_for("zstd") is None


def test_brotli_that_cannot_be_bounded_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("brotli.Decompressor")
    monkeypatch.setattr("brotli.Decompressor", object, raising=False)
    assert codings_module.has_brotli.__wrapped__() is False
