"""isal and zlib give the same bytes, and refuse the same bodies, however these were changed and cut."""

from __future__ import annotations

import gzip
import random
import zlib
from typing import Any

import pytest

from decompress.bodies import NOISE, PLAIN, bare, deflated, members
from hookline import DecodingError
from hookline_decompress import zlib_members
from hookline_decompress.codings import decoder_for

isal_zlib = pytest.importorskip("isal.isal_zlib")
ENCODED = {"gzip": gzip.compress, "members": members, "deflate": deflated, "bare": bare}


def decoded(library: Any, coding: str, body: bytes, cut: int, limit: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what comes out of a body, or DecodingError."""
    monkeypatch.setattr(zlib_members, "isal_zlib", library)
    decoder = decoder_for(coding)
    assert decoder is not None
    given = []
    try:
        for start in range(0, len(body), cut):
            given.append(decoder.decode(body[start : start + cut], limit))
            while decoder.has_pending:
                given.append(decoder.decode(b"", limit))
        decoder.finish()
    except DecodingError:
        return DecodingError
    assert max(map(len, given), default=0) <= limit
    return b"".join(given)


def with_name(body: bytes, name: bytes) -> bytes:
    """Return a gzip body with a file name in its header."""
    return body[:3] + b"\x08" + body[4:10] + name + b"\0" + body[10:]


def changed(body: bytes, dice: random.Random) -> bytes:
    """Return a body with a few changes: bits, bytes, its length; most of them at its begin or end."""
    data = bytearray(body)
    for _ in range(dice.choice([0, 1, 1, 2, 4])):
        place = (
            dice.choice([dice.randrange(len(data)), dice.randrange(min(20, len(data))), len(data) - 1]) if data else 0
        )
        change = dice.randrange(5 if data else 1)
        if change == 0:
            data[place:place] = dice.randbytes(dice.randrange(1, 9))
        elif change == 1:
            del data[place]
        elif change == 2:
            data[place] ^= 1 << dice.randrange(8)
        elif change == 3:
            data += dice.choice([b"\0\0", b"\x1f\x8b", body])
        else:
            del data[place:]
    return bytes(data)


@pytest.mark.parametrize("seed", range(4))
def test_isal_and_zlib_agree_on_changed_bodies(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zlib_members, "LEAST_FOR_ISAL", 0)
    dice = random.Random(seed)
    whole = refused = 0
    for _ in range(700):
        plain = dice.choice([PLAIN, NOISE, bytes(5000)])[: dice.choice([0, 1, 50, 1000, 5000])]
        label = dice.choice([*ENCODED])
        body = ENCODED[label](plain)
        if label == "gzip" and dice.random() < 0.3:
            body = with_name(body, dice.randbytes(dice.randrange(20)).replace(b"\0", b""))
        body = changed(body, dice)
        coding = "deflate" if label in ("deflate", "bare") else "gzip"
        cut, limit = dice.choice([1, 3, 100, 1 << 20]), dice.choice([7, 1000, 1 << 18])
        by_zlib = decoded(None, coding, body, cut, limit, monkeypatch)
        by_isal = decoded(isal_zlib, coding, body, cut, limit, monkeypatch)
        assert by_isal == by_zlib, (coding, cut, limit, body)
        refused += by_zlib is DecodingError
        whole += by_zlib is not DecodingError
    assert min(whole, refused) > 150


class Counted:
    """Counts the streams that isal begins."""

    error = isal_zlib.error

    def __init__(self) -> None:
        self.streams = 0

    def decompressobj(self, frame: int) -> Any:
        self.streams += 1
        return isal_zlib.decompressobj(frame)


BODY = gzip.compress(NOISE[:2000])
CHECKED = (
    BODY[:3] + b"\x02" + BODY[4:10] + zlib.crc32(BODY[:3] + b"\x02" + BODY[4:10]).to_bytes(4, "little")[:2] + BODY[10:]
)


@pytest.mark.parametrize(
    ("coding", "body", "cut", "streams"),
    [
        ("gzip", BODY, 4096, 1),
        ("gzip", with_name(BODY, b"notes.txt"), 4096, 1),
        ("gzip", BODY * 2, 4096, 2),
        ("deflate", zlib.compress(NOISE[:2000]), 4096, 1),
        ("gzip", BODY, 511, 0),
        ("gzip", gzip.compress(b"short"), 4096, 0),
        ("gzip", CHECKED, 4096, 0),
        ("deflate", bare(NOISE[:2000]), 4096, 0),
    ],
    ids=["gzip", "name", "members", "zlib", "cut", "short", "checked-header", "bare"],
)
def test_isal_decodes_what_it_reads_as_zlib_does(
    coding: str, body: bytes, cut: int, streams: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted()
    plain = decoded(counted, coding, body, cut, 1 << 18, monkeypatch)
    assert counted.streams == streams
    assert plain == decoded(None, coding, body, cut, 1 << 18, monkeypatch)
    assert plain is not DecodingError


def test_library_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert zlib_members.library().startswith("isal 1.")
    monkeypatch.setattr(zlib_members, "isal_zlib", None)
    assert zlib_members.library() == f"zlib {zlib.ZLIB_RUNTIME_VERSION}"
