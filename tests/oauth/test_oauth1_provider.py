"""Signatures against oauthlib's own server endpoints."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from hookline import HttpClient, hookimpl
from hookline_oauth import InsecureTransport, OAuth1, OAuthError
from servers.addresses import Site
from servers.oauth1_provider import CLIENT_ID, CLIENT_SECRET, USER_SECRET, USER_TOKEN, OAuth1Provider

pytestmark = pytest.mark.client(timeout=20)


def user(**options: Any) -> OAuth1:
    return OAuth1(
        CLIENT_ID,
        client_secret=CLIENT_SECRET,
        resource_owner_key=USER_TOKEN,
        resource_owner_secret=USER_SECRET,
        **options,
    )


@pytest.fixture(scope="module")
def key_pair() -> tuple[str, str]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return secret.decode(), public.decode()


@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512"])
@pytest.mark.parametrize("place", ["AUTH_HEADER", "QUERY"])
@pytest.mark.parametrize(
    "query",
    ["", "?a=1&b=2", "?a=2&a=1&a=", "?q=r%20b&p=2+q", "?b5=%3D%253D&c%40=&flag", "?x=%E3%80%81~&y=%2F/;p"],
)
async def test_exact_url_is_signed(client: HttpClient, site1: Site, query: str, place: str, method: str) -> None:
    auth = user(signature_method=method, signature_type=place)
    answer = await client.get(site1.url("/r%20v/X" + query), auth=auth)
    assert answer.json()["valid"]
    assert answer.url == site1.url("/r%20v/X" + query)


async def test_query_goes_out_byte_for_byte(client: HttpClient, site1: Site, provider1: OAuth1Provider) -> None:
    query = "?b=%2f&a=%7E~&empty&&a=1+1"
    await client.get(site1.url("/x" + query), auth=user())
    await client.get(site1.url("/x" + query), auth=user(signature_type="QUERY"))
    assert provider1.seen[0][1] == "/x" + query
    assert provider1.seen[1][1].startswith("/x" + query + "&oauth_nonce=")


@pytest.mark.parametrize("place", ["AUTH_HEADER", "QUERY", "BODY"])
@pytest.mark.parametrize(
    "data", [{"a": "1", "b": "x y&z"}, [("a", "2"), ("a", "1"), ("ü", "ö")], b"c2&a3=2+q&raw=%C3%BC", {}]
)
async def test_form_is_signed(
    client: HttpClient, site1: Site, provider1: OAuth1Provider, place: str, data: Any
) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if isinstance(data, bytes) else {}
    answer = await client.post(site1.url("/x?q=1"), data=data, headers=headers, auth=user(signature_type=place))
    assert answer.json()["valid"]
    if isinstance(data, bytes):
        assert provider1.seen[0][3].startswith(data)


@pytest.mark.parametrize("place", ["AUTH_HEADER", "QUERY"])
async def test_other_bodies_are_not_part_of_the_signature(client: HttpClient, site1: Site, place: str) -> None:
    auth = user(signature_type=place)
    assert (await client.post(site1.url("/x"), json={"a": [1]}, auth=auth)).json()["valid"]
    assert (await client.put(site1.url("/x"), data=b"\xff\x00=&", auth=auth)).json()["valid"]


async def test_streamed_body_is_not_read_before_it_is_sent(client: HttpClient, aiohttp_server: Site) -> None:
    begun: list[bool] = []

    class Last:
        """Looks at what the signing left behind."""

        after = ("oauth1",)

        @hookimpl(trylast=True)
        def pre_request(self, response: Any) -> None:
            assert "Authorization" in response.request.unredirected_headers
            begun.append(False)

    def pieces() -> Iterator[bytes]:
        begun.append(True)
        for _ in range(64):
            yield b"x" * 65536

    answer = await client.post(aiohttp_server.url("/upload"), data=pieces(), auth=user(), plugins=[Last()])
    assert begun == [False, True]
    assert answer.json()["size"] == 64 * 65536
    assert answer.request.unredirected_headers["Authorization"].startswith("OAuth ")


async def test_streamed_form_is_refused(client: HttpClient, site1: Site, provider1: OAuth1Provider) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    with pytest.raises(OAuthError, match="streamed"):
        await client.post(site1.url("/x"), data=iter([b"a=1"]), headers=headers, auth=user())
    with pytest.raises(OAuthError, match="places the signature in a form"):
        await client.post(site1.url("/x"), json={}, auth=user(signature_type="BODY"))
    assert not provider1.seen


@pytest.mark.parametrize("method", ["RSA-SHA1", "RSA-SHA256"])
async def test_rsa(
    client: HttpClient, site1: Site, provider1: OAuth1Provider, key_pair: tuple[str, str], method: str
) -> None:
    secret, provider1.store.public_key = key_pair
    auth = user(signature_method=method, rsa_key=secret)
    assert (await client.get(site1.url("/x?a=1"), auth=auth)).json()["valid"]


async def test_plaintext_needs_tls(
    client: HttpClient, site1: Site, tls_site1: Site, provider1: OAuth1Provider, certificates: Any
) -> None:
    auth = user(signature_method="PLAINTEXT")
    with pytest.raises(InsecureTransport, match="OAUTHLIB_INSECURE_TRANSPORT"):
        await client.get(site1.url("/x"), auth=auth)
    assert not provider1.seen
    answer = await client.get(tls_site1.url("/x"), auth=auth, verify=str(certificates.ca_file))
    assert answer.json()["valid"]


async def test_realm_and_own_host_field(client: HttpClient, site1: Site, provider1: OAuth1Provider) -> None:
    answer = await client.get(site1.url("/x"), auth=user(realm='a "b" \\'), headers={"Host": "EXAMPLE.com:80"})
    assert provider1.seen[0][2]["Authorization"].startswith('OAuth realm="a \\"b\\" \\\\", ')
    assert answer.status_code == 200


async def test_wrong_secret_is_401(client: HttpClient, site1: Site) -> None:
    wrong = OAuth1(CLIENT_ID, client_secret="wrong", resource_owner_key=USER_TOKEN)
    assert (await client.get(site1.url("/x"), auth=wrong)).status_code == 401


@pytest.mark.parametrize("place", ["AUTH_HEADER", "QUERY", "BODY"])
async def test_request_that_is_sent_again_is_signed_anew(
    client: HttpClient, site1: Site, provider1: OAuth1Provider, place: str
) -> None:
    class Again:
        @hookimpl
        def post_request(self, response: Any, exc: Any) -> Any:
            return response.request.copy(cause="retry") if len(response.history) < 2 else None

    answer = await client.post(site1.url("/x?q=1"), data={"a": "1"}, auth=user(signature_type=place), plugins=[Again()])
    assert [earlier.json()["valid"] for earlier in [*answer.history, answer]] == [True] * 3
    assert len(provider1.store.nonces) == 3
    assert [body.count(b"oauth_nonce") for *_, body in provider1.seen] == [int(place == "BODY")] * 3
    assert answer.request.body.count(b"oauth_nonce") == int(place == "BODY")


async def test_concurrent_requests_have_different_nonces(client: HttpClient, site1: Site) -> None:
    answers = await asyncio.gather(*(client.get(site1.url("/x"), auth=user()) for _ in range(30)))
    assert all(answer.json()["valid"] for answer in answers)
