"""Plugins of Hookline below openai and anthropic: what docs/bridges/sdks.md says of them."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

import hookline
from hookline import Cache, HttpClient, Throttle
from hookline_testing.server import Gate, Script, ScriptedServer
from servers import model_apis

Sdk = Any  # of conftest.py


async def test_cache_answers_a_list_of_models(sdk: Sdk, scripted: ScriptedServer) -> None:
    models = {"object": "list", "data": [{"id": "small"}], "has_more": False, "first_id": None, "last_id": None}
    scripted.respond(
        lambda request: (
            model_apis.answer_of(models, headers=[("Cache-Control", "max-age=60")])
            if "/models" in request.target
            else model_apis.model_answer(request)
        )
    )
    async with (
        HttpClient(cache=Cache(), trust_env=False) as own,
        sdk.client(scripted, sdk.transport(own)) as client,
    ):
        for _ in range(2):
            assert [model.id async for model in await client.models.list()] == ["small"]
            assert sdk.text(await sdk.ask(client)) == model_apis.TEXT
    assert [request.method for request in scripted.requests] == ["GET", "POST", "POST"]


async def test_throttle_lets_one_call_after_the_other_through(sdk: Sdk, scripted: ScriptedServer) -> None:
    """The wait for a turn, here of more than a second, is longer than each timeout of the SDK."""
    gate = Gate()
    scripted.answer(Script().hold(gate).send(model_apis.answer_of(sdk.answer())))
    scripted.respond(model_apis.model_answer)
    async with (
        HttpClient(throttle=Throttle(concurrency=1), trust_env=False) as own,
        sdk.client(scripted, sdk.transport(own)) as client,
    ):
        first = asyncio.create_task(sdk.ask(client, timeout=60))
        await scripted.until(requests=1)
        began = time.monotonic()
        second = asyncio.create_task(sdk.ask(client, timeout=1))
        await asyncio.sleep(1.3)
        assert not second.done()
        gate.open()
        assert [sdk.text(await call) for call in (first, second)] == [model_apis.TEXT] * 2
    assert time.monotonic() - began > 1.2


async def test_guard_refuses_an_address_inside_a_network(sdk: Sdk, scripted: ScriptedServer) -> None:
    async with (
        HttpClient(guard=True, trust_env=False) as own,
        sdk.client(scripted, sdk.transport(own)) as client,
    ):
        with pytest.raises(sdk.module.APIConnectionError) as caught:
            await sdk.ask(client)
    cause: Any = caught.value
    while cause.__cause__ is not None:
        cause = cause.__cause__
    assert isinstance(cause, hookline.HooklineError)
    assert scripted.connections == 0
