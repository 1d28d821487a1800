"""The URL cases of the web platform tests; HOOKLINE_CONFORMANCE names the folder that holds them."""

import json
import os
import re
from pathlib import Path

import pytest

from hookline import InvalidURL, split_url

FOLDER = Path(os.environ.get("HOOKLINE_CONFORMANCE") or Path(__file__).parents[3] / "shared" / "conformance")
FILE = FOLDER / "url" / "urltestdata.json"
PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
NAMES_A_HOST = re.compile(r"[\x00-\x20]*(?:https?|wss?)://", re.IGNORECASE).match

BACKSLASH = "refused: only some parsers read a backslash as a slash, so that two programs would see two hosts"
LINE_BREAK = "refused: browsers leave tabs and line breaks out, where others send them, or end a line there"
CONTROL = "refused: what has control characters was put together from the wrong things"
AS_WRITTEN = "a query of clean ASCII goes out byte for byte; browsers encode a ' in it"
EMPTY_QUERY = "a ? with nothing behind it goes out, as in browsers; it is only their `search` that leaves it out"

# Deliberate departures from the data, with the reasons.
DEPARTURES = {
    "http://a:b@c\\": BACKSLASH,
    "ws://a@b\\c": BACKSLASH,
    "http://example.com\\\\foo\\\\bar": BACKSLASH,
    "http:\\\\www.google.com\\foo": BACKSLASH,
    "http://foo.com/\\@": BACKSLASH,
    "wss://host/ !\"$%&'()*+,-./:;<=>@[\\]^_`{|}~": BACKSLASH,
    "http://example.com/foo\t\x91%91": LINE_BREAK,
    "http://example.com/foo\tbar": LINE_BREAK,
    "http://ho\tst/": LINE_BREAK,
    "http://ho\nst/": LINE_BREAK,
    "http://ho\rst/": LINE_BREAK,
    "h\tt\nt\rp://h\to\ns\rt:9\t0\n0\r0/p\ta\nt\rh?q\tu\ne\rry#f\tr\na\rg": LINE_BREAK,
    "http://example\t.\norg": LINE_BREAK,
    "http://f:\n/c": LINE_BREAK,
    "\x00\x1b\x04\x12 http://example.com/\x1f \r ": CONTROL,
    "https://www.example.com/path{\x7fpath.html?query'\x7f=query#fragment<\x7ffragment": CONTROL,
    "https://x/\x00y": CONTROL,
    "https://x/?\x00y": CONTROL,
    "https://user:pass[\x7f@foo/bar": CONTROL,
    "http://host/?'": AS_WRITTEN,
    "http://example.org/test?#": EMPTY_QUERY,
    "https://x/?#\uffffy": EMPTY_QUERY,
    "https://x/?#\x00y": EMPTY_QUERY,
}


def rows():
    """Return the cases with an absolute URL of the schemes of Hookline, with or without a base in the data."""
    if not FILE.exists():
        return [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=f"no {FILE}; set HOOKLINE_CONFORMANCE"))]
    found = []
    for number, row in enumerate(json.loads(FILE.read_text(encoding="utf-8"))):
        if isinstance(row, dict) and is_ours(row):
            found.append(pytest.param(row, id=str(number)))
    return found


def is_ours(row):
    if row["base"] is not None or row.get("failure"):
        # Without slashes, a base of the same scheme would change the result.
        pattern = NAMES_A_HOST if row["base"] is not None else re.compile(r"(?i)(?:https?|wss?):").match
        return pattern(row["input"]) is not None
    return row["protocol"].rstrip(":") in PORTS


def expected(row):
    if row.get("failure"):
        return None
    scheme = row["protocol"].rstrip(":")
    return scheme, row["hostname"], int(row["port"] or PORTS[scheme]), row["pathname"] + row["search"], row["hash"]


def parsed(url):
    try:
        parts = split_url(url)
    except InvalidURL:
        return None
    host = f"[{parts.host}]" if ":" in parts.host else parts.host
    port = PORTS[parts.scheme] if parts.port is None else parts.port
    return parts.scheme, host, port, parts.target, "" if parts.fragment == "#" else parts.fragment


@pytest.mark.conformance
@pytest.mark.parametrize("row", rows())
def test_url_is_parsed_as_in_browsers(row):
    ours, theirs = parsed(row["input"]), expected(row)
    if row["input"] in DEPARTURES:
        assert ours != theirs, "it stands among the departures, and is none"
    else:
        assert ours == theirs


@pytest.mark.conformance
def test_departures_are_few():
    if not FILE.exists():
        pytest.skip(f"no {FILE}; set HOOKLINE_CONFORMANCE")
    absolute = [param.values[0] for param in rows() if param.values[0]["base"] is None]
    assert len(absolute) == 289
    assert sum(parsed(row["input"]) == expected(row) for row in absolute) >= 270
