"""The plugin alone with core, disabled, unused, and its names."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import hookline
import hookline_sse
from hookline import HttpClient
from hookline_sse import EventStreamError, ServerSentEvent, ServerSentEvents
from hookline_testing.server import ScriptedServer
from kit.event_streams import ended, whole


@pytest.mark.parametrize("plugin", ["sse", ServerSentEvents()], ids=["name", "object"])
async def test_sse_alone_with_core(scripted: ScriptedServer, plugin: Any) -> None:
    scripted.answer(ended(b"data: 1\n\n"))
    async with HttpClient(autoload=False, plugins=[plugin]) as client:
        assert [found.name for found in client.plugins] == ["sse"]
        response = await client.get(scripted.url())
        assert [event.data async for event in response.events()] == ["1"]


async def test_sse_disabled(scripted: ScriptedServer) -> None:
    scripted.answer(whole(b""), whole(b""))
    async with HttpClient(disable=["sse"]) as client:
        response = await client.get(scripted.url())
        assert not hasattr(response, "events")
        assert not hasattr(client, "events")
    async with HttpClient() as client:
        assert not hasattr(await client.get(scripted.url(), disable=["sse"]), "events")


def test_plugin_conforms(hookline_conformance: Callable[..., Any]) -> None:
    hookline_conformance(ServerSentEvents)


async def test_plugin_implements_no_event_of_the_exchange(scripted: ScriptedServer) -> None:
    scripted.answer(whole(b""))
    async with HttpClient(autoload=False, plugins=["sse"]) as client:
        assert client.plugins["sse"].hooks == ()
        response = await client.get(scripted.url())
        assert response._on_fast_path


def test_clients_that_read_no_events_import_the_plugin_alone() -> None:
    code = "import hookline, sys; hookline.HttpClient(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    found = {name for name in done.stdout.split() if name.startswith("hookline_sse")}
    assert found == {"hookline_sse", "hookline_sse.plugin"}


def test_names() -> None:
    assert [getattr(hookline_sse, name).__name__ for name in hookline_sse.__all__] == hookline_sse.__all__
    assert hookline.ServerSentEvent is ServerSentEvent
    assert hookline.EventStreamError is EventStreamError
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        hookline_sse.Nothing  # noqa: B018  # the access is what is tested


def test_event_can_be_copied_and_pickled() -> None:
    event = ServerSentEvent("1", "a", "2", 3)
    assert pickle.loads(pickle.dumps(event)) == copy.copy(event) == event


async def test_response_with_events_can_be_pickled(scripted: ScriptedServer) -> None:
    scripted.answer(whole(b"data: 1\n\n"))
    async with HttpClient(autoload=False, plugins=["sse"]) as client:
        assert pickle.loads(pickle.dumps(await client.get(scripted.url()))).content == b"data: 1\n\n"
