"""The plugin alone with core, disabled, unused, and its names."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import hookline
import hookline_cache
from hookline import HttpClient
from hookline_cache import Cache, HttpCache, HttpCacheVary
from hookline_testing.server import ScriptedServer, response

FRESH = [("Cache-Control", "max-age=60")]


@pytest.mark.parametrize("plugins", [["cache"], [HttpCache(), HttpCacheVary()]], ids=["name", "objects"])
async def test_cache_alone_with_core(scripted: ScriptedServer, plugins: list[Any]) -> None:
    scripted.answer(response(b"1", 200, FRESH))
    async with HttpClient(autoload=False, plugins=plugins, cache=Cache()) as client:
        assert [(await client.get(scripted.url())).text for _ in range(2)] == ["1", "1"]


async def test_cache_disabled(scripted: ScriptedServer) -> None:
    scripted.always(response(b"1", 200, FRESH))
    async with HttpClient(disable=["cache"]) as client:
        with pytest.raises(TypeError, match="unexpected keyword 'cache'"):
            await client.get(scripted.url(), cache=False)
        assert not hasattr(await client.get(scripted.url()), "cache_status")
    async with HttpClient(cache=Cache()) as client:
        for _ in range(2):
            assert not (await client.get(scripted.url(), disable=["cache", "cache_vary"])).is_stored
        assert (client.cache.__class__, client.get.__name__) == (Cache, "get")


@pytest.mark.parametrize("plugin", [HttpCache, HttpCacheVary])
def test_plugin_conforms(hookline_conformance: Callable[..., Any], plugin: Any) -> None:
    hookline_conformance(plugin)


async def test_unused_plugin_runs_for_no_request(scripted: ScriptedServer) -> None:
    scripted.always(response(b"1", 200, FRESH))
    async with HttpClient(autoload=False, plugins=["cache", "cache_vary"]) as client:
        found = await client.get(scripted.url())
        assert (found.cache_status, found._on_fast_path, found.request._skips_pre_request) == (None, True, True)
        assert {info.name: info.hooks for info in client.plugins} == {
            "cache": ("pre_request",),
            "cache_vary": ("pre_request",),
        }


def test_clients_without_a_cache_import_the_plugin_alone() -> None:
    code = "import hookline, sys; hookline.HttpClient(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    found = {name for name in done.stdout.split() if name.startswith("hookline_cache")}
    assert found == {"hookline_cache", "hookline_cache.plugin"}


def test_names() -> None:
    assert [getattr(hookline_cache, name).__name__ for name in hookline_cache.__all__] == hookline_cache.__all__
    assert hookline.Cache is Cache
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        hookline_cache.Nothing  # noqa: B018  # the access is what is tested
