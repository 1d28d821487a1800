"""llhttp's own cases of responses, each whole and byte by byte; HOOKLINE_CONFORMANCE names the folder that holds them."""

import json
import os
import re
from pathlib import Path

import pytest

from hookline.errors import HttpRequestException
from servers.fed import take

FOLDER = Path(os.environ.get("HOOKLINE_CONFORMANCE") or Path(__file__).parents[3] / "shared" / "conformance")
FILE = FOLDER / "llhttp_response_cases.json"


def cases():
    if not FILE.exists():
        return [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=f"no {FILE}; set HOOKLINE_CONFORMANCE"))]
    every = json.loads(FILE.read_text(encoding="utf-8"))["cases"]
    return [pytest.param(case, id=f"{number}-{case['title']}") for number, case in enumerate(every)]


# What llhttp lets pass and RFC 9112 does not: empty lines before a status line are for requests (section 2.2), and
# transfer codings that nobody asked for have no meaning that both sides know (section 6.1).
REFUSED = ("Response starting with CRLF", "HTTP 100 first, then 400")


# What llhttp refuses and other clients take: lines of a head that end in LF (RFC 9112, section 2.2), and spaces behind the
# size of a chunk.
TAKEN = ("Only LFs present", "Only LFs present and no body", "No carriage ret")
SPACES = "Trailing space on chunked body"


def raw_of(case):
    """The bytes of a case; the file has lost the last line ends, which the offsets of the log still count."""
    raw = case["raw"].encode()
    last = max(map(int, re.findall(r"off=([0-9]+)", case["log"])), default=0)
    missing = max(last - len(raw), case["title"] == "HTTP 103 first, then 200")
    if case["title"] == SPACES:
        missing = 2  # the log ends at the first space
    return raw + b"\n" * (missing % 2) + b"\r\n" * (missing // 2)


def body_of(case, raw):
    spans = re.findall(r"off=([0-9]+) len=([0-9]+) span\[body\]", case["log"])
    return b"".join(raw[int(start) : int(start) + int(size)] for start, size in spans)


@pytest.mark.conformance
@pytest.mark.parametrize("cut", ["whole", "bytes"])
@pytest.mark.parametrize("case", cases())
async def test_llhttp_case_ends_as_llhttp_says(case, cut):
    raw = raw_of(case)
    method = "HEAD" if case["title"] == "Content-Length reset when no body is received" else "GET"
    taken = take(raw, cut=cut, eof=True, method=method)

    if taken.error is not None:
        assert isinstance(taken.error, HttpRequestException)
        assert taken.transport.is_closed
        assert not case["complete"] or "lenient" in case["mode"] or case["title"] in REFUSED, taken.error
    else:
        assert taken.connection.complete
        # An error behind a complete message is one of what nobody asked for: the response stands, the connection goes.
        if case["title"] in TAKEN:
            assert taken.body == raw.partition(b"\n\n")[2]
            return
        if case["title"] == SPACES:
            assert taken.body == b"This is the data in the first chunk\r\nand this is the second one\r\n"
            return
        assert case["error"] is None or case["complete"]
        if case["log"].count("message begin") == 1:
            assert taken.body == body_of(case, raw)
