"""Which implementations run for follow-ups, for sub-requests and for interim heads; preconditions."""

from __future__ import annotations

from typing import Any

import pytest

from hookline import ConnectionClosed, PluginError, Scheme, hookimpl
from hookline_testing.server import Script, ScriptedServer, head, response
from kit.recorder import Log, Recorder, client_with, ends, on, plugin

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

ONE_TIME = ("pre_request", "on_headers", "post_request")


def redirecting(cause: str = "redirect") -> Any:
    """Follow a Location, in a few lines."""

    def follow(self: Any, response: Any) -> Any:
        return response.request.follow(response.headers["location"], cause=cause)

    return on("post_request", follow, "follower", statuses=[302])


def moved(server: ScriptedServer) -> bytes:
    return response(b"", 302, [("Location", server.url("/there"))])


async def test_error_of_a_follow_up_is_its_own(scripted: ScriptedServer) -> None:
    log: Log = []
    scripted.answer(moved(scripted), Script().close(), Script().close())
    async with client_with(redirecting(), Recorder(log)) as client:
        with pytest.raises(ConnectionClosed) as caught:
            await client.get(scripted.url())
    assert caught.value.request is not None
    assert caught.value.request.cause == "redirect"
    assert caught.value.response is None  # not that of the hop before
    assert len(ends(log)) == 2


async def test_causes_say_why_a_request_is_sent(scripted: ScriptedServer) -> None:
    log: list[str] = []
    scripted.answer(moved(scripted), response())
    watch = on("pre_request", lambda self, cause: log.append(cause), "watch")
    async with client_with(redirecting(), watch) as client:
        found = await client.get(scripted.url())
    assert log == ["call", "redirect"]
    assert (found.request.cause, found.history[0].request.cause) == ("redirect", "call")


async def test_handlers_plugins_and_disable_go_with_follow_ups(scripted: ScriptedServer) -> None:
    log: Log = []
    handled: list[str] = []
    scripted.answer(moved(scripted), response())
    async with client_with(redirecting(), Recorder(log, "silent")) as client:
        await client.get(
            scripted.url(),
            disable=["silent"],
            plugins=[Recorder(log, "extra")],
            on_headers=lambda response: handled.append(response.request.cause),
        )
        assert {entry[0] for entry in log} == {"extra"}
        assert [entry[1] for entry in log] == [*ONE_TIME] * 2
        assert handled == ["call", "redirect"]
        log.clear()
        scripted.answer(response())
        await client.get(scripted.url())  # another call: nothing of it is left
    assert {entry[0] for entry in log} == {"silent"}


async def test_sub_requests_reach_only_implementations_with_a_cause_parameter(scripted: ScriptedServer) -> None:
    log: list[Any] = []

    async def fetch_token(self: Any, response: Any) -> None:
        client = response.request.client
        request = client.new_request("GET", scripted.url("/token"), cause="token", parent=response.request)
        assert request.parent is response.request
        token = await client.exchange(request)
        response.request.unredirected_headers["X-Token"] = token.text

    scripted.respond(lambda request: response(b"secret" if request.path == "/token" else b"page"))
    plugins = [
        on("pre_request", fetch_token, "tokens"),
        on("on_headers", lambda self, response: log.append("unnamed"), "unnamed"),
        on("on_headers", lambda self, response, **kw: log.append("any keyword"), "anykw"),
        on("on_headers", lambda self, response, cause: log.append(cause), "named"),
    ]
    async with client_with(*plugins) as client:
        client.event("on_headers").bind(lambda response, **kw: log.append("handler"))
        await client.get(scripted.url(), on_headers=lambda response: log.append("own"))
    assert log[0] == "token"
    assert log[1:] == ["any keyword", "call", "unnamed", "handler", "own"]
    assert scripted.requests[1].header("x-token") == "secret"


@pytest.mark.protocols("HTTP/1.1")
async def test_sub_request_without_a_parent_reaches_only_implementations_with_a_cause_parameter(
    scripted: ScriptedServer,
) -> None:
    log: list[Any] = []
    scripted.answer(response(b"secret"))
    plugins = [
        on("pre_request", lambda self, response: log.append("unnamed"), "unnamed"),
        on("pre_request", lambda self, response, cause: log.append(cause), "named"),
    ]
    async with client_with(*plugins) as client:
        client.timeout = 5
        client.event("pre_request").bind(lambda response: log.append("handler"))
        request = client.new_request("GET", scripted.url("/token"), cause="token")
        assert request.parent.url == request.url
        assert request.parent.parent is None
        assert request.deadline > 0
        assert (await client.exchange(request)).text == "secret"
    assert log == ["token"]


@pytest.mark.parametrize("cut", ["whole", "bytes"])
async def test_interim_heads_reach_only_implementations_with_an_interim_parameter(
    scripted: ScriptedServer, cut: Any
) -> None:
    log: list[Any] = []

    async def both(self: Any, response: Any, interim: bool) -> None:
        log.append((interim, response.status_code, response.headers.get("link")))

    hints = head(103, [("Link", "</a>")])
    scripted.answer(head(102) + hints + response(b"body", 200), cut=cut)
    plugins = [
        on("on_headers", both, "named"),
        on("on_headers", lambda self, response, **kw: log.append("unnamed"), "unnamed"),
        on(
            "on_headers", lambda self, response, interim: log.append("early" if interim else "end"), "x", statuses=[103]
        ),
    ]
    async with client_with(*plugins) as client:
        client.event("on_headers").bind(lambda response, **kw: log.append("handler"))
        assert (await client.get(scripted.url())).content == b"body"
    final = [(False, 200, None), "unnamed", "handler"]
    assert log == [(True, 102, None), (True, 103, "</a>"), "early", *final]


