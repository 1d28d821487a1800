"""Errors that are copied or pickled arrive as themselves, with snapshots of their request and response."""

from __future__ import annotations

import asyncio
import copy
import copyreg
import pickle
from typing import Any

import pytest

import hookline
from hookline import (
    ConnectionClosed,
    HooklineError,
    HttpConnectionError,
    HttpRequestException,
    HttpResponse,
    HttpTimeout,
    InvalidURL,
    PluginError,
    RemoteProtocolError,
    StreamConsumedError,
)
from hookline_testing.server import Script, ScriptedServer, response
from kit.copies import WAYS, assert_same_error, assert_same_response
from kit.recorder import client_with
from servers.addresses import refused_port

each_way = pytest.mark.parametrize("copied", WAYS.values(), ids=WAYS)
# without restrictions: classes of this module are neither of Python nor of core
OPEN_WAYS = {name: way for name, way in WAYS.items() if name != "core"}
each_open_way = pytest.mark.parametrize("copied", OPEN_WAYS.values(), ids=OPEN_WAYS)


def all_classes(root: type = HooklineError) -> list[type]:
    return [
        root,
        *(c for sub in root.__subclasses__() if sub.__module__ == "hookline.errors" for c in all_classes(sub)),
    ]


@each_way
@pytest.mark.parametrize("kind", sorted({*all_classes()}, key=lambda c: c.__name__), ids=lambda kind: kind.__name__)
async def test_error_of_each_class_is_the_same_as_a_copy(kind: Any, copied: Any) -> None:
    async with client_with() as client:
        request = client.new_request("GET", "http://a.test/b", cause="x")
        request.parent = None
        found = HttpResponse.build(request, 500, content=b"why")
        error = kind("it failed", response=found) if issubclass(kind, HttpRequestException) else kind("it failed")
        error.add_note("raised in a plugin")
        error.code = 7

        made = copied(error)

    assert_same_error(made, error)
    assert made.code == 7
    if issubclass(kind, HttpRequestException):
        assert_same_response(made.response, found)
        assert made.request is made.response.request


@each_way
@pytest.mark.parametrize("args", [(), ("one",), (1, "two"), ("a", b"b", None)], ids=["none", "one", "two", "three"])
@pytest.mark.parametrize("kind", [HooklineError, PluginError, InvalidURL, StreamConsumedError])
def test_arguments_of_an_error_are_kept(kind: Any, args: tuple[Any, ...], copied: Any) -> None:
    assert_same_error(copied(kind(*args)), kind(*args))


async def fails(scripted: ScriptedServer, how: str) -> BaseException:
    """An error as a call gives it."""

    def breaks(response: Any) -> None:
        raise PluginError("no")

    async with client_with() as client:
        with pytest.raises(HooklineError) as caught:  # noqa: PT012  # one of many
            match how:
                case "refused":
                    with refused_port() as port:
                        await client.get(f"http://127.0.0.1:{port}/")
                case "timeout":
                    scripted.answer(Script().stall())
                    await client.get(scripted.url(), timeout=0.05)
                case "handler":
                    scripted.answer(response(b"x"))
                    await client.get(scripted.url(), on_headers=breaks)
                case "url":
                    await client.get("http://")
                case "status":
                    scripted.answer(response(b"why", 404))
                    (await client.get(scripted.url())).raise_for_status()
                case "stream":
                    scripted.answer(response(b"why" * 10, 404)[:-3])
                    found = await client.get(scripted.url(), stream=True)
                    try:
                        found.raise_for_status()
                    finally:
                        await found.aclose()
                case "cut":
                    scripted.answer(response(b"why" * 10)[:-3], close=True)
                    await client.get(scripted.url())
                case "malformed":
                    scripted.answer(b"HTTP/9.9 1\r\n\r\n")
                    await client.get(scripted.url())
                case "consumed":
                    scripted.answer(response(b"x"))
                    found = await client.get(scripted.url(), stream=True)
                    await found.raw.read()
                    await found.raw.read()
    return caught.value


FAILURES = ("refused", "timeout", "handler", "url", "status", "stream", "cut", "malformed", "consumed")


@each_way
@pytest.mark.parametrize("how", FAILURES)
async def test_error_of_a_call_is_the_same_as_a_copy(scripted: ScriptedServer, how: str, copied: Any) -> None:
    error = await fails(scripted, how)

    made = copied(error)

    assert_same_error(made, error)
    assert [type(e) for e in chain_of(made)] == [type(e) for e in chain_of(error)]


