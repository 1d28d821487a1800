"""The caching tests of http-tests, all rows for browsers side by side; what a row expects and does not get has a reason here."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from hookline import HttpClient, HttpRequestException, HttpResponse
from hookline_cache import Cache
from servers.cache_rows import PlayedRow, Row, RowServer, field_value

FOLDER = Path(os.environ.get("HOOKLINE_CONFORMANCE") or Path(__file__).parents[3] / "shared" / "conformance")
TESTS = FOLDER / "http-cache" / "tests.json"
PAUSE = 3.0  # seconds that pass after some requests: on the clock of the cache, so that no test waits for them

INVALID_AGE = "a max-age that is no number counts as 0, as RFC 9111 (section 4.2.1) advises"
FIRST_COUNTS = "of a repeated directive the first counts, the other choice of RFC 9111 (section 4.2.1)"
AGE_PARAMETER = "an Age that is no number is ignored (RFC 9111, section 5.1)"
QUALIFIED = "no-cache with field names is taken as no-cache, as RFC 9111 (section 5.2.2.4) allows"
RAISES = "the server has closed the connection: a client raises, where the row wants an answer (or none)"
ON_REQUEST = "a stale response replaces an error only if stale-if-error allows it"
SHORT = "a tenth of the time since Last-Modified has passed"
AS_SENT = "a validator is sent back as it came"
BODY_STAYS = "a 304 cannot change what describes the stored body (RFC 9111, section 3.2)"
ORDER = "servers may prefer the language that comes first (RFC 9110, section 12.5.4)"
NO_CHOICE = "which language the server would choose is not guessed"
PARTIAL = "partial responses are not stored; in four of the rows the body is shorter than its Content-Range says"

# By id: every row that does not get what it expects, and why.
EXCEPTIONS = {
    # required
    "stale-close-must-revalidate": RAISES,
    "stale-close-no-cache": RAISES,
    "headers-store-Transfer-Encoding": "a response with an unknown transfer coding is refused (RFC 9112, section 6.1)",
    # optimal
    "vary-normalise-lang-order": ORDER,
    "vary-normalise-lang-select": NO_CHOICE,
    "partial-store-partial-reuse-partial": PARTIAL,
    "partial-store-partial-reuse-partial-byterange": PARTIAL,
    "partial-store-partial-reuse-partial-absent": PARTIAL,
    "partial-store-partial-reuse-partial-suffix": PARTIAL,
    "partial-store-partial-complete": PARTIAL,
    # check: for information only
    "freshness-max-age-two-stale-fresh-sameline": FIRST_COUNTS,
    "freshness-max-age-two-stale-fresh-sepline": FIRST_COUNTS,
    "freshness-max-age-decimal-zero": INVALID_AGE,
    "freshness-max-age-decimal-five": INVALID_AGE,
    "freshness-max-age-a100": INVALID_AGE,
    "freshness-max-age-100a": INVALID_AGE,
    "age-parse-parameter": AGE_PARAMETER,
    "age-parse-numeric-parameter": AGE_PARAMETER,
    "headers-omit-headers-listed-in-Cache-Control-no-cache-single": QUALIFIED,
    "headers-omit-headers-listed-in-Cache-Control-no-cache": QUALIFIED,
    "stale-close": ON_REQUEST,
    "stale-503": ON_REQUEST,
    "stale-warning-stored": ON_REQUEST,
    "stale-warning-become": ON_REQUEST,
    "heuristic-delta-5": SHORT,
    "heuristic-delta-10": SHORT,
    "heuristic-delta-30": SHORT,
    "conditional-etag-vary-headers-mismatch": "a response to other request fields is not validated for these",
    "conditional-etag-strong-generate-unquoted": AS_SENT,
    "conditional-etag-forward-unquoted": AS_SENT,
    "304-etag-update-response-Content-Encoding": BODY_STAYS,
    "304-etag-update-response-Content-Range": BODY_STAYS,
    "head-200-retain": "the row expects a field of the stored response in the server's response to HEAD",
    "head-410-update": "an error does not change what is stored for GET",
    "other-age-delay": "an Age is for responses from the cache; a response of the server is handed out as it came",
}
BARS = {"required": 133, "optimal": 70}


def rows() -> list[Row]:
    found = []
    for suite in json.loads(TESTS.read_text()):
        found += [row for row in suite["tests"] if not row.get("cdn_only") and not row.get("browser_skip")]
    return found


class Player:
    """Plays one row: sends its requests, and checks what comes.

    A mode of fetch that reloads is the field that browsers send for it.
    """

    def __init__(self, server: RowServer, row: Row) -> None:
        self.row, self.server = row, server
        self.passed = 0.0
        self.start = time.time()
        self.cache = Cache(clock=self.now)
        self.played: PlayedRow = server.play(row, self.now)

    def now(self) -> float:
        return self.start + self.passed

    async def play(self) -> str | None:
        """Return None, or what was not as expected."""
        async with HttpClient(autoload=False, plugins=["cache", "cache_vary"], cache=self.cache, timeout=20) as client:
            for number, config in enumerate(self.row["requests"], 1):
                problem = await self.send(client, number, config)
                if problem is not None:
                    return f"request {number}: {problem}"
                if config.get("pause_after"):
                    self.passed += PAUSE
        return self.check_requests()

    async def send(self, client: HttpClient, number: int, config: Row) -> str | None:
        url = f"{self.server.url}/test/{self.row['id']}"
        url += f"/{config['filename']}" if "filename" in config else ""
        url += f"?{config['query_arg']}" if "query_arg" in config else ""
        fields = [("Test-ID", self.row["id"]), ("Req-Num", str(number))]
        fields += [(name, field_value(name, value, self.now())) for name, value in config.get("request_headers", [])]
        if config.get("cache") == "no-cache":
            fields.append(("Cache-Control", "max-age=0"))
        body = config["request_body"].encode() if "request_body" in config else None
        try:
            found = await client.request(config.get("request_method", "GET"), url, headers=fields, data=body)
        except HttpRequestException as error:
            return f"{type(error).__name__}: {error}"
        status = found.cache_status
        if status is not None and status.hit and "stale-while-revalidate" in found.headers.get("cache-control", ""):
            await self.validated(client, number)
        return self.check(found, number, config)

    async def validated(self, client: HttpClient, number: int) -> None:
        """Wait until the server has been asked in the background."""
        async with asyncio.timeout(20):
            while client.stats().in_use or not any(sent == number for sent, _, _ in self.played.requests):  # noqa: ASYNC110
                await asyncio.sleep(0.005)  # for an event within the client

    def check(self, found: HttpResponse[Any], number: int, config: Row) -> str | None:
        served = int(found.headers.get("Client-Request-Count", number))
        kind = config.get("expected_type")
        if kind == "cached" and served == number:
            return "was not answered from the cache"
        if kind == "not_cached" and served != number:
            return "was answered from the cache"
        if "expected_status" in config:
            if config["expected_status"] is not None and found.status_code != config["expected_status"]:
                return f"has the status {found.status_code}"
        elif found.status_code != config.get("response_status", [200])[0]:
            return f"has the status {found.status_code}"
        for expected in config.get("expected_response_headers", []):
            problem = self.check_field(found, expected)
            if problem is not None:
                return problem
        for expected in config.get("expected_response_headers_missing", []):
            name, value = (expected, "") if isinstance(expected, str) else expected
            if name in found.headers and value in found.headers[name]:
                return f"has {name}"
        if "expected_response_text" in config:
            if config["expected_response_text"] is not None and found.text != config["expected_response_text"]:
                return f"has the body {found.text!r}"
        elif config.get("check_body", True) and config.get("request_method") != "HEAD":
            body = config.get("response_body", self.row["id"]) or ""
            if found.text != body:
                return f"has the body {found.text!r}"
        return None

    def check_field(self, found: HttpResponse[Any], expected: Any) -> str | None:
        if isinstance(expected, str):
            return None if expected in found.headers else f"has no {expected}"
        name, *value = expected
        actual = found.headers.get(name)
        if value[0] == ">":
            is_right = actual is not None and int(actual) > value[1]
        elif value[0] == "=":
            is_right = actual == found.headers.get(value[1])
        elif isinstance(value[0], int):
            sent = self.played.sent[int(found.headers["Client-Request-Count"])]
            is_right = actual == sent[name.lower()]
        else:
            is_right = actual == value[0]
        return None if is_right else f"{name} is {actual!r}, and not {value}"

    def check_requests(self) -> str | None:
        """Check what the server received."""
        for number, config in enumerate(self.row["requests"], 1):
            received = next((each for each in self.played.requests if each[0] == number), None)
            kind = config.get("expected_type", "")
            names = [*config.get("expected_request_headers", [])]
            names += ["if-none-match"] if kind == "etag_validated" else []
            names += ["if-modified-since"] if kind == "lm_validated" else []
            if received is None:
                if names:
                    return f"request {number} was not sent"
                continue
            _, method, fields = received
            for expected in names:
                name, value = (expected, None) if isinstance(expected, str) else expected
                if name.lower() not in fields or value not in (None, fields[name.lower()]):
                    return f"request {number} has {name}: {fields.get(name.lower())}"
            for expected in config.get("expected_request_headers_missing", []):
                name, value = (expected, None) if isinstance(expected, str) else expected
                if name.lower() in fields and value in (None, fields[name.lower()]):
                    return f"request {number} has {name}"
            if config.get("expected_method", method) != method:
                return f"request {number} has the method {method}"
        return None


async def play_all(played: list[Row]) -> dict[str, str]:
    """Play rows side by side, and return what failed, by id."""
    limit = asyncio.Semaphore(50)

    async with RowServer() as server:

        async def play(row: Row) -> str | None:
            async with limit:
                return await Player(server, row).play()

        problems = await asyncio.gather(*(play(row) for row in played))
    return {row["id"]: problem for row, problem in zip(played, problems, strict=True) if problem is not None}


@pytest.mark.conformance
async def test_rows_for_browsers() -> None:
    if not TESTS.exists():
        pytest.skip(f"{TESTS} does not exist")
    played = rows()
    failed = await play_all(played)
    assert {name: problem for name, problem in failed.items() if name not in EXCEPTIONS} == {}
    assert EXCEPTIONS.keys() - failed.keys() == set()
    for kind, least in BARS.items():
        passed = [row for row in played if row.get("kind", "required") == kind and is_passed(row, failed)]
        assert len(passed) >= least, f"{kind}: {len(passed)}"


def is_passed(row: Row, failed: dict[str, str]) -> bool:
    """A row does not count if one that it depends on has failed."""
    return row["id"] not in failed and not any(each in failed for each in row.get("depends_on", ()))
