"""The three steps of OAuth 1 against oauthlib's own server endpoints."""

from typing import Any

import pytest

from hookline import HttpClient
from hookline_oauth import InsecureTransport, OAuth1, OAuthError, TokenRefused
from hookline_testing.server import ScriptedServer, response
from servers.addresses import Site
from servers.oauth1_provider import CLIENT_ID, CLIENT_SECRET, OAuth1Provider

pytestmark = pytest.mark.client(timeout=20, trusts_test_ca=True)

CALLBACK = "https://client.example/ready?x=1"


@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256", "PLAINTEXT"])
@pytest.mark.parametrize("place", ["AUTH_HEADER", "QUERY", "BODY"])
async def test_three_legs(
    client: HttpClient, browser: HttpClient, tls_site1: Site, provider1: OAuth1Provider, place: str, method: str
) -> None:
    site = tls_site1
    if method == "PLAINTEXT" and place != "AUTH_HEADER":
        provider1.store.client_secret = "plain"  # oauthlib's server decodes the parameters there twice
    auth = OAuth1(
        CLIENT_ID,
        client_secret=provider1.store.client_secret,
        callback_uri=CALLBACK,
        signature_method=method,
        signature_type=place,
    )
    first = await auth.fetch_request_token(client, site.url("/initiate"))
    assert first["oauth_callback_confirmed"] == "true"
    url = auth.authorization_url(site.url("/authorize?ui=1"), lang="de")
    assert url.startswith(site.url("/authorize?ui=1&oauth_token="))
    assert url.endswith("&lang=de")
    back = await browser.get(url)  # what the user's browser does

    token = await auth.fetch_access_token(client, site.url("/token"), authorization_response=back.headers["Location"])

    assert provider1.store.access_tokens[token["oauth_token"]] == token["oauth_token_secret"]
    data = {"a": "1"}
    answer = await client.post(site.url("/photos?size=1"), data=data, auth=auth)
    assert answer.json()["valid"]
    sent = f"{provider1.seen[-1]}"
    assert "oauth_callback" not in sent
    assert "oauth_verifier" not in sent


async def test_verifier_that_the_user_types(
    client: HttpClient, browser: HttpClient, tls_site1: Site, provider1: OAuth1Provider
) -> None:
    auth = OAuth1(CLIENT_ID, client_secret=CLIENT_SECRET)
    first = await auth.fetch_request_token(client, tls_site1.url("/initiate"))
    assert provider1.store.request_tokens[first["oauth_token"]]["callback"] == "oob"
    await browser.get(auth.authorization_url(tls_site1.url("/authorize")))
    verifier = provider1.store.request_tokens[first["oauth_token"]]["verifier"]
    token = await auth.fetch_access_token(client, tls_site1.url("/token"), verifier=verifier)
    assert (await client.get(tls_site1.url("/x"), auth=auth)).status_code == 200
    assert token["oauth_token"] in provider1.store.access_tokens


def test_three_legs_in_synchronous_mode(tls_site1: Site, provider1: OAuth1Provider, certificates: Any) -> None:
    auth = OAuth1(CLIENT_ID, client_secret=CLIENT_SECRET)
    with HttpClient(timeout=20, verify=str(certificates.ca_file), auth=auth) as client:
        first = auth.fetch_request_token(client, tls_site1.url("/initiate"))
        with HttpClient(verify=str(certificates.ca_file), autoload=False) as browser:
            browser.get(auth.authorization_url(tls_site1.url("/authorize")))
        verifier = provider1.store.request_tokens[first["oauth_token"]]["verifier"]
        auth.fetch_access_token(client, tls_site1.url("/token"), verifier=verifier)
        assert client.get(tls_site1.url("/x")).json()["valid"]


async def test_refusals_are_clear(client: HttpClient, tls_site1: Site, site1: Site) -> None:
    wrong = OAuth1(CLIENT_ID, client_secret="not-the-right-one")
    with pytest.raises(TokenRefused, match="401") as caught:
        await wrong.fetch_request_token(client, tls_site1.url("/initiate"))
    assert caught.value.response.status_code == 401
    auth = OAuth1(CLIENT_ID, client_secret=CLIENT_SECRET)
    with pytest.raises(OAuthError, match="no request token yet"):
        auth.authorization_url(tls_site1.url("/authorize"))
    with pytest.raises(OAuthError, match="needs a request token"):
        await auth.fetch_access_token(client, tls_site1.url("/token"), verifier="x")
    with pytest.raises(InsecureTransport):
        await auth.fetch_request_token(client, site1.url("/initiate"))
    await auth.fetch_request_token(client, tls_site1.url("/initiate"))
    with pytest.raises(OAuthError, match="another request token"):
        await auth.fetch_access_token(
            client, tls_site1.url("/token"), authorization_response=CALLBACK + "&oauth_token=other&oauth_verifier=v"
        )
    with pytest.raises(TokenRefused):
        await auth.fetch_access_token(client, tls_site1.url("/token"), verifier="wrong-verifier")


@pytest.mark.usefixtures("insecure")
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"oauth_token=a&oauth_token_secret=b", "did not confirm the callback"),
        (b"oauth_token=a", "holds no oauth_token and oauth_token_secret"),
        (b"\xff\xfe" * 100, "holds no oauth_token and oauth_token_secret"),
    ],
)
async def test_answers_that_are_no_request_token(
    client: HttpClient, scripted: ScriptedServer, body: bytes, message: str
) -> None:
    scripted.answer(response(body))
    with pytest.raises(TokenRefused, match=message):
        await OAuth1("id", client_secret="s3cret-s3cret").fetch_request_token(client, scripted.url("/initiate"))


@pytest.mark.usefixtures("insecure")
async def test_credentials_do_not_follow_a_redirect(client: HttpClient, make_scripted: Any) -> None:
    own, other = make_scripted(), make_scripted()
    own.answer(response(b"", 307, [("Location", other.url("/"))]))
    with pytest.raises(TokenRefused, match="are not sent after a redirect"):
        await OAuth1("id", client_secret="s").fetch_request_token(client, own.url("/initiate"))
    assert not other.requests
