"""Secrets of OAuth for tests, and a check whether data contains one of them."""

from typing import Any

from hookline_oauth import OAuth1, OAuth2
from hookline_testing.server import response

CLIENT_SECRET, TOKEN, TOKEN_SECRET = "client-s3cret", "user-t0ken", "token-s3cret"
TOKENS = {"access_token": "acc3ss-token", "refresh_token": "r3fresh-token"}
SECRETS = [CLIENT_SECRET, TOKEN, TOKEN_SECRET, *TOKENS.values()]


def oauth1(place: str = "AUTH_HEADER") -> OAuth1:
    return OAuth1(
        "id",
        client_secret=CLIENT_SECRET,
        resource_owner_key=TOKEN,
        resource_owner_secret=TOKEN_SECRET,
        signature_type=place,
    )


def oauth2(**options: Any) -> OAuth2:
    return OAuth2("id", token=TOKENS, client_secret=CLIENT_SECRET, **options)


def moved(location: str, status: int = 307) -> bytes:
    return response(b"", status, [("Location", location)])


def holds_secret(data: bytes | str) -> bool:
    text = data.decode("latin-1") if isinstance(data, bytes) else data
    return any(secret in text for secret in SECRETS) or "oauth_" in text
