"""What the tests of websockets share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from hookline import HttpClient
from hookline_websocket import WS, WebSockets


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    """A client with this plugin alone."""
    async with HttpClient(plugins=[WebSockets()], autoload=False, close_timeout=2) as client:
        yield client


class Recorder(WS):
    """Writes down what it is told, and answers nothing but pings."""

    def __init__(self) -> None:
        self.log: list[tuple[Any, ...]] = []

    def on_open(self, websocket: Any) -> Any:
        self.log.append(("open",))

    def on_message(self, websocket: Any, message: str) -> Any:
        self.log.append(("message", message))

    def on_bytes(self, websocket: Any, body: bytes) -> Any:
        self.log.append(("bytes", body))

    def on_pong(self, websocket: Any, body: bytes) -> Any:
        self.log.append(("pong", body))

    def on_close(self, websocket: Any) -> Any:
        self.log.append(("close", *websocket.close_reason))


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def ws(url: str) -> str:
    """The same place for a websocket."""
    return "ws" + url.removeprefix("http")


@pytest.fixture
def place() -> Callable[[str], str]:
    return ws