async def test_interim_heads_are_skipped_without_an_interim_parameter(scripted: ScriptedServer) -> None:
    log: Log = []
    scripted.answer(head(103) + head(103) + response(b"body"))
    async with client_with(Recorder(log)) as client:
        assert (await client.get(scripted.url())).content == b"body"
    assert [entry[1] for entry in log] == [*ONE_TIME]


async def test_failure_behind_an_interim_head_has_no_status(scripted: ScriptedServer) -> None:
    log: list[int] = []
    scripted.answer(Script(head(103)).close())
    plugins = [
        on("on_headers", lambda self, response, interim: None, "named"),
        on("post_request", lambda self, response: log.append(response.status_code), "end"),
    ]
    async with client_with(*plugins) as client:
        with pytest.raises(ConnectionError):
            await client.get(scripted.url())
    assert log == [0]


CONDITIONS = [
    ({"statuses": [404]}, 404, [], True),
    ({"statuses": [404]}, 200, [], False),
    ({"statuses": []}, 200, [], False),
    ({"headers": ["Set-Cookie"]}, 200, [("set-cookie", "a=b")], True),
    ({"headers": ["set-cookie"]}, 200, [("SET-COOKIE", "a=b")], True),
    ({"headers": ["set-cookie"]}, 200, [("X-Set-Cookie", "a=b")], False),
    ({"headers": ["set-cookie"]}, 200, [("X", "set-cookie: a")], False),
    ({"headers": ["a", "b"]}, 200, [("B", "1")], True),
    ({"headers": []}, 200, [("B", "1")], False),
    ({"schemes": ["http"]}, 200, [], True),
    ({"schemes": ["ws", "HTTP"]}, 200, [], True),
    ({"schemes": ["https"]}, 200, [], False),
    ({"statuses": [200], "headers": ["a"]}, 200, [("A", "1")], True),
    ({"statuses": [200], "headers": ["a"]}, 200, [], False),
    ({"statuses": [201], "headers": ["a"]}, 200, [("A", "1")], False),
    ({"statuses": [200], "headers": ["a"], "schemes": ["http"]}, 200, [("A", "1")], True),
    ({"statuses": [200], "headers": ["a"], "schemes": ["https"]}, 200, [("A", "1")], False),
]


@pytest.mark.parametrize(("marks", "status", "fields", "runs"), CONDITIONS)
@pytest.mark.parametrize("event", ["on_headers", "post_request"])
async def test_preconditions_alone_and_combined(
    scripted: ScriptedServer, event: str, marks: Any, status: int, fields: Any, runs: bool
) -> None:
    log: list[str] = []
    scripted.answer(response(b"", status, fields))
    other = on(
        event, lambda self, response: log.append("other"), "other", statuses=[status], headers=["content-length"]
    )
    async with client_with(on(event, lambda self, response: log.append("one"), "one", **marks), other) as client:
        await client.get(scripted.url())
    assert log == (["one", "other"] if runs else ["other"])


@pytest.mark.parametrize("marks", [{"statuses": [200]}, {"headers": ["a"]}])
async def test_conditions_on_a_head_do_not_hold_where_none_came(marks: Any) -> None:
    log: list[str] = []
    unconditional = on("post_request", lambda self, response: log.append("always"), "always")
    never = on("post_request", lambda self, response: log.append("never"), "never", **marks)
    async with client_with(unconditional, never) as client:
        with pytest.raises(ConnectionError):
            await client.get("http://127.0.0.1:1/")
    assert log == ["always"]


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize(("scheme", "runs"), [("http", True), ("other", False)])
async def test_schemes_hold_on_pre_request(scripted: ScriptedServer, scheme: str, runs: bool) -> None:
    log: list[str] = []
    scripted.answer(response())
    serves = plugin("serves", declare=hookimpl(lambda self: [Scheme("other", 80)]))
    only = on("pre_request", lambda self, response: log.append("ran"), "only", schemes=["http"])
    async with client_with(serves, only) as client:
        await client.get(scripted.url().replace("http", scheme))
    assert log == (["ran"] if runs else [])


@pytest.mark.parametrize(
    ("event", "marks"),
    [
        ("pre_request", {"statuses": [200]}),
        ("pre_request", {"headers": ["a"]}),
        ("data_received", {"schemes": ["http"]}),
    ],
)
async def test_conditions_that_an_event_does_not_know_are_errors(event: str, marks: Any) -> None:
    with pytest.raises(PluginError, match=f"plugin 'p': {event} has no precondition {next(iter(marks))}="):
        async with client_with(on(event, lambda self, response: None, "p", **marks)):
            pass


@pytest.mark.parametrize(("name", "there"), [("set-cookie", True), ("Set-Cookie", True), ("cookie", False)])
async def test_has_finds_a_field_without_parsing_the_head(scripted: ScriptedServer, name: str, there: bool) -> None:
    scripted.answer(response(b"", 200, [("SET-COOKIE", "a=b")]))
    async with client_with() as client:
        found = await client.get(scripted.url())
    assert found.has(name) is there
    assert found._headers is None
