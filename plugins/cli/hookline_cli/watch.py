"""Note which plugin is called at which event, and what it answers.

Each plugin of a client is replaced, on the client's plugin manager, by a stand-in that calls it and takes a note.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from hookline import HttpClient, HttpRequest, HttpResponse, hookimpl

ONE_TIME = ("pre_request", "on_headers", "post_request")
WATCHED = (*ONE_TIME, "data_received", "data_processed")


class Firing:
    """One event of one exchange: how often it fired, and who was called."""

    def __init__(self) -> None:
        self.times = 0
        self.size = 0
        self.outcome = ""
        self.callers: dict[str, str] = {}


class Log:
    """What happened, by exchange and event, in the order in which the events fired first."""

    def __init__(self) -> None:
        self.exchanges: list[tuple[HttpRequest, dict[str, Firing]]] = []

    def clear(self) -> None:
        """Forget everything."""
        self.exchanges.clear()

    def firing(self, response: HttpResponse, event: str) -> Firing:
        """The note of an event; made at its first use."""
        for request, firings in self.exchanges:
            if request is response.request:
                return firings.setdefault(event, Firing())
        self.exchanges.append((response.request, {event: (made := Firing())}))
        return made

    def called(self, plugin: str, event: str, response: HttpResponse, answer: Any) -> None:
        """A plugin was called."""
        firing = self.firing(response, event)
        firing.callers[plugin] = firing.callers.get(plugin) or answer_in_words(answer, response)


def answer_in_words(answer: Any, response: HttpResponse) -> str:
    """What an implementation answered; "" for nothing."""
    if answer is None or answer is response:
        return ""
    if isinstance(answer, HttpRequest):
        return f"{answer.method} {answer.target} (cause: {answer.cause})"
    return repr(answer)


class Observer:
    """A plugin that notes that the events fire, whether or not another plugin is called."""

    name = "demo_observer"

    def __init__(self, log: Log) -> None:
        self._log = log

    @hookimpl(tryfirst=True)
    def pre_request(self, response: HttpResponse) -> None:
        self._log.firing(response, "pre_request").times += 1

    @hookimpl(tryfirst=True)
    def on_headers(self, response: HttpResponse) -> None:
        firing = self._log.firing(response, "on_headers")
        firing.times += 1
        firing.outcome = f"{response.status_code} {response.reason}"

    @hookimpl(tryfirst=True)
    def data_received(self, response: HttpResponse, data: bytes) -> None:
        self._count(response, "data_received", data)

    @hookimpl(tryfirst=True)
    def data_processed(self, response: HttpResponse, data: bytes) -> None:
        self._count(response, "data_processed", data)

    @hookimpl(tryfirst=True)
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> None:
        firing = self._log.firing(response, "post_request")
        firing.times += 1
        firing.outcome = "" if exc is None else f"exc={type(exc).__name__}"

    def _count(self, response: HttpResponse, event: str, data: bytes) -> None:
        firing = self._log.firing(response, event)
        firing.times += 1
        firing.size += len(data)


class StandIn:
    """Looks like a plugin, calls it, and notes each call. Wrappers are passed on without a note."""

    def __init__(self, plugin: object, name: str, log: Log) -> None:
        self._plugin = plugin
        for member in dir(plugin):
            if member.startswith("__") or isinstance(inspect.getattr_static(plugin, member, None), property):
                continue
            method = getattr(plugin, member)
            mark = getattr(method, "hookline_impl", None)
            if not isinstance(mark, dict):
                continue
            event = mark.get("specname") or member
            is_noted = event in WATCHED and not mark.get("wrapper")
            setattr(self, member, noting(method, name, event, log) if is_noted else method)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plugin, name)


def noting(method: Callable[..., Any], plugin: str, event: str, log: Log) -> Callable[..., Any]:
    """The method, with a note of each call; it keeps its signature and its marks."""
    names = list(inspect.signature(method).parameters)
    at = names.index("response") if "response" in names else None

    async def awaited(result: Any, response: HttpResponse) -> Any:
        answer = await result
        log.called(plugin, event, response, answer)
        return answer

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        result = method(*args, **kwargs)
        response = kwargs["response"] if "response" in kwargs else None if at is None else args[at]
        if response is None:
            return result
        if inspect.isawaitable(result):
            return awaited(result, response)
        log.called(plugin, event, response, result)
        return result

    return call


def watch(client: HttpClient) -> Log:
    """Take notes of everything that the plugins of a client do from now on."""
    log = Log()
    manager = client.plugins.manager
    for info in list(client.plugins):
        manager.unregister(name=info.name)
        manager.register(StandIn(info.plugin, info.name, log), info.name)
    manager.register(Observer(log))
    return log
