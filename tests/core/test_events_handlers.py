"""Bound handlers, `event()` objects, data events, and when a change takes effect."""

from __future__ import annotations

import asyncio
import functools
import inspect
from typing import Any

import pytest

from hookline import HttpClient, HttpResponse, PluginError, hookimpl
from hookline.hooks import implementation
from hookline.hooks.implementation import parameters
from hookline_testing.server import Script, ScriptedServer, head, response
from kit.recorder import Log, Recorder, client_with, on, plugin

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

EVENTS = ("pre_request", "on_headers", "post_request", "data_received", "data_processed")


@pytest.mark.parametrize("event", EVENTS)
async def test_bind_unbind_handlers_and_clear(scripted: ScriptedServer, event: str) -> None:
    log: list[str] = []

    def one(response: Any, **kw: Any) -> None:
        log.append("one")

    def two(response: Any, **kw: Any) -> None:
        log.append("two")

    scripted.always(response(b"x"))
    async with client_with() as client:
        bound = client.event(event)
        assert bound is client.event(event)
        assert bound.bind(one) is one
        bound.bind(two)
        bound.bind(one)
        assert bound.handlers() == [one, two, one]
        await client.get(scripted.url())
        assert log == ["one", "two", "one"]
        assert bound.unbind(one) == 2
        assert bound.unbind(one) == 0
        log.clear()
        await client.get(scripted.url())
        assert log == ["two"]
        bound.clear()
        assert bound.handlers() == []
        await client.get(scripted.url())
        assert log == ["two"]
        assert "0 bound" in repr(bound)


