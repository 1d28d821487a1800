"""Renewal against a real authorization server: before the end, once on 401, and one at a time."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from hookline import BodyNotRepeatable, HttpClient, HttpConnectionError, HttpTimeout
from hookline_oauth import OAuth2, OAuthError, TokenExpired, TokenRefused
from servers.addresses import Site
from servers.oauth2_provider import SECRET, Grant, OAuth2Provider


@pytest.fixture
def make(site2: Site, provider2: OAuth2Provider) -> Callable[..., OAuth2]:
    """An OAuth2 with a token that the provider knows. life: seconds that it has left."""

    def made(life: float = 3600, **options: Any) -> OAuth2:
        provider2.tokens.append(
            Grant("basic", user="x", access_token="first-access", refresh_token="first-refresh", scope="s")
        )
        token = {
            "access_token": "first-access",
            "refresh_token": "first-refresh",
            "expires_at": time.time() + life,
            "scope": "s",
        }
        options = {"token_url": site2.url("/token"), "client_secret": SECRET, **options}
        return OAuth2("basic", token=token, **options)

    return made


async def test_token_is_renewed_before_its_end(
    client2: HttpClient, site2: Site, provider2: OAuth2Provider, make: Any
) -> None:
    auth = make(life=20)
    answer = await client2.get(site2.url("/api"), auth=auth)
    assert (answer.status_code, answer.history) == (200, [])
    assert [seen.path for seen in provider2.seen] == ["/token", "/api"]
    assert auth.token["refresh_token"] != "first-refresh"
    assert auth.token["expires_at"] > time.time() + 3000
    await client2.get(site2.url("/api"), auth=auth)
    assert provider2.count == {"refresh_token": 1}


async def test_token_that_lives_a_second_is_renewed_by_the_clock(
    client2: HttpClient, site2: Site, provider2: OAuth2Provider, make: Any
) -> None:
    auth = make(life=1)
    provider2.lifetime = 1
    for _ in range(3):
        answer = await client2.get(site2.url("/api"), auth=auth)
        assert (answer.status_code, answer.history) == (200, [])
        await asyncio.sleep(1.05)  # the server's clock and ours go on
    assert provider2.count == {"refresh_token": 3}


async def test_token_is_renewed_once_on_401(
    client2: HttpClient, site2: Site, provider2: OAuth2Provider, make: Any
) -> None:
    auth = make()
    provider2.revoke()
    answer = await client2.post(site2.url("/api"), data=b"abc", auth=auth)
    assert answer.json() == {"length": 3}
    assert [earlier.status_code for earlier in answer.history] == [401]
    assert answer.request.cause == "auth"
    assert [seen.path for seen in provider2.seen] == ["/api", "/token", "/api"]


@pytest.mark.parametrize("life", [20, 3600])
async def test_fifty_requests_at_once_renew_once(
    client2: HttpClient, site2: Site, provider2: OAuth2Provider, make: Any, life: float
) -> None:
    auth = make(life)
    provider2.revoke()
    provider2.delay = 0.1
    answers = await asyncio.gather(*(client2.get(site2.url("/api"), auth=auth) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert provider2.count == {"refresh_token": 1}
    assert len(provider2.asked("/token")) == 1


async def test_401_again_goes_to_the_caller(
    client2: HttpClient, site2: Site, provider2: OAuth2Provider, make: Any
) -> None:
    auth = make()
    provider2.lifetime = -60  # what it gives has expired already
    provider2.revoke()
    answer = await client2.get(site2.url("/api"), auth=auth)
    assert answer.status_code == 401
    assert len(answer.history) == 1
    assert len(provider2.asked("/api")) == 2


async def test_revoked_refresh_token_is_a_clear_error(
    client2: HttpClient, site2: Site, provider2: OAuth2Provider, make: Any
) -> None:
    auth = make()
    provider2.revoke(refresh_tokens=True)
    for _ in range(2):
        with pytest.raises(TokenRefused, match="revoked or has expired: the user has to agree anew") as caught:
            await client2.get(site2.url("/api"), auth=auth)
    assert caught.value.error == "invalid_grant"
    assert caught.value.response.status_code == 400
    answers = await asyncio.gather(
        *(client2.get(site2.url("/api"), auth=auth) for _ in range(10)), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {TokenRefused}


async def test_401_without_a_way_to_renew_goes_to_the_caller(
    client2: HttpClient, site2: Site, provider2: OAuth2Provider
) -> None:
    answer = await client2.get(site2.url("/api"), auth=OAuth2(token="revoked"))
    assert (answer.status_code, answer.history) == (401, [])
    assert "invalid_token" in answer.headers["WWW-Authenticate"]


async def test_expired_token_without_a_way_to_renew_is_a_clear_error(
    client2: HttpClient, site2: Site, provider2: OAuth2Provider, make: Any
) -> None:
    with pytest.raises(TokenExpired, match="has expired, and cannot be renewed"):
        await client2.get(site2.url("/api"), auth=make(life=-1, token_url=None))
    with pytest.raises(TokenExpired, match="cannot be renewed"):
        await OAuth2(token="x").refresh(client2)
    with pytest.raises(OAuthError, match="no token yet"):
        await client2.get(site2.url("/api"), auth=OAuth2("basic"))
    assert not provider2.seen


async def test_cancelled_renewer_does_not_harm_those_who_wait(
    client2: HttpClient, site2: Site, provider2: OAuth2Provider, make: Any
) -> None:
    auth = make(life=1)
    provider2.delay = 0.5
    first = asyncio.ensure_future(client2.get(site2.url("/api"), auth=auth))
    await provider2.until_asked("/token")
    others = [asyncio.ensure_future(client2.get(site2.url("/api"), auth=auth)) for _ in range(5)]
    await asyncio.sleep(0.05)
    first.cancel()
    others[0].cancel()
    answers = await asyncio.gather(*others[1:])
    assert {answer.status_code for answer in answers} == {200}
    assert provider2.count == {"refresh_token": 1}
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_short_timeout_of_the_renewer_does_not_harm_those_who_wait(
    client2: HttpClient, site2: Site, provider2: OAuth2Provider, make: Any
) -> None:
    auth = make(life=1)
    provider2.delay = 0.5
    first = asyncio.ensure_future(client2.get(site2.url("/api"), auth=auth, timeout=0.2))
    await provider2.until_asked("/token")
    second = client2.get(site2.url("/api"), auth=auth)
    assert (await second).status_code == 200
    with pytest.raises(HttpTimeout):
        await first
    assert provider2.count == {"refresh_token": 1}


async def test_one_object_serves_two_clients(
    client2: HttpClient, site2: Site, provider2: OAuth2Provider, make: Any, certificates: Any
) -> None:
    auth = make(life=1)
    provider2.delay = 0.1
    async with HttpClient(verify=str(certificates.ca_file), auth=auth) as other:
        calls = [client.get(site2.url("/api"), auth=auth) for client in (client2, other) for _ in range(5)]
        answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {200}
    assert provider2.count == {"refresh_token": 1}


def test_one_object_serves_one_loop_after_the_other(
    site2: Site, provider2: OAuth2Provider, make: Any, certificates: Any
) -> None:
    auth = make(life=1)

    async def get(seconds: float) -> int:
        async with HttpClient(verify=str(certificates.ca_file), timeout=10) as client:
            async with asyncio.timeout(seconds):
                return int((await client.get(site2.url("/api"), auth=auth)).status_code)

    provider2.delay = 0.5
    with pytest.raises(TimeoutError):
        asyncio.run(get(0.2))  # the loop ends while the renewal is under way
    with provider2.lock:  # the provider is done with it
        provider2.tokens[0].refresh_token = "first-refresh"  # whether it was used up meanwhile or not
    provider2.delay = 0
    assert asyncio.run(get(10)) == 200
    assert asyncio.run(get(10)) == 200


def test_two_loops_in_two_threads_renew_once(
    site2: Site, provider2: OAuth2Provider, make: Any, certificates: Any
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    auth = make(life=1)
    provider2.delay = 0.3

    async def get() -> set[int]:
        async with HttpClient(verify=str(certificates.ca_file), timeout=10) as client:
            answers = await asyncio.gather(*(client.get(site2.url("/api"), auth=auth) for _ in range(5)))
            return {answer.status_code for answer in answers}

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: asyncio.run(get()), range(3)))
    assert found == [{200}] * 3
    assert provider2.count == {"refresh_token": 1}


def test_synchronous_mode(site2: Site, provider2: OAuth2Provider, make: Any, certificates: Any) -> None:
    auth = make(life=1)
    with HttpClient(verify=str(certificates.ca_file), timeout=10, auth=auth) as client:
        assert client.get(site2.url("/api")).status_code == 200
        provider2.revoke()
        answer = client.get(site2.url("/api"))
        assert (answer.status_code, len(answer.history)) == (200, 1)
        assert auth.refresh(client)["access_token"] == auth.token["access_token"]
        assert auth.fetch_client_token(client)["access_token"]
    assert provider2.count == {"refresh_token": 3, "client_credentials": 1}


async def test_streamed_response_of_the_401_is_not_handed_out(
    client2: HttpClient, site2: Site, provider2: OAuth2Provider, make: Any
) -> None:
    auth = make()
    provider2.revoke()
    async with await client2.get(site2.url("/api"), auth=auth, stream=True) as answer:
        assert answer.status_code == 200
        assert await answer.raw.read() == b'{"length":0}\n'


async def test_body_that_is_gone_is_a_clear_error(
    client2: HttpClient, site2: Site, provider2: OAuth2Provider, make: Any
) -> None:
    auth = make()
    provider2.revoke()
    with pytest.raises(BodyNotRepeatable) as caught:
        await client2.post(site2.url("/api"), data=iter([b"abc"]), auth=auth)
    assert caught.value.response.status_code == 401
    answer = await client2.post(site2.url("/api"), data=iter([b"abc"]), auth=auth)
    assert (answer.json(), answer.history) == ({"length": 3}, [])


async def test_token_updater_gets_each_new_token(
    client2: HttpClient, site2: Site, provider2: OAuth2Provider, make: Any
) -> None:
    kept: list[dict[str, Any]] = []

    async def keep(token: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        kept.append(token)

    for updater in (kept.append, keep):
        auth = make(life=1, token_updater=updater)
        await asyncio.gather(*(client2.get(site2.url("/api"), auth=auth) for _ in range(5)))
        assert kept.pop() == auth.token
        assert not kept
        provider2.tokens.clear()


async def test_token_updater_may_use_the_client_and_holds_nobody_up(
    client2: HttpClient, site2: Site, provider2: OAuth2Provider, make: Any
) -> None:
    gate = asyncio.Event()
    statuses: list[int] = []

    async def keep(token: dict[str, Any]) -> None:
        statuses.append((await client2.get(site2.url("/api"), auth=auth)).status_code)
        await gate.wait()

    auth = make(life=1, token_updater=keep)
    first = asyncio.ensure_future(client2.get(site2.url("/api"), auth=auth))
    await provider2.until_asked("/token")
    async with asyncio.timeout(5):
        assert (await client2.get(site2.url("/api"), auth=auth)).status_code == 200  # while the updater still waits
    assert not first.done()
    gate.set()
    assert (await first).status_code == 200
    assert statuses == [200]


async def test_error_of_the_token_updater_goes_to_who_renewed(client2: HttpClient, site2: Site, make: Any) -> None:
    def fail(token: Any) -> None:
        raise LookupError("the disk is full")

    auth = make(life=1, token_updater=fail)
    with pytest.raises(LookupError, match="the disk is full"):
        await client2.get(site2.url("/api"), auth=auth)
    assert (await client2.get(site2.url("/api"), auth=auth)).status_code == 200


async def test_token_endpoint_that_cannot_be_reached(client2: HttpClient, site2: Site, make: Any) -> None:
    auth = make(life=1, token_url="https://127.0.0.1:1/token")
    answers = await asyncio.gather(
        *(client2.get(site2.url("/api"), auth=auth) for _ in range(3)), return_exceptions=True
    )
    assert all(isinstance(answer, HttpConnectionError) for answer in answers)


async def test_renewal_finds_room_in_a_pool_of_one(
    site2: Site, provider2: OAuth2Provider, make: Any, certificates: Any
) -> None:
    auth = make()
    provider2.revoke()
    provider2.padding = 300_000  # more than is drained of a 401
    async with (
        HttpClient(verify=str(certificates.ca_file), timeout=10, pool_size=1) as client,
        await client.get(site2.url("/api"), auth=auth, stream=True) as answer,
    ):
        assert answer.status_code == 200
