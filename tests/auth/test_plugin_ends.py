"""Cancelled, late, failed, over: every flow is closed, nothing is kept, nothing is shown."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from auth.exchanges import ME, REFUSED, Later, answers_digest, flow, parameters_of, sent
from hookline import HttpClient, HttpRequestException, HttpTimeout
from hookline_auth import Basic, BearerAuth, Digest, HTTPDigestAuth
from hookline_testing.server import Script, ScriptedServer, response

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")


async def test_cancelled_between_challenge_and_answer(scripted: ScriptedServer) -> None:
    scripted.answer(REFUSED, Script().stall(), response(b"in"))
    auth = Later(scripted.url())
    async with HttpClient(auth=HTTPDigestAuth(*ME)) as client:
        task = asyncio.create_task(client.get(scripted.url()))
        await scripted.until(heads=2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await client.get(scripted.url())).content == b"in"
    answers = [parameters_of(field)["nc"] for field in sent(scripted) if field]
    assert answers == ["00000001", "00000002"]
    assert auth.closed == 0


@pytest.mark.protocols("HTTP/1.1")
async def test_flow_is_closed_when_its_sub_request_is_cancelled_or_late(scripted: ScriptedServer) -> None:
    scripted.always(Script().stall())
    auth = Later(scripted.url("/token"))
    async with HttpClient(auth=auth) as client:
        task = asyncio.create_task(client.get(scripted.url()))
        await scripted.until(heads=1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert auth.closed == 1
        with pytest.raises(HttpTimeout):
            await client.get(scripted.url(), timeout=0.2)
        assert auth.closed == 2
    assert {request.target for request in scripted.requests} == {"/token"}


async def test_flow_is_closed_when_its_exchange_fails(scripted: ScriptedServer) -> None:
    closed = []

    def closing(request: Any) -> Any:
        try:
            yield request
        finally:
            closed.append(1)

    scripted.always(Script().close())
    async with HttpClient(auth=closing) as client:
        for stream in (False, True):
            with pytest.raises(HttpRequestException):
                await client.get(scripted.url(), stream=stream)
    assert closed == [1, 1]


async def test_nothing_is_kept_of_what_is_over(scripted: ScriptedServer) -> None:
    scripted.respond(answers_digest)
    mine = [Basic(), Digest()]
    async with HttpClient(autoload=False, plugins=mine) as client:
        for number in range(300):
            await client.get(scripted.url(), auth=HTTPDigestAuth(str(number), "x"))
            await client.get(scripted.url(), auth=flow)
        gc.collect()
        assert [len(found.flows.waiting) for found in mine] == [0, 0]
        assert len(mine[1]._known) == 256


async def test_secrets_are_shown_nowhere(scripted: ScriptedServer) -> None:
    scripted.always(REFUSED)
    async with HttpClient() as client:
        for auth in (("us3r", "s3cret"), HTTPDigestAuth("us3r", "s3cret"), BearerAuth("s3cret")):
            got = await client.get(scripted.url(), auth=auth)
            with pytest.raises(HttpRequestException) as caught:
                got.raise_for_status()
            text = f"{caught.value!r} {caught.value} {got!r} {got.request!r} {got.request.auth!r} {client!r}"
            assert "s3cret" not in text
            assert "us3r" not in text
