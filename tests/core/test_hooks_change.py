"""How hooks change: plugins run on older and newer versions of core, and hear what is deprecated."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import pytest

from hookline import HttpClient, HttpResponse, PluginError, hookimpl, hookspec
from hookline.plugins.registry import Registry
from hookline_testing.server import ScriptedServer, response
from kit.recorder import client_with, plugin

seen: list[tuple[Any, ...]] = []


def last(self: Any, response: Any, exc: Any, attempt: int = 7) -> None:
    seen.append((exc, attempt))


def between(self: Any, response: Any, attempt: int = 7, exc: Any = "none") -> None:
    seen.append((exc, attempt))


def keyword(self: Any, response: Any, exc: Any, *, attempt: int = 7) -> None:
    seen.append((exc, attempt))


def alone(self: Any, attempt: int = 7) -> None:
    seen.append((None, attempt))


def anything(self: Any, exc: Any, **arguments: Any) -> None:
    seen.append((exc, arguments.get("attempt", 7)))


async def awaited(self: Any, attempt: int = 7, *, exc: Any) -> None:
    seen.append((exc, attempt))


def wrapper(self: Any, exc: Any, attempt: int = 7) -> Any:
    seen.append((exc, attempt))
    return (yield)


WAYS = [last, between, keyword, alone, anything, awaited]


@pytest.mark.parametrize("event", ["pre_request", "on_headers", "post_request"])
@pytest.mark.parametrize("function", [*WAYS, wrapper])
async def test_argument_of_a_newer_core_keeps_its_default(scripted: ScriptedServer, event: str, function: Any) -> None:
    seen.clear()
    scripted.always(response(b""))
    newer = plugin("newer", **{event: hookimpl(specname=event, wrapper=function is wrapper)(function)})
    async with client_with(newer) as client:
        await client.get(scripted.url())
    assert seen == [(None, 7)]


async def test_data_event_with_an_argument_of_a_newer_core(scripted: ScriptedServer) -> None:
    found: list[Any] = []
    scripted.always(response(b"body"))

    class Newer:
        @hookimpl
        def data_received(self, data: bytes, offset: int = -1) -> None:
            found.append((data, offset))

        @hookimpl
        def declare(self, client: Any = None) -> list[Any]:
            found.append(client)
            return []

        @hookimpl
        def connected(self, connection: Any, is_new: bool | None = None) -> None:
            found.append(is_new)

    async with client_with(Newer()) as client:
        found.clear()
        await client.get(scripted.url())
    assert found == [None, (response(b"body"), -1)]


@pytest.mark.parametrize("function", WAYS)
def test_core_that_offers_the_argument_passes_it(monkeypatch: pytest.MonkeyPatch, function: Any) -> None:
    from hookline.hooks import implementation

    offered = {**implementation.ARGUMENTS, "post_request": ("response", "exc", "cause", "attempt")}
    monkeypatch.setattr(implementation, "ARGUMENTS", offered)
    seen.clear()
    made = implementation.Implementation("post_request", partial(function, None), "plugin 'newer'", "newer")
    values = {"response": None, "exc": None, "cause": "call", "attempt": 2}
    result = made.call_with(values)
    if result is not None:
        with pytest.raises(StopIteration):
            result.send(None)
    assert seen == [(None, 2)]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda self, response, attempt: None, "takes an unknown argument 'attempt'"),
        (lambda self, response, *, attempt: None, "takes an unknown argument 'attempt'"),
        (lambda self, respons=None: None, "takes an unknown argument 'respons'; did you mean 'response'?"),
        (lambda self, *, cuase="": None, "takes an unknown argument 'cuase'; did you mean 'cause'?"),
    ],
)
def test_argument_without_a_default_and_one_that_is_written_wrongly_are_refused(function: Any, words: str) -> None:
    with pytest.raises(PluginError, match=words):
        HttpClient(plugins=[plugin("bad", pre_request=hookimpl(specname="pre_request")(function))], autoload=False)


async def test_optional_hook_is_not_called_by_a_core_without_it(scripted: ScriptedServer) -> None:
    found: list[str] = []
    scripted.always(response(b""))

    class Newer:
        @hookimpl(optionalhook=True)
        def request_sent(self, response: HttpResponse, size: int) -> None:
            found.append("request_sent")

        @hookimpl(optionalhook=True)
        def post_request(self, response: HttpResponse) -> None:
            found.append("post_request")

    async with client_with(Newer()) as client:
        assert client.plugins["newer"].hooks == ("post_request",)
        await client.get(scripted.url())
    assert found == ["post_request"]


class Deprecated:
    """Specifications as they will be when something is deprecated."""

    @hookspec(warn_on_impl=DeprecationWarning("pre_request is deprecated since 9.1; use before_request"))
    def pre_request(self, response: Any, exc: Any, cause: Any) -> None:
        """Called before."""

    @hookspec(warn_on_impl_args={"exc": DeprecationWarning("exc of on_headers is deprecated since 9.1; it is None")})
    def on_headers(self, response: Any, exc: Any, interim: Any, cause: Any) -> None:
        """Called after the head."""


class Old:
    """A plugin with what is deprecated."""

    @hookimpl
    def pre_request(self, response: Any) -> None: ...

    @hookimpl
    def on_headers(self, response: Any, exc: Any) -> None: ...


class New:
    """A plugin without it."""

    @hookimpl
    def on_headers(self, response: Any, interim: bool) -> None: ...


def test_deprecated_hook_and_argument_warn_where_the_plugin_implements_them() -> None:
    registry = Registry([Deprecated], lambda added: None)
    with pytest.warns(DeprecationWarning, match=r"since 9\.1") as caught:
        registry.register(Old())
    assert [str(each.message) for each in caught] == [
        "exc of on_headers is deprecated since 9.1; it is None",
        "pre_request is deprecated since 9.1; use before_request",
    ]
    assert {each.filename for each in caught} == {__file__}
    lines = {each.lineno for each in caught}
    assert lines == {Old.pre_request.__code__.co_firstlineno, Old.on_headers.__code__.co_firstlineno}
    assert registry.infos["old"].hooks == ("pre_request", "on_headers")  # it works as before
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        registry.register(New())


def test_deprecation_that_is_an_error_registers_nothing() -> None:
    registry = Registry([Deprecated], lambda added: None)
    old = Old()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DeprecationWarning):
            registry.register(old)
    assert (registry.infos, registry.manager.get_plugins()) == ({}, set())
    with pytest.warns(DeprecationWarning, match=r"since 9\.1"):
        registry.register(old)
    with pytest.raises(PluginError, match="already registered"):
        registry.register(old, "again")
    assert registry.manager.get_plugins() == {old}
