"""What servers ask for: the fields, and that it holds back everybody with the same key."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

import pytest
from multidict import CIMultiDict

from hookline import HttpResponse, HttpTimeout, hookimpl
from hookline_testing.server import ScriptedServer, response
from hookline_throttle import Throttle
from hookline_throttle.server_limits import seconds_asked_for
from throttle.conftest import Admissions, Throttling

NOW = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT
DATE = ("Date", "Fri, 15 Jan 2027 09:00:00 GMT")  # of a server whose clock is an hour ahead


@pytest.mark.parametrize(
    ("status", "fields", "seconds"),
    [
        (429, [("Retry-After", "5")], 5),
        (503, [("Retry-After", " 05 ")], 5),
        (503, [("Retry-After", "5"), ("Retry-After", "7")], 7),
        (503, [("Retry-After", "Fri, 15 Jan 2027 08:00:07 GMT")], 7),
        (503, [("Retry-After", "Friday, 15-Jan-27 08:00:07 GMT")], 7),
        (503, [("Retry-After", "Fri Jan 15 08:00:07 2027")], 7),
        (503, [("Retry-After", "Fri, 15 Jan 2027 09:00:07 GMT"), DATE], 7),
        (503, [("Retry-After", "Fri, 15 Jan 2027 07:00:00 GMT")], 0),
        (200, [("Retry-After", "5")], 0),
        (301, [("Retry-After", "5")], 0),
        (429, [], 0),
        # RateLimit of version 8 and later
        (200, [("RateLimit", '"default";r=0;t=30')], 30),
        (200, [("RateLimit", '"default";r=1;t=30')], 0),
        (200, [("RateLimit", '"burst";r=9;t=3, "day";r=0;t=60;pk=:c2Vj:')], 60),
        (200, [("RateLimit", '"burst";r=0;t=3'), ("RateLimit", '"day";r=0;t=60')], 60),
        (200, [("RateLimit", '"a,b;c\\"";r=0'), ("RateLimit-Policy", '"x";q=1;w=9, "a,b;c\\"";q=10;w=7')], 7),
        (200, [("RateLimit", '"default";r=0')], 0),
        (429, [("RateLimit", '"default";r=0;t=30'), ("Retry-After", "5")], 5),
        # and before
        (200, [("RateLimit", "limit=100, remaining=0, reset=50")], 50),
        (200, [("RateLimit", "limit=100, remaining=1, reset=50")], 0),
        (200, [("RateLimit-Limit", "10"), ("RateLimit-Remaining", "0"), ("RateLimit-Reset", "9")], 9),
        (200, [("RateLimit-Remaining", "3"), ("RateLimit-Reset", "9")], 0),
        (200, [("RateLimit-Reset", "9")], 0),
        (429, [("RateLimit-Reset", "9")], 9),
        # practice
        (403, [("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "1800000010")], 10),
        (403, [("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "1800003610"), DATE], 10),
        (403, [("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "1800000010000")], 10),
        (403, [("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "1700000000")], 0),
        (200, [("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset-After", "1.5")], 1.5),
        (200, [("X-Rate-Limit-Remaining", "0"), ("X-Rate-Limit-Reset", "60")], 60),
        (200, [("X-RateLimit-Remaining", "0, 0;w=1"), ("X-RateLimit-Reset", "2, 3")], 2),
    ],
    ids=[f"{number:02}" for number in range(31)],
)
def test_seconds(status: int, fields: list[tuple[str, str]], seconds: float) -> None:
    assert seconds_asked_for(status, CIMultiDict(fields), NOW) == seconds


@pytest.mark.parametrize(
    "value", ["-5", "NaN", "inf", "1e9", "0x10", "", "soon", "٣", "Fri, 99 Jan 2027 08:00:00 GMT", "5;5"]
)
@pytest.mark.parametrize("name", ["Retry-After", "RateLimit", "RateLimit-Reset", "X-RateLimit-Reset"])
def test_malformed_values_hold_nobody_for_long(name: str, value: str) -> None:
    fields = CIMultiDict([(name, value), ("RateLimit-Remaining", "0"), ("X-RateLimit-Remaining", "0")])
    assert seconds_asked_for(429, fields, NOW) in (0, 1, 5)  # the number with which a text begins


@pytest.mark.parametrize(
    "fields",
    [
        [("Retry-After", "1" + "0" * 30)],
        [("RateLimit", '"default";r=0;t=1' + "0" * 30)],
        [("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "1" + "0" * 30)],
    ],
    ids=["retry-after", "ratelimit", "x-ratelimit"],
)
def test_huge_values(fields: list[tuple[str, str]]) -> None:
    assert seconds_asked_for(429, CIMultiDict(fields), NOW) == math.inf


def test_long_fields_take_no_time() -> None:
    begun = time.process_time()
    for value in (
        '"' * 60_000,
        '"a";' * 15_000,
        ";" * 60_000,
        "a;a=" * 15_000,
        "\\" * 60_000,
        '"\\' * 30_000,
        " " * 60_000,
    ):
        seconds_asked_for(429, CIMultiDict([("RateLimit", value), ("RateLimit-Policy", value)]), NOW)
    assert time.process_time() - begun < 5  # quadratic time would take minutes


# -- what it does


@pytest.mark.protocols("HTTP/1.1", "HTTP/2")
@pytest.mark.parametrize("status", [429, 503])
async def test_everybody_with_the_key_is_held_back(
    throttling: Throttling, admissions: Admissions, make_scripted: Any, status: int
) -> None:
    busy, other = make_scripted(), make_scripted()
    busy.answer(response(b"busy", status, [("Retry-After", "1")]))
    busy.always(response(b"ok"))
    other.always(response(b"ok"))
    async with throttling(Throttle()) as client:
        assert (await client.get(busy.url())).status_code == status
        answered = time.monotonic()
        elsewhere = await client.get(other.url())
        found = await asyncio.gather(*(client.get(busy.url()) for _ in range(5)))
    assert elsewhere.throttled == 0
    assert all(each.status_code == 200 and each.throttled > 0 for each in found)
    assert min(admissions.instants[2:]) >= answered + 0.9  # the second began with the head


async def test_hold_is_bounded(throttling: Throttling, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"busy", 429, [("Retry-After", "9" * 30)]))
    scripted.always(response(b"ok"))
    async with throttling(Throttle(max_hold=0.5)) as client:
        await client.get(scripted.url())
        assert 0 < (await client.get(scripted.url())).throttled < 15


async def test_deadline_ends_a_hold(throttling: Throttling, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"busy", 429, [("Retry-After", "3600")]))
    async with throttling(Throttle(), timeout=0.2) as client:
        await client.get(scripted.url(), timeout=10)
        with pytest.raises(HttpTimeout):
            await client.get(scripted.url())


async def test_hold_of_a_key_that_was_idle(throttling: Throttling, scripted: ScriptedServer) -> None:
    """While a request without slots is under way, its key may be forgotten, since it is counted no more."""

    class Forgets:
        after = ("throttle",)

        @hookimpl
        def pre_request(self, response: HttpResponse) -> None:
            if not admissions_count:
                throttle.limits._keys.clear()
            admissions_count.append(1)

    admissions_count: list[int] = []
    scripted.answer(response(b"busy", 429, [("Retry-After", "3600")]))
    throttle = Throttle("1000000/s")
    async with throttling(throttle, Forgets()) as client:
        await client.get(scripted.url())
        with pytest.raises(HttpTimeout):
            await client.get(scripted.url(), timeout=0.1)


async def test_first_call_with_a_throttle_of_its_own_heeds_the_server(
    throttling: Throttling, scripted: ScriptedServer
) -> None:
    scripted.answer(response(b"busy", 429, [("Retry-After", "3600")]))
    throttle = Throttle()
    async with throttling(None) as client:
        await client.get(scripted.url(), throttle=throttle)
        with pytest.raises(HttpTimeout):
            await client.get(scripted.url(), throttle=throttle, timeout=0.1)


# -- beside retry


@pytest.mark.parametrize(
    "fields",
    [[("Retry-After", "1")], [("RateLimit", '"a";r=0;t=1')], [("X-RateLimit-Reset", "1")]],
    ids=["retry-after", "ratelimit", "x-ratelimit"],
)
async def test_retry_and_throttle_wait_once(
    throttling: Throttling, admissions: Admissions, scripted: ScriptedServer, fields: list[tuple[str, str]]
) -> None:
    retry = pytest.importorskip("hookline_retry")
    scripted.answer(response(b"busy", 429, fields))
    scripted.always(response(b"ok"))
    async with throttling(Throttle(), "retry", retry=retry.Retry(backoff=0)) as client:
        found = await client.get(scripted.url())
    assert found.status_code == 200
    first, second = admissions.instants
    assert second - first >= 1
    assert found.throttled <= 0.1  # retry has waited until the instant that the throttle noted


async def test_retry_does_not_wait_for_longer_than_it_may(throttling: Throttling, scripted: ScriptedServer) -> None:
    retry = pytest.importorskip("hookline_retry")
    scripted.answer(response(b"busy", 429, [("RateLimit", '"a";r=0;t=3600')]))
    async with throttling(Throttle(), "retry", retry=retry.Retry(backoff=0, max_wait=1)) as client:
        assert (await client.get(scripted.url())).status_code == 429