class Forms:
    """All forms that a handler may have; each writes down what it was given."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    def only_response(self, response: Any) -> None:
        self.got.append(response)

    def other_name(self, r: Any) -> None:
        self.got.append(r)

    def any_keyword(self, response: Any, **kw: Any) -> None:
        self.got.append((response, kw))

    def only_keywords(self, *, response: Any, **kw: Any) -> None:
        self.got.append((response, kw))

    def all_given(self, *args: Any) -> None:
        self.got.append(args[0])

    def __call__(self, response: Any) -> None:
        self.got.append(response)

    @staticmethod
    def static(response: Any, exc: Any = 7) -> None:
        assert exc is None


@pytest.mark.parametrize(
    "form", ["only_response", "other_name", "any_keyword", "only_keywords", "all_given", "__call__"]
)
@pytest.mark.parametrize("event", EVENTS)
async def test_handlers_take_what_they_name(scripted: ScriptedServer, event: str, form: str) -> None:
    forms = Forms()
    scripted.answer(response(b"x"))
    async with client_with() as client:
        found = await client.get(scripted.url(), **{event: forms if form == "__call__" else getattr(forms, form)})
    (got,) = forms.got
    if "keyword" in form:
        name = "data" if event.startswith("data") else "exc"
        assert got[0] is found
        assert list(got[1]) == [name]
    else:
        assert got is found


async def test_handlers_of_c_functions_and_defaults_are_called(scripted: ScriptedServer) -> None:
    seen: list[Any] = []
    scripted.answer(response(b"x"))
    async with client_with() as client:
        found = await client.get(scripted.url(), on_headers=seen.append, post_request=[Forms.static, seen.append])
    assert seen == [found, found]


class Several:
    """Handlers of several forms, a new object at each reading for most of them."""

    def __call__(self, response: Any, exc: Any = None, **kw: Any) -> None: ...

    def method(self, response: Any, exc: Any = None, **kw: Any) -> None: ...

    @classmethod
    def of_class(cls, response: Any, exc: Any = None) -> None: ...

    @staticmethod
    def of_nobody(response: Any, *, data: bytes = b"") -> None: ...


def wrapped(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kw: Any) -> Any:
        return function(*args, **kw)

    return wrapper


def closure(told: Any) -> Any:
    return lambda response, exc=None: told


def three(first: Any, response: Any, exc: Any = None) -> None: ...


SEVERAL = Several()
FORMS: dict[str, Any] = {
    "function": lambda: three,
    "closure": lambda: closure(object()),
    "method": lambda: SEVERAL.method,
    "class": lambda: SEVERAL.of_class,
    "static": lambda: SEVERAL.of_nobody,
    "callable": Several,
    "partial": lambda: functools.partial(three, object()),
    "partial-method": lambda: functools.partial(SEVERAL.method, exc=None),
    "wrapped": lambda: wrapped(SEVERAL.method),
    "append": lambda: [].append,
    "print": lambda: print,
}


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("make", FORMS.values(), ids=FORMS)
async def test_parameters_of_a_handler_are_inspected_once(
    make: Any, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[Any] = []
    signature = inspect.signature

    def counting(function: Any, **kw: Any) -> Any:
        looked_up.append(function)
        return signature(function, **kw)

    async with client_with() as client:
        request = client.new_request("GET", "http://nobody.invalid/", cause="test")
        bound = HttpResponse.build(request, 200).event(event)
        bound.bind(make())
        monkeypatch.setattr(inspect, "signature", counting)

        for _ in range(3):
            bound.bind(make())
            client.event(event).bind(make())

    assert looked_up == []


@pytest.mark.parametrize("make", FORMS.values(), ids=FORMS)
def test_parameters_are_those_of_inspect(make: Any) -> None:
    told = list(inspect.signature(make()).parameters.values())
    for _ in range(2):
        positional, keywords, takes_any, optional = parameters(make())

        assert [p.name for p in told if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)] == positional
        assert [p.name for p in told if p.kind is p.KEYWORD_ONLY] == keywords
        assert any(p.kind is p.VAR_KEYWORD for p in told) == takes_any
        assert {p.name for p in told if p.default is not p.empty} == optional


def test_handlers_with_the_same_code_and_other_parameters_are_distinguished() -> None:
    class Says:
        def __init__(self, function: Any) -> None:
            self.__signature__ = inspect.signature(function)

        def __call__(self, *args: Any, **kw: Any) -> None: ...

    def two(response: Any) -> None: ...

    assert parameters(wrapped(three))[0] == ["first", "response", "exc"]
    assert parameters(wrapped(two))[0] == ["response"]
    assert parameters(Says(three))[0] == ["first", "response", "exc"]
    assert parameters(Says(two))[0] == ["response"]
    assert parameters(functools.partial(three, 1))[0] == ["response", "exc"]
    assert parameters(functools.partial(three, 1, 2))[0] == ["exc"]
    assert parameters(Several.method)[0] == ["self", "response", "exc"]
    assert parameters(SEVERAL.method)[0] == ["response", "exc"]


@pytest.mark.parametrize("event", EVENTS[:3])
async def test_async_handlers_are_awaited(scripted: ScriptedServer, event: str) -> None:
    log: list[str] = []

    async def waits(response: Any, exc: Any = None) -> None:
        await asyncio.sleep(0.01)
        log.append("waited")

    scripted.answer(response(b"x"))
    async with client_with() as client:
        client.event(event).bind(waits)
        client.event(event).bind(waits)
        await client.get(scripted.url(), **{event: lambda response: log.append("own")})
    assert log == ["waited", "waited", "own"]


async def test_the_same_handler_twice_and_answers_between_run_each_once(scripted: ScriptedServer) -> None:
    log: list[str] = []

    def sometimes(response: Any) -> Any:
        log.append("ran")
        return "ignored" if len(log) == 2 else None

    scripted.answer(response(b"x"))
    async with client_with() as client:
        for _ in range(3):
            client.event("on_headers").bind(sometimes)
        await client.get(scripted.url())
    assert log == ["ran"] * 3


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda client: client.event("on_header"), "no event 'on_header'; did you mean 'on_headers'"),
        (lambda client: client.event("zzz"), "no event 'zzz'; there are pre_request, on_headers"),
        (lambda client: client.event("on_headers").bind(7), "a handler of on_headers must be callable, got int"),
        (lambda client: client.event("data_received").bind(asyncio.sleep), "must be a plain function"),
    ],
)
def test_wrong_events_and_handlers_are_refused(act: Any, words: str) -> None:
    with pytest.raises(PluginError, match=words):
        act(HttpClient(autoload=False))


async def test_async_handler_of_data_for_a_call_is_refused() -> None:
    async with client_with() as client:
        with pytest.raises(PluginError, match="must be a plain function"):
            await client.get("http://nobody.invalid/", data_processed=asyncio.sleep)


@pytest.mark.parametrize("event", EVENTS)
async def test_response_event_has_fired_and_waiter(scripted: ScriptedServer, event: str) -> None:
    waiters: list[asyncio.Future[Any]] = []
    fired: list[bool] = []
    log: list[str] = []

    def begin(response: Any) -> None:
        fired.append(response.event("post_request").fired())
        response.event(event).bind(lambda response, **kw: log.append(event))
        waiters.append(response.event(event).waiter())

    scripted.answer(response(b"x"))
    async with client_with() as client:
        found = await client.get(scripted.url(), pre_request=begin)
        assert await asyncio.wait_for(waiters[0], 5) is found
        assert found.event(event).fired()
        assert await found.event(event).waiter() is found
        scripted.answer(response(b"x"))
        await client.get(scripted.url())  # bound for that exchange alone
    assert fired == [False]
    assert log == ([] if event == "pre_request" else [event])  # too late for the event that is running


@pytest.mark.parametrize("event", ["on_headers", "post_request", "data_received", "data_processed"])
async def test_waiter_without_a_handler_gets_the_response(scripted: ScriptedServer, event: str) -> None:
    waiters: list[asyncio.Future[Any]] = []
    scripted.answer(response(b"x"))
    async with client_with() as client:
        found = await client.get(scripted.url(), pre_request=lambda r: waiters.append(r.event(event).waiter()))
        assert await asyncio.wait_for(waiters[0], 5) is found


async def test_data_handler_bound_in_on_headers_hears_what_comes(scripted: ScriptedServer) -> None:
    heard: list[bytes] = []

    def bind(response: Any) -> None:
        response.event("data_processed").bind(lambda response, data: heard.append(data))

    scripted.answer(Script(head(200, [("Content-Length", "8")])).send(b"one.").until_read().send(b"two."))
    async with client_with() as client:
        assert (await client.get(scripted.url(), on_headers=bind)).content == b"one.two."
    assert b"".join(heard).endswith(b"two.")


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize("cut", ["whole", "bytes"])
async def test_data_events_get_the_bytes_of_each_read(scripted: ScriptedServer, cut: Any) -> None:
    received: list[bytes] = []
    processed: list[bytes] = []
    message = response(b"the body")
    scripted.answer(message, cut=cut)
    async with client_with(on("data_received", lambda self, data: received.append(data))) as client:
        await client.get(scripted.url(), data_processed=lambda response, data: processed.append(data))
    assert b"".join(received) == message
    assert received == processed
    assert (len(received) == 1) is (cut == "whole")


@pytest.mark.parametrize("cut", ["whole", "bytes"])
async def test_recv_body_in_data_processed_takes_and_flushes(scripted: ScriptedServer, cut: Any) -> None:
    taken: list[bytes] = []
    scripted.answer(response(b"the body"), cut=cut)
    async with client_with(on("data_processed", lambda self, response: taken.append(response.recv_body()))) as client:
        found = await client.get(scripted.url())
    assert b"".join(taken) == b"the body"
    assert found.content == b""


@pytest.mark.protocols("HTTP/1.1")
async def test_plugin_that_comes_or_goes_on_the_manager_counts_at_the_next_request(scripted: ScriptedServer) -> None:
    log: Log = []
    scripted.always(response())
    async with client_with() as client:
        await client.get(scripted.url())
        one = Recorder(log, "one")
        assert client.plugins.manager.register(one) == "one"
        assert client.plugins.manager.register(Recorder(log, "one")) == "one#2"
        await client.get(scripted.url())
        assert len(log) == 6
        assert [info.name for info in client.plugins] == ["one", "one#2"]
        client.plugins.manager.unregister(one)
        log.clear()
        await client.get(scripted.url())
        assert len(log) == 3
        client.plugins.manager.unregister(name="one#2")
        log.clear()
        await client.get(scripted.url())
    assert log == []


async def test_handler_that_comes_in_a_call_counts_at_the_next_one(scripted: ScriptedServer) -> None:
    log: list[str] = []
    scripted.always(response())
    async with client_with() as client:

        def bind(response: Any) -> None:
            client.event("post_request").bind(lambda response: log.append("late"))

        await client.get(scripted.url(), on_headers=bind)
        await client.get(scripted.url())
    assert log == ["late"]


async def test_plans_are_kept_between_requests(scripted: ScriptedServer) -> None:
    scripted.always(response())
    quiet = plugin("quiet", declare=hookimpl(lambda self: []))
    async with client_with(quiet) as client:
        await client.get(scripted.url())
        first, variant = client.configuration, client._variant(["quiet"], ())
        await client.get(scripted.url(), disable=["quiet"])
        assert client.configuration is first
        assert client._variant(["quiet"], ()) is variant
        client.event("on_headers").bind(lambda response: None)
        assert client.configuration is not first
        assert client._variant(["quiet"], ()) is not variant


@pytest.mark.protocols("HTTP/1.1")  # which need not be looked up for another protocol again
async def test_parameters_of_a_method_are_looked_up_once(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[Any] = []
    make_shape = implementation.make_shape
    monkeypatch.setattr(implementation, "make_shape", lambda *args: looked_up.append(args[1]) or make_shape(*args))

    class Binds:
        name = "binds"

        def __init__(self, seen: list[Any]) -> None:
            self.seen = seen

        def finish(self, response: HttpResponse, exc: BaseException | None, cause: str) -> None:
            self.seen.append((response.status_code, exc, cause))

        @hookimpl
        def pre_request(self, response: HttpResponse) -> None:
            response.event("post_request").bind(self.finish, plugin="binds")

    scripted.always(response(b"one"))
    seen: list[Any] = []
    for _ in range(3):
        async with HttpClient(autoload=False, plugins=[Binds(seen)]) as client:
            await client.get(scripted.url())
            await client.get(scripted.url())
    assert seen == [(200, None, "call")] * 6
    assert [f.__name__ for f in looked_up].count("finish") == 1
