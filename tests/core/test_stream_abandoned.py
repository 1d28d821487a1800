"""An error in post_request at the end of a stream without a reader has no caller to reach, so it is logged."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import pytest

from hookline import HttpClient, HttpResponse, hookimpl
from hookline_testing.server import Script, ScriptedServer
from kit.recorder import plugin

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"


def broken(response: HttpResponse, exc: BaseException | None = None) -> None:
    raise ValueError("broken handler")


async def test_handler_error_at_close_is_logged(scripted: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    scripted.answer(HALF)
    async with HttpClient(autoload=False) as client:
        response = await client.get(scripted.url("/"), stream=True, post_request=broken)

        await response.aclose()

    assert "broken handler" in caplog.text
    assert caplog.records[0].name == "hookline"


async def test_handler_error_of_a_forgotten_stream_is_logged(
    scripted: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    scripted.answer(HALF)
    async with HttpClient(autoload=False) as client:
        response = await client.get(scripted.url("/"), stream=True, post_request=broken)

        with pytest.warns(ResourceWarning, match="neither read to its end nor closed"):
            del response

    assert "broken handler" in caplog.text


async def test_forgotten_stream_is_closed_where_warnings_are_errors(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)
    scripted.answer(HALF)
    async with HttpClient(autoload=False) as client:
        response = await client.get(scripted.url("/"), stream=True)

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            del response

        await scripted.until(given_up=1)
        assert (client.stats().in_use, client.stats().streams) == (0, 0)
    assert [type(each.exc_value) for each in raised] == [ResourceWarning]


def streams(response: HttpResponse) -> None:
    response.request.stream = True


async def streams_later(response: HttpResponse) -> None:
    response.request.stream = True


@pytest.mark.parametrize("end", ["forgotten", "closed", "read"])
@pytest.mark.parametrize("handler", [streams, streams_later], ids=["plain", "async"])
@pytest.mark.parametrize("event", ["pre_request", "on_headers"])
@pytest.mark.parametrize("by", ["client", "call", "plugin", "timed"])
async def test_stream_of_a_request_in_a_handler_is_cleaned_up(
    scripted: ScriptedServer, by: str, event: str, handler: Any, end: str
) -> None:
    scripted.answer(Script().send(HALF) if end == "forgotten" else Script().send(HALF).send(b"world"))
    plugins = [plugin("asks", **{event: staticmethod(hookimpl(handler))})] if by == "plugin" else []
    async with HttpClient(autoload=False, plugins=plugins, pool_size=1, timings=by == "timed") as client:
        if by in ("client", "timed"):
            client.event(event).bind(handler)

        response = await client.get(scripted.url("/"), **({event: handler} if by == "call" else {}))
        assert response.is_open
        assert client.stats().in_use == 1
        if end == "forgotten":
            with pytest.warns(ResourceWarning, match="neither read to its end nor closed"):
                del response
            await scripted.until(given_up=1)
        elif end == "closed":
            await response.aclose()
        else:
            assert await response.raw.read() == b"helloworld"

        assert client.stats().in_use == 0


async def test_body_that_was_buffered_and_handed_out_is_cleaned_up_like_any_other(scripted: ScriptedServer) -> None:
    scripted.answer(Script().send(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"x" * 100_000))
    async with HttpClient(autoload=False) as client:
        response = await client.get(
            scripted.url("/"), pre_request=streams, on_headers=lambda response: response.buffer()
        )

        with pytest.warns(ResourceWarning, match="neither read to its end nor closed"):
            del response

        await scripted.until(given_up=1)
        assert (client.stats().in_use, client.stats().streams) == (0, 0)


async def test_stream_that_a_handler_took_back_is_no_stream(scripted: ScriptedServer) -> None:
    def takes_back(response: HttpResponse) -> None:
        response.request.stream = False

    scripted.answer(Script().send(HALF).send(b"world"))
    async with HttpClient(autoload=False) as client:
        response = await client.get(scripted.url("/"), stream=True, pre_request=takes_back)

        assert response.content == b"helloworld"
        assert client.stats().in_use == 0
