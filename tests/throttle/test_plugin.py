"""The plugin alone with core, disabled, unused, in a request that is copied, and its names."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any

import pytest

import hookline
import hookline_throttle
from hookline import HttpClient
from hookline_testing.server import ScriptedServer, response
from hookline_throttle import HttpThrottle, Throttle


@pytest.mark.parametrize("plugins", [["throttle"], [HttpThrottle()]], ids=["name", "object"])
async def test_throttle_alone_with_core(scripted: ScriptedServer, plugins: list[Any]) -> None:
    scripted.always(response(b"1"))
    async with HttpClient(autoload=False, plugins=plugins, throttle=Throttle("100/s")) as client:
        assert (await client.get(scripted.url())).throttled == 0
        assert (await client.get(scripted.url())).status_code == 200


async def test_throttle_disabled(scripted: ScriptedServer) -> None:
    scripted.always(response(b"1"))
    async with HttpClient(disable=["throttle"]) as client:
        with pytest.raises(TypeError, match="unexpected keyword 'throttle'"):
            await client.get(scripted.url(), throttle=False)
        assert not hasattr(await client.get(scripted.url()), "throttled")


async def test_one_plugin_object_for_two_clients(scripted: ScriptedServer) -> None:
    scripted.always(response(b"1"))
    plugin, throttle = HttpThrottle(), Throttle(concurrency=1)
    options: dict[str, Any] = {"autoload": False, "plugins": [plugin], "throttle": throttle, "timeout": 10}
    async with HttpClient(**options) as one, HttpClient(**options) as two:
        for client in (one, two, one, two):
            assert (await client.get(scripted.url())).status_code == 200


def test_without_a_throttle_nothing_is_called() -> None:
    with HttpClient(autoload=False, plugins=["throttle"]) as client:
        assert [(info.name, info.hooks) for info in client.plugins] == [
            ("throttle", ("attached", "disconnected", "pre_request"))
        ] or [info.name for info in client.plugins] == ["throttle"]
        assert client.configuration.run_connected is None
        lines = client.plugins.explain()
    assert "runs for option throttle" in lines


def test_clients_without_a_throttle_import_the_plugin_alone() -> None:
    code = "import hookline, sys; hookline.HttpClient(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    found = {name for name in done.stdout.split() if name.startswith("hookline_throttle")}
    assert found == {"hookline_throttle", "hookline_throttle.plugin"}


async def test_responses_can_be_copied(scripted: ScriptedServer) -> None:
    scripted.always(response(b"1"))
    async with HttpClient(autoload=False, plugins=["throttle"], throttle=Throttle("50/s", concurrency=2)) as client:
        await client.get(scripted.url())
        found = await client.get(scripted.url())
    for other in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert (other.text, other.throttled) == ("1", found.throttled)


def test_names() -> None:
    assert [
        getattr(hookline_throttle, name).__name__ for name in hookline_throttle.__all__
    ] == hookline_throttle.__all__
    assert hookline.Throttle is Throttle
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        hookline_throttle.Nothing  # noqa: B018  # the access is what is tested
