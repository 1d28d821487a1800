"""Objects that are made at first use are kept only when complete: after an interruption at any line the next call is correct."""

from __future__ import annotations

import asyncio
import gc
import sys
import warnings
from types import FrameType
from typing import Any

from hookline import HttpClient
from hookline_testing.server import ScriptedServer, response

MAKERS = (
    "configuration.py", "plugin_host.py", "origin.py", "dispatch_table.py", "url.py", "request.py", "tls.py", "loop_resources.py",
)  # fmt: skip


class BrokeIn(BaseException):
    """As KeyboardInterrupt, but the loop goes on behind it."""


def break_in_at(line: int) -> Any:
    """A trace function that raises at this line, counted from the first of `MAKERS` that runs."""
    seen, task = 0, asyncio.current_task()

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal seen
        path = frame.f_code.co_filename
        if "hookline" not in path or not path.endswith(MAKERS) or asyncio.current_task() is not task:
            return None
        if event == "line" and frame.f_code.co_name not in (
            "handler_section",
            "until_closed",
        ):  # behind which a connection may just be open
            seen += 1
            if seen == line:
                sys.settrace(None)
                raise BrokeIn
        return trace

    return trace


async def break_in_everywhere(server: ScriptedServer, **options: Any) -> int:
    """Make a client, change its defaults, and break into its first call at each line in turn; returns how many there are."""
    line = 0
    while True:
        line += 1
        async with HttpClient(**options) as client:
            client.headers["X-Changed"] = "yes"
            sys.settrace(break_in_at(line))
            try:
                await client.get(server.url("/first"), headers={"X-Own": "1"}, params={"a": "b"})
                return line
            except BrokeIn:
                pass
            finally:
                sys.settrace(None)
            async with asyncio.timeout(5):
                answer = await client.get(server.url("/second"), headers={"X-Own": "1"}, params={"a": "b"})
            seen = server.requests[-1]
            assert (answer.content, seen.target) == (b"body", "/second?a=b"), line
            assert (seen.header("X-Changed"), seen.header("X-Own")) == ("yes", "1"), line
            assert client.stats()[:3] == (1, 0, 0)


async def test_call_after_an_interrupted_one_is_correct(scripted: ScriptedServer) -> None:
    scripted.always(response(b"body"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of coroutines that were made and never got to run
        assert await break_in_everywhere(scripted, autoload=False) > 100
        gc.collect()
        await asyncio.sleep(0.01)  # generators that were collected end on the loop
