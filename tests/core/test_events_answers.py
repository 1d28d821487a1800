"""What implementations may answer, what follows from it, and which plugin the error for a wrong answer names."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from hookline import HttpResponse, PluginError, hookimpl
from hookline_testing.server import Script, ScriptedServer, chunked, head, response
from kit.recorder import Log, Recorder, client_with, ends, on, plugin

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

ONE_TIME = ("pre_request", "on_headers", "post_request")


def made(response: Any, content: bytes = b"made") -> HttpResponse:
    return HttpResponse.build(response.request, 203, headers={"X-Made": "1"}, content=content)


def answering(event: str, answer: Any, name: str, is_async: bool = False, **attributes: Any) -> Any:
    """A plugin that answers with `answer(response)`."""

    def now(self: Any, response: Any) -> Any:
        return answer(response)

    async def later(self: Any, response: Any) -> Any:
        return answer(response)

    return plugin(name, **{event: hookimpl(specname=event)(later if is_async else now)}, **attributes)


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("event", ONE_TIME)
@pytest.mark.parametrize("answer", [lambda response: None, lambda response: response], ids=["None", "itself"])
async def test_none_and_the_response_itself_carry_on(
    scripted: ScriptedServer, event: str, answer: Any, is_async: bool
) -> None:
    log: Log = []
    scripted.answer(response(b"real"))
    async with client_with(answering(event, answer, "a", is_async), Recorder(log)) as client:
        assert (await client.get(scripted.url())).content == b"real"
    assert [entry[1] for entry in log] == list(ONE_TIME)


@pytest.mark.parametrize("is_async", [False, True])
async def test_pre_request_answer_skips_the_network_and_all_but_post_request(is_async: bool) -> None:
    log: Log = []
    data: list[bytes] = []
    listens = on("data_received", lambda self, response, data: log.append(("listener", "data_received")), "listener")
    plugins = [Recorder(log, "a"), answering("pre_request", made, "b", is_async), Recorder(log, "c"), listens]
    async with client_with(*plugins) as client:
        found = await client.get("http://nobody.invalid/", on_headers=lambda r: data.append(b"called"))
    assert (found.status_code, found.content, found.headers["x-made"]) == (203, b"made", "1")
    assert log == [("a", "pre_request"), ("a", "post_request", None), ("c", "post_request", None)]
    assert data == []


async def test_pre_request_answer_reaches_post_request_with_its_preconditions() -> None:
    seen: list[Any] = []
    fits = on("post_request", lambda self, response: seen.append(response), "fits", statuses=[203], headers=["x-made"])
    other = on("post_request", lambda self, response: seen.append("wrong"), "other", statuses=[200])
    async with client_with(answering("pre_request", made, "b"), fits, other) as client:
        found = await client.get("http://nobody.invalid/")
    assert seen == [found]


async def test_post_request_may_follow_an_answer_of_pre_request(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"real"))
    early = on("pre_request", lambda self, response, cause: made(response) if cause == "call" else None, "early")
    again = on(
        "post_request",
        lambda self, response, cause: response.request.copy(cause="again") if cause == "call" else None,
        "again",
    )
    async with client_with(early, again) as client:
        found = await client.get(scripted.url())
    assert found.content == b"real"
    assert [r.content for r in found.history] == [b"made"]


async def test_response_of_an_earlier_call_reaches_the_handlers_of_this_one(scripted: ScriptedServer) -> None:
    kept: list[Any] = []
    log: list[Any] = []
    scripted.answer(response(b"real"))
    cache = plugin(
        "cache",
        pre_request=hookimpl(specname="pre_request")(lambda self, response: kept[0] if kept else None),
        post_request=hookimpl(specname="post_request")(lambda self, response: kept.append(response)),
    )
    async with client_with(cache) as client:
        first = await client.get(scripted.url(), post_request=lambda response: log.append("first"))
        second = await client.get(scripted.url(), post_request=lambda response: log.append(response))
    assert first is second
    assert log == ["first", first]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("event", ["on_headers", "post_request"])
async def test_another_response_replaces_the_first_and_all_run(
    scripted: ScriptedServer, event: str, is_async: bool
) -> None:
    log: Log = []
    scripted.answer(response(b"real"))
    async with client_with(answering(event, made, "a", is_async), Recorder(log)) as client:
        assert (await client.get(scripted.url())).content == b"made"
    assert [entry[1] for entry in log] == list(ONE_TIME)


@pytest.mark.parametrize("method", ["copy", "self", "new"])
async def test_post_request_answer_with_a_request_is_sent_instead(scripted: ScriptedServer, method: str) -> None:
    def again(self: Any, response: Any) -> Any:
        if response.history:
            return None
        request = response.request
        if method == "new":
            new = request.client.new_request("GET", request.url, cause="again", parent=request)
            new.parent = None
            return new
        return request if method == "self" else request.copy(cause="again")

    scripted.answer(response(b"1"), response(b"2"))
    async with client_with(on("post_request", again), plugin("out", declare=hookimpl(lambda self: []))) as client:
        found = await client.get(scripted.url(), disable=["out"])
    assert found.content == b"2"
    assert [r.content for r in found.history] == [b"1"]
    assert found.history[0].history == []


class Taken:
    """What is there in place of a response."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection


