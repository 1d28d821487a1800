"""docs/fast-path.md names the calls of a warm GET and POST in their order."""

from __future__ import annotations

import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import hookline
from hookline import HttpClient, Timeout
from hookline_testing.server import ScriptedServer, response

CORE = str(Path(hookline.__file__).parent)
PAGE = Path(__file__).parents[2] / "docs" / "fast-path.md"


def stated() -> list[str]:
    """The calls of the table."""
    rows = re.findall(r"^\| (\d+) \| `([\w.]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, len(rows) + 1))
    return [name for _, name in rows]


def stated_of_timeouts() -> dict[str, list[str]]:
    """What timeouts add to the calls: the calls by the code that gives the timeout."""
    rows = re.findall(r"^\| `(\w+\(.*?\))` \| (`.*?`) \| [\d,]+ \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {code: re.findall(r"`([\w.]+)`", calls) for code, calls in rows}


async def calls_of(send: Callable[[], Awaitable[object]]) -> tuple[list[str], set[str]]:
    """Return the calls of core's functions in the fourth of four requests, and the files of these functions."""
    calls: list[str] = []
    files: set[str] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(CORE):
            calls.append(frame.f_code.co_qualname)
            files.add(frame.f_code.co_filename)

    for _ in range(3):
        await send()
    sys.setprofile(note)
    try:
        await send()
    finally:
        sys.setprofile(None)
    return calls, files


@pytest.mark.parametrize(("method", "data"), [("GET", None), ("POST", b"abc")], ids=["get", "post"])
async def test_table_names_the_calls_of_a_warm_request(
    scripted: ScriptedServer, method: str, data: bytes | None
) -> None:
    scripted.always(response(b"body"))
    async with HttpClient() as client:
        send = client.get if method == "GET" else client.post
        calls, files = await calls_of(lambda: send(scripted.url(), data=data))
    wanted = stated()
    wanted[0] = f"HttpClient.{method.lower()}"
    assert calls == wanted
    assert f"{len(wanted)} calls of Python functions of core, in {len(files)} files" in " ".join(
        PAGE.read_text().split()
    )


READ = Timeout(read=30)
TIMEOUTS: dict[str, tuple[Any, Any]] = {  # of the client and of the call
    "HttpClient(timeout=Timeout(read=30))": (READ, None),
    "HttpClient(timeout=30)": (30, None),
    "get(url, timeout=Timeout(read=30))": (None, READ),
    "get(url, timeout=30)": (None, 30),
}


@pytest.mark.parametrize("code", TIMEOUTS)
async def test_table_names_the_calls_that_a_timeout_adds(scripted: ScriptedServer, code: str) -> None:
    scripted.always(response(b"body"))
    of_client, of_call = TIMEOUTS[code]
    keywords = {} if of_call is None else {"timeout": of_call}
    async with HttpClient(timeout=of_client) as client:
        calls, _ = await calls_of(lambda: client.get(scripted.url(), **keywords))
    for name in stated_of_timeouts()[code]:
        calls.remove(name)
    assert calls == stated()
