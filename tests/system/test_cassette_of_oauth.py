"""Whole flows of OAuth on a cassette: no secret stands in it, and it is replayed without the provider."""

import json
from urllib.parse import parse_qs, quote

import pytest

from hookline import HttpClient
from hookline_oauth import OAuth1
from hookline_testing import Cassette
from servers.oauth1_provider import CLIENT_ID, CLIENT_SECRET, OAuth1Provider
from servers.wsgi import wsgi_site


@pytest.mark.parametrize("method", ["HMAC-SHA1", "PLAINTEXT"])
@pytest.mark.parametrize("place", ["AUTH_HEADER", "QUERY", "BODY"])
async def test_three_legs_of_oauth_1(tmp_path, certificates, place, method):
    provider = OAuth1Provider()
    client_secret = CLIENT_SECRET
    if method == "PLAINTEXT":
        client_secret = provider.store.client_secret = "plain"  # see tests/oauth/test_oauth1_flow.py
    path = tmp_path / "flow.har"

    async def flow(url):
        auth = OAuth1(
            CLIENT_ID, client_secret=client_secret, callback_uri="https://client.example/ready", signature_type=place,
            signature_method=method,
        )  # fmt: skip
        async with HttpClient(timeout=20, verify=certificates.ca_file) as client:
            first = await auth.fetch_request_token(client, url("/initiate"))
            back = await client.get(auth.authorization_url(url("/authorize")), allow_redirects=False)
            location = back.headers["Location"]
            token = await auth.fetch_access_token(client, url("/token"), authorization_response=location)
            answer = await client.post(url("/photos"), data={"a": "1"}, auth=auth)
        return [
            *first.values(),
            *token.values(),
            *parse_qs(location.partition("?")[2])["oauth_verifier"],
            answer.json()["valid"],
        ]

    with wsgi_site(provider, certificates.server_context()) as site:
        with Cassette(path):
            live = await flow(site.url)
        url = site.url
    with Cassette(path, record="none") as cassette:
        assert (await flow(url))[-1] is True
        assert cassette.unused == []

    text = path.read_text()
    secrets = [value for value in live if isinstance(value, str) and value not in ("", "true")]
    assert len(secrets) >= 5
    assert [value for value in secrets if value in text or quote(value, safe="") in text] == []
    assert f"{client_secret}%26" not in text
    assert json.loads(text)["log"]["entries"]
