"""`response.headers` before the head is here: it is empty, and writing to it is an error that names `request.headers`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hookline import HttpClient, PluginError
from hookline_testing.server import ScriptedServer, response

WRITES: dict[str, Callable[[Any], object]] = {
    "item": lambda headers: headers.__setitem__("Authorization", "x"),
    "add": lambda headers: headers.add("Authorization", "x"),
    "update": lambda headers: headers.update({"Authorization": "x"}),
    "update-by-name": lambda headers: headers.update(Authorization="x"),
    "extend": lambda headers: headers.extend([("Authorization", "x")]),
    "setdefault": lambda headers: headers.setdefault("Authorization", "x"),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("place", ["client", "call"])
async def test_writing_to_headers_before_the_head_is_an_error_that_names_those_of_the_request(
    scripted: ScriptedServer, write: str, place: str
) -> None:
    def sign(request: Any) -> None:
        WRITES[write](request.headers)

    async with HttpClient(autoload=False) as client:
        if place == "client":
            client.event("pre_request").bind(sign)
        with pytest.raises(PluginError, match=r"response\.request\.headers"):
            await client.get(scripted.url(), pre_request=sign if place == "call" else None)
    assert scripted.requests == []


async def test_reading_the_headers_of_no_head_does_not_hide_those_that_come(scripted: ScriptedServer) -> None:
    scripted.always(response(b"x", headers=[("X-One", "1")]))

    def look(response: Any) -> None:
        assert dict(response.headers) == {}
        assert response.headers.get("X-One") is None
        assert "X-One" not in response.headers
        response.headers.pop("X-One", None)

    async with HttpClient(autoload=False) as client:
        answer = await client.get(scripted.url(), pre_request=look)
    assert answer.headers["X-One"] == "1"
    answer.headers["X-Two"] = "2"  # a copy of what came, for whoever wants to note something there
    assert answer.headers["X-Two"] == "2"
