"""The plugins alone with core, one of them alone, disabled, replaced, and beside others with their own `auth=`."""

from __future__ import annotations

from typing import Any

import pytest

import hookline
from auth.exchanges import ME, MINE, answers_digest, called, sent, statuses
from hookline import HttpClient, Option, hookimpl
from hookline_auth import AuthError, Basic, BearerAuth, Digest, HTTPBasicAuth, HTTPDigestAuth
from hookline_testing.server import ScriptedServer, response
from kit.recorder import on


@pytest.mark.parametrize("by_name", [True, False])
async def test_auth_alone_with_core(scripted: ScriptedServer, by_name: bool) -> None:
    scripted.respond(answers_digest)
    plugins: list[Any] = ["basic", "digest"] if by_name else [Basic(), Digest()]
    async with HttpClient(autoload=False, plugins=plugins) as client:
        assert [found.name for found in client.plugins] == ["basic", "digest"]
        assert statuses(await client.get(scripted.url(), auth=ME)) == [200]
        assert statuses(await client.get(scripted.url(), auth=HTTPDigestAuth(*ME))) == [401, 200]


async def test_each_of_the_two_alone(scripted: ScriptedServer) -> None:
    scripted.respond(answers_digest)
    async with HttpClient(autoload=False, plugins=[Basic()]) as client:
        assert statuses(await client.get(scripted.url(), auth=ME)) == [200]
        with pytest.raises(TypeError, match="'digest' takes"):
            await client.get(scripted.url(), auth=HTTPDigestAuth(*ME))
    async with HttpClient(autoload=False, plugins=[Digest()]) as client:
        assert statuses(await client.get(scripted.url(), auth=HTTPDigestAuth(*ME))) == [401, 200]
        with pytest.raises(TypeError, match="'basic' takes the rest"):
            await client.get(scripted.url(), auth=ME)


async def test_auth_disabled(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient(disable=["auth"]) as client:
        assert {"basic", "digest"}.isdisjoint(found.name for found in client.plugins)
        with pytest.raises(TypeError, match=r"disabled|no plugin takes"):
            await client.get(scripted.url(), auth=ME)
        await client.get(scripted.url().replace("//", "//me:p4ss@"))
    async with HttpClient(auth=ME) as client:
        await client.get(scripted.url(), disable=["auth"])
        await client.get(scripted.url())
        with pytest.raises(TypeError):
            await client.get(scripted.url(), disable=["auth"], auth=ME)
    assert sent(scripted) == [None, None, MINE]


async def test_digest_disabled(scripted: ScriptedServer) -> None:
    scripted.respond(answers_digest)
    async with HttpClient(disable=["digest"]) as client:
        assert statuses(await client.get(scripted.url(), auth=ME)) == [200]
        with pytest.raises(TypeError, match="'digest' takes, and it is not loaded"):
            await client.get(scripted.url(), auth=HTTPDigestAuth(*ME))
    async with HttpClient(auth=HTTPDigestAuth(*ME)) as client:
        assert statuses(await client.get(scripted.url(), disable=["digest"])) == [401]
        assert statuses(await client.get(scripted.url())) == [401, 200]


class Keyed:
    """Sends a key, and knows nothing else."""

    name = "keyed"
    replaces = ("basic", "digest")

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option("auth", None, convert=str, accepts=(str,), doc="a key")]

    @hookimpl(trylast=True)
    def pre_request(self, response: Any) -> None:
        if response.request.auth is not None:
            response.request.unredirected_headers["Authorization"] = f"Key {response.request.auth}"


async def test_auth_replaced(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient(plugins=[Keyed()], auth="abc") as client:
        assert {"basic", "digest"}.isdisjoint(found.name for found in client.plugins)
        await client.get(scripted.url())
    assert sent(scripted) == ["Key abc"]


class Stamp:
    """What another plugin takes as `auth=`."""

    def __call__(self, response: Any) -> None:
        raise AssertionError("the other plugin's")


class Stamps:
    name = "stamps"

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option("auth", None, accepts=(Stamp,), doc="a stamp")]

    @hookimpl(trylast=True)
    def pre_request(self, response: Any) -> None:
        if response.request.owner("auth") == self.name:
            response.request.unredirected_headers["Authorization"] = "Stamp"


async def test_name_is_shared_with_another_plugin(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient(plugins=[Stamps()]) as client:
        for auth in (Stamp(), ME, called, HTTPDigestAuth(*ME)):
            await client.get(scripted.url(), auth=auth)
    assert sent(scripted) == ["Stamp", MINE, "Called 1", None]


def test_entries_and_exported_names() -> None:
    with HttpClient() as client:
        found = {plugin.name: plugin for plugin in client.plugins}
    assert found["basic"].distribution == found["digest"].distribution == "hookline-auth"
    assert hookline.HTTPDigestAuth is HTTPDigestAuth
    assert hookline.HTTPBasicAuth is HTTPBasicAuth
    assert hookline.BearerAuth is BearerAuth
    assert hookline.AuthError is AuthError


def test_signing_comes_last_whatever_is_installed() -> None:
    with HttpClient(plugins=[on("pre_request", lambda self, response: None, "zzz")]) as client:
        names = [name for name, _ in client.plugins.order("pre_request")]
    assert max(names.index("zzz"), names.index("basic")) < names.index("digest")
    assert names.index("zzz") < names.index("basic")
