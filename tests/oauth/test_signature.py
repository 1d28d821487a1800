"""The base string and its parts, after the vectors of RFC 5849."""

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from oauthlib.oauth1 import Client
from oauthlib.oauth2 import WebApplicationClient

from hookline_oauth import OAuth2
from hookline_oauth.forms import append_to_form, parse_form, percent_encode
from hookline_oauth.signature import authorization_value, base_string_uri, signature_base_string

_ROOT = Path(__file__).parents[2]
_FILE = _ROOT / (os.environ.get("HOOKLINE_CONFORMANCE") or "../shared/conformance") / "auth_vectors.json"
pytestmark = pytest.mark.conformance


def cases(key: str) -> list[Any]:
    """One pytest parameter per vector, or one that is skipped where there is no data."""
    if not _FILE.is_file():
        return [pytest.param({}, marks=pytest.mark.skip(reason="no conformance data: set HOOKLINE_CONFORMANCE"))]
    return list(json.loads(_FILE.read_text(encoding="utf-8"))[key])


@pytest.mark.parametrize("case", [case for case in cases("oauth1") if not case or "params" in case])
def test_signature_vector(case: dict[str, Any]) -> None:
    parameters = [(name, value) for name, value in case["params"]]
    text = signature_base_string(case["method"], case["url"], reversed(parameters))
    assert text == case["base_string"]
    client = Client("x", client_secret=case["client_secret"], resource_owner_secret=case["token_secret"])
    assert client.SIGNATURE_METHODS["HMAC-SHA1"](text, client) == case["signature"]


@pytest.mark.parametrize("case", [case for case in cases("oauth1") if not case or "params" not in case])
def test_base_string_of_query_and_form(case: dict[str, Any]) -> None:
    request, _, form = case["request"].partition("; body ")
    method, target, _ = request.split(" ")
    path, _, query = target.partition("?")
    protocol = {
        "oauth_consumer_key": "9djdj82h48djs9d2",
        "oauth_token": "kkk9d7dh3k39sjv7",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": "137131201",
        "oauth_nonce": "7d8f3e4a",
    }
    parameters = [*parse_form(query), *parse_form(form), *protocol.items()]
    assert (
        signature_base_string(method, base_string_uri("http", "example.com", path), parameters) == case["base_string"]
    )


@pytest.mark.parametrize("case", cases("oauth1_base_uri"))
def test_base_uri_vector(case: dict[str, Any]) -> None:
    path = case["request_uri"].partition("?")[0]
    assert base_string_uri(case.get("scheme", "http"), case["host"], path) == case["base_uri"]


@pytest.mark.parametrize("case", cases("oauth1_encoding"))
def test_encoding_vector(case: dict[str, Any]) -> None:
    assert percent_encode(case["raw"]) == case["encoded"]


def test_pkce_vector() -> None:
    if not _FILE.is_file():
        pytest.skip("no conformance data: set HOOKLINE_CONFORMANCE")
    case = json.loads(_FILE.read_text(encoding="utf-8"))["pkce"]
    assert WebApplicationClient("id").create_code_challenge(case["verifier"], "S256") == case["challenge"]
    auth = OAuth2("id")
    query = dict(parse_form(urlsplit(auth.authorization_url("https://example.com/")).query))
    digest = hashlib.sha256((auth.code_verifier or "").encode()).digest()
    assert query["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_vectors_are_complete() -> None:
    if not _FILE.is_file():
        pytest.skip("no conformance data: set HOOKLINE_CONFORMANCE")
    assert [len(cases(key)) for key in ("oauth1", "oauth1_base_uri", "oauth1_encoding")] == [4, 2, 8]


def test_websocket_is_signed_as_http() -> None:
    assert base_string_uri("wss", "Example.com:443", "") == "https://example.com/"
    assert base_string_uri("ws", "[::1]:8080", "/x") == "http://[::1]:8080/x"


def test_bytes_that_are_no_utf8_stay() -> None:
    assert [percent_encode(value) for _, value in parse_form("a=%FF&b=%C3%BC")] == ["%FF", "%C3%BC"]


def test_placements() -> None:
    assert authorization_value([("oauth_token", "a b")], None) == 'OAuth oauth_token="a%20b"'
    assert append_to_form("", [("a", "+")]) == "a=%2B"
    assert append_to_form("x&&y=", [("a", "1"), ("b", "")]) == "x&&y=&a=1&b="
