"""The plugin alone with core, disabled, and replaced by another."""

from __future__ import annotations

from typing import Any

import pytest

from hookline import HttpClient, Option, hookimpl
from hookline_expect import Expect
from hookline_testing.server import Script, ScriptedServer, head, response


def granted() -> Script:
    return Script(head(100)).read_body().send(response(b"ok"))


@pytest.mark.parametrize("plugin", ["expect", Expect()])
async def test_expect_alone_with_core(scripted: ScriptedServer, plugin: Any) -> None:
    scripted.answer(granted())
    async with HttpClient(autoload=False, plugins=[plugin]) as client:
        assert [found.name for found in client.plugins] == ["expect"]
        assert (await client.post(scripted.url(), data=b"body", wait_continue=30)).content == b"ok"


async def test_expect_disabled(scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    async with HttpClient(disable=["expect"]) as client:
        with pytest.raises(TypeError, match="belongs to plugin 'expect', which is disabled"):
            await client.post(scripted.url(), data=b"body", wait_continue=True)
        await client.post(scripted.url(), data=b"body", headers={"Expect": "100-continue"})
    async with HttpClient(wait_continue=30, timeout=10) as client:
        await client.post(scripted.url(), data=b"body", disable=["expect"])
    assert [(request.header("expect"), request.body) for request in scripted.requests] == [
        ("100-continue", b"body"),
        (None, b"body"),
    ]


class Large:
    """Asks for large bodies only, and waits a tenth of a second."""

    name = "large"
    replaces = "expect"

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option("wait_continue", 1000)]

    @hookimpl
    def pre_request(self, response: Any) -> None:
        request = response.request
        if request.body is not None and len(request.body) > request.wait_continue:
            request.unredirected_headers["Expect"] = "100-continue"
            request.hold_body(0.1)


async def test_expect_replaced(scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    async with HttpClient(plugins=[Large()]) as client:
        assert "expect" not in [found.name for found in client.plugins]
        await client.post(scripted.url(), data=b"body")
        await client.post(scripted.url(), data=bytes(2000))
        await client.post(scripted.url(), data=b"body", wait_continue=2)
    assert [request.header("expect") for request in scripted.requests] == [None, "100-continue", "100-continue"]


async def test_request_that_has_nothing_to_ask_keeps_the_short_way(scripted: ScriptedServer) -> None:
    async with HttpClient(autoload=False, plugins=["expect"]) as client:
        scripted.answer(response(b"ok"), response(b"ok"))
        for options in ({}, {"data": b"body"}):
            got = await client.post(scripted.url(), **options)
            assert got.request.gate is None
            assert got.request._headers is None  # nobody has parsed the fields


@pytest.mark.parametrize("place", ["client", "item", "call"])
async def test_field_of_the_client_is_as_that_of_a_call(scripted: ScriptedServer, place: str) -> None:
    headers = {"Expect": "100-continue"}
    scripted.answer(response(b"no body"), granted(), response(b"none either"))
    async with HttpClient(headers=headers if place == "client" else None, timeout=10) as client:
        if place == "item":
            client.headers.update(headers)
        given = headers if place == "call" else None
        await client.get(scripted.url(), headers=given)
        await client.post(scripted.url(), data=b"body", headers=given)
        await client.post(scripted.url(), headers=given)
    assert [seen.header("expect") for seen in scripted.requests] == [None, "100-continue", None]
    assert scripted.requests[1].body == b"body"