def chain_of(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


@each_way
async def test_error_with_an_open_stream_is_copied_without_its_body(scripted: ScriptedServer, copied: Any) -> None:
    scripted.answer(response(b"x" * 10, 500)[:-5])
    async with client_with() as client, await client.get(scripted.url(), stream=True) as found:
        with pytest.raises(HttpRequestException) as caught:
            found.raise_for_status()

        made = copied(caught.value)
        assert found.is_open

    assert made.response.status_code == 500
    with pytest.raises(StreamConsumedError):
        _ = made.response.content


# -- causes


def raised(error: BaseException, cause: BaseException | None) -> BaseException:
    try:
        raise error from cause
    except BaseException as caught:  # noqa: BLE001  # the one that was raised
        return caught


class TwoWords(Exception):
    """Its pickle can be written, and not be read."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


class NamesWords(HttpRequestException):
    def __init__(self, one: str, *, two: list[str]) -> None:
        super().__init__(f"{one}: {', '.join(two)}")
        self.two = two


class Live(OSError):
    def __init__(self, held: Any) -> None:
        super().__init__("live")
        self.held = held


@each_open_way
def test_causes_are_kept_as_far_as_they_can_be_pickled(copied: Any) -> None:
    first = OSError(111, "refused")
    first.add_note("of the system")
    second = raised(ConnectionClosed("lost"), first)
    third = raised(ValueError("in a handler"), second)
    error = raised(HttpTimeout("late"), third)

    made = copied(error)

    assert [repr(e) for e in chain_of(made)] == [repr(e) for e in (error, third, second, first)]
    assert made.__cause__.__cause__.__cause__.errno == 111
    assert made.__cause__.__cause__.__cause__.__notes__ == ["of the system"]
    assert made.__suppress_context__
    assert first.__cause__ is None
    assert third.__cause__ is second


@each_open_way
@pytest.mark.parametrize("make", [
    lambda: TwoWords("a", "b"), lambda: Live(lambda: None), lambda: type("Local", (ValueError,), {})("x"),
    lambda: type("OwnLocal", (HooklineError,), {})("x"),
], ids=["constructor", "held", "local", "local-of-ours"])  # fmt: skip
def test_cause_that_cannot_be_pickled_is_left_out(make: Any, copied: Any) -> None:
    made = copied(raised(HttpTimeout("late"), make()))

    assert str(made) == "late"
    assert made.__cause__ is None


@each_open_way
def test_error_of_a_class_with_other_parameters_is_copied(copied: Any) -> None:
    made = copied(NamesWords("wrong", two=["a", "b"]))

    assert (type(made), str(made), made.two) == (NamesWords, "wrong: a, b", ["a", "b"])


@each_open_way
def test_attributes_of_errors_that_cannot_be_pickled_are_none(copied: Any) -> None:
    error = HttpConnectionError("lost")
    error.one, error.two, error.three = (lambda: None), [1], [lambda: None]  # type: ignore[attr-defined]
    error.other = KeyError("first")  # type: ignore[attr-defined]

    made = copied(error)

    assert (made.one, made.two, made.three) == (None, [1], None)
    assert repr(made.other) == "KeyError('first')"


@each_open_way
def test_errors_in_a_circle_are_copied(copied: Any) -> None:
    one, two = HttpTimeout("one"), HttpTimeout("two")
    one.__cause__, two.__cause__ = two, one
    one.itself = one  # type: ignore[attr-defined]

    made = copied(one)

    assert made.__cause__.__cause__ is made
    assert made.itself is made


@each_open_way
async def test_errors_of_a_task_group_are_copied(scripted: ScriptedServer, copied: Any) -> None:
    with pytest.raises(ExceptionGroup) as caught:  # noqa: PT012  # leaving the group raises it
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(raises_late())
            tasks.create_task(raises_late())
    try:
        raise caught.value.exceptions[0]
    except HttpTimeout as error:
        error.__context__ = caught.value

    group = copied(caught.value)
    one = copied(caught.value.exceptions[0])

    assert [repr(e) for e in group.exceptions] == [repr(e) for e in caught.value.exceptions]
    assert repr(one) == repr(caught.value.exceptions[0])


async def raises_late() -> None:
    await asyncio.sleep(0)  # an eager task that failed at once would end the group before its second task
    raise HttpTimeout("late")


def test_long_chains_of_errors_are_copied_without_recursion() -> None:
    error: BaseException = HttpTimeout("0")
    for number in range(1, 3000):
        error = raised((HttpTimeout if number % 2 else ValueError)(str(number)), error)
    error = raised(HttpTimeout("last"), error)

    made = pickle.loads(pickle.dumps(error))

    assert count(made) == 3001


def count(error: BaseException | None) -> int:
    number = 0
    while error is not None:
        number, error = number + 1, error.__cause__
    return number


def test_errors_are_copied_where_a_package_has_errors_pickled_with_their_causes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """tblib does so, which Dask loads. Each error of a chain was then pickled twice as often as the one before it."""
    pickled = []

    def with_what_led_to_it(error: BaseException) -> tuple[Any, ...]:
        pickled.append(error)
        function, args = error.__reduce__()[:2]
        return restored, (function, args, error.__cause__, error.__context__)

    for kind in (OSError, ValueError, ConnectionClosed):
        monkeypatch.setitem(copyreg.dispatch_table, kind, with_what_led_to_it)  # type: ignore[arg-type]
    error: BaseException = OSError("the first")
    for number in range(12):
        following = (ValueError, ConnectionClosed, OSError)[number % 3](f"number {number}")
        following.__cause__ = following.__context__ = error
        error = following
    last = HttpTimeout("the last")
    last.__cause__ = error

    made = copy.copy(last)

    assert len(pickled) <= 12
    found = []
    each: BaseException | None = made
    while each is not None:
        found.append(str(each))
        each = each.__cause__
    assert found == ["the last", *(f"number {number}" for number in reversed(range(12))), "the first"]


def restored(function: Any, args: Any, cause: BaseException | None, context: BaseException | None) -> Any:
    error = function(*args)
    error.__cause__, error.__context__ = cause, context
    return error


def test_classes_of_the_tree_are_those_that_are_public() -> None:
    public = {getattr(hookline, name) for name in hookline.__all__}
    assert {kind for kind in all_classes() if kind not in public} == set()


async def test_copied_error_can_be_raised_and_caught_by_class(scripted: ScriptedServer) -> None:
    error = copy.deepcopy(await fails(scripted, "malformed"))

    with pytest.raises(RemoteProtocolError) as caught:
        raise error
    assert isinstance(caught.value, ConnectionError)
    assert caught.value.request is not None
