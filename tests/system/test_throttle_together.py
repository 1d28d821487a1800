"""The throttle beside the other plugins: what takes a token and a slot, and where."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from hookline import HttpClient, HttpProxyError, HttpTimeout
from hookline_auth import HTTPDigestAuth
from hookline_cache import Cache
from hookline_oauth import OAuth2
from hookline_testing.server import ScriptedServer, SeenRequest, response
from hookline_throttle import Throttle

FRESH = [("Cache-Control", "max-age=60")]


def under_way(throttle: Throttle) -> int:
    return sum(len(state.under_way) for state in throttle.limits._keys.values())


async def test_throttle_is_loaded_with_the_default_plugins_only_if_it_is_named() -> None:
    assert "throttle" not in HttpClient(autoload="default").plugins
    assert "throttle" in HttpClient(autoload="default", plugins=["throttle"], throttle=Throttle()).plugins


@pytest.mark.parametrize("vary", [[], [("Vary", "Cookie")]], ids=["early", "late"])
async def test_hit_takes_no_token(scripted: ScriptedServer, vary: list[tuple[str, str]]) -> None:
    scripted.answer(response(b"1", 200, [*FRESH, *vary]))
    throttle = Throttle("1/h", burst=2, concurrency=1)
    async with HttpClient(cache=Cache(), throttle=throttle, cookies={"id": "1"}, timeout=20) as client:
        found = [await client.get(scripted.url()) for _ in range(6)]
        assert [each.is_stored for each in found] == [False, *[True] * 5]
        assert under_way(throttle) == 0
        scripted.answer(response(b"2"))
        assert (await client.get(scripted.url("/other"))).text == "2"  # the second token is still there
        with pytest.raises(HttpTimeout):
            await client.get(scripted.url("/third"), timeout=0.1)


async def test_validation_takes_a_token(scripted: ScriptedServer) -> None:
    stale = [("Cache-Control", "no-cache"), ("ETag", '"1"')]
    scripted.answer(response(b"1", 200, stale), response(b"", 304, stale))
    async with HttpClient(cache=Cache(), throttle=Throttle("1/h", burst=2), timeout=20) as client:
        assert [(await client.get(scripted.url())).text for _ in range(2)] == ["1", "1"]
        with pytest.raises(HttpTimeout):
            await client.get(scripted.url(), timeout=0.1)


@pytest.mark.parametrize("hops", [1, 2])
async def test_redirects_take_tokens(scripted: ScriptedServer, hops: int) -> None:
    scripted.answer(*[response(b"", 302, [("Location", "/next")])] * hops, response(b"ok"))
    throttle = Throttle("1/h", burst=2, concurrency=1)
    async with HttpClient(throttle=throttle, timeout=20) as client:
        if hops == 1:
            assert (await client.get(scripted.url())).text == "ok"
        else:
            with pytest.raises(HttpTimeout):
                await client.get(scripted.url(), timeout=0.2)
    assert under_way(throttle) == 0


async def test_challenge_is_answered_with_one_slot(scripted: ScriptedServer) -> None:
    challenge = [("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')]
    scripted.answer(response(b"", 401, challenge), response(b"ok"))
    throttle = Throttle(concurrency=1)
    async with HttpClient(throttle=throttle, auth=HTTPDigestAuth("ann", "secret"), timeout=20) as client:
        assert (await client.get(scripted.url())).text == "ok"
    assert under_way(throttle) == 0


async def test_token_of_the_same_origin_needs_no_second_slot(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")

    def answer(request: SeenRequest) -> bytes:
        if request.target == "/token":
            body = json.dumps({"access_token": "t", "token_type": "Bearer", "expires_in": 3600}).encode()
            return response(body, 200, [("Content-Type", "application/json")])
        return response(b"ok")

    scripted.respond(answer)
    old = {"access_token": "old", "refresh_token": "r", "expires_at": 1, "token_type": "Bearer"}
    auth = OAuth2("id", client_secret="secret", token=old, token_url=scripted.url("/token"))
    throttle = Throttle(concurrency=1)
    async with HttpClient(throttle=throttle, auth=auth, timeout=20) as client, asyncio.timeout(10):
        found = await asyncio.gather(*(client.get(scripted.url()) for _ in range(4)))
    assert [each.text for each in found] == ["ok"] * 4
    assert [each.target for each in scripted.requests].count("/token") == 1
    assert under_way(throttle) == 0


async def test_connect_counts_at_the_proxy(make_scripted: Any) -> None:
    proxy = make_scripted()
    proxy.always(response(b"no", 403))
    throttle = Throttle(concurrency=1)
    async with HttpClient(throttle=throttle, proxies={"all": proxy.url()}, timeout=20) as client:
        with pytest.raises(HttpProxyError):
            await client.get("https://a.test/")
    assert [key[1] for key in throttle.limits._keys] == ["a.test", "127.0.0.1"]
    assert under_way(throttle) == 0
