"""The plugin alone with core, disabled, unused, its names, and its error."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import hookline
import hookline_guard
from hookline import EgressBlocked, Guard, HttpClient, HttpRequestException, PluginError
from hookline_guard import EgressGuard, EgressGuardRoute
from hookline_testing.server import ScriptedServer, response


@pytest.mark.parametrize(
    "plugins", [["guard", "guard_route"], [EgressGuard(), EgressGuardRoute()]], ids=["name", "object"]
)
async def test_guard_alone_with_core(scripted: ScriptedServer, plugins: list[Any]) -> None:
    scripted.always(response(b"x"))
    async with HttpClient(autoload=False, plugins=plugins, guard=Guard(allow=["127.0.0.1"])) as client:
        assert [found.name for found in client.plugins] == ["guard", "guard_route"]
        assert (await client.get(scripted.url())).ok
        with pytest.raises(EgressBlocked):
            await client.get(scripted.url(), guard=True)


async def test_guard_disabled(scripted: ScriptedServer) -> None:
    scripted.always(response(b"x"))
    async with HttpClient(autoload=False, plugins=["guard", "guard_route"], guard=True) as client:
        assert (await client.get(scripted.url(), disable=["guard"])).ok
    with pytest.raises(TypeError, match="guard"):
        HttpClient(disable=["guard"], guard=True)


async def test_guard_that_a_call_adds(scripted: ScriptedServer) -> None:
    scripted.always(response(b"x"))
    async with HttpClient(autoload=False) as client:
        with pytest.raises(EgressBlocked):
            await client.get(scripted.url(), plugins=["guard", "guard_route"], guard=True)
        assert (await client.get(scripted.url(), plugins=["guard"])).ok


def test_plugins_conform(hookline_conformance: Callable[..., Any]) -> None:
    hookline_conformance(EgressGuard)


async def test_unused_guard_has_no_hook_called(scripted: ScriptedServer) -> None:
    scripted.always(response(b"x"))
    async with HttpClient(autoload=False, plugins=["guard", "guard_route"]) as client:
        answer = await client.get(scripted.url())
        assert answer._on_fast_path
        assert answer._hooks_after_head.on_headers is answer._hooks_after_head.post_request is None
        assert client.configuration.connection_hooks is None
        assert client.plugins["guard"].runs_for == ("option guard",)
        client.guard = True  # type: ignore[attr-defined]
        assert client.configuration.connection_hooks is not None
        client.guard = None  # type: ignore[attr-defined]
        assert (await client.get(scripted.url())).ok


def test_clients_without_a_guard_import_the_plugin_alone() -> None:
    code = (
        "import hookline, sys; client = hookline.HttpClient(plugins=['guard', 'guard_route'], autoload=False);"
        "client.configuration; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    found = {name for name in done.stdout.split() if name.startswith("hookline_guard")}
    assert found == {"hookline_guard", "hookline_guard.options", "hookline_guard.plugin"}


def test_names() -> None:
    assert hookline.Guard is Guard is hookline_guard.Guard
    assert hookline.EgressBlocked is hookline_guard.EgressBlocked
    assert all(hasattr(hookline_guard, name) for name in hookline_guard.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = hookline_guard.nothing


@pytest.mark.parametrize("value", [1, "10.0.0.0/8", []])
async def test_wrong_values_are_named(scripted: ScriptedServer, value: Any) -> None:
    async with HttpClient(autoload=False, plugins=["guard"]) as client:
        with pytest.raises(TypeError, match="guard= takes a Guard, True or False"):
            await client.get(scripted.url(), guard=value)
        with pytest.raises(TypeError, match="guard= takes a Guard, True or False"):
            client.guard = value  # type: ignore[attr-defined]


@pytest.mark.parametrize("by", [pickle.dumps, copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"])
async def test_error_says_what_denied_and_can_be_copied(scripted: ScriptedServer, by: Callable[[Any], Any]) -> None:
    url = f"http://user:passwd@localhost:{scripted.port}/path?token=secret"
    async with HttpClient(autoload=False, plugins=["guard"], guard=Guard(deny=["::1"])) as client:
        with pytest.raises(EgressBlocked) as caught:
            await client.get(url)
    made = by(caught.value)
    for error in (caught.value, pickle.loads(made) if isinstance(made, bytes) else made):
        assert isinstance(error, HttpRequestException)
        assert (error.rule, error.host, error.port, error.address) == (
            "127.0.0.0/8 (loopback)", "localhost", scripted.port, "127.0.0.1",
        )  # fmt: skip
        assert str(error) == (
            f"GET http://localhost:{scripted.port}: 127.0.0.1, an address of localhost, is denied by 127.0.0.0/8 (loopback);"
            f" Guard(allow=['127.0.0.1:{scripted.port}']) permits it"
        )
        assert error.request.method == "GET"
        assert not any(word in repr(error) + str(error) for word in ("passwd", "secret", "user"))
    assert "raised in connecting of plugin 'guard'" in caught.value.__notes__[0]


async def test_advice_of_the_message_permits_the_request(scripted: ScriptedServer) -> None:
    scripted.always(response(b"x"))
    async with HttpClient(autoload=False, plugins=["guard"]) as client:
        with pytest.raises(EgressBlocked) as caught:
            await client.get(scripted.url(), guard=True)
        advised = str(caught.value).partition("allow=['")[2].partition("'")[0]
        assert (await client.get(scripted.url(), guard=Guard(allow=[advised]))).ok


def test_required_guard_stays_when_it_is_unregistered() -> None:
    client = HttpClient(autoload=False, plugins=["guard"], guard=True, require=["guard"])
    with pytest.raises(PluginError):
        client.plugins.manager.unregister(name="guard")
