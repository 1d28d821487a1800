"""Plugins for tests: one that records the events, and short ways to make others."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from hookline import HttpClient, hookimpl

Log = list[tuple[Any, ...]]


class Recorder:
    """Append `(name, event)` to a log for each event; for post_request `(name, event, name of the type of exc or None)`."""

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
    """Return an object of a new plugin class: `plugin("a", post_request=hookimpl(lambda self, response: None), after="b")`."""
    return type(name.title(), (), {"name": name, **attributes})()


def on(event: str, function: Callable[..., Any], name: str = "plugin", **marks: Any) -> Any:
    """Return a plugin with one implementation: `on("pre_request", lambda self, response: ...)`."""
    function.__name__ = event
    return plugin(name, **{event: hookimpl(**marks)(function)})


@contextlib.asynccontextmanager
async def client_with(*plugins: Any, **options: Any) -> AsyncIterator[HttpClient]:
    """Open a client with these plugins alone."""
    async with HttpClient(plugins=plugins, autoload=False, **options) as client:
        yield client


def ends(log: Log) -> list[tuple[Any, ...]]:
    """Return the entries of post_request, in order."""
    return [entry for entry in log if entry[1] == "post_request"]
