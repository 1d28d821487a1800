"""What post_request raises when a stream ends without a reader: nobody is there to get it, so it is logged."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import pytest

from hookline import HttpClient, HttpResponse
from hookline_testing.server import ScriptedServer

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

        await scripted.until_closed_connections(1)
        assert client.stats().connections == 0
    assert [type(each.exc_value) for each in raised] == [ResourceWarning]
