"""Throw-away plugins that write down what they are told."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from hookline import HttpClient, hookimpl

Log = list[tuple[Any, ...]]


class Recorder:
    """Writes `(name, event)` down, for post_request `(name, event, type of exc or None)`; does nothing else."""

    def __init__(self, log: Log, name: str = "recorder") -> None:
        self.log = log
        self.name = name

    @hookimpl
    def pre_request(self, response: Any) -> None:
        self.log.append((self.name, "pre_request"))

    @hookimpl
    def on_headers(self, response: Any) -> None:
        self.log.append((self.name, "on_headers"))

    @hookimpl
    def post_request(self, response: Any, exc: BaseException | None) -> None:
        self.log.append((self.name, "post_request", None if exc is None else type(exc).__name__))


def plugin(name: str, **attributes: Any) -> Any:
    """A plugin object of a class made here: `plugin("a", post_request=hookimpl(lambda self, response: None), after="b")`."""
    return type(name.title(), (), {"name": name, **attributes})()


def on(event: str, function: Callable[..., Any], name: str = "plugin", **marks: Any) -> Any:
    """A plugin that does one thing: `on("pre_request", lambda self, response: ...)`."""
    function.__name__ = event
    return plugin(name, **{event: hookimpl(**marks)(function)})


@contextlib.asynccontextmanager
async def client_with(*plugins: Any, **options: Any) -> AsyncIterator[HttpClient]:
    """A client with these plugins alone."""
    async with HttpClient(plugins=plugins, autoload=False, **options) as client:
        yield client


def ends(log: Log) -> list[tuple[Any, ...]]:
    """What post_request was told, in order."""
    return [entry for entry in log if entry[1] == "post_request"]
