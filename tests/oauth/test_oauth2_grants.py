"""Every grant against a real authorization server."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hookline import ClientClosed, HttpClient
from hookline_oauth import OAuth2, OAuthError, TokenRefused
from servers.addresses import Site
from servers.oauth2_provider import REDIRECT_URI, SECRET, OAuth2Provider

WAYS = [("basic", SECRET, "basic"), ("post", SECRET, "body"), ("public", None, "basic")]


def make(site: Site, way: Any = WAYS[0], **options: Any) -> OAuth2:
    client_id, secret, client_auth = way
    return OAuth2(
        client_id,
        client_secret=secret,
        client_auth=client_auth,
        token_url=site.url("/token"),
        redirect_uri=REDIRECT_URI,
        **options,
    )


async def consent(browser: HttpClient, url: str) -> str:
    """Do what the user does in a browser; gives the URL that the browser is sent back to."""
    answer = await browser.get(url)
    assert answer.status_code == 302, answer.text
    return str(answer.headers["Location"])


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way[0])
async def test_code_grant_with_pkce(
    client2: HttpClient, browser: HttpClient, site2: Site, provider2: OAuth2Provider, way: Any
) -> None:
    auth = make(site2, way, scope=["profile", "mail"])
    url = auth.authorization_url(site2.url("/authorize?ui=dark"), prompt="consent")
    query = parse_qs(urlsplit(url).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["scope"] == ["profile mail"]
    assert (query["ui"], query["prompt"]) == (["dark"], ["consent"])

    token = await auth.fetch_token(client2, await consent(browser, url))

    assert token["token_type"] == "Bearer"
    assert (await client2.get(site2.url("/api"), auth=auth)).status_code == 200
    assert provider2.asked("/token")[0].form["code_verifier"] == auth.code_verifier
    assert await auth.refresh(client2) != token
    assert (await client2.get(site2.url("/api"), auth=auth)).status_code == 200
    assert provider2.count == {"authorization_code": 1, "refresh_token": 1}


async def test_each_flow_has_its_own_state_and_challenge(site2: Site) -> None:
    auth = make(site2)
    queries = [parse_qs(urlsplit(auth.authorization_url(site2.url("/authorize"))).query) for _ in range(2)]
    assert queries[0]["state"] != queries[1]["state"]
    assert queries[0]["code_challenge"] != queries[1]["code_challenge"]


async def test_flow_ends_in_another_object(client2: HttpClient, browser: HttpClient, site2: Site) -> None:
    begun = make(site2)
    back = await consent(browser, begun.authorization_url(site2.url("/authorize")))
    ended = make(site2, state=begun.state, code_verifier=begun.code_verifier)
    assert (await ended.fetch_token(client2, back))["access_token"]


async def test_wrong_state_is_refused(
    client2: HttpClient, browser: HttpClient, site2: Site, provider2: OAuth2Provider
) -> None:
    auth = make(site2)
    with pytest.raises(OAuthError, match="no state to compare"):
        await auth.fetch_token(client2, REDIRECT_URI + "?code=x&state=y")
    back = await consent(browser, auth.authorization_url(site2.url("/authorize")))
    with pytest.raises(OAuthError, match="state") as caught:
        await auth.fetch_token(client2, back.replace("state=", "state=x"))
    assert caught.value.error == "mismatching_state"
    with pytest.raises(OAuthError, match="state"):
        await auth.fetch_token(client2, REDIRECT_URI + "?code=x")
    assert not provider2.asked("/token")


@pytest.mark.parametrize("back", ["http://localhost:8080/cb", "http://[::1]/cb", "com.example.app:/cb", "https://a/cb"])
async def test_redirect_uri_of_an_app_on_this_machine(
    client2: HttpClient, browser: HttpClient, site2: Site, back: str
) -> None:
    auth = make(site2)
    query = (await consent(browser, auth.authorization_url(site2.url("/authorize")))).partition("?")[2]
    assert (await auth.fetch_token(client2, f"{back}?{query}"))["access_token"]


async def test_user_who_refuses_is_an_error(client2: HttpClient, browser: HttpClient, site2: Site) -> None:
    auth = make(site2)
    back = await consent(browser, auth.authorization_url(site2.url("/authorize"), refuse="1"))
    with pytest.raises(OAuthError) as caught:
        await auth.fetch_token(client2, back)
    assert caught.value.error == "access_denied"


async def test_wrong_verifier_and_used_code_are_refused(client2: HttpClient, browser: HttpClient, site2: Site) -> None:
    auth = make(site2)
    back = await consent(browser, auth.authorization_url(site2.url("/authorize")))
    other = make(site2, code_verifier="x" * 43)
    with pytest.raises(TokenRefused) as caught:
        await other.fetch_token(client2, back, state=auth.state)
    assert caught.value.error == "invalid_grant"
    back = await consent(browser, auth.authorization_url(site2.url("/authorize")))
    state = auth.state
    await auth.fetch_token(client2, back)
    with pytest.raises(OAuthError, match="no state to compare"):
        await auth.fetch_token(client2, back)
    with pytest.raises(TokenRefused) as caught:
        await auth.fetch_token(client2, back, state=state)
    assert caught.value.response.status_code == 400


@pytest.mark.parametrize("way", WAYS[:2], ids=lambda way: way[0])
async def test_client_credentials(client2: HttpClient, site2: Site, provider2: OAuth2Provider, way: Any) -> None:
    auth = make(site2, way, scope="read")
    token = await auth.fetch_client_token(client2, audience="the-api")
    assert token["scope"] == "read"
    assert (await client2.get(site2.url("/api"), auth=auth)).status_code == 200
    provider2.revoke()
    assert (await client2.get(site2.url("/api"), auth=auth)).status_code == 200
    assert provider2.count == {"client_credentials": 2}
    assert [seen.form["audience"] for seen in provider2.asked("/token")] == ["the-api"] * 2


async def test_client_credentials_are_asked_for_at_the_first_request(
    client2: HttpClient, site2: Site, provider2: OAuth2Provider
) -> None:
    from oauthlib.oauth2 import BackendApplicationClient

    auth = OAuth2(client=BackendApplicationClient("basic"), client_secret=SECRET, token_url=site2.url("/token"))
    answers = await asyncio.gather(*(client2.get(site2.url("/api"), auth=auth) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert provider2.count == {"client_credentials": 1}
    assert (await auth.fetch_token(client2))["access_token"]


async def test_wrong_client_secret_is_a_clear_error(client2: HttpClient, site2: Site) -> None:
    auth = make(site2, ("basic", "wrong", "basic"))
    with pytest.raises(TokenRefused, match=r"401.*invalid_client") as caught:
        await auth.fetch_client_token(client2)
    assert caught.value.error == "invalid_client"


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way[0])
async def test_device_grant(client2: HttpClient, site2: Site, provider2: OAuth2Provider, way: Any) -> None:
    auth = make(site2, way, scope="tv")
    device = await auth.device_authorization(client2, site2.url("/device"))
    assert device.verification_uri == "https://example.com/activate"
    assert device.verification_uri_complete.endswith(device.user_code)
    assert device.device_code not in repr(device)
    assert provider2.asked("/device")[0].form == {
        "client_id": way[0],
        "scope": "tv",
        **provider2.secret_in_form(way[0]),
    }
    waiting = asyncio.ensure_future(auth.fetch_device_token(client2, device))
    await provider2.until_asked("/token")
    assert not waiting.done()
    provider2.agreed[device.user_code] = True
    assert (await waiting)["scope"] == "tv"
    assert (await client2.get(site2.url("/api"), auth=auth)).status_code == 200


async def test_device_grant_ends_with_the_client(site2: Site, certificates: Any) -> None:
    client = HttpClient(timeout=20, verify=str(certificates.ca_file))
    auth = make(site2)
    device = await auth.device_authorization(client, site2.url("/device"))
    waiting = asyncio.ensure_future(auth.fetch_device_token(client, device))
    await asyncio.sleep(0)
    await client.close()
    with pytest.raises(ClientClosed):
        await asyncio.wait_for(waiting, 5)


async def test_device_grant_refused(client2: HttpClient, site2: Site, provider2: OAuth2Provider) -> None:
    auth = make(site2)
    device = await auth.device_authorization(client2, site2.url("/device"))
    provider2.agreed[device.user_code] = False
    with pytest.raises(TokenRefused) as caught:
        await auth.fetch_device_token(client2, device)
    assert caught.value.error == "access_denied"
    provider2.devices[device.device_code].expires_at = 1.0
    with pytest.raises(TokenRefused) as caught:
        await auth.fetch_device_token(client2, device)
    assert caught.value.error == "expired_token"