WHOLE = {
    "304": head(304, [("ETag", '"1"')]),
    "204": head(204),
    "body": response(b"real"),
    "chunked": chunked(b"re", b"al"),
    "empty": response(b""),
}
LEFT = {"half": response(b"real")[:-2], "until-close": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nreal"}
LISTENERS: dict[str, dict[str, Any]] = {
    "nobody": {},
    "data": {"data_received": lambda response, data: None},
    "handler": {"post_request": lambda response: None},
    "stream": {"stream": True},
    "max_body": {"max_body": 100},
    "timings": {"timings": True},
}


@pytest.mark.parametrize("options", LISTENERS.values(), ids=LISTENERS)
@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
@pytest.mark.parametrize("raw", WHOLE.values(), ids=WHOLE)
async def test_connection_goes_back_to_the_pool_after_an_answer_on_headers(
    scripted: ScriptedServer, raw: bytes, is_async: bool, options: dict[str, Any]
) -> None:
    scripted.always(raw)
    async with client_with(answering("on_headers", made, "cache", is_async)) as client:
        for _ in range(3):
            found = await client.get(scripted.url(), **options)

            assert (found.status_code, found.content) == (203, b"made")
            stats = client.stats()
            assert (stats.connections, stats.in_use) == (1, 0)
        assert client.stats().reused == 2
    assert {request.connection for request in scripted.requests} == {1}


@pytest.mark.protocols("HTTP/1.1")
async def test_given_connection_stays_with_its_plugin(scripted: ScriptedServer) -> None:
    async def on_its_own(self: Any, response: Any) -> None:
        if response.request.cause != "call":
            return
        connection = await response.connect()
        for path in ("/a", "/b"):
            request = response.request.client.new_request(
                "GET", scripted.url(path), cause="check", parent=response.request
            )
            assert (await response.request.client.exchange(request, connection)).status_code == 203
            assert connection.is_reusable

    def for_sub_requests(self: Any, response: Any, cause: str) -> Any:
        return made(response) if cause == "check" else None

    scripted.always(head(304))
    plugins = on("pre_request", on_its_own, "asks"), on("on_headers", for_sub_requests, "cache")
    async with client_with(*plugins) as client:
        assert (await client.get(scripted.url("/c"))).status_code == 304
    assert [(r.target, r.connection) for r in scripted.requests] == [("/a", 1), ("/b", 1), ("/c", 1)]


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize("raw", LEFT.values(), ids=LEFT)
async def test_connection_with_a_body_on_its_way_is_closed_when_on_headers_is_answered(
    scripted: ScriptedServer, raw: bytes
) -> None:
    scripted.always(Script(raw).stall())
    async with client_with(answering("on_headers", made, "cache")) as client:
        assert (await client.get(scripted.url())).content == b"made"

        assert client.stats().connections == 0


@pytest.mark.protocols("HTTP/1.1")
async def test_connection_that_nothing_was_sent_on_goes_back_when_pre_request_is_answered(
    scripted: ScriptedServer,
) -> None:
    async def takes_it(self: Any, response: Any) -> Any:
        await response.connect()
        return made(response) if response.request.target == "/early" else None

    scripted.always(response(b"real"))
    async with client_with(on("pre_request", takes_it, "early")) as client:
        found = [(await client.get(scripted.url(path))).content for path in ("/a", "/early", "/b")]

        assert found == [b"real", b"made", b"real"]
        assert client.stats().connections == 1
    assert [request.connection for request in scripted.requests] == [1, 1]


async def test_data_events_of_a_response_that_was_answered_do_not_fire(scripted: ScriptedServer) -> None:
    log: Log = []
    scripted.always(response(b"real"))
    heard = on("data_processed", lambda self, response, data: log.append(("heard", data)), "heard")
    async with client_with(answering("on_headers", made, "cache"), heard) as client:
        await client.get(scripted.url())
    assert log == []


@pytest.mark.protocols("HTTP/1.1")
async def test_on_headers_may_answer_with_an_object_that_detached_the_connection(scripted: ScriptedServer) -> None:
    log: Log = []
    upgrade = head(101, [("Upgrade", "echo"), ("Connection", "Upgrade")])
    scripted.answer(Script(upgrade + b"early").stall())
    take = on("on_headers", lambda self, response: Taken(response.detach()), "taker", statuses=[101])
    async with client_with(take, Recorder(log)) as client:
        found = await client.get(scripted.url())
        assert isinstance(found, Taken)
        assert found.connection.leftover == b"early"
        found.connection.abort()
    assert ends(log) == [("recorder", "post_request", None)]


@pytest.mark.parametrize(
    ("event", "answer", "words"),
    [
        ("pre_request", lambda response: response.request.copy(), "HttpRequest; expected None or an HttpResponse"),
        ("pre_request", lambda response: 7, "int; expected None or an HttpResponse"),
        ("on_headers", lambda response: response.request.copy(), "HttpRequest; expected None, a response, or"),
        ("on_headers", lambda response: object(), "object; expected None, a response, or"),
        ("post_request", lambda response: "http://", "str; expected None, an HttpRequest or an HttpResponse"),
        ("post_request", lambda response: False, "bool; expected"),
    ],
)
@pytest.mark.parametrize("is_async", [False, True])
async def test_anything_else_is_an_error_that_names_the_plugin(
    scripted: ScriptedServer, event: str, answer: Any, words: str, is_async: bool
) -> None:
    log: Log = []
    scripted.always(response(b"real"))
    async with client_with(answering(event, answer, "acme", is_async), Recorder(log)) as client:
        with pytest.raises(PluginError, match=f"plugin 'acme': {event} answered with {words}"):
            await client.get(scripted.url())
    assert ends(log) == [("recorder", "post_request", "PluginError")]


@pytest.mark.parametrize("event", ["on_headers", "post_request"])
@pytest.mark.parametrize("is_async", [False, True])
async def test_second_different_answer_is_an_error_that_names_both(
    scripted: ScriptedServer, event: str, is_async: bool
) -> None:
    scripted.answer(response(b"real"))
    plugins = [answering(event, made, "acme", is_async), answering(event, made, "brown", is_async)]
    async with client_with(*plugins) as client:
        with pytest.raises(PluginError, match=r"two different answers on .*'acme'.*'brown'"):
            await client.get(scripted.url())


@pytest.mark.parametrize("event", ["on_headers", "post_request"])
async def test_the_same_answer_twice_is_one(scripted: ScriptedServer, event: str) -> None:
    scripted.answer(response(b"real"))
    same = answering(event, lambda response: response.answer, "second")
    async with client_with(answering(event, made, "first"), same) as client:
        assert (await client.get(scripted.url())).content == b"made"


@pytest.mark.parametrize("event", ONE_TIME)
async def test_what_user_handlers_return_is_ignored(scripted: ScriptedServer, event: str) -> None:
    async def later(response: Any) -> str:
        return "nothing"

    scripted.answer(response(b"real"))
    async with client_with() as client:
        client.event(event).bind(later)
        assert (await client.get(scripted.url(), **{event: lambda response: 7})).content == b"real"


@pytest.mark.parametrize("follow_ups", [100, 101])
async def test_more_than_a_hundred_follow_ups_name_the_last_plugin(scripted: ScriptedServer, follow_ups: int) -> None:
    def again(self: Any, response: Any) -> Any:
        return response.request.copy(cause="again") if len(response.history) < follow_ups else None

    scripted.always(response(b""))
    async with client_with(on("post_request", again, "forever")) as client:
        if follow_ups == 100:
            assert len((await client.get(scripted.url())).history) == 100
            return
        with pytest.raises(PluginError, match=r"more than 100 follow-ups.*plugin 'forever'"):
            await client.get(scripted.url())


def wrapping(event: str, run: Any, name: str = "wrapper") -> Any:
    return plugin(name, **{event: hookimpl(wrapper=True, specname=event)(run)})


@pytest.mark.parametrize("event", ONE_TIME)
async def test_wrappers_bracket_the_others_and_handlers_too(scripted: ScriptedServer, event: str) -> None:
    log: list[str] = []

    def outer(self: Any, response: Any) -> Generator[None, Any, Any]:
        log.append("before")
        result = yield
        log.append("after")
        return result

    def inner(self: Any, response: Any) -> Generator[None, Any, Any]:
        log.append("inner before")
        result = yield
        log.append("inner after")
        return result

    scripted.answer(response())
    plugins = [wrapping(event, outer, "a"), wrapping(event, inner, "b")]
    async with client_with(*plugins, on(event, lambda self, response: log.append("c"), "c")) as client:
        await client.get(scripted.url(), **{event: lambda response: log.append("handler")})
    middle = ["handler", "c"] if event == "pre_request" else ["c", "handler"]
    assert log == ["before", "inner before", *middle, "inner after", "after"]


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize("event", ONE_TIME)
@pytest.mark.parametrize("keeps", [True, False])
async def test_what_a_wrapper_returns_is_the_answer(scripted: ScriptedServer, event: str, keeps: bool) -> None:
    def wrap(self: Any, response: Any) -> Generator[None, Any, Any]:
        inner = yield
        assert inner.content == b"inner"
        return made(response, b"outer") if keeps else None

    scripted.answer(response(b"real"))
    inner = answering(event, lambda response: made(response, b"inner"), "inner")
    async with client_with(wrapping(event, wrap), inner) as client:
        assert (await client.get(scripted.url())).content == (b"outer" if keeps else b"real")


def yields_twice(self: Any, response: Any) -> Generator[None, Any, Any]:
    yield
    yield


def yields_never(self: Any, response: Any) -> Generator[None, Any, Any]:
    return
    yield


def returns_seven(self: Any, response: Any) -> Generator[None, Any, Any]:
    yield
    return 7


@pytest.mark.parametrize("event", ONE_TIME)
@pytest.mark.parametrize(
    ("run", "words"),
    [(yields_twice, "yielded more than once"), (yields_never, "did not yield"), (returns_seven, "answered with int")],
)
async def test_faulty_wrappers_are_named(scripted: ScriptedServer, event: str, run: Any, words: str) -> None:
    scripted.answer(response(b"real"))
    scripted.always(response(b"real"))
    async with client_with(wrapping(event, run)) as client:
        with pytest.raises(PluginError, match=f"plugin 'wrapper'.*{words}"):
            await client.get(scripted.url())


class Once:
    """Binds itself to the exchanges of one path, and sends the request of those again."""

    name = "once"

    def __init__(self, log: list[str], is_async: bool = False) -> None:
        self.log = log
        self.is_async = is_async

    @hookimpl
    def pre_request(self, response: Any) -> None:
        if response.request.target == "/again" and response.request.cause == "call":
            response.event("post_request").bind(self.later if self.is_async else self.now, plugin=self.name)

    def now(self, response: Any, exc: Any, cause: str) -> Any:
        self.log.append(f"once: {cause} {exc} {response.answer}")
        return response.request.copy(cause="again")

    async def later(self, response: Any, exc: Any, cause: str) -> Any:
        return self.now(response, exc, cause)


@pytest.mark.parametrize("is_async", [False, True])
async def test_plugin_bound_to_an_exchange_may_answer_behind_the_others(
    scripted: ScriptedServer, is_async: bool
) -> None:
    log: list[str] = []
    scripted.always(response())
    last = on("post_request", lambda self, response: log.append("plugin"), "zzz", trylast=True)
    async with client_with(Once(log, is_async), last) as client:
        client.event("post_request").bind(lambda response: log.append("handler of the client"))
        got = await client.get(scripted.url("/again"), post_request=lambda response: log.append("handler"))
        assert len(got.history) == 1
        first = ["plugin", "once: call None None", "handler of the client", "handler"]
        assert log == [*first, "plugin", "handler of the client", "handler"]
        assert (await client.get(scripted.url("/"))).history == []


async def test_plugin_bound_to_an_exchange_is_named_with_its_answer(scripted: ScriptedServer) -> None:
    scripted.always(response())
    other = answering("post_request", lambda response: made(response), "other")
    async with client_with(Once([]), other) as client:
        with pytest.raises(PluginError, match=r"two different answers .* plugin 'other' and from plugin 'once'"):
            await client.get(scripted.url("/again"))
