"""The Autobahn|Testsuite finds nothing wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hookline import HttpClient
from hookline_websocket import WS, WebSocketClosed, WebSocketError
from servers.autobahn import QUICK, FuzzingServer, judge

ALL = ("*",)  # 517 cases, a quarter of an hour


class Echo(WS):
    """Sends back what comes."""

    def on_message(self, websocket: Any, message: str) -> Any:
        websocket.write(message)

    def on_bytes(self, websocket: Any, body: bytes) -> Any:
        websocket.write(body)


async def echo(websocket: Any) -> None:
    """The same without a handler."""
    try:
        async for message in websocket:
            await websocket.send(message)
    except (WebSocketError, WebSocketClosed):
        pass  # what the case is about
    await websocket.wait_closed()


@pytest.mark.parametrize("way", ["handler", "direct"])
@pytest.mark.parametrize(
    "cases",
    [pytest.param(QUICK, marks=pytest.mark.slow), pytest.param(ALL, marks=pytest.mark.soak)],
    ids=["quick", "all"],
)
async def test_autobahn_testsuite_finds_no_fault(tmp_path: Path, cases: tuple[str, ...], way: str) -> None:
    with FuzzingServer(tmp_path, cases) as server:
        async with HttpClient() as client:
            async with await client.get(f"{server.url}/getCaseCount") as websocket:
                number = int(await websocket.receive())
            for case in range(1, number + 1):
                url = f"{server.url}/runCase?case={case}&agent=hookline"
                if way == "handler":
                    websocket = await client.get(url, websocket_handler=Echo())
                    await websocket.wait_closed()
                else:
                    await echo(await client.get(url))
            async with await client.get(f"{server.url}/updateReports?agent=hookline") as websocket:
                assert [message async for message in websocket] == []
        counts, bad = judge(server.results("hookline"))
    assert counts.total() == number
    assert not bad
    assert counts["INFORMATIONAL"] <= 3
