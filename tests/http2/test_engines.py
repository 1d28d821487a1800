"""Where the libraries below forgive or forget, or take an error of one exchange for one of all: both engines do as RFC 9113 says.

Each case was found by the conversations of test_fuzz.py. Two calls are answered by these frames, in one read and byte by byte.
"""

from __future__ import annotations

import struct

import pytest

from kit.http2_conversations import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    Frame,
    reset,
    settings,
    window,
)
from kit.http2_fed import Fed

OK = b"\x88"  # :status 200
INTERIM = b"\x08\x03103"
ENTERS_TABLE, FROM_TABLE = b"\x40\x01a\x01b", b"\xbe"  # a: b
BAD = b"\x00\x01A\x01b"  # a name in upper case
ENDS = END_HEADERS | END_STREAM


def head(number, block=OK, flags=END_HEADERS):
    return Frame(HEADERS, flags, number, block)


def data(number, content=b"body", flags=END_STREAM):
    return Frame(DATA, flags, number, content)


def whole(number):
    return [head(number), data(number)]


def goaway(last):
    return Frame(GOAWAY, 0, 0, struct.pack(">II", last, 0))


BROKEN = ["RemoteProtocolError"] * 2  # the connection ends
ONE = ["RemoteProtocolError", ""]  # the first exchange ends, the other goes on
FINE = ["", ""]
NO_FIELDS_AMID = Frame(CONTINUATION, END_HEADERS, 1, OK)
# The frames behind SETTINGS, and how the calls end: the name of an error, "" = with a response.
CASES = {
    "padding alone, and the fields in CONTINUATION": (
        [head(1, b"\x03\0\0\0", PADDED), NO_FIELDS_AMID, data(1), *whole(3)],
        FINE,
    ),
    "padding that is longer than its frame": ([head(1, b"\x04\0\0\0", PADDED | END_HEADERS), *whole(3)], BROKEN),
    "RST_STREAM of a stream that was not opened": ([reset(99, 8), *whole(1), *whole(3)], BROKEN),
    "WINDOW_UPDATE of a stream that was not opened": ([window(99, 8), *whole(1), *whole(3)], BROKEN),
    "DATA of a stream that was not opened": ([data(99), *whole(1), *whole(3)], BROKEN),
    "GOAWAY with a stream that cannot be": ([goaway(2), *whole(1), *whole(3)], BROKEN),
    "GOAWAY that takes an earlier one back": ([goaway(3), goaway(5), *whole(1), *whole(3)], BROKEN),
    "GOAWAY amid a head": ([head(1, b"", 0), goaway(3), NO_FIELDS_AMID, *whole(3)], BROKEN),
    "two final heads": ([head(1), head(1), data(1), *whole(3)], ONE),
    "data between an interim and the final head": ([head(1, INTERIM), data(1, flags=0), head(1), *whole(3)], ONE),
    "a malformed head, and what follows it": ([head(1, OK + BAD, ENDS), head(1), *whole(3)], ONE),
    "a field that a head of a closed stream puts into the table": (
        [head(1, OK + BAD, ENDS), head(1, OK + ENTERS_TABLE), head(3, OK + FROM_TABLE), data(3)],
        ONE,
    ),
    "the same, in CONTINUATION": (
        [
            head(1, OK + BAD, ENDS),
            head(1, OK, 0),
            Frame(CONTINUATION, END_HEADERS, 1, ENTERS_TABLE),
            head(3, OK + FROM_TABLE),
            data(3),
        ],
        ONE,
    ),
    "a head of a closed stream that HPACK cannot decode": (
        [head(1, OK + BAD, ENDS), head(1, b"\xff\xff"), *whole(3)],
        BROKEN,
    ),
    "an increment with the reserved bit": ([window(0, 2**31 + 5), *whole(1), *whole(3)], FINE),
    "an increment of 0 for a closed stream": ([*whole(1), window(1, 0), *whole(3)], FINE),
    "a malformed head, and then RST_STREAM": ([head(1, OK + BAD), reset(1, 11), *whole(3)], ONE),
}


@pytest.mark.parametrize("engine", ["ngh2", "h2"])
@pytest.mark.parametrize(("frames", "ends"), CASES.values(), ids=CASES)
async def test_calls_end_as_the_rfc_says(engine, frames, ends):
    sent = b"".join(frame.encode() for frame in [settings({}), *frames])
    async with Fed() as fed:
        for pieces, turns in (([sent], 0), ([sent[at : at + 1] for at in range(len(sent))], 2)):
            outcomes = await fed.outcomes(engine, ["get", "get"], pieces, turns)
            assert [outcome.error for outcome in outcomes] == ends
            for outcome, error in zip(outcomes, ends, strict=True):
                assert error or (outcome.status, outcome.body) == (200, b"body")


@pytest.mark.parametrize("engine", ["ngh2", "h2"])
async def test_connection_begins_with_settings(engine):
    async with Fed() as fed:
        sent = b"".join(frame.encode() for frame in [*whole(1), settings({}), *whole(3)])
        outcomes = await fed.outcomes(engine, ["get", "get"], [sent])
    assert [outcome.error for outcome in outcomes] == BROKEN


@pytest.mark.parametrize("kind", ["get", "upload"])
@pytest.mark.parametrize("engine", ["ngh2", "h2"])
async def test_error_in_the_last_bytes_before_the_end_of_tcp(engine, kind):
    """Of two reads in one turn of the loop, the second is the end: the caller hears what was wrong, and so does the server."""
    async with Fed() as fed:
        sent = b"".join(frame.encode() for frame in [settings({}), window(0, 1), data(99)])
        (outcome,) = await fed.outcomes(engine, [kind], [sent])
        assert outcome.error == "RemoteProtocolError"
        goodbye = bytes([GOAWAY, 0, 0, 0, 0, 0])
        assert goodbye in fed.written


async def test_empty_content_length_of_204_is_left_out(make_client, server, engine):
    async def answer(session, request):
        session.head(request.stream, 204, ("content-length", "0"), ends=True)

    server.answers["/x"] = answer
    response = await make_client().get(server.url("/x"))
    assert (response.status_code, "content-length" in response.headers) == (204, False)
