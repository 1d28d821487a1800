"""An exchange with a cache leaves no reference cycle: its memory is free at once, without the garbage collector."""

from __future__ import annotations

from typing import Any

import pytest

from hookline import HttpClient
from hookline_cache import Cache
from hookline_testing.server import ScriptedServer, response
from kit.garbage import cycles

BODY = b"x" * 200
FRESH = ("Cache-Control", "max-age=60")
ETAG = ("ETag", '"1"')
NOT_MODIFIED = response(b"", 304, [FRESH])
STORED = response(BODY, 200, [FRESH, ETAG])
VARIES = response(BODY, 200, [FRESH, ("Vary", "X-Stamp")])
UNSTORED = response(BODY, 200, [("Cache-Control", "no-store")])

# What the server sends before and within the watched part, the method, the seconds that pass between, and the options.
CASES: dict[str, tuple[list[bytes], list[bytes], str, float, dict[str, Any]]] = {
    "miss": ([], [STORED], "GET", 0, {}),
    "hit": ([STORED], [], "GET", 0, {}),
    "hit of a variant": ([VARIES], [], "GET", 0, {}),
    "validated": ([STORED], [NOT_MODIFIED], "GET", 61, {}),
    "replaced": ([STORED], [STORED], "GET", 61, {}),
    "not stored": ([], [UNSTORED], "GET", 0, {}),
    "renewed by HEAD": ([STORED], [response(b"", 200, [FRESH, ETAG])], "HEAD", 61, {}),
    "method without part in it": ([], [response(b"ok")], "OPTIONS", 0, {}),
    "no-store": ([], [STORED], "GET", 0, {"headers": {"Cache-Control": "no-store"}}),
    "reload": ([], [STORED], "GET", 0, {"cache": "reload"}),
    "conditions of the user": ([], [STORED], "GET", 0, {"headers": {"If-None-Match": '"2"'}}),
    "invalidated": ([STORED], [response(b"ok")], "POST", 0, {}),
    "only if cached": ([], [], "GET", 0, {"cache": "only-if-cached"}),
}


@pytest.mark.parametrize("case", CASES)
async def test_exchange_with_a_cache_leaves_no_cycle(scripted: ScriptedServer, clock: Any, case: str) -> None:
    before, within, method, seconds, options = CASES[case]
    async with HttpClient(autoload=False, plugins=["cache", "cache_vary"], cache=Cache(clock=clock)) as client:
        for path in ("/warm", "/one"):  # the first one fills what is kept for good
            for data in before:
                scripted.answer(data)
                await client.get(scripted.url(path))
            clock.passes(seconds)
            scripted.answer(*within)
            with cycles("hookline") as found:
                answer = await client.request(method, scripted.url(path), **options)
                if options.get("stream"):
                    assert await answer.raw.read() == BODY
                del answer
    assert found == []
